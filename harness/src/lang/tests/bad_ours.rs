//! Cases with mistakes in their events.

use super::check_error;

#[test]
fn missing_time() {
    check_error(
        r#"
//! requires: X-1
close(3) = 0
"#,
        r#"
error: expected an event, which begins with its time, found `close`
 --> suite/tcp/t.pkt:2:1
  |
2 | close(3) = 0
  | ^^^^^
  = for one that follows at once, write `+0` in front
"#,
    );
}

#[test]
fn missing_time_of_a_packet() {
    check_error(
        r#"
//! requires: X-1
> R 1:1(0)
"#,
        r#"
error: expected an event, which begins with its time, found `>`
 --> suite/tcp/t.pkt:2:1
  |
2 | > R 1:1(0)
  | ^
  = for one that follows at once, write `+0` in front
"#,
    );
}

#[test]
fn unknown_statement() {
    check_error(
        r#"
//! requires: X-1
nohting for 3s
"#,
        r#"
error: expected an event, which begins with its time, found `nohting`
 --> suite/tcp/t.pkt:2:1
  |
2 | nohting for 3s
  | ^^^^^^^
  = did you mean `nothing`?
"#,
    );
}

#[test]
fn result_missing() {
    check_error(
        r#"
//! requires: X-1
+0 close(3)
+0 close(4) = 0
"#,
        r#"
error: expected `=` and the call's result, but the line ends here
 --> suite/tcp/t.pkt:2:12
  |
2 | +0 close(3)
  |            ^
  = every call says what it returns: `= 0`, `= *`
"#,
    );
}

#[test]
fn returns_before_it_is_made() {
    check_error(
        r#"
//! requires: X-1
+1...0.5 connect(3, ..., ...) = 0
"#,
        r#"
error: the call returns before it is made
 --> suite/tcp/t.pkt:2:1
  |
2 | +1...0.5 connect(3, ..., ...) = 0
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = both times count from the same instant: `+1...1.5` takes half a second
"#,
    );
}

#[test]
fn ends_in_the_middle() {
    check_error(
        r#"
//! requires: X-1
+0 > S. 0:0(0) ack
"#,
        r#"
error: expected the TCP ack sequence number, but the text ends here
 --> suite/tcp/t.pkt:2:19
  |
2 | +0 > S. 0:0(0) ack
  |                   ^
"#,
    );
}

#[test]
fn label_twice() {
    check_error(
        r#"
//! requires: X-1
@a +0 close(3) = 0
@a +0 close(4) = 0
"#,
        r#"
error: there is another `@a` above
 --> suite/tcp/t.pkt:3:1
  |
3 | @a +0 close(4) = 0
  | ^^
  = each label names one event, so that a twin knows which
"#,
    );
}

#[test]
fn unknown_unit() {
    check_error(
        r#"
//! requires: X-1
nothing for 3 sec
"#,
        r#"
error: `sec` is no unit of time
 --> suite/tcp/t.pkt:2:13
  |
2 | nothing for 3 sec
  |             ^^^^^
  = units are ns, us, ms, s, min and h
"#,
    );
}

#[test]
fn empty_range() {
    check_error(
        r#"
//! requires: X-1
+0 > . 1:1(0) win 9 .. 1
"#,
        r#"
error: the range 9 .. 1 is empty
 --> suite/tcp/t.pkt:2:19
  |
2 | +0 > . 1:1(0) win 9 .. 1
  |                   ^^^^^^
  = the smaller number comes first
"#,
    );
}

#[test]
fn said_twice() {
    check_error(
        r#"
//! requires: X-1
+0 > . 1:1(0) ack 1 ack 2
"#,
        r#"
error: `ack` is said twice
 --> suite/tcp/t.pkt:2:21
  |
2 | +0 > . 1:1(0) ack 1 ack 2
  |                     ^^^
"#,
    );
}

#[test]
fn misspelled_pair() {
    check_error(
        r#"
//! requires: X-1
+0 > . 1:1(0) ack 1 cusm bad
"#,
        r#"
error: `cusm` cannot stand here
 --> suite/tcp/t.pkt:2:21
  |
2 | +0 > . 1:1(0) ack 1 cusm bad
  |                     ^^^^
  = did you mean `csum`?
"#,
    );
}

#[test]
fn misspelled_layer() {
    check_error(
        r#"
//! requires: X-1
+0 > udpp 4000 > 7 (10)
"#,
        r#"
error: `udpp` is no layer
 --> suite/tcp/t.pkt:2:6
  |
2 | +0 > udpp 4000 > 7 (10)
  |      ^^^^
  = did you mean `udp`?
"#,
    );
}

#[test]
fn misspelled_message() {
    check_error(
        r#"
//! requires: X-1
+0 > icmp6 neighbour_solicitation target fe80::1
"#,
        r#"
error: `neighbour_solicitation` is not a message of ICMPv6
 --> suite/tcp/t.pkt:2:12
  |
2 | +0 > icmp6 neighbour_solicitation target fe80::1
  |            ^^^^^^^^^^^^^^^^^^^^^^
  = did you mean `neighbor_solicitation`?
"#,
    );
}

