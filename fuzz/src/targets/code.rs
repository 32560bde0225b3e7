//! `%{ … }%` blocks: what upstream scripts assert in Python's syntax.

use harness::code::evaluate;
use std::collections::BTreeMap;

/// `data` is code, where it is UTF-8. It is evaluated twice from the same variables and must do the same.
///
/// # Panics
/// At a finding.
pub fn code(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let start =
        BTreeMap::from([("tcpi_snd_cwnd".to_owned(), 10), ("x".to_owned(), i64::MIN), ("y".to_owned(), -1)]);
    let run = || {
        let mut variables = start.clone();
        let result = evaluate(text, &mut variables);
        (result, variables)
    };
    let (result, variables) = run();
    if let Err(error) = &result {
        let lines = text.lines().count().max(1);
        assert!((1..=lines + 1).contains(&error.line), "line {} of {lines}", error.line);
        let _ = error.to_string();
    }
    assert_eq!(run(), (result, variables));
}
