//! Reads scripts: what stands between a case's name and its tree.

use crate::suite::{Defines, Tree};
use crate::upstream;
use harness::lang::ast::Script;
use harness::lang::{self, Error, FileSystem, Loader};
use harness::sut::Family;
use std::path::{Path, PathBuf};

/// The suite as a user's own cases see it, where they include its openings.
const SUITE: &str = "wireproof/cases";

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
        FileSystem.load(&self.real(path))
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        FileSystem.list(&self.real(directory))
    }
}
