//! In a worker or a guest: two stacks in one process, on which the same scenarios are played one after the other.

use super::messages::{Compared, Found, Scenarios};
use super::two::{Both, Two, made_small, shown, told};
use crate::player::{Player, Stack};
use crate::protocol::{Answer, Job, TRACE};
use crate::results::StackInfo;
use harness::run::Verdict;
use harness::scenario::faulty::{Faulty, fault};
use harness::scenario::{Comparison, Divergence, Scenario, Stop, Trace, compare, drive, generate};
use harness::sut::StackUnderTest;

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

    fn range(&mut self, seed: u64, first: u64, count: u64, wants_trace: bool) -> Result<Compared, String> {
        let mut compared = Compared::default();
        for number in first..first.saturating_add(count) {
            if wants_trace {
                eprintln!("{TRACE}scenario {number}");
            }
            let both = Two::play(self, &generate(seed, number))
                .map_err(|why| format!("scenario {number}: {why}"))?;
            compared.take(number, &both);
        }
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
            let both = Two::play(self, &bytes).map_err(|why| format!("scenario {number}: {why}"))?;
            let sound = both.compare();
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
                Ok(()) => compare(&trace, &both.traces[1], both.granularities),
                Err(stop) => Comparison::Different(flood(stop)),
            };
            match comparison {
                Comparison::Different(found) if Comparison::Different(found.clone()) != sound => {
                    compared.found.push(Found { number, divergence: found });
                }
                _ => {}
            }
        }
        Ok(compared)
    }
}

impl Two for Pair {
    fn play(&mut self, bytes: &[u8]) -> Result<Both, String> {
        let scenario = Scenario::decode(bytes);
        let first = drive(self.against.as_mut(), &scenario, &mut ()).map_err(|stop| told(&stop))?;
        let second = drive(self.session.under_test(), &scenario, &mut ()).map_err(|stop| told(&stop));
        self.session.rest();
        let granularities =
            [self.against.capabilities().granularity, self.session.capabilities().granularity];
        Ok(Both { traces: [first, second?], granularities })
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
            Some(Scenarios::Shrink { bytes, classes, names }) => made_small(self, bytes, classes, names),
            Some(Scenarios::Show(bytes)) => shown(self, bytes),
            Some(Scenarios::Record(_)) | None => Err("a job without scenarios to compare".to_owned()),
        };
        match compared {
            Ok(compared) => Answer { compared: Some(compared), ..Answer::new(job.run, Verdict::Pass) },
            Err(why) => Answer::broken(job.run, Verdict::Error, "scenario", why),
        }
    }
}
