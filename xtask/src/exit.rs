//! Exit statuses.

use std::process::ExitCode;

/// How a command ended, where it got to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: everything is as expected.
    AsExpected,
    /// 1: something is not.
    Unexpected,
    /// 2: the command was wrong, or the harness is; what went wrong has been said.
    Broken,
}

/// How a command ended; an error is a message that has not been shown yet, and exit status 2.
pub(crate) type Outcome = Result<Exit, String>;

/// Shows the error, if any, and gives the exit status.
pub(crate) fn code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(Exit::AsExpected) => ExitCode::from(0),
        Ok(Exit::Unexpected) => ExitCode::from(1),
        Ok(Exit::Broken) => ExitCode::from(2),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}
