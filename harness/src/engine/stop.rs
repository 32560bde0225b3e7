//! Why a run ends before its last line.

use crate::lang::{self, Span};
use crate::packet::Mismatch;
use crate::run::Difference;
use crate::sut::Refusal;

/// What ends a run early. The phase of the line decides whether a mismatch is a `fail` or `inconclusive`.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something was not as the case requires.
    Mismatch(Box<Difference>),
    /// The stack floods or makes no progress: a failure of the stack in whatever phase.
    Misbehaves(Box<Difference>),
    /// A capability is missing.
    Skip(Box<Difference>),
    /// The harness, the script or the adapter is at fault.
    Error(Box<Difference>),
}

impl Stop {
    /// A mismatch at the line of `span`.
    pub(super) fn mismatch(span: &Span, field: &str, expected: String, found: String) -> Stop {
        Stop::Mismatch(Box::new(Difference { field: field.to_owned(), expected, found, ..at(span) }))
    }

    /// The same for what the packet and call layers found.
    pub(super) fn differs(span: &Span, mismatch: Mismatch) -> Stop {
        Stop::mismatch(span, &mismatch.field, mismatch.expected, mismatch.found)
    }

    /// A capability is missing.
    pub(super) fn skip(found: String) -> Stop {
        Stop::Skip(Box::new(Difference { field: "capability".to_owned(), found, ..Difference::default() }))
    }

    /// The script says what cannot be done.
    pub(super) fn script(error: &lang::Error) -> Stop {
        Stop::Error(Box::new(Difference {
            field: "script".to_owned(),
            found: error.message.clone(),
            note: error.to_string(),
            ..at(&error.span)
        }))
    }

    /// The stack refused a call or a frame at the line of `span`.
    pub(super) fn refused(span: Option<&Span>, refusal: Refusal) -> Stop {
        let place = span.map(at).unwrap_or_default();
        match refusal {
            Refusal::Unsupported(what) => {
                Stop::Skip(Box::new(Difference { field: "capability".to_owned(), found: what, ..place }))
            }
            Refusal::Broken(what) => {
                Stop::Error(Box::new(Difference { field: "adapter".to_owned(), found: what, ..place }))
            }
        }
    }
}

/// A difference that so far is only a place.
pub(super) fn at(span: &Span) -> Difference {
    Difference { line: span.line(), file: span.path().display().to_string(), ..Difference::default() }
}
