//! Ledgers: wrong behaviour that is known, asserted with its reason.
//!
//! `golden/ledgers/STACK.toml` (`:` in a stack's name becomes `@`) has one `[[deviation]]` for each case that the stack
//! is known to fail. `golden/ledgers/upstream/STACK.toml` has one `[[deviation]]` for each upstream packetdrill script.

use crate::catalogue::{Catalogue, Level, parse_toml, read_toml};
use crate::nearest::advice;
use crate::version::Range;
use harness::run::Verdict;
use harness::sut::Family;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Why a stack deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Its default setting; another setting would conform.
    Knob,
    /// It is built so.
    Design,
    /// Its authors would call it a bug.
    Bug,
}

/// A known deviation of a stack from a requirement.
///
/// With `case`, that case must end with `verdict`: any other verdict is unexpected. Without, the deviation is
/// documented, and a case that requires the same row may fail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The case that shows it; `None` where no case was written for it yet. Where cells of a table show one and the
    /// same, it may be all of them: `tcp/states/{closing,last-ack}/{syn-*,rst-inside}`.
    pub case: Option<String>,
    /// The family in which it shows; all where none is named.
    #[serde(default, deserialize_with = "family")]
    pub family: Option<Family>,
    /// The requirement that is broken.
    pub requirement: String,
    /// Its level, as in the catalogue.
    pub level: Level,
    /// What the stack does instead.
    pub instead: String,
    /// Why.
    pub why: Why,
    /// A public document that says so.
    pub reference: Option<String>,
    /// The versions that deviate, all where none is named.
    #[serde(default, deserialize_with = "range")]
    pub version: Option<Range>,
    /// The verdict that the case ends with; `inconclusive` where the deviation shows before the point of the case.
    #[serde(default = "fail", deserialize_with = "verdict")]
    pub verdict: Verdict,
}

/// Why an upstream script does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamReason {
    /// It needs a facility of the operating system that has nothing to do with the protocol (splice, ethtool).
    Facility,
    /// It asserts what one implementation does and no RFC asks for.
    Private,
    /// It asserts what a newer RFC changed.
    Outdated,
    /// The stack lacks the feature.
    Missing,
}

/// An upstream script that a stack is known not to pass.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamDeviation {
    /// The script's path without extension, from whichever folder it is found in.
    pub case: String,
    /// The family; all where none is named.
    #[serde(default, deserialize_with = "family")]
    pub family: Option<Family>,
    /// Why.
    pub reason: UpstreamReason,
    /// The feature that is missing or in the way.
    pub feature: String,
}

fn fail() -> Verdict {
    Verdict::Fail
}

fn verdict<'de, D: Deserializer<'de>>(input: D) -> Result<Verdict, D::Error> {
    let name = String::deserialize(input)?;
    match Verdict::from_name(&name) {
        Some(verdict @ (Verdict::Fail | Verdict::Inconclusive)) => Ok(verdict),
        _ => Err(serde::de::Error::custom(format!("verdict {name:?}: a deviation is fail or inconclusive"))),
    }
}

fn family<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Family>, D::Error> {
    let name = String::deserialize(input)?;
    let names = Family::ALL.iter().map(|(_, n)| *n).collect::<Vec<_>>().join(", ");
    let unknown = || serde::de::Error::custom(format!("unknown family {name:?}: one of {names}"));
    Family::from_name(&name).ok_or_else(unknown).map(Some)
}

fn range<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Range>, D::Error> {
    Range::parse(&String::deserialize(input)?).map(Some).map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    #[serde(default = "Vec::new")]
    deviation: Vec<T>,
}

/// What a stack is known to do wrong.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The file, as shown to the user.
    pub path: PathBuf,
    /// Deviations in our cases.
    pub deviations: Vec<Deviation>,
    /// Deviations in upstream scripts.
    pub upstream: Vec<UpstreamDeviation>,
}

/// A stack's name as a file name.
pub fn file_name(stack: &str) -> String {
    stack.replace(':', "@")
}

impl Ledger {
    /// Reads the ledgers of `stack` below `golden/ledgers`; a file that is not there is an empty one.
    ///
    /// # Errors
    /// Says where a file is unreadable or has what no ledger has.
    pub fn load(stack: &str) -> Result<Ledger, String> {
        Ledger::load_from(&crate::golden().join("ledgers"), crate::stacks::ledger(stack))
    }

    /// Reads the ledgers of `stack` in `folder` and `folder/upstream`.
    ///
    /// # Errors
    /// Says where a file is unreadable or has what no ledger has.
    pub fn load_from(folder: &Path, stack: &str) -> Result<Ledger, String> {
        let name = format!("{}.toml", file_name(stack));
        let path = folder.join(&name);
        Ok(Ledger {
            deviations: entries(&path)?,
            upstream: entries(&folder.join("upstream").join(&name))?,
            path: Path::new("golden/ledgers").join(name),
        })
    }

