//! The exchange as a ladder: the harness and its calls on the left, the stack on the right, time downwards.

use super::{completes_next, interface_of, multihomed};
use crate::run::{TraceEntry, TraceEvent};
use std::fmt::Write as _;

/// The least and the most width of what stands between the two sides.
const NARROW: usize = 24;
const WIDE: usize = 88;

/// The trace as a ladder, one line an event, with the time since the start in seconds and the line of the script that
/// caused or expected it. Arrows point to the right for frames to the stack; calls stand on the stack's side.
pub fn ladder(trace: &[TraceEntry]) -> String {
    let interfaces = multihomed(trace);
    let frames = trace.iter().filter(|e| interface_of(e).is_some());
    let width = frames.map(|e| words(e, interfaces).chars().count()).max().unwrap_or(0).clamp(NARROW, WIDE);
    let line_width = trace.iter().filter_map(|e| e.line).max().map_or(0, |l| l.to_string().len());
    let time_width = trace.iter().map(|e| e.at.to_string().len()).max().unwrap_or(0).max("time".len());
    let mut text = String::new();
    let head = format!("{:time_width$} {:line_width$}  harness{:width$}stack", "time", "", "");
    let _infallible = writeln!(text, "{}", head.trim_end());
    for (index, entry) in trace.iter().enumerate() {
        // The line of the completion says it all.
        if matches!(entry.what, TraceEvent::Call { id, .. } if completes_next(trace, index, id)) {
            continue;
        }
        let line = entry.line.map(|l| l.to_string()).unwrap_or_default();
        let words = words(entry, interfaces);
        // A text that is too long pushes the right side out rather than being cut.
        let fill = "-".repeat(width.saturating_sub(words.chars().count()));
        let rung = match entry.what {
            TraceEvent::Inbound { .. } => format!("|-- {words} {fill}->|"),
            TraceEvent::Outbound { .. } => format!("|<- {words} {fill}--|"),
            TraceEvent::Call { .. } | TraceEvent::Completed { .. } => {
                format!("|{:gap$}| {words}", "", gap = width + 6)
            }
        };
        let _infallible = writeln!(text, "{:>time_width$} {line:>line_width$}  {rung}", entry.at.to_string());
    }
    text
}

/// What happened, without the direction, which the arrow shows.
fn words(entry: &TraceEntry, interfaces: bool) -> String {
    let name = |text: &str| {
        let text = text.trim_start_matches(['<', '>', ' ']);
        match interface_of(entry).filter(|_| interfaces) {
            Some(interface) => format!("#{interface} {text}"),
            None => text.to_string(),
        }
    };
    match &entry.what {
        TraceEvent::Inbound { text, .. } | TraceEvent::Outbound { text, .. } => name(text),
        TraceEvent::Call { text, .. } | TraceEvent::Completed { text, .. } => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::trace;
    use super::*;

    #[test]
    fn a_ladder_is_aligned() {
        let expected = "\
time         harness                         stack
0.000000  3  |                               | socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.100000  5  |-- S 0:0(0) win 1000 --------->|
0.100000  6  |<- S. 0:0(0) ack 1 win 65535 --|
0.100000 17  |                               | read(4, ..., 10)
1.300250     |                               | read(4, ..., 10) = 0
";
        assert_eq!(ladder(&trace()), expected);
    }
}
