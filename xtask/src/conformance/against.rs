//! `--against`: plays each run on packetdrill too, and says where the verdicts agree.
//!
//! A run counts where packetdrill ends with one exit status three times out of three: it runs in real time, and its own
//! verdicts change with the load of the machine.

use super::Options;
use super::plan::Plan;
use super::play::{Played, Run};
use crate::programs::{find, require};
use crate::progress::Progress;
use cases::suite::Case;
use cases::upstream;
use harness::sut::Family;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Plays the upstream scripts that were played here on `program`, and prints where they agree.
pub(super) fn print(options: &Options, plan: &Plan, program: &Path, played: &Played) -> Result<(), String> {
    let program = program.canonicalize().map_err(|e| format!("{}: {e}", program.display()))?;
    require(&[("unshare", "util-linux")])?;
    let cases: BTreeMap<&str, &Case> = plan.suite.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut theirs: BTreeMap<(&str, &str), Theirs> = BTreeMap::new();
    let runs: Vec<&Run> = played.runs.iter().collect();
    let mut progress = Progress::new("runs on packetdrill", runs.len());
    for run in &runs {
        progress.step();
        let (id, family) = (run.result.case.as_str(), run.result.family.as_str());
        let Some(case) = cases.get(id).filter(|case| case.is_upstream()) else { continue };
        let Some(known) = Family::from_name(family) else { continue };
        if let Entry::Vacant(vacant) = theirs.entry((id, family)) {
            vacant.insert(play(options, case, known, &program)?);
        }
    }
    drop(progress);
    for stack in &played.stacks {
        compare(&stack.name, &runs, &theirs);
    }
    Ok(())
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
    let script = case.path.canonicalize().map_err(|e| format!("{}: {e}", case.path.display()))?;
    let folder: PathBuf = script.parent().map_or_else(|| "/".into(), Path::to_owned);
    let unshare = find("unshare").ok_or("unshare is missing: apt-get install util-linux")?;
    let mut command = Command::new(unshare);
    command.arg("--net");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--").arg(program).args(upstream::runner_options(family));
    for (name, value) in upstream::defines(family) {
        command.arg("-D").arg(format!("{name}={value}"));
    }
    command.args(&options.packetdrill).arg(script).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
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
