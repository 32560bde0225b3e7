//! TCP as a state machine, on every stack that lives in this process.

use crate::machine::{judge, with_stack};

/// `data` is a scenario (see [`harness::scenario`]), for the reference stack.
///
/// # Panics
/// At a finding.
pub fn tcp_machine(data: &[u8]) {
    judge_on("tcp_machine", data);
}

/// The same for the reference stack's profile `linux`.
///
/// # Panics
/// At a finding.
pub fn tcp_machine_linux(data: &[u8]) {
    judge_on("tcp_machine_linux", data);
}

/// The same for smoltcp. What [`crate::machine::known`] says of it is no finding.
///
/// # Panics
/// At a finding.
pub fn tcp_machine_smoltcp(data: &[u8]) {
    judge_on("tcp_machine_smoltcp", data);
}

fn judge_on(target: &str, data: &[u8]) {
    with_stack(target, |stack| judge(stack, target, data));
}
