//! The requirement catalogue: one TOML file per RFC, the denominator of what the suite covers.
//!
//! Requirements that no test on the wire and the socket interface can see stand in `skipped.toml`, each with its reason,
//! and requirements that are covered by nothing on purpose in `explained.toml`. Numbering is final: new rows are
//! appended at the end of their section.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

mod check;

/// How strongly an RFC asks for something (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Level {
    /// MUST
    #[serde(rename = "MUST")]
    Must,
    /// MUST NOT
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// SHOULD
    #[serde(rename = "SHOULD")]
    Should,
    /// SHOULD NOT
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// MAY
    #[serde(rename = "MAY")]
    May,
}

impl Level {
    /// The strength alone: a prohibition is as strong as its obligation.
    pub fn strength(self) -> Level {
        match self {
            Level::Must | Level::MustNot => Level::Must,
            Level::Should | Level::ShouldNot => Level::Should,
            Level::May => Level::May,
        }
    }

    /// The keyword as RFC 2119 writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
            Level::May => "MAY",
        }
    }

    /// The level called `name`.
    pub fn from_name(name: &str) -> Option<Level> {
        use Level::{May, Must, MustNot, Should, ShouldNot};
        [Must, MustNot, Should, ShouldNot, May].into_iter().find(|l| l.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a requirement can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Observable {
    /// In the frames.
    #[serde(rename = "wire")]
    Wire,
    /// In the results of calls.
    #[serde(rename = "api")]
    Api,
    /// In both.
    #[serde(rename = "wire+api")]
    WireAndApi,
    /// Nowhere outside the stack.
    #[serde(rename = "internal")]
    Internal,
}

/// One row of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// `RFC1122-2.3.1-1`: RFC, section, number; RFC 9293's own names (`RFC9293-MUST-23`) where it has them.
    pub id: String,
    /// The section of the RFC, or the heading where sections have no numbers.
    pub section: String,
    /// How strongly the RFC asks for it.
    pub level: Level,
    /// The text has no RFC 2119 keyword; the level is a reading of it.
    #[serde(default)]
    pub implied: bool,
    /// What must hold, in one line.
    pub summary: String,
    /// Whom it binds: host, router, sender, receiver, client or server.
    pub role: String,
    /// Where it can be seen.
    pub observable: Observable,
    /// The requirement that replaced it.
    pub superseded_by: Option<String>,
    /// The requirement that states the same behaviour: tested once, both credited.
    pub same_as: Option<String>,
    /// Why it cannot be seen, on internal rows.
    pub reason: Option<String>,
    /// A stimulus and the response that shows it.
    pub test_hint: Option<String>,
}

impl Requirement {
    /// Whether the row counts towards what the suite should cover: it can be seen, is in force, and is no repetition.
    pub fn counts(&self) -> bool {
        self.observable != Observable::Internal && self.superseded_by.is_none() && self.same_as.is_none()
    }
}

/// One RFC's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rfc {
    /// Its number.
    #[serde(rename = "rfc")]
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Its rows, in the order of the file.
    #[serde(rename = "requirement", default)]
    pub requirements: Vec<Requirement>,
}

/// A requirement that no test can see.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "fields are those of `Requirement`")]
pub struct Skipped {
    pub id: String,
    pub rfc: u32,
    pub section: String,
    pub level: Level,
    #[serde(default)]
    pub implied: bool,
    pub summary: String,
    pub role: String,
    pub reason: String,
}

/// Sections of an RFC that were left out of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Omitted {
    /// The RFC's number.
    pub rfc: u32,
    /// The sections, as text.
    pub sections: String,
    /// How many RFC 2119 words they have.
    pub keywords: u32,
    /// Why they were left out.
    pub reason: String,
}

/// A requirement that counts, has no case, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// Its id.
    pub requirement: String,
    /// Why there is no case.
    pub reason: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkippedFile {
    #[serde(default)]
    skipped: Vec<Skipped>,
    #[serde(default)]
    omitted: Vec<Omitted>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainedFile {
    #[serde(default)]
    explained: Vec<Explained>,
}

impl Rfc {
    /// Reads the text of one RFC's file, which errors call `shown`.
    ///
    /// # Errors
    /// Says which line is no row.
    pub fn parse(shown: &str, text: &str) -> Result<Rfc, String> {
        parse_toml(shown, text)
    }
}

/// Every requirement that the project knows.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The RFCs by number.
    pub rfcs: Vec<Rfc>,
    /// What no test can see.
    pub skipped: Vec<Skipped>,
    /// Sections left out.
    pub omitted: Vec<Omitted>,
    /// What counts, has no case, and why.
    pub explained: Vec<Explained>,
    index: BTreeMap<String, (usize, usize)>,
}

