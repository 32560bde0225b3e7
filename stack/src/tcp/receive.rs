//! Text from the peer: reassembly in place, and what the user has not read yet (RFC 9293 3.10.7.4 seventh, SHLD-31).

use super::SeqNumber;
use super::ring::Ring;
use crate::wire::tcp_options::{SackBlock, SackBlocks};

/// Out-of-order text that is held: `left` to just before `right`.
#[derive(Clone, Copy, Debug)]
struct Range {
    left: SeqNumber,
    right: SeqNumber,
    /// When it was last added to, as a count of arrivals; SACK reports the latest first.
    touched: u64,
}

/// What became of arriving text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// RCV.NXT moves over `advance` bytes; `filled` where held text has become readable by it or a gap remains.
    InOrder { advance: u32, filled: bool },
    /// Held behind a gap.
    OutOfOrder,
    /// Dropped, for too many gaps are open.
    Refused,
}

/// The receive buffer. Sequence numbers are relative to the RCV.NXT that each call is given.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveQueue {
    /// Readable bytes, then room into which out-of-order text is written where it belongs.
    ring: Ring,
    /// Disjoint, not touching, in order; all after RCV.NXT.
    ranges: Vec<Range>,
    max_ranges: usize,
    arrivals: u64,
    limit: usize,
    /// Where the peer's FIN stands, once it is seen.
    pub(crate) fin: Option<SeqNumber>,
}

impl ReceiveQueue {
    pub(crate) fn new(limit: usize, max_ranges: usize) -> ReceiveQueue {
        let ring = Ring::default();
        ReceiveQueue { ring, ranges: Vec::new(), max_ranges, arrivals: 0, limit: limit.max(1), fin: None }
    }

    /// RCV.BUFF.
    pub(crate) fn limit(&self) -> u32 {
        u32::try_from(self.limit).unwrap_or(u32::MAX)
    }

    /// RCV.USER: acknowledged and not yet read.
    pub(crate) fn readable(&self) -> usize {
        self.ring.len()
    }

    /// RCV.BUFF - RCV.USER.
    pub(crate) fn free(&self) -> u32 {
        u32::try_from(self.limit.saturating_sub(self.ring.len())).unwrap_or(u32::MAX)
    }

    /// Whether text is held behind a gap.
    pub(crate) fn has_gap(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// Blocks of text that are held behind gaps.
    pub(crate) fn ranges_held(&self) -> usize {
        self.ranges.len()
    }

    /// Takes text that begins at or after `rcv_nxt` and lies in the window.
    pub(crate) fn insert(&mut self, rcv_nxt: SeqNumber, seq: SeqNumber, text: &[u8]) -> Arrival {
        let offset = self.ring.len() + seq.since(rcv_nxt) as usize;
        let mut right = seq + text.len() as u32;
        if seq != rcv_nxt {
            if !self.hold(seq, right) {
                return Arrival::Refused;
            }
            self.ring.write_at(offset, text);
            return Arrival::OutOfOrder;
        }
        let had_gap = self.has_gap();
        self.ring.write_at(offset, text);
        while let Some(range) = self.ranges.first().filter(|range| range.left <= right) {
            right = right.later(range.right);
            self.ranges.remove(0);
        }
        let advance = right.since(rcv_nxt);
        self.ring.extend(advance as usize);
        Arrival::InOrder { advance, filled: had_gap }
    }

    /// Adds a range, merging it with those that it meets; false where there are too many.
    #[cold]
    fn hold(&mut self, mut left: SeqNumber, mut right: SeqNumber) -> bool {
        let from = self.ranges.partition_point(|range| range.right < left);
        let to = self.ranges.partition_point(|range| range.left <= right);
        if from == to && self.ranges.len() >= self.max_ranges {
            return false;
        }
        for range in &self.ranges[from..to] {
            left = left.earlier(range.left);
            right = right.later(range.right);
        }
        self.arrivals += 1;
        self.ranges.splice(from..to, [Range { left, right, touched: self.arrivals }]);
        true
    }

    /// What of `left` to just before `right` is held already, the first such part.
    pub(crate) fn held(&self, left: SeqNumber, right: SeqNumber) -> Option<SackBlock> {
        let range = self.ranges.iter().find(|range| range.right > left && range.left < right)?;
        Some(SackBlock { left: left.later(range.left), right: right.earlier(range.right) })
    }

    /// What arrived twice (RFC 2883 4), then the ranges held, the one that changed last first (RFC 2018 4).
    pub(crate) fn sack_blocks(&self, duplicate: Option<SackBlock>) -> SackBlocks {
        let mut ranges: Vec<&Range> = self.ranges.iter().collect();
        ranges.sort_by_key(|range| core::cmp::Reverse(range.touched));
        let mut blocks = SackBlocks::default();
        if let Some(duplicate) = duplicate {
            blocks.push(duplicate);
        }
        for range in ranges {
            if !blocks.push(SackBlock { left: range.left, right: range.right }) {
                break;
            }
        }
        blocks
    }

    /// Copies what is readable into `buffer`, and takes it out unless `peek`.
    pub(crate) fn read(&mut self, buffer: &mut [u8], peek: bool) -> usize {
        let count = self.ring.copy_to(buffer);
        if !peek {
            self.ring.discard(count);
        }
        count
    }

    /// The octet `ahead` of the next one to be read, if it has arrived.
    pub(crate) fn octet_at(&self, ahead: usize) -> Option<u8> {
        self.ring.slices(ahead, 1).0.first().copied()
    }

    /// Bytes that are allocated.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.ring.capacity() + self.ranges.capacity() * size_of::<Range>()
    }

