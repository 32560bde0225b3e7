//! What must be right in a case's head before it counts as one.

use super::{Case, CaseFile, Tree};
use crate::catalogue::Catalogue;
use crate::nearest::advice;
use crate::upstream;
use harness::lang::ast::{Head, Script, Spanned};
use harness::lang::{Error, Span};
use harness::sut::{Capability, Family};
use std::collections::BTreeSet;

/// The first folders of the suite, in the order of reports, with the families that their cases run in by default.
pub const PROTOCOLS: &[(&str, &[Family])] = &[
    ("arp", &[Family::Ipv4]),
    ("icmpv4", &[Family::Ipv4]),
    ("ipv4", &[Family::Ipv4]),
    ("udp", &[Family::Ipv4, Family::Ipv6]),
    ("dhcpv4", &[Family::Ipv4]),
    ("dns", &[Family::Ipv4, Family::Ipv6]),
    ("ipv6", &[Family::Ipv6]),
    ("forwarding", &[Family::Ipv4, Family::Ipv6]),
    ("tcp", &[Family::Ipv4, Family::Ipv6]),
];

/// The folders inside ipv6.
const INSIDE_IPV6: &[&str] = &["nd", "slaac", "icmpv6", "mld", "pmtu", "fragments", "headers"];

pub(super) fn check(
    tree: &Tree,
    file: &CaseFile,
    script: Script,
    catalogue: &Catalogue,
    start: &Span,
) -> Result<Case, Vec<Error>> {
    let mut errors = Vec::new();
    if tree.is_suite {
        errors.extend(folder_error(&file.id, start));
    }
    let (families, requires, needs) = match &script.head {
        Some(head) => {
            check_requirements(head, catalogue, start, &mut errors);
            check_needs(head, &mut errors);
            (families(&file.id, head), values(&head.requires), values(&head.needs))
        }
        None => {
            if tree.is_suite {
                errors.push(
                    Error::new(start, "no //! requires: in its head")
                        .help("write //! requires: RFC9293-MUST-23"),
                );
            }
            (upstream::families_of(&file.id, &script), Vec::new(), Vec::new())
        }
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    // Strongest first is the order of the enumeration.
    let level = requires.iter().filter_map(|id| catalogue.get(id)).map(|r| r.level.strength()).min();
    Ok(Case { id: file.id.clone(), path: file.path.clone(), families, requires, needs, level, script })
}

fn values(spanned: &[Spanned<String>]) -> Vec<String> {
    spanned.iter().map(|s| s.value.clone()).collect()
}

fn folder_error(id: &str, start: &Span) -> Option<Error> {
    let parts: Vec<&str> = id.split('/').collect();
    let first = parts.first().copied().unwrap_or("");
    let unknown = |folder: &str, known: Vec<&str>| {
        Error::new(start, format!("unknown folder {folder:?}")).help(format!("one of {}", known.join(", ")))
    };
    if parts.len() < 2 || !PROTOCOLS.iter().any(|(name, _)| *name == first) {
        return Some(unknown(first, PROTOCOLS.iter().map(|(name, _)| *name).collect()));
    }
    match parts.as_slice() {
        ["ipv6", inside, _, ..] if !INSIDE_IPV6.contains(inside) => {
            Some(unknown(inside, INSIDE_IPV6.to_vec()))
        }
        _ => None,
    }
}

fn check_requirements(head: &Head, catalogue: &Catalogue, start: &Span, errors: &mut Vec<Error>) {
    if head.requires.is_empty() {
        errors.push(Error::new(start, "requires no requirement").help("write //! requires: RFC9293-MUST-23"));
    }
    let mut required = BTreeSet::new();
    for Spanned { value: id, span } in &head.requires {
        if catalogue.get(id).is_none() {
            errors.push(
                Error::new(span, format!("unknown requirement {id}")).help(advice(id, catalogue.ids())),
            );
        }
        if !required.insert(id.as_str()) {
            errors.push(Error::new(span, format!("requirement {id} stands twice")));
        }
        if !head.twins.iter().any(|twin| twin.requirement == *id) {
            let help = format!("add //! twin {id}: alter @label FIELD += 1");
            errors.push(Error::new(span, format!("requirement {id} has no twin")).help(help));
        }
    }
    for twin in &head.twins {
        if !required.contains(twin.requirement.as_str()) {
            let message = format!("twin for {}, which the case does not require", twin.requirement);
            errors.push(
                Error::new(&twin.span, message).help(advice(&twin.requirement, required.iter().copied())),
            );
        }
    }
}

fn check_needs(head: &Head, errors: &mut Vec<Error>) {
    for Spanned { value: name, span } in &head.needs {
        if Capability::from_name(name).is_none() {
            let known = Capability::ALL.iter().map(|(_, n)| *n);
            errors.push(Error::new(span, format!("unknown capability {name}")).help(advice(name, known)));
        }
    }
}

/// The families in the head, of which the parser has seen that they exist, or those of the case's first folder.
fn families(id: &str, head: &Head) -> Vec<Family> {
    let said: Vec<Family> = head.families.iter().filter_map(|f| Family::from_name(&f.value)).collect();
    if !said.is_empty() {
        return said;
    }
    let first = id.split('/').next().unwrap_or("");
    let default = PROTOCOLS.iter().find(|(name, _)| *name == first).map(|(_, families)| *families);
    default.unwrap_or(&[Family::Ipv4, Family::Ipv6]).to_vec()
}
