//! `cargo xtask oracle repeat`: the same cases again and again in kernels in virtual time. Each must leave one trace.

use super::SERIES;
use crate::exit::{Exit, Outcome};
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Wants};
use crate::selftest::{load, pool};
use cases::catalogue::Catalogue;
use cases::suite::Suite;
use harness::sut::Family;
use std::collections::BTreeMap;

/// What is repeated where nothing is named: what happens in these cases, or what is sent, depends on timers and on measured
/// round trips.
const CASES: [&str; 20] = [
    "ipv4/reassembly-ends-after-a-minute-or-two",
    "ipv6/nd/retransmission-time-is-taken-over",
    "ipv6/nd/stale-neighbour-is-probed",
    "tcp/ack/acknowledgement-does-not-wait-half-a-second",
    "tcp/ack/keep-alive-probe-waits-for-a-quiet-interval",
    "tcp/close/time-wait-acknowledges-the-fin-again",
    "tcp/congestion/idle-connection-restarts-with-ten",
    "tcp/congestion/second-time-out-keeps-the-threshold",
    "tcp/keepalive/interval-can-be-set",
    "tcp/keepalive/two-hours-by-default",
    "tcp/rack/least-round-trip-is-of-late",
    "tcp/rack/probe-goes-after-two-round-trips",
    "tcp/rack/probe-of-one-segment-waits-a-little-longer",
    "tcp/rack/reordering-that-was-seen-leaves-time",
    "tcp/retransmission/later-samples-update-the-variance-first",
    "tcp/retransmission/r2-ends-the-connection",
    "tcp/retransmission/round-trips-are-measured-all-the-time",
    "tcp/retransmission/syn-backs-off-and-gives-up",
    "tcp/timestamps/clock-is-steady",
    "tcp/window/probes-back-off",
];
/// How many runs are under way before their traces are looked at.
const AT_ONCE: usize = 10 * super::BATCH;

/// What `oracle repeat` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Cases, by the beginning of their paths; 20 that depend on timers where none is named, and all for verdicts.
    prefixes: Vec<String>,
    /// How many runs there are to be, all cases and families taken together.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    runs: usize,
    /// Compare verdicts alone: whether one depends on what the kernel draws, which differs with the place of a run in its batch.
    #[arg(long)]
    verdicts: bool,
    /// The kernel.
    #[arg(long, value_name = "NAME", default_value_t = format!("linux-{SERIES}"))]
    stack: String,
    /// Workers at once; one a processor where nothing is said.
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZero<usize>>,
}

/// How often each trace of a run came; of one run, so many.
type Traces = BTreeMap<String, usize>;

