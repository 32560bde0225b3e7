//! The trace as text for golden files: one readable line a packet or call.

pub(crate) mod output;

use super::{completes_next, interface_of, multihomed};
use crate::run::{TraceEntry, TraceEvent};
use std::fmt::Write as _;

/// Whether a snapshot has times: they are the same on every machine only where the clock is virtual.
///
/// [`crate::stacks::replay`] tells by the number of digits how exact they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// In front of each line, in seconds since the start.
    Shown,
    /// The same, rounded to milliseconds: a kernel in virtual time, whose ticks are as long, and to whom reading the clock costs
    /// time.
    Rounded,
    /// Left out: the clock is real.
    Left,
}

/// The trace, one line an event: `0.100000 > S. 0:0(0) ack 1 win 65535`. Calls that complete at once take one line, which
/// ends with what they gave back: `read(4, ..., 10) = 10 : pattern 0 (10)`. [`crate::stacks::replay`] reads it.
pub fn snapshot(trace: &[TraceEntry], times: Times) -> String {
    let interfaces = multihomed(trace);
    let mut text = String::new();
    for (index, entry) in trace.iter().enumerate() {
        let time = match times {
            Times::Shown => format!("{} ", entry.at),
            Times::Rounded => rounded(entry.at) + " ",
            Times::Left => String::new(),
        };
        let interface =
            interface_of(entry).filter(|_| interfaces).map(|i| format!("#{i} ")).unwrap_or_default();
        let words = match &entry.what {
            TraceEvent::Inbound { text, .. } | TraceEvent::Outbound { text, .. } => text.clone(),
            // The line of the completion says it all.
            TraceEvent::Call { id, .. } if completes_next(trace, index, *id) => continue,
            TraceEvent::Call { text, .. } => format!("{text} ..."),
            TraceEvent::Completed { text, outcome, .. } => text.clone() + &output::write(&outcome.output),
        };
        let _infallible = writeln!(text, "{time}{interface}{words}");
    }
    text
}

/// Seconds with three digits behind the point.
fn rounded(at: stack::Instant) -> String {
    let millis = (at.as_nanos() + 500_000) / 1_000_000;
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::super::tests::trace;
    use super::*;

    #[test]
    fn times_are_shown_or_left_out() {
        let expected = "\
            0.000000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
            0.100000 < S 0:0(0) win 1000\n\
            0.100000 > S. 0:0(0) ack 1 win 65535\n\
            0.100000 read(4, ..., 10) ...\n\
            1.300250 read(4, ..., 10) = 0\n";
        assert_eq!(snapshot(&trace(), Times::Shown), expected);
        let without: String = expected.lines().map(|l| format!("{}\n", &l[9..])).collect();
        assert_eq!(snapshot(&trace(), Times::Left), without);
        let last = snapshot(&trace(), Times::Rounded);
        assert_eq!(last.lines().last(), Some("1.300 read(4, ..., 10) = 0"));
    }
}
