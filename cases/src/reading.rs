//! Reads scripts: what stands between a case's name and its tree.

use crate::suite::{Defines, Tree};
use crate::upstream;
use harness::lang::ast::Script;
use harness::lang::{self, Error, FileSystem, Loader};
use harness::sut::Family;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The suite as a user's own cases see it, where they include its openings.
const SUITE: &str = "wireproof/cases";
/// The folder of the suite's openings.
const GIVEN: &str = "given";

/// Parses the text of the script at `path` in `tree`; `defines` replace symbols in upstream scripts, beyond those that
/// their runners define in `family`.
///
/// # Errors
/// Says what is no script, with file, line and column.
pub fn parse(
    tree: &Tree,
    path: &Path,
    text: &str,
    family: Family,
    defines: &Defines,
) -> Result<Script, Error> {
    let suite = if tree.is_suite { tree.shown.clone() } else { PathBuf::from(SUITE) };
    let mut all = upstream::defines(family);
    all.extend(defines.iter().map(|(name, value)| (name.clone(), value.clone())));
    let options = lang::Options { defines: all, loader: &TreeLoader { tree }, suite: Some(suite) };
    lang::parse(&tree.shown(path), text.to_owned(), &options)
}

/// Reads files by the paths that errors show, which are the same on every machine.
struct TreeLoader<'a> {
    tree: &'a Tree,
}

impl TreeLoader<'_> {
    fn real(&self, shown: &Path) -> PathBuf {
        let below = |root: &Path, real: &Path| shown.strip_prefix(root).ok().map(|below| real.join(below));
        below(Path::new(SUITE), crate::root())
            .or_else(|| below(&self.tree.shown, &self.tree.root))
            .unwrap_or_else(|| shown.to_owned())
    }
}

impl Loader for TreeLoader<'_> {
    fn load(&self, path: &Path) -> Result<String, String> {
        static OPENINGS: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
        let path = self.real(path);
        let is_opening = |root: &Path| path.starts_with(root.join(GIVEN));
        if !is_opening(&self.tree.root) && !is_opening(crate::root()) {
            return FileSystem.load(&path);
        }
        // Most cases begin with one of a few: each is read once.
        let mut openings = OPENINGS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = openings.get(&path) {
            return Ok(text.clone());
        }
        let text = FileSystem.load(&path)?;
        openings.insert(path, text.clone());
        Ok(text)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        FileSystem.list(&self.real(directory))
    }
}
