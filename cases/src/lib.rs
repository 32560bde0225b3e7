//! Finds the cases, the requirement catalogue and the ledgers, and says what each run is expected to end with.

pub mod catalogue;
pub mod classes;
pub mod coverage;
pub mod expectation;
pub mod ledger;
pub mod nearest;
pub mod reading;
pub mod results;
pub mod stacks;
pub mod suite;
pub mod upstream;
pub mod version;

use std::path::{Path, PathBuf};

/// The folder of this crate, where the cases and the catalogue are.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The workspace's `golden/`, where snapshots and ledgers are.
pub fn golden() -> PathBuf {
    root().with_file_name("golden")
}
