//! From a clean clone to the first verdict.

use super::figures::Measure;
use super::scratch::Scratch;
use crate::programs::{cargo, require, root, run};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Seconds, on as many processors as [`PROCESSORS`].
const MOST: f64 = 180.0;
const PROCESSORS: &str = "2";

/// Clones what is committed here and plays the first cases, with nothing built before.
pub(super) fn measure() -> Result<Measure, String> {
    require(&[("git", "git")])?;
    let scratch = Scratch::new()?;
    let (clone, target) = (scratch.path.join("clone"), scratch.path.join("target"));
    eprintln!("cloning and building, which takes some minutes");
    let start = Instant::now();
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--no-hardlinks"]).arg(root()).arg(&clone);
    if !run(&mut git)? {
        return Err("git clone failed".to_owned());
    }
    let mut play = cargo();
    play.current_dir(&clone).args(["xtask", "conformance", "arp", "--stack", "reference"]);
    play.env("CARGO_TARGET_DIR", &target).env("CARGO_BUILD_JOBS", PROCESSORS).stdout(Stdio::null());
    if !run(&mut play)? {
        return Err("the clone's first conformance run failed".to_owned());
    }
    let why = format!(
        "git clone of HEAD, cargo xtask conformance arp --stack reference with {PROCESSORS} build jobs, wall time"
    );
    let seconds = start.elapsed().as_secs_f64();
    Ok(Measure::value("From a clean clone to the first verdict", "s", seconds, MOST, why))
}
