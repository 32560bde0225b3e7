//! What a run leaves to look at: a ladder for the terminal, a capture for Wireshark, a text for golden files.

pub mod ladder;
pub mod pcapng;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use ladder::ladder;
pub use pcapng::pcapng;
pub use snapshot::{Times, snapshot};

use crate::run::{TraceEntry, TraceEvent};
use crate::sut::CallId;

/// The interface of a frame in the trace, where the run has more than one; calls have none.
pub(crate) fn interface_of(entry: &TraceEntry) -> Option<usize> {
    match &entry.what {
        TraceEvent::Inbound { interface, .. } | TraceEvent::Outbound { interface, .. } => Some(interface.0),
        TraceEvent::Call { .. } | TraceEvent::Completed { .. } => None,
    }
}

/// Whether a trace has frames of another interface than the first, which goes without saying.
pub(crate) fn multihomed(trace: &[TraceEntry]) -> bool {
    trace.iter().filter_map(interface_of).any(|interface| interface != 0)
}

/// Whether the next thing that happened is that call's completion, at the same instant.
pub(crate) fn completes_next(trace: &[TraceEntry], index: usize, call: CallId) -> bool {
    let at = trace.get(index).map(|e| e.at);
    trace.get(index + 1).is_some_and(|next| {
        Some(next.at) == at && matches!(next.what, TraceEvent::Completed { id, .. } if id == call)
    })
}
