//! `cargo xtask diff`: the same scenarios on two stacks, and what they do differently.
//!
//! Scenarios are drawn by seed and number and are the same whoever plays them. Both stacks live in one process: a worker's,
//! or, where one of them is a kernel in virtual time, that kernel's only one. A worker gives back differences alone. Of two
//! kernels each has its own workers, which give back traces.

mod canaries;
mod kernels;
mod messages;
mod pair;
mod recorder;
mod report;
mod requirement;
mod two;

pub(crate) use messages::{Compared, Recorded, Scenarios};
pub(crate) use pair::Pair;
pub(crate) use recorder::Recorder;

use crate::exit::{Exit, Outcome};
use crate::oracle;
use crate::pool::{Limits, Pool};
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Plays, Session, Wants};
use cases::classes::Classes;
use cases::suite::Tree;
use harness::scenario::generate;
use harness::sut::Family;
use kernels::Kernels;
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
    /// The two stacks.
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
    let mut players = Players::of(options)?;
    if let Some(bytes) = single(options)? {
        return show(options, &mut players, bytes);
    }
    let classes = Classes::load()?;
    let mut report = Report::new(options.stacks.clone(), classes, options.seed);
    players.greet()?;
    match &players {
        Players::Together(pool) if !options.no_canaries => canaries::look(pool, &report, options.seed)?,
        // A fault is put into a stack in memory.
        Players::Together(_) | Players::Apart(_) => {}
    }
    let start = Instant::now();
    let mut next = options.first;
    let end = options.time.map_or(options.first.saturating_add(options.scenarios), |_| u64::MAX);
    let is_over = |next: u64| next >= end || options.time.is_some_and(|time| start.elapsed() >= time);
    while !is_over(next) {
        let until = if options.time.is_some() { next + CHUNK * ROUND } else { end };
        players.range(options, next, until, &mut report);
        next = until;
    }
    report.elapsed = start.elapsed();
    report.print();
    report.list(&options.out)?;
    let unknown = report.unknown(options.shrink, options.examples);
    for (number, kind) in &unknown {
        let bytes = generate(options.seed, *number);
        let answer = players.ask(report.shrinking(bytes))?;
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

/// The scenarios of a job of [`chunks`], in words.
fn of_chunk(next: u64, run: usize) -> String {
    format!("scenarios from {}, up to {CHUNK} of them", next + CHUNK * run as u64)
}

/// Why a worker has nothing to tell.
fn why_not(answer: &Answer) -> String {
    match &answer.difference {
        Some(difference) => format!("{}: {} {}", difference.field, difference.found, difference.note),
        None => "the worker says nothing of it".to_owned(),
    }
}

fn job(run: usize, scenarios: Scenarios) -> Job {
    let wants = Wants { scenarios: Some(scenarios), ..Wants::default() };
    Job { run, case: String::new(), family: Family::Ipv4, seed: 1, twin: None, wants }
}

/// Who plays scenarios on two stacks.
enum Players {
    /// Workers that have both.
    Together(Box<Pool>),
    /// Workers of each.
    Apart(Box<Kernels>),
}

impl Players {
    /// Workers for the two stacks: a kernel is a session's, and the other one is in memory, unless it is a kernel too.
    fn of(options: &Options) -> Result<Players, String> {
        let [first, second] = options.stacks.as_slice() else {
            return Err("--stacks takes two names: --stacks reference,smoltcp".to_owned());
        };
        Ok(match (is_kernel(first), is_kernel(second)) {
            (true, true) => {
                let alone = |stack: &String| pool(options, stack, Plays::Alone);
                Players::Apart(Box::new(Kernels([alone(first)?, alone(second)?])))
            }
            (true, false) => {
                Players::Together(Box::new(pool(options, first, Plays::Beside(second.clone()))?))
            }
            (false, _) => Players::Together(Box::new(pool(options, second, Plays::Beside(first.clone()))?)),
        })
    }

    /// Starts a worker of each kind, to see whether the stacks can run here.
    fn greet(&self) -> Result<(), String> {
        match self {
            Players::Together(pool) => pool.greet().map(drop),
            Players::Apart(kernels) => kernels.0.iter().try_for_each(|pool| pool.greet().map(drop)),
        }
    }

    /// Plays the scenarios from `next` to `until`.
    fn range(&mut self, options: &Options, next: u64, until: u64, report: &mut Report) {
        let jobs = chunks(options.seed, next, until);
        let name = format!("scenarios on {}, in {CHUNK}s", options.stacks.join(" and "));
        match self {
            Players::Together(pool) => {
                let mut progress = Progress::new(name, jobs.len());
                for answer in pool.play(jobs, &mut |_| progress.step()) {
                    match &answer.compared {
                        Some(compared) => report.take(compared),
                        None => report.not_played(&of_chunk(next, answer.run), &why_not(&answer)),
                    }
                }
            }
            Players::Apart(kernels) => {
                let mut progress = Progress::new(name, 2 * jobs.len());
                kernels.compare(options.seed, next..until, &mut progress, report);
            }
        }
    }

    /// One job by itself.
    fn ask(&mut self, scenarios: Scenarios) -> Result<Answer, String> {
        match self {
            Players::Together(pool) => {
                let alone = Pool { workers: 1, ..Pool::clone(pool) };
                let answer = alone.play(vec![job(0, scenarios)], &mut |_| {}).pop();
                answer.ok_or_else(|| "a scenario was not answered".to_owned())
            }
            Players::Apart(kernels) => Ok(kernels.ask(&scenarios)),
        }
    }
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

fn show(options: &Options, players: &mut Players, bytes: Vec<u8>) -> Outcome {
    let answer = players.ask(Scenarios::Show(bytes))?;
    report::tell(options, options.number.unwrap_or(0), "", &answer)?;
    let found = answer.compared.is_some_and(|compared| !compared.found.is_empty());
    Ok(if found { Exit::Unexpected } else { Exit::AsExpected })
}

/// Whether a stack is a kernel, in virtual time or the live one.
fn is_kernel(name: &str) -> bool {
    oracle::series(name).is_some() || name == "linux"
}

/// Workers that play scenarios on `stack`.
fn pool(options: &Options, stack: &str, plays: Plays) -> Result<Pool, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let session = Session { plays, ..Session::new(stack, &Tree::suite()) };
    let limits = Limits { cpu: Duration::from_secs(20), silence: Duration::from_secs(60) };
    Ok(Pool { program, session, workers: options.jobs.unwrap_or(processors), depth: 4, limits })
}
