//! `cargo xtask selftest`: plays every twin on `reference`, and fails if one stays green.

use crate::exit::{Exit, Outcome};
use crate::pool::{Limits, Pool};
use crate::progress::Progress;
use crate::protocol::{Answer, Job, Session, Wants};
use cases::catalogue::Catalogue;
use cases::coverage::Fact;
use cases::suite::{Case, Defines, Suite, Tree};
use harness::run::Verdict;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The stack whose frames and calls the twins spoil.
pub(crate) const REFERENCE: &str = "reference";

/// What `cargo xtask selftest` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Cases whose twins are played, by the beginning of their paths; all where none is named.
    prefixes: Vec<String>,
    /// Print `{twins, green: [{case, twin}]}`.
    #[arg(long)]
    json: bool,
    /// Play them on another stack, to see what it is that fails.
    #[arg(long, hide = true, default_value = REFERENCE)]
    stack: String,
}

/// A twin that did not go red.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Green {
    /// The case's id.
    pub(crate) case: String,
    /// The requirement that the twin names.
    pub(crate) twin: String,
    #[serde(skip)]
    why: String,
}

/// What the self-test found.
#[derive(Default)]
pub(crate) struct Findings {
    /// How many twins were played.
    pub(crate) twins: usize,
    /// Those that did not go red in each family of their case.
    pub(crate) green: Vec<Green>,
    /// Those that did, in cases that pass.
    pub(crate) facts: BTreeSet<Fact>,
    /// Cases that the stack skips, so that their twins say nothing.
    pub(crate) skipped: Vec<String>,
}

#[derive(Serialize)]
struct Json<'a> {
    twins: usize,
    green: &'a [Green],
}

/// Plays the twins and says which stay green.
pub(crate) fn selftest(options: &Options) -> Outcome {
    let findings = find(&options.stack, &options.prefixes)?;
    if options.json {
        let json = Json { twins: findings.twins, green: &findings.green };
        println!("{}", serde_json::to_string_pretty(&json).map_err(|e| e.to_string())?);
    } else {
        for Green { case, twin, why } in &findings.green {
            println!("{case}: the twin {twin} is not red: {why}");
        }
        for case in &findings.skipped {
            println!("{case}: skipped, so its twins were not played");
        }
        println!("{} twins, {} green", findings.twins, findings.green.len());
    }
    Ok(if findings.green.is_empty() { Exit::AsExpected } else { Exit::Unexpected })
}

/// Plays, on `stack`, the twins of the suite's cases whose ids begin with one of `prefixes`.
pub(crate) fn find(stack: &str, prefixes: &[String]) -> Result<Findings, String> {
    let catalogue = Catalogue::load()?;
    let suite = load(prefixes, &catalogue)?;
    let pool = pool(stack)?;
    let info = pool.greet()?;
    let jobs = jobs(&suite);
    let mut progress = Progress::new(format!("twins on {}", info.name), jobs.len());
    let answers = pool.play(jobs.clone(), &mut |_| progress.step());
    drop(progress);
    if answers.len() != jobs.len() {
        return Err(format!("{} runs were scheduled and {} reported", jobs.len(), answers.len()));
    }
    Ok(judge(&suite, &jobs, &answers))
}

/// The suite's cases whose ids begin with one of `prefixes`; an error in one of them is an error.
pub(crate) fn load(prefixes: &[String], catalogue: &Catalogue) -> Result<Suite, String> {
    let tree = Tree::suite();
    let files = cases::suite::select(tree.files()?, prefixes)?;
    let suite = tree.load(&files, catalogue, &Defines::new());
    match suite.errors.first() {
        None => Ok(suite),
        Some(_) => Err(suite.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")),
    }
}

/// A pool for the suite on the stack called `name`.
pub(crate) fn pool(name: &str) -> Result<Pool, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let limits = Limits { cpu: Duration::from_secs(10), silence: Duration::from_secs(60) };
    Ok(Pool { program, session: Session::new(name, &Tree::suite()), workers, depth: 16, limits })
}

/// Each case as it is, and with each of its twins, in each of its families.
fn jobs(suite: &Suite) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for case in &suite.cases {
        for family in &case.families {
            for twin in std::iter::once(None).chain((0..twins(case)).map(Some)) {
                let (run, case) = (jobs.len(), case.id.clone());
                jobs.push(Job { run, case, family: *family, seed: 1, twin, wants: Wants::default() });
            }
        }
    }
    jobs
}

fn twins(case: &Case) -> usize {
    case.script.head.as_ref().map_or(0, |head| head.twins.len())
}

fn judge(suite: &Suite, jobs: &[Job], answers: &[Answer]) -> Findings {
    let mut runs: BTreeMap<&str, Vec<(&Job, &Answer)>> = BTreeMap::new();
    for (job, answer) in jobs.iter().zip(answers) {
        runs.entry(&job.case).or_default().push((job, answer));
    }
    let mut findings = Findings::default();
    for case in &suite.cases {
        let runs = runs.get(case.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let plain = || runs.iter().filter(|(job, _)| job.twin.is_none()).map(|(_, answer)| answer);
        if plain().all(|answer| answer.verdict == Verdict::Skip) {
            findings.skipped.push(case.id.clone());
            continue;
        }
        let broken = plain().find(|a| !matches!(a.verdict, Verdict::Pass | Verdict::Skip));
        let heads = case.script.head.iter().flat_map(|head| &head.twins).enumerate();
        for (index, twin) in heads {
            findings.twins += 1;
            let own = runs.iter().filter(|(job, _)| job.twin == Some(index)).map(|(_, answer)| answer);
            let why = match broken {
                Some(answer) => Some(format!("the case itself ends with {}", answer.verdict)),
                None => own.into_iter().find_map(|answer| answer.green.clone()),
            };
            let (id, requirement) = (case.id.clone(), twin.requirement.clone());
            match why {
                Some(why) => findings.green.push(Green { case: id, twin: requirement, why }),
                None => {
                    findings.facts.insert(Fact { case: id, requirement });
                }
            }
        }
    }
    // A requirement with several twins is covered where all of them go red.
    let green: BTreeSet<(&str, &str)> = findings.green.iter().map(|g| (&*g.case, &*g.twin)).collect();
    findings.facts.retain(|fact| !green.contains(&(&*fact.case, &*fact.requirement)));
    findings
}
