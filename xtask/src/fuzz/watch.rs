//! What a person sees while fuzzers run.

use super::engine::Finding;
use super::session::Report;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// One line: on a terminal over and over, elsewhere now and then.
pub(super) struct Watch {
    start: Instant,
    whole: Duration,
    due: Instant,
    is_terminal: bool,
}

impl Watch {
    /// Of something that takes `whole`.
    pub(super) fn new(whole: Duration) -> Watch {
        let (start, is_terminal) = (Instant::now(), std::io::stderr().is_terminal());
        Watch { start, whole, due: start + Duration::from_secs(1), is_terminal }
    }

    /// Says how far it is, where that is due: executions, their rate, coverage, inputs kept, findings.
    pub(super) fn show(&mut self, names: &[&str], reports: &[Report]) {
        let now = Instant::now();
        if now < self.due || names.is_empty() {
            return;
        }
        self.due = now + if self.is_terminal { Duration::from_millis(500) } else { Duration::from_secs(10) };
        let executions: u64 = reports.iter().map(|report| report.status.executions).sum();
        let seconds = self.start.elapsed().as_secs().max(1);
        let coverage: u64 = reports.iter().map(|report| report.status.coverage).max().unwrap_or(0);
        let findings: usize = reports.iter().map(|report| report.findings.len()).sum();
        let line = format!(
            "{}: {} executions, {} a second, coverage {coverage}, {findings} findings, {seconds} s of {} s",
            names.join(" "),
            short(executions),
            short(executions / seconds),
            self.whole.as_secs(),
        );
        let (before, after) = if self.is_terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        // A line that cannot be shown is no reason to stop.
        let _ = write!(std::io::stderr(), "{before}{line}{after}");
    }

    /// Tells of a finding at once.
    pub(super) fn tell(&mut self, name: &str, finding: &Finding) {
        let before = if self.is_terminal { "\r\x1b[K" } else { "" };
        eprintln!("{before}finding of {name}: {}\n  {}", finding.reason, replay(&finding.file));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// The command that repeats a finding.
pub(super) fn replay(file: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| file.strip_prefix(here).ok()).unwrap_or(file);
    format!("cargo xtask fuzz replay {}", short.display())
}

/// A number that is read at a glance.
pub(super) fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{} k", number / 1000),
        _ => format!("{} M", number / 1_000_000),
    }
}
