//! A trace as reports have it, for a ladder or a capture.

use super::case::{inbound, outbound_frame};
use super::normalise::call_name;
use super::operation::Version;
use super::segment::Ends;
use super::trace::{Deed, Step, Stimulus, Trace};
use crate::run::{TraceEntry, TraceEvent};
use crate::sut::{CallId, InterfaceId, Medium, Outcome};

/// What was done and what came of it, in the order of time. The frames are those of a trace, which keeps of them what a connection
/// depends on: they are put together again from that.
pub fn entries(trace: &Trace, version: Version) -> Vec<TraceEntry> {
    let ends = Ends::of(version);
    let there = Ends { local: ends.remote, remote: ends.local };
    let mut entries = Vec::new();
    let mut last_frame = Vec::new();
    for (number, step) in trace.steps.iter().enumerate() {
        entries.extend(stimulus(step, &ends, number, &last_frame));
        for happening in &step.happened {
            match &happening.what {
                Deed::Sent(segment) => last_frame = segment.datagram(&there),
                Deed::Foreign(bytes) => last_frame.clone_from(bytes),
                Deed::Returned { .. } => {}
            }
            let what = deed(&happening.what, &there, happening.bases, step, number);
            entries.push(TraceEntry { at: happening.at, line: None, what });
        }
    }
    entries
}

/// What was done; an error of ICMP quotes `last_frame`.
fn stimulus(step: &Step, ends: &Ends, number: usize, last_frame: &[u8]) -> Option<TraceEntry> {
    let arrived = |bytes, text| {
        let (interface, medium) = (InterfaceId(0), Medium::Ip);
        TraceEvent::Inbound { interface, medium, bytes, text }
    };
    let what = match &step.stimulus {
        Stimulus::Segment(segment) => arrived(segment.datagram(ends), inbound(segment, step.bases)),
        Stimulus::Icmp(error) => arrived(error.datagram(ends, last_frame), format!("{error:?}")),
        Stimulus::Call(call) => {
            TraceEvent::Call { id: CallId(number as u64), text: call_name(*call).to_owned() }
        }
        Stimulus::Time => return None,
    };
    Some(TraceEntry { at: step.at, line: None, what })
}

fn deed(deed: &Deed, there: &Ends, bases: (u32, u32), step: &Step, number: usize) -> TraceEvent {
    let outbound =
        |bytes, text| TraceEvent::Outbound { interface: InterfaceId(0), medium: Medium::Ip, bytes, text };
    match deed {
        Deed::Sent(segment) => outbound(segment.datagram(there), outbound_frame(segment, bases)),
        Deed::Foreign(bytes) => outbound(bytes.clone(), format!("another frame of {} bytes", bytes.len())),
        Deed::Returned { result, .. } => {
            let name = match &step.stimulus {
                Stimulus::Call(call) => call_name(*call),
                _ => "call",
            };
            let told = result.map_or_else(|errno| errno.to_string(), |value| value.to_string());
            let outcome = Outcome { result: *result, output: crate::sut::Output::None };
            TraceEvent::Completed { id: CallId(number as u64), text: format!("{name} = {told}"), outcome }
        }
    }
}
