//! What goes between a command and its workers: one line of JSON a message, in both directions.
//!
//! The worker is told its [`Session`] first and answers with a [`Greeting`]; then each [`Job`] is answered with an
//! [`Answer`], in order.

use crate::diff::{Compared, Recorded, Scenarios};
use crate::results::{Difference, StackInfo};
use cases::suite::Tree;
use harness::run::Verdict;
use harness::sut::Family;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What stays the same for all runs of a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The stack's name.
    pub(crate) stack: String,
    /// Where the cases are.
    pub(crate) root: PathBuf,
    /// The root as errors show it.
    pub(crate) shown: PathBuf,
    /// Whether it is the project's own suite.
    pub(crate) is_suite: bool,
    /// `--link`, for the live kernel.
    pub(crate) link: Option<String>,
    /// packetdrill's options from behind `--`.
    pub(crate) packetdrill: Vec<String>,
    /// What is played.
    #[serde(default)]
    pub(crate) plays: Plays,
}

/// What a session plays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Plays {
    /// Cases.
    #[default]
    Cases,
    /// Scenarios, on the session's stack and on this one in memory.
    Beside(String),
    /// Scenarios on the session's stack, whose traces are compared elsewhere.
    Alone,
}

impl Session {
    /// A session on the stack called `stack` with the cases of `tree`.
    pub(crate) fn new(stack: &str, tree: &Tree) -> Session {
        Session {
            stack: stack.to_owned(),
            root: tree.root.clone(),
            shown: tree.shown.clone(),
            is_suite: tree.is_suite,
            link: None,
            packetdrill: Vec::new(),
            plays: Plays::Cases,
        }
    }

    /// The tree of cases.
    pub(crate) fn tree(&self) -> Tree {
        Tree::new(self.root.clone(), self.shown.clone(), self.is_suite)
    }
}

/// A worker's first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Greeting {
    /// The stack is there.
    Ready(StackInfo),
    /// It cannot run here, and why.
    Refused(String),
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Its number among the runs of the command.
    pub(crate) run: usize,
    /// The case's id.
    pub(crate) case: String,
    /// The family.
    #[serde(with = "crate::results::names")]
    pub(crate) family: Family,
    /// What random numbers are drawn from.
    pub(crate) seed: u64,
    /// The twin to play, by its place in the head.
    pub(crate) twin: Option<usize>,
    /// What is wanted beyond the verdict.
    pub(crate) wants: Wants,
}

/// What is wanted of a run beyond its verdict.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Wants {
    /// The exchange as a ladder.
    pub(crate) ladder: bool,
    /// The text of the golden snapshot.
    pub(crate) snapshot: bool,
    /// The snapshot's times as they were, where golden snapshots have them rounded.
    #[serde(default)]
    pub(crate) exact: bool,
    /// A capture, written to this file.
    pub(crate) pcap: Option<PathBuf>,
    /// Each stimulus on standard error before it is given, so that one that never returns is known.
    pub(crate) trace: bool,
    /// Scenarios instead of a case.
    #[serde(default)]
    pub(crate) scenarios: Option<Scenarios>,
}

/// What came of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The job's number.
    pub(crate) run: usize,
    /// The verdict.
    #[serde(with = "crate::results::names")]
    pub(crate) verdict: Verdict,
    /// What was first not as required.
    pub(crate) difference: Option<Difference>,
    /// How much of the stack's time it took, in microseconds.
    pub(crate) virtual_us: u64,
    /// How much of the machine's.
    pub(crate) wall_us: u64,
    /// How much of the processor's, in the worker.
    pub(crate) cpu_us: u64,
    /// Of a twin: why it is not red; none where it is.
    pub(crate) green: Option<String>,
    /// The ladder, where it was wanted.
    pub(crate) ladder: Option<String>,
    /// The snapshot, where it was wanted.
    pub(crate) snapshot: Option<String>,
    /// What came of scenarios, where they were wanted.
    #[serde(default)]
    pub(crate) compared: Option<Compared>,
    /// What a stack did in scenarios, where that was wanted.
    #[serde(default)]
    pub(crate) recorded: Option<Recorded>,
    /// The worker ends after this answer, because a panic left its stack in no known state.
    pub(crate) is_last: bool,
}

impl Answer {
    /// An answer of which only the verdict is known.
    pub(crate) fn new(run: usize, verdict: Verdict) -> Answer {
        Answer {
            run,
            verdict,
            difference: None,
            virtual_us: 0,
            wall_us: 0,
            cpu_us: 0,
            green: None,
            ladder: None,
            snapshot: None,
            compared: None,
            recorded: None,
            is_last: false,
        }
    }

    /// An answer with a difference of which only the kind and what was found are known.
    pub(crate) fn broken(run: usize, verdict: Verdict, field: &str, found: String) -> Answer {
        let difference = Difference { field: field.to_owned(), found, ..Difference::default() };
        let green = Some(format!("{field}: {}", difference.found));
        Answer { difference: Some(difference), green, ..Answer::new(run, verdict) }
    }
}

/// The mark in front of a stimulus on a worker's standard error.
pub(crate) const TRACE: &str = "trace: ";
