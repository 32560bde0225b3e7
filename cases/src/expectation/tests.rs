use super::*;
use crate::ledger::{Deviation, Why};
use crate::version::Range;
use harness::lang::FileSystem;
use harness::lang::ast::{Head, Script};

fn case(level: Level) -> Case {
    let script =
        Script { head: Some(Head::default()), options: vec![], init: None, events: vec![], cleanup: None };
    Case {
        id: "tcp/a".into(),
        path: "tcp/a.pkt".into(),
        families: vec![Family::Ipv4],
        requires: vec!["RFC9293-MUST-13".into()],
        needs: vec![],
        level: Some(level),
        script,
    }
}

fn ledger(case: Option<&str>) -> Ledger {
    let entry = Deviation {
        case: case.map(str::to_owned),
        family: None,
        requirement: "RFC9293-MUST-13".into(),
        level: Level::Must,
        instead: "60 s".into(),
        why: Why::Design,
        reference: None,
        version: Some(Range::parse(">=5, <7").expect("a range")),
        verdict: Verdict::Fail,
    };
    Ledger { path: "l.toml".into(), deviations: vec![entry], upstream: vec![] }
}

fn check(ledger: &Ledger, version: &str, level: Level, verdict: Verdict, expected: (Verdict, Standing)) {
    let catalogue = Catalogue::load().expect("the catalogue is readable");
    let judge = Judge { ledger, version, catalogue: &catalogue, strict: false };
    let judgement = judge.judge(&case(level), Family::Ipv4, verdict, None);
    assert_eq!((judgement.expected, judgement.standing), expected, "{version} {level} {verdict}");
}

#[test]
fn a_ledger_entry_is_as_strict_as_a_pass() {
    use {Standing::*, Verdict::*};
    let ledger = ledger(Some("tcp/a"));
    check(&ledger, "6.1", Level::Must, Fail, (Fail, AsExpected));
    check(&ledger, "6.1", Level::Must, Pass, (Fail, Unexpected));
    check(&ledger, "6.1", Level::Must, Skip, (Fail, Unexpected));
    check(&ledger, "6.1", Level::Must, Error, (Fail, Unexpected));
    check(&ledger, "7.1", Level::Must, Pass, (Pass, AsExpected));
    check(&ledger, "7.1", Level::Must, Fail, (Pass, Unlisted));
    check(&ledger, "7.1", Level::Must, Error, (Pass, Unexpected));
}

#[test]
fn a_documented_deviation_permits_a_failure() {
    use {Standing::*, Verdict::*};
    let ledger = ledger(None);
    check(&ledger, "6.1", Level::Must, Fail, (Fail, AsExpected));
    check(&ledger, "6.1", Level::Must, Pass, (Pass, AsExpected));
    check(&ledger, "6.1", Level::Must, Inconclusive, (Pass, Unexpected));
}

#[test]
fn without_an_entry_the_level_decides() {
    use {Standing::*, Verdict::*};
    let ledger = Ledger::default();
    check(&ledger, "1", Level::Must, Fail, (Pass, Unexpected));
    check(&ledger, "1", Level::Should, Fail, (Pass, Weak));
    check(&ledger, "1", Level::May, Fail, (Pass, Weak));
    check(&ledger, "1", Level::Should, Inconclusive, (Pass, Unexpected));
    check(&ledger, "1", Level::Must, Skip, (Skip, AsExpected));
    let catalogue = Catalogue::load().expect("the catalogue is readable");
    let judge = Judge { ledger: &ledger, version: "1", catalogue: &catalogue, strict: true };
    let strict = judge.judge(&case(Level::Should), Family::Ipv4, Fail, None);
    assert_eq!(strict.standing, Unexpected);
    // A passive rule that a weak case finds broken counts by its own level.
    let rule = Difference { requirement: Some("RFC9293-MUST-13".into()), ..Difference::default() };
    let judge = Judge { strict: false, ..judge };
    assert_eq!(judge.judge(&case(Level::May), Family::Ipv4, Fail, Some(&rule)).standing, Unexpected);
    // What a line decides below MUST does not count as the strongest that its case names.
    let text = "//! requires: RFC9293-MUST-13 RFC9293-SHLD-19\n//! twin RFC9293-SHLD-19: drop @weak\n+0 < icmp echo_request\n\
                @weak +0 > icmp echo_reply\n+0 < icmp echo_request\n+0 > icmp echo_reply\n+0 < icmp echo_request\n+0 > icmp echo_reply\n";
    let options = harness::lang::Options { defines: Default::default(), loader: &FileSystem, suite: None };
    let script = harness::lang::parse("tcp/a.pkt".as_ref(), text.to_owned(), &options).expect("a case");
    let mixed = Case { script, ..case(Level::Must) };
    for (line, expected) in [(4, Weak), (6, Weak), (8, Unexpected)] {
        let difference = Difference { line, ..Difference::default() };
        assert_eq!(judge.judge(&mixed, Family::Ipv4, Fail, Some(&difference)).standing, expected, "{line}");
    }
    let timing = Difference { field: TIMING.into(), ..Difference::default() };
    assert_eq!(judge.judge(&case(Level::Must), Family::Ipv4, Inconclusive, Some(&timing)).standing, Timing);
}
