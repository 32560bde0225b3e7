//! Hostile input: an error, in time, and no panic.

use super::parse_with;

#[track_caller]
fn check(text: &str, message: &str) {
    for head in ["", "//! requires: X-1\n"] {
        let error = parse_with(&format!("{head}{text}"), &[]).expect_err("no error");
        assert!(head.is_empty() || error.message.contains(message), "{error}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn nothing_nests_without_bound() {
    let deep = |piece: &str| piece.repeat(100_000);
    check(&format!("assert ({}", deep("(")), "levels deep");
    check(&format!("assert ({}", deep("-")), "levels deep");
    check(&format!("assert (1{}", deep(" - 1")), "operators");
    check(&format!("+0 f({}", deep("[")), "levels deep");
    check(&format!("+0 f({}", deep("A|")), "levels deep");
    check(&format!("+0 f({}", deep("A=")), "levels deep");
    check(&format!("+0 f({}", deep("{")), "levels deep");
    check(&deep("for n in 1 .. 2 { "), "levels deep");
    check(&format!("+0 > {}", deep("icmp unreachable port [")), "levels deep");
    check(&format!("+0 > {}", deep("ip / ")), "layers");
}

#[test]
fn odd_bytes_are_no_panic() {
    for text in [
        "",
        "\u{0}",
        "é",
        "+0 > é",
        "//!",
        "//! requires:",
        "//! requires: X\n//! twin X:",
        "\"",
        "`",
        "%{",
        "/*",
        "+0 \u{2028}",
    ] {
        assert!(parse_with(text, &[]).is_err(), "{text:?}");
    }
    let text = "//! requires: X-1\n//! twin X-1: inject @l > . 1:1(0) ack 1\n@l +0 > P?. 1:$x(*) <mss 1, ...> csum bad\nfor n in 1 .. 2 { +0 < udp 1 > 2 (3) data \"é\" }\n";
    for (cut, _) in text.char_indices() {
        // Whatever comes of it, it comes back.
        if let Err(error) = parse_with(&text[..cut], &[]) {
            assert!(error.span.end <= cut, "{error}");
        }
        let mut damaged = text.to_string();
        damaged.insert(cut, '\u{fffd}');
        if let Err(error) = parse_with(&damaged, &[]) {
            assert!(!error.to_string().is_empty());
        }
    }
}