    /// Reads the texts of a stack's two ledgers, which errors call `shown`.
    ///
    /// # Errors
    /// Says where a text has what no ledger has.
    pub fn parse(shown: &Path, cases: &str, upstream: &str) -> Result<Ledger, String> {
        let name = shown.display().to_string();
        Ok(Ledger {
            deviations: parse_toml::<File<Deviation>>(&name, cases)?.deviation,
            upstream: parse_toml::<File<UpstreamDeviation>>(&name, upstream)?.deviation,
            path: shown.to_owned(),
        })
    }

    /// The entry that says how `case` ends in `family` on this version of the stack.
    pub fn entry(&self, case: &str, family: Family, version: &str) -> Option<&Deviation> {
        let named = |d: &&Deviation| d.case.as_deref() == Some(case);
        let meant = |d: &&Deviation| d.case.as_deref().is_some_and(|pattern| is_meant(pattern, case));
        let applies = |d: &&Deviation| d.applies(family, version);
        let exact = self.deviations.iter().filter(named).find(applies);
        exact.or_else(|| self.deviations.iter().filter(meant).find(applies))
    }

    /// The documented deviation without a case that explains the failure of a case with these requirements.
    pub fn documented(&self, requires: &[String], family: Family, version: &str) -> Option<&Deviation> {
        let open = |d: &&Deviation| d.case.is_none() && requires.contains(&d.requirement);
        self.deviations.iter().filter(open).find(|d| d.applies(family, version))
    }

    /// The entry for an upstream script. Scripts are looked at from whichever folder, so the end of the path decides.
    pub fn upstream(&self, case: &str, family: Family) -> Option<&UpstreamDeviation> {
        let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'));
        let same = |entry: &str| entry == case || ends(entry, case) || ends(case, entry);
        self.upstream.iter().find(|d| same(&d.case) && d.family.is_none_or(|f| f == family))
    }

    /// Whether the ledger says anything about `version`: false where all its entries are about other versions, so that
    /// nobody has looked at this one.
    pub fn knows(&self, version: &str) -> bool {
        let mut ranges = self.deviations.iter().filter_map(|d| d.version.as_ref()).peekable();
        ranges.peek().is_none() || ranges.any(|range| range.contains(version))
    }

    /// What is wrong with the entries, one line each: cases and requirements that do not exist, levels that are not the
    /// catalogue's, entries that stand twice.
    pub fn check(&self, ids: &BTreeSet<&str>, catalogue: &Catalogue) -> Vec<String> {
        let mut errors = Vec::new();
        let mut seen = BTreeSet::new();
        for entry in &self.deviations {
            let case = entry.case.as_deref().unwrap_or("");
            let place = format!("{}: {} {case}", self.path.display(), entry.requirement);
            if entry.case.is_some() && !ids.contains(case) && !ids.iter().any(|id| is_meant(case, id)) {
                errors.push(format!("{place}: no such case; {}", advice(case, ids.iter().copied())));
            }
            match catalogue.get(&entry.requirement) {
                None => {
                    let near = advice(&entry.requirement, catalogue.ids());
                    errors.push(format!("{place}: no such requirement; {near}"));
                }
                Some(row) if row.level != entry.level => {
                    errors.push(format!("{place}: level {}, in the catalogue {}", entry.level, row.level));
                }
                Some(_) => {}
            }
            let range = entry.version.as_ref().map(ToString::to_string);
            // One case may show several deviations, but only one entry can say how it ends.
            let key = if entry.case.is_some() { case } else { &entry.requirement };
            if !seen.insert((key.to_owned(), entry.family, range)) {
                errors.push(format!("{place}: stands twice"));
            }
        }
        errors
    }
}

impl Deviation {
    fn applies(&self, family: Family, version: &str) -> bool {
        self.family.is_none_or(|f| f == family) && self.version.as_ref().is_none_or(|r| r.contains(version))
    }
}

/// Whether `pattern` means the case called `id`. A part of it may be several in braces, and end with `*` for anything.
fn is_meant(pattern: &str, id: &str) -> bool {
    let fits = |alternative: &str, found: &str| match alternative.strip_suffix('*') {
        Some(begin) => found.starts_with(begin),
        None => alternative == found,
    };
    let is_one = |part: &str, found: &str| {
        let several = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).unwrap_or(part);
        several.split(',').any(|alternative| fits(alternative, found))
    };
    let (mut parts, mut found) = (pattern.split('/'), id.split('/'));
    parts.all(|part| found.next().is_some_and(|found| is_one(part, found))) && found.next().is_none()
}

