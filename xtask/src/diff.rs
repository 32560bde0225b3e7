//! `cargo xtask diff`: the same scenarios on two stacks, and what they do differently.
//!
//! Scenarios are drawn by seed and number and are the same whoever plays them. Both stacks live in one process: a worker's,
//! or, where one of them is a kernel in virtual time, that kernel's only one. A worker gives back differences alone.

mod canaries;
mod messages;
mod pair;
mod report;
mod requirement;

pub(crate) use messages::{Compared, Scenarios};
pub(crate) use pair::Pair;

use crate::exit::{Exit, Outcome};
use crate::oracle;
use crate::pool::{Limits, Pool};
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Session, Wants};
use cases::classes::Classes;
use cases::suite::Tree;
use harness::scenario::generate;
use harness::sut::Family;
use report::Report;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How many scenarios a worker plays between two answers.
const CHUNK: u64 = 16;
/// How many chunks are handed out at a time where the end is not a number.
const ROUND: u64 = 512;
/// Of so many kinds of unknown differences one is made small and shown, unless told.
const SHRUNK: usize = 8;

/// What `cargo xtask diff` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// The two stacks, at most one of them a kernel in virtual time.
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    stacks: Vec<String>,
    /// What scenarios are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many scenarios are played.
    #[arg(long, default_value_t = 1000, conflicts_with = "time")]
    scenarios: u64,
    /// Play as long as this instead: 90s, 10m, 2h.
    #[arg(long = "for", value_name = "T", value_parser = crate::fuzz::time)]
    time: Option<Duration>,
    /// The number of the first scenario.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Show this scenario of the seed alone, step by step.
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    /// Show the scenario with these bytes, in hexadecimal digits.
    #[arg(long, value_name = "HEX", conflicts_with = "number")]
    bytes: Option<String>,
    /// Worker processes; as many as there are processors otherwise.
    #[arg(long)]
    jobs: Option<usize>,
    /// Where the cases of unknown differences are written.
    #[arg(long, default_value = "target/diff")]
    out: PathBuf,
    /// Of so many kinds of unknown differences one is made small and shown.
    #[arg(long, default_value_t = SHRUNK)]
    shrink: usize,
    /// Do not look first whether deliberate faults are found.
    #[arg(long)]
    no_canaries: bool,
    /// Show as many unknown differences of each kind.
    #[arg(long, default_value_t = 1, hide = true)]
    examples: usize,
}

/// Compares.
pub(crate) fn diff(options: &Options) -> Outcome {
    let pool = pool(options)?;
    if let Some(bytes) = single(options)? {
        return show(options, &pool, bytes);
    }
    let classes = Classes::load()?;
    let mut report = Report::new(options.stacks.clone(), classes, options.seed);
    let info = pool.greet()?;
    if !options.no_canaries {
        canaries::look(&pool, &report, options.seed)?;
    }
    let start = Instant::now();
    let mut next = options.first;
    let end = options.time.map_or(options.first.saturating_add(options.scenarios), |_| u64::MAX);
    let is_over = |next: u64| next >= end || options.time.is_some_and(|time| start.elapsed() >= time);
    while !is_over(next) {
        let until = if options.time.is_some() { next + CHUNK * ROUND } else { end };
        let jobs = chunks(options.seed, next, until);
        let mut progress = Progress::new(format!("scenarios on {}, in {CHUNK}s", info.name), jobs.len());
        for answer in pool.play(jobs.clone(), &mut |_| progress.step()) {
            report.take(&jobs[answer.run], &answer);
        }
        next = until;
    }
    report.elapsed = start.elapsed();
    report.print();
    report.list(&options.out)?;
    let unknown = report.unknown(options.shrink, options.examples);
    for (number, kind) in &unknown {
        let bytes = generate(options.seed, *number);
        let answer = ask(&pool, report.shrinking(bytes))?;
        report::tell(options, *number, kind, &answer)?;
    }
    Ok(report.exit())
}

/// The jobs for the scenarios from `next` to `until`.
fn chunks(seed: u64, next: u64, until: u64) -> Vec<Job> {
    let starts = (next..until).step_by(CHUNK as usize);
    let range = |first: u64| Scenarios::Range { seed, first, count: CHUNK.min(until - first) };
    starts.enumerate().map(|(run, first)| job(run, range(first))).collect()
}

fn job(run: usize, scenarios: Scenarios) -> Job {
    let wants = Wants { scenarios: Some(scenarios), ..Wants::default() };
    Job { run, case: String::new(), family: Family::Ipv4, seed: 1, twin: None, wants }
}

/// One job by itself.
fn ask(pool: &Pool, scenarios: Scenarios) -> Result<Answer, String> {
    let alone = Pool { workers: 1, ..pool.clone() };
    let answer = alone.play(vec![job(0, scenarios)], &mut |_| {}).pop();
    answer.ok_or_else(|| "a scenario was not answered".to_owned())
}

/// The bytes of the one scenario that is to be shown.
fn single(options: &Options) -> Result<Option<Vec<u8>>, String> {
    let digits = match (&options.bytes, options.number) {
        (Some(digits), _) => digits,
        (None, number) => return Ok(number.map(|number| generate(options.seed, number))),
    };
    let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
    bytes.map(Some).ok_or_else(|| format!("--bytes {digits}: not an even number of hexadecimal digits"))
}

fn show(options: &Options, pool: &Pool, bytes: Vec<u8>) -> Outcome {
    let answer = ask(pool, Scenarios::Show(bytes))?;
    report::tell(options, options.number.unwrap_or(0), "", &answer)?;
    let found = answer.compared.is_some_and(|compared| !compared.found.is_empty());
    Ok(if found { Exit::Unexpected } else { Exit::AsExpected })
}

/// Whether a stack is a kernel, in virtual time or the live one.
fn is_kernel(name: &str) -> bool {
    oracle::series(name).is_some() || name == "linux"
}

/// Workers that have both stacks: the kernel, where there is one, is the session's, and the other one in memory.
fn pool(options: &Options) -> Result<Pool, String> {
    let [first, second] = options.stacks.as_slice() else {
        return Err("--stacks takes two names: --stacks reference,smoltcp".to_owned());
    };
    let (session, against) = match (is_kernel(first), is_kernel(second)) {
        (true, true) => {
            return Err(format!(
                "{first} and {second} are both kernels: compare each with reference:linux, which is in memory"
            ));
        }
        (true, false) => (first, second),
        _ => (second, first),
    };
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let session = Session { against: Some(against.clone()), ..Session::new(session, &Tree::suite()) };
    let limits = Limits { cpu: Duration::from_secs(20), silence: Duration::from_secs(60) };
    Ok(Pool { program, session, workers: options.jobs.unwrap_or(processors), depth: 4, limits })
}
