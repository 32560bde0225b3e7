//! A Linux kernel in virtual time: building it, finding it, and playing runs inside it.
//!
//! `linux-6.12` names the newest kernel of that series that was built. A worker for it boots a guest for each batch of runs,
//! whose only program is this one ([`guest`]); jobs go in and answers come out through files of the host.

mod build;
mod folder;
pub(crate) mod guest;
pub(crate) mod host;
mod repeat;
mod source;
mod store;

use crate::exit::{Exit, Outcome};
use crate::results::StackInfo;
use std::path::PathBuf;

/// The series that is built where nothing is said.
pub(crate) const SERIES: &str = "6.12";

/// How many runs one guest plays: its boot costs as much as a few dozen runs. Batches are cut by the runs' numbers alone,
/// so that a run has the same runs before it each time.
const BATCH: usize = 256;

/// What `cargo xtask oracle` takes.
#[derive(clap::Subcommand, Clone, Debug)]
pub(crate) enum Options {
    /// Build a kernel that runs in virtual time, from a source tree or tarball.
    Build {
        /// A kernel's source, 6.1 or newer; Debian's package linux-source-6.12 where none is named.
        #[arg(long, value_name = "TARBALL-OR-TREE")]
        source: Option<PathBuf>,
    },
    /// List the kernels that were built.
    Status,
    /// Play the same cases again and again, and say whether each leaves the same trace each time.
    Repeat(repeat::Options),
}

/// Builds, lists or repeats.
pub(crate) fn oracle(options: &Options) -> Outcome {
    match options {
        Options::Build { source } => build::build(source.as_deref()),
        Options::Status => status(),
        Options::Repeat(options) => repeat::repeat(options),
    }
}

fn status() -> Outcome {
    let kernels = store::kernels()?;
    if kernels.is_empty() {
        println!("no kernel has been built: cargo xtask oracle build");
    }
    let current = build::configuration()?;
    for kernel in kernels {
        let record = &kernel.record;
        println!("linux-{}  {}", record.series, kernel.folder.display());
        println!("  release        {}", record.release);
        println!("  source         {} (SHA-256 {})", record.source, record.source_sha256);
        println!("  compiler       {}", record.compiler);
        let is_stale = record.configuration != current;
        let stale =
            if is_stale { " (stale: this program builds another; cargo xtask oracle build)" } else { "" };
        println!("  configuration  {}{stale}", record.configuration);
    }
    Ok(Exit::AsExpected)
}

/// The series of the kernel that `stack` names, where it names one.
pub(crate) fn series(stack: &str) -> Option<&str> {
    let series = stack.strip_prefix("linux-")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (major, minor) = series.split_once('.')?;
    (is_number(major) && is_number(minor)).then_some(series)
}

/// What to say where a stack's kernel is not what this program would build.
pub(crate) fn stale(info: &StackInfo) -> Option<String> {
    let kernel = info.made_of.as_ref()?;
    let is_stale = build::configuration().is_ok_and(|current| current != kernel.configuration);
    let name = &info.name;
    is_stale
        .then(|| format!("{name}: its kernel was built with another configuration: cargo xtask oracle build"))
}

/// How many runs a worker for `stack` takes before it begins to play them; none where it plays each as it comes.
pub(crate) fn batch(stack: &str) -> Option<usize> {
    series(stack).map(|_| BATCH)
}

/// Removes what the guest of a worker has left that was killed.
pub(crate) fn clean_after(pid: u32) {
    folder::clean_after(pid);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_major_and_a_minor_number() {
        for (stack, expected) in [
            ("linux-6.12", Some("6.12")),
            ("linux-7.2", Some("7.2")),
            ("linux", None),
            ("linux-6", None),
            ("linux-6.12.3", None),
            ("linux-6.", None),
        ] {
            assert_eq!(series(stack), expected, "{stack}");
        }
    }
}
