//! A process that plays runs, so that a stack that hangs, panics or dies costs one run alone.
//!
//! The stack may write to standard output as much as it likes: the answers go through a descriptor of their own.

use crate::exit::{Exit, Outcome};
use crate::oracle::{self, host::Host};
use crate::player::{self, Player};
use crate::protocol::{Answer, Greeting, Job, Session};
use harness::run::Verdict;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

/// The address space that a stack may take, in bytes.
const MEMORY: u64 = 4 << 30;

/// Where the last panic was and what it said.
static PANIC: Mutex<Option<Panic>> = Mutex::new(None);

#[derive(Clone)]
struct Panic {
    file: String,
    line: u32,
    message: String,
}

/// Plays the runs that standard input names until it ends, as the worker of its parent's slot `slot`.
pub(crate) fn run(slot: usize) -> Outcome {
    let mut answers = private_output()?;
    die_with_parent()?;
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).map_err(|e| format!("setrlimit: {e}"))?;
    remember_panics();
    let mut lines = std::io::stdin().lock().lines();
    let Some(first) = lines.next() else { return Ok(Exit::AsExpected) };
    let session: Session = read(first)?;
    if let Some(series) = oracle::series(&session.stack) {
        stay_on_one_processor(slot);
        return batch(&session, series, lines, &mut answers);
    }
    let mut player = match catch_unwind(|| player::open(&session)) {
        Ok(Ok(player)) => player,
        Ok(Err(reason)) => return say(&mut answers, &Greeting::Refused(reason)),
        Err(_) => {
            return say(&mut answers, &Greeting::Refused(format!("panic while opening: {}", panic_text())));
        }
    };
    // The kernel forgets it where opening the stack has changed this process's privileges.
    die_with_parent()?;
    say(&mut answers, &Greeting::Ready(player.info()))?;
    for line in lines {
        let answer = play(player.as_mut(), &read(line)?);
        let is_last = answer.is_last;
        say(&mut answers, &answer)?;
        if is_last {
            break;
        }
    }
    Ok(Exit::AsExpected)
}

/// The same for a kernel in virtual time: takes all the jobs that there are, and plays them in one guest.
fn batch(
    session: &Session,
    series: &str,
    lines: impl Iterator<Item = std::io::Result<String>>,
    answers: &mut File,
) -> Outcome {
    let host = match Host::open(session, series) {
        Ok(host) => host,
        Err(reason) => return say(answers, &Greeting::Refused(reason)),
    };
    say(answers, &host.greeting())?;
    let jobs = lines.map(read).collect::<Result<Vec<Job>, String>>()?;
    host.play(jobs, &mut |answer| say(answers, answer).map(drop))?;
    Ok(Exit::AsExpected)
}

/// Binds this process, and those that it will start, to one of the processors that it may use: a guest's kernel and its
/// programs take turns, many thousand times a second, and to wake another processor costs as much as the turn itself.
fn stay_on_one_processor(slot: usize) {
    let this = Pid::from_raw(0);
    let Ok(allowed) = sched_getaffinity(this) else { return };
    let allowed: Vec<usize> = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu) == Ok(true)).collect();
    let mut one = CpuSet::new();
    let Some(cpu) = allowed.get(slot % allowed.len().max(1)) else { return };
    if one.set(*cpu).is_ok() {
        // Where the system does not allow it the guest is slower, and no less right.
        let _ = sched_setaffinity(this, &one);
    }
}

/// A parent that is killed takes its workers along, also those that hang.
pub(crate) fn die_with_parent() -> Result<(), String> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|e| format!("prctl: {e}"))
}

/// Standard output as a file of its own; what writes to standard output from now on writes to standard error.
fn private_output() -> Result<File, String> {
    let output = nix::unistd::dup(std::io::stdout()).map_err(|e| format!("dup: {e}"))?;
    nix::unistd::dup2_stdout(std::io::stderr()).map_err(|e| format!("dup2: {e}"))?;
    Ok(File::from(output))
}

