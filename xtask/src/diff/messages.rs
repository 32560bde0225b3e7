//! What goes between `cargo xtask diff` and its workers, beside what runs of cases have.

use cases::classes::Classes;
use harness::scenario::{Divergence, Event, State};
use serde::{Deserialize, Serialize};

/// Scenarios to be played on both stacks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Scenarios {
    /// So many of a seed from a number on.
    Range {
        /// What scenarios are drawn from.
        seed: u64,
        /// The first one's number.
        first: u64,
        /// How many.
        count: u64,
    },
    /// One, which is to be made small, and then shown.
    Shrink {
        /// The scenario.
        bytes: Vec<u8>,
        /// What is known: what is made small stays of its class, or of none.
        classes: Classes,
        /// The stacks' names, that of the one in memory first.
        names: [String; 2],
    },
    /// So many from a number on, once as they are and once with a fault in the first stack: told are those that differ in another
    /// way then.
    Canary {
        /// The fault's name.
        fault: String,
        /// What scenarios are drawn from.
        seed: u64,
        /// The first one's number.
        first: u64,
        /// How many.
        count: u64,
    },
    /// One, which is to be shown.
    Show(Vec<u8>),
}

/// What came of scenarios.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Compared {
    /// How many were played.
    pub(crate) played: u64,
    /// How many ended in a race of timers.
    pub(crate) raced: u64,
    /// How many ended where the two were not given the same.
    pub(crate) apart: u64,
    /// The pairs of state and event that were reached, by their places in [`State::ALL`] and [`Event::ALL`].
    pub(crate) pairs: Vec<(u8, u8)>,
    /// Differences.
    pub(crate) found: Vec<Found>,
    /// Of one that was to be shown: what to show.
    pub(crate) shown: Option<Shown>,
}

/// A difference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The scenario's number.
    pub(crate) number: u64,
    /// The operation's place.
    pub(crate) operation: Option<usize>,
    /// The state's place in [`State::ALL`].
    pub(crate) state: u8,
    /// The event or call.
    pub(crate) event: String,
    /// What was given.
    pub(crate) given: String,
    /// The field.
    pub(crate) field: String,
    /// What the first stack did.
    pub(crate) first: String,
    /// What the second stack did.
    pub(crate) second: String,
}

/// One scenario.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// What both stacks did, to be read.
    pub(crate) traces: [String; 2],
    /// The case that asks for what the first did, and the one that asks for what the second did.
    pub(crate) cases: [String; 2],
    /// What each did as a ladder.
    pub(crate) ladders: [String; 2],
    /// What each did as a capture.
    pub(crate) captures: [Vec<u8>; 2],
}

/// The place of a state or event in its table.
pub(super) fn place<T: PartialEq + Copy>(table: &[(T, &str)], wanted: T) -> u8 {
    table.iter().position(|(known, _)| *known == wanted).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}

impl Found {
    /// A difference in scenario `number`.
    pub(super) fn new(number: u64, found: &Divergence) -> Found {
        Found {
            number,
            operation: found.operation,
            state: place(State::ALL, found.state),
            event: found.event.clone(),
            given: found.given.clone(),
            field: found.field.clone(),
            first: found.first.clone(),
            second: found.second.clone(),
        }
    }

    /// The difference as the harness has it.
    pub(super) fn divergence(&self) -> Divergence {
        Divergence {
            operation: self.operation,
            state: State::ALL.get(usize::from(self.state)).map_or(State::Closed, |(state, _)| *state),
            event: self.event.clone(),
            given: self.given.clone(),
            field: self.field.clone(),
            first: self.first.clone(),
            second: self.second.clone(),
        }
    }
}

/// A pair's places.
pub(super) fn pair((state, event): (State, Event)) -> (u8, u8) {
    (place(State::ALL, state), place(Event::ALL, event))
}
