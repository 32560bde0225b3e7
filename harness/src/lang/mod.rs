//! The case language: packetdrill's, extended. `cases/LANGUAGE.md` describes it.

pub mod ast;
pub mod eval;
mod source;

pub use source::{Error, SourceFile, Span};
