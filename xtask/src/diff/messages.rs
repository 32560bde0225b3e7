//! What goes between `cargo xtask diff` and its workers, beside what runs of cases have.

use cases::classes::Classes;
use harness::scenario::{Divergence, Event, State, Trace};
use harness::sut::Granularity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// These, of which one stack's traces are wanted.
    Record(Vec<Vec<u8>>),
}

/// What one stack did in scenarios.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// How late the stack's timers may be.
    pub(crate) granularity: Granularity,
    /// A trace for each, or why it could not be played.
    pub(crate) traces: Vec<Result<Trace, String>>,
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
    /// The pairs of state and event that were reached.
    pub(crate) pairs: BTreeSet<(State, Event)>,
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
    /// What it is.
    pub(crate) divergence: Divergence,
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