#[test]
fn unknown_code() {
    check_error(
        r#"
//! requires: X-1
+0 > icmp unreachable prot
"#,
        r#"
error: `prot` is neither a code of `unreachable` nor a field
 --> suite/tcp/t.pkt:2:23
  |
2 | +0 > icmp unreachable prot
  |                       ^^^^
  = did you mean `port`?
"#,
    );
}

#[test]
fn odd_bytes() {
    check_error(
        r#"
//! requires: X-1
+0 < S 0:0(0) win 1 <raw 5 0xabc>
"#,
        r#"
error: an odd number of hex digits
 --> suite/tcp/t.pkt:2:28
  |
2 | +0 < S 0:0(0) win 1 <raw 5 0xabc>
  |                            ^^^^^
  = a byte is two digits: `0x05` is one byte
"#,
    );
}

#[test]
fn wrong_data_length() {
    check_error(
        r#"
//! requires: X-1
+0 < P. 1:4(3) ack 1 win 5 data "hello"
"#,
        r#"
error: the sequence numbers say 3 bytes, but these are 5
 --> suite/tcp/t.pkt:2:28
  |
2 | +0 < P. 1:4(3) ack 1 win 5 data "hello"
  |                            ^^^^^^^^^^^^
"#,
    );
}

#[test]
fn inbound_in_any_order() {
    check_error(
        r#"
//! requires: X-1
+0 any order { < R 1:1(0) win 0 }
"#,
        r#"
error: only packets of the stack's can stand here
 --> suite/tcp/t.pkt:2:16
  |
2 | +0 any order { < R 1:1(0) win 0 }
  |                ^^^^^^^^^^^^^^^^
  = `>` is a packet that the stack sends
"#,
    );
}

#[test]
fn unclosed_block() {
    check_error(
        r#"
//! requires: X-1
for n in 1 .. 3 {
+0 close($n) = 0
"#,
        r#"
error: expected `}`, but the text ends here
 --> suite/tcp/t.pkt:3:17
  |
3 | +0 close($n) = 0
  |                 ^
"#,
    );
}

#[test]
fn time_before_nothing() {
    check_error(
        r#"
//! requires: X-1
+0 nothing for 3s
"#,
        r#"
error: `nothing` takes no time in front
 --> suite/tcp/t.pkt:2:4
  |
2 | +0 nothing for 3s
  |    ^^^^^^^
  = it holds from where it stands
"#,
    );
}

#[test]
fn no_include() {
    check_error(
        r#"
//! requires: X-1
+0 close(3) = 0
include "given/estalbished.pkt"
"#,
        r#"
error: `given/estalbished.pkt` cannot be included
 --> suite/tcp/t.pkt:3:1
  |
3 | include "given/estalbished.pkt"
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = did you mean `given/established.pkt`?
"#,
    );
}

#[test]
fn outside() {
    check_error(
        r#"
//! requires: X-1
include "../x.pkt"
"#,
        r#"
error: `../x.pkt` may lie outside the suite
 --> suite/tcp/t.pkt:2:1
  |
2 | include "../x.pkt"
  | ^^^^^^^^^^^^^^^^^^
  = an include's path is relative and has no `.` or `..` in it
"#,
    );
}

#[test]
fn unknown_parameter() {
    check_error(
        r#"
//! requires: X-1
include "given/established.pkt" (msss 536)
"#,
        r#"
error: suite/given/established.pkt has no parameter `msss`
 --> suite/tcp/t.pkt:2:34
  |
2 | include "given/established.pkt" (msss 536)
  |                                  ^^^^^^^^
  = did you mean `mss`?
"#,
    );
}

#[test]
fn absolute_in_include() {
    check_error(
        r#"
//! requires: X-1
include "given/late.pkt"
"#,
        r#"
error: an included file holds no absolute times
 --> suite/given/late.pkt:1:1
  |
1 | 1 close(3) = 0
  | ^
  = write `+TIME`, the time since the event before (included by suite/tcp/t.pkt:2)
"#,
    );
}

#[test]
fn cycle() {
    check_error(
        r#"
//! requires: X-1
include "ping.pkt"
"#,
        r#"
error: this file includes itself: suite/tcp/ping.pkt -> suite/tcp/pong.pkt -> suite/tcp/ping.pkt
 --> suite/tcp/pong.pkt:1:1
  |
1 | include "ping.pkt"
  | ^^^^^^^^^^^^^^^^^^
  = included by suite/tcp/ping.pkt:1
"#,
    );
}

#[test]
fn head_in_include() {
    check_error(
        r#"
//! requires: X-1
include "given/headed.pkt"
"#,
        r#"
error: an included file has no `requires:`
 --> suite/given/headed.pkt:1:5
  |
1 | //! requires: X
  |     ^^^^^^^^^
  = its head holds prose and `parameter NAME = VALUE` lines (included by suite/tcp/t.pkt:2)
"#,
    );
}

#[test]
fn misspelled_word_of_arp() {
    check_error(
        r#"
//! requires: X-1
+0 < arp who-has 192.0.2.1 says 192.0.2.2
"#,
        r#"
error: expected `tell`, found `says`
 --> suite/tcp/t.pkt:2:28
  |
2 | +0 < arp who-has 192.0.2.1 says 192.0.2.2
  |                            ^^^^
"#,
    );
}
