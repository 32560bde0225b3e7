//! What needs programs of others. Lists its tests only where WIREPROOF_SYSTEM=1, and there a missing program is a failure.

#[path = "system/fuzz.rs"]
mod fuzz;
#[path = "system/lab.rs"]
mod lab;
#[path = "system/tap.rs"]
mod tap;
#[path = "system/witness.rs"]
mod witness;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_asked = std::env::var("WIREPROOF_SYSTEM").is_ok_and(|value| value == "1");
    let trials = match is_asked {
        true => tap::trials()
            .chain(lab::trials())
            .chain([
                Trial::test("captures_are_read_by_tshark", captures),
                Trial::test("tshark_finds_nothing_wrong_in_what_reference_sends", witness::look),
                Trial::test("fuzz_says_what_goes_wrong", fuzz::wrong),
                Trial::test("fuzz_is_built_by_the_script_of_oss_fuzz", fuzz::build_script),
            ])
            .collect(),
        false => vec![],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A folder that goes when it is no longer needed.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(name: &str) -> std::io::Result<Scratch> {
        let path = std::env::temp_dir().join(format!("wireproof-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Scratch { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.path);
    }
}

/// What a program wrote to its standard output.
fn said(output: std::io::Result<Output>, program: &str, package: &str) -> Result<String, Failed> {
    let output =
        output.map_err(|e| format!("{program} cannot be started: {e}; apt-get install {package}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Each capture that `--pcap` writes is one that tshark reads to its end, with the frames of both directions.
fn captures() -> Result<(), Failed> {
    let scratch = Scratch::new("captures")?;
    let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["conformance", "arp/", "--stack", "smoltcp", "--pcap", "--out"])
        .arg(&scratch.path)
        .output()?
        .status;
    if status.code() == Some(2) {
        return Err("the cases could not be played".into());
    }
    let mut captures = Vec::new();
    find(&scratch.path.join("pcap"), &mut captures)?;
    let mut frames = 0;
    for capture in &captures {
        let mut command = Command::new("tshark");
        let output = command.args(["-T", "fields", "-e", "frame.number", "-r"]).arg(capture).output();
        let lines = said(output, "tshark", "tshark").map_err(|e| format!("{}: {e:?}", capture.display()))?;
        frames += lines.lines().count();
    }
    if captures.is_empty() || frames < captures.len() {
        return Err(format!("{frames} frames in {} captures", captures.len()).into());
    }
    Ok(())
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
