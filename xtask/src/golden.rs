//! `cargo xtask golden`: snapshots of what each witness did in each case, `golden/STACK/CASE.snap`.

mod files;
mod replayed;

use crate::exit::{Exit, Outcome};
use crate::oracle;
use crate::pool::{Pool, WAITING};
use crate::programs::root;
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Wants};
use crate::results::{ClockKind, StackInfo};
use crate::selftest::{load, pool};
use cases::catalogue::Catalogue;
use cases::ledger::file_name;
use cases::suite::{Suite, Tree};
use files::{Section, Snapshot};
use harness::run::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The witnesses: what other stacks do is not worth remembering. Linux of any other series is one where it is named.
const WITNESSES: &[&str] = &["reference", "linux", "linux-6.12"];
/// Longer runs, in virtual microseconds on `reference`, are not played on the real clock.
const DEFAULT_SET: u64 = 2_000_000;
/// On a real clock a case that differs is played alone so often before it counts.
const REPEATS: usize = 6;
/// What is not the same in every run of a witness: its cases, and why. It is not recorded.
const UNSTEADY: &[(&str, &[&str], &str)] = &[
    (
        "linux",
        &["ipv4/no-router-is-needed-among-neighbours"],
        "the identification counts on from what was sent before by whomever",
    ),
    (
        "linux",
        &["ipv6/icmpv6/errors-are-limited", "forwarding/errors-are-limited"],
        "how many errors pass the kernel's limit depends on how fast the machine sends what provokes them",
    ),
    (
        "linux",
        &[
            "forwarding/options-for-the-router-are-understood",
            "forwarding/time-is-stamped",
            "forwarding/timestamp-request-is-answered-from-the-address-asked",
            "icmpv4/timestamp-reply-goes-back-as-the-request-came",
            "icmpv4/timestamp-request-is-answered",
            "ipv4/full-timestamp-counts-the-overflow",
            "ipv4/options-of-an-echo-are-processed",
            "ipv4/timestamp-counts-from-midnight",
            "ipv4/timestamp-overflow-has-an-end",
            "udp/timestamp-is-begun-by-the-sender",
        ],
        "it tells the time of day",
    ),
    (
        "linux",
        &[
            "icmpv4/application-sends-echo-requests",
            "ipv4/broadcast-goes-to-every-station",
            "ipv4/longest-of-nested-networks-is-the-near-one",
            "ipv4/mask-decides-what-is-near",
            "ipv4/source-suits-the-network-that-it-leaves-by",
            "ipv6/icmpv6/application-can-ask-for-echoes",
            "ipv6/icmpv6/reply-is-for-who-asked",
            "ipv6/udp-without-checksum-is-sent-where-asked-for",
            "udp/chosen-source-can-be-learned",
            "udp/source-can-be-chosen",
        ],
        "the kernel draws the port, or the identifier of echoes, by chance",
    ),
    (
        "linux",
        &[
            "tcp/fastopen/cookie-is-good-for-its-client-alone",
            "tcp/fastopen/cookie-without-data-opens-nothing-early",
            "tcp/fastopen/final-ack-may-be-lost",
            "tcp/fastopen/limit-of-pending-opens-turns-it-off",
            "tcp/fastopen/new-key-gives-new-cookies",
            "tcp/fastopen/repeated-syn-ack-is-plain",
            "tcp/fastopen/request-is-answered-with-a-cookie",
            "tcp/fastopen/right-cookie-opens-at-once",
            "tcp/fastopen/server-can-answer-before-the-handshake-is-over",
            "tcp/fastopen/wrong-cookie-acknowledges-the-syn-alone",
        ],
        "the kernel draws the key of its cookies by chance",
    ),
    (
        "linux",
        &[
            "tcp/open/initial-numbers-follow-the-clock",
            "tcp/options/header-longer-than-the-segment-is-survived",
            "tcp/states/syn-received/synfin-edge",
            "tcp/states/syn-received/synfin-inside",
        ],
        "it tells an initial sequence number as it is",
    ),
    (
        "linux",
        &["tcp/reset/challenges-are-throttled"],
        "what two connections send at one instant comes in either order",
    ),
    (
        "linux",
        &["forwarding/ipv6-redirect-has-its-conditions"],
        "what leaves by two interfaces at one instant comes in either order",
    ),
    (
        "linux",
        &["tcp/data/fin-beyond-the-window-waits"],
        "which segments of a burst are acknowledged depends on how fast the machine takes them",
    ),
];
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
    for name in witnesses(&selection.stack)? {
        let (is_recording, is_asked_for) = (update == "always", !selection.stack.is_empty());
        let task = Task { name, suite: &suite, lengths: &lengths, is_recording, is_asked_for };
        exit = exit.max(witness(&task)?);
    }
    exit = exit.max(orphans(update == "always")?);
    Ok(exit)
}

