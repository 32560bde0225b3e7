//! Oracles see what is wrong: each is shown a stack that is all right but for one thing.

use super::{Oracles, closing};
use crate::scenario::drive::{Stop, drive, play};
use crate::scenario::faulty::{Faulty, fault};
use crate::scenario::generate::generate;
use crate::scenario::operation::{Anchor, Opening, Operation, Plan, Start, What};
use crate::scenario::record::Scenario;
use crate::scenario::segment::{ACK, FIN, RST, SYN};
use crate::scenario::state::State;
use crate::scenario::trace::Trace;
use crate::stacks::descriptors::Descriptors;
use crate::stacks::reference::Reference;
use crate::stacks::smoltcp::Smoltcp;
use crate::sut::StackUnderTest;
use std::time::Duration;

/// The oracle that first objects to a stack within some hundred scenarios.
fn objects(stack: &mut dyn StackUnderTest) -> Option<&'static str> {
    (0..400).find_map(|number| {
        let scenario = Scenario::decode(&generate(3, number));
        match drive(stack, &scenario, &mut Oracles::default()) {
            Err(Stop::Violation(violation)) => Some(violation.oracle),
            _ => None,
        }
    })
}

#[test]
fn each_fault_is_seen() {
    assert_eq!(objects(&mut Reference::default()), None);
    for (name, expected) in
        [("corrupt_text", "stream"), ("closed_window", "window"), ("acknowledges_too_little", "ack")]
    {
        let fault = fault(name).expect("a fault");
        let mut stack = Faulty::new(Box::new(Reference::default()), fault);
        assert_eq!(objects(&mut stack), Some(expected), "{name}");
    }
}

/// Plays scenarios with their end, and gives the first that something is wrong in.
fn first_violation(stack: &mut dyn StackUnderTest, count: u64) -> Option<String> {
    (0..count).find_map(|number| {
        let mut scenario = Scenario::decode(&generate(1, number));
        let end = scenario.operations.len();
        scenario.operations.extend(closing());
        let mut trace = Trace::default();
        match play(stack, &scenario, &mut Oracles::with_closing(&scenario, end), &mut trace) {
            Err(Stop::Violation(violation)) => Some(format!("scenario {number}: {violation}\n{trace}")),
            Err(Stop::Refused(refusal)) => Some(format!("scenario {number}: {refusal}")),
            Ok(()) => None,
        }
    })
}

#[test]
fn the_reference_stack_breaks_none() {
    for mut stack in [Reference::default(), Reference::linux()] {
        let violation = first_violation(&mut stack, 2000);
        assert!(violation.is_none(), "{}", violation.unwrap_or_default());
    }
}

#[test]
fn a_connection_that_returns_to_time_wait_breaks_none() {
    let segment = |flags, distance| {
        let plan = Plan { flags, seq: (Anchor::Next, distance), ..Plan::PLAIN };
        Operation { what: What::Segment(plan), pause: Duration::from_millis(100) }
    };
    // An old duplicate of a SYN, its reset, and the FIN of the connection before once more, twice.
    let operations =
        vec![segment(SYN, 1000), segment(RST, 0), segment(ACK | FIN, -1002), segment(ACK, -1001)];
    let scenario = Scenario::decode(&[]);
    let scenario = Scenario { opening: Opening { start: Start::TimeWait, ..scenario.opening }, operations };
    for (mut stack, expected) in
        [(Reference::default(), State::TimeWait), (Reference::linux(), State::Listen)]
    {
        let trace = drive(&mut stack, &scenario, &mut Oracles::default()).expect("nothing is wrong");
        assert_eq!(trace.steps.last().map(|step| step.state), Some(expected), "{trace}");
    }
}

#[test]
fn smoltcp_plays_scenarios() {
    let mut stack = Descriptors::new(Smoltcp::default());
    let mut refused = 0;
    for number in 0..200 {
        let scenario = Scenario::decode(&generate(1, number));
        refused += usize::from(matches!(drive(&mut stack, &scenario, &mut ()), Err(Stop::Refused(_))));
    }
    assert_eq!(refused, 0);
}
