//! The priority of what a run waits for.
//!
//! Scripts have tolerances of a few milliseconds, and several workers share a processor. While a script is played, the
//! threads that inject, receive and make calls have the lowest real-time priority: they hardly compute, so they are
//! in nobody's way. What computes (a script's commands, reading the next case) is left to the ordinary scheduler.

/// Asks for a real-time priority for the calling thread and those that it makes. On one processor that would not be fair to
/// the machine, and where it is not allowed runs go on without.
pub(super) fn prompt() {
    if std::thread::available_parallelism().map_or(1, usize::from) > 1 {
        // SAFETY: no pointers.
        let lowest = unsafe { libc::sched_get_priority_min(libc::SCHED_RR) };
        set(libc::SCHED_RR, lowest);
    }
}

/// Gives the calling thread back to the ordinary scheduler.
pub(super) fn ordinary() {
    set(libc::SCHED_OTHER, 0);
}

fn set(policy: libc::c_int, priority: libc::c_int) {
    // SAFETY: all-zero bytes are a valid sched_param, which the kernel only reads. A refusal changes nothing.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = priority;
        libc::sched_setscheduler(0, policy, &raw const parameters);
    }
}