fn read<T: serde::de::DeserializeOwned>(line: std::io::Result<String>) -> Result<T, String> {
    let line = line.map_err(|e| format!("worker: {e}"))?;
    serde_json::from_str(&line).map_err(|e| format!("worker: {e} in {line}"))
}

fn say(output: &mut File, message: &impl Serialize) -> Outcome {
    let mut line = serde_json::to_vec(message).map_err(|e| format!("worker: {e}"))?;
    line.push(b'\n');
    output.write_all(&line).map_err(|e| format!("worker: {e}"))?;
    Ok(Exit::AsExpected)
}

/// Plays a run. A panic is caught, and makes the answer the last.
pub(crate) fn play(player: &mut dyn Player, job: &Job) -> Answer {
    let (start, cpu) = (std::time::Instant::now(), cpu_time());
    let mut answer = play_unmeasured(player, job);
    answer.cpu_us = micros(cpu_time().saturating_sub(cpu));
    answer.wall_us = micros(start.elapsed());
    answer
}

/// Plays a run, without saying what it cost. A panic is caught, and makes the answer the last.
pub(crate) fn play_unmeasured(player: &mut dyn Player, job: &Job) -> Answer {
    let played = catch_unwind(AssertUnwindSafe(|| player.play(job)));
    played.unwrap_or_else(|_| panicked(job))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The CPU time of this process, all threads.
fn cpu_time() -> Duration {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID);
    now.map_or(Duration::ZERO, Duration::from)
}

/// A panic in the stack is the stack's fault, one in the harness ours.
fn panicked(job: &Job) -> Answer {
    let panic = PANIC.lock().ok().and_then(|p| p.clone());
    let ours = ["harness/src/", "cases/src/", "xtask/src/player"];
    let is_ours = panic.as_ref().is_some_and(|p| ours.iter().any(|o| p.file.starts_with(o)));
    let verdict = if is_ours { Verdict::Error } else { Verdict::Fail };
    let mut answer = Answer::broken(job.run, verdict, "panic", panic_text());
    answer.is_last = true;
    answer
}

/// From now on a panic is remembered and not printed.
pub(crate) fn remember_panics() {
    std::panic::set_hook(Box::new(remember_panic));
}

fn remember_panic(info: &std::panic::PanicHookInfo<'_>) {
    let message = match (info.payload().downcast_ref::<&str>(), info.payload().downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    };
    let (file, line) = info.location().map_or((String::new(), 0), |l| (l.file().to_owned(), l.line()));
    if let Ok(mut panic) = PANIC.lock() {
        *panic = Some(Panic { file, line, message });
    }
}

fn panic_text() -> String {
    let panic = PANIC.lock().ok().and_then(|p| p.clone());
    panic.map_or_else(String::new, |p| format!("{} at {}:{}", p.message, public_path(&p.file), p.line))
}

/// The path of a source file without what is only true of this machine: from the crate's own folder on.
fn public_path(file: &str) -> &str {
    match file.find("/registry/src/") {
        Some(at) => {
            let below = &file[at + "/registry/src/".len()..];
            below.split_once('/').map_or(below, |(_, path)| path)
        }
        None => file.rfind("/library/").map_or(file, |at| &file[at + 1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::public_path;

    #[test]
    fn paths_in_messages_are_the_same_on_every_machine() {
        for (path, shown) in [
            ("stack/src/tcp/state.rs", "stack/src/tcp/state.rs"),
            (
                "/home/u/.cargo/registry/src/index.crates.io-1/smoltcp-0.14.0/src/a.rs",
                "smoltcp-0.14.0/src/a.rs",
            ),
            ("/rustc/0123/library/core/src/option.rs", "library/core/src/option.rs"),
        ] {
            assert_eq!(public_path(path), shown);
        }
    }
}
