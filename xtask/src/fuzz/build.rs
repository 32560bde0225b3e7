//! Building the fuzzers on stable Rust, without cargo-fuzz.

use super::targets::folder;
use crate::programs::{cargo, require, root, run};
use std::path::PathBuf;
use std::process::Command;

/// What makes rustc instrument for libFuzzer, on stable: the passes that cargo-fuzz asks for.
const GUIDED: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Cdebug-assertions -Ccodegen-units=1";

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// Binaries for libFuzzer.
    Guided,
    /// The same with AddressSanitizer, which is not stable: rustc is told to take it all the same.
    Asan,
    /// The example `play` alone, which needs no C++ compiler.
    Plain,
    /// The same, counting the lines that are executed.
    Lines,
    /// The same as release builds are: without the checks for overflows and the assertions that fuzzing keeps.
    Optimised,
}

impl Build {
    fn flags(self) -> Option<String> {
        match self {
            Build::Guided => Some(GUIDED.to_owned()),
            Build::Asan => Some(format!("{GUIDED} -Zsanitizer=address")),
            Build::Plain | Build::Optimised => None,
            Build::Lines => Some("--cfg fuzzing -Cinstrument-coverage -Cdebug-assertions".to_owned()),
        }
    }

    /// Where files of this build live, apart from those of others: the flags are part of what cargo remembers.
    fn target_dir(self) -> PathBuf {
        let own = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        own.join(match self {
            Build::Guided => "fuzz",
            Build::Asan => "fuzz-asan",
            Build::Plain => "fuzz-plain",
            Build::Lines => "fuzz-lines",
            Build::Optimised => "fuzz-optimised",
        })
    }

    /// Builds `binaries` (none for the example) and gives the folder that they are in.
    ///
    /// # Errors
    /// A missing compiler with its package, or that the build failed, whose reasons cargo has shown.
    pub(super) fn make(self, binaries: &[&str]) -> Result<PathBuf, String> {
        let has_libfuzzer = matches!(self, Build::Guided | Build::Asan);
        if has_libfuzzer && std::env::var_os("CXX").is_none() {
            require(&[("c++", "g++")]).map_err(|e| format!("libFuzzer needs a C++ compiler: {e}"))?;
        }
        let host = host()?;
        let target_dir = self.target_dir();
        let mut command = cargo();
        command.args(["build", "--quiet", "--release", "--manifest-path"]).arg(folder().join("Cargo.toml"));
        // It must be named, or build scripts are instrumented, too.
        command.args(["--target", &host]).arg("--target-dir").arg(&target_dir);
        if let Some(flags) = self.flags() {
            command.env("RUSTFLAGS", flags);
        }
        if self == Build::Optimised {
            command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false");
            command.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false");
        }
        if self == Build::Asan {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        match has_libfuzzer {
            true => command.args(binaries.iter().flat_map(|binary| ["--bin", *binary])),
            false => command.args(["--no-default-features", "--example", "play"]),
        };
        if !run(&mut command)? {
            return Err("the fuzzers do not build".to_owned());
        }
        let built = target_dir.join(host).join("release");
        Ok(if has_libfuzzer { built } else { built.join("examples") })
    }
}

/// This machine's target.
fn host() -> Result<String, String> {
    let output =
        Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}
