//! Cases with mistakes in their heads.

use super::check_error;

#[test]
fn unknown_label() {
    check_error(
        r#"
//! requires: X-1
//! twin X-1: drop @rts
@rst +0 > R 1:1(0)
"#,
        r#"
error: no line has the label `@rts`
 --> suite/tcp/t.pkt:2:20
  |
2 | //! twin X-1: drop @rts
  |                    ^^^^
  = did you mean `rst`?
"#,
    );
}

#[test]
fn unknown_action() {
    check_error(
        r#"
//! requires: X-1
//! twin X-1: dorp @rst
@rst +0 > R 1:1(0)
"#,
        r#"
error: `dorp` is not an action of twins
 --> suite/tcp/t.pkt:2:15
  |
2 | //! twin X-1: dorp @rst
  |               ^^^^
  = did you mean `drop`?
"#,
    );
}

#[test]
fn unknown_operator() {
    check_error(
        r#"
//! requires: X-1
//! twin X-1: alter @rst seq *= 1
@rst +0 > R 1:1(0)
"#,
        r#"
error: expected `=`, `+=`, `-=` or `^=`, found `*`
 --> suite/tcp/t.pkt:2:30
  |
2 | //! twin X-1: alter @rst seq *= 1
  |                              ^
"#,
    );
}

#[test]
fn misspelled_key() {
    check_error(
        r#"
//! requires: X-1
//! need: tcp
+0 close(3) = 0
"#,
        r#"
error: `need:` is no key of a head
 --> suite/tcp/t.pkt:2:5
  |
2 | //! need: tcp
  |     ^^^^^
  = did you mean `needs:`?
"#,
    );
}

#[test]
fn misspelled_twin() {
    check_error(
        r#"
//! requires: X-1
//! twn X-1: drop @rst
@rst +0 > R 1:1(0)
"#,
        r#"
error: `twn` is no key of a head
 --> suite/tcp/t.pkt:2:5
  |
2 | //! twn X-1: drop @rst
  |     ^^^
  = did you mean `twin`?
"#,
    );
}

#[test]
fn unknown_family() {
    check_error(
        r#"
//! requires: X-1
//! family: ipv5
+0 close(3) = 0
"#,
        r#"
error: `ipv5` is not a family
 --> suite/tcp/t.pkt:2:13
  |
2 | //! family: ipv5
  |             ^^^^
  = did you mean `ipv4`?
"#,
    );
}

#[test]
fn bad_setting() {
    check_error(
        r#"
//! requires: X-1
//! with: cc = reno
+0 close(3) = 0
"#,
        r#"
error: expected `name=value`, without blanks
 --> suite/tcp/t.pkt:2:11
  |
2 | //! with: cc = reno
  |           ^^
"#,
    );
}

#[test]
fn bad_host() {
    check_error(
        r#"
//! requires: X-1
//! host peer2 192.0.2.300
+0 close(3) = 0
"#,
        r#"
error: `192.0.2.300` is neither an IP address nor a hardware address
 --> suite/tcp/t.pkt:2:16
  |
2 | //! host peer2 192.0.2.300
  |                ^^^^^^^^^^^
  = `host NAME ADDRESS… [HARDWARE-ADDRESS] [on INTERFACE]`
"#,
    );
}

#[test]
fn late_head() {
    check_error(
        r#"
//! requires: X-1
+0 close(3) = 0
//! twin X-1: drop @a
"#,
        r#"
error: a line of the head below the head
 --> suite/tcp/t.pkt:3:1
  |
3 | //! twin X-1: drop @a
  | ^^^
  = `//!` lines stand above everything else
"#,
    );
}
