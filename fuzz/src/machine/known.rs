//! What a stack is known to do wrong, so that a campaign looks beyond it. Each has its case and its entry in a ledger.

use harness::scenario::{Event, State, Stimulus, Trace, Violation};

/// A fault that is known.
#[derive(Debug)]
pub struct Known {
    /// The target.
    pub target: &'static str,
    /// The oracles that may object.
    pub oracles: &'static [&'static str],
    /// The steps after which they may, if one of these was there: state, event, and whether the segment had text.
    pub after: fn(State, Event, bool) -> bool,
    /// The case that shows it.
    pub case: &'static str,
}

/// Every one.
pub const KNOWN: &[Known] = &[
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["ack", "alive", "closed", "room", "stream"],
        after: |_, event, _| event == Event::AckUnsent,
        case: "tcp/ack/data-that-was-not-sent-is-not-acknowledged",
    },
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["ack", "stream"],
        after: |state, _, has_text| state > State::FinWait2 && has_text,
        case: "tcp/close/data-behind-the-fin-is-ignored",
    },
    Known {
        target: "tcp_machine_smoltcp",
        oracles: &["alive", "cause"],
        after: |_, event, _| event == Event::ResetInexact,
        case: "tcp/reset/reset-in-the-window-is-challenged",
    },
];

/// The fault that explains what was found on the stack of `target`.
pub fn explanation(target: &str, trace: &Trace, violation: &Violation) -> Option<&'static Known> {
    KNOWN.iter().find(|known| {
        let is_after = trace.steps.iter().any(|step| {
            let has_text =
                matches!(&step.stimulus, Stimulus::Segment(segment) if !segment.payload.is_empty());
            step.event.is_some_and(|event| (known.after)(step.state, event, has_text))
        });
        known.target == target && known.oracles.contains(&violation.oracle) && is_after
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cases::ledger::Ledger;
    use cases::suite::Tree;

    /// An excuse is as good as the case that shows it.
    #[test]
    fn every_known_fault_has_its_case_and_its_entry() {
        let ledger = Ledger::load("smoltcp").unwrap();
        for known in KNOWN {
            assert!(Tree::suite().file(known.case).path.is_file(), "there is no case {}", known.case);
            let has_entry = ledger.deviations.iter().any(|entry| entry.case.as_deref() == Some(known.case));
            assert!(has_entry, "{} has no entry", known.case);
        }
    }
}
