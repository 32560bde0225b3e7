//! Whole hosts as state machines: one among neighbours that the harness plays, and two on one link.

use crate::host_machine::{Told, played};
use crate::machine::with_stack;
use harness::stacks::reference::Reference;
use harness::sut::StackUnderTest;

/// `data` is records (see [`crate::host_machine`]), for the reference stack.
///
/// # Panics
/// At a finding.
pub fn host_machine(data: &[u8]) {
    with_stack("tcp_machine", |stack| judge(&mut [stack], data));
}

/// The same for smoltcp.
///
/// # Panics
/// At a finding.
pub fn host_machine_smoltcp(data: &[u8]) {
    with_stack("tcp_machine_smoltcp", |stack| judge(&mut [stack], data));
}

/// The same for two hosts of the reference stack on one link, each the other one's gateway.
///
/// # Panics
/// At a finding.
pub fn host_pair(data: &[u8]) {
    let mut other = Reference::default();
    with_stack("tcp_machine", |stack| judge(&mut [stack, &mut other], data));
}

fn judge(stacks: &mut [&mut dyn StackUnderTest], data: &[u8]) {
    if played(stacks, data, None).is_none() {
        return;
    }
    let mut told = Told::default();
    if let Some(violation) = played(stacks, data, Some(&mut told)) {
        panic!("{violation}\n{}", told.ladder());
    }
    panic!("a finding that is none when it is played again");
}
