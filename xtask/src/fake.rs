//! A stack for the tests of the pool: the last part of the case's id says how it behaves.

use crate::player::Player;
use crate::protocol::{Answer, Job, TRACE};
use crate::results::{ClockKind, StackInfo};
use harness::run::Verdict;
use std::io::Write;

/// Set where fake stacks are let in.
pub(crate) const VARIABLE: &str = "WIREPROOF_TEST_STACKS";

/// `test-virtual` or `test-real`.
pub(crate) struct Fake {
    clock: ClockKind,
    played: u64,
}

impl Fake {
    /// The fake called `name`, where such stacks are let in.
    pub(crate) fn open(name: &str) -> Option<Fake> {
        std::env::var_os(VARIABLE)?;
        let clock = match name {
            "test-virtual" => ClockKind::Virtual,
            "test-real" => ClockKind::Real,
            _ => return None,
        };
        Some(Fake { clock, played: 0 })
    }
}

impl Player for Fake {
    fn info(&self) -> StackInfo {
        let name = match self.clock {
            ClockKind::Virtual => "test-virtual",
            ClockKind::Real => "test-real",
        };
        StackInfo {
            name: name.into(),
            version: "1".into(),
            clock: self.clock,
            capabilities: vec![],
            made_of: None,
        }
    }

    fn play(&mut self, job: &Job) -> Answer {
        self.played += 1;
        if job.wants.trace {
            eprintln!("{TRACE}inbound R 1:1(0) win 0");
        }
        let answer =
            |verdict| Answer { difference: None, ..Answer::broken(job.run, verdict, "", String::new()) };
        match job.case.rsplit('/').next().unwrap_or("") {
            "spin" => loop {
                std::hint::spin_loop();
            },
            "sleep" => loop {
                std::thread::park();
            },
            "panic" => panic!("a panic on purpose"),
            "exit" => std::process::exit(3),
            "abort" => std::process::abort(),
            "flood" => {
                flood();
                answer(Verdict::Pass)
            }
            "memory" => {
                let bytes = vec![1_u8; 8 << 30];
                answer(if bytes.is_empty() { Verdict::Pass } else { Verdict::Fail })
            }
            // Passes when it is played alone: what a busy machine does to a run on a real clock.
            "flaky" if self.played > 1 => answer(Verdict::Fail),
            "fail" => Answer::broken(job.run, Verdict::Fail, "tcp.ack", "2".into()),
            "skip" => Answer::broken(job.run, Verdict::Skip, "capability", "urgent".into()),
            _ => answer(Verdict::Pass),
        }
    }
}

/// Writes more to standard output than any pipe holds.
fn flood() {
    let line = [b'{'; 1 << 16];
    for _ in 0..64 {
        // What becomes of it is what the test looks at.
        let _ = std::io::stdout().write_all(&line);
    }
}