    /// Nothing more will come: gives back the memory where nothing is left to be read.
    pub(crate) fn give_back(&mut self) {
        if self.ring.len() == 0 {
            self.flush();
        }
    }

    /// Drops everything (RFC 9293: "all segment queues should be flushed").
    pub(crate) fn flush(&mut self) {
        self.ring.clear();
        self.ranges.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inserts the pieces given as (offset, length) of a pattern that begins just before the wrap, and returns how
    /// far RCV.NXT got; checks every byte read.
    #[track_caller]
    fn check(pieces: &[(u32, u32)], readable: u32, held: &[(u32, u32)]) {
        let start = SeqNumber(u32::MAX - 2);
        let mut rcv_nxt = start;
        let mut queue = ReceiveQueue::new(1000, 4);
        for &(offset, len) in pieces {
            let text: Vec<u8> = (offset..offset + len).map(|n| n as u8).collect();
            if let Arrival::InOrder { advance, .. } = queue.insert(rcv_nxt, start + offset, &text) {
                rcv_nxt += advance;
            }
        }
        let blocks = queue.sack_blocks(None);
        let edges: Vec<(u32, u32)> =
            blocks.as_slice().iter().map(|b| (b.left.since(start), b.right.since(start))).collect();
        assert_eq!((rcv_nxt.since(start), &edges[..]), (readable, held));
        let mut out = [0; 1000];
        assert_eq!(queue.read(&mut out, false), readable as usize);
        assert!(out[..readable as usize].iter().enumerate().all(|(n, byte)| *byte == n as u8));
    }

    #[test]
    fn reassembly() {
        check(&[(0, 10), (10, 5)], 15, &[]);
        check(&[(10, 10), (0, 10)], 20, &[]);
        check(&[(10, 10)], 0, &[(10, 20)]);
        check(&[(20, 10), (40, 10), (60, 10)], 0, &[(60, 70), (40, 50), (20, 30)]);
        check(&[(20, 10), (40, 10), (25, 20), (0, 10)], 10, &[(20, 50)]);
        check(&[(20, 10), (30, 10), (0, 25)], 40, &[]);
        check(&[(10, 5), (10, 20), (12, 2), (0, 10)], 30, &[]);
    }

    #[test]
    fn gaps_are_bounded() {
        check(
            &[(10, 1), (20, 1), (30, 1), (40, 1), (50, 1), (41, 1)],
            0,
            &[(40, 42), (30, 31), (20, 21), (10, 11)],
        );
    }
}
