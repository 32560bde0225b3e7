//! Plays one run: from a case's name to an answer. Everything that a worker needs of the harness is in here.

use crate::fake::Fake;
use crate::protocol::{Answer, Job, Session};
use crate::results::StackInfo;

/// A stack with what is needed to play on it.
pub(crate) trait Player {
    /// What the stack says of itself.
    fn info(&self) -> StackInfo;

    /// Plays a run.
    fn play(&mut self, job: &Job) -> Answer;
}

/// Opens the stack of a session.
///
/// # Errors
/// Says in one line why it cannot run here.
pub(crate) fn open(session: &Session) -> Result<Box<dyn Player>, String> {
    if let Some(fake) = Fake::open(&session.stack) {
        return Ok(Box::new(fake));
    }
    Err(format!("no engine plays on {} yet", session.stack))
}
