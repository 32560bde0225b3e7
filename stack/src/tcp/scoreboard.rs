//! What the peer has of what lies beyond SND.UNA, as its SACK options tell, and what to send by it (RFC 6675 3, 4).

use super::SeqNumber;
use crate::wire::tcp_options::SackBlock;

/// Discontiguous SACKed ranges above a hole after which it counts as lost: DupThresh.
const DUPLICATE_THRESHOLD: usize = 3;

/// Ranges that are remembered. What a peer tells beyond that is forgotten, and sent again if it comes to that.
const MAX_RANGES: usize = 256;

/// The scoreboard. HighRxt and RescueRxt are kept as the number after the octet that the RFC means.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scoreboard {
    /// SACKed: disjoint, not touching, in order, all after SND.UNA.
    ranges: Vec<SackBlock>,
    high_rxt: SeqNumber,
    rescue_rxt: SeqNumber,
}

impl Scoreboard {
    /// Whether nothing is SACKed.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// HighACK has moved to just before `una`.
    pub(crate) fn acknowledge(&mut self, una: SeqNumber) {
        self.ranges.retain(|range| range.right > una);
        if let Some(first) = self.ranges.first_mut() {
            first.left = first.left.later(una);
        }
    }

    /// Update(): records blocks that lie between `una` and `max`; whether an octet is new among them. Blocks that lie
    /// elsewhere, D-SACK's too, or are empty or inverted say nothing (RFC 2018 5.1).
    pub(crate) fn update(&mut self, blocks: &[SackBlock], una: SeqNumber, max: SeqNumber) -> bool {
        let mut news = false;
        for block in blocks {
            // As distances from SND.UNA, for `<` between numbers far apart is not transitive.
            let (left, right) = (block.left.since(una), block.right.since(una));
            if 0 < left && left < right && right <= max.since(una) {
                news |= self.add(*block);
            }
        }
        news
    }

    fn add(&mut self, SackBlock { mut left, mut right }: SackBlock) -> bool {
        let from = self.ranges.partition_point(|range| range.right < left);
        let to = self.ranges.partition_point(|range| range.left <= right);
        let met = &self.ranges[from..to];
        if met.iter().any(|range| range.left <= left && right <= range.right)
            || (met.is_empty() && self.ranges.len() >= MAX_RANGES)
        {
            return false;
        }
        for range in met {
            left = left.earlier(range.left);
            right = right.later(range.right);
        }
        self.ranges.splice(from..to, [SackBlock { left, right }]);
        true
    }

    /// Octets SACKed before `end`.
    pub(crate) fn sacked_before(&self, end: SeqNumber) -> u32 {
        self.ranges.iter().map(|range| end.earlier(range.right).saturating_since(range.left)).sum()
    }

    /// The first number from `seq` on that is not SACKed.
    pub(crate) fn skip(&self, seq: SeqNumber) -> SeqNumber {
        let within = self.ranges.iter().find(|range| range.left <= seq && seq < range.right);
        within.map_or(seq, |range| range.right)
    }

    /// How many octets from `seq` on are not SACKed, if a SACKed one follows them.
    pub(crate) fn hole_at(&self, seq: SeqNumber) -> Option<u32> {
        let next = self.ranges.iter().find(|range| range.right > seq)?;
        Some(next.left.saturating_since(seq))
    }

    /// IsLost(): whether three discontiguous ranges, or more than two segments' octets, are SACKed above `seq`.
    pub(crate) fn is_lost(&self, seq: SeqNumber, mss: u32) -> bool {
        let above = self.ranges.partition_point(|range| range.right <= seq);
        let above = &self.ranges[above..];
        let octets: u32 = above.iter().map(|range| range.right.since(range.left)).sum();
        above.len() >= DUPLICATE_THRESHOLD || octets > (DUPLICATE_THRESHOLD as u32 - 1) * mss
    }

    /// The octets that are not SACKed, from `una` to `nxt`, hole by hole.
    fn holes(&self, una: SeqNumber, nxt: SeqNumber) -> impl Iterator<Item = (SeqNumber, SeqNumber)> {
        let starts = core::iter::once(una).chain(self.ranges.iter().map(|range| range.right));
        let ends = self.ranges.iter().map(|range| range.left).chain(core::iter::once(nxt));
        starts.zip(ends).filter(|(start, end)| start < end)
    }

    /// SetPipe(): octets that seem to be in the network. All octets of a hole are lost or none is.
    pub(crate) fn pipe(&self, una: SeqNumber, nxt: SeqNumber, mss: u32) -> u32 {
        let in_pipe = |(start, end): (SeqNumber, SeqNumber)| {
            let first = if self.is_lost(start, mss) { 0 } else { end.since(start) };
            first + self.high_rxt.earlier(end).saturating_since(start)
        };
        self.holes(una, nxt).map(in_pipe).sum()
    }

    /// NextSeg() (3), and (1) where it is lost too: the first octet behind HighRxt that is not SACKed while a later one
    /// is.
    pub(crate) fn next_hole(&self, una: SeqNumber) -> Option<SeqNumber> {
        let from = self.high_rxt.later(una);
        let next = self.skip(from);
        let highest = self.ranges.last()?.right;
        (next < highest).then_some(next)
    }

