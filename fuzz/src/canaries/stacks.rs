//! The reference stack with mistakes that stacks have: `harness::scenario::faulty` has them.

use crate::machine::judge;
use harness::scenario::faulty::{Faulty, fault};
use harness::stacks::reference::Reference;
use std::cell::RefCell;

thread_local! {
    static STACK: RefCell<Option<(&'static str, Faulty)>> = const { RefCell::new(None) };
}

/// Judges `data` on the stack with the fault `name`, which is made once a thread.
fn with_fault(name: &'static str, data: &[u8]) {
    let Some(make) = fault(name) else { panic!("there is no fault {name}") };
    // Out of its place for the time, so that a stack that panics is not used again.
    let own = STACK.take().filter(|(own, _)| *own == name).map(|(_, stack)| stack);
    let mut stack = own.unwrap_or_else(|| Faulty::new(Box::new(Reference::default()), make));
    judge(&mut stack, name, data);
    STACK.set(Some((name, stack)));
}

pub(super) fn wild_reset(data: &[u8]) {
    with_fault("wild_reset", data);
}

pub(super) fn output_loop(data: &[u8]) {
    with_fault("output_loop", data);
}

pub(super) fn corrupt_text(data: &[u8]) {
    with_fault("corrupt_text", data);
}
