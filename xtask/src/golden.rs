//! `cargo xtask golden`: snapshots of what each witness did in each case, `golden/STACK/CASE.snap`.

use crate::exit::{Exit, Outcome};
use crate::pool::Pool;
use crate::programs::root;
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Wants};
use crate::results::{ClockKind, StackInfo};
use crate::selftest::{load, pool};
use cases::catalogue::Catalogue;
use cases::ledger::file_name;
use cases::suite::{Suite, Tree};
use harness::run::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The witnesses: what other stacks do is not worth remembering.
const WITNESSES: &[&str] = &["reference", "linux"];
/// Longer runs, in virtual microseconds on `reference`, are not played on the real clock.
const DEFAULT_SET: u64 = 2_000_000;
/// How insta is told whether to write.
const UPDATE: &str = "INSTA_UPDATE";

/// What `cargo xtask golden` takes.
#[derive(clap::Subcommand, Clone, Debug)]
pub(crate) enum Options {
    /// Compare what the witnesses do now with what they did.
    Check(Selection),
    /// Write down what they do now.
    Record(Selection),
}

/// What is compared or written.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Selection {
    /// Cases, by the beginning of their paths; all where none is named.
    prefixes: Vec<String>,
    /// Witnesses; those that can run here where none is named.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    stack: Vec<String>,
}

/// Compares or writes.
pub(crate) fn golden(options: &Options) -> Outcome {
    let (selection, update) = match options {
        Options::Check(selection) => (selection, "no"),
        Options::Record(selection) => (selection, "always"),
    };
    // insta reads its settings from the environment, which a program may not change under itself.
    if std::env::var(UPDATE).as_deref() != Ok(update) {
        return again(update);
    }
    let catalogue = Catalogue::load()?;
    let suite = load(&selection.prefixes, &catalogue)?;
    let lengths = lengths(&suite)?;
    let mut exit = Exit::AsExpected;
    for name in
        WITNESSES.iter().filter(|n| selection.stack.is_empty() || selection.stack.iter().any(|s| s == *n))
    {
        exit = exit.max(witness(name, &suite, &lengths, update == "always", !selection.stack.is_empty())?);
    }
    exit = exit.max(stale(update == "always")?);
    Ok(exit)
}

/// Runs this command once more with insta's settings.
fn again(update: &str) -> Outcome {
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env(UPDATE, update).env("INSTA_WORKSPACE_ROOT", root());
    command.env("INSTA_OUTPUT", if update == "no" { "diff" } else { "none" });
    let status = command.status().map_err(|e| format!("this program cannot be started again: {e}"))?;
    Ok(match status.code() {
        Some(0) => Exit::AsExpected,
        Some(1) => Exit::Unexpected,
        _ => Exit::Broken,
    })
}

/// The virtual time of each case on `reference`, the longest of its families, in microseconds.
fn lengths(suite: &Suite) -> Result<BTreeMap<String, u64>, String> {
    let jobs = jobs(suite, |_| true);
    let cases: BTreeMap<usize, String> = jobs.iter().map(|job| (job.run, job.case.clone())).collect();
    let mut lengths = BTreeMap::new();
    for answer in pool("reference")?.play(jobs, &mut |_| {}) {
        if let Some(case) = cases.get(&answer.run) {
            let length: &mut u64 = lengths.entry(case.clone()).or_default();
            *length = answer.virtual_us.max(*length);
        }
    }
    Ok(lengths)
}

fn jobs(suite: &Suite, is_wanted: impl Fn(&str) -> bool) -> Vec<Job> {
    let wants = Wants { snapshot: true, ..Wants::default() };
    let mut jobs = Vec::new();
    for case in suite.cases.iter().filter(|case| is_wanted(&case.id)) {
        for family in &case.families {
            let (run, case, wants) = (jobs.len(), case.id.clone(), wants.clone());
            jobs.push(Job { run, case, family: *family, seed: 1, twin: None, wants });
        }
    }
    jobs
}

/// Plays every case on one witness and compares, or writes.
fn witness(
    name: &str,
    suite: &Suite,
    lengths: &BTreeMap<String, u64>,
    is_recording: bool,
    is_asked_for: bool,
) -> Outcome {
    let mut pool = pool(name)?;
    let info = match pool.greet() {
        Ok(info) => info,
        Err(reason) if is_asked_for => return Err(format!("stack {name}: {reason}")),
        Err(reason) => {
            eprintln!("{name} is left out: {reason}");
            return Ok(Exit::AsExpected);
        }
    };
    let is_real = info.clock == ClockKind::Real;
    if is_real {
        pool.depth = 1;
        if let Some(recorded) = recorded_on(&info).filter(|r| !is_recording && *r != description(&info)) {
            eprintln!(
                "{name} is left out: this is {}, and the snapshots are of {recorded}",
                description(&info)
            );
            return Ok(Exit::AsExpected);
        }
    }
    let jobs = jobs(suite, |case| !is_real || lengths.get(case).is_none_or(|l| *l <= DEFAULT_SET));
    let mut progress = Progress::new(format!("{name} runs"), jobs.len());
    let mut answers = pool.play(jobs.clone(), &mut |_| progress.step());
    drop(progress);
    if is_real {
        settle(&pool, &jobs, &mut answers);
    }
    let texts = texts(&jobs, &answers);
    let mut differing: Vec<&String> = Vec::new();
    for (case, text) in &texts {
        if is_same(&info, case, text) || (is_real && is_same_alone(&pool, &info, &jobs, case)) {
            continue;
        }
        differing.push(case);
    }
    for case in &differing {
        eprintln!("{name}: {case} differs from golden/{}/{case}.snap", file_name(name));
    }
    println!("{name}: {} snapshots, {} differ", texts.len(), differing.len());
    Ok(if differing.is_empty() { Exit::AsExpected } else { Exit::Unexpected })
}

