//! How much a stack keeps, told by itself: the same each time, whatever the allocator and other threads do.

use harness::scenario::Violation;
use harness::stacks::descriptors::Descriptors;
use harness::stacks::reference::Reference;
use harness::stacks::smoltcp::Smoltcp;
use harness::sut::StackUnderTest;
use std::fmt::{self, Debug, Write};

/// What a byte counts for: its number, and what separates it from the next.
const BYTE: usize = 2;
/// Both reassemblies may have 4 MiB, and what waits for the 1024 neighbours of each cache of three interfaces 2 MiB; the rest takes
/// far less than what is left.
const MOST: usize = BYTE * ((4 + 4 + 3 * (2 + 2) + 2) << 20);

/// A stack that can tell how much it keeps.
pub trait Subject: StackUnderTest {
    /// How many values all of its tables, queues and buffers have, a byte being counted as two.
    fn held(&self) -> usize;
}

impl Subject for Reference {
    /// Every table is counted, that of tomorrow as well, for what it says of itself is all that it has.
    fn held(&self) -> usize {
        said(self)
    }
}

impl Subject for Descriptors<Smoltcp> {
    /// Nothing that grows: its tables are arrays, and its sockets' buffers are as large as they are made.
    fn held(&self) -> usize {
        0
    }
}

/// Objects to a stack that keeps more than it may.
pub(super) fn judge(stack: &dyn Subject) -> Result<(), Violation> {
    let held = stack.held();
    if held <= MOST {
        return Ok(());
    }
    let found = format!("{} KiB are kept", held / BYTE / 1024);
    Err(Violation { oracle: "memory", requirement: None, found })
}

/// Counts pieces of text and keeps none.
struct Count(usize);

impl Write for Count {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        self.0 += 1;
        Ok(())
    }
}

fn said(value: &dyn Debug) -> usize {
    let mut count = Count(0);
    // Counting never fails.
    let _ = write!(count, "{value:?}");
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_counted_wherever_it_is_kept() {
        let held = |length: usize| said(&(7, Some(vec![vec![200u8; length]])));
        assert_eq!(held(1000) - held(0), BYTE * 1000 - 1);
        assert!((1..MOST / 100).contains(&Reference::default().held()));
        assert_eq!(judge(&Reference::default()), Ok(()));
    }
}
