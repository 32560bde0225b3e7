//! Which cases a user means.

use super::CaseFile;
use crate::nearest::nearest;
use std::collections::BTreeSet;

/// The files whose ids begin with one of `prefixes`; one that is an id selects that case alone.
///
/// # Errors
/// Names the prefix that no id has, and the nearest ids.
pub fn select(files: Vec<CaseFile>, prefixes: &[String]) -> Result<Vec<CaseFile>, String> {
    if prefixes.is_empty() {
        return Ok(files);
    }
    let mut selected = Vec::new();
    for prefix in prefixes {
        let prefix = normal(prefix);
        let exact = files.iter().any(|f| f.id == prefix);
        let is_meant = |f: &&CaseFile| if exact { f.id == prefix } else { f.id.starts_with(prefix) };
        let found: Vec<CaseFile> = files.iter().filter(is_meant).cloned().collect();
        if found.is_empty() {
            let near = nearest(prefix, folders_and_ids(&files), 3);
            return Err(format!("no case begins with {prefix:?}; the nearest are:\n  {}", near.join("\n  ")));
        }
        selected.extend(found);
    }
    selected.sort();
    selected.dedup();
    Ok(selected)
}

/// Everything that can be meant: each folder, and each case.
fn folders_and_ids(files: &[CaseFile]) -> BTreeSet<&str> {
    let folders = |id: &'_ str| id.match_indices('/').map(|(end, _)| end).collect::<Vec<_>>();
    let names = files.iter().flat_map(|f| folders(&f.id).into_iter().map(|end| &f.id[..end]));
    names.chain(files.iter().map(|f| f.id.as_str())).collect()
}

/// A prefix as ids are written, from a path as a shell completes it.
pub fn normal(prefix: &str) -> &str {
    let prefix = prefix.strip_prefix("./").unwrap_or(prefix);
    let prefix = prefix.strip_prefix("cases/").unwrap_or(prefix);
    prefix.strip_suffix(".pkt").unwrap_or(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefixes: &[&str], expected: Result<&[&str], &str>) {
        let file = |id: &&str| CaseFile { id: (*id).to_owned(), path: format!("{id}.pkt").into() };
        let files = ["arp/reply", "tcp/rst", "tcp/rst-exact", "tcp/syn"].iter().map(file).collect();
        let prefixes: Vec<String> = prefixes.iter().map(|p| (*p).to_owned()).collect();
        let found = select(files, &prefixes);
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.iter().map(|f| f.id.as_str()).collect::<Vec<_>>(), expected);
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (found, _) => panic!("{prefixes:?}: {found:?}"),
        }
    }

    #[test]
    fn prefixes_select_and_ids_select_alone() {
        check(&[], Ok(&["arp/reply", "tcp/rst", "tcp/rst-exact", "tcp/syn"]));
        check(&["tcp/"], Ok(&["tcp/rst", "tcp/rst-exact", "tcp/syn"]));
        check(&["tcp/rst"], Ok(&["tcp/rst"]));
        check(&["tcp/rs", "tcp/rst"], Ok(&["tcp/rst", "tcp/rst-exact"]));
        check(&["cases/tcp/syn.pkt"], Ok(&["tcp/syn"]));
        check(&["tpc"], Err("the nearest are:\n  tcp\n"));
        check(&["tcp/sny"], Err("no case begins with \"tcp/sny\"; the nearest are:\n  tcp/syn"));
    }
}
