//! Included files: where they are looked for, their parameters, and what keeps them from going round in circles.

use super::Options;
use super::ast::{Event, Expr};
use super::head;
use super::parser::{Parser, Rules};
use super::source::{Error, SourceFile, Span};
use crate::suggest;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// How deep includes may nest.
const DEEPEST: usize = 8;

/// How many files one case may include, repetitions counted.
const MOST: usize = 64;

/// A parameter's name, its value, and where it is given.
pub(super) type Parameter = (String, Expr, Span);

/// The includes of one case.
pub(super) struct Includes<'a> {
    options: &'a Options<'a>,
    /// The files being read, each included by the one before it.
    chain: Vec<PathBuf>,
    expanded: usize,
}

impl<'a> Includes<'a> {
    pub(super) fn new(path: &Path, options: &'a Options<'a>) -> Includes<'a> {
        Includes { options, chain: vec![path.to_path_buf()], expanded: 0 }
    }

    /// The events of an included file, and all labels so far.
    pub(super) fn expand(
        &mut self,
        name: &str,
        arguments: Vec<Parameter>,
        span: &Span,
        labels: BTreeSet<String>,
    ) -> Result<(Vec<Event>, BTreeSet<String>), Error> {
        self.expanded += 1;
        if self.expanded > MOST {
            return Err(Error::new(span, format!("this case includes more than {MOST} files")));
        }
        let (path, text) = self.find(name, span)?;
        self.read(path, text, arguments, labels).map_err(|error| included_by(error, span))
    }

    fn read(
        &mut self,
        path: PathBuf,
        text: String,
        arguments: Vec<Parameter>,
        labels: BTreeSet<String>,
    ) -> Result<(Vec<Event>, BTreeSet<String>), Error> {
        let defines = &self.options.defines;
        let file = Arc::new(SourceFile { path: path.clone(), text });
        let head = head::parse(&file, defines, Rules::Included)?;
        let parameters = bind(head.parameters, arguments, &path)?;
        let parser = Parser::new(&file, 0..file.text.len(), Rules::Included, defines)?;
        let mut parser = parser.with(parameters, labels);
        self.chain.push(path);
        let events = parser.events(self)?;
        parser.finish()?;
        self.chain.pop();
        Ok((events, parser.into_labels()))
    }

    /// The file beside the including one, or in the suite's `given/`.
    fn find(&self, name: &str, span: &Span) -> Result<(PathBuf, String), Error> {
        let relative = Path::new(name);
        let inside = relative.components().all(|c| matches!(c, Component::Normal(_)));
        if !inside || name.is_empty() {
            let message = format!("`{name}` may lie outside the suite");
            return Err(
                Error::new(span, message).help("an include's path is relative and has no `.` or `..` in it")
            );
        }
        let mut problems = Vec::new();
        for path in self.candidates(relative) {
            if self.chain.contains(&path) {
                return Err(self.cycle(&path, span));
            }
            match self.options.loader.load(&path) {
                Ok(_) if self.chain.len() > DEEPEST => {
                    return Err(Error::new(span, format!("includes nest more than {DEEPEST} deep")));
                }
                Ok(text) => return Ok((path, text)),
                Err(problem) => problems.push(format!("{}: {problem}", path.display())),
            }
        }
        Err(Error::new(span, format!("`{name}` cannot be included")).help(self.missing(relative, &problems)))
    }

    fn candidates(&self, relative: &Path) -> Vec<PathBuf> {
        let beside = self.chain.last().and_then(|p| p.parent()).unwrap_or(Path::new("")).join(relative);
        let mut candidates = vec![beside];
        if let Some(suite) = &self.options.suite {
            let given = suite.join("given").join(relative.strip_prefix("given").unwrap_or(relative));
            if !candidates.contains(&given) {
                candidates.push(given);
            }
        }
        candidates
    }

    fn cycle(&self, path: &Path, span: &Span) -> Error {
        let from = self.chain.iter().position(|p| p == path).unwrap_or(0);
        let mut chain: Vec<String> = self.chain[from..].iter().map(|p| p.display().to_string()).collect();
        chain.push(path.display().to_string());
        Error::new(span, format!("this file includes itself: {}", chain.join(" -> ")))
    }

    fn missing(&self, relative: &Path, problems: &[String]) -> String {
        let wanted = relative.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for candidate in self.candidates(relative) {
            let names = self.options.loader.list(candidate.parent().unwrap_or(Path::new("")));
            if let Some(near) = suggest::nearest(&wanted, names.iter().map(String::as_str)) {
                return format!("did you mean `{}`?", relative.with_file_name(near).display());
            }
        }
        format!("tried {}", problems.join("; "))
    }
}

/// Says where a file with a mistake was included, if the mistake is in it.
fn included_by(mut error: Error, span: &Span) -> Error {
    if error.span.path() != span.path() {
        let place = format!("included by {}:{}", span.path().display(), span.line());
        error.help = match error.help {
            Some(help) if help.contains("included by ") => Some(help),
            Some(help) => Some(format!("{help} ({place})")),
            None => Some(place),
        };
    }
    error
}

/// Declared parameters with the values given, or their defaults.
fn bind(
    declared: Vec<Parameter>,
    given: Vec<Parameter>,
    path: &Path,
) -> Result<BTreeMap<String, Expr>, Error> {
    let mut values: BTreeMap<String, Expr> =
        declared.into_iter().map(|(name, value, _)| (name, value)).collect();
    let mut seen = BTreeSet::new();
    for (name, value, span) in given {
        if !seen.insert(name.clone()) {
            return Err(Error::new(&span, format!("the parameter `{name}` is given twice")));
        }
        match values.get_mut(&name) {
            Some(slot) => *slot = value,
            None => {
                let message = format!("{} has no parameter `{name}`", path.display());
                return Err(Error::new(&span, message)
                    .help(suggest::advice(&name, values.keys().map(String::as_str))));
            }
        }
    }
    Ok(values)
}
