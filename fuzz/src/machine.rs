//! Stacks as state machines: records become a scenario, which is played on a stack with the oracles looking on.

pub mod known;
pub mod shrink;
pub mod told;
pub mod transitions;

use harness::scenario::oracle::{Oracles, closing};
use harness::scenario::record::RECORD;
use harness::scenario::{Scenario, Stop, Trace, Violation, play};
use harness::stacks::descriptors::Descriptors;
use harness::stacks::reference::Reference;
use harness::stacks::smoltcp::Smoltcp;
use harness::sut::StackUnderTest;
use std::cell::RefCell;

/// The longest input that means anything: the opening and so many operations. Shorter ones are tried more often.
const MOST: usize = RECORD * 65;

/// A stack by the name of the target that has it.
pub type Maker = (&'static str, fn() -> Box<dyn StackUnderTest>);

/// Every stack that lives in this process, by the name of its target.
pub const STACKS: &[Maker] = &[
    ("tcp_machine", || Box::new(Reference::default())),
    ("tcp_machine_linux", || Box::new(Reference::linux())),
    ("tcp_machine_smoltcp", || Box::new(Descriptors::new(Smoltcp::default()))),
];

/// What came of an input.
#[derive(Debug)]
pub struct Played {
    /// What was done, step by step, up to the violation where there is one.
    pub trace: Trace,
    /// What the stack must not do.
    pub violation: Option<Violation>,
}

/// Plays `data` on `stack`: the scenario, and then the end of every scenario, after which the connection is to be gone.
///
/// # Panics
/// Where the adapter fails, or the stack does.
pub fn played(stack: &mut dyn StackUnderTest, data: &[u8]) -> Played {
    let mut scenario = Scenario::decode(&data[..data.len().min(MOST)]);
    let end = scenario.operations.len();
    scenario.operations.extend(closing());
    let mut trace = Trace::default();
    let violation = match play(stack, &scenario, &mut Oracles::with_closing(&scenario, end), &mut trace) {
        Ok(()) => None,
        Err(Stop::Violation(violation)) => Some(violation),
        Err(Stop::Refused(refusal)) => panic!("the stack cannot be used: {refusal}"),
    };
    Played { trace, violation }
}

/// Plays `data` on the stack of `target` and says what was found that is not known.
pub fn found(stack: &mut dyn StackUnderTest, target: &str, data: &[u8]) -> (Trace, Option<Violation>) {
    let Played { trace, violation } = played(stack, data);
    let is_new = |violation: &Violation| known::explanation(target, &trace, violation).is_none();
    let violation = violation.filter(is_new);
    (trace, violation)
}

/// Plays `data` on `stack` and marks the transitions that it saw.
///
/// # Panics
/// At a finding.
pub fn judge(stack: &mut dyn StackUnderTest, target: &str, data: &[u8]) {
    let (trace, violation) = found(stack, target, data);
    transitions::mark(&trace);
    if let Some(violation) = violation {
        panic!("{violation}\n{trace}");
    }
}

thread_local! {
    static MADE: RefCell<Vec<(&'static str, Box<dyn StackUnderTest>)>> = const { RefCell::new(Vec::new()) };
}

/// Does something with the stack of a target, which is made once a thread.
pub fn with_stack<T>(name: &str, work: impl FnOnce(&mut dyn StackUnderTest) -> T) -> Option<T> {
    let (name, make) = STACKS.iter().find(|(own, _)| *own == name)?;
    // Out of its place for the time, so that a stack that panics is not used again.
    let mine = MADE.with_borrow_mut(|made| {
        let at = made.iter().position(|(own, _)| own == name)?;
        Some(made.swap_remove(at).1)
    });
    let mut stack = mine.unwrap_or_else(make);
    let result = work(&mut *stack);
    MADE.with_borrow_mut(|made| made.push((name, stack)));
    Some(result)
}
