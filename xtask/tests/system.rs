//! What needs programs of others. Lists its tests only where WIREPROOF_SYSTEM=1, and there a missing program is a failure.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_asked = std::env::var("WIREPROOF_SYSTEM").is_ok_and(|value| value == "1");
    let trials = if is_asked { vec![Trial::test("captures_are_read_by_tshark", captures)] } else { vec![] };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Each capture that `--pcap` writes is one that tshark reads to its end, with the frames of both directions.
fn captures() -> Result<(), Failed> {
    let out = std::env::temp_dir().join(format!("wireproof-{}-captures", std::process::id()));
    let result = look_at_captures(&out);
    let _ = std::fs::remove_dir_all(&out);
    result
}

fn look_at_captures(out: &Path) -> Result<(), Failed> {
    let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["conformance", "arp/", "--stack", "smoltcp", "--pcap", "--out"])
        .arg(out)
        .output()?
        .status;
    if status.code() == Some(2) {
        return Err("the cases could not be played".into());
    }
    let mut captures = Vec::new();
    find(&out.join("pcap"), &mut captures)?;
    let mut frames = 0;
    for capture in &captures {
        let output = Command::new("tshark")
            .args(["-T", "fields", "-e", "frame.number", "-r"])
            .arg(capture)
            .output()
            .map_err(|e| format!("tshark cannot be started: {e}; apt-get install tshark"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{}: {said}", capture.display()).into());
        }
        frames += String::from_utf8_lossy(&output.stdout).lines().count();
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
