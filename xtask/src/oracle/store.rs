//! The kernels that were built, in the user's cache folder: `wireproof/oracle/RELEASE-CONFIGURATION/`.

use super::SERIES;
use cases::results::MadeOf;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The kernel in its folder.
pub(super) const KERNEL: &str = "linux";
/// The shim in its folder that gives the kernel its seeds.
pub(super) const SEEDS: &str = "seeds.so";
/// The record in its folder; written last, so that what has one is complete.
pub(super) const RECORD: &str = "kernel.toml";

/// What a kernel was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Major and minor number: `6.12`.
    pub(crate) series: String,
    /// The full release, as uname says it.
    pub(crate) release: String,
    /// The name of the tarball or the tree.
    pub(crate) source: String,
    /// SHA-256 of the tarball, or of the names and contents of the tree's files.
    pub(crate) source_sha256: String,
    /// The compiler's own words.
    pub(crate) compiler: String,
    /// SHA-256 of the configuration and of what else was given to the build, the first 16 digits.
    pub(crate) configuration: String,
    /// Whether the kernel knows `seccomp=on`, which is faster than ptrace.
    pub(crate) seccomp: bool,
}

impl Record {
    /// The same for results.
    pub(super) fn made_of(&self) -> MadeOf {
        let Record { source, source_sha256, compiler, configuration, .. } = self.clone();
        MadeOf { source, source_sha256, compiler, configuration }
    }
}

/// A kernel that was built.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// Where it is.
    pub(crate) folder: PathBuf,
    /// What it was made of.
    pub(crate) record: Record,
}

/// The folder of everything here: below `$XDG_CACHE_HOME`, or `~/.cache`.
pub(super) fn root() -> Result<PathBuf, String> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let cache = cache.ok_or("there is no cache folder: set HOME or XDG_CACHE_HOME to an absolute path")?;
    Ok(cache.join("wireproof").join("oracle"))
}

/// Every kernel that was built, oldest release first.
pub(super) fn kernels() -> Result<Vec<Kernel>, String> {
    let root = root()?;
    let entries = match std::fs::read_dir(&root) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(format!("{}: {e}", root.display())),
    };
    let mut kernels: Vec<Kernel> = entries.flatten().filter_map(|entry| read(&entry.path())).collect();
    kernels.sort_by_key(|k| (numbers(&k.record.release), k.folder.clone()));
    Ok(kernels)
}

/// The kernel in `folder`; none where it is not complete or was written by another version of this program.
fn read(folder: &Path) -> Option<Kernel> {
    let text = std::fs::read_to_string(folder.join(RECORD)).ok()?;
    let record = toml::from_str(&text).ok()?;
    let is_complete = folder.join(KERNEL).is_file() && folder.join(SEEDS).is_file();
    is_complete.then(|| Kernel { folder: folder.to_owned(), record })
}

/// The numbers in a release, for its order.
fn numbers(release: &str) -> Vec<u64> {
    release.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
}

/// The newest kernel of a series.
///
/// # Errors
/// Says in one line how to get one.
pub(super) fn newest(series: &str) -> Result<Kernel, String> {
    let of_series = |k: &Kernel| k.record.series == series;
    kernels()?.into_iter().rfind(of_series).ok_or_else(|| {
        let source = if series == SERIES { "" } else { " --source TARBALL-or-TREE" };
        format!("no kernel of series {series} has been built: cargo xtask oracle build{source}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_their_numbers() {
        assert!(numbers("6.12.9-oracle") < numbers("6.12.117-oracle"));
        assert!(numbers("6.12.117") < numbers("7.2.0-rc1"));
    }
}
