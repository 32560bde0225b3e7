//! Looks for `*.pkt` and for tables of cases below a tree's root.

use super::{CaseFile, Tree, table};
use std::path::{Component, Path, PathBuf};

/// Deeper folders are a loop or a mistake.
const DEEPEST: usize = 32;
/// Openings, which cases include.
const GIVEN: &str = "given";

pub(super) fn files(tree: &Tree) -> Result<Vec<CaseFile>, String> {
    let mut found = Vec::new();
    walk(tree, &tree.root, 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(tree: &Tree, folder: &Path, depth: usize, found: &mut Vec<CaseFile>) -> Result<(), String> {
    let shown = tree.shown(folder);
    let problem = |e: std::io::Error| format!("{}: cannot be read: {e}", shown.display());
    if depth > DEEPEST {
        return Err(format!("{}: more than {DEEPEST} folders deep", shown.display()));
    }
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let path = entry.path();
        // A link to a folder is not followed: it may lead back.
        let is_folder = entry.file_type().map_err(problem)?.is_dir();
        let name = entry.file_name();
        if is_folder && name != GIVEN && !name.as_encoded_bytes().starts_with(b".") {
            walk(tree, &path, depth + 1, found)?;
        } else if path.extension().is_some_and(|e| e == "pkt") && !is_folder {
            found.push(CaseFile { id: id(tree, &path)?, path });
        } else if name.to_str().is_some_and(|n| n.ends_with(table::EXTENSION)) && !is_folder {
            cells(tree, &path, found)?;
        }
    }
    Ok(())
}

/// The cases that the table at `path` makes.
fn cells(tree: &Tree, path: &Path, found: &mut Vec<CaseFile>) -> Result<(), String> {
    let table = tree.tables.read(path, &tree.shown(path))?;
    // `states.table.toml`: what is left is no file's name, but the folder that its cases seem to be in.
    let folder = id(tree, &path.with_extension(""))?;
    found.extend(table.cases.keys().map(|cell| tree.file(&format!("{folder}/{cell}"))));
    Ok(())
}

fn id(tree: &Tree, path: &Path) -> Result<String, String> {
    let below = path.strip_prefix(&tree.root).unwrap_or(path).with_extension("");
    let id = below.to_str().filter(|id| !id.contains(['\n', '\t']));
    id.map(str::to_owned).ok_or_else(|| format!("{}: not a name that a report can show", path.display()))
}

/// A folder as seen from the current one.
pub(super) fn relative(folder: &Path) -> PathBuf {
    let (Ok(there), Ok(here)) = (folder.canonicalize(), std::env::current_dir()) else {
        return folder.to_owned();
    };
    let common = there.components().zip(here.components()).take_while(|(a, b)| a == b).count();
    let up = here.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(there.components().skip(common)).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_shown_as_seen_from_here() {
        let here = std::env::current_dir().expect("a current folder");
        assert_eq!(relative(&here), Path::new("."));
        assert_eq!(relative(&here.join("src")), Path::new("src"));
        assert_eq!(relative(here.parent().expect("a parent")), Path::new(".."));
        assert_eq!(relative(Path::new("no/such/folder")), Path::new("no/such/folder"));
    }
}
