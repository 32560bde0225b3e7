//! `--against`: plays each run on packetdrill too, and says where the verdicts agree.
//!
//! A run counts where packetdrill ends with one exit status three times out of three: it runs in real time, and its own
//! verdicts change with the load of the machine.

use super::Options;
use super::plan::Plan;
use super::play::{Played, Run};
use crate::packetdrill;
use crate::programs::require;
use crate::progress::Progress;
use cases::suite::Case;
use harness::sut::Family;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How often packetdrill plays each run.
const TIMES: usize = 3;

/// What packetdrill made of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theirs {
    Pass,
    Fail,
    /// Now so, now so.
    Unsteady,
}

/// Checks that packetdrill can be run, before anything is played. It calls ifconfig and ip, and does not notice where
/// they are missing; its scripts call the others.
///
/// # Errors
/// Names what is missing.
pub(super) fn check(program: &Path) -> Result<(), String> {
    program.canonicalize().map_err(|e| format!("{}: {e}", program.display()))?;
    require(&[
        ("unshare", "util-linux"),
        ("ip", "iproute2"),
        ("tc", "iproute2"),
        ("ifconfig", "net-tools"),
        ("sysctl", "procps"),
        ("python3", "python3"),
    ])
}

/// Plays the upstream scripts that were played here on `program`, and prints where they agree.
pub(super) fn print(options: &Options, plan: &Plan, program: &Path, played: &Played) -> Result<(), String> {
    let program = program.canonicalize().map_err(|e| format!("{}: {e}", program.display()))?;
    let cases: BTreeMap<&str, &Case> = plan.suite.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let runs: Vec<&Run> = played.runs.iter().collect();
    let meant: BTreeMap<(&str, &str), (&Case, Family)> = runs
        .iter()
        .filter_map(|run| {
            let (id, family) = (run.result.case.as_str(), run.result.family.as_str());
            let case = cases.get(id).filter(|case| case.is_upstream())?;
            Some(((id, family), (*case, Family::from_name(family)?)))
        })
        .collect();
    let theirs = play_all(options, &program, meant)?;
    for stack in &played.stacks {
        compare(&stack.name, &runs, &theirs);
    }
    Ok(())
}

/// What packetdrill makes of each run; several at once, since they mostly wait.
fn play_all<'a>(
    options: &Options,
    program: &Path,
    meant: BTreeMap<(&'a str, &'a str), (&Case, Family)>,
) -> Result<BTreeMap<(&'a str, &'a str), Theirs>, String> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = options.jobs.map_or(processors, usize::from).min(meant.len());
    let progress = Mutex::new(Progress::new("runs on packetdrill", meant.len()));
    let queue = Mutex::new(meant.into_iter());
    let worker = || {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let mut done = Vec::new();
        while let Some((run, (case, family))) = next() {
            done.push((run, play(options, case, family, program)?));
            progress.lock().unwrap_or_else(PoisonError::into_inner).step();
        }
        Ok::<_, String>(done)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut theirs = BTreeMap::new();
        for thread in threads {
            theirs.extend(thread.join().map_err(|_| "a thread that waits for packetdrill panicked")??);
        }
        Ok::<_, String>(theirs)
    })
}

fn compare(stack: &str, runs: &[&Run], theirs: &BTreeMap<(&str, &str), Theirs>) {
    let (mut agree, mut steady, mut unsteady) = (0, 0, 0);
    println!("\n{stack} against packetdrill:");
    for run in runs.iter().filter(|run| run.result.stack == stack) {
        let result = &run.result;
        let ours = result.verdict.as_str();
        match theirs.get(&(result.case.as_str(), result.family.as_str())) {
            None => {}
            Some(Theirs::Unsteady) => unsteady += 1,
            Some(verdict) => {
                steady += 1;
                if is_same(ours, *verdict) {
                    agree += 1;
                } else {
                    let verdict = if *verdict == Theirs::Pass { "pass" } else { "fail" };
                    println!("  {} {}: {ours}, packetdrill {verdict}", result.case, result.family);
                    println!("    {}", result.replay);
                }
            }
        }
    }
    let percent = if steady == 0 { 0.0 } else { 100.0 * f64::from(agree) / f64::from(steady) };
    println!("  {agree} of {steady} runs agree ({percent:.1} %); {unsteady} were unsteady on packetdrill");
}

/// packetdrill has two verdicts; a script that cannot be read is a failure there.
fn is_same(ours: &str, theirs: Theirs) -> bool {
    match theirs {
        Theirs::Pass => ours == "pass",
        Theirs::Fail => matches!(ours, "fail" | "inconclusive" | "error"),
        Theirs::Unsteady => false,
    }
}

fn play(options: &Options, case: &Case, family: Family, program: &Path) -> Result<Theirs, String> {
    let mut passes = 0;
    for time in 0..TIMES {
        passes += usize::from(play_once(options, case, family, program)?);
        // Two verdicts are enough to know that there is not one.
        if passes != 0 && passes != time + 1 {
            return Ok(Theirs::Unsteady);
        }
    }
    Ok(if passes == 0 { Theirs::Fail } else { Theirs::Pass })
}

/// Plays a run on packetdrill, in a network namespace of its own, and says whether it passed.
fn play_once(options: &Options, case: &Case, family: Family, program: &Path) -> Result<bool, String> {
    let mut command = packetdrill::command(program, &case.path, family, &options.packetdrill)?;
    let status = command.status().map_err(|e| format!("{} cannot be started: {e}", program.display()))?;
    match status.code() {
        // env(1) and its like: the program is not there or is none.
        Some(126 | 127) => Err(format!("{} cannot be run", program.display())),
        code => Ok(code == Some(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_compared_with_two() {
        assert!(is_same("pass", Theirs::Pass) && is_same("fail", Theirs::Fail));
        assert!(is_same("error", Theirs::Fail) && is_same("inconclusive", Theirs::Fail));
        assert!(
            !is_same("pass", Theirs::Fail)
                && !is_same("skip", Theirs::Fail)
                && !is_same("skip", Theirs::Pass)
        );
    }
}
