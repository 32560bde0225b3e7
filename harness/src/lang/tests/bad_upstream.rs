//! Scripts that packetdrill refuses, by its grammar or by its semantic checks, or that use what only we have.

use super::check_error;

#[test]
fn time_backwards() {
    check_error(
        r#"
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
2 close(3) = 0
1 close(3) = 0
"#,
        r#"
error: time goes backwards, from 2 to 1
 --> suite/tcp/t.pkt:3:1
  |
3 | 1 close(3) = 0
  | ^^^^^^^^^^^^^^
  = `+TIME` counts from the event before
"#,
    );
}

#[test]
fn negative_time() {
    check_error(
        r#"
0 close(3) = 0
-1 close(3) = 0
"#,
        r#"
error: negative time
 --> suite/tcp/t.pkt:2:1
  |
2 | -1 close(3) = 0
  | ^^
"#,
    );
}

#[test]
fn late_first_event() {
    check_error(
        r#"
1 close(3) = 0
"#,
        r#"
error: the first event is not at time 0
 --> suite/tcp/t.pkt:1:1
  |
1 | 1 close(3) = 0
  | ^^^^^^^^^^^^^^
  = packetdrill's scripts begin at `0` or `+0`
"#,
    );
}

#[test]
fn backwards_range() {
    check_error(
        r#"
0 close(3) = 0
+2~+1 > R 1:1(0)
"#,
        r#"
error: this time range is backwards
 --> suite/tcp/t.pkt:2:1
  |
2 | +2~+1 > R 1:1(0)
  | ^^^^^
"#,
    );
}

#[test]
fn star_on_a_stimulus() {
    check_error(
        r#"
0 close(3) = 0
* < R 1:1(0) win 0
"#,
        r#"
error: the time `*` is only for outbound packets
 --> suite/tcp/t.pkt:2:1
  |
2 | * < R 1:1(0) win 0
  | ^^^^^^^^^^^^^^^^^^
  = a stimulus happens when the script says; only what the stack sends may come at any time
"#,
    );
}

