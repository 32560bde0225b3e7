//! Snapshots played through the matchers of their cases: what was recorded must still come to the recorded verdict.

use super::files::{Section, Snapshot};
use cases::suite::{Case, Suite};
use harness::run::Verdict;
use harness::stacks::replay::{self, Recording};
use std::collections::BTreeMap;

/// What became of the recorded runs of a stack.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// How many were played.
    pub(super) runs: usize,
    /// How many are for reading alone.
    pub(super) for_reading: usize,
    /// A line for each that came to another verdict.
    pub(super) wrong: Vec<String>,
}

/// Plays the runs of `snapshots`.
pub(super) fn replay(suite: &Suite, snapshots: &BTreeMap<String, Snapshot>) -> Replayed {
    let mut replayed = Replayed::default();
    for case in &suite.cases {
        let Some(snapshot) = snapshots.get(&case.id) else { continue };
        let sections = snapshot.sections().unwrap_or_else(|error| {
            replayed.wrong.push(format!("{}: {error}", case.id));
            Vec::new()
        });
        for section in &sections {
            if section.for_reading {
                replayed.for_reading += 1;
                continue;
            }
            replayed.runs += 1;
            if let Err(why) = section_replays(case, section) {
                replayed.wrong.push(format!("{} {}: {why}", case.id, section.family));
            }
        }
    }
    replayed
}

/// # Errors
/// What came out instead.
pub(super) fn section_replays(case: &Case, section: &Section) -> Result<(), String> {
    // Of a run that was skipped there is nothing to play.
    if section.verdict == Verdict::Skip {
        return Ok(());
    }
    let recording = Recording::parse(&section.body)?;
    let recorded = (section.verdict, section.field.as_deref());
    let replayed =
        replay::play(&recording, &case.script, section.family, recorded).map_err(|e| e.to_string())?;
    if replayed.left > 0 {
        return Err(format!("the case ends {} lines before the recording does", replayed.left));
    }
    let record = replayed.record;
    let difference = record.first_difference.unwrap_or_default();
    let field = Some(difference.field.clone()).filter(|field| !field.is_empty());
    if (record.verdict, &field) == (section.verdict, &section.field) {
        return Ok(());
    }
    let was = section.write().lines().next().unwrap_or_default().to_owned();
    Err(format!(
        "recorded as `{was}`, replayed it is {} at {}:{}: {}: expected {}, found {}; {}",
        record.verdict,
        difference.file,
        difference.line,
        difference.field,
        difference.expected,
        difference.found,
        difference.note,
    ))
}
