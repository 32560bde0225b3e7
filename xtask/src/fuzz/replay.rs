//! One input again: as it is, or smaller.

use super::build::Build;
use super::folders::seeds;
use super::targets::{Manifest, folder};
use crate::exit::{Exit, Outcome};
use crate::programs::run;
use std::path::PathBuf;
use std::process::Command;

/// What `cargo xtask fuzz replay` and `minimise` take.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// The input: a finding, a member of a corpus.
    file: PathBuf,
    /// The target, where no folder above the file is called like it.
    #[arg(long)]
    target: Option<String>,
}

impl Options {
    fn target<'a>(&self, manifest: &'a Manifest) -> Result<&'a str, String> {
        if !self.file.is_file() {
            return Err(format!("{}: there is no such file", self.file.display()));
        }
        match &self.target {
            Some(name) => manifest.target(name),
            None => manifest.target_of(&self.file),
        }
    }
}

/// Plays the input, and says whether it is still a finding.
pub(super) fn replay(options: &Options) -> Outcome {
    let manifest = Manifest::load()?;
    let target = options.target(&manifest)?;
    let mut command = Command::new(super::play()?);
    command.args(["replay", target]).arg(&options.file);
    Ok(if run(&mut command)? { Exit::AsExpected } else { Exit::Unexpected })
}

/// Writes a smaller input beside the file: records are left out one by one, bytes are what libFuzzer leaves out.
pub(super) fn minimise(options: &Options) -> Outcome {
    let manifest = Manifest::load()?;
    let target = options.target(&manifest)?;
    let mut name = options.file.file_name().unwrap_or_default().to_owned();
    name.push(".min");
    let smaller = options.file.with_file_name(name);
    let mut by_records = Command::new(super::play()?);
    by_records.args(["shrink", target]).arg(&options.file).arg(&smaller);
    let shrunk = by_records.status().map_err(|e| format!("play cannot be started: {e}"))?;
    match shrunk.code() {
        Some(0) => {}
        Some(3) => by_bytes(target, options, &smaller)?,
        _ => return Ok(Exit::Broken),
    }
    println!("{}", super::replay(&smaller));
    Ok(Exit::AsExpected)
}

/// Says which transitions the corpora of state machines reach, and which they never saw.
pub(super) fn transitions(machines: &[&str]) -> Result<(), String> {
    if machines.is_empty() {
        return Ok(());
    }
    let play = super::play()?;
    for target in machines {
        let mut command = Command::new(&play);
        command.args(["transitions", target]).args(seeds(target)).arg(folder().join("corpus").join(target));
        if !run(&mut command)? {
            return Err(format!("the transitions of {target} cannot be told"));
        }
    }
    Ok(())
}

/// Says how much of the corpus of `differential` each class of known differences absorbs: one that absorbs most hides most.
pub(super) fn classes() -> Result<(), String> {
    let target = "differential";
    let mut command = Command::new(super::play()?);
    command.arg("classes").args(seeds(target)).arg(folder().join("corpus").join(target));
    match run(&mut command)? {
        true => Ok(()),
        false => Err(format!("what the classes of {target} absorb cannot be told")),
    }
}

/// Turns the cases into seeds.
pub(super) fn seed() -> Outcome {
    let mut command = Command::new(super::play()?);
    command.arg("seed").arg(folder().join("corpus"));
    Ok(if run(&mut command)? { Exit::AsExpected } else { Exit::Broken })
}

fn by_bytes(target: &str, options: &Options, smaller: &std::path::Path) -> Result<(), String> {
    let program = Build::Guided.make(&[target])?.join(target);
    let mut command = Command::new(program);
    command.args(["-minimize_crash=1", "-max_total_time=60"]);
    command.arg(format!("-exact_artifact_path={}", smaller.display())).arg(&options.file);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.status().map_err(|e| format!("{target} cannot be started: {e}"))?;
    if smaller.is_file() {
        return Ok(());
    }
    Err(format!("{}: nothing smaller is still a finding, or the file is none", options.file.display()))
}
