//! `cargo xtask fuzz`: libFuzzer targets on stable Rust, without cargo-fuzz.

mod build;
mod campaign;
mod coverage;
mod engine;
mod folders;
mod heard;
mod interrupt;
mod replay;
mod session;
mod targets;
mod time;
mod watch;

use crate::exit::{Exit, Outcome};
use build::Build;
use engine::Job;
use folders::{Folders, dictionary, seeds};
use interrupt::Interrupt;
use session::{AtFinding, Report, Session};
use std::path::PathBuf;
use std::time::Duration;
use targets::Manifest;
pub(crate) use time::time;
use watch::{replay, short};

/// What `cargo xtask fuzz` takes.
#[derive(clap::Subcommand, Clone, Debug)]
pub(crate) enum Options {
    /// Print the names of the targets, one a line.
    List,
    /// Fuzz one target until it finds something; needs a C++ compiler.
    Run {
        /// Its name.
        target: String,
        /// For how long: 90s, 10m, 2h.
        #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = time)]
        time: Duration,
        /// With AddressSanitizer.
        #[arg(long)]
        asan: bool,
        /// So many processes on one corpus.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
        jobs: u32,
        /// What the mutations are drawn from; by chance where it is not given.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        seed: Option<u32>,
    },
    /// Find every canary, then fuzz every target; the time is for all targets together.
    Campaign(campaign::Options),
    /// Play one input on its target, which needs no C++ compiler.
    Replay(replay::Options),
    /// Make a smaller input that is the same finding.
    Minimise(replay::Options),
    /// Turn every case into seeds for every target, in fuzz/corpus/TARGET.
    Seed,
    /// Say which lines of `stack` the corpora reach.
    Coverage(coverage::Options),
}

/// Lists targets, or runs what was asked for.
pub(crate) fn fuzz(options: &Options) -> Outcome {
    match options {
        Options::List => {
            for target in Manifest::load()?.targets {
                println!("{target}");
            }
            Ok(Exit::AsExpected)
        }
        Options::Run { target, time, asan, jobs, seed } => {
            let build = if *asan { Build::Asan } else { Build::Guided };
            run(target, build, *time, *jobs, *seed)
        }
        Options::Campaign(options) => campaign::campaign(options),
        Options::Replay(options) => replay::replay(options),
        Options::Minimise(options) => replay::minimise(options),
        Options::Seed => replay::seed(),
        Options::Coverage(options) => coverage::coverage(options),
    }
}

/// The binary whose work [`crate::bench`] measures, built.
pub(crate) fn rate() -> Result<PathBuf, String> {
    Ok(Build::Guided.make(&[targets::RATE])?.join(targets::RATE))
}

/// The program that plays inputs without libFuzzer as [`crate::bench`] measures it, built.
pub(crate) fn play_optimised() -> Result<PathBuf, String> {
    Ok(Build::Optimised.make(&[])?.join("play"))
}

/// The program that plays inputs without libFuzzer, built.
fn play() -> Result<PathBuf, String> {
    Ok(Build::Plain.make(&[])?.join("play"))
}

fn run(target: &str, build: Build, time: Duration, jobs: u32, seed: Option<u32>) -> Outcome {
    let manifest = Manifest::load()?;
    let target = manifest.target(target)?;
    let programs = build.make(&[target])?;
    let folders = [Folders::claim(&targets::folder(), target)?];
    folders[0].take_bytes()?;
    let interrupt = Interrupt::watch()?;
    let job = job(target, programs.join(target), &folders[0], time);
    // Each process draws its own mutations, and takes from the corpus what the others found.
    let copies = (0..jobs).map(|n| Job { seed: seed.map(|seed| seed.saturating_add(n)), ..job.clone() });
    let session = Session::new(copies.collect(), AtFinding::Stop, &folders, &interrupt);
    let reports = session.run(jobs as usize)?;
    Ok(conclude(&[(target.to_owned(), sum(&reports))], &interrupt))
}

fn job(target: &str, program: PathBuf, folders: &Folders, time: Duration) -> Job {
    let (corpus, artifacts) = (folders.corpus.clone(), folders.artifacts.clone());
    let (seeds, dictionary, environment) = (seeds(target), dictionary(target), Vec::new());
    Job {
        name: target.to_owned(),
        program,
        environment,
        corpus,
        artifacts,
        seeds,
        dictionary,
        time,
        seed: None,
    }
}

/// What several processes on one target came to.
fn sum(reports: &[Report]) -> Report {
    let mut whole = Report::default();
    for report in reports {
        whole.status.executions += report.status.executions;
        whole.status.coverage = whole.status.coverage.max(report.status.coverage);
        whole.status.corpus = whole.status.corpus.max(report.status.corpus);
        whole.findings.extend(report.findings.iter().cloned());
        whole.trouble = whole.trouble.or(report.trouble.clone());
        whole.time += report.time;
    }
    whole
}

/// Prints what came of each target, and says how the command ends.
fn conclude(reports: &[(String, Report)], interrupt: &Interrupt) -> Exit {
    println!(
        "{:<22} {:>12} {:>10} {:>9} {:>7} {:>9}",
        "target", "executions", "a second", "coverage", "corpus", "findings"
    );
    let mut exit = Exit::AsExpected;
    for (name, report) in reports {
        let status = &report.status;
        let rate = status.executions as f64 / report.time.as_secs_f64().max(1.0);
        println!(
            "{name:<22} {:>12} {:>10} {:>9} {:>7} {:>9}",
            short(status.executions),
            short(rate as u64),
            status.coverage,
            status.corpus,
            report.findings.len()
        );
    }
    for (name, report) in reports {
        for finding in &report.findings {
            exit = exit.max(Exit::Unexpected);
            println!("\nfinding of {name}: {}\n  {}", finding.reason, replay(&finding.file));
        }
        if let Some(trouble) = &report.trouble {
            exit = Exit::Broken;
            eprintln!("error: {name}: {trouble}");
        }
    }
    if interrupt.is_here() {
        println!("\ninterrupted: what was found until here is on disk, and the next run goes on from there");
    }
    exit
}
