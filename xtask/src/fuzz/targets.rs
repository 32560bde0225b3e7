//! What fuzz/Cargo.toml says: the targets, and the canaries with their times.

use crate::programs::{cargo, root};
use cases::nearest::advice;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The binary that plays canaries, one a process.
pub(super) const CANARY: &str = "canary";
/// The binary of empty targets and of work to compare with.
pub(super) const RATE: &str = "rate";

/// A deliberate fault, and how long a campaign may take to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Canary {
    pub(super) name: String,
    pub(super) limit: Duration,
}

/// The targets and the canaries, each in the order of their names.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) targets: Vec<String>,
    pub(super) canaries: Vec<Canary>,
}

impl Manifest {
    /// Reads fuzz/Cargo.toml through cargo.
    ///
    /// # Errors
    /// What cargo says of it.
    pub(super) fn load() -> Result<Manifest, String> {
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path", "fuzz/Cargo.toml"]);
        let output = command.output().map_err(|e| format!("cargo cannot be started: {e}"))?;
        if !output.status.success() {
            return Err(format!("fuzz/Cargo.toml: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
        Ok(Manifest::read(&metadata["packages"][0]))
    }

    fn read(package: &Value) -> Manifest {
        let binaries = package["targets"].as_array().into_iter().flatten();
        let is_binary = |t: &&Value| t["kind"].as_array().is_some_and(|k| k.iter().any(|kind| kind == "bin"));
        let names = binaries.filter(is_binary).filter_map(|t| t["name"].as_str());
        let mut targets: Vec<String> =
            names.filter(|name| ![CANARY, RATE].contains(name)).map(str::to_owned).collect();
        targets.sort();
        let canaries = package["metadata"]["canaries"].as_object().into_iter().flatten();
        let canary = |(name, seconds): (&String, &Value)| {
            let limit = Duration::from_secs(seconds.as_u64().unwrap_or(0));
            Canary { name: name.clone(), limit }
        };
        let mut canaries: Vec<Canary> = canaries.map(canary).collect();
        canaries.sort_by(|a, b| a.name.cmp(&b.name));
        Manifest { targets, canaries }
    }

    /// The target called `name`.
    ///
    /// # Errors
    /// Where there is none, with the nearest one.
    pub(super) fn target(&self, name: &str) -> Result<&str, String> {
        let found = self.targets.iter().find(|target| *target == name);
        found.map(String::as_str).ok_or_else(|| {
            format!("no fuzz target {name:?}; {}", advice(name, self.targets.iter().map(String::as_str)))
        })
    }

    /// The target that `file` is an input of: the folder it lies in has its name.
    ///
    /// # Errors
    /// Where no folder above it is called like a target.
    pub(super) fn target_of(&self, file: &Path) -> Result<&str, String> {
        let whole = file.canonicalize().map_err(|e| format!("{}: {e}", file.display()))?;
        let folders = whole.ancestors().skip(1).filter_map(|folder| folder.file_name()?.to_str());
        let mut targets = folders.filter_map(|name| self.targets.iter().find(|target| *target == name));
        targets.next().map(String::as_str).ok_or_else(|| {
            format!("{}: no folder above it is called like a target; say it with --target", file.display())
        })
    }
}

/// Where the fuzzers live.
pub(super) fn folder() -> PathBuf {
    root().join("fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_are_binaries_and_canaries_have_times() {
        let package = json!({
            "targets": [
                {"kind": ["lib"], "name": "fuzz"}, {"kind": ["bin"], "name": "udp"},
                {"kind": ["bin"], "name": "arp"}, {"kind": ["bin"], "name": "canary"},
                {"kind": ["example"], "name": "play"},
            ],
            "metadata": {"cargo-fuzz": true, "canaries": {"b": 20, "a": 10}},
        });
        let manifest = Manifest::read(&package);
        assert_eq!(manifest.targets, ["arp", "udp"]);
        let names: Vec<(&str, u64)> =
            manifest.canaries.iter().map(|c| (c.name.as_str(), c.limit.as_secs())).collect();
        assert_eq!(names, [("a", 10), ("b", 20)]);
        assert_eq!(manifest.target("udp"), Ok("udp"));
        assert!(manifest.target("upd").is_err_and(|error| error.contains("udp")));
        assert!(manifest.target_of(Path::new("/")).is_err());
    }
}
