//! Which cases are played.

use super::Options;
use cases::catalogue::Catalogue;
use cases::nearest::nearest;
use cases::suite::{Case, CaseFile, Suite, Tree};
use cases::upstream::Runner;
use harness::sut::Family;

/// The cases that were selected, and what they are judged by.
pub(crate) struct Plan {
    /// Where the cases are.
    pub(crate) tree: Tree,
    /// Every id in the tree, sorted, also of what was not selected.
    pub(crate) ids: Vec<String>,
    /// The cases selected, parsed, and what is wrong with the others.
    pub(crate) suite: Suite,
    /// The requirements.
    pub(crate) catalogue: Catalogue,
}

impl Plan {
    /// Reads the cases that `options` select.
    pub(crate) fn new(options: &Options) -> Result<Plan, String> {
        let tree = options.cases.as_deref().map_or_else(Tree::suite, Tree::at);
        let catalogue = Catalogue::load()?;
        let files = tree.files()?;
        let ids: Vec<String> = files.iter().map(|f| f.id.clone()).collect();
        let selected = select(files, &options.prefixes)?;
        if selected.is_empty() {
            return Err(format!("{}: no *.pkt in it", tree.shown.display()));
        }
        let runner = Runner::of(&tree.root);
        let parse = |path: &std::path::Path, text: &str, family: Family| {
            cases::player::parse(&tree, path, text, &runner.defines(family))
        };
        let suite = tree.load(&selected, &catalogue, &parse);
        Ok(Plan { ids, suite, catalogue, tree })
    }

    /// What results.json calls the suite.
    pub(crate) fn name(&self) -> String {
        if self.tree.is_suite {
            return concat!("wireproof ", env!("CARGO_PKG_VERSION")).to_owned();
        }
        let folder = self.tree.root.canonicalize().unwrap_or_else(|_| self.tree.root.clone());
        folder.file_name().map_or_else(|| "/".to_owned(), |n| n.to_string_lossy().into_owned())
    }

    /// The families in which `case` is played: its own, of those that were asked for.
    pub(crate) fn families<'a>(
        &self,
        case: &'a Case,
        options: &Options,
    ) -> impl Iterator<Item = Family> + 'a {
        let asked = options.family.clone();
        case.families.iter().copied().filter(move |f| asked.is_empty() || asked.contains(f))
    }
}

/// The files whose ids begin with one of `prefixes`; one that is an id selects that case alone.
fn select(files: Vec<CaseFile>, prefixes: &[String]) -> Result<Vec<CaseFile>, String> {
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
            let near = nearest(prefix, files.iter().map(|f| f.id.as_str()), 3);
            return Err(format!("no case begins with {prefix:?}; the nearest are:\n  {}", near.join("\n  ")));
        }
        selected.extend(found);
    }
    selected.sort();
    selected.dedup();
    Ok(selected)
}

/// A prefix as ids are written, from a path as a shell completes it.
fn normal(prefix: &str) -> &str {
    let prefix = prefix.strip_prefix("./").unwrap_or(prefix);
    let prefix = prefix.strip_prefix("cases/").unwrap_or(prefix);
    prefix.strip_suffix(".pkt").unwrap_or(prefix)
}

/// Whether `id` was named in full, and is played however long it takes.
pub(crate) fn is_named(options: &Options, id: &str) -> bool {
    options.prefixes.iter().any(|p| normal(p) == id)
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
        check(&["tcp/sny"], Err("no case begins with \"tcp/sny\"; the nearest are:\n  tcp/syn"));
    }
}
