//! Finds cases and checks their heads.
//!
//! A case's id is its path below the tree's root without extension. A file with a `//!` head is one of ours; one without
//! is an upstream packetdrill script, which only a user's tree may have.

use crate::catalogue::{Catalogue, Level};
use crate::reading::parse;
use crate::upstream;
use harness::lang::{self, SourceFile, Span, ast};
use harness::sut::Family;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod find;
mod head;
mod select;
mod table;

pub use head::PROTOCOLS;
pub use select::{normal, select};

/// The largest script that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A folder of cases.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Where it is.
    pub root: PathBuf,
    /// The root as errors show it: `cases`, or what the user wrote.
    pub shown: PathBuf,
    /// Whether it is the project's own suite, whose first folders are fixed, or a user's.
    pub is_suite: bool,
    tables: table::Tables,
}

/// A file with a case in it, not yet read. The file of a case that a table makes exists only in name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseFile {
    /// The case's id.
    pub id: String,
    /// The file.
    pub path: PathBuf,
}

/// A case, parsed and checked.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its path below the root without extension.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// The families it runs in.
    pub families: Vec<Family>,
    /// The requirements in its head; none in an upstream script.
    pub requires: Vec<String>,
    /// The capabilities in its head.
    pub needs: Vec<String>,
    /// The strongest level among its requirements; `None` in an upstream script.
    pub level: Option<Level>,
    /// What it says. An upstream script can say something else in another family, so it is parsed again to be played.
    pub script: ast::Script,
}

impl Case {
    /// Whether it is an upstream packetdrill script.
    pub fn is_upstream(&self) -> bool {
        self.script.head.is_none()
    }
}

/// `-D SYM=value`: symbols that are replaced in upstream scripts, beyond their runners' own.
pub type Defines = BTreeMap<String, String>;

/// The cases of a tree and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Suite {
    /// Cases in the order of their ids.
    pub cases: Vec<Case>,
    /// What is wrong, each with file and line.
    pub errors: Vec<lang::Error>,
}

impl Tree {
    /// The project's own suite.
    pub fn suite() -> Tree {
        Tree::new(crate::root().to_owned(), "cases".into(), true)
    }

    /// The tree below `root`, which errors call `shown`.
    pub fn new(root: PathBuf, shown: PathBuf, is_suite: bool) -> Tree {
        Tree { root, shown, is_suite, tables: table::Tables::default() }
    }

    /// A user's tree. It is shown as seen from the current folder, since reports name no absolute paths.
    pub fn at(folder: &Path) -> Tree {
        Tree::new(folder.to_owned(), find::relative(folder), false)
    }

    /// The path of a file of this tree as errors show it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.root) {
            Ok(below) if below.as_os_str().is_empty() => self.shown.clone(),
            Ok(below) => self.shown.join(below),
            Err(_) => path.to_owned(),
        }
    }

    /// The files with cases, in the order of their ids; reads none of them.
    ///
    /// # Errors
    /// Names the folder that cannot be read.
    pub fn files(&self) -> Result<Vec<CaseFile>, String> {
        find::files(self)
    }

    /// The file of the case called `id`.
    pub fn file(&self, id: &str) -> CaseFile {
        CaseFile { id: id.to_owned(), path: self.root.join(format!("{id}.pkt")) }
    }

    /// Whether there is a case called `id`.
    pub fn has(&self, id: &str) -> bool {
        self.file(id).path.is_file() || matches!(self.generated(id), Ok(Some(_)))
    }

    /// The text of the case called `id` where a table makes it: the table's path without extension begins the id.
    ///
    /// # Errors
    /// Says what is wrong with that table.
    pub fn generated(&self, id: &str) -> Result<Option<String>, String> {
        for (end, _) in id.match_indices('/') {
            let path = self.root.join(format!("{}{}", &id[..end], table::EXTENSION));
            if path.is_file() {
                let table = self.tables.read(&path, &self.shown(&path))?;
                return Ok(table.cases.get(&id[end + 1..]).cloned());
            }
        }
        Ok(None)
    }

    /// Reads the text of a script.
    ///
    /// # Errors
    /// Says what keeps it from being read, with the place.
    pub fn text(&self, file: &CaseFile) -> Result<String, lang::Error> {
        let problem = |message: String| {
            let source = SourceFile { path: self.shown(&file.path), text: String::new() };
            lang::Error::new(&Span { file: Arc::new(source), start: 0, end: 0 }, message)
        };
        if let Some(text) = self.generated(&file.id).map_err(problem)? {
            return Ok(text);
        }
        let unreadable = |e: std::io::Error| problem(format!("cannot be read: {e}"));
        let size = std::fs::metadata(&file.path).map_err(unreadable)?.len();
        if size > LARGEST {
            return Err(problem(format!(
                "{size} bytes are no script: the largest that is read has {LARGEST}"
            )));
        }
        // packetdrill reads bytes; what is not UTF-8 can only be in comments, and is shown replaced.
        Ok(String::from_utf8_lossy(&std::fs::read(&file.path).map_err(unreadable)?).into_owned())
    }

    /// Reads and checks one case.
    ///
    /// # Errors
    /// Says everything that is wrong with it.
    pub fn case(
        &self,
        file: &CaseFile,
        catalogue: &Catalogue,
        defines: &Defines,
    ) -> Result<Case, Vec<lang::Error>> {
        let text = self.text(file).map_err(|e| vec![e])?;
        // Some upstream scripts use a symbol that their runner defines in one family only: one that can be read in any of
        // its families is right, and a run in another one says what is wrong there.
        let mut families = upstream::families(&file.id).iter();
        let mut parsed = Err(Vec::new());
        while let (Err(errors), Some(family)) = (&mut parsed, families.next()) {
            let mut errors = std::mem::take(errors);
            parsed = parse(self, &file.path, &text, *family, defines).map_err(|error| {
                errors.push(error);
                errors.truncate(1);
                errors
            });
        }
        let script = parsed?;
        let source = SourceFile { path: self.shown(&file.path), text };
        let start = Span { file: Arc::new(source), start: 0, end: 0 };
        head::check(self, file, script, catalogue, &start)
    }

    /// Reads and checks the cases among `files`.
    pub fn load(&self, files: &[CaseFile], catalogue: &Catalogue, defines: &Defines) -> Suite {
        let mut suite = Suite::default();
        let mut seen: BTreeMap<String, &CaseFile> = BTreeMap::new();
        for file in files {
            match self.case(file, catalogue, defines) {
                Ok(case) => suite.cases.push(case),
                Err(errors) => suite.errors.extend(errors),
            }
            // Snapshots and reports are named after ids, and not every file system tells A from a.
            if let Some(first) = seen.insert(file.id.to_lowercase(), file) {
                let source = SourceFile { path: self.shown(&file.path), text: String::new() };
                let span = Span { file: Arc::new(source), start: 0, end: 0 };
                let message = format!("duplicate id {}, also {}", file.id, self.shown(&first.path).display());
                suite.errors.push(lang::Error::new(&span, message));
            }
        }
        suite
    }
}

#[cfg(test)]
mod tests;
