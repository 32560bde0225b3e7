//! results.json: what a program reads about a run of the suite.

use harness::run;
use harness::sut::{Capabilities, Clock};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of the shape below.
const SCHEMA: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// 1.
    pub schema: u32,
    /// The suite's name and version, or the name of the user's folder.
    pub suite: String,
    /// The stacks that were played on.
    pub stacks: Vec<StackInfo>,
    /// The runs, sorted by stack, case and family.
    pub results: Vec<RunResult>,
    /// The sums.
    pub totals: Totals,
}

/// A stack that was played on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackInfo {
    /// Its name, as `--stack` takes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `virtual` or `real`.
    pub clock: ClockKind,
    /// The names of what it can do, sorted.
    pub capabilities: Vec<String>,
    /// Of a kernel that was built to be played on: what it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<MadeOf>,
}

/// What a kernel was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// The name of the tarball or the tree.
    pub source: String,
    /// SHA-256 of the tarball, or of the names and contents of the tree's files.
    pub source_sha256: String,
    /// The compiler's own words.
    pub compiler: String,
    /// The beginning of the SHA-256 of the configuration and of what else was given to the build.
    pub configuration: String,
}

/// Whose time a stack runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockKind {
    /// Its own, which jumps.
    Virtual,
    /// The machine's.
    Real,
}

