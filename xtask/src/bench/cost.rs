//! What something costs.

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

/// The CPU time that something costs in this process and those that it starts and waits for, in milliseconds.
pub(super) fn cost(work: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let before = cpu_time()?;
    work()?;
    Ok(cpu_time()? - before)
}

fn cpu_time() -> Result<f64, String> {
    let mut sum = 0.0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage: Usage = getrusage(who).map_err(|e| format!("getrusage: {e}"))?;
        sum += milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    }
    Ok(sum)
}

fn milliseconds(time: TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1e3
}
