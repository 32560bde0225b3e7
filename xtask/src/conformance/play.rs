//! Plays the runs of a plan, stack after stack, and judges them.

use super::Options;
use super::plan::{Plan, is_named};
use crate::oracle;
use crate::pool::{Limits, Pool, WAITING};
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Session, Wants};
use crate::results::{ClockKind, RunResult, StackInfo};
use cases::catalogue::Catalogue;
use cases::expectation::{self, Judge, Judgement, TIMING};
use cases::ledger::Ledger;
use cases::suite::Case;
use harness::run::Verdict;
use harness::sut::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// On the real clock the default set of the suite has the cases that take no longer on `reference`, in virtual time.
const DEFAULT_SET: Duration = Duration::from_secs(2);

/// A run with its judgement.
pub(crate) struct Run {
    /// What results.json says of it.
    pub(crate) result: RunResult,
    /// What to make of it.
    pub(crate) judgement: Judgement,
    /// The exchange, where it was wanted.
    pub(crate) ladder: Option<String>,
    /// What the case is about, then each requirement that is at stake, in words.
    pub(crate) words: Vec<String>,
}

/// Everything that was played.
pub(crate) struct Played {
    /// On which stacks.
    pub(crate) stacks: Vec<StackInfo>,
    /// How many runs were meant.
    pub(crate) scheduled: usize,
    /// The runs, by stack, case and family.
    pub(crate) runs: Vec<Run>,
    /// How many runs on a real clock there were.
    pub(crate) real_runs: usize,
}

/// Plays `plan`.
pub(crate) fn play(options: &Options, plan: &Plan) -> Result<Played, String> {
    let stacks = open(options, plan)?;
    let mut played = Played { stacks: vec![], scheduled: 0, runs: vec![], real_runs: 0 };
    let mut lengths = BTreeMap::new();
    let unbounded = BTreeMap::new();
    if plan.tree.is_suite && !options.all && stacks.iter().any(|s| s.info.clock == ClockKind::Real) {
        lengths = measure(options, plan)?;
    }
    for stack in stacks {
        let is_real = stack.info.clock == ClockKind::Real;
        let jobs = jobs(options, plan, &stack.info, if is_real { &lengths } else { &unbounded });
        played.scheduled += jobs.len();
        played.real_runs += if is_real { jobs.len() } else { 0 };
        let runs = stack.play(options, plan, &jobs)?;
        played.runs.extend(runs);
        played.stacks.push(stack.info);
    }
    if played.scheduled == 0 {
        return Err("no run: none of the cases runs in these families".to_owned());
    }
    Ok(played)
}

/// A stack that can run here.
struct Stack {
    pool: Pool,
    info: StackInfo,
    ledger: Ledger,
}

/// The stacks that were asked for, virtual clocks first, so that nothing else runs while a real clock ticks.
fn open(options: &Options, plan: &Plan) -> Result<Vec<Stack>, String> {
    let asked_for = |name: &&&str| !cases::stacks::ON_REQUEST.contains(*name);
    let known: Vec<&str> = cases::stacks::NAMES.iter().filter(asked_for).copied().collect();
    let mut names: Vec<&str> = options.stack.iter().map(String::as_str).collect();
    if names.is_empty() {
        names = known;
    }
    let mut seen = BTreeSet::new();
    let mut stacks = Vec::new();
    for name in names.into_iter().filter(|n| seen.insert(*n)) {
        match Stack::open(options, plan, name)? {
            Ok(stack) => stacks.push(stack),
            Err(reason) if options.stack.is_empty() => eprintln!("{name} is left out: {reason}"),
            Err(reason) => return Err(format!("stack {name}: {reason}")),
        }
    }
    if stacks.is_empty() {
        return Err("no stack can run here".to_owned());
    }
    stacks.sort_by_key(|s| s.info.clock == ClockKind::Real);
    Ok(stacks)
}

