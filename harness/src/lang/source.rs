//! Where text came from, and how an error points at it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file's text. Spans carry it, so that an error can show its line without reading anything again.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As it is shown to the user.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// A range of bytes in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        write!(f, "{line}:{column}")
    }
}

impl Span {
    /// Line and column of the first byte, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let before = &self.file.text[..self.start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The line of the first byte, from 1.
    pub fn line(&self) -> usize {
        self.position().0
    }

    /// The text of the line of the first byte, without its end.
    pub fn line_text(&self) -> &str {
        let start = self.file.text[..self.start].rfind('\n').map_or(0, |i| i + 1);
        let end = self.file.text[self.start..].find('\n').map_or(self.file.text.len(), |i| self.start + i);
        &self.file.text[start..end]
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        &self.file.text[self.start..self.end]
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

/// What is wrong with a script, shown with its line and a caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in one line.
    pub message: String,
    /// What would be right, or the nearest thing that exists.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

impl Error {
    /// An error without advice.
    pub fn new(span: &Span, message: impl Into<String>) -> Error {
        Error { message: message.into(), help: None, span: span.clone() }
    }

    /// The same error with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.span.position();
        let text = self.span.line_text();
        let gutter = line.to_string().len();
        let width = self.span.text().lines().next().map_or(1, |t| t.chars().count().max(1));
        // A tab in front of the caret stays a tab, so that both lines are indented alike.
        let indent: String =
            text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{:gutter$}--> {}:{line}:{column}", "", self.span.path().display())?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{line} | {text}")?;
        write!(f, "{:gutter$} | {indent}{}", "", "^".repeat(width))?;
        if let Some(help) = &self.help {
            write!(f, "\n{:gutter$} = {help}", "")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
