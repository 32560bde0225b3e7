//! Output to a reader that may leave early, as `head` does.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// `println!` for this crate: the standard one panics once the reader has gone.
macro_rules! println {
    ($($argument:tt)*) => {
        $crate::print::line(format_args!($($argument)*))
    };
}

/// Writes a line. Without a reader the command ends at once, and with status 2, for not all of it was reported.
pub(crate) fn line(text: Arguments<'_>) {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(2),
        // A full disk, say.
        Err(error) => {
            eprintln!("error: standard output: {error}");
            std::process::exit(2)
        }
        Ok(()) => {}
    }
}
