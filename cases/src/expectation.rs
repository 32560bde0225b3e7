//! What a run is expected to end with, and what to make of how it did end.

use crate::catalogue::{Catalogue, Level};
use crate::ledger::Ledger;
use crate::suite::Case;
use harness::engine::decided_at;
use harness::run::{Difference, Verdict};
use harness::sut::Family;

/// The field of a difference that says that a run on a real clock ended differently when it was repeated.
pub const TIMING: &str = "timing";

/// What to make of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the verdict expected.
    AsExpected,
    /// A requirement below MUST is broken: reported, and the exit status is left alone.
    Weak,
    /// It failed on a version that the ledger has nothing about: reported, and the exit status is left alone.
    Unlisted,
    /// On a real clock it ended differently when it was repeated: counted.
    Timing,
    /// It is not what was expected.
    Unexpected,
}

/// A verdict, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict expected.
    pub expected: Verdict,
    /// What to make of the verdict found.
    pub standing: Standing,
    /// What the ledger says, where it says something.
    pub note: Option<String>,
}

/// What decides on the verdicts of one stack.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The stack's ledgers.
    pub ledger: &'a Ledger,
    /// The stack's version.
    pub version: &'a str,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// Whether a broken SHOULD is unexpected too.
    pub strict: bool,
}

impl Judge<'_> {
    /// Judges how `case` ended in `family`.
    pub fn judge(
        &self,
        case: &Case,
        family: Family,
        verdict: Verdict,
        difference: Option<&Difference>,
    ) -> Judgement {
        // Only a script that its own runner cannot read either can be known to end so.
        let is_known = case.is_upstream() && difference.is_some_and(|d| d.field == "script");
        if verdict == Verdict::Error && !is_known {
            return Judgement {
                expected: self.listed(case, family),
                standing: Standing::Unexpected,
                note: None,
            };
        }
        if verdict == Verdict::Inconclusive && difference.is_some_and(|d| d.field == TIMING) {
            return Judgement { expected: self.listed(case, family), standing: Standing::Timing, note: None };
        }
        if case.is_upstream() {
            return self.judge_upstream(case, family, verdict);
        }
        if let Some(entry) = self.ledger.entry(&case.id, family, self.version) {
            let standing = if verdict == entry.verdict { Standing::AsExpected } else { Standing::Unexpected };
            let advice =
                if verdict == Verdict::Pass { "; if it passes for good, remove the entry" } else { "" };
            let note = format!("{}: {}{advice}", self.ledger.path.display(), entry.instead);
            return Judgement { expected: entry.verdict, standing, note: Some(note) };
        }
        self.judge_unlisted(case, family, verdict, difference)
    }

    /// The verdict that the ledger, or its silence, asks for.
    fn listed(&self, case: &Case, family: Family) -> Verdict {
        self.ledger.entry(&case.id, family, self.version).map_or(Verdict::Pass, |entry| entry.verdict)
    }

    fn judge_upstream(&self, case: &Case, family: Family, verdict: Verdict) -> Judgement {
        let Some(entry) = self.ledger.upstream(&case.id, family) else {
            let expected = if verdict == Verdict::Skip { Verdict::Skip } else { Verdict::Pass };
            let standing = if verdict == expected { Standing::AsExpected } else { Standing::Unexpected };
            return Judgement { expected, standing, note: None };
        };
        let note = Some(format!("known: {}", entry.feature));
        match verdict {
            Verdict::Pass => Judgement { expected: Verdict::Fail, standing: Standing::Unexpected, note },
            other => Judgement { expected: other, standing: Standing::AsExpected, note },
        }
    }

    fn judge_unlisted(
        &self,
        case: &Case,
        family: Family,
        verdict: Verdict,
        difference: Option<&Difference>,
    ) -> Judgement {
        let as_expected = Judgement { expected: verdict, standing: Standing::AsExpected, note: None };
        // A skip names the capability or the setting that the stack declares not to have.
        if matches!(verdict, Verdict::Pass | Verdict::Skip) {
            return as_expected;
        }
        if let Some(entry) = self.ledger.documented(&case.requires, family, self.version)
            && verdict == Verdict::Fail
        {
            return Judgement { note: Some(entry.instead.clone()), ..as_expected };
        }
        let standing = match self.level(case, verdict, difference) {
            _ if !self.ledger.knows(self.version) => Standing::Unlisted,
            Some(Level::Should | Level::May) if verdict == Verdict::Fail && !self.strict => Standing::Weak,
            _ => Standing::Unexpected,
        };
        Judgement { expected: Verdict::Pass, standing, note: None }
    }
}

impl Judge<'_> {
    /// The strongest level among what is broken; among all that the case names where that is not known.
    pub fn level(&self, case: &Case, verdict: Verdict, difference: Option<&Difference>) -> Option<Level> {
        let rows = broken(case, verdict, difference).into_iter().filter_map(|id| self.catalogue.get(id));
        rows.map(|row| row.level.strength()).min().or(case.level)
    }
}

/// The requirements that a failure shows to be broken: that of a passive rule, or those whose twins make the case fail at
/// the same line. None where no twin says which of the case's requirements the line decides.
pub fn broken<'a>(case: &'a Case, verdict: Verdict, difference: Option<&'a Difference>) -> Vec<&'a str> {
    match difference {
        Some(Difference { requirement: Some(id), .. }) => vec![id],
        Some(difference) if verdict == Verdict::Fail => decided_at(&case.script, difference.line),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
