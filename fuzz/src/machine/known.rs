//! What a stack is known to do wrong, so that a campaign looks beyond it. Each has its entry in a ledger.

use harness::scenario::segment::{FIN, RST, SYN, Segment};
use harness::scenario::{Event, Step, Stimulus, Trace, Violation};
use std::time::Duration;

/// A fault that is known.
#[derive(Debug)]
pub struct Known {
    /// The target.
    pub target: &'static str,
    /// The oracles that may object.
    pub oracles: &'static [&'static str],
    /// Whether they may after these steps.
    pub after: fn(&[Step]) -> bool,
    /// The requirement that is broken, as the entry names it.
    pub requirement: &'static str,
}

/// Longer than any timer.
const LONG: Duration = Duration::from_secs(1000);

fn has(step: &Step, property: fn(&Segment) -> bool) -> bool {
    matches!(&step.stimulus, Stimulus::Segment(segment) if property(segment))
}

/// Text after a FIN: whether that was taken cannot be told before it is acknowledged, which may be later.
fn has_text_behind_fin(steps: &[Step]) -> bool {
    let fin = steps.iter().position(|step| has(step, |segment| segment.has(FIN)));
    let behind = fin.and_then(|fin| steps.get(fin + 1..)).unwrap_or(&[]);
    behind.iter().any(|step| has(step, |segment| !segment.payload.is_empty()))
}

/// Every one.
pub const KNOWN: &[Known] = &[
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["ack", "alive", "closed", "room", "stream"],
        after: |steps| steps.iter().any(|step| step.event == Some(Event::AckUnsent)),
        requirement: "RFC9293-3.10.7.4-14",
    },
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["ack", "stream"],
        after: has_text_behind_fin,
        requirement: "RFC9293-3.10.7.4-23",
    },
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["alive", "cause"],
        after: |steps| steps.iter().any(|step| step.event == Some(Event::ResetInexact)),
        requirement: "RFC5961-3.2-3",
    },
    // A segment with more than one of SYN, FIN and RST is none, so the peer goes on as if it had been taken.
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["ack", "alive", "cause", "closed", "room", "stream"],
        after: |steps| {
            steps.iter().any(|step| has(step, |segment| (segment.flags & (SYN | FIN | RST)).count_ones() > 1))
        },
        requirement: "RFC9293-MUST-10",
    },
    // What is not acknowledged it repeats for ever, so no wait is long enough.
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["closed", "flood"],
        after: |steps| {
            let is_long = |step: &&Step| step.event == Some(Event::Time) && step.length > LONG;
            steps.iter().filter(is_long).any(|step| !step.happened.is_empty())
        },
        requirement: "RFC9293-MUST-20",
    },
];

/// The fault that explains what was found on the stack of `target`.
pub fn explanation(target: &str, trace: &Trace, violation: &Violation) -> Option<&'static Known> {
    KNOWN.iter().find(|known| {
        let may = known.target == target && known.oracles.contains(&violation.oracle);
        may && (known.after)(&trace.steps)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cases::ledger::Ledger;

    /// An excuse is as good as the entry that says it.
    #[test]
    fn every_known_fault_has_its_entry() {
        let ledger = Ledger::load("smoltcp").unwrap();
        for known in KNOWN {
            let has_entry = ledger.deviations.iter().any(|entry| entry.requirement == known.requirement);
            assert!(has_entry, "{} has no entry", known.requirement);
        }
    }
}
