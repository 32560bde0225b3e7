//! What a run of the suite costs on the stacks in memory.

use super::ROUNDS;
use super::figures::{Measure, median};
use crate::progress::Progress;
use crate::protocol::{Job, Wants};
use crate::selftest::{load, pool};
use cases::catalogue::Catalogue;

/// CPU time of a run, start-up apart, in microseconds.
const MOST: f64 = 200.0;

/// All cases on each stack in memory, stack after stack, round after round, on one worker that is there already.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let jobs = jobs()?;
    let mut pools = Vec::new();
    for name in cases::stacks::IN_MEMORY {
        let mut pool = pool(name)?;
        pool.workers = 1;
        pool.greet().map_err(|reason| format!("stack {name}: {reason}"))?;
        pools.push((name, pool, Vec::new()));
    }
    let mut progress = Progress::new("rounds of all cases", ROUNDS);
    for _ in 0..ROUNDS {
        for (_, pool, rounds) in &mut pools {
            let answers = pool.play(jobs.clone(), &mut |_| {});
            rounds.push(median(answers.iter().map(|answer| answer.cpu_us as f64).collect()));
        }
        progress.step();
    }
    let why = format!("{} runs, one worker, start-up apart; median of {ROUNDS} rounds' medians", jobs.len());
    let of = |(name, _, rounds): (&&str, _, Vec<f64>)| {
        Measure::value(format!("CPU of a run on {name}"), "µs", median(rounds), MOST, why.clone())
    };
    Ok(pools.into_iter().map(of).collect())
}

/// Every run of the suite.
pub(super) fn jobs() -> Result<Vec<Job>, String> {
    let catalogue = Catalogue::load()?;
    let suite = load(&[], &catalogue)?;
    let runs =
        suite.cases.iter().flat_map(|case| case.families.iter().map(|family| (case.id.clone(), *family)));
    let job = |(run, (case, family))| Job { run, case, family, seed: 1, twin: None, wants: Wants::default() };
    Ok(runs.enumerate().map(job).collect())
}
