//! What a run of the suite costs inside a kernel in virtual time.

use super::cost::cost;
use super::figures::{Measure, median};
use super::runs;
use crate::oracle::SERIES;
use crate::progress::Progress;
use crate::selftest::pool;

/// CPU time of a run, in milliseconds.
const MOST: f64 = 3.0;
/// Each round boots a few kernels.
const ROUNDS: usize = 5;

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
