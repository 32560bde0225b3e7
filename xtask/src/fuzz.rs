//! `cargo xtask fuzz`: libFuzzer targets on stable Rust, without cargo-fuzz.

use crate::exit::{Exit, Outcome};
use crate::programs::{cargo, require, root, run};
use cases::nearest::advice;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What makes rustc instrument for libFuzzer, on stable.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Cdebug-assertions -Ccodegen-units=1";

/// What `cargo xtask fuzz` takes.
#[derive(clap::Subcommand, Clone, Debug)]
pub(crate) enum Options {
    /// Print the names of the targets, one a line.
    List,
    /// Fuzz one target; needs a C++ compiler.
    Run {
        /// Its name.
        target: String,
        /// For how long: 30s, 5m, 2h.
        #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = time)]
        time: Duration,
        /// What the mutations are drawn from; by chance where it is not given.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        seed: Option<u32>,
    },
}

pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let advice = || "a number with s, m or h: 30s, 5m, 2h".to_owned();
    let unit = text.chars().last().ok_or_else(advice)?;
    let (number, factor) = match unit {
        's' => (&text[..text.len() - 1], 1),
        'm' => (&text[..text.len() - 1], 60),
        'h' => (&text[..text.len() - 1], 3600),
        '0'..='9' => (text, 1),
        _ => return Err(advice()),
    };
    let seconds = number.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(advice)?;
    Ok(Duration::from_secs(u64::from(seconds) * factor))
}

/// Lists targets, or runs one.
pub(crate) fn fuzz(options: &Options) -> Outcome {
    match options {
        Options::List => {
            for target in targets()? {
                println!("{target}");
            }
            Ok(Exit::AsExpected)
        }
        Options::Run { target, time, seed } => run_target(target, *time, *seed),
    }
}

/// The names of the targets, sorted.
pub(crate) fn targets() -> Result<Vec<String>, String> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path", "fuzz/Cargo.toml"]);
    let output = command.output().map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(format!("fuzz/Cargo.toml: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    let targets = metadata["packages"].as_array().into_iter().flatten();
    let targets = targets.filter_map(|p| p["targets"].as_array()).flatten();
    let is_binary = |t: &&Value| t["kind"].as_array().is_some_and(|k| k.iter().any(|kind| kind == "bin"));
    let names = targets.filter(is_binary).filter_map(|t| t["name"].as_str());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

fn run_target(target: &str, time: Duration, seed: Option<u32>) -> Outcome {
    let known = targets()?;
    if !known.iter().any(|name| name == target) {
        let near = advice(target, known.iter().map(String::as_str));
        return Err(format!("no fuzz target {target:?}; {near}"));
    }
    require(&[("c++", "g++")]).map_err(|e| format!("libFuzzer needs a C++ compiler: {e}"))?;
    let fuzz = root().join("fuzz");
    let folders = [fuzz.join("corpus").join(target), fuzz.join("artifacts").join(target)];
    for folder in &folders {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let dictionary = fuzz.join("dictionaries").join(target).with_extension("dict");
    let mut command = cargo();
    command.env("RUSTFLAGS", FLAGS);
    command.args(["run", "--quiet", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &host()?]);
    // Elsewhere than the commands' own files, which were built without instrumentation.
    command.arg("--target-dir").arg(fuzz_target_dir());
    command.args(["--bin", target, "--"]);
    command.arg(format!("-max_total_time={}", time.as_secs()));
    if let Some(seed) = seed {
        command.arg(format!("-seed={seed}"));
    }
    command.arg(format!("-artifact_prefix={}/", folders[1].display()));
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command.arg(&folders[0]);
    command.args(seeds(target).iter().filter(|folder| folder.is_dir()));
    Ok(if run(&mut command)? { Exit::AsExpected } else { Exit::Unexpected })
}

/// Folders of inputs to begin with, which libFuzzer only reads: the target's own, and every case for the language.
fn seeds(target: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join("fuzz/seeds").join(target)];
    if target == "language" {
        folders.push(root().join("cases"));
    }
    folders
}

fn fuzz_target_dir() -> PathBuf {
    let own = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    own.join("fuzz")
}

/// This machine's target. It must be named, or build scripts are instrumented too.
fn host() -> Result<String, String> {
    let output =
        Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times() {
        for (text, seconds) in [("30s", Some(30)), ("5m", Some(300)), ("2h", Some(7200)), ("7", Some(7))] {
            assert_eq!(time(text).ok().map(|t| t.as_secs()), seconds, "{text}");
        }
        for bad in ["", "s", "0s", "-1s", "1d", "é", "99999999999s"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