    /// NextSeg() (1).
    pub(crate) fn next_lost(&self, una: SeqNumber, mss: u32) -> Option<SeqNumber> {
        self.next_hole(una).filter(|seq| self.is_lost(*seq, mss))
    }

    /// NextSeg() (4): the last segment that is not SACKed, once in a recovery.
    pub(crate) fn rescue(&self, una: SeqNumber, nxt: SeqNumber, mss: u32) -> Option<SeqNumber> {
        let (start, end) = self.holes(una, nxt).last().filter(|_| una > self.rescue_rxt)?;
        Some(start.later(end - mss))
    }

    /// The rescue retransmission has been used up until `recovery_point` is acknowledged.
    pub(crate) fn rescued(&mut self, recovery_point: SeqNumber) {
        self.rescue_rxt = recovery_point + 1;
    }

    /// The first segment of a recovery was sent again, up to `end` (step 4.3).
    pub(crate) fn recovery_begun(&mut self, end: SeqNumber) {
        (self.high_rxt, self.rescue_rxt) = (end, end);
    }

    /// What lies before `end` has been sent again: HighRxt.
    pub(crate) fn retransmitted(&mut self, end: SeqNumber) {
        self.high_rxt = end;
    }

    /// A timeout: what was SACKed may be gone (RFC 2018 5, RFC 6675 5.1).
    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 10;
    /// SND.UNA, just before the wrap.
    const UNA: SeqNumber = SeqNumber(u32::MAX - 25);

    fn block(left: u32, right: u32) -> SackBlock {
        SackBlock { left: UNA + left, right: UNA + right }
    }

    /// 100 octets are out; which are SACKed, as offsets.
    fn board(blocks: &[(u32, u32)]) -> Scoreboard {
        let mut board = Scoreboard::default();
        board.recovery_begun(UNA);
        for &(left, right) in blocks {
            board.update(&[block(left, right)], UNA, UNA + 100);
        }
        board
    }

    #[track_caller]
    fn check(blocks: &[(u32, u32)], ranges: &[(u32, u32)], lost: u32, pipe: u32) {
        let board = board(blocks);
        let found: Vec<_> = board.ranges.iter().map(|r| (r.left.since(UNA), r.right.since(UNA))).collect();
        let found_lost = (0..100).filter(|n| board.is_lost(UNA + *n, MSS)).count() as u32;
        assert_eq!(
            (&found[..], found_lost, board.pipe(UNA, UNA + 100, MSS)),
            (ranges, lost, pipe),
            "{blocks:?}"
        );
    }

    #[test]
    fn blocks_and_losses() {
        check(&[], &[], 0, 100);
        check(&[(10, 20)], &[(10, 20)], 0, 90);
        check(&[(10, 20), (30, 40), (20, 30)], &[(10, 40)], 40, 60);
        check(&[(10, 30)], &[(10, 30)], 0, 80);
        check(&[(10, 31)], &[(10, 31)], 31, 69);
        check(&[(10, 11), (20, 21), (30, 31)], &[(10, 11), (20, 21), (30, 31)], 11, 87);
        check(&[(50, 60), (55, 90)], &[(50, 90)], 90, 10);
    }

    #[test]
    fn blocks_that_lie() {
        check(
            &[(0, 10), (20, 20), (40, 30), (90, 101), (u32::MAX - 9, u32::MAX), (1 << 30, 3 << 30)],
            &[],
            0,
            100,
        );
        let many: Vec<SackBlock> = (1..2000).map(|n| block(2 * n, 2 * n + 1)).collect();
        let mut board = board(&[]);
        board.update(&many, UNA, UNA + 10_000);
        assert_eq!(board.ranges.len(), MAX_RANGES);
    }

    #[test]
    fn what_to_send_next() {
        let mut board = board(&[(10, 20), (30, 40), (60, 80)]);
        assert_eq!(board.next_lost(UNA, MSS), Some(UNA));
        board.retransmitted(UNA + 10);
        assert_eq!(board.next_lost(UNA, MSS), Some(UNA + 20));
        assert_eq!(board.hole_at(UNA + 20), Some(10));
        board.retransmitted(UNA + 30);
        // Two segments are SACKed above, not more.
        assert_eq!((board.next_lost(UNA, MSS), board.next_hole(UNA)), (None, Some(UNA + 40)));
        assert_eq!(board.pipe(UNA, UNA + 100, MSS), 10 + 10 + 20 + 20);
        board.retransmitted(UNA + 60);
        assert_eq!((board.next_hole(UNA), board.rescue(UNA, UNA + 100, MSS)), (None, None));
        let una = UNA + 40;
        board.acknowledge(una);
        assert_eq!(board.rescue(una, UNA + 100, MSS), Some(UNA + 90));
        board.rescued(UNA + 99);
        assert_eq!(board.rescue(una, UNA + 100, MSS), None);
    }
}
