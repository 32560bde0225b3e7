//! `cargo xtask bench`: what a run costs.

use crate::exit::{Exit, Outcome};
use crate::protocol::{Job, Wants};
use crate::selftest::{load, pool};
use cases::catalogue::Catalogue;
use serde::Serialize;

/// Figures are medians over so many rounds.
const ROUNDS: usize = 11;
/// A target is met also where the figure is so much beyond it.
const ALLOWANCE: f64 = 0.03;

/// What `cargo xtask bench` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Print `{measures: […]}`.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    measures: Vec<Measure>,
}

/// One figure and what it should be.
#[derive(Debug, Serialize)]
struct Measure {
    name: String,
    value: f64,
    unit: &'static str,
    beside: Option<Beside>,
    ratio: Option<f64>,
    target: Option<Target>,
    met: Option<bool>,
    why: String,
}

/// The same thing done by another program.
#[derive(Debug, Serialize)]
struct Beside {
    name: String,
    value: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Target {
    of: &'static str,
    op: &'static str,
    is: f64,
}

/// Measures.
pub(crate) fn bench(options: &Options) -> Outcome {
    let report = Report { measures: vec![cpu_of_a_run("reference")?, cpu_of_a_run("smoltcp")?] };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?);
    } else {
        for Measure { name, value, unit, met, .. } in &report.measures {
            let met = met.map_or("", |met| if met { "" } else { ", missed" });
            println!("{name}: {value:.1} {unit}{met}");
        }
    }
    let missed = report.measures.iter().any(|m| m.met == Some(false));
    Ok(if missed { Exit::Unexpected } else { Exit::AsExpected })
}

/// The CPU time of a run, start-up apart: all cases, one worker, the median of all runs of all rounds.
fn cpu_of_a_run(stack: &str) -> Result<Measure, String> {
    let catalogue = Catalogue::load()?;
    let suite = load(&[], &catalogue)?;
    let mut pool = pool(stack)?;
    pool.workers = 1;
    pool.greet().map_err(|reason| format!("stack {stack}: {reason}"))?;
    let mut jobs = Vec::new();
    for _ in 0..ROUNDS {
        for case in &suite.cases {
            for family in &case.families {
                let (run, case) = (jobs.len(), case.id.clone());
                jobs.push(Job { run, case, family: *family, seed: 1, twin: None, wants: Wants::default() });
            }
        }
    }
    let mut costs: Vec<u64> = pool.play(jobs, &mut |_| {}).iter().map(|answer| answer.cpu_us).collect();
    costs.sort_unstable();
    let value = costs.get(costs.len() / 2).copied().unwrap_or(0) as f64;
    let target = Target { of: "value", op: "<=", is: 200.0 };
    Ok(Measure {
        name: format!("CPU of a run on {stack}, median"),
        value,
        unit: "µs",
        beside: None,
        ratio: None,
        target: Some(target),
        met: Some(value <= target.is * (1.0 + ALLOWANCE)),
        why: format!("{} runs in {ROUNDS} rounds, one worker, start-up apart", costs.len()),
    })
}
