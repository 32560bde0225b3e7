//! Two stacks that the same scenarios are played on, wherever each of them is: what is told of a scenario, and how it is made
//! small.

use super::messages::{Compared, Found, Shown};
use super::requirement;
use cases::classes::Classes;
use harness::report;
use harness::run::TraceEntry;
use harness::scenario::case::{self, Head};
use harness::scenario::{Comparison, Divergence, Scenario, Stop, Trace, compare, entries, shrink};
use harness::sut::Granularity;

/// So many scenarios are played at most to make one small.
const SHRINKING: usize = 600;

/// What two stacks did in the same scenario.
pub(super) struct Both {
    pub(super) traces: [Trace; 2],
    pub(super) granularities: [Granularity; 2],
}

impl Both {
    pub(super) fn compare(&self) -> Comparison {
        compare(&self.traces[0], &self.traces[1], self.granularities)
    }
}

/// What plays a scenario on two stacks.
pub(super) trait Two {
    /// Plays the scenario that `bytes` say.
    ///
    /// # Errors
    /// What kept a stack from being played on.
    fn play(&mut self, bytes: &[u8]) -> Result<Both, String>;
}

impl Compared {
    /// Takes in what came of the scenario `number`.
    pub(super) fn take(&mut self, number: u64, both: &Both) {
        self.played += 1;
        self.pairs.extend(both.traces.iter().flat_map(Trace::pairs));
        match both.compare() {
            Comparison::Same => {}
            Comparison::Raced => self.raced += 1,
            Comparison::Apart => self.apart += 1,
            Comparison::Different(divergence) => self.found.push(Found { number, divergence }),
        }
    }
}

/// Makes the scenario small, so that it shows a difference of the same kind and class, and shows it.
pub(super) fn made_small(
    two: &mut dyn Two,
    bytes: &[u8],
    classes: &Classes,
    names: &[String; 2],
) -> Result<Compared, String> {
    let Comparison::Different(wanted) = two.play(bytes)?.compare() else { return shown(two, bytes) };
    let kind = |found: &Divergence| (found.state, found.event.clone(), found.field.clone());
    let shape = |found: &Divergence| [shape(&found.first), shape(&found.second)];
    let class = |found: &Divergence| classes.of(&names[0], &names[1], found);
    let small =
        shrink(bytes, SHRINKING, &mut |candidate| match two.play(candidate).map(|both| both.compare()) {
            Ok(Comparison::Different(found)) => {
                kind(&found) == kind(&wanted)
                    && shape(&found) == shape(&wanted)
                    && class(&found) == class(&wanted)
            }
            _ => false,
        });
    let mut compared = shown(two, &small)?;
    let requirement = class(&wanted).and_then(|at| classes.classes.get(at)?.requirement.clone());
    if let (Some(id), Some(shown)) = (requirement, &mut compared.shown) {
        shown.cases = shown.cases.each_ref().map(|case| about(case, &id));
    }
    Ok(compared)
}

/// The scenario in every form in which it can be looked at.
pub(super) fn shown(two: &mut dyn Two, bytes: &[u8]) -> Result<Compared, String> {
    let both = two.play(bytes)?;
    let mut compared = Compared::default();
    compared.take(0, &both);
    let (comparison, scenario) = (both.compare(), Scenario::decode(bytes));
    let traces = &both.traces;
    let cases = traces.each_ref().map(|trace| case::write(&head(&comparison), &scenario, trace));
    let version = scenario.opening.version;
    let entries: [Vec<TraceEntry>; 2] = traces.each_ref().map(|trace| entries(trace, version));
    let interface = harness::scenario::setup(version).interfaces;
    compared.shown = Some(Shown {
        bytes: bytes.to_vec(),
        traces: traces.each_ref().map(ToString::to_string),
        cases,
        ladders: entries.each_ref().map(|entries| report::ladder(entries)),
        captures: entries.each_ref().map(|entries| report::pcapng(&interface, entries)),
    });
    Ok(compared)
}

/// A case that is about another requirement than was taken from state and event.
fn about(case: &str, id: &str) -> String {
    let guessed = case.lines().find_map(|line| line.strip_prefix("//! requires: "));
    guessed.map_or_else(|| case.to_owned(), |guessed| case.replace(guessed, id))
}

/// What of a difference is the same in another scenario that shows it: the kind of segment, or the result.
fn shape(text: &str) -> String {
    text.split(' ').next().unwrap_or("").to_owned()
}

/// What a case of a difference is about.
fn head(comparison: &Comparison) -> Head {
    let Comparison::Different(found) = comparison else {
        let requirement = requirement::of(harness::scenario::State::Established, "ack", "sent");
        return Head {
            about: vec!["A scenario in which the two stacks do the same.".to_owned()],
            requirement: requirement.to_owned(),
        };
    };
    let Divergence { state, event, given, field, .. } = found;
    let given = if given.is_empty() { String::new() } else { format!(" [{given}]") };
    let about = format!("Two stacks differ in {state} at {event}{given}, in what is told of as {field}.");
    Head { about: vec![about], requirement: requirement::of(*state, event, field).to_owned() }
}

pub(super) fn told(stop: &Stop) -> String {
    match stop {
        Stop::Refused(refusal) => refusal.to_string(),
        Stop::Violation(violation) => violation.to_string(),
    }
}
