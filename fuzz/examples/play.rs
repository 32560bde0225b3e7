//! Plays inputs on targets without libFuzzer: `play replay TARGET FILE`, `play all TARGET FOLDER…`.
//!
//! Exit statuses: 0; 1 where the input is a finding; 2 where the command is wrong; 3 where an input has no records to
//! leave out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["replay", target, file] => replay(target, Path::new(file)),
        ["all", target, folders @ ..] => all(target, folders),
        ["shrink", ..] => Ok(3),
        _ => Err("play replay TARGET FILE | play all TARGET FOLDER…".to_owned()),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::from(2)
        },
        ExitCode::from,
    )
}

fn target(name: &str) -> Result<fn(&[u8]), String> {
    let found = fuzz::TARGETS.iter().find(|(target, _)| *target == name);
    found.map(|(_, run)| *run).ok_or_else(|| format!("no target {name:?}"))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))
}

fn replay(name: &str, file: &Path) -> Result<u8, String> {
    let (run, input) = (target(name)?, read(file)?);
    println!("{name}: {} bytes of {}", input.len(), file.display());
    if std::panic::catch_unwind(|| run(&input)).is_err() {
        println!("{name}: this is a finding");
        return Ok(1);
    }
    println!("{name}: nothing was found");
    Ok(0)
}

/// Every file below the folders. All are played, and those that are findings are named.
fn all(name: &str, folders: &[&str]) -> Result<u8, String> {
    let run = target(name)?;
    let mut files = Vec::new();
    for folder in folders {
        list(Path::new(folder), &mut files)?;
    }
    let mut status = 0;
    for file in &files {
        let input = read(file)?;
        if std::panic::catch_unwind(|| run(&input)).is_err() {
            println!("{name}: {} is a finding", file.display());
            status = 1;
        }
    }
    Ok(status)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}
