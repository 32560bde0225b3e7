//! What came of a scenario, step by step.

use super::extras::IcmpError;
use super::normalise::{Deeds, letters};
use super::operation::UserCall;
use super::segment::Segment;
use super::state::{Event, State};
use crate::sut::Errno;
use serde::{Deserialize, Serialize};
use stack::Instant;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// An instant as a number of nanoseconds, where a trace goes from one process to another.
mod nanoseconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use stack::Instant;

    pub(super) fn serialize<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(at.as_nanos())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        u64::deserialize(deserializer).map(Instant::from_nanos)
    }
}

/// What was done to the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stimulus {
    /// A segment of the peer's arrived.
    Segment(Segment),
    /// The user made a call.
    Call(UserCall),
    /// An error of ICMP arrived.
    Icmp(IcmpError),
    /// Time passed.
    Time,
}

/// Something that the stack did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// It sent a segment to the peer.
    Sent(Segment),
    /// It sent a frame that is none.
    Foreign(Vec<u8>),
    /// The user's call returned.
    Returned {
        /// What it gave: bytes moved, or an error.
        result: Result<i64, Errno>,
        /// What a RECEIVE brought.
        data: Vec<u8>,
    },
}

/// A deed and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When, since the stack's start.
    #[serde(with = "nanoseconds")]
    pub at: Instant,
    /// What.
    pub what: Deed,
    /// The sequence numbers that relative ones are counted from: the stack's, and the peer's.
    pub bases: (u32, u32),
}

/// One thing that was done, and what the stack did until the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The operation's place in the scenario behind its opening; `None` in the opening.
    pub operation: Option<usize>,
    /// When it was done.
    #[serde(with = "nanoseconds")]
    pub at: Instant,
    /// How long until the next step.
    pub length: Duration,
    /// What was done.
    pub stimulus: Stimulus,
    /// The sequence numbers that relative ones are counted from: the stack's, and the peer's.
    pub bases: (u32, u32),
    /// The state before, as inferred.
    pub state: State,
    /// The event that it was in that state; `None` where RFC 9293 knows no such event.
    pub event: Option<Event>,
    /// What the stack did, in the order of time.
    pub happened: Vec<Happening>,
}

/// All steps of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The steps, the opening's first.
    pub steps: Vec<Step>,
}

impl Trace {
    /// The pairs of state and event that were reached.
    pub fn pairs(&self) -> BTreeSet<(State, Event)> {
        let pairs = self.steps.iter().filter_map(|step| Some((step.state, step.event?)));
        pairs.filter(|(state, event)| event.is_possible_in(*state)).collect()
    }
}

/// Every pair of state and event that is possible.
pub fn possible_pairs() -> impl Iterator<Item = (State, Event)> {
    let events = |state: State| Event::ALL.iter().map(move |(event, _)| (state, *event));
    let all = State::ALL.iter().flat_map(move |(state, _)| events(*state));
    all.filter(|(state, event)| event.is_possible_in(*state))
}

impl fmt::Display for Trace {
    /// A line for what was done, and one for each thing that came of it; numbers are relative.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let what = match &step.stimulus {
                Stimulus::Segment(segment) => given(segment, step.bases),
                Stimulus::Call(call) => format!("{call:?}"),
                Stimulus::Icmp(error) => format!("< {error:?}"),
                Stimulus::Time => format!("for {} ms", step.length.as_millis()),
            };
            let number = step.operation.map_or(String::new(), |n| format!("#{n} "));
            writeln!(f, "{} {number}{}  {what}", step.at, step.state)?;
            let deeds = Deeds::of(step);
            if let Some((result, data)) = &deeds.returned {
                let result = result.map_or_else(|errno| errno.to_string(), |value| value.to_string());
                writeln!(f, "    returns {result}, {} bytes", data.len())?;
            }
            for sent in &deeds.sent {
                writeln!(f, "    {sent}")?;
            }
            for frame in &deeds.foreign {
                writeln!(f, "    a frame of {} bytes", frame.len())?;
            }
        }
        Ok(())
    }
}

/// A segment of the peer's, its numbers relative to those of the two SYNs.
fn given(segment: &Segment, bases: (u32, u32)) -> String {
    let relative = |number: u32, base: u32| i64::from(number.wrapping_sub(base) as i32);
    let flags = letters(segment.flags);
    let (seq, ack) = (relative(segment.seq, bases.1), relative(segment.ack, bases.0));
    let options = format!("{:?}", segment.options);
    format!("< {flags} seq {seq} length {} ack {ack} win {} {options}", segment.payload.len(), segment.window)
}
