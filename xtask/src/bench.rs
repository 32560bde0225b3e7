//! `cargo xtask bench`: what a run costs, beside what it costs elsewhere.

mod checkout;
mod cost;
mod ends;
mod figures;
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

/// What `cargo xtask bench` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Print `{measures: […]}`.
    #[arg(long)]
    json: bool,
    /// Measure one script on the live kernel beside this packetdrill program.
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
    let mut measures: Vec<Measure> = runs::measure()?;
    measures.extend(transfer::measure()?);
    if let Some(program) = &options.packetdrill {
        measures.push(packetdrill::measure(program)?);
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
