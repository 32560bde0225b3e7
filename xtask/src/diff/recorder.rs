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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Wants;
    use harness::scenario::generate;
    use harness::sut::Family;

    #[test]
    fn a_trace_is_told_as_it_was() {
        let reference = || cases::stacks::in_memory("reference").expect("it is known");
        let scenarios: Vec<Vec<u8>> = (0..64).map(|number| generate(1, number)).collect();
        let mut recorder = Recorder::new(Stack::Memory(reference()));
        let wants = Wants { scenarios: Some(Scenarios::Record(scenarios.clone())), ..Wants::default() };
        let job = Job { run: 0, case: String::new(), family: Family::Ipv4, seed: 1, twin: None, wants };
        let told = serde_json::to_string(&recorder.play(&job)).expect("an answer is text");
        let answer: Answer = serde_json::from_str(&told).expect("the text is an answer");
        let recorded = answer.recorded.expect("it was asked for");
        for (bytes, trace) in scenarios.iter().zip(recorded.traces) {
            let played = drive(reference().as_mut(), &Scenario::decode(bytes), &mut ());
            assert_eq!(trace.ok(), played.ok());
        }
    }
}