impl Catalogue {
    /// Reads the project's catalogue, `cases/requirements`.
    ///
    /// # Errors
    /// Says which file cannot be read or what in it is no row.
    pub fn load() -> Result<Catalogue, String> {
        Catalogue::load_from(&crate::root().join("requirements"))
    }

    /// Reads `rfcNNNN.toml`, `skipped.toml` and `explained.toml` in `folder`.
    ///
    /// # Errors
    /// Says which file cannot be read or what in it is no row.
    pub fn load_from(folder: &Path) -> Result<Catalogue, String> {
        let mut numbers = BTreeSet::new();
        let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let name = entry.map_err(|e| format!("{}: {e}", folder.display()))?.file_name();
            let name = name.to_string_lossy();
            let number = name.strip_prefix("rfc").and_then(|n| n.strip_suffix(".toml"));
            numbers.extend(number.and_then(|n| n.parse::<u32>().ok()));
        }
        let mut catalogue = Catalogue::default();
        for number in numbers {
            let rfc: Rfc = read_toml(&folder.join(format!("rfc{number}.toml")))?;
            if rfc.number != number {
                return Err(format!("rfc{number}.toml: rfc = {} does not match the file's name", rfc.number));
            }
            catalogue.rfcs.push(rfc);
        }
        let skipped: SkippedFile = read_toml(&folder.join("skipped.toml"))?;
        let explained: ExplainedFile = read_toml(&folder.join("explained.toml"))?;
        catalogue.skipped = skipped.skipped;
        catalogue.omitted = skipped.omitted;
        catalogue.explained = explained.explained;
        catalogue.index_rows();
        Ok(catalogue)
    }

    fn index_rows(&mut self) {
        for (file, rfc) in self.rfcs.iter().enumerate() {
            for (row, requirement) in rfc.requirements.iter().enumerate() {
                self.index.entry(requirement.id.clone()).or_insert((file, row));
            }
        }
    }

    /// The requirement called `id`.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        let (file, row) = self.index.get(id)?;
        self.rfcs.get(*file)?.requirements.get(*row)
    }

    /// Every requirement, in the order of the files.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.rfcs.iter().flat_map(|rfc| &rfc.requirements)
    }

    /// Every requirement's id, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// The requirement that `id` repeats in the end, `id` itself where it repeats none.
    pub fn resolve<'a>(&'a self, id: &'a str) -> &'a str {
        let mut here = id;
        // A chain longer than the catalogue is a loop, which `check` reports.
        for _ in 0..self.index.len() {
            match self.get(here).and_then(|r| r.same_as.as_deref()) {
                Some(next) => here = next,
                None => break,
            }
        }
        here
    }

    /// What is wrong with the catalogue, one line each; empty where nothing is.
    pub fn check(&self) -> Vec<String> {
        check::check(self)
    }
}

/// Reads a TOML file into `T`; errors show the file, the line and what was expected.
pub(crate) fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse_toml(&path.display().to_string(), &text)
}

/// Parses TOML into `T`; errors show `shown`, the line and what was expected.
pub(crate) fn parse_toml<T: serde::de::DeserializeOwned>(shown: &str, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        format!("{shown}:{line}: {}", e.message())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of requirements/index.md.
    #[test]
    fn the_denominators_are_those_of_the_index() {
        let catalogue = Catalogue::load().expect("the catalogue is readable");
        let count = |f: &dyn Fn(&Requirement) -> bool| catalogue.requirements().filter(|r| f(r)).count();
        assert_eq!(catalogue.rfcs.len(), 59);
        assert_eq!(count(&|_| true), 1397);
        assert_eq!(count(&Requirement::counts), 1297);
        assert_eq!(count(&|r| r.implied), 472);
        let levels = [Level::Must, Level::MustNot, Level::Should, Level::ShouldNot, Level::May];
        let total = levels.map(|l| count(&|r| r.level == l));
        assert_eq!(total, [813, 154, 298, 26, 106]);
        let counting = levels.map(|l| count(&|r| r.level == l && r.counts()));
        assert_eq!(counting, [749, 146, 282, 22, 98]);
        assert_eq!(catalogue.check(), Vec::<String>::new());
    }

    #[test]
    fn a_repeated_requirement_resolves_to_the_one_that_is_tested() {
        let catalogue = Catalogue::load().expect("the catalogue is readable");
        for requirement in catalogue.requirements() {
            let end = catalogue.get(catalogue.resolve(&requirement.id)).expect("chains end at a row");
            assert_eq!(end.same_as, None, "{}", requirement.id);
        }
    }

    #[test]
    fn an_error_names_the_line() {
        let text = "rfc = 1\ntitle = \"T\"\n[[requirement]]\nid = \"RFC1-1-1\"\nlevel = \"OUGHT\"\n";
        let error = Rfc::parse("rfc1.toml", text).expect_err("OUGHT is no level");
        assert!(error.starts_with("rfc1.toml:5: ") && error.contains("OUGHT"), "{error}");
    }
}
