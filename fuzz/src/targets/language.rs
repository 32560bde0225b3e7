//! The case language.

use harness::lang::ast::Script;
use harness::lang::{self, Error, Loader, Options};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Separates files in an input: the script, then those it may include as `1.pkt`, `2.pkt`, ….
const SEPARATOR: char = '\u{1c}';

/// Included files by path.
struct Files(BTreeMap<PathBuf, String>);

impl Loader for Files {
    fn load(&self, path: &Path) -> Result<String, String> {
        self.0.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let inside = self.0.keys().filter(|path| path.parent() == Some(directory));
        inside.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

/// `data` is a script, where it is UTF-8, and behind each separator a file beside it or in `given/`.
///
/// # Panics
/// At a finding.
pub fn language(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = parse(text);
    if let Err(error) = &parsed {
        readable(error);
    }
    assert_eq!(parse(text), parsed, "the same text was parsed twice");
}

/// The script in `text`, read with the files behind it.
pub(crate) fn parse(text: &str) -> Result<Script, Error> {
    let mut files = text.split(SEPARATOR);
    let script = files.next().unwrap_or_default().to_owned();
    let mut map = BTreeMap::new();
    for (number, text) in (1..).zip(files) {
        // Odd ones beside the script, even ones in the suite's openings.
        let folder = if number % 2 == 1 { "cases/tcp" } else { "cases/given" };
        map.insert(Path::new(folder).join(format!("{number}.pkt")), text.to_owned());
    }
    let defines = BTreeMap::from([("TFO_COOKIE".to_owned(), "3021b9d889017eeb".to_owned())]);
    let options = Options { defines, loader: &Files(map), suite: Some(PathBuf::from("cases")) };
    lang::parse(Path::new("cases/tcp/case.pkt"), script, &options)
}

/// An error names a place that exists, and can be shown.
fn readable(error: &Error) {
    let span = &error.span;
    assert!(span.start <= span.end && span.end <= span.file.text.len(), "{error:?}");
    let (line, column) = span.position();
    assert!(line >= 1 && column >= 1 && !error.message.is_empty());
    let shown = error.to_string();
    assert!(shown.contains(&format!(":{line}:{column}")), "{shown}");
}
