//! Code as upstream scripts have it.

use super::{ErrorKind, evaluate};
use std::collections::BTreeMap;

fn variables() -> BTreeMap<String, i64> {
    let values = [
        ("tcpi_snd_cwnd", 9),
        ("tcpi_rtt", 100_300),
        ("tcpi_options", 33),
        ("tcpi_state", 7),
        ("tcpi_ca_state", 3),
        ("tcpi_snd_ssthresh", 0x7fff_ffff),
        ("tcpi_min_rtt", 0),
    ];
    values.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Runs code; `expected` is the error's kind, line and message.
fn check(code: &str, expected: Result<(), (ErrorKind, usize, &str)>) {
    let found = evaluate(code, &mut variables());
    let found = found.as_ref().map_err(|e| (e.kind, e.line, e.message.as_str()));
    assert_eq!(found.copied(), expected, "{code}");
}

#[test]
fn what_upstream_scripts_assert() {
    for code in [
        " assert tcpi_snd_cwnd == 9, tcpi_snd_cwnd ",
        "assert tcpi_snd_cwnd ==  9,tcpi_snd_cwnd # no cwnd moderation",
        " assert 100000 <= tcpi_rtt <= 101000, 'rtt=%d' % tcpi_rtt ",
        " assert (tcpi_options & TCPI_OPT_SYN_DATA) != 0, tcpi_options ",
        "assert tcpi_state == TCP_CLOSE, tcpi_state; assert tcpi_snd_cwnd == 9, tcpi_snd_cwnd",
        "assert tcpi_ca_state == TCP_CA_Recovery, 'ca: %d %d' % (tcpi_ca_state, tcpi_min_rtt)",
        "\n# we use PRR\nassert tcpi_snd_cwnd == 9\n\n",
        " print(tcpi_snd_cwnd); cwnd = 8; cwnd += 1; assert tcpi_snd_cwnd == cwnd, tcpi_snd_cwnd ",
        "TCP_INFINITE_SSTHRESH = 0x7fffffff\nassert tcpi_snd_ssthresh == TCP_INFINITE_SSTHRESH, tcpi_snd_ssthresh",
        "assert tcpi_min_rtt == 0, tcpi_min_rtt; \\\n assert tcpi_snd_cwnd == 9, tcpi_snd_cwnd;\\\n",
        "",
    ] {
        check(code, Ok(()));
    }
}

#[test]
fn operators_are_those_of_python() {
    for code in [
        "assert 1 or 0 and 0",
        "assert not 1 == 2 and not 0",
        "assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 6 / 3 == 2",
        "assert 1 + 2 * 3 == 7 and (1 + 2) * 3 == 9 and 2 ** 3 == 8",
        "assert 1 | 6 & 4 == 5",
        "assert 1 << 4 >> 2 == 4 and ~0 == -1 and 5 ^ 1 == 4 and 0b11 == 3",
        "assert -1 >> 70 == -1 and 1 >> 70 == 0",
        "assert 1 < 2 < 3 and not 1 < 2 > 3",
        "assert 'a' + \"b\" == 'ab' and ('%03d|%-3d|%x%%' % (7, 8, 255)) == '007|8  |ff%'",
        "assert (1 ==\n 1)",
        "assert min(3, 2) == 2 and max(1, 2) == 2 and abs(-3) == 3 and True",
    ] {
        check(code, Ok(()));
    }
}

#[test]
fn a_failure_shows_the_line_and_its_values() {
    let rows = [
        (
            "\nassert tcpi_snd_cwnd == 10, tcpi_snd_cwnd # comment",
            2,
            "`assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd # comment` fails: tcpi_snd_cwnd is 9",
        ),
        (
            "assert 1 <= tcpi_rtt <= 2, 'rtt=%d' % tcpi_rtt",
            1,
            "`assert 1 <= tcpi_rtt <= 2, 'rtt=%d' % tcpi_rtt` fails: rtt=100300, tcpi_rtt is 100300",
        ),
        ("assert 0", 1, "`assert 0` fails"),
        ("assert 0, nonsense", 1, "`assert 0, nonsense` fails"),
    ];
    for (code, line, message) in rows {
        check(code, Err((ErrorKind::Assertion, line, message)));
    }
}

#[test]
fn what_cannot_be_evaluated_is_said() {
    let rows = [
        ("assert tcpi_lost == 1", ErrorKind::Unsupported, "the stack does not say what `tcpi_lost` is"),
        (
            "assert tcpi_snd_cwdn",
            ErrorKind::Syntax,
            "nothing is called `tcpi_snd_cwdn`; did you mean `tcpi_snd_cwnd`?",
        ),
        ("for i in x:", ErrorKind::Unsupported, "`:` is not understood here; code is assertions on integers"),
        (
            "import re",
            ErrorKind::Unsupported,
            "`import` is more of Python than assertions need; only expressions are evaluated",
        ),
        ("assert", ErrorKind::Syntax, "expected a value, found the end of the statement"),
        ("assert (1", ErrorKind::Syntax, "expected `,` or `)`, found the end of the statement"),
        ("assert 1 1", ErrorKind::Syntax, "expected the end of the statement, found `1`"),
        ("assert 'a", ErrorKind::Syntax, "a string does not end on its line"),
        ("assert 1 / 0", ErrorKind::Unsupported, "division by zero"),
        ("assert 1 / 2", ErrorKind::Unsupported, "`1 / 2` is not an integer; `//` rounds down"),
        ("assert 1 << 63", ErrorKind::Unsupported, "`1 << 63` does not fit into 64 bits"),
        ("assert 1.5", ErrorKind::Unsupported, "`1.5` is not an integer of 64 bits"),
        ("assert 1 < 'a'", ErrorKind::Unsupported, "`<` is not for an integer and a string"),
        ("x = 'a'", ErrorKind::Unsupported, "`x` would not be an integer"),
        ("assert '%d' % (1, 2)", ErrorKind::Unsupported, "a format has fewer conversions than values"),
    ];
    for (code, kind, message) in rows {
        check(code, Err((kind, 1, message)));
    }
}

#[test]
fn values_live_from_one_piece_to_the_next() {
    let mut variables = variables();
    evaluate("cwnd = 4", &mut variables).unwrap();
    evaluate("cwnd += 5; assert tcpi_snd_cwnd == cwnd", &mut variables).unwrap();
    assert_eq!(variables["cwnd"], 9);
}

#[test]
fn nesting_is_bounded() {
    for open in ["(", "-", "not (", "min(", "1 + ", "1 and "] {
        let code = format!("assert {}1", open.repeat(100_000));
        let kind = evaluate(&code, &mut BTreeMap::new()).unwrap_err().kind;
        assert_eq!(kind, ErrorKind::Unsupported, "{open}");
    }
}
