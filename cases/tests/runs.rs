//! One test a run: `stack::family::case-id`, on the stacks in memory, against what the ledgers expect.
//!
//! With `--exact NAME`, as cargo-nextest calls it once a test, only that case is read.

use cases::catalogue::Catalogue;
use cases::expectation::{Judge, Standing};
use cases::ledger::Ledger;
use cases::suite::{Case, CaseFile, Defines, Tree};
use harness::engine::{self, PlayOptions};
use harness::sut::Family;
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

/// The test that looks at the ledgers.
const LEDGERS: &str = "suite::ledgers";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

/// The tests, or the one that is asked for.
fn trials(arguments: &Arguments) -> Result<Vec<Trial>, String> {
    let tree = Tree::suite();
    let catalogue = Arc::new(Catalogue::load()?);
    let named = arguments.filter.as_deref().filter(|_| arguments.exact).and_then(parts);
    let files: Vec<CaseFile> = match named {
        Some((_, _, id)) if tree.has(id) => vec![tree.file(id)],
        _ => tree.files()?,
    };
    let suite = tree.load(&files, &catalogue, &Defines::new());
    if !suite.errors.is_empty() {
        return Err(suite.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"));
    }
    let mut trials = vec![Trial::test(LEDGERS, ledgers)];
    for case in suite.cases.into_iter().map(Arc::new) {
        for stack in cases::stacks::IN_MEMORY {
            for family in case.families.iter().copied() {
                let (case, catalogue) = (case.clone(), catalogue.clone());
                let name = format!("{stack}::{family}::{}", case.id);
                trials.push(Trial::test(name, move || run(stack, family, &case, &catalogue)));
            }
        }
    }
    Ok(trials)
}

/// Stack, family and case of a test's name.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let (stack, rest) = name.split_once("::")?;
    let (family, case) = rest.split_once("::")?;
    Some((stack, family, case))
}

/// Plays a run and fails where it does not end as expected.
fn run(stack: &str, family: Family, case: &Case, catalogue: &Catalogue) -> Result<(), Failed> {
    let mut under_test = cases::stacks::in_memory(stack).ok_or("no such stack")?;
    let version = under_test.capabilities().version.clone();
    let record = engine::play(under_test.as_mut(), &case.script, PlayOptions::new(family));
    let ledger = Ledger::load(stack)?;
    let judge = Judge { ledger: &ledger, version: &version, catalogue, strict: false };
    let judgement = judge.judge(case, family, record.verdict, record.first_difference.as_ref());
    if judgement.standing != Standing::Unexpected {
        return Ok(());
    }
    let mut lines = vec![format!("{}, expected {}", record.verdict, judgement.expected)];
    if let Some(d) = &record.first_difference {
        lines.push(format!("{}:{}: {}: expected {}, found {}", d.file, d.line, d.field, d.expected, d.found));
        lines.push(d.note.clone());
    }
    lines.extend(judgement.note);
    lines.push(format!("cargo xtask conformance {} --stack {stack} --family {family} -v", case.id));
    Err(lines.join("\n").into())
}

/// Every entry of a ledger is about a case, a requirement and a level that exist.
fn ledgers() -> Result<(), Failed> {
    let catalogue = Catalogue::load()?;
    let files = Tree::suite().files()?;
    let ids: BTreeSet<&str> = files.iter().map(|file| file.id.as_str()).collect();
    let mut errors = Vec::new();
    for stack in cases::stacks::NAMES {
        errors.extend(Ledger::load(stack)?.check(&ids, &catalogue));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n").into()) }
}
