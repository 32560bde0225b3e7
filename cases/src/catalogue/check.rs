//! What must hold in the catalogue beyond the shape of its rows.

use super::{Catalogue, Observable, Requirement};
use std::collections::{BTreeMap, BTreeSet};

const ROLES: &[&str] = &["host", "router", "sender", "receiver", "client", "server"];
/// The longest summary, in characters: one line of a report.
const SUMMARY: usize = 200;

pub(super) fn check(catalogue: &Catalogue) -> Vec<String> {
    let mut errors = Vec::new();
    check_rows(catalogue, &mut errors);
    check_links(catalogue, &mut errors);
    check_skipped(catalogue, &mut errors);
    check_explained(catalogue, &mut errors);
    errors
}

fn check_rows(catalogue: &Catalogue, errors: &mut Vec<String>) {
    let mut seen = BTreeMap::new();
    for rfc in &catalogue.rfcs {
        if rfc.title.trim().is_empty() {
            errors.push(format!("rfc{}.toml: no title", rfc.number));
        }
        for (row, requirement) in rfc.requirements.iter().enumerate() {
            let place = format!("rfc{}.toml[{row}] {}", rfc.number, requirement.id);
            if let Some(first) = seen.insert(requirement.id.as_str(), place.clone()) {
                errors.push(format!("{place}: duplicate id, also {first}"));
            }
            let mut problems = row_problems(rfc.number, requirement);
            errors.extend(problems.drain(..).map(|problem| format!("{place}: {problem}")));
        }
    }
}

fn row_problems(rfc: u32, row: &Requirement) -> Vec<String> {
    let mut problems = text_problems(&row.section, &row.summary, &row.role);
    problems.extend(id_problem(rfc, &row.id, &row.section));
    let hint = row.test_hint.as_deref().unwrap_or("");
    match row.observable {
        Observable::Internal => {
            if rfc != 9293 {
                problems.push("internal requirements belong in skipped.toml".into());
            }
            if row.reason.as_deref().unwrap_or("").trim().is_empty() {
                problems.push("internal requirement without reason".into());
            }
        }
        _ if hint.trim().is_empty() => problems.push("no test_hint".into()),
        Observable::Wire | Observable::WireAndApi if !hint.contains("->") => {
            problems.push("test_hint has no stimulus -> response".into());
        }
        _ => {}
    }
    problems
}

fn text_problems(section: &str, summary: &str, role: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if section.trim().is_empty() {
        problems.push("empty section".into());
    }
    if summary.trim().is_empty() {
        problems.push("empty summary".into());
    }
    if summary.chars().count() > SUMMARY {
        problems.push(format!("summary longer than {SUMMARY} characters"));
    }
    if summary.contains('\n') {
        problems.push("summary spans lines".into());
    }
    if !ROLES.contains(&role) {
        problems.push(format!("bad role {role:?}: one of {}", ROLES.join(", ")));
    }
    problems
}

