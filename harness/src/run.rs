//! What a run is and what came of it.

use crate::sut::{CallId, Family, InterfaceId, Medium, Outcome};
use stack::Instant;
use std::fmt;

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The stack did what the case requires.
    Pass,
    /// It did not; also where it panicked, hung or flooded.
    Fail,
    /// A mismatch came before the point of the case.
    Inconclusive,
    /// A capability that the case needs is missing.
    Skip,
    /// The harness, the script, the adapter, the agent or the device is at fault.
    Error,
}

impl Verdict {
    /// Every verdict with the name that results.json and the ledgers use.
    pub const ALL: &'static [(Verdict, &'static str)] = &[
        (Verdict::Pass, "pass"),
        (Verdict::Fail, "fail"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Skip, "skip"),
        (Verdict::Error, "error"),
    ];

    /// The name that results.json and the ledgers use.
    pub fn name(self) -> &'static str {
        Verdict::ALL.iter().find(|(v, _)| *v == self).map_or("error", |(_, n)| n)
    }

    /// The verdict called `name`.
    pub fn from_name(name: &str) -> Option<Verdict> {
        Verdict::ALL.iter().find(|(_, n)| *n == name).map(|(v, _)| *v)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first thing that was not as the case requires, or the reason of a skip or an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The line of the script, from 1, in `file`; 0 where no line is at fault.
    pub line: usize,
    /// The file of that line, as shown to the user; an opening's own file where the mismatch is in it.
    pub file: String,
    /// The field that differs (`tcp.ack`), or what kind of thing did: `time`, `result`, `frame`, `rule`, `panic`,
    /// `hang`, `flood`, `capability`, `script`, `adapter`.
    pub field: String,
    /// What the case expects.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Everything else that helps: an explanation of some lines.
    pub note: String,
    /// The requirement that a passive rule found broken.
    pub requirement: Option<String>,
}

/// Something that happened in a run, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// When.
    pub at: Instant,
    /// The line of the script that caused or expected it; `None` where no line did.
    pub line: Option<usize>,
    /// What.
    pub what: TraceEvent,
}

/// What a trace tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are those of the events in `sut`")]
pub enum TraceEvent {
    /// The harness sent a frame to the stack.
    Inbound { interface: InterfaceId, medium: Medium, bytes: Vec<u8>, text: String },
    /// The stack sent a frame.
    Outbound { interface: InterfaceId, medium: Medium, bytes: Vec<u8>, text: String },
    /// A call was made.
    Call { id: CallId, text: String },
    /// A call completed.
    Completed { id: CallId, text: String, outcome: Outcome },
}

/// Everything about a run that was played.
#[derive(Clone, Debug)]
pub struct Record {
    /// The verdict.
    pub verdict: Verdict,
    /// What was first not as required; `None` in a pass.
    pub first_difference: Option<Difference>,
    /// What happened.
    pub trace: Vec<TraceEntry>,
    /// How much of the stack's time it took.
    pub virtual_time: std::time::Duration,
    /// The family it was played in.
    pub family: Family,
}
