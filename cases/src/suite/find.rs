//! Looks for `*.pkt` below a tree's root.

use super::{CaseFile, Tree};
use std::path::Path;

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
        }
    }
    Ok(())
}

fn id(tree: &Tree, path: &Path) -> Result<String, String> {
    let below = path.strip_prefix(&tree.root).unwrap_or(path).with_extension("");
    let id = below.to_str().filter(|id| !id.contains(['\n', '\t']));
    id.map(str::to_owned).ok_or_else(|| format!("{}: not a name that a report can show", path.display()))
}
