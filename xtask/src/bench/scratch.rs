//! A folder of this process alone, gone at the end.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

pub(super) struct Scratch {
    pub(super) path: PathBuf,
}

impl Scratch {
    /// A new folder that nobody else can look into.
    pub(super) fn new() -> Result<Scratch, String> {
        let path = std::env::temp_dir().join(format!("wireproof-bench-{}", std::process::id()));
        let created = std::fs::DirBuilder::new().mode(0o700).create(&path);
        created.map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Scratch { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind in a folder for temporary files harms nobody.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