#[test]
fn range_on_a_call() {
    check_error(
        r#"
0 close(3) = 0
+1~+2 close(4) = 0
"#,
        r#"
error: a time range is only for outbound packets
 --> suite/tcp/t.pkt:2:1
  |
2 | +1~+2 close(4) = 0
  | ^^^^^^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn inconsistent_sequence() {
    check_error(
        r#"
0 < S 0:1(0) win 1000
"#,
        r#"
error: inconsistent TCP sequence numbers and payload size
 --> suite/tcp/t.pkt:1:7
  |
1 | 0 < S 0:1(0) win 1000
  |       ^^^^^^
  = write 0:1(1) or 0:0(0)
"#,
    );
}

#[test]
fn window_missing() {
    check_error(
        r#"
0 < S 0:0(0) <mss 1000>
"#,
        r#"
error: the window must be specified for inbound packets
 --> suite/tcp/t.pkt:1:5
  |
1 | 0 < S 0:0(0) <mss 1000>
  |     ^^^^^^^^
  = add `win N` behind the sequence numbers
"#,
    );
}

#[test]
fn window_too_large() {
    check_error(
        r#"
0 < S 0:0(0) win 65536
"#,
        r#"
error: the TCP window value is out of range
 --> suite/tcp/t.pkt:1:18
  |
1 | 0 < S 0:0(0) win 65536
  |                  ^^^^^
  = it is a number from 0 to 65535
"#,
    );
}

#[test]
fn any_options_inbound() {
    check_error(
        r#"
0 < S 0:0(0) win 1000 <...>
"#,
        r#"
error: <...> for TCP options can only be used with outbound packets
 --> suite/tcp/t.pkt:1:23
  |
1 | 0 < S 0:0(0) win 1000 <...>
  |                       ^^^^^
  = a packet that is sent needs its options written out
"#,
    );
}

#[test]
fn options_not_padded() {
    check_error(
        r#"
0 > S 0:0(0) <sackOK>
"#,
        r#"
error: TCP options are not padded to a multiple of 4 bytes: 2 too many
 --> suite/tcp/t.pkt:1:14
  |
1 | 0 > S 0:0(0) <sackOK>
  |              ^^^^^^^^
  = add `nop` or `eol`
"#,
    );
}

#[test]
fn options_too_long() {
    check_error(
        r#"
0 > S 0:0(0) <TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2>
"#,
        r#"
error: 50 bytes of options, but a TCP header has room for 40
 --> suite/tcp/t.pkt:1:14
  |
1 | 0 > S 0:0(0) <TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2>
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn unknown_flag() {
    check_error(
        r#"
0 > SX 0:0(0)
"#,
        r#"
error: `X` is not a TCP flag
 --> suite/tcp/t.pkt:1:5
  |
1 | 0 > SX 0:0(0)
  |     ^^
  = flags are letters of FSRPUEWA and `.` for ACK, or `-` for none
"#,
    );
}

#[test]
fn conflicting_flags() {
    check_error(
        r#"
0 > SE.5 0:0(0)
"#,
        r#"
error: conflicting TCP flag: `5`
 --> suite/tcp/t.pkt:1:5
  |
1 | 0 > SE.5 0:0(0)
  |     ^^^^
  = flags are letters of FSRPUEWA and `.` for ACK, or `-` for none
"#,
    );
}

#[test]
fn unknown_option() {
    check_error(
        r#"
0 < S 0:0(0) win 1000 <mms 1460>
"#,
        r#"
error: `mms` is not a TCP option
 --> suite/tcp/t.pkt:1:24
  |
1 | 0 < S 0:0(0) win 1000 <mms 1460>
  |                        ^^^
  = did you mean `mss`?
"#,
    );
}

#[test]
fn bad_cookie() {
    check_error(
        r#"
0 < S 0:0(0) win 1000 <FO TFO_COOKIE>
"#,
        r#"
error: `TFO_COOKIE` is no even number of hex digits
 --> suite/tcp/t.pkt:1:27
  |
1 | 0 < S 0:0(0) win 1000 <FO TFO_COOKIE>
  |                           ^^^^^^^^^^
  = write bytes as in `FO 3021b9d889017eeb`, or define the symbol
"#,
    );
}

#[test]
fn label_upstream() {
    check_error(
        r#"
0 close(3) = 0
@l +0 close(3) = 0
"#,
        r#"
error: a label is not in packetdrill's language
 --> suite/tcp/t.pkt:2:1
  |
2 | @l +0 close(3) = 0
  | ^
  = a file of ours, which may use it, has a `//! requires:` line in its head
"#,
    );
}

#[test]
fn wildcard_upstream() {
    check_error(
        r#"
0 > S 0:0(0) win *
"#,
        r#"
error: `*` for a number is not in packetdrill's language
 --> suite/tcp/t.pkt:1:18
  |
1 | 0 > S 0:0(0) win *
  |                  ^
  = a file of ours, which may use it, has a `//! requires:` line in its head
"#,
    );
}

#[test]
fn variable_upstream() {
    check_error(
        r#"
0 > S 0:0(0) ack $x
"#,
        r#"
error: `$` for a number is not in packetdrill's language
 --> suite/tcp/t.pkt:1:18
  |
1 | 0 > S 0:0(0) ack $x
  |                  ^
  = a file of ours, which may use it, has a `//! requires:` line in its head
"#,
    );
}

#[test]
fn bad_icmp_code() {
    check_error(
        r#"
0 < icmp unreachable host_unreachible [0:10(10)]
"#,
        r#"
error: bad ICMP code host_unreachible
 --> suite/tcp/t.pkt:1:22
  |
1 | 0 < icmp unreachable host_unreachible [0:10(10)]
  |                      ^^^^^^^^^^^^^^^^
  = did you mean `host_unreachable`?
"#,
    );
}

#[test]
fn mtu_misplaced() {
    check_error(
        r#"
0 < icmp unreachable host_unreachable mtu 1400 [0:10(10)]
"#,
        r#"
error: this message has no MTU
 --> suite/tcp/t.pkt:1:39
  |
1 | 0 < icmp unreachable host_unreachable mtu 1400 [0:10(10)]
  |                                       ^^^
  = it belongs to `unreachable frag_needed` and `packet_too_big`
"#,
    );
}

#[test]
fn udp_with_ecn() {
    check_error(
        r#"
0 < [ect0] udp (10)
"#,
        r#"
error: ECN can only be used with TCP packets
 --> suite/tcp/t.pkt:1:12
  |
1 | 0 < [ect0] udp (10)
  |            ^^^
"#,
    );
}

#[test]
fn ect01_inbound() {
    check_error(
        r#"
0 < [ect01] . 1:1(0) ack 1 win 5
"#,
        r#"
error: [ect01] can only be used with outbound packets
 --> suite/tcp/t.pkt:1:5
  |
1 | 0 < [ect01] . 1:1(0) ack 1 win 5
  |     ^^^^^^^
"#,
    );
}

#[test]
fn errno_without_description() {
    check_error(
        r#"
0 close(3) = -1 EBADF
+0 close(3) = 0
"#,
        r#"
error: expected the error's description in parentheses, but the line ends here
 --> suite/tcp/t.pkt:1:22
  |
1 | 0 close(3) = -1 EBADF
  |                      ^
"#,
    );
}

#[test]
fn unclosed_string() {
    check_error(
        r#"
0 open("x, O_RDONLY) = 3
"#,
        r#"
error: this string is never closed
 --> suite/tcp/t.pkt:1:8
  |
1 | 0 open("x, O_RDONLY) = 3
  |        ^
  = close it with `"`
"#,
    );
}

#[test]
fn unclosed_comment() {
    check_error(
        r#"
0 close(3) = 0 /* never
"#,
        r#"
error: this comment is never closed
 --> suite/tcp/t.pkt:1:16
  |
1 | 0 close(3) = 0 /* never
  |                ^^
  = close it with `*/`
"#,
    );
}

#[test]
fn bad_sockaddr() {
    check_error(
        r#"
0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3")}, ...) = 0
"#,
        r#"
error: `1.2.3` is no address of AF_INET
 --> suite/tcp/t.pkt:1:66
  |
1 | 0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3")}, ...) = 0
  |                                                                  ^^^^^^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn bad_escape() {
    check_error(
        r#"
0 write(3, "\q", 1) = 1
"#,
        r#"
error: unsupported escape `\q`
 --> suite/tcp/t.pkt:1:12
  |
1 | 0 write(3, "\q", 1) = 1
  |            ^^^^
  = escapes are \\ \" \f \n \r \t \v and \xHH
"#,
    );
}

#[test]
fn requires_misspelled() {
    check_error(
        r#"
//! A case.
//! require: RFC9293-MUST-1
+0 close(3) = 0
"#,
        r#"
error: `require:` is no key of a head
 --> suite/tcp/t.pkt:2:5
  |
2 | //! require: RFC9293-MUST-1
  |     ^^^^^^^^
  = did you mean `requires:`?
"#,
    );
}
