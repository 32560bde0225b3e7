//! Every timer is finite: what a stack will do by itself it does within a day.

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use std::time::Duration;

/// Longer than any timer of TCP.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Remembers nothing.
#[derive(Debug, Default)]
pub(super) struct Deadline;

impl Oracle for Deadline {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        let ahead = seen.stack.next_deadline()?.saturating_since(seen.stack.now());
        (ahead > LONGEST).then(|| {
            violation("deadline", None, format!("the next deadline is {} s ahead", ahead.as_secs()))
        })?
    }
}
