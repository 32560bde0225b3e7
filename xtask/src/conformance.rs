//! `cargo xtask conformance`: plays cases on stacks and says what each requirement comes to.

mod against;
mod junit;
mod listing;
mod plan;
mod play;
mod report;
mod table;

use crate::exit::{Exit, Outcome};
use crate::results::{Results, RunResult, StackInfo};
use harness::sut::Family;
use std::path::{Path, PathBuf};

/// What random numbers are drawn from where nothing is said.
const SEED: u64 = 1;

/// What `cargo xtask conformance` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Cases to play, by the beginning of their paths; all where none is named.
    prefixes: Vec<String>,
    /// Stacks to play on; those that can run here where none is named.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    stack: Vec<String>,
    /// Families to play in; those of each case where none is named.
    #[arg(long, value_delimiter = ',', value_name = "F,F", value_parser = family)]
    family: Vec<Family>,
    /// On the real clock play also the cases that take more than 2 s.
    #[arg(long)]
    all: bool,
    /// Workers at once; one a processor where nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// What random numbers are drawn from.
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// A broken SHOULD counts as unexpected.
    #[arg(long)]
    strict: bool,
    /// How frames reach the live kernel: tun, tap, veth or pnet:IFACE.
    #[arg(long, value_name = "LINK")]
    link: Option<String>,
    /// Where results.json, junit.xml and captures go.
    #[arg(long, value_name = "DIR", default_value = "target/conformance")]
    out: PathBuf,
    /// Write a capture (pcapng) of each run.
    #[arg(long)]
    pcap: bool,
    /// Print each exchange as a ladder.
    #[arg(short, long)]
    verbose: bool,
    /// Print the ids of the cases, one a line, and play nothing.
    #[arg(long)]
    list: bool,
    /// Play this folder of cases and packetdrill scripts instead of the suite.
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// A packetdrill program: play each script on it too, and print where the verdicts agree.
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// packetdrill's options, for its scripts.
    #[arg(last = true, value_name = "PACKETDRILL OPTIONS")]
    packetdrill: Vec<String>,
    /// CPU time after which a run without an answer is given up, in seconds.
    #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    hang_after: f64,
    /// Time after which a run without an answer is given up, in seconds.
    #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    silent_after: f64,
}

fn family(name: &str) -> Result<Family, String> {
    let known = Family::ALL.iter().map(|(_, n)| *n).collect::<Vec<_>>().join(", ");
    Family::from_name(name).ok_or_else(|| format!("one of {known}"))
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.1..=3600.0).contains(s)).ok_or_else(|| "0.1 to 3600 seconds".to_owned())
}

/// Plays, reports, and says whether everything is as expected.
pub(crate) fn run(options: &Options) -> Outcome {
    options.against.as_deref().map_or(Ok(()), against::check)?;
    let plan = plan::Plan::new(options)?;
    if options.list {
        return Ok(listing::print(&plan));
    }
    let mut exit = listing::print_errors(&plan);
    if plan.tree.is_suite && exit != Exit::AsExpected {
        return Ok(exit);
    }
    std::fs::create_dir_all(&options.out).map_err(|e| format!("{}: {e}", options.out.display()))?;
    let played = play::play(options, &plan)?;
    if options.verbose {
        report::print_ladders(&plan.tree, &played.runs);
    }
    table::print(&played.stacks, &played.runs);
    exit = exit.max(report::print(&played));
    if let Some(program) = &options.against {
        against::print(options, &plan, program, &played)?;
    }
    exit = exit.max(write(&options.out, &plan, played)?);
    Ok(exit)
}

/// Writes the reports for programs, and checks that what was scheduled was reported.
fn write(out: &Path, plan: &plan::Plan, played: play::Played) -> Outcome {
    let stacks: Vec<StackInfo> = played.stacks;
    junit::write(&out.join("junit.xml"), &stacks, &played.runs)?;
    let runs: Vec<RunResult> = played.runs.into_iter().map(|run| run.result).collect();
    let results = Results::new(plan.name(), stacks, played.scheduled, runs);
    results.write(&out.join("results.json"))?;
    println!("{}", out.join("results.json").display());
    if results.totals.scheduled != results.totals.reported {
        let totals = results.totals;
        eprintln!("error: {} runs were scheduled and {} reported", totals.scheduled, totals.reported);
        return Ok(Exit::Broken);
    }
    Ok(Exit::AsExpected)
}
