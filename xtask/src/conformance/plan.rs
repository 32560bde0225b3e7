//! Which cases are played.

use super::Options;
use cases::catalogue::Catalogue;
use cases::suite::{Case, Suite, Tree, normal, select};
use cases::upstream::CommandLine;
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
        let packetdrill = CommandLine::parse(&options.packetdrill)?;
        let suite = tree.load(&selected, &catalogue, &packetdrill.defines);
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

/// Whether `id` was named in full, and is played however long it takes.
pub(crate) fn is_named(options: &Options, id: &str) -> bool {
    options.prefixes.iter().any(|p| normal(p) == id)
}