impl Stack {
    /// Opens the stack called `name`; the inner error says why it cannot run here.
    fn open(options: &Options, plan: &Plan, name: &str) -> Result<Result<Stack, String>, String> {
        let pool = pool(options, plan, name)?;
        let mut pool = pool;
        let info = match pool.greet() {
            Ok(info) => info,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(message) = oracle::stale(&info) {
            eprintln!("{message}");
        }
        if info.clock == ClockKind::Real {
            pool.depth = 1;
            // A run that waits as its case asks is not silent.
            pool.limits.silence = pool.limits.silence.max(Duration::from_secs(600));
            pool.workers *= if options.jobs.is_some() { 1 } else { WAITING };
        }
        let ledger = Ledger::load(name)?;
        if plan.tree.is_suite {
            let errors = ledger.check(&plan.ids.iter().map(String::as_str).collect(), &plan.catalogue);
            if !errors.is_empty() {
                return Err(errors.join("\n"));
            }
        }
        Ok(Ok(Stack { pool, info, ledger }))
    }

    fn play(&self, options: &Options, plan: &Plan, jobs: &[Job]) -> Result<Vec<Run>, String> {
        let mut progress = Progress::new(format!("{} runs", self.info.name), jobs.len());
        let mut answers = self.pool.play(jobs.to_vec(), &mut |_| progress.step());
        drop(progress);
        if self.info.clock == ClockKind::Real {
            self.repeat(options, plan, jobs, &mut answers);
        }
        let by_run: BTreeMap<usize, &Job> = jobs.iter().map(|job| (job.run, job)).collect();
        let mut runs = Vec::new();
        for answer in answers {
            let job =
                by_run.get(&answer.run).ok_or_else(|| format!("run {} was not scheduled", answer.run))?;
            runs.push(self.run(options, plan, job, answer)?);
        }
        Ok(runs)
    }

    /// On a real clock an unexpected result is played alone, twice: three equal verdicts stand.
    fn repeat(&self, options: &Options, plan: &Plan, jobs: &[Job], answers: &mut [Answer]) {
        let alone = Pool { workers: 1, ..self.pool.clone() };
        let by_run: BTreeMap<usize, &Job> = jobs.iter().map(|job| (job.run, job)).collect();
        let suspects: Vec<(&Job, &mut Answer)> = answers
            .iter_mut()
            .filter_map(|answer| by_run.get(&answer.run).map(|job| (*job, answer)))
            .filter(|(job, answer)| self.judge(options, plan, job, answer).is_some_and(|j| must_repeat(&j)))
            .collect();
        let mut progress = Progress::new(format!("{} runs, repeated", self.info.name), suspects.len());
        for (job, answer) in suspects {
            let mut verdicts = vec![answer.verdict];
            for _ in 0..2 {
                verdicts.extend(alone.play(vec![job.clone()], &mut |_| {}).iter().map(|a| a.verdict));
            }
            progress.step();
            if verdicts.iter().any(|v| *v != answer.verdict) {
                let names: Vec<&str> = verdicts.iter().map(|v| v.name()).collect();
                let difference = answer.difference.get_or_insert_default();
                difference.note = format!(
                    "the first time {}: expected {}, found {} {}",
                    difference.field, difference.expected, difference.found, difference.note
                );
                difference.field = TIMING.to_owned();
                difference.expected = "the same verdict three times".to_owned();
                difference.found = names.join(", ");
                answer.verdict = Verdict::Inconclusive;
            }
        }
    }

    fn judge(&self, options: &Options, plan: &Plan, job: &Job, answer: &Answer) -> Option<Judgement> {
        let case = plan.suite.cases.iter().find(|c| c.id == job.case)?;
        let difference = answer.difference.clone().map(harness::run::Difference::from);
        Some(self.judges(options, plan).judge(case, job.family, answer.verdict, difference.as_ref()))
    }

    fn judges<'a>(&'a self, options: &Options, plan: &'a Plan) -> Judge<'a> {
        Judge {
            ledger: &self.ledger,
            version: &self.info.version,
            catalogue: &plan.catalogue,
            strict: options.strict,
        }
    }

    fn run(&self, options: &Options, plan: &Plan, job: &Job, answer: Answer) -> Result<Run, String> {
        let missing = || format!("{}: a run of a case that is not there", job.case);
        let judgement = self.judge(options, plan, job, &answer).ok_or_else(missing)?;
        let case = plan.suite.cases.iter().find(|c| c.id == job.case).ok_or_else(missing)?;
        let is_virtual = self.info.clock == ClockKind::Virtual;
        let difference = answer.difference.clone().map(harness::run::Difference::from);
        let broken = expectation::broken(case, answer.verdict, difference.as_ref());
        let level = self.judges(options, plan).level(case, answer.verdict, difference.as_ref());
        let words = words(case, &plan.catalogue, &broken);
        let result = RunResult {
            stack: self.info.name.clone(),
            case: job.case.clone(),
            family: job.family.to_string(),
            verdict: answer.verdict.to_string(),
            expected: judgement.expected.to_string(),
            level: level.map(|l| l.to_string()),
            requirements: case.requires.clone(),
            broken: broken.into_iter().map(str::to_owned).collect(),
            virtual_us: is_virtual.then_some(answer.virtual_us),
            wall_us: answer.wall_us,
            first_difference: answer.difference,
            replay: replay(options, plan, &self.info.name, &job.case, job.family),
        };
        Ok(Run { result, judgement, ladder: answer.ladder, words })
    }
}

/// What `case` is about, and what `broken` asks for, or all that the case names where that is empty.
fn words(case: &Case, catalogue: &Catalogue, broken: &[&str]) -> Vec<String> {
    let about =
        case.script.head.as_ref().map(|head| head.about.split_whitespace().collect::<Vec<_>>().join(" "));
    let named = case.requires.iter().map(String::as_str);
    let at_stake: Vec<&str> = if broken.is_empty() { named.collect() } else { broken.to_vec() };
    let rows = at_stake.into_iter().map(|id| match catalogue.get(id) {
        Some(row) => format!("{} {id}: {}", row.level, row.summary),
        None => id.to_owned(),
    });
    about.into_iter().chain(rows).collect()
}

fn must_repeat(judgement: &Judgement) -> bool {
    judgement.standing != cases::expectation::Standing::AsExpected
}

/// The pool that plays on the stack called `name`.
fn pool(options: &Options, plan: &Plan, name: &str) -> Result<Pool, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let session = Session {
        link: options.link.clone(),
        packetdrill: options.packetdrill.clone(),
        ..Session::new(name, &plan.tree)
    };
    let limits = Limits {
        cpu: Duration::from_secs_f64(options.hang_after),
        silence: Duration::from_secs_f64(options.silent_after),
    };
    Ok(Pool { program, session, workers: options.jobs.map_or(processors, usize::from), depth: 16, limits })
}

