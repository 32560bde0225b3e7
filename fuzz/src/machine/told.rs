//! What happened in a scenario as a ladder and as a capture.

use harness::packet::{Flows, World, describe};
use harness::report::ladder::ladder;
use harness::report::pcapng::pcapng;
use harness::run::{TraceEntry, TraceEvent};
use harness::scenario::operation::Version;
use harness::scenario::{Deed, Ends, Segment, Stimulus, Trace, setup};
use harness::sut::{CallId, InterfaceId, Medium, Setup};
use stack::Instant;

/// The exchange of a trace over `version` as a ladder.
pub fn as_ladder(version: Version, trace: &Trace) -> String {
    ladder(&entries(version, trace))
}

/// The exchange of a trace as a capture that other programs read.
pub fn as_capture(version: Version, trace: &Trace) -> Vec<u8> {
    pcapng(&setup(version).interfaces, &entries(version, trace))
}

fn entries(version: Version, trace: &Trace) -> Vec<TraceEntry> {
    let ends = Ends::of(version);
    let (here, there) = (ends, Ends { local: ends.remote, remote: ends.local });
    let setup = setup(version);
    let mut entries = Vec::new();
    for step in &trace.steps {
        match &step.stimulus {
            Stimulus::Segment(segment) => entries.push(frame(&setup, &here, step.at, segment, true)),
            Stimulus::Call(call) => entries.push(told(step.at, format!("{call:?}"))),
            Stimulus::Icmp(error) => entries.push(told(step.at, format!("{error:?}"))),
            Stimulus::Time => {}
        }
        for happening in &step.happened {
            match &happening.what {
                Deed::Sent(segment) => entries.push(frame(&setup, &there, happening.at, segment, false)),
                Deed::Returned { result: Ok(value), .. } => {
                    entries.push(told(happening.at, format!("returns {value}")));
                }
                Deed::Returned { result: Err(errno), .. } => {
                    entries.push(told(happening.at, format!("returns {errno}")));
                }
                Deed::Foreign(_) => {}
            }
        }
    }
    entries
}

fn told(at: Instant, text: String) -> TraceEntry {
    TraceEntry { at, line: None, what: TraceEvent::Call { id: CallId(0), text } }
}

fn frame(setup: &Setup, ends: &Ends, at: Instant, segment: &Segment, is_inbound: bool) -> TraceEntry {
    let (interface, medium, bytes) = (InterfaceId(0), Medium::Ip, segment.datagram(ends));
    let (local, remote) = if is_inbound { (ends.local, ends.remote) } else { (ends.remote, ends.local) };
    let world = World {
        setup: setup.clone(),
        local: local.0,
        remote: remote.0,
        hosts: Vec::new(),
        local_port: local.1,
        remote_port: remote.1,
    };
    let text = describe(&world, &Flows::default(), medium, &bytes);
    let what = if is_inbound {
        TraceEvent::Inbound { interface, medium, bytes, text }
    } else {
        TraceEvent::Outbound { interface, medium, bytes, text }
    };
    TraceEntry { at, line: None, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{played, with_stack};

    #[test]
    fn a_trace_is_a_ladder_and_a_capture() {
        let trace = with_stack("tcp_machine", |stack| played(stack, &[0; 24]).trace).unwrap();
        let ladder = as_ladder(Version::V4, &trace);
        assert!(ladder.contains("|--") && ladder.contains("|<-"), "{ladder}");
        assert_eq!(as_capture(Version::V4, &trace)[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    }
}
