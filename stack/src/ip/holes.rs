//! A datagram under reassembly: its bytes, and the holes that are still to be filled (RFC 815).

use core::ops::Range;

/// What a fragment did to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// There are still holes.
    Incomplete,
    /// There is none any more.
    Complete,
    /// It contradicts what earlier fragments said of the datagram's end.
    Contradiction,
}

/// The bytes of an incomplete datagram.
#[derive(Debug)]
pub(crate) struct Assembly {
    data: Vec<u8>,
    /// In ascending order, not touching each other. The last reaches to infinity until the end is known.
    holes: Vec<Range<usize>>,
    total: Option<usize>,
}

impl Assembly {
    pub(crate) fn new() -> Assembly {
        let everything = 0..usize::MAX;
        Assembly { data: Vec::new(), holes: vec![everything], total: None }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.data.len() + self.holes.len() * size_of::<Range<usize>>()
    }

    /// Whether some byte of `range` is there already.
    pub(crate) fn overlaps(&self, range: Range<usize>) -> bool {
        let free: usize = self.holes.iter().map(|hole| overlap(hole, &range).len()).sum();
        free < range.len()
    }

    /// Takes in a fragment; where it overlaps with what is there, its bytes win (RFC 791 3.2). `last` says that
    /// it ends the datagram.
    pub(crate) fn insert(&mut self, offset: usize, data: &[u8], last: bool) -> Inserted {
        let end = offset + data.len();
        let known = self.total.unwrap_or(usize::MAX);
        if end > known || (last && (end < self.data.len() || end != self.total.unwrap_or(end))) {
            return Inserted::Contradiction;
        }
        if last {
            self.total = Some(end);
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        self.data[offset..end].copy_from_slice(data);
        let limit = self.total.unwrap_or(usize::MAX);
        let rest = |hole: &Range<usize>| {
            let before = hole.start..hole.end.min(offset).min(limit);
            let after = hole.start.max(end)..hole.end.min(limit);
            [before, after].into_iter().filter(|hole| !hole.is_empty())
        };
        self.holes = self.holes.iter().flat_map(rest).collect();
        if self.holes.is_empty() { Inserted::Complete } else { Inserted::Incomplete }
    }

    /// The bytes, complete or not.
    pub(crate) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn check(fragments: &[(usize, &[u8], bool)], last: Inserted, data: &[u8]) {
        let mut assembly = Assembly::new();
        let mut result = Inserted::Incomplete;
        for (offset, bytes, last) in fragments {
            assert_eq!(result, Inserted::Incomplete, "only the last fragment decides");
            result = assembly.insert(*offset, bytes, *last);
        }
        assert_eq!((result, assembly.into_data().as_slice()), (last, data));
    }

    #[test]
    fn in_order_in_reverse_and_twice() {
        check(&[(0, b"ab", false), (2, b"cd", true)], Inserted::Complete, b"abcd");
        check(&[(2, b"cd", true), (0, b"ab", false)], Inserted::Complete, b"abcd");
        check(&[(0, b"ab", false), (0, b"ab", false), (2, b"cd", true)], Inserted::Complete, b"abcd");
        check(&[(4, b"ef", true), (0, b"ab", false), (2, b"cd", false)], Inserted::Complete, b"abcdef");
    }

    #[test]
    fn newer_bytes_win() {
        check(&[(0, b"aaaa", false), (2, b"bbbb", true)], Inserted::Complete, b"aabbbb");
        check(&[(2, b"bbbb", true), (0, b"aaaa", false)], Inserted::Complete, b"aaaabb");
    }

    #[test]
    fn ends_that_contradict() {
        check(&[(2, b"cd", true), (4, b"ef", false)], Inserted::Contradiction, b"\0\0cd");
        check(&[(2, b"cd", true), (2, b"c", true)], Inserted::Contradiction, b"\0\0cd");
        check(&[(4, b"ef", false), (0, b"ab", true)], Inserted::Contradiction, b"\0\0\0\0ef");
    }

    #[test]
    fn any_order_gives_the_datagram() {
        let datagram: Vec<u8> = (0..=255).collect();
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut pieces: Vec<usize> = (0..32).collect();
            (1..32).rev().for_each(|i| pieces.swap(i, rng.below(i as u32 + 1) as usize));
            let mut assembly = Assembly::new();
            for (n, piece) in pieces.iter().enumerate() {
                let range = piece * 8..piece * 8 + 8;
                assert!(!assembly.overlaps(range.clone()));
                let result = assembly.insert(range.start, &datagram[range.clone()], *piece == 31);
                assert_eq!(result == Inserted::Complete, n == 31);
                assert!(assembly.overlaps(range.start + 7..range.end + 1));
            }
            assert_eq!(assembly.into_data(), datagram);
        }
    }
}