impl From<&Capabilities> for StackInfo {
    fn from(capabilities: &Capabilities) -> StackInfo {
        let mut names: Vec<String> = capabilities.has.iter().map(|c| c.name().to_owned()).collect();
        names.sort();
        StackInfo {
            name: capabilities.name.clone(),
            version: capabilities.version.clone(),
            clock: match capabilities.clock {
                Clock::Virtual => ClockKind::Virtual,
                Clock::Real { .. } => ClockKind::Real,
            },
            capabilities: names,
            made_of: None,
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// The stack's name.
    pub stack: String,
    /// The case's id.
    pub case: String,
    /// The family's name.
    pub family: String,
    /// How it ended.
    pub verdict: String,
    /// How it was expected to end.
    pub expected: String,
    /// The strongest level among `broken`, or else among its requirements; null in an upstream script.
    pub level: Option<String>,
    /// The requirements in its head.
    pub requirements: Vec<String>,
    /// Those that the failure shows to be broken, where that can be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    /// How much virtual time it took; null on a real clock, where that differs from run to run.
    pub virtual_us: Option<u64>,
    /// How much of the machine's time it took. The only member that differs between two runs of the same thing.
    pub wall_us: u64,
    /// What was first not as required.
    pub first_difference: Option<Difference>,
    /// The command that repeats it.
    pub replay: String,
}

/// What was first not as required: [`run::Difference`], member by member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "members are those of run::Difference")]
pub struct Difference {
    pub file: String,
    pub line: usize,
    pub field: String,
    pub expected: String,
    pub found: String,
    pub note: String,
    pub requirement: Option<String>,
}

impl From<run::Difference> for Difference {
    fn from(difference: run::Difference) -> Difference {
        let run::Difference { line, file, field, expected, found, note, requirement } = difference;
        Difference { file, line, field, expected, found, note, requirement }
    }
}

impl From<Difference> for run::Difference {
    fn from(difference: Difference) -> run::Difference {
        let Difference { line, file, field, expected, found, note, requirement } = difference;
        run::Difference { line, file, field, expected, found, note, requirement }
    }
}

/// How many runs there were and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the verdicts")]
pub struct Totals {
    pub scheduled: usize,
    pub reported: usize,
    pub pass: usize,
    pub fail: usize,
    pub inconclusive: usize,
    pub skip: usize,
    pub error: usize,
}

impl Results {
    /// The results of `scheduled` runs, in any order.
    pub fn new(suite: String, stacks: Vec<StackInfo>, scheduled: usize, runs: Vec<RunResult>) -> Results {
        let mut results = runs;
        results.sort_by(|a, b| (&a.stack, &a.case, &a.family).cmp(&(&b.stack, &b.case, &b.family)));
        let mut stacks = stacks;
        stacks.sort_by(|a, b| a.name.cmp(&b.name));
        let count = |verdict: &str| results.iter().filter(|r| r.verdict == verdict).count();
        let totals = Totals {
            scheduled,
            reported: results.len(),
            pass: count("pass"),
            fail: count("fail"),
            inconclusive: count("inconclusive"),
            skip: count("skip"),
            error: count("error"),
        };
        Results { schema: SCHEMA, suite, stacks, results, totals }
    }

    /// Reads what [`Results::write`] wrote.
    ///
    /// # Errors
    /// Says what is not as it should be, with line and column.
    pub fn parse(text: &[u8]) -> Result<Results, String> {
        serde_json::from_slice(text).map_err(|e| e.to_string())
    }

    /// The file's text.
    ///
    /// # Errors
    /// None that is known; serde's are passed on.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|e| e.to_string())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        std::fs::write(path, self.to_json()?).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// Verdicts and families in JSON, by their names.
pub mod names {
    use harness::run::Verdict;
    use harness::sut::Family;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Something with a name.
    pub trait Named: Sized + Copy {
        /// Its name.
        fn to_name(self) -> &'static str;
        /// What has this name.
        fn of_name(name: &str) -> Option<Self>;
    }

    impl Named for Verdict {
        /// Its name.
        fn to_name(self) -> &'static str {
            self.name()
        }
        /// What has this name.
        fn of_name(name: &str) -> Option<Verdict> {
            Verdict::from_name(name)
        }
    }

    impl Named for Family {
        /// Its name.
        fn to_name(self) -> &'static str {
            self.name()
        }
        /// What has this name.
        fn of_name(name: &str) -> Option<Family> {
            Family::from_name(name)
        }
    }

    /// Writes the name.
    ///
    /// # Errors
    /// The output's.
    pub fn serialize<T: Named, S: Serializer>(value: &T, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(value.to_name())
    }

    /// Reads the name.
    ///
    /// # Errors
    /// A name that nothing has.
    pub fn deserialize<'de, T: Named, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
        let name = String::deserialize(input)?;
        T::of_name(&name).ok_or_else(|| de::Error::custom(format!("unknown name {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stack: &str, case: &str, family: &str, verdict: &str) -> RunResult {
        RunResult {
            stack: stack.into(),
            case: case.into(),
            family: family.into(),
            verdict: verdict.into(),
            expected: "pass".into(),
            level: Some("MUST".into()),
            requirements: vec!["RFC9293-MUST-13".into()],
            broken: vec![],
            virtual_us: Some(7),
            wall_us: 8,
            first_difference: (verdict == "fail").then(Difference::default),
            replay: "cargo xtask conformance".into(),
        }
    }

    #[test]
    fn results_are_sorted_counted_and_read_back() {
        let info = |name: &str| StackInfo {
            name: name.into(),
            version: "1".into(),
            clock: ClockKind::Virtual,
            capabilities: vec!["tcp".into()],
            made_of: None,
        };
        let runs = vec![
            run("smoltcp", "tcp/a", "ipv4", "pass"),
            run("reference", "tcp/b", "ipv4", "fail"),
            run("reference", "tcp/a", "ipv6", "skip"),
            run("reference", "tcp/a", "ipv4", "pass"),
        ];
        let results = Results::new("s".into(), vec![info("smoltcp"), info("reference")], 5, runs);
        let order: Vec<String> =
            results.results.iter().map(|r| format!("{} {} {}", r.stack, r.case, r.family)).collect();
        let expected =
            ["reference tcp/a ipv4", "reference tcp/a ipv6", "reference tcp/b ipv4", "smoltcp tcp/a ipv4"];
        assert_eq!(order, expected);
        assert_eq!(results.stacks[0].name, "reference");
        let Totals { scheduled, reported, pass, fail, inconclusive, skip, error } = results.totals;
        assert_eq!([scheduled, reported, pass, fail, inconclusive, skip, error], [5, 4, 2, 1, 0, 1, 0]);
        let text = serde_json::to_string(&results).expect("results are JSON");
        assert!(text.starts_with(
            r#"{"schema":1,"suite":"s","stacks":[{"name":"reference","version":"1","clock":"virtual""#
        ));
        let back = Results::parse(text.as_bytes()).expect("what was written can be read");
        assert_eq!(back, results);
    }
}
