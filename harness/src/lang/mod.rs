//! The case language: packetdrill's, extended. `cases/LANGUAGE.md` describes it.
//!
//! [`parse`] reads a script with everything it includes. A file whose head has a `//! requires:` line is one of ours; any
//! other is packetdrill's, and means what packetdrill takes it to mean.

pub mod ast;
pub mod eval;
mod head;
mod include;
mod lexer;
pub mod messages;
pub mod names;
mod parser;
mod source;
mod tcp_options;
#[cfg(test)]
mod tests;

pub use source::{Error, SourceFile, Span};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a script is read with.
pub struct Options<'a> {
    /// `-D SYM=value`, substituted while lexing: `"x"` is a string, `` `x` `` a command, digits a number, the rest a word.
    pub defines: BTreeMap<String, String>,
    /// Reads included files.
    pub loader: &'a dyn Loader,
    /// The suite's root, whose `given/` has the openings.
    pub suite: Option<PathBuf>,
}

/// Reads included files: from the file system in production, from a map in tests.
pub trait Loader {
    /// The file's text.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn load(&self, path: &Path) -> Result<String, String>;

    /// The names of a directory's files, for advice about one that does not exist.
    fn list(&self, _directory: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

impl Loader for FileSystem {
    fn load(&self, path: &Path) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Reads a script and all that it includes.
///
/// # Errors
/// The first mistake, with its place and what would be right.
pub fn parse(path: &Path, text: String, options: &Options<'_>) -> Result<ast::Script, Error> {
    let file = Arc::new(SourceFile { path: path.to_path_buf(), text });
    let mut includes = include::Includes::new(path, options);
    let range = 0..file.text.len();
    if !head::is_ours(&file.text) {
        head::check_upstream(&file)?;
        return parser::Parser::new(&file, range, parser::Rules::Upstream, &options.defines)?
            .script(&mut includes);
    }
    let head = head::parse(&file, &options.defines, parser::Rules::Ours)?;
    let mut parser = parser::Parser::new(&file, range, parser::Rules::Ours, &options.defines)?;
    let mut script = parser.script(&mut includes)?;
    head::check_labels(&head.labels, &parser.into_labels())?;
    script.head = Some(head.head);
    Ok(script)
}