fn entries<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(read_toml::<File<T>>(path)?.deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[deviation]]\ncase = \"tcp/a\"\nrequirement = \"RFC9293-MUST-13\"\nlevel = \"MUST\"\n\
                         instead = \"60 s\"\nwhy = \"design\"\n";

    fn ledger(text: &str) -> Result<Ledger, String> {
        Ledger::parse(Path::new("l.toml"), text, "")
    }

    fn check_error(text: &str, expected: &str) {
        let catalogue = Catalogue::load().expect("the catalogue is readable");
        let ids = BTreeSet::from(["tcp/a", "tcp/b"]);
        let errors = ledger(text).map_or_else(|e| vec![e], |l| l.check(&ids, &catalogue));
        assert!(errors.iter().any(|e| e.contains(expected)), "{expected:?} is not among {errors:?}");
    }

    #[test]
    fn errors_name_the_entry() {
        check_error(&ENTRY.replace("why", "reason"), "l.toml:6: unknown field `reason`");
        check_error(&ENTRY.replace("design", "whim"), "l.toml:6: unknown variant `whim`");
        check_error(
            &ENTRY.replace("tcp/a", "tcp/c"),
            "RFC9293-MUST-13 tcp/c: no such case; nearest: tcp/a, tcp/b",
        );
        check_error(
            &ENTRY.replace("-13", "-1300"),
            "no such requirement; nearest: RFC9293-MUST-10, RFC9293-MUST-13",
        );
        check_error(&ENTRY.replace("\"MUST\"", "\"MAY\""), "level MAY, in the catalogue MUST");
        check_error(&ENTRY.repeat(2), "stands twice");
        check_error(&format!("{ENTRY}version = \"6\""), "l.toml:7: \"6\" is no condition on a version");
        check_error(&format!("{ENTRY}family = \"ipx\""), "l.toml:7: unknown family \"ipx\"");
        check_error(&format!("{ENTRY}verdict = \"pass\""), "a deviation is fail or inconclusive");
    }

    #[test]
    fn an_entry_applies_to_its_family_and_versions() {
        let text = format!("{ENTRY}family = \"ipv6\"\nversion = \">=5.14, <6.5\"\n");
        let ledger = ledger(&text).expect("a ledger");
        let found = |case, family, version| ledger.entry(case, family, version).is_some();
        assert!(found("tcp/a", Family::Ipv6, "6.1"));
        assert!(!found("tcp/b", Family::Ipv6, "6.1"));
        assert!(!found("tcp/a", Family::Ipv4, "6.1"));
        assert!(!found("tcp/a", Family::Ipv6, "6.5"));
        assert!(ledger.knows("6.1") && !ledger.knows("6.12"));
        assert!(Ledger::default().knows("6.12"), "a ledger without ranges is about all versions");
    }

    #[test]
    fn a_pattern_means_the_cells_of_a_row_and_what_is_named_comes_first() {
        let row = ENTRY.replace("tcp/a", "tcp/t/*/rst");
        let named = ENTRY.replace("tcp/a", "tcp/t/open/rst").replace("60 s", "named");
        let ledger = ledger(&format!("{row}{named}")).expect("a ledger");
        let found = |case| ledger.entry(case, Family::Ipv4, "1").map(|d| d.instead.as_str());
        assert_eq!(found("tcp/t/shut/rst"), Some("60 s"));
        assert_eq!(found("tcp/t/open/rst"), Some("named"));
        for other in ["tcp/t/shut/rst-inside", "tcp/t/rst", "tcp/t/shut/rst/x", "tcp/u/shut/rst"] {
            assert_eq!(found(other), None, "{other}");
        }
        let several = "t/{a,b}/{x,y-*}";
        for (id, meant) in
            [("t/a/x", true), ("t/b/y-z", true), ("t/c/x", false), ("t/a/xx", false), ("t/a/y", false)]
        {
            assert_eq!(is_meant(several, id), meant, "{id}");
        }
    }

    #[test]
    fn an_upstream_entry_is_found_from_any_folder() {
        let text = "[[deviation]]\ncase = \"tcp/sack/a\"\nreason = \"missing\"\nfeature = \"F-RTO\"\n";
        let file: File<UpstreamDeviation> = parse_toml("u.toml", text).expect("a ledger");
        let ledger = Ledger { upstream: file.deviation, ..Ledger::default() };
        for (case, found) in [
            ("tcp/sack/a", true),
            ("sack/a", true),
            ("net/tcp/sack/a", true),
            ("ack/a", false),
            ("tcp/sack/b", false),
        ] {
            assert_eq!(ledger.upstream(case, Family::Ipv4).is_some(), found, "{case}");
        }
    }

    #[test]
    fn an_upstream_script_stands_in_a_ledger_once() {
        for stack in ["reference", "reference:linux"] {
            let ledger = Ledger::load(stack).expect("the ledger is readable");
            let named: BTreeSet<_> = ledger.upstream.iter().map(|d| (d.case.as_str(), d.family)).collect();
            assert_eq!(named.len(), ledger.upstream.len(), "{stack}");
            assert!(!named.is_empty(), "{stack}: not found");
        }
    }

    #[test]
    fn the_ledgers_of_the_project_are_right() {
        let catalogue = Catalogue::load().expect("the catalogue is readable");
        let linux = Ledger::load("linux").expect("the ledger is readable");
        let documented: BTreeSet<&str> = linux.deviations.iter().map(|d| d.instead.as_str()).collect();
        assert!(documented.len() >= 31, "the deviations of requirements/index.md: {}", documented.len());
        let undated = linux.deviations.iter().filter(|d| d.version.is_none()).count();
        assert_eq!(undated, 0, "every entry says which kernels it is about");
        let ids: Vec<String> = linux.deviations.iter().filter_map(|d| d.case.clone()).collect();
        let ids = ids.iter().map(String::as_str).collect();
        assert_eq!(linux.check(&ids, &catalogue), Vec::<String>::new());
    }
}
