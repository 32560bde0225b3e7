//! Oracles see what is wrong: each is shown a stack that is all right but for one thing.

use super::{Oracles, closing};
use crate::scenario::drive::{Stop, drive, play};
use crate::scenario::generate::generate;
use crate::scenario::record::Scenario;
use crate::scenario::trace::Trace;
use crate::stacks::descriptors::Descriptors;
use crate::stacks::reference::Reference;
use crate::stacks::smoltcp::Smoltcp;
use crate::sut::{Call, CallId, Capabilities, Event, InterfaceId, Refusal, Setup, StackUnderTest};
use stack::Instant;

/// The reference stack with something that it does not do.
struct Faulty {
    stack: Reference,
    fault: fn(&mut Vec<u8>),
}

impl StackUnderTest for Faulty {
    fn capabilities(&self) -> &Capabilities {
        self.stack.capabilities()
    }
    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.stack.start(setup)
    }
    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        self.stack.inject(interface, frame)
    }
    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        self.stack.submit(call)
    }
    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let before = events.len();
        self.stack.events(events)?;
        for event in &mut events[before..] {
            if let Event::Frame { bytes, .. } = event {
                (self.fault)(bytes);
            }
        }
        Ok(())
    }
    fn now(&self) -> Instant {
        self.stack.now()
    }
    fn next_deadline(&self) -> Option<Instant> {
        self.stack.next_deadline()
    }
    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        self.stack.run_until(until)
    }
}

/// The oracle that first objects to a fault within some hundred scenarios.
fn objects(fault: fn(&mut Vec<u8>)) -> Option<&'static str> {
    let mut stack = Faulty { stack: Reference::default(), fault };
    (0..400).find_map(|number| {
        let scenario = Scenario::decode(&generate(3, number));
        match drive(&mut stack, &scenario, &mut Oracles::default()) {
            Err(Stop::Violation(violation)) => Some(violation.oracle),
            _ => None,
        }
    })
}

#[test]
fn each_fault_is_seen() {
    assert_eq!(objects(|_| {}), None);
    // IPv4 without options: TCP's flags are byte 33, its acknowledgement begins at 28, its window at 34, its text at 40 or behind.
    assert_eq!(
        objects(|f| if f.len() > 600 {
            let last = f.len() - 1;
            f[last] ^= 1
        }),
        Some("stream")
    );
    assert_eq!(
        objects(|f| if f.len() > 40 && f[0] == 0x45 && f[33] == 0x10 {
            f[34] = 0
        }),
        Some("window")
    );
    assert_eq!(
        objects(|f| if f.len() > 500 && f[0] == 0x45 {
            f[31] = f[31].wrapping_sub(50)
        }),
        Some("ack")
    );
}

/// Plays scenarios with their end, and gives the first that something is wrong in.
fn first_violation(stack: &mut dyn StackUnderTest, count: u64) -> Option<String> {
    (0..count).find_map(|number| {
        let mut scenario = Scenario::decode(&generate(1, number));
        let end = scenario.operations.len();
        scenario.operations.extend(closing());
        let mut trace = Trace::default();
        match play(stack, &scenario, &mut Oracles::with_closing(end), &mut trace) {
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
fn smoltcp_plays_scenarios() {
    let mut stack = Descriptors::new(Smoltcp::default());
    let mut refused = 0;
    for number in 0..200 {
        let scenario = Scenario::decode(&generate(1, number));
        refused += usize::from(matches!(drive(&mut stack, &scenario, &mut ()), Err(Stop::Refused(_))));
    }
    assert_eq!(refused, 0);
}
