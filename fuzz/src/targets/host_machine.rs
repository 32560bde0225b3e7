//! Whole hosts as state machines: one among neighbours that the harness plays, and two on one link.

use crate::host_machine::{Told, played};
use harness::scenario::Violation;
use harness::scenario::case::Head;
use harness::stacks::descriptors::Descriptors;
use harness::stacks::reference::Reference;
use harness::stacks::smoltcp::Smoltcp;

/// `data` is records (see [`crate::host_machine`]), for the reference stack.
///
/// # Panics
/// At a finding.
pub fn host_machine(data: &[u8]) {
    judge("host_machine", data);
}

/// The same for smoltcp. What [`known`] says of it is no finding.
///
/// # Panics
/// At a finding.
pub fn host_machine_smoltcp(data: &[u8]) {
    judge("host_machine_smoltcp", data);
}

/// The same for two hosts of the reference stack on one link, each the other one's gateway.
///
/// # Panics
/// At a finding.
pub fn host_pair(data: &[u8]) {
    judge("host_pair", data);
}

/// What is found on the target called `name` that is not known; where `told` is given it is told what happened.
///
/// # Panics
/// Where an adapter or a stack does.
pub fn judged(name: &str, data: &[u8], told: Option<&mut Told>) -> Option<Violation> {
    let found = match name {
        "host_machine_smoltcp" => played(&mut [&mut Descriptors::new(Smoltcp::default())], data, told),
        "host_pair" => played(&mut [&mut Reference::default(), &mut Reference::default()], data, told),
        _ => played(&mut [&mut Reference::default()], data, told),
    };
    found.filter(|violation| !known(name, violation))
}

/// The text of a case that does to a host what `data` does, and expects what the reference stack does then; `None` where a case has no
/// words for it.
pub fn case(name: &str, data: &[u8], violation: &Violation) -> Option<String> {
    let mut told = Told::default();
    judged(&name.replace("_smoltcp", ""), data, Some(&mut told));
    let about = vec![format!("Found by fuzzing {name}: {}.", violation.found)];
    told.case(&Head { about, requirement: violation.requirement.unwrap_or("RFC1122-3.1-1").to_owned() })
}

/// Whether a stack is known to do this, which has its entry in a ledger.
fn known(name: &str, violation: &Violation) -> bool {
    KNOWN.iter().any(|(target, oracle, requirement)| {
        *target == name && *oracle == violation.oracle && *requirement == violation.requirement
    })
}

/// The target, the oracle that objects, and the requirement that is broken.
const KNOWN: &[(&str, &str, Option<&str>)] = &[
    // Headers of quotes are made anew, without identification and flow label.
    ("host_machine_smoltcp", "error-about-nothing", Some("RFC1122-3.2.2-2")),
    ("host_machine_smoltcp", "error-about-nothing", Some("RFC4443-2.4-3")),
    // Extension headers are looked at before the destination and what they carry.
    ("host_machine_smoltcp", "error-to-group", Some("RFC4443-2.4-7")),
    ("host_machine_smoltcp", "no-error6-about-error", Some("RFC4443-2.4-5")),
    ("host_machine_smoltcp", "source6", Some("RFC4291-2.8-1")),
    // A group resets connections.
    ("host_machine_smoltcp", "source4", Some("RFC1122-3.2.1.3-5")),
];

fn judge(name: &str, data: &[u8]) {
    let Some(violation) = judged(name, data, None) else { return };
    let mut told = Told::default();
    judged(name, data, Some(&mut told));
    panic!("{violation}\n{}", told.ladder());
}

#[cfg(test)]
mod tests {
    use super::*;
    use cases::ledger::Ledger;

    /// An excuse is as good as the entry that says it.
    #[test]
    fn what_is_known_has_its_entry() {
        let ledger = Ledger::load("smoltcp").unwrap();
        for (_, oracle, requirement) in KNOWN {
            let has_entry =
                ledger.deviations.iter().any(|entry| Some(entry.requirement.as_str()) == *requirement);
            assert!(has_entry, "{oracle} has no entry");
        }
    }
}