/// The virtual time of each run on `reference`, which is played for that alone.
fn measure(options: &Options, plan: &Plan) -> Result<BTreeMap<(String, Family), u64>, String> {
    let pool = pool(options, plan, "reference")?;
    let Ok(info) = pool.greet() else { return Ok(BTreeMap::new()) };
    let plain = Options { pcap: false, verbose: false, ..options.clone() };
    let jobs = jobs(&plain, plan, &info, &BTreeMap::new());
    let keys: BTreeMap<usize, (String, Family)> =
        jobs.iter().map(|j| (j.run, (j.case.clone(), j.family))).collect();
    let answers = pool.play(jobs, &mut |_| {});
    Ok(answers.iter().filter_map(|a| Some((keys.get(&a.run)?.clone(), a.virtual_us))).collect())
}

/// The runs on one stack, without those that `lengths` says take too long.
fn jobs(
    options: &Options,
    plan: &Plan,
    stack: &StackInfo,
    lengths: &BTreeMap<(String, Family), u64>,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for case in &plan.suite.cases {
        for family in plan.families(case, options) {
            let length = lengths.get(&(case.id.clone(), family)).copied().unwrap_or(0);
            if u128::from(length) <= DEFAULT_SET.as_micros() || is_named(options, &case.id) {
                jobs.push(job(options, jobs.len(), case, family, &stack.name));
            }
        }
    }
    jobs
}

fn job(options: &Options, run: usize, case: &Case, family: Family, stack: &str) -> Job {
    let wants = Wants {
        ladder: options.verbose,
        pcap: options.pcap.then(|| pcap_path(options, stack, &case.id, family)),
        ..Wants::default()
    };
    Job { run, case: case.id.clone(), family, seed: options.seed, twin: None, wants }
}

fn pcap_path(options: &Options, stack: &str, case: &str, family: Family) -> PathBuf {
    let stack = cases::ledger::file_name(stack);
    options.out.join("pcap").join(stack).join(format!("{case}.{family}.pcapng"))
}

/// The command that repeats a run.
fn replay(options: &Options, plan: &Plan, stack: &str, case: &str, family: Family) -> String {
    let mut command = format!("cargo xtask conformance {} --stack {stack} --family {family}", quoted(case));
    if options.seed != super::SEED {
        command += &format!(" --seed {}", options.seed);
    }
    if !plan.tree.is_suite {
        command += &format!(" --cases {}", quoted(&plan.tree.shown.display().to_string()));
    }
    if let Some(link) = &options.link {
        command += &format!(" --link {}", quoted(link));
    }
    if !options.packetdrill.is_empty() {
        let quoted: Vec<String> = options.packetdrill.iter().map(|o| quoted(o)).collect();
        command += &format!(" -- {}", quoted.join(" "));
    }
    command
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether runs on a real clock that ended now so, now so, are too many: more than 1 %.
pub(super) fn is_unsteady(timing: usize, real_runs: usize) -> bool {
    timing * 100 > real_runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_per_cent_of_unsteady_runs_is_bearable() {
        assert!(!is_unsteady(0, 0) && !is_unsteady(1, 100) && !is_unsteady(2, 299));
        assert!(is_unsteady(1, 99) && is_unsteady(2, 100) && is_unsteady(1, 1));
    }

    #[test]
    fn a_replay_is_one_line_for_a_shell() {
        assert_eq!(quoted("tcp/rst"), "tcp/rst");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
