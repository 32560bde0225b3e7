//! Two kernels, each in processes of its own, on which the same scenarios are played: their traces are compared here.

use super::messages::{Compared, Recorded, Scenarios};
use super::report::Report;
use super::two::{Both, Two, made_small, shown};
use super::{CHUNK, job, why_not};
use crate::pool::Pool;
use crate::progress::Progress;
use crate::protocol::Answer;
use harness::run::Verdict;
use harness::scenario::{Trace, generate};

/// So many scenarios are recorded before their traces are compared and forgotten.
const HELD: u64 = 2048;

/// The workers of each kernel.
pub(super) struct Kernels(pub(super) [Pool; 2]);

impl Kernels {
    /// Compares the scenarios of a seed with these numbers, and reports on them.
    pub(super) fn compare(
        &mut self,
        seed: u64,
        numbers: std::ops::Range<u64>,
        progress: &mut Progress,
        report: &mut Report,
    ) {
        for start in numbers.clone().step_by(HELD as usize) {
            let numbers: Vec<u64> = (start..numbers.end.min(start + HELD)).collect();
            let scenarios: Vec<Vec<u8>> = numbers.iter().map(|number| generate(seed, *number)).collect();
            let mut compared = Compared::default();
            for (number, both) in numbers.iter().zip(self.both(&scenarios, &mut || progress.step())) {
                match both {
                    Ok(both) => compared.take(*number, &both),
                    Err(why) => report.not_played(&format!("scenario {number}"), &why),
                }
            }
            report.take(&compared);
        }
    }

    /// Makes one scenario small, or shows it.
    pub(super) fn ask(&mut self, scenarios: &Scenarios) -> Answer {
        let compared = match scenarios {
            Scenarios::Shrink { bytes, classes, names } => made_small(self, bytes, classes, names),
            Scenarios::Show(bytes) => shown(self, bytes),
            _ => Err("two kernels are asked for one scenario alone".to_owned()),
        };
        match compared {
            Ok(compared) => Answer { compared: Some(compared), ..Answer::new(0, Verdict::Pass) },
            Err(why) => Answer::broken(0, Verdict::Error, "scenario", why),
        }
    }

    /// What both did in each scenario.
    fn both(&self, scenarios: &[Vec<u8>], step: &mut dyn FnMut()) -> Vec<Result<Both, String>> {
        let [first, second] = self.0.each_ref().map(|pool| record(pool, scenarios, step));
        let pair = |(first, second): (Heard, Heard)| {
            let ((a, x), (b, y)) = (first?, second?);
            Ok(Both { traces: [a, b], granularities: [x, y] })
        };
        first.into_iter().zip(second).map(pair).collect()
    }
}

impl Two for Kernels {
    fn play(&mut self, bytes: &[u8]) -> Result<Both, String> {
        let both = self.both(&[bytes.to_vec()], &mut || ());
        both.into_iter().next().unwrap_or_else(|| Err("the scenario was not answered".to_owned()))
    }
}

/// What a kernel did in a scenario, and how late its timers may be.
type Heard = Result<(Trace, harness::sut::Granularity), String>;

/// Plays scenarios on one kernel.
fn record(pool: &Pool, scenarios: &[Vec<u8>], step: &mut dyn FnMut()) -> Vec<Heard> {
    let chunks = scenarios.chunks(CHUNK as usize);
    let jobs: Vec<_> = chunks.enumerate().map(|(run, c)| job(run, Scenarios::Record(c.to_vec()))).collect();
    let answers = pool.play(jobs, &mut |_| step());
    let of = |(answer, chunk): (Answer, &[Vec<u8>])| match answer.recorded {
        Some(Recorded { granularity, traces }) if traces.len() == chunk.len() => {
            traces.into_iter().map(|trace| Ok((trace?, granularity))).collect::<Vec<Heard>>()
        }
        _ => vec![Err(why_not(&answer)); chunk.len()],
    };
    answers.into_iter().zip(scenarios.chunks(CHUNK as usize)).flat_map(of).collect()
}