/// Repeats, and says what has more than one trace.
pub(super) fn repeat(options: &Options) -> Outcome {
    let name = &options.stack;
    if super::series(name).is_none() {
        return Err(format!("{name} is no kernel in virtual time: linux-{SERIES}, or another series"));
    }
    let named = match options.prefixes.as_slice() {
        [] if !options.verdicts => CASES.map(str::to_owned).to_vec(),
        prefixes => prefixes.to_vec(),
    };
    let suite = load(&named, &Catalogue::load()?)?;
    let runs = runs(&suite);
    let (noun, what): (_, fn(&Answer) -> String) =
        if options.verdicts { ("verdict", verdict) } else { ("trace", trace) };
    let mut pool = pool(name)?;
    pool.workers = options.jobs.map_or(pool.workers, usize::from);
    let info = pool.greet().map_err(|reason| format!("stack {name}: {reason}"))?;
    let mut traces = vec![Traces::new(); runs.len()];
    let mut progress = Progress::new("runs", options.runs);
    for first in (0..options.runs).step_by(AT_ONCE) {
        let numbers = first..options.runs.min(first + AT_ONCE);
        let jobs = numbers.map(|number| job(&runs, number)).collect();
        for answer in pool.play(jobs, &mut |_| progress.step()) {
            *traces[answer.run % runs.len()].entry(what(&answer)).or_default() += 1;
        }
    }
    drop(progress);
    let unsteady = runs.iter().zip(&traces).filter_map(|(run, traces)| told(noun, run, traces));
    let unsteady: Vec<String> = unsteady.collect();
    unsteady.iter().for_each(|told| println!("{told}"));
    let (played, wrong) = (options.runs, unsteady.len());
    println!(
        "{} {}: {played} runs of {} cases in their families; {} of {} left one {noun}",
        info.name,
        info.version,
        suite.cases.len(),
        runs.len() - wrong,
        runs.len()
    );
    Ok(if wrong == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

/// Each case in each of its families.
fn runs(suite: &Suite) -> Vec<(String, Family)> {
    let of = |case: &cases::suite::Case| {
        let id = case.id.clone();
        case.families.iter().map(move |family| (id.clone(), *family)).collect::<Vec<_>>()
    };
    suite.cases.iter().flat_map(of).collect()
}

/// The runs in turn, so that each stands now here, now there in its batch.
fn job(runs: &[(String, Family)], number: usize) -> Job {
    let (case, family) = runs[number % runs.len()].clone();
    let wants = Wants { snapshot: true, exact: true, ..Wants::default() };
    Job { run: number, case, family, seed: 1, twin: None, wants }
}

/// The verdict, and the field that decided it.
fn verdict(answer: &Answer) -> String {
    let field = answer.difference.as_ref().map(|difference| format!(": {}", difference.field));
    format!("{}{}", answer.verdict, field.unwrap_or_default())
}

/// All that is to be the same: the verdict, what decided it, and the trace to the microsecond.
fn trace(answer: &Answer) -> String {
    let found = answer.difference.as_ref().map(|difference| format!(", found {}", difference.found));
    let trace = answer.snapshot.as_deref().unwrap_or_default();
    format!("{}{}\n{trace}", verdict(answer), found.unwrap_or_default())
}

/// What to say of a run that has left more than one trace: how often each came, and where the two most frequent part.
fn told(noun: &str, (case, family): &(String, Family), traces: &Traces) -> Option<String> {
    let mut traces: Vec<(&String, usize)> = traces.iter().map(|(trace, times)| (trace, *times)).collect();
    traces.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let [(first, _), (second, _), ..] = traces.as_slice() else { return None };
    let times: Vec<String> = traces.iter().take(5).map(|(_, times)| times.to_string()).collect();
    let mut lines = first.lines().zip(second.lines()).filter(|(one, other)| one != other);
    let (one, other) = lines.next().unwrap_or(("", "the same, and more"));
    let (count, times) = (traces.len(), times.join(", "));
    Some(format!("{case} {family}: {count} {noun}s, which came {times} times\n    {one}\n    {other}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_by_default_is_there() {
        let suite = load(&CASES.map(str::to_owned), &Catalogue::load().expect("the catalogue"));
        let suite = suite.expect("every name begins a case's path");
        let ids: Vec<&str> = suite.cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, CASES);
    }

    #[test]
    fn more_than_one_trace_is_told_with_the_first_difference() {
        let run = ("a/b".to_owned(), Family::Ipv4);
        let traces = |all: &[(&str, usize)]| {
            all.iter().map(|(trace, times)| ((*trace).to_owned(), *times)).collect::<Traces>()
        };
        assert_eq!(told("trace", &run, &traces(&[("pass\n0.1 x", 9)])), None);
        let two = traces(&[("pass\n0.1 x", 2), ("pass\n0.2 x", 7)]);
        let expected = "a/b ipv4: 2 traces, which came 7, 2 times\n    0.2 x\n    0.1 x";
        assert_eq!(told("trace", &run, &two).as_deref(), Some(expected));
        let cut = traces(&[("pass\n0.1 x", 2), ("pass", 7)]);
        assert!(told("trace", &run, &cut).is_some_and(|told| told.ends_with("the same, and more")));
    }
}
