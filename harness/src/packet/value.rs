//! Numbers in a script: computed from captured values, compared with what a frame has.

use super::Variables;
use crate::lang::{self, Span, ast};
use ast::{Expr, Pattern};

/// Computes an expression.
fn evaluate(expr: &Expr, variables: &Variables, span: &Span) -> Result<i64, lang::Error> {
    lang::eval::evaluate(expr, variables).map_err(|why| lang::Error::new(span, why))
}

/// A number that a script says, and whether it is meant as it stands rather than relative to a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) value: i64,
    pub(super) absolute: bool,
}

/// The number to build from.
///
/// # Errors
/// Where the pattern is a condition, which only an expected packet can have.
pub(super) fn said(pattern: &Pattern, variables: &Variables, span: &Span) -> Result<Said, lang::Error> {
    match pattern {
        Pattern::Is(expr) => {
            let value = evaluate(expr, variables, span)?;
            Ok(Said { value, absolute: matches!(expr, Expr::Absolute(_)) })
        }
        _ => Err(lang::Error::new(span, "a packet that is sent needs a value here")
            .help("`*`, ranges and `not` are for packets that are expected")),
    }
}

/// What a frame has, in the two ways a script can mean it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Relative to the base, or as it stands where there is none.
    pub(super) relative: i64,
    /// As it stands.
    pub(super) raw: i64,
    /// Sequence numbers are compared modulo 2^32.
    pub(super) wraps: bool,
}

impl Found {
    /// A value without a base.
    pub(super) fn plain(value: i64) -> Found {
        Found { relative: value, raw: value, wraps: false }
    }

    fn equals(&self, found: i64, expected: i64) -> bool {
        if self.wraps { found as u32 == expected as u32 } else { found == expected }
    }
}

/// Compares; a variable without value takes the one found. `Some` is what the script expects, where it is not that.
///
/// # Errors
/// Where the pattern cannot be computed.
pub(super) fn differs(
    pattern: &Pattern,
    found: Found,
    variables: &mut Variables,
    span: &Span,
) -> Result<Option<String>, lang::Error> {
    let matches = match pattern {
        Pattern::Any => true,
        Pattern::Is(Expr::Variable(name)) if !variables.contains_key(name) => {
            variables.insert(name.clone(), found.relative);
            true
        }
        Pattern::Is(Expr::Absolute(inner)) => match &**inner {
            Expr::Variable(name) if !variables.contains_key(name) => {
                variables.insert(name.clone(), found.raw);
                true
            }
            inner => found.equals(found.raw, evaluate(inner, variables, span)?),
        },
        Pattern::Is(expr) => found.equals(found.relative, evaluate(expr, variables, span)?),
        Pattern::Not(expr) => !found.equals(found.relative, evaluate(expr, variables, span)?),
        Pattern::Range(from, to) => {
            let (from, to) = (evaluate(from, variables, span)?, evaluate(to, variables, span)?);
            if found.wraps {
                (found.relative as u32).wrapping_sub(from as u32) <= (to as u32).wrapping_sub(from as u32)
            } else {
                (from..=to).contains(&found.relative)
            }
        }
    };
    if matches { Ok(None) } else { Ok(Some(show(pattern, variables, span)?)) }
}

/// The pattern as it would be written, with its variables' values.
pub(super) fn show(pattern: &Pattern, variables: &Variables, span: &Span) -> Result<String, lang::Error> {
    let number = |expr: &Expr| evaluate(expr, variables, span);
    Ok(match pattern {
        Pattern::Any => "*".to_string(),
        Pattern::Is(Expr::Absolute(inner)) => format!("abs({})", number(inner)?),
        Pattern::Is(expr) => number(expr)?.to_string(),
        Pattern::Not(expr) => format!("not {}", number(expr)?),
        Pattern::Range(from, to) => format!("{} .. {}", number(from)?, number(to)?),
    })
}
