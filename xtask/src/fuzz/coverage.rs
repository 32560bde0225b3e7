//! Which lines of `stack` the targets reach, from rustc's own counters.

use super::build::Build;
use super::folders::seeds;
use super::targets::{Manifest, folder};
use crate::exit::{Exit, Outcome};
use crate::programs::{find, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest LLVM that reads what rustc writes, and the newest that is looked for by its number.
const VERSIONS: std::ops::RangeInclusive<u32> = 19..=30;

/// A part of the sources, the targets that are to reach it, and how much of its lines, in percent.
struct Part {
    below: &'static str,
    targets: fn(&str) -> bool,
    least: f64,
}

const PARTS: &[Part] = &[
    Part { below: "stack/src/wire/", targets: is_parser, least: 98.0 },
    Part { below: "stack/src/tcp/", targets: |name| name.starts_with("tcp_machine"), least: 92.0 },
];

fn is_parser(name: &str) -> bool {
    !["host", "differential"].contains(&name) && !name.contains("machine")
}

/// What `cargo xtask fuzz coverage` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Name every file, and the lines that were not reached.
    #[arg(long)]
    lines: bool,
}

/// Plays seeds and corpora of every target, and prints the lines reached per part of the sources.
pub(super) fn coverage(options: &Options) -> Outcome {
    let tools = Tools::find()?;
    let manifest = Manifest::load()?;
    let play = Build::Lines.make(&[])?.join("play");
    let scratch = folder().join("coverage");
    std::fs::create_dir_all(&scratch).map_err(|e| format!("{}: {e}", scratch.display()))?;
    let mut exit = Exit::AsExpected;
    for part in PARTS {
        let targets: Vec<&String> = manifest.targets.iter().filter(|t| (part.targets)(t)).collect();
        if targets.is_empty() {
            continue;
        }
        let mut profiles = Vec::new();
        for target in targets {
            let profile = scratch.join(target).with_extension("profraw");
            play_inputs(&play, target, &profile)?;
            profiles.push(profile);
        }
        let merged = scratch.join("merged.profdata");
        tools.merge(&profiles, &merged)?;
        let files = tools.files(&play, &merged, part.below)?;
        let (reached, all) = files.iter().fold((0, 0), |(r, a), file| (r + file.reached, a + file.all));
        let share = 100.0 * reached as f64 / f64::from(all.max(1));
        let met = if share >= part.least { "met" } else { "missed" };
        println!("{}: {share:.1} % of {all} lines (target >= {}: {met})", part.below, part.least);
        if options.lines {
            files.iter().for_each(File::print);
        }
        if share < part.least {
            exit = Exit::Unexpected;
        }
    }
    Ok(exit)
}

/// Seeds, regressions and the corpus of a target, in one process that counts.
fn play_inputs(play: &Path, target: &str, profile: &Path) -> Result<(), String> {
    let mut folders = seeds(target);
    folders.push(folder().join("corpus").join(target));
    folders.retain(|folder| folder.is_dir());
    let mut command = Command::new(play);
    command.env("LLVM_PROFILE_FILE", profile).args(["all", target]).args(folders);
    let status = command.status().map_err(|e| format!("play cannot be started: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{target}: an input of its corpus is a finding")) }
}

/// The lines of a file that have code, and those that were executed.
#[derive(Debug)]
struct File {
    name: String,
    reached: u32,
    all: u32,
    missing: Vec<u64>,
}

impl File {
    fn print(&self) {
        let missing: Vec<String> = self.missing.iter().map(u64::to_string).collect();
        println!("  {:<32} {:>4} of {:>4}  {}", self.name, self.reached, self.all, missing.join(" "));
    }
}

/// llvm-profdata and llvm-cov of one version.
struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    /// Those of the toolchain, or of the system where it has a version that reads what rustc writes.
    fn find() -> Result<Tools, String> {
        let output = Command::new("rustc").args(["--print", "target-libdir"]).output();
        let library = output.map_err(|e| format!("rustc cannot be started: {e}"))?.stdout;
        let library = PathBuf::from(String::from_utf8_lossy(&library).trim());
        let own = library.with_file_name("bin");
        let mut candidates = vec![(own.join("llvm-profdata"), own.join("llvm-cov"))];
        for version in VERSIONS.rev() {
            let on_path = |name: &str| find(&format!("{name}-{version}"));
            candidates.extend(on_path("llvm-profdata").zip(on_path("llvm-cov")));
        }
        let tools = candidates.into_iter().find(|(profdata, cov)| profdata.is_file() && cov.is_file());
        let (profdata, cov) = tools.ok_or_else(|| {
            format!(
                "llvm-profdata and llvm-cov are missing, or older than {}: rustup component add llvm-tools, or \
                 apt-get install llvm-{0}",
                VERSIONS.start()
            )
        })?;
        Ok(Tools { profdata, cov })
    }

    fn merge(&self, profiles: &[PathBuf], into: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.profdata);
        command.args(["merge", "--sparse"]).args(profiles).arg("-o").arg(into);
        output(&mut command).map(|_| ())
    }

    /// The files below a folder of the workspace.
    fn files(&self, program: &Path, profile: &Path, below: &str) -> Result<Vec<File>, String> {
        let mut command = Command::new(&self.cov);
        command.args(["export", "--format=text", "--skip-expansions", "--skip-functions"]);
        command.arg(format!("--instr-profile={}", profile.display())).arg(program).arg(root().join(below));
        let text = output(&mut command)?;
        let export: Value = serde_json::from_slice(&text).map_err(|e| format!("llvm-cov: {e}"))?;
        let files = export["data"][0]["files"].as_array().into_iter().flatten();
        Ok(files.filter_map(|file| read(file, below)).collect())
    }
}

/// A file of llvm-cov's export.
fn read(file: &Value, below: &str) -> Option<File> {
    let name = file["filename"].as_str()?.split_once(below)?.1.to_owned();
    let lines = &file["summary"]["lines"];
    let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    let (reached, all) = (number(&lines["covered"])?, number(&lines["count"])?);
    // A segment: line, column, count, whether it counts, whether it begins a region, whether it is a gap.
    let segments = file["segments"].as_array().into_iter().flatten();
    let unreached = segments.filter(|s| s[2] == 0 && s[3] == true && s[4] == true);
    let mut missing: Vec<u64> = unreached.filter_map(|s| s[0].as_u64()).collect();
    missing.dedup();
    Some(File { name, reached, all, missing })
}

fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::piped()).output().map_err(|e| format!("{name} cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_of_the_export() {
        let file = json!({
            "filename": "/any/where/stack/src/wire/udp.rs",
            "segments": [[3, 1, 5, true, true, false], [9, 1, 0, true, true, false], [10, 1, 0, false, false, true]],
            "summary": {"lines": {"count": 20, "covered": 19}},
        });
        let read = read(&file, "stack/src/wire/").expect("a file");
        assert_eq!((read.name.as_str(), read.reached, read.all, read.missing), ("udp.rs", 19, 20, vec![9]));
        assert!(super::read(&file, "stack/src/tcp/").is_none());
        assert!(super::read(&json!({}), "").is_none());
    }
}
