//! In a worker or a guest: one stack whose traces are compared elsewhere, since a process has one kernel.

use super::messages::{Recorded, Scenarios};
use super::two::told;
use crate::player::{Player, Stack};
use crate::protocol::{Answer, Job};
use crate::results::StackInfo;
use harness::run::Verdict;
use harness::scenario::{Scenario, Trace, drive};

/// The stack of the session.
pub(crate) struct Recorder(Stack);

impl Recorder {
    pub(crate) fn new(stack: Stack) -> Recorder {
        Recorder(stack)
    }

    fn record(&mut self, bytes: &[u8]) -> Result<Trace, String> {
        let trace = drive(self.0.under_test(), &Scenario::decode(bytes), &mut ()).map_err(|stop| told(&stop));
        self.0.rest();
        trace
    }
}

impl Player for Recorder {
    fn info(&self) -> StackInfo {
        StackInfo::from(self.0.capabilities())
    }

    fn play(&mut self, job: &Job) -> Answer {
        let Some(Scenarios::Record(scenarios)) = &job.wants.scenarios else {
            return Answer::broken(
                job.run,
                Verdict::Error,
                "scenario",
                "a job without scenarios to record".to_owned(),
            );
        };
        let traces = scenarios.iter().map(|bytes| self.record(bytes)).collect();
        let recorded = Recorded { granularity: self.0.capabilities().granularity, traces };
        Answer { recorded: Some(recorded), ..Answer::new(job.run, Verdict::Pass) }
    }
}
