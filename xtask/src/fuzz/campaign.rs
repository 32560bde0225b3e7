//! Every canary, then every target.

use super::build::Build;
use super::engine::Job;
use super::folders::Folders;
use super::interrupt::Interrupt;
use super::replay;
use super::session::{AtFinding, Report, Session};
use super::targets::{CANARY, Canary, Manifest, folder};
use super::time::time;
use super::{conclude, job};
use crate::exit::{Exit, Outcome};
use crate::programs::run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The variable that names the canary to the binary that has them all.
const VARIABLE: &str = "WIREPROOF_CANARY";
/// The mutations in which a canary is looked for: what is found once is found again, as long as the fuzzer sees.
const SEED: u32 = 1;

/// What `cargo xtask fuzz campaign` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// These targets only.
    targets: Vec<String>,
    /// All targets but this one; may be said several times.
    #[arg(long, value_name = "TARGET", conflicts_with = "targets")]
    without: Vec<String>,
    /// For how long, all targets together: 90s, 10m, 2h.
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = time)]
    time: Duration,
    /// With AddressSanitizer.
    #[arg(long)]
    asan: bool,
    /// So many targets at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: u32,
    /// What the mutations are drawn from; by chance where it is not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    seed: Option<u32>,
    /// Look for the canaries alone.
    #[arg(long, conflicts_with_all = ["targets", "merge"])]
    canaries: bool,
    /// Fuzz nothing: take the inputs in FOLDER/TARGET into the corpora and drop those that reach nothing new.
    #[arg(long, value_name = "FOLDER")]
    merge: Option<PathBuf>,
}

/// Looks for the canaries, and fuzzes.
pub(crate) fn campaign(options: &Options) -> Outcome {
    let manifest = Manifest::load()?;
    let chosen: Vec<&str> = match options.targets.as_slice() {
        [] => {
            let without = options.without.iter().map(|name| manifest.target(name));
            let without = without.collect::<Result<BTreeSet<_>, _>>()?;
            manifest.targets.iter().map(String::as_str).filter(|name| !without.contains(name)).collect()
        }
        names => names
            .iter()
            .map(|name| manifest.target(name))
            .collect::<Result<BTreeSet<_>, _>>()?
            .into_iter()
            .collect(),
    };
    let build = if options.asan { Build::Asan } else { Build::Guided };
    let programs = build.make(&[chosen.as_slice(), &[CANARY]].concat())?;
    let folders = chosen.iter().map(|t| Folders::claim(&folder(), t)).collect::<Result<Vec<_>, _>>()?;
    if let Some(from) = &options.merge {
        return merge(&programs, &chosen, &folders, from);
    }
    let interrupt = Interrupt::watch()?;
    let missed = look_for(&manifest.canaries, &programs.join(CANARY), options.jobs, &interrupt)?;
    if options.canaries || interrupt.is_here() {
        return Ok(missed);
    }
    let time = options.time * options.jobs.min(chosen.len() as u32) / chosen.len().max(1) as u32;
    let jobs = chosen.iter().zip(&folders).map(|(target, folders)| {
        let job = job(target, programs.join(target), folders, time.max(Duration::from_secs(1)));
        Job { seed: options.seed, ..job }
    });
    let session = Session::new(jobs.collect(), AtFinding::GoOn, &folders, &interrupt);
    let reports = session.run(options.jobs as usize)?;
    let named: Vec<(String, Report)> = chosen.iter().map(|t| (*t).to_owned()).zip(reports).collect();
    let exit = missed.max(conclude(&named, &interrupt));
    let machines: Vec<&str> = chosen.iter().copied().filter(|target| is_machine(target)).collect();
    replay::transitions(&machines)?;
    if chosen.contains(&"differential") {
        replay::classes()?;
    }
    Ok(exit)
}

/// Whether a target's inputs are scenarios, whose transitions are counted.
fn is_machine(target: &str) -> bool {
    target.starts_with("tcp_machine")
}

/// Each canary from an empty corpus, in its time. One that is not found says that the fuzzer has gone blind.
fn look_for(
    canaries: &[Canary],
    program: &Path,
    parallel: u32,
    interrupt: &Interrupt,
) -> Result<Exit, String> {
    let scratch = std::env::temp_dir().join(format!("wireproof-canaries-{}", std::process::id()));
    let folders = canaries
        .iter()
        .map(|canary| Folders::claim(&scratch, &canary.name))
        .collect::<Result<Vec<_>, _>>()?;
    let jobs = canaries.iter().zip(&folders).map(|(canary, folders)| {
        let job = job(&canary.name, program.to_owned(), folders, canary.limit);
        let environment = vec![(VARIABLE, canary.name.clone())];
        Job { environment, seeds: Vec::new(), seed: Some(SEED), ..job }
    });
    let session = Session::new(jobs.collect(), AtFinding::Stop, &folders, interrupt).quiet();
    let reports = session.run(parallel as usize);
    // The inputs are of no use to anybody; what stays behind in a folder for temporary files harms nobody.
    let _ = std::fs::remove_dir_all(&scratch);
    let mut exit = Exit::AsExpected;
    for (canary, report) in canaries.iter().zip(reports?) {
        let seconds = report.time.as_secs_f64();
        match (report.findings.first(), report.trouble) {
            (Some(_), _) => println!("canary {:<24} found in {seconds:.1} s", canary.name),
            (None, Some(trouble)) => {
                exit = Exit::Broken;
                eprintln!("error: canary {}: {trouble}", canary.name);
            }
            (None, None) if interrupt.is_here() => {}
            (None, None) => {
                exit = exit.max(Exit::Unexpected);
                println!(
                    "canary {:<24} NOT FOUND in {} s: the fuzzer is blind",
                    canary.name,
                    canary.limit.as_secs()
                );
            }
        }
    }
    Ok(exit)
}

/// Makes each corpus the smallest that reaches what it and `from` reach together.
fn merge(programs: &Path, targets: &[&str], folders: &[Folders], from: &Path) -> Outcome {
    if !from.is_dir() {
        return Err(format!("{}: there is no such folder", from.display()));
    }
    for (target, folders) in targets.iter().zip(folders) {
        folders.take_bytes()?;
        let merged = folders.corpus.with_file_name(format!(".{target}.merged"));
        // What an interrupted merge left behind.
        let _ = std::fs::remove_dir_all(&merged);
        let told = |e: std::io::Error| format!("{}: {e}", merged.display());
        std::fs::create_dir_all(&merged).map_err(told)?;
        let sources = [folders.corpus.clone(), from.join(target)];
        let before: usize = sources.iter().map(|folder| count(folder)).sum();
        let mut command = Command::new(programs.join(target));
        command.args(["-merge=1", "-verbosity=0"]).arg(&merged);
        command.args(sources.iter().filter(|folder| folder.is_dir()));
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if !run(&mut command)? {
            return Err(format!("{target}: the corpora could not be merged; they are as they were"));
        }
        std::fs::remove_dir_all(&folders.corpus).map_err(told)?;
        std::fs::rename(&merged, &folders.corpus).map_err(told)?;
        println!("{target:<22} {before:>7} inputs, {:>7} kept", count(&folders.corpus));
    }
    Ok(Exit::AsExpected)
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
