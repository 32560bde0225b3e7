//! Sequence numbers: arithmetic and comparisons modulo 2^32 (RFC 9293 3.4).

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// How far behind a number may be left before it is moved: more than any window, and less than half of the circle.
const FAR_BEHIND: u32 = 1 << 30;

/// A sequence number.
///
/// `<`, `<=` and so on are the RFC's "<" and "=<": `a < b` where `b` is less than 2^31 ahead of `a`. Two numbers
/// exactly 2^31 apart are each less than the other, and the order is not transitive; within a window it behaves.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// How far this is ahead of `earlier`, modulo 2^32.
    pub const fn since(self, earlier: SeqNumber) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// How far this is ahead of `earlier`; zero where it is behind.
    pub const fn saturating_since(self, earlier: SeqNumber) -> u32 {
        let distance = self.since(earlier);
        if distance as i32 > 0 { distance } else { 0 }
    }

    /// This number, or where `now` has left it so far behind that it would soon seem to be ahead, one not so far behind.
    #[must_use]
    pub fn kept_behind(self, now: SeqNumber) -> SeqNumber {
        let farthest = now - FAR_BEHIND;
        if self < farthest { farthest } else { self }
    }

    /// The later of two.
    #[must_use]
    pub fn later(self, other: SeqNumber) -> SeqNumber {
        if other > self { other } else { self }
    }

    /// The earlier of two.
    #[must_use]
    pub fn earlier(self, other: SeqNumber) -> SeqNumber {
        if other < self { other } else { self }
    }
}

impl Add<u32> for SeqNumber {
    type Output = SeqNumber;

    fn add(self, count: u32) -> SeqNumber {
        SeqNumber(self.0.wrapping_add(count))
    }
}

impl AddAssign<u32> for SeqNumber {
    fn add_assign(&mut self, count: u32) {
        *self = *self + count;
    }
}

impl Sub<u32> for SeqNumber {
    type Output = SeqNumber;

    fn sub(self, count: u32) -> SeqNumber {
        SeqNumber(self.0.wrapping_sub(count))
    }
}

impl PartialOrd for SeqNumber {
    fn partial_cmp(&self, other: &SeqNumber) -> Option<core::cmp::Ordering> {
        (self.0.wrapping_sub(other.0) as i32).partial_cmp(&0)
    }
}

impl fmt::Debug for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circle_is_crossed() {
        let (before, after) = (SeqNumber(u32::MAX), SeqNumber(1));
        assert_eq!([before < after, after > before, after <= before], [true, true, false]);
        assert_eq!((before + 2, after - 2), (after, before));
        assert_eq!((after.since(before), before.saturating_since(after)), (2, 0));
        assert_eq!((before.later(after), before.earlier(after)), (after, before));
        assert_eq!((before.kept_behind(after), after.kept_behind(before)), (before, after));
        assert_eq!(before.kept_behind(after + FAR_BEHIND), after);
    }
}