/// On a real clock a run that did not pass is played alone once more: the machine may have been busy.
fn settle(pool: &Pool, jobs: &[Job], answers: &mut [Answer]) {
    let alone = Pool { workers: 1, ..pool.clone() };
    for answer in answers.iter_mut().filter(|answer| answer.verdict != Verdict::Pass) {
        let job = jobs.iter().find(|job| job.run == answer.run);
        if let Some(again) = job.and_then(|job| alone.play(vec![job.clone()], &mut |_| {}).pop()) {
            *answer = again;
        }
    }
}

/// Plays a case alone, and compares once more.
fn is_same_alone(pool: &Pool, info: &StackInfo, jobs: &[Job], case: &str) -> bool {
    let alone = Pool { workers: 1, ..pool.clone() };
    let jobs: Vec<Job> = jobs.iter().filter(|job| job.case == case).cloned().collect();
    let answers = alone.play(jobs.clone(), &mut |_| {});
    texts(&jobs, &answers).iter().all(|(case, text)| is_same(info, case, text))
}

/// The text of each case's snapshot: one section a family.
fn texts(jobs: &[Job], answers: &[Answer]) -> BTreeMap<String, String> {
    let by_run: BTreeMap<usize, &Job> = jobs.iter().map(|job| (job.run, job)).collect();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for answer in answers {
        let Some(job) = by_run.get(&answer.run) else { continue };
        let text = texts.entry(job.case.clone()).or_default();
        let body = answer.snapshot.as_deref().unwrap_or_default().trim_end();
        let difference = answer.difference.as_ref().map(|d| format!(" ({})", d.field)).unwrap_or_default();
        *text += &format!("{}: {}{difference}\n{body}\n\n", job.family, answer.verdict);
    }
    texts
}

/// Compares a text with the snapshot, or writes it, as insta is set; insta shows the difference.
fn is_same(info: &StackInfo, case: &str, text: &str) -> bool {
    // insta would make one name of a path, so each folder is told to it.
    let (below, name) = case.rsplit_once('/').unwrap_or(("", case));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder(&info.name).join(below));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description(info));
    let compare = || settings.bind(|| insta::assert_snapshot!(name, text));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let compared = catch_unwind(AssertUnwindSafe(compare));
    std::panic::set_hook(hook);
    compared.is_ok()
}

/// What produced a snapshot.
fn description(info: &StackInfo) -> String {
    let clock = match info.clock {
        ClockKind::Virtual => "virtual",
        ClockKind::Real => "real",
    };
    format!("{} {}, {clock} clock", info.name, info.version)
}

/// What produced the snapshots of a stack, from one of them.
fn recorded_on(info: &StackInfo) -> Option<String> {
    let mut snapshots = Vec::new();
    collect(&folder(&info.name), &mut snapshots).ok()?;
    let text = std::fs::read_to_string(snapshots.first()?).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("description: "))?;
    Some(line.trim_matches('"').to_owned())
}

fn folder(stack: &str) -> PathBuf {
    cases::golden().join(file_name(stack))
}

/// Snapshots whose case is gone: removed, or found wrong.
fn stale(is_recording: bool) -> Outcome {
    let ids: BTreeSet<String> = Tree::suite().files()?.into_iter().map(|file| file.id).collect();
    let mut exit = Exit::AsExpected;
    for name in WITNESSES {
        let folder = folder(name);
        let mut snapshots = Vec::new();
        collect(&folder, &mut snapshots)?;
        for path in snapshots {
            let below = path.strip_prefix(&folder).unwrap_or(&path).with_extension("");
            if ids.contains(below.to_string_lossy().as_ref()) {
                continue;
            }
            if is_recording {
                std::fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            } else {
                eprintln!("golden/{name}/{}.snap: there is no such case", below.display());
                exit = Exit::Unexpected;
            }
        }
    }
    Ok(exit)
}

/// The snapshots below `folder`, sorted.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "snap") {
            found.push(path);
        }
    }
    Ok(())
}
