//! A trace that the tests of every form share.

use crate::run::{TraceEntry, TraceEvent};
use crate::sut::{CallId, InterfaceId, Medium, Outcome};
use stack::Instant;

pub(super) fn trace() -> Vec<TraceEntry> {
    let entry = |micros, line, what| TraceEntry { at: Instant::from_micros(micros), line, what };
    let frame = |inbound, text: &str| {
        let (interface, medium, bytes, text) = (InterfaceId(0), Medium::Ip, vec![1, 2, 3], text.to_string());
        match inbound {
            true => TraceEvent::Inbound { interface, medium, bytes, text },
            false => TraceEvent::Outbound { interface, medium, bytes, text },
        }
    };
    let call = |id, text: &str| TraceEvent::Call { id: CallId(id), text: text.to_string() };
    let completed = |id, text: &str, value| TraceEvent::Completed {
        id: CallId(id),
        text: format!("{text} = {value}"),
        outcome: Outcome::value(value),
    };
    let socket = "socket(..., SOCK_STREAM, IPPROTO_TCP)";
    vec![
        entry(0, Some(3), call(1, socket)),
        entry(0, Some(3), completed(1, socket, 3)),
        entry(100_000, Some(5), frame(true, "< S 0:0(0) win 1000")),
        entry(100_000, Some(6), frame(false, "> S. 0:0(0) ack 1 win 65535")),
        entry(100_000, Some(17), call(2, "read(4, ..., 10)")),
        entry(1_300_250, None, completed(2, "read(4, ..., 10)", 0)),
    ]
}
