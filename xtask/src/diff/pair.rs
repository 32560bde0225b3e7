//! In a worker or a guest: two stacks in one process, on which the same scenarios are played one after the other.

use super::messages::{Compared, Found, Scenarios, Shown, pair};
use super::requirement;
use crate::player::{Player, Stack};
use crate::protocol::{Answer, Job, TRACE};
use crate::results::StackInfo;
use cases::classes::Classes;
use harness::report;
use harness::run::{TraceEntry, Verdict};
use harness::scenario::case::{self, Head};
use harness::scenario::faulty::{Faulty, fault};
use harness::scenario::{
    Comparison, Divergence, Scenario, Stop, Trace, compare, drive, entries, generate, shrink,
};
use harness::sut::{Granularity, StackUnderTest};
use std::collections::BTreeSet;

/// So many scenarios are played at most to make one small.
const SHRINKING: usize = 600;

/// The stack of the session, and the one in memory that it is compared with, which is first.
pub(crate) struct Pair {
    session: Stack,
    against: Box<dyn StackUnderTest>,
    /// The name of the one in memory.
    name: String,
    /// The same stack with a fault, once one is asked for.
    faulty: Option<(String, Faulty)>,
}

impl Pair {
    /// The two stacks.
    ///
    /// # Errors
    /// Where there is no such stack in memory.
    pub(crate) fn new(session: Stack, against: &str) -> Result<Pair, String> {
        let unknown = || format!("there is no stack {against:?} in memory");
        let stack = cases::stacks::in_memory(against).ok_or_else(unknown)?;
        Ok(Pair { session, against: stack, name: against.to_owned(), faulty: None })
    }

    fn granularities(&self) -> [Granularity; 2] {
        [self.against.capabilities().granularity, self.session.capabilities().granularity]
    }

    /// Plays a scenario on both.
    fn play(&mut self, bytes: &[u8]) -> Result<(Scenario, [Trace; 2]), String> {
        let scenario = Scenario::decode(bytes);
        let first = drive(self.against.as_mut(), &scenario, &mut ()).map_err(|stop| told(&stop))?;
        let second = drive(self.session.under_test(), &scenario, &mut ()).map_err(|stop| told(&stop));
        self.session.rest();
        Ok((scenario, [first, second?]))
    }

    fn compare(&mut self, bytes: &[u8]) -> Result<(Comparison, [Trace; 2]), String> {
        let (_, traces) = self.play(bytes)?;
        Ok((compare(&traces[0], &traces[1], self.granularities()), traces))
    }

    fn range(&mut self, seed: u64, first: u64, count: u64, wants_trace: bool) -> Result<Compared, String> {
        let mut compared = Compared::default();
        let mut pairs = BTreeSet::new();
        for number in first..first.saturating_add(count) {
            if wants_trace {
                eprintln!("{TRACE}scenario {number}");
            }
            let bytes = generate(seed, number);
            let (comparison, traces) =
                self.compare(&bytes).map_err(|why| format!("scenario {number}: {why}"))?;
            compared.played += 1;
            pairs.extend(traces.iter().flat_map(Trace::pairs));
            match comparison {
                Comparison::Same => {}
                Comparison::Raced => compared.raced += 1,
                Comparison::Apart => compared.apart += 1,
                Comparison::Different(divergence) => compared.found.push(Found::new(number, &divergence)),
            }
        }
        compared.pairs = pairs.into_iter().map(pair).collect();
        Ok(compared)
    }

    /// The stack in memory with a fault.
    fn faulty(&mut self, name: &str) -> Result<&mut Faulty, String> {
        if self.faulty.as_ref().is_none_or(|(own, _)| own != name) {
            let make = fault(name).ok_or_else(|| format!("there is no fault {name:?}"))?;
            let stack = cases::stacks::in_memory(&self.name).ok_or_else(|| "there is no stack".to_owned())?;
            self.faulty = Some((name.to_owned(), Faulty::new(stack, make)));
        }
        self.faulty.as_mut().map(|(_, faulty)| faulty).ok_or_else(|| "there is no stack".to_owned())
    }

