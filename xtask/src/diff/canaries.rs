//! Deliberate faults in the first of the two stacks, before anything else: a comparison that does not find each of them has gone
//! blind, be it that the scenarios are too tame, that the traces are normalised too far, or that a class is too wide.

use super::report::Report;
use super::{CHUNK, Scenarios, job};
use crate::pool::Pool;
use harness::scenario::faulty::FAULTS;

/// A fault that shows in none of so many scenarios is not found.
const MOST: u64 = 1024;
/// So many are played before it is looked whether the fault has shown.
const ROUND: u64 = 128;

/// Looks for every fault.
///
/// # Errors
/// Names the faults that were not found.
pub(super) fn look(pool: &Pool, report: &Report, seed: u64) -> Result<(), String> {
    let mut missed = Vec::new();
    let mut found = Vec::new();
    for (name, _) in FAULTS {
        match first_sign(pool, report, seed, name)? {
            Some(number) => found.push(format!("{name} in scenario {number}")),
            None => missed.push(*name),
        }
    }
    println!("{} of {} deliberate faults found: {}", found.len(), FAULTS.len(), found.join(", "));
    if missed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "in {MOST} scenarios nothing shows that the first stack has been made wrong by {}: a class is too wide, or what is \
         compared too little",
        missed.join(", ")
    ))
}

/// The first scenario in which the stack with the fault differs from the other in a way that no class knows, and the stack without
/// it does not.
fn first_sign(pool: &Pool, report: &Report, seed: u64, fault: &str) -> Result<Option<u64>, String> {
    for start in (0..MOST).step_by(ROUND as usize) {
        let chunk = |first| Scenarios::Canary { fault: fault.to_owned(), seed, first, count: CHUNK };
        let starts = (start..start + ROUND).step_by(CHUNK as usize);
        let jobs: Vec<_> = starts.enumerate().map(|(run, first)| job(run, chunk(first))).collect();
        let mut numbers = Vec::new();
        for answer in pool.play(jobs, &mut |_| {}) {
            let Some(compared) = answer.compared else {
                let difference = answer.difference.unwrap_or_default();
                return Err(format!("the fault {fault}: {} {}", difference.found, difference.note));
            };
            numbers.extend(compared.found.iter().filter(|f| report.is_unknown(f)).map(|f| f.number));
        }
        if let Some(first) = numbers.into_iter().min() {
            return Ok(Some(first));
        }
    }
    Ok(None)
}