/// The witnesses that were asked for; all where none was.
fn witnesses(asked: &[String]) -> Result<Vec<&str>, String> {
    let is_witness = |name: &str| WITNESSES.contains(&name) || oracle::series(name).is_some();
    if let Some(other) = asked.iter().find(|name| !is_witness(name)) {
        return Err(format!("{other} is no witness; there are {}", WITNESSES.join(", ")));
    }
    Ok(if asked.is_empty() { WITNESSES.to_vec() } else { asked.iter().map(String::as_str).collect() })
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

/// What is to be done with a witness.
struct Task<'a> {
    name: &'a str,
    suite: &'a Suite,
    lengths: &'a BTreeMap<String, u64>,
    is_recording: bool,
    /// It was asked for by its name.
    is_asked_for: bool,
}

/// Plays every case on one witness and compares, or writes; then what is recorded is played through the cases' matchers.
fn witness(task: &Task<'_>) -> Outcome {
    let name = task.name;
    let pool = pool(name)?;
    let mut exit = Exit::AsExpected;
    match pool.greet() {
        Ok(info) => exit = exit.max(live(task, pool, &info)?),
        Err(reason) if task.is_recording && task.is_asked_for => {
            return Err(format!("stack {name}: {reason}"));
        }
        Err(reason) => eprintln!("{name} does not run here: {reason}"),
    }
    let replayed = replayed::replay(task.suite, &files::recorded(name)?);
    for line in &replayed.wrong {
        eprintln!("golden/{}/{line}", file_name(name));
    }
    let (runs, wrong, rest) = (replayed.runs, replayed.wrong.len(), replayed.for_reading);
    println!(
        "{name}: {runs} recorded runs replayed, {wrong} with another verdict; {rest} are for reading alone"
    );
    Ok(if wrong == 0 { exit } else { Exit::Unexpected })
}

