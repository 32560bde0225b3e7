//! Where a target's inputs and findings lie.

use super::targets::folder;
use crate::programs::root;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A target's folders, which nobody else uses as long as this lives.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) corpus: PathBuf,
    pub(super) artifacts: PathBuf,
    _lock: Flock<File>,
}

impl Folders {
    /// Makes the folders of `target` below `parent`, which is fuzz/ but for canaries.
    ///
    /// # Errors
    /// Where another campaign has them, or the disk does not take them.
    pub(super) fn claim(parent: &Path, target: &str) -> Result<Folders, String> {
        let [corpus, artifacts] = ["corpus", "artifacts"].map(|kind| parent.join(kind).join(target));
        for folder in [&corpus, &artifacts] {
            std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        // Beside the folder and not in it, where libFuzzer would read it.
        let path = parent.join("corpus").join(format!(".{target}.lock"));
        let file = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Folders { corpus, artifacts, _lock: lock }),
            Err((_, Errno::EWOULDBLOCK)) => Err(format!(
                "{}: another run of {target} uses this folder; wait for its end, or give one run more --jobs",
                corpus.display()
            )),
            Err((_, error)) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Whether what will be found can be written: libFuzzer itself says nothing where it cannot.
    ///
    /// # Errors
    /// What the system says, and what to do.
    pub(super) fn take_bytes(&self) -> Result<(), String> {
        for folder in [&self.corpus, &self.artifacts] {
            // Beside the folder, whose every file libFuzzer reads.
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let probe = folder.with_file_name(format!(".{name}.probe"));
            let written = std::fs::write(&probe, [0; 64 * 1024]);
            // Where it was not written whole it may be there all the same, and where it is not nothing is lost.
            let _ = std::fs::remove_file(&probe);
            written.map_err(|e| format!("{}: {e}; make room, findings would be lost", folder.display()))?;
        }
        Ok(())
    }
}

/// Folders of inputs to begin with, which are only read: the target's own seeds, its regressions, what `seed` made of
/// the cases, and the cases themselves for what reads them.
pub(super) fn seeds(target: &str) -> Vec<PathBuf> {
    let mut folders = vec![folder().join("seeds").join(target), folder().join("regressions").join(target)];
    folders.extend(match target {
        "language" => Some(root().join("cases")),
        "ledger" => Some(root().join("golden/ledgers")),
        "catalogue" => Some(root().join("cases/requirements")),
        _ => None,
    });
    folders.retain(|folder| folder.is_dir());
    folders
}

/// A target's dictionary, where it has one.
pub(super) fn dictionary(target: &str) -> Option<PathBuf> {
    let file = folder().join("dictionaries").join(target).with_extension("dict");
    file.is_file().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user() {
        let parent = std::env::temp_dir().join(format!("wireproof-folders-{}", std::process::id()));
        let first = Folders::claim(&parent, "udp").expect("a folder for the first one");
        assert_eq!(first.take_bytes(), Ok(()));
        let second = Folders::claim(&parent, "udp").expect_err("the folder is taken");
        assert!(second.contains("another run of udp"), "{second}");
        drop(first);
        let third = Folders::claim(&parent, "udp").expect("the folder is free");
        std::fs::remove_dir_all(parent.join("artifacts")).expect("the folder is there");
        assert!(third.take_bytes().is_err_and(|error| error.contains("artifacts")));
        std::fs::remove_dir_all(&parent).expect("the folder is there");
    }
}
