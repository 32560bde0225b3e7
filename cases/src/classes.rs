//! Classes of differences between two stacks: each is known, and says whose it is and why.
//!
//! `golden/classes/*.toml` has a `[[class]]` for each.

use crate::catalogue::read_toml;
use harness::scenario::Divergence;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Whose a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// One of the two violates a requirement, by mistake.
    Violation,
    /// Both may.
    Variation,
    /// One of the two deviates from a requirement on purpose.
    Deviation,
    /// The harness cannot compare here.
    Harness,
}

impl Verdict {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Violation => "violation",
            Verdict::Variation => "variation",
            Verdict::Deviation => "deviation",
            Verdict::Harness => "harness",
        }
    }
}

/// Differences of one kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name, unique among all.
    pub name: String,
    /// The two stacks, in the order of `first` and `second`; a kernel without its version (`linux`).
    pub stacks: [String; 2],
    /// The states before, by their names in RFC 9293; all where none is named.
    #[serde(default)]
    pub state: Vec<String>,
    /// The events or calls; all where none is named.
    #[serde(default)]
    pub event: Vec<String>,
    /// What was given, `*` standing for anything; one of several, or anything where none is named. What came before stands in
    /// brackets behind it, as `(orphan)`; harness/src/scenario/given.rs has the words.
    #[serde(default)]
    pub given: Vec<String>,
    /// The field, `*` standing for anything.
    #[serde(default = "anything")]
    pub field: String,
    /// What the first stack did, `*` standing for anything.
    #[serde(default = "anything")]
    pub first: String,
    /// What the second stack did.
    #[serde(default = "anything")]
    pub second: String,
    /// Whose it is.
    pub verdict: Verdict,
    /// The stack that violates or deviates.
    pub by: Option<String>,
    /// The requirement that it is about.
    pub requirement: Option<String>,
    /// The setting that decides it.
    pub knob: Option<String>,
    /// Why it is so.
    pub why: String,
}

fn anything() -> String {
    "*".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "Vec::new")]
    class: Vec<Class>,
}

/// All classes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Classes {
    /// In the order of their files and of the entries there: the first that fits is taken.
    pub classes: Vec<Class>,
}

impl Classes {
    /// Those of the project.
    ///
    /// # Errors
    /// Names the file and the entry that is wrong.
    pub fn load() -> Result<Classes, String> {
        Classes::read(&crate::golden().join("classes"))
    }

    /// Reads all files of a folder, in the order of their names; none where there is no folder.
    ///
    /// # Errors
    /// Names the file and the entry that is wrong.
    pub fn read(folder: &Path) -> Result<Classes, String> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Classes::default()) };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
        paths.sort();
        let mut classes = Classes::default();
        for path in paths {
            let file: File = read_toml(&path)?;
            for class in file.class {
                class.check(&classes.classes).map_err(|why| format!("{}: {why}", path.display()))?;
                classes.classes.push(class);
            }
        }
        Ok(classes)
    }

    /// The class of a difference between `first` and `second`, by its place.
    pub fn of(&self, first: &str, second: &str, found: &Divergence) -> Option<usize> {
        self.classes.iter().position(|class| class.fits(first, second, found))
    }
}

impl Class {
    /// Whether the entry says all that it must.
    fn check(&self, others: &[Class]) -> Result<(), String> {
        let named = |what: &str| format!("class {:?}: {what}", self.name);
        if others.iter().any(|other| other.name == self.name) {
            return Err(named("there are two of this name"));
        }
        let is_about_one = matches!(self.verdict, Verdict::Violation | Verdict::Deviation);
        if is_about_one != self.by.is_some() {
            return Err(named("a violation or deviation names the stack with `by`, nothing else does"));
        }
        if is_about_one && self.requirement.is_none() {
            return Err(named("a violation or deviation names its requirement"));
        }
        if self.by.as_ref().is_some_and(|by| !self.stacks.contains(by)) {
            return Err(named("`by` is one of the two stacks"));
        }
        let states = harness::scenario::State::ALL;
        match self.state.iter().find(|name| !states.iter().any(|(_, known)| known == name)) {
            Some(unknown) => Err(named(&format!("there is no state {unknown:?}"))),
            None => Ok(()),
        }
    }

    fn fits(&self, first: &str, second: &str, found: &Divergence) -> bool {
        let (first, second) = (crate::stacks::ledger(first), crate::stacks::ledger(second));
        let [a, b] = &self.stacks;
        let (mine, theirs) = if (a.as_str(), b.as_str()) == (first, second) {
            (&found.first, &found.second)
        } else if (a.as_str(), b.as_str()) == (second, first) {
            (&found.second, &found.first)
        } else {
            return false;
        };
        let among = |list: &[String], name: &str| list.is_empty() || list.iter().any(|entry| entry == name);
        is_like(&self.field, &found.field)
            && among(&self.state, found.state.name())
            && among(&self.event, &found.event)
            && (self.given.is_empty() || self.given.iter().any(|given| is_like(given, &found.given)))
            && is_like(&self.first, mine)
            && is_like(&self.second, theirs)
    }
}

/// Whether `text` is as `pattern` says, in which `*` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let Some(at) = rest.find(before) else { return false };
            rest = &rest[at + before.len()..];
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::scenario::State;

    #[test]
    fn patterns_stand_for_texts() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("nothing", "nothing", true),
            ("nothing", "nothing more", false),
            ("R*", "R. 1:1(0)", true),
            ("*(0) ack * win *", ". 1:1(0) ack 3 win Open", true),
            ("*a*a", "a", false),
            ("a*b*c", "a-b-c", true),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_class_fits_both_ways_round() {
        let class: File = toml::from_str(
            r#"
[[class]]
name = "a"
stacks = ["reference:linux", "linux"]
state = ["LISTEN"]
field = "sent"
first = "nothing"
verdict = "variation"
why = "a test""#,
        )
        .expect("a class");
        let classes = Classes { classes: class.class };
        let found = |first: &str, second: &str| Divergence {
            operation: None,
            state: State::Listen,
            event: "syn".into(),
            given: "S".into(),
            field: "sent".into(),
            first: first.into(),
            second: second.into(),
        };
        assert_eq!(classes.of("reference:linux", "linux-6.12", &found("nothing", "R")), Some(0));
        assert_eq!(classes.of("linux-6.12", "reference:linux", &found("R", "nothing")), Some(0));
        assert_eq!(classes.of("linux-6.12", "reference:linux", &found("nothing", "R")), None);
        assert_eq!(classes.of("reference:linux", "smoltcp", &found("nothing", "R")), None);
    }

    #[test]
    fn the_projects_classes_are_well_formed() {
        assert!(Classes::load().is_ok(), "{:?}", Classes::load().err());
    }
}
