//! What must hold for every stack in every scenario, looked at after each step.
//!
//! Output without end, a call that never returns and a clock that stands still are found by [`super::drive()`] itself.

mod ack;
mod alive;
mod cause;
mod closed;
mod deadline;
mod reset;
mod room;
mod stream;
#[cfg(test)]
mod tests;
mod window;

use super::drive::{Violation, Watch};
use super::peer::Peer;
use super::trace::{Deed, Step};
use crate::sut::StackUnderTest;

pub use closed::closing;

/// One thing that must hold.
trait Oracle {
    /// Says what is wrong with a step that is over.
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation>;
}

/// What an oracle is shown.
struct Seen<'a> {
    step: &'a Step,
    peer: &'a Peer,
    stack: &'a dyn StackUnderTest,
}

impl Seen<'_> {
    /// The segments that the stack sent.
    fn sent(&self) -> impl Iterator<Item = (&super::segment::Segment, &super::trace::Happening)> {
        self.step.happened.iter().filter_map(|happening| match &happening.what {
            Deed::Sent(segment) => Some((segment, happening)),
            _ => None,
        })
    }
}

/// All oracles, with what they remember of one scenario.
#[derive(Debug, Default)]
pub struct Oracles {
    ack: ack::Ack,
    alive: alive::Alive,
    cause: cause::Cause,
    closed: closed::Closed,
    deadline: deadline::Deadline,
    reset: reset::Reset,
    room: room::Room,
    stream: stream::Stream,
    window: window::Window,
}

impl Oracles {
    /// Oracles that expect the connection to be gone after the operations of [`closing`], which begin at the operation `at`.
    pub fn with_closing(at: usize) -> Oracles {
        Oracles { closed: closed::Closed::from(at), ..Oracles::default() }
    }
}

impl Watch for Oracles {
    fn step(&mut self, step: &Step, peer: &Peer, stack: &dyn StackUnderTest) -> Result<(), Violation> {
        let seen = Seen { step, peer, stack };
        let all: [&mut dyn Oracle; 9] = [
            &mut self.reset,
            &mut self.ack,
            &mut self.window,
            &mut self.room,
            &mut self.stream,
            &mut self.cause,
            &mut self.alive,
            &mut self.deadline,
            &mut self.closed,
        ];
        all.into_iter().find_map(|oracle| oracle.look(&seen)).map_or(Ok(()), Err)
    }
}

fn violation(oracle: &'static str, requirement: Option<&'static str>, found: String) -> Option<Violation> {
    Some(Violation { oracle, requirement, found })
}