/// Ids are `RFC<n>-<section>-<k>`, but for those that RFC 9293 numbers itself (`RFC9293-MUST-23`).
fn id_problem(rfc: u32, id: &str, section: &str) -> Option<String> {
    let Some(rest) = id.strip_prefix(&format!("RFC{rfc}-")) else {
        return Some("id does not start with its RFC's number".into());
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let named = ["MUST-", "SHLD-", "MAY-", "REC-"];
    let is_named = rfc == 9293 && named.iter().any(|n| rest.strip_prefix(n).is_some_and(is_number));
    let numbered = rest.strip_prefix(section).and_then(|r| r.strip_prefix('-')).is_some_and(is_number);
    (!is_named && !numbered).then(|| "id is not RFC<n>-<section>-<k>".into())
}

fn check_links(catalogue: &Catalogue, errors: &mut Vec<String>) {
    let links = |r: &Requirement| {
        let same = r.same_as.clone().map(|to| ("same_as", to));
        let superseded = r.superseded_by.clone().map(|to| ("superseded_by", to));
        same.into_iter().chain(superseded).collect::<Vec<_>>()
    };
    for row in catalogue.requirements() {
        for (name, to) in links(row) {
            if catalogue.get(&to).is_none() {
                errors.push(format!("{}: {name} = {to} does not exist", row.id));
                continue;
            }
            let mut path = BTreeSet::from([row.id.clone()]);
            let mut next = Some(to);
            while let Some(hop) = next {
                next = catalogue.get(&hop).and_then(|r| links(r).pop()).map(|(_, to)| to);
                if !path.insert(hop) {
                    errors.push(format!("{}: {name} chain loops", row.id));
                    break;
                }
            }
        }
    }
}

fn check_skipped(catalogue: &Catalogue, errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (row, skipped) in catalogue.skipped.iter().enumerate() {
        let place = format!("skipped.toml[{row}] {}", skipped.id);
        let mut problems = text_problems(&skipped.section, &skipped.summary, &skipped.role);
        if skipped.reason.trim().is_empty() {
            problems.push("empty reason".into());
        }
        if !seen.insert(skipped.id.as_str()) {
            problems.push("duplicate id in skipped.toml".into());
        }
        // Every Appendix B id of RFC 9293 stands in its own file, also those that cannot be seen.
        match (skipped.rfc == 9293, catalogue.get(&skipped.id).is_some()) {
            (false, true) => problems.push("id is used in an RFC's file".into()),
            (true, false) => problems.push("missing from rfc9293.toml".into()),
            _ => {}
        }
        errors.extend(problems.into_iter().map(|problem| format!("{place}: {problem}")));
    }
    for (row, omitted) in catalogue.omitted.iter().enumerate() {
        if omitted.sections.trim().is_empty() || omitted.reason.trim().is_empty() {
            errors.push(format!("skipped.toml omitted[{row}]: needs sections and reason"));
        }
    }
    for row in catalogue.requirements().filter(|r| r.observable == Observable::Internal) {
        if !seen.contains(row.id.as_str()) {
            errors.push(format!("{}: internal but not in skipped.toml", row.id));
        }
    }
}

fn check_explained(catalogue: &Catalogue, errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for entry in &catalogue.explained {
        let place = format!("explained.toml {}", entry.requirement);
        match catalogue.get(&entry.requirement) {
            None => errors.push(format!("{place}: no such requirement")),
            Some(row) if !row.counts() => {
                errors.push(format!("{place}: does not count towards coverage, so needs no explanation"));
            }
            Some(_) => {}
        }
        if entry.reason.trim().is_empty() {
            errors.push(format!("{place}: empty reason"));
        }
        if !seen.insert(entry.requirement.as_str()) {
            errors.push(format!("{place}: explained twice"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    fn check(change: impl FnOnce(&mut Catalogue), expected: &str) {
        let mut catalogue = Catalogue::load().expect("the catalogue is readable");
        change(&mut catalogue);
        catalogue.index.clear();
        catalogue.index_rows();
        let errors = catalogue.check();
        assert!(errors.iter().any(|e| e.contains(expected)), "{expected:?} is not among {errors:?}");
    }

    #[test]
    fn each_rule_is_checked() {
        check(|c| c.rfcs[0].requirements[0].id = "RFC1-2-3".into(), "does not start with its RFC's number");
        check(|c| c.rfcs[0].requirements[0].id.push('x'), "id is not RFC<n>-<section>-<k>");
        check(|c| c.rfcs[0].requirements[0].role = "king".into(), "bad role \"king\"");
        check(|c| c.rfcs[0].requirements[0].summary = "x".repeat(201), "summary longer");
        check(|c| c.rfcs[0].requirements[0].test_hint = None, "no test_hint");
        check(|c| c.rfcs[0].requirements[0].observable = Observable::Internal, "belong in skipped.toml");
        check(|c| c.rfcs[0].requirements[0].same_as = Some("RFC0-0-0".into()), "RFC0-0-0 does not exist");
        check(
            |c| c.rfcs[0].requirements[0].same_as = Some(c.rfcs[0].requirements[0].id.clone()),
            "chain loops",
        );
        check(|c| c.rfcs[0].requirements[1] = c.rfcs[0].requirements[0].clone(), "duplicate id");
        check(|c| c.skipped[0].reason.clear(), "empty reason");
        check(|c| c.skipped.retain(|s| s.rfc != 9293), "internal but not in skipped.toml");
        let explained = |id: &str| Explained { requirement: id.into(), reason: "r".into() };
        check(|c| c.explained.push(explained("RFC0-0-0")), "no such requirement");
    }
}
