//! What a run of the suite costs inside a kernel in virtual time.

use super::cost::cost;
use super::figures::{Measure, median};
use super::runs;
use crate::oracle::SERIES;
use crate::packetdrill;
use crate::progress::Progress;
use crate::protocol::{Job, Session, Wants};
use crate::selftest::pool;
use cases::suite::Tree;
use cases::upstream;
use std::path::Path;
use std::time::{Duration, Instant};

/// CPU time of a run, in milliseconds.
const MOST: f64 = 3.0;
/// Each round boots a few kernels.
const ROUNDS: usize = 5;
/// The part of packetdrill's time that the same scripts may take.
const PART: f64 = 1.0 / 50.0;
/// Where packetdrill's scripts for TCP are, seen from its program's folder.
const SCRIPTS: &str = "../tcp";

/// All cases, batch after batch: what the kernels, the programs in them and their hosts take, boots included.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let name = format!("linux-{SERIES}");
    let jobs = runs::jobs()?;
    let mut pool = pool(&name)?;
    pool.workers = 1;
    let info = pool.greet().map_err(|reason| format!("stack {name}: {reason}"))?;
    let mut rounds = Vec::new();
    let mut progress = Progress::new("rounds of all cases", ROUNDS);
    for _ in 0..ROUNDS {
        let whole = cost(|| {
            let answers = pool.play(jobs.clone(), &mut |_| {});
            let broken = answers.iter().find(|a| a.verdict == harness::run::Verdict::Error);
            broken.map_or(Ok(()), |answer| Err(format!("a run ended with an error: {:?}", answer.difference)))
        })?;
        rounds.push(whole / jobs.len() as f64);
        progress.step();
    }
    let why = format!(
        "{} runs in {}, user and system time of all processes, boots included, one worker; median of {ROUNDS} rounds",
        jobs.len(),
        info.version
    );
    Ok(vec![Measure::value(format!("CPU of a run on {name}"), "ms", median(rounds), MOST, why)])
}

/// packetdrill's scripts in kernels in virtual time, on all processors, and on packetdrill on the live kernel one after the
/// other, as its own runner does it where several would disturb each other. Verdicts are of no interest here.
pub(super) fn beside(program: &Path) -> Result<Measure, String> {
    let program = program.canonicalize().map_err(|e| format!("{}: {e}", program.display()))?;
    let folder = program.parent().unwrap_or(&program).join(SCRIPTS);
    let folder = folder.canonicalize().map_err(|e| format!("{}: {e}", folder.display()))?;
    let tree = Tree::at(&folder);
    let jobs = scripts(&tree)?;
    let name = format!("linux-{SERIES}");
    let mut pool = pool(&name)?;
    pool.session = Session::new(&name, &tree);
    let info = pool.greet().map_err(|reason| format!("stack {name}: {reason}"))?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(seconds(|| match pool.play(jobs.clone(), &mut |_| {}).len() {
            played if played == jobs.len() => Ok(()),
            played => Err(format!("{} runs were scheduled and {played} reported", jobs.len())),
        })?);
    }
    let mut progress = Progress::new("scripts on packetdrill", jobs.len());
    let theirs = seconds(|| {
        for job in &jobs {
            let script = folder.join(format!("{}.pkt", job.case));
            let status = packetdrill::command(&program, &script, job.family, &[])?.status();
            status.map_err(|e| format!("packetdrill cannot be started: {e}"))?;
            progress.step();
        }
        Ok(())
    })?;
    let why = format!(
        "wall time of {} runs in {}, boots included, {} workers, median of {ROUNDS} rounds; packetdrill on the live kernel, \
         one after the other, once",
        jobs.len(),
        info.version,
        pool.workers
    );
    let rounds: Vec<(f64, f64)> = rounds.into_iter().map(|ours| (ours, theirs)).collect();
    Ok(Measure::ratio(format!("packetdrill's scripts on {name}"), "s", &rounds, ("packetdrill", PART), why))
}

/// Every script in the families that its name says it is for.
fn scripts(tree: &Tree) -> Result<Vec<Job>, String> {
    let files = tree.files()?;
    let runs =
        files.iter().flat_map(|f| upstream::families(&f.id).iter().map(|family| (f.id.clone(), *family)));
    let job = |(run, (case, family))| Job { run, case, family, seed: 1, twin: None, wants: Wants::default() };
    Ok(runs.enumerate().map(job).collect())
}

/// The wall time of something, in seconds.
fn seconds(work: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().max(Duration::from_micros(1)).as_secs_f64())
}
