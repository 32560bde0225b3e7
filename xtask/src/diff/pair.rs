//! In a worker or a guest: two stacks in one process, on which the same scenarios are played one after the other.

use super::messages::{Compared, Found, Scenarios, Shown, pair};
use crate::player::{Player, Stack};
use crate::protocol::{Answer, Job, TRACE};
use crate::results::StackInfo;
use harness::run::Verdict;
use harness::scenario::case::{self, Head};
use harness::scenario::{Comparison, Divergence, Scenario, Stop, Trace, compare, drive, generate, shrink};
use harness::sut::{Granularity, StackUnderTest};
use std::collections::BTreeSet;

/// So many scenarios are played at most to make one small.
const SHRINKING: usize = 600;

/// The stack of the session, and the one in memory that it is compared with, which is first.
pub(crate) struct Pair {
    session: Stack,
    against: Box<dyn StackUnderTest>,
}

impl Pair {
    /// The two stacks.
    ///
    /// # Errors
    /// Where there is no such stack in memory.
    pub(crate) fn new(session: Stack, against: &str) -> Result<Pair, String> {
        let unknown = || format!("there is no stack {against:?} in memory");
        Ok(Pair { session, against: cases::stacks::in_memory(against).ok_or_else(unknown)? })
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
                Comparison::Different(divergence) => compared.found.push(Found::new(number, &divergence)),
            }
        }
        compared.pairs = pairs.into_iter().map(pair).collect();
        Ok(compared)
    }

    fn shrink(&mut self, bytes: &[u8]) -> Result<Compared, String> {
        let Comparison::Different(wanted) = self.compare(bytes)?.0 else { return self.show(bytes) };
        let kind = |found: &Divergence| (found.state, found.event.clone(), found.field.clone());
        let shape = |found: &Divergence| [shape(&found.first), shape(&found.second)];
        let small = shrink(bytes, SHRINKING, &mut |candidate| match self.compare(candidate) {
            Ok((Comparison::Different(found), _)) => {
                kind(&found) == kind(&wanted) && shape(&found) == shape(&wanted)
            }
            _ => false,
        });
        self.show(&small)
    }

    fn show(&mut self, bytes: &[u8]) -> Result<Compared, String> {
        let (scenario, traces) = self.play(bytes)?;
        let comparison = compare(&traces[0], &traces[1], self.granularities());
        let mut compared = Compared { played: 1, ..Compared::default() };
        if let Comparison::Different(divergence) = &comparison {
            compared.found.push(Found::new(0, divergence));
        }
        let cases = traces.each_ref().map(|trace| case::write(&head(&comparison), &scenario, trace));
        let traces = traces.each_ref().map(ToString::to_string);
        compared.shown = Some(Shown { bytes: bytes.to_vec(), traces, cases });
        Ok(compared)
    }
}

/// What of a difference is the same in another scenario that shows it: the kind of segment, or the result.
fn shape(text: &str) -> String {
    text.split(' ').next().unwrap_or("").to_owned()
}

/// What stands above a case. Which requirement it is about a person has to say: until then it is that of the acceptability test.
fn head(comparison: &Comparison) -> Head {
    let about = match comparison {
        Comparison::Different(found) => {
            format!(
                "Two stacks differ in {}, {}: {}. The requirement is a guess.",
                found.state, found.event, found.field
            )
        }
        _ => "A scenario. The requirement is a guess.".to_owned(),
    };
    Head { about: vec![about], requirement: "RFC9293-3.10.7.4-3".to_owned() }
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
            Some(Scenarios::Shrink(bytes)) => self.shrink(bytes),
            Some(Scenarios::Show(bytes)) => self.show(bytes),
            None => Err("a job without scenarios".to_owned()),
        };
        match compared {
            Ok(compared) => Answer { compared: Some(compared), ..Answer::new(job.run, Verdict::Pass) },
            Err(why) => Answer::broken(job.run, Verdict::Error, "scenario", why),
        }
    }
}