    /// What a fault changes in some scenarios.
    fn canary(&mut self, name: &str, seed: u64, first: u64, count: u64) -> Result<Compared, String> {
        let mut compared = Compared::default();
        for number in first..first.saturating_add(count) {
            let bytes = generate(seed, number);
            let (sound, traces) = self.compare(&bytes).map_err(|why| format!("scenario {number}: {why}"))?;
            let granularities = self.granularities();
            let mut trace = Trace::default();
            let scenario = Scenario::decode(&bytes);
            let played = harness::scenario::play(self.faulty(name)?, &scenario, &mut (), &mut trace);
            compared.played += 1;
            let flood = |stop: Stop| Divergence {
                operation: None,
                state: harness::scenario::State::Closed,
                event: "end".to_owned(),
                given: String::new(),
                field: "end".to_owned(),
                first: told(&stop),
                second: "nothing".to_owned(),
            };
            let comparison = match played {
                Ok(()) => compare(&trace, &traces[1], granularities),
                Err(stop) => Comparison::Different(flood(stop)),
            };
            match comparison {
                Comparison::Different(found) if Comparison::Different(found.clone()) != sound => {
                    compared.found.push(Found::new(number, &found));
                }
                _ => {}
            }
        }
        Ok(compared)
    }

    fn shrink(&mut self, bytes: &[u8], classes: &Classes, names: &[String; 2]) -> Result<Compared, String> {
        let Comparison::Different(wanted) = self.compare(bytes)?.0 else { return self.show(bytes) };
        let kind = |found: &Divergence| (found.state, found.event.clone(), found.field.clone());
        let shape = |found: &Divergence| [shape(&found.first), shape(&found.second)];
        let class = |found: &Divergence| classes.of(&names[0], &names[1], found);
        let small = shrink(bytes, SHRINKING, &mut |candidate| match self.compare(candidate) {
            Ok((Comparison::Different(found), _)) => {
                kind(&found) == kind(&wanted)
                    && shape(&found) == shape(&wanted)
                    && class(&found) == class(&wanted)
            }
            _ => false,
        });
        let mut compared = self.show(&small)?;
        let requirement = class(&wanted).and_then(|at| classes.classes.get(at)?.requirement.clone());
        if let (Some(id), Some(shown)) = (requirement, &mut compared.shown) {
            shown.cases = shown.cases.each_ref().map(|case| about(case, &id));
        }
        Ok(compared)
    }

    fn show(&mut self, bytes: &[u8]) -> Result<Compared, String> {
        let (scenario, traces) = self.play(bytes)?;
        let comparison = compare(&traces[0], &traces[1], self.granularities());
        let mut compared = Compared { played: 1, ..Compared::default() };
        if let Comparison::Different(divergence) = &comparison {
            compared.found.push(Found::new(0, divergence));
        }
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

fn told(stop: &Stop) -> String {
    match stop {
        Stop::Refused(refusal) => refusal.to_string(),
        Stop::Violation(violation) => violation.to_string(),
    }
}

impl Player for Pair {
    fn info(&self) -> StackInfo {
        StackInfo::from(self.session.capabilities())
    }

    fn play(&mut self, job: &Job) -> Answer {
        let compared = match &job.wants.scenarios {
            Some(Scenarios::Range { seed, first, count }) => {
                self.range(*seed, *first, *count, job.wants.trace)
            }
            Some(Scenarios::Canary { fault, seed, first, count }) => {
                self.canary(fault, *seed, *first, *count)
            }
            Some(Scenarios::Shrink { bytes, classes, names }) => self.shrink(bytes, classes, names),
            Some(Scenarios::Show(bytes)) => self.show(bytes),
            None => Err("a job without scenarios".to_owned()),
        };
        match compared {
            Ok(compared) => Answer { compared: Some(compared), ..Answer::new(job.run, Verdict::Pass) },
            Err(why) => Answer::broken(job.run, Verdict::Error, "scenario", why),
        }
    }
}
