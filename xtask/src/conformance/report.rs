//! What is not as expected, run by run, each with the command that repeats it.

use super::play::{Played, Run, is_unsteady};
use crate::exit::Exit;
use crate::results::Difference;
use cases::expectation::Standing;
use cases::suite::Tree;
use std::collections::BTreeMap;

/// Prints the exchanges, and the text of what a table of `tree` made, which is in no file.
pub(super) fn print_ladders(tree: &Tree, runs: &[Run]) {
    for run in runs {
        if let Some(ladder) = &run.ladder {
            println!("\n{}", title(run));
            if let Ok(Some(text)) = tree.generated(&run.result.case) {
                println!("{}", numbered(&text));
            }
            println!("{}", ladder.trim_end());
            if let Some(difference) = &run.result.first_difference {
                println!("{}", indented(&explanation(difference)));
            }
        }
    }
}

/// Prints what is not as expected, and says whether that changes the exit status.
pub(super) fn print(played: &Played) -> Exit {
    let of = |standing: Standing| played.runs.iter().filter(move |r| r.judgement.standing == standing);
    print_all("below MUST, reported only", of(Standing::Weak));
    print_all("unlisted: the ledger has nothing about this version", of(Standing::Unlisted));
    print_all("unsteady on the real clock", of(Standing::Timing));
    print_all("unexpected", of(Standing::Unexpected));
    print_by_requirement(&played.runs);
    let timing = of(Standing::Timing).count();
    let is_unsteady = is_unsteady(timing, played.real_runs);
    if is_unsteady {
        println!("\n{timing} of {} runs on the real clock were unsteady, more than 1 %", played.real_runs);
    }
    let unexpected = of(Standing::Unexpected).count();
    println!("\n{} runs, {unexpected} unexpected", played.runs.len());
    if unexpected > 0 || is_unsteady { Exit::Unexpected } else { Exit::AsExpected }
}

/// Runs that are not as expected, from which on what is broken is also listed by requirement.
const MANY: usize = 20;

/// What failed, by the requirements that it shows to be broken: the table of contents for a stack that is new here.
fn print_by_requirement(runs: &[Run]) {
    let failed = |run: &&Run| run.result.verdict == "fail" && run.judgement.standing != Standing::AsExpected;
    if runs.iter().filter(failed).count() < MANY {
        return;
    }
    let mut rows: BTreeMap<(bool, &str), (usize, &str)> = BTreeMap::new();
    for run in runs.iter().filter(failed) {
        // Behind what the case is about.
        for words in run.words.iter().skip(1) {
            let row = rows.entry((!words.starts_with("MUST"), words)).or_insert((0, &run.result.case));
            row.0 += 1;
        }
    }
    println!("\nby requirement ({}), with the runs that fail and the first case:", rows.len());
    for ((_, words), (count, case)) in rows {
        println!("{count:>5}  {words}\n         {case}");
    }
}

fn print_all<'a>(heading: &str, runs: impl Iterator<Item = &'a Run>) {
    let runs: Vec<&Run> = runs.collect();
    if runs.is_empty() {
        return;
    }
    println!("\n{heading} ({}):", runs.len());
    for run in runs {
        println!("\n{}", title(run));
        run.words.iter().for_each(|words| println!("    {words}"));
        if let Some(difference) = &run.result.first_difference {
            println!("{}", indented(&explanation(difference)));
        }
        if let Some(note) = &run.judgement.note {
            println!("    {note}");
        }
        println!("    {}", run.result.replay);
    }
}

fn title(run: &Run) -> String {
    let result = &run.result;
    let verdict = if result.verdict == result.expected {
        result.verdict.clone()
    } else {
        format!("{}, expected {}", result.verdict, result.expected)
    };
    format!("{} {} on {}: {verdict}", result.case, result.family, result.stack)
}

pub(super) fn explanation(difference: &Difference) -> String {
    let mut lines = Vec::new();
    if difference.line > 0 {
        lines.push(format!("{}:{}", difference.file, difference.line));
    }
    let field = if difference.field.is_empty() { "difference" } else { &difference.field };
    lines.push(match difference.expected.as_str() {
        "" => format!("{field}: {}", difference.found),
        expected => format!("{field}: expected {expected}, found {}", difference.found),
    });
    if let Some(requirement) = &difference.requirement {
        lines.push(format!("requirement {requirement}"));
    }
    if !difference.note.trim().is_empty() {
        lines.push(difference.note.trim_end().to_owned());
    }
    lines.join("\n")
}

fn numbered(text: &str) -> String {
    text.lines().zip(1..).map(|(line, n)| format!("{n:>4}  {line}\n")).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
