//! `cargo xtask bench`: what a run costs, beside what it costs elsewhere.

mod checkout;
mod cost;
mod ends;
mod figures;
mod forwarding;
mod fuzzers;
mod headers;
mod idle;
mod oracle;
mod packetdrill;
mod runs;
mod scratch;
mod transfer;

use crate::exit::{Exit, Outcome};
use crate::programs::{cargo, root};
use figures::{Measure, Report};
use std::path::PathBuf;

/// Figures are medians over so many rounds, in which what is compared takes turns.
const ROUNDS: usize = 11;

/// A part of the measures.
struct Part {
    name: &'static str,
    /// Measured where no part is named: what needs nothing that has to be installed or built first.
    by_default: bool,
    measure: fn() -> Result<Vec<Measure>, String>,
}

/// The parts in the order in which they are measured.
const PARTS: &[Part] = &[
    Part { name: "runs", by_default: true, measure: runs::measure },
    Part { name: "tcp", by_default: true, measure: transfer::measure },
    Part { name: "headers", by_default: true, measure: headers::measure },
    Part { name: "forwarding", by_default: true, measure: forwarding::measure },
    Part { name: "idle", by_default: true, measure: idle::measure },
    Part { name: "oracle", by_default: false, measure: oracle::measure },
    Part { name: "fuzz", by_default: false, measure: fuzzers::measure },
];

/// What `cargo xtask bench` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Measure these parts alone: runs (a run of the suite), tcp (the reference stack's), headers (parse and emit), forwarding
    /// (with few and many routes, and a flood of fragments), idle (connections that nothing happens on), oracle (a run in a
    /// kernel in virtual time, which must have been built), fuzz (an input of the fuzzers, which are built for it: needs a C++
    /// compiler). Without any: all but oracle and fuzz.
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// Print `{measures: […]}`.
    #[arg(long)]
    json: bool,
    /// Measure one script on the live kernel beside this packetdrill program; with the part oracle all scripts of the folder
    /// `tcp` beside the program's own, which takes packetdrill some minutes.
    #[arg(long, value_name = "PATH")]
    packetdrill: Option<PathBuf>,
    /// Measure how long it takes from a clean clone to the first verdict, which builds everything once more.
    #[arg(long)]
    clone: bool,
}

/// Measures.
pub(crate) fn bench(options: &Options) -> Outcome {
    if cfg!(debug_assertions) {
        eprintln!("this build is not optimised: the measures are taken by `cargo run --release`");
        return optimised();
    }
    let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
    if let Some(unknown) = options.parts.iter().find(|part| !names.contains(&part.as_str())) {
        return Err(format!("there is no part '{unknown}' to measure; there are {}", names.join(", ")));
    }
    let mut measures: Vec<Measure> = Vec::new();
    let is_asked = |part: &&Part| match options.parts.as_slice() {
        [] => part.by_default,
        parts => parts.iter().any(|name| name == part.name),
    };
    for part in PARTS.iter().filter(is_asked) {
        measures.extend((part.measure)()?);
    }
    if let Some(program) = &options.packetdrill {
        let is_oracle = options.parts.iter().any(|part| part == "oracle");
        measures.push(if is_oracle { oracle::beside(program)? } else { packetdrill::measure(program)? });
    }
    if options.clone {
        measures.push(checkout::measure()?);
    }
    let report = Report { measures };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?);
    } else {
        report.measures.iter().for_each(|measure| println!("{measure}"));
    }
    let missed = report.measures.iter().any(|m| m.met == Some(false));
    Ok(if missed { Exit::Unexpected } else { Exit::AsExpected })
}

/// Runs this command in a release build.
fn optimised() -> Outcome {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--manifest-path"]).arg(root().join("Cargo.toml"));
    command.args(["--package", "xtask", "--"]);
    command.args(std::env::args_os().skip(1));
    // Paths on the command line count from here.
    command.current_dir(std::env::current_dir().map_err(|e| format!("the current folder is unknown: {e}"))?);
    let status = command.status().map_err(|e| format!("cargo cannot be started: {e}"))?;
    Ok(match status.code() {
        Some(0) => Exit::AsExpected,
        Some(1) => Exit::Unexpected,
        _ => Exit::Broken,
    })
}
