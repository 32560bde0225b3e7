//! Snapshot files: where they are, what is in them.

use crate::results::{ClockKind, StackInfo};
use cases::ledger::file_name;
use harness::run::Verdict;
use harness::sut::Family;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The snapshot of one case on one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// What produced it.
    pub(super) description: String,
    /// The runs, family by family.
    pub(super) text: String,
}

/// One run in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) family: Family,
    pub(super) verdict: Verdict,
    /// The field of its first difference.
    pub(super) field: Option<String>,
    /// It does not say all that the case asks for, so it is for reading alone: played back it comes to another verdict.
    pub(super) for_reading: bool,
    /// The lines of the run.
    pub(super) body: String,
}

/// What stands behind the verdict of a run that is for reading alone.
const FOR_READING: &str = ", for reading alone";

impl Section {
    /// `ipv4: fail (ip.tos)` and the run below.
    pub(super) fn write(&self) -> String {
        let field = self.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
        let mark = if self.for_reading { FOR_READING } else { "" };
        format!("{}: {}{field}{mark}\n{}\n", self.family, self.verdict, self.body.trim_end())
    }

    fn read_head(line: &str) -> Option<Section> {
        let (line, for_reading) = line.strip_suffix(FOR_READING).map_or((line, false), |line| (line, true));
        let (family, rest) = line.split_once(": ")?;
        let (verdict, field) =
            rest.split_once(' ').map_or((rest, None), |(verdict, field)| (verdict, Some(field)));
        let field = match field {
            None => None,
            Some(field) => Some(field.strip_prefix('(')?.strip_suffix(')')?.to_owned()),
        };
        let (family, verdict) = (Family::from_name(family)?, Verdict::from_name(verdict)?);
        Some(Section { family, verdict, field, for_reading, body: String::new() })
    }
}

impl Snapshot {
    /// Reads a file as insta writes it: its own lines between two lines of dashes, then the text.
    pub(super) fn read(path: &Path) -> Result<Snapshot, String> {
        let file = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Snapshot::parse(&file).ok_or_else(|| format!("{}: this is no snapshot", path.display()))
    }

    fn parse(file: &str) -> Option<Snapshot> {
        let (head, text) = file.strip_prefix("---\n")?.split_once("\n---\n")?;
        let description = head.lines().find_map(|line| line.strip_prefix("description: "))?;
        Some(Snapshot {
            description: description.trim_matches('"').to_owned(),
            text: text.trim_end().to_owned(),
        })
    }

    /// The runs in it.
    pub(super) fn sections(&self) -> Result<Vec<Section>, String> {
        let mut sections: Vec<Section> = Vec::new();
        for line in self.text.lines() {
            match (Section::read_head(line), sections.last_mut()) {
                (Some(section), _) => sections.push(section),
                (None, Some(section)) => section.body += &format!("{line}\n"),
                (None, None) => return Err(format!("`{line}` stands in front of the first run")),
            }
        }
        Ok(sections)
    }
}

/// The snapshots of a stack, by case.
pub(super) fn recorded(stack: &str) -> Result<BTreeMap<String, Snapshot>, String> {
    let folder = folder(stack);
    let mut paths = Vec::new();
    collect(&folder, &mut paths)?;
    let mut snapshots = BTreeMap::new();
    for path in paths {
        let case = path.strip_prefix(&folder).unwrap_or(&path).with_extension("");
        snapshots.insert(case.to_string_lossy().into_owned(), Snapshot::read(&path)?);
    }
    Ok(snapshots)
}

/// Where the snapshots of a stack are.
pub(super) fn folder(stack: &str) -> PathBuf {
    cases::golden().join(file_name(stack))
}

/// What produces the snapshots of a stack.
pub(super) fn description(info: &StackInfo) -> String {
    let clock = match info.clock {
        ClockKind::Virtual => "virtual",
        ClockKind::Real => "real",
    };
    format!("{} {}, {clock} clock", info.name, info.version)
}

/// Compares a text with the snapshot, or writes it, as insta is set; insta shows the difference.
pub(super) fn is_same(info: &StackInfo, case: &str, text: &str) -> bool {
    // insta would make one name of a path, so each folder is told to it.
    let (below, name) = case.rsplit_once('/').unwrap_or(("", case));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder(&info.name).join(below));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description(info));
    let compare = || settings.bind(|| insta::assert_snapshot!(name, text));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let compared = catch_unwind(AssertUnwindSafe(compare));
    std::panic::set_hook(hook);
    compared.is_ok()
}

/// The snapshots below `folder`, sorted.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "snap") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let section = |family, verdict, field: Option<&str>, body: &str| Section {
            family,
            verdict,
            field: field.map(str::to_owned),
            for_reading: verdict == Verdict::Fail,
            body: body.to_owned(),
        };
        let sections = vec![
            section(Family::Ipv4, Verdict::Fail, Some("rule window-right-edge"), "< a: b\n> S. 0:0(0)\n"),
            section(Family::Ipv4MappedIpv6, Verdict::Pass, None, "close(3) = 0\n"),
        ];
        let text: String = sections.iter().map(Section::write).collect();
        let file = format!("---\nsource: x\ndescription: \"linux 6, real clock\"\n---\n{text}");
        let snapshot = Snapshot::parse(&file).expect("a snapshot");
        assert_eq!(snapshot.description, "linux 6, real clock");
        assert_eq!(snapshot.sections(), Ok(sections));
        assert!(Snapshot::parse("text").is_none());
        let headless = Snapshot { description: String::new(), text: "> S".to_owned() };
        assert!(headless.sections().is_err());
    }
}
