//! What libFuzzer says while it runs.

use std::collections::VecDeque;
use std::path::PathBuf;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Inputs executed.
    pub(super) executions: u64,
    /// Edges seen. Depends on the build: never to be compared across builds.
    pub(super) coverage: u64,
    /// Inputs kept.
    pub(super) corpus: u64,
    /// Executions a second.
    pub(super) rate: u64,
}

/// A line of libFuzzer, as far as it means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// How far it is.
    Status(Status),
    /// A finding is on disk.
    Finding(PathBuf),
    /// So many executions in all.
    Done(u64),
    /// Anything else.
    Other,
}

/// Takes a line apart.
pub(super) fn read(line: &str) -> Line {
    if let Some((_, path)) = line.split_once("Test unit written to ") {
        return Line::Finding(PathBuf::from(path.trim()));
    }
    if let Some(rest) = line.strip_prefix("Done ") {
        return rest.split(' ').next().and_then(|n| n.parse().ok()).map_or(Line::Other, Line::Done);
    }
    let Some((count, rest)) = line.strip_prefix('#').and_then(|line| line.split_once(['\t', ' '])) else {
        return Line::Other;
    };
    let Ok(executions) = count.parse() else { return Line::Other };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let after = |name: &str| {
        let value = words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
        value.and_then(|value| value.split('/').next()?.parse().ok()).unwrap_or(0)
    };
    let (coverage, corpus, rate) = (after("cov:"), after("corp:"), after("exec/s:"));
    Line::Status(Status { executions, coverage, corpus, rate })
}

/// What begins the line of a panic.
const PANIC: &str = "panicked at ";
/// Lines that a reason has at most.
const REASON: usize = 12;

/// Keeps a line among the last ones, of which there are `most`. What a panic says first stays, however much it says.
pub(super) fn keep(last: &mut VecDeque<String>, line: String, most: usize) {
    if line.contains(PANIC) {
        last.clear();
    }
    last.push_back(line);
    if last.len() > most {
        let begins_with_panic = last.front().is_some_and(|first| first.contains(PANIC));
        last.remove(if begins_with_panic { REASON } else { 0 });
    }
}

/// What a finding is, from the lines before it: the panic and its message, or what libFuzzer calls it.
pub(super) fn reason(lines: &[String]) -> String {
    if let Some(at) = lines.iter().rposition(|line| line.contains(PANIC)) {
        let message =
            lines[at..].iter().take_while(|line| !line.starts_with("note: ") && !line.starts_with("=="));
        return message.take(REASON).cloned().collect::<Vec<_>>().join("\n").trim().to_owned();
    }
    let error = lines.iter().rev().find(|line| line.contains("ERROR: ") || line.contains("SUMMARY: "));
    error.map_or_else(|| "no reason was given".to_owned(), |line| line.trim().to_owned())
}

/// The place of a panic, by which two findings are told apart; the whole reason where there is none.
pub(super) fn place(reason: &str) -> &str {
    let line = reason.lines().next().unwrap_or_default();
    line.split_once(PANIC).map_or(line, |(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_libfuzzer() {
        let check = |line: &str, expected: Line| assert_eq!(read(line), expected, "{line}");
        let status = Status { executions: 524_288, coverage: 812, corpus: 120, rate: 87_381 };
        let pulse = "#524288\tpulse  cov: 812 ft: 3000 corp: 120/9Kb lim: 4096 exec/s: 87381 rss: 60Mb";
        check(pulse, Line::Status(status));
        check("#2\tINITED exec/s: 0 rss: 30Mb", Line::Status(Status { executions: 2, ..Status::default() }));
        let written = "artifact_prefix='/a/'; Test unit written to /a/crash-1";
        check(written, Line::Finding("/a/crash-1".into()));
        check("Done 4711 runs in 3 second(s)", Line::Done(4711));
        for other in ["", "#", "#x\ty", "Done", "INFO: Seed: 1", "# of runs"] {
            check(other, Line::Other);
        }
    }

    #[test]
    fn a_finding_says_what_and_where() {
        let lines: Vec<String> =
            ["INFO", "thread '<unnamed>' (7) panicked at a.rs:1:2:", "index 9", "note: run"]
                .map(str::to_owned)
                .to_vec();
        let reason = reason(&lines);
        assert_eq!(reason, "thread '<unnamed>' (7) panicked at a.rs:1:2:\nindex 9");
        assert_eq!(place(&reason), "a.rs:1:2:");
        // A panic that shows what happened before it says more lines than are kept.
        let mut kept = VecDeque::from(lines[..1].to_vec());
        let ladder = (0..200).map(|n| format!("{n} ms |<- ."));
        let long = lines[1..3].iter().cloned().chain(ladder).chain(["==1== ERROR: deadly signal".to_owned()]);
        long.for_each(|line| keep(&mut kept, line, 60));
        assert!(super::reason(kept.make_contiguous()).starts_with(&reason));
        assert_eq!((kept.len(), kept.back().map(String::as_str)), (60, Some("==1== ERROR: deadly signal")));
        let lines = ["==1== ERROR: libFuzzer: timeout after 10 seconds".to_owned()];
        assert!(place(&super::reason(&lines)).contains("timeout"));
    }
}
