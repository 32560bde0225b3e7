//! Files that people and programs write: ledgers, the catalogue of requirements, results, snapshots.

use cases::catalogue::Rfc;
use cases::ledger::Ledger;
use cases::results::Results;
use harness::stacks::replay::Recording;
use harness::sut::Family;
use std::path::Path;

/// `data` is a ledger, where it is UTF-8: of cases, and of upstream scripts.
///
/// # Panics
/// At a finding.
pub fn ledger(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Ledger::parse(Path::new("ledger.toml"), text, "") {
        Ok(ledger) => {
            for entry in &ledger.deviations {
                let (case, family) =
                    (entry.case.as_deref().unwrap_or(""), entry.family.unwrap_or(Family::Ipv4));
                let found = ledger.entry(case, family, "0.14.0");
                assert!(found.is_none_or(|found| found.case.as_deref() == Some(case)));
                let _ = ledger.documented(std::slice::from_ref(&entry.requirement), family, "6.12");
            }
            let _ = ledger.knows("0.14.0");
        }
        Err(error) => readable(&error, text),
    }
    match Ledger::parse(Path::new("ledger.toml"), "", text) {
        Ok(ledger) => {
            for entry in &ledger.upstream {
                let found = ledger.upstream(&entry.case, entry.family.unwrap_or(Family::Ipv4));
                assert!(found.is_some(), "{} is not found under its own name", entry.case);
            }
        }
        Err(error) => readable(&error, text),
    }
}

/// `data` is the file of one RFC's requirements, where it is UTF-8.
///
/// # Panics
/// At a finding.
pub fn catalogue(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Rfc::parse("ledger.toml", text) {
        Ok(rfc) => {
            for row in &rfc.requirements {
                let _ = (row.counts(), row.level.strength(), row.level.name());
            }
        }
        Err(error) => readable(&error, text),
    }
}

/// `data` is a results.json: what is read is written the same way again.
///
/// # Panics
/// At a finding.
pub fn results(data: &[u8]) {
    let Ok(results) = Results::parse(data) else { return };
    let written = results.to_json().unwrap_or_default();
    assert_eq!(Results::parse(written.as_bytes()).as_ref(), Ok(&results));
}

/// `data` is the snapshot of a run, where it is UTF-8.
///
/// # Panics
/// At a finding.
pub fn snapshot(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Recording::parse(text) {
        Ok(recording) => {
            let _ = recording.times();
        }
        // The line that cannot be read is one of the text.
        Err(error) => {
            let line = error.strip_prefix('`').unwrap_or_default();
            assert!(text.lines().any(|own| line.starts_with(own)), "{error}");
        }
    }
}

/// An error names a line that exists.
fn readable(error: &str, text: &str) {
    let number = error.strip_prefix("ledger.toml:").and_then(|rest| rest.split_once(": "));
    let Some((number, message)) = number else { panic!("no place: {error}") };
    let line: usize = number.parse().unwrap_or(0);
    assert!((1..=text.lines().count().max(1) + 1).contains(&line), "line {line}: {error}");
    assert!(!message.is_empty());
}