/// Plays every case on a witness that runs here. Recordings of another release are stale: not compared, and no failure.
fn live(task: &Task<'_>, mut pool: Pool, info: &StackInfo) -> Outcome {
    let Task { name, suite, lengths, is_recording, .. } = *task;
    let is_real = info.clock == ClockKind::Real;
    let recorded = files::recorded(name)?;
    if is_real {
        pool.depth = 1;
        pool.workers *= WAITING;
    }
    // What another release does is neither right nor wrong.
    let is_kernel = is_real || oracle::series(name).is_some();
    if let Some(why) = incomparable(&recorded, info).filter(|_| is_kernel && !is_recording) {
        println!("{name}: {why}");
        return Ok(Exit::AsExpected);
    }
    let unsteady = unsteady(name, suite);
    let is_unsteady = |case: &str| unsteady.contains(&case);
    let is_short = |case: &str| !is_real || lengths.get(case).is_none_or(|l| *l <= DEFAULT_SET);
    let jobs = jobs(suite, |case| is_short(case) && !is_unsteady(case));
    let mut progress = Progress::new(format!("{name} runs"), jobs.len());
    let mut answers = pool.play(jobs.clone(), &mut |_| progress.step());
    drop(progress);
    if is_real && is_recording {
        settle(&pool, &jobs, &mut answers);
    }
    let texts = texts(suite, &jobs, &answers);
    if is_recording {
        let written = texts.iter().filter(|(case, text)| files::is_same(info, case, text)).count();
        println!("{name}: {written} snapshots recorded");
        return Ok(if written == texts.len() { Exit::AsExpected } else { Exit::Unexpected });
    }
    let is_recorded = |case: &str, text: &str| recorded.get(case).is_some_and(|s| s.text == text.trim_end());
    let mut differing = 0;
    for (case, text) in &texts {
        if is_recorded(case, text) {
            continue;
        }
        let mut alone = (0..if is_real { REPEATS } else { 0 }).map(|_| alone(suite, &pool, &jobs, case));
        if alone.any(|text| is_recorded(case, &text)) || files::is_same(info, case, text) {
            continue;
        }
        differing += 1;
        eprintln!("{name}: {case} differs from golden/{}/{case}.snap", file_name(name));
    }
    println!("{name}: {} snapshots, {differing} differ", texts.len());
    Ok(if differing == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

/// Why a kernel cannot be compared with what was recorded.
fn incomparable(recorded: &BTreeMap<String, Snapshot>, info: &StackInfo) -> Option<String> {
    if recorded.is_empty() {
        return Some(format!("nothing is recorded: cargo xtask golden record --stack {}", info.name));
    }
    let own = files::description(info);
    let other = recorded.values().find(|snapshot| snapshot.description != own)?;
    Some(format!("stale: recorded on {}, this is {own}; record again", other.description))
}

/// The cases that a stack plays otherwise each time; says why they are left out.
fn unsteady(name: &str, suite: &Suite) -> Vec<&'static str> {
    let mut all = Vec::new();
    for (_, cases, why) in UNSTEADY.iter().filter(|(stack, ..)| *stack == name) {
        for case in suite.cases.iter().filter(|case| cases.contains(&case.id.as_str())) {
            println!("{name}: {} is not recorded: {why}", case.id);
        }
        all.extend_from_slice(cases);
    }
    all
}

/// Before a run on a real clock that did not pass is recorded it is played alone once more: the machine may have been busy.
fn settle(pool: &Pool, jobs: &[Job], answers: &mut [Answer]) {
    let alone = Pool { workers: 1, ..pool.clone() };
    for answer in answers.iter_mut().filter(|answer| answer.verdict != Verdict::Pass) {
        let job = jobs.iter().find(|job| job.run == answer.run);
        if let Some(again) = job.and_then(|job| alone.play(vec![job.clone()], &mut |_| {}).pop()) {
            *answer = again;
        }
    }
}

/// The text of a case that is played alone.
fn alone(suite: &Suite, pool: &Pool, jobs: &[Job], case: &str) -> String {
    let alone = Pool { workers: 1, ..pool.clone() };
    let jobs: Vec<Job> = jobs.iter().filter(|job| job.case == case).cloned().collect();
    let answers = alone.play(jobs.clone(), &mut |_| {});
    texts(suite, &jobs, &answers).remove(case).unwrap_or_default()
}

/// What goes into each case's file: the runs of its families, one below the other.
fn texts(suite: &Suite, jobs: &[Job], answers: &[Answer]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (job, answer) in jobs.iter().zip(answers) {
        let mut section = Section {
            family: job.family,
            verdict: answer.verdict,
            field: answer.difference.as_ref().map(|difference| difference.field.clone()),
            for_reading: false,
            body: answer.snapshot.clone().unwrap_or_default(),
        };
        let case = suite.cases.iter().find(|case| case.id == job.case);
        section.for_reading = case.is_some_and(|case| replayed::section_replays(case, &section).is_err());
        let text = texts.entry(job.case.clone()).or_default();
        *text += &format!("{}{}", if text.is_empty() { "" } else { "\n" }, section.write());
    }
    texts
}

/// Snapshots whose case is gone: removed, or found wrong.
fn orphans(is_recording: bool) -> Outcome {
    let ids: BTreeSet<String> = Tree::suite().files()?.into_iter().map(|file| file.id).collect();
    let mut exit = Exit::AsExpected;
    for name in WITNESSES {
        for case in files::recorded(name)?.into_keys().filter(|case| !ids.contains(case)) {
            if is_recording {
                let path = files::folder(name).join(format!("{case}.snap"));
                std::fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            } else {
                eprintln!("golden/{name}/{case}.snap: there is no such case");
                exit = Exit::Unexpected;
            }
        }
    }
    Ok(exit)
}
