//! What is under way, segment by segment: when each was sent last, and what has become of it (RFC 8985 5.2).

use super::SeqNumber;
use crate::time::Instant;
use crate::wire::tcp_options::SackBlock;
use std::collections::VecDeque;

/// A segment that was sent and is not acknowledged; FIN counts, SYN does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) start: SeqNumber,
    /// Segment.end_seq.
    pub(crate) end: SeqNumber,
    /// Segment.xmit_ts: when it was sent last.
    pub(crate) at: Instant,
    /// Segment.retransmitted, ever.
    pub(crate) retransmitted: bool,
    /// The peer has SACKed it.
    pub(crate) sacked: bool,
    /// Segment.lost.
    pub(crate) lost: bool,
    /// It was sent again, and that transmission counts as under way.
    pub(crate) again: bool,
    /// Names what left together with it.
    pub(crate) burst: u32,
}

impl Sent {
    fn len(&self) -> u32 {
        self.end.since(self.start)
    }

    /// Whether its last transmission may still arrive, or be found to be lost.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.sacked && (self.again || !self.lost)
    }

    /// RACK_sent_after(): whether it was sent after a segment that was sent at `at` and ends at `end`.
    pub(crate) fn is_after(&self, at: Instant, end: SeqNumber) -> bool {
        self.at > at || (self.at == at && self.end > end)
    }
}

/// A number of segments and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) segments: u32,
    pub(crate) bytes: u32,
}

impl Count {
    fn change(&mut self, sent: &Sent, from: bool, to: bool) {
        match (from, to) {
            (false, true) => *self = Count { segments: self.segments + 1, bytes: self.bytes + sent.len() },
            (true, false) => *self = Count { segments: self.segments - 1, bytes: self.bytes - sent.len() },
            _ => {}
        }
    }
}

/// What an ACK has told of segments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
    /// DeliveredData (RFC 6937 3): acknowledged or SACKed for the first time.
    pub(crate) bytes: u32,
    /// The lowest number delivered of what was sent once and lies below what was SACKed before: reordering.
    pub(crate) reordered: Option<SeqNumber>,
    /// The end of what was SACKed before: RACK.fack.
    pub(crate) fack: Option<SeqNumber>,
}

/// Segments that there is room for while nothing is under way: a burst's.
const ROOM: usize = 32;

/// The segments that are under way, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flight {
    segments: VecDeque<Sent>,
    total: Count,
    sacked: Count,
    lost: Count,
    again: Count,
    /// Segments delivered since the connection began.
    delivered: u64,
    bursts: u32,
}

impl Flight {
    pub(crate) fn total(&self) -> Count {
        self.total
    }

    pub(crate) fn sacked(&self) -> Count {
        self.sacked
    }

    pub(crate) fn lost(&self) -> Count {
        self.lost
    }

    pub(crate) fn again(&self) -> Count {
        self.again
    }

    /// Segments delivered since the connection began.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// A SYN was delivered.
    pub(crate) fn syn_delivered(&mut self) {
        self.delivered += 1;
    }

    /// Bytes that are in the network as far as one knows.
    pub(crate) fn pipe(&self) -> u32 {
        (self.total.bytes + self.again.bytes).saturating_sub(self.sacked.bytes + self.lost.bytes)
    }

    pub(crate) fn first(&self) -> Option<&Sent> {
        self.segments.front()
    }

    pub(crate) fn last(&self) -> Option<&Sent> {
        self.segments.back()
    }

    /// What is sent from now on leaves in another burst.
    pub(crate) fn next_burst(&mut self) {
        self.bursts = self.bursts.wrapping_add(1);
    }

    /// `start` to just before `end` has been sent, for the first time or again.
    pub(crate) fn sent(&mut self, start: SeqNumber, end: SeqNumber, now: Instant) {
        let known = self.segments.back().map_or(start, |last| last.end.later(start));
        self.sent_again(start, end.earlier(known), now);
        if known >= end {
            return;
        }
        let sent = Sent {
            start: known,
            end,
            at: now,
            retransmitted: false,
            sacked: false,
            lost: false,
            again: false,
            burst: self.bursts,
        };
        self.total.change(&sent, false, true);
        self.segments.push_back(sent);
    }

    fn sent_again(&mut self, start: SeqNumber, end: SeqNumber, now: Instant) {
        if start >= end {
            return;
        }
        self.next_burst();
        self.split(start);
        self.split(end);
        let burst = self.bursts;
        let from = self.segments.partition_point(|sent| sent.start < start);
        for at in from..self.segments.len() {
            if self.segments[at].start >= end {
                break;
            }
            self.change(at, |sent| {
                (sent.at, sent.retransmitted, sent.again, sent.burst) = (now, true, !sent.sacked, burst);
            });
        }
    }

    /// Lets a segment begin at `seq`: what goes again need not be cut as it was.
    fn split(&mut self, seq: SeqNumber) {
        let at = self.segments.partition_point(|sent| sent.end <= seq);
        let Some(sent) = self.segments.get(at).copied().filter(|sent| sent.start < seq) else { return };
        let mut parts = [Sent { end: seq, ..sent }, Sent { start: seq, ..sent }];
        for (count, set) in [(&mut self.total, true), (&mut self.sacked, sent.sacked)] {
            count.segments += u32::from(set);
        }
        self.lost.segments += u32::from(sent.lost);
        self.again.segments += u32::from(sent.again);
        core::mem::swap(&mut self.segments[at], &mut parts[0]);
        self.segments.insert(at + 1, parts[1]);
    }

    /// Changes a segment, and the counts with it.
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Sent)) {
        let Some(sent) = self.segments.get_mut(at) else { return };
        let before = *sent;
        change(sent);
        self.sacked.change(&before, before.sacked, sent.sacked);
        self.lost.change(&before, before.lost, sent.lost);
        self.again.change(&before, before.again, sent.again);
    }

    /// SND.UNA is `una` now. `told` hears of each segment that is delivered by it.
    pub(crate) fn acknowledge(&mut self, una: SeqNumber, mut told: impl FnMut(&Sent)) -> Delivery {
        let mut delivery = Delivery { fack: self.highest_sacked(), ..Delivery::default() };
        // Part of a segment: that part is gone.
        self.split(una);
        while let Some(first) = self.segments.front().copied().filter(|first| first.end <= una) {
            if !first.sacked {
                self.deliver(&first, &mut delivery);
                told(&first);
            }
            self.total.change(&first, true, false);
            self.sacked.change(&first, first.sacked, false);
            self.lost.change(&first, first.lost, false);
            self.again.change(&first, first.again, false);
            self.segments.pop_front();
        }
        if self.segments.is_empty() && self.segments.capacity() > ROOM {
            self.segments.shrink_to(ROOM);
        }
        delivery
    }

    /// The peer has these blocks. `told` hears of each segment that is in one whole and was not before.
    pub(crate) fn sack(
        &mut self,
        blocks: &[SackBlock],
        (una, nxt): (SeqNumber, SeqNumber),
        mut told: impl FnMut(&Sent),
    ) -> Delivery {
        let mut delivery = Delivery { fack: self.highest_sacked(), ..Delivery::default() };
        for block in blocks {
            // As distances from SND.UNA, for `<` between numbers far apart is not transitive.
            let (left, right) = (block.left.since(una), block.right.since(una));
            if left >= right || right > nxt.since(una) {
                continue;
            }
            let from = self.segments.partition_point(|sent| sent.start < block.left);
            for at in from..self.segments.len() {
                let sent = self.segments[at];
                if sent.end > block.right {
                    break;
                }
                if !sent.sacked {
                    self.deliver(&sent, &mut delivery);
                    told(&sent);
                    self.change(at, |sent| (sent.sacked, sent.lost, sent.again) = (true, false, false));
                }
            }
        }
        delivery
    }

    fn deliver(&mut self, sent: &Sent, delivery: &mut Delivery) {
        self.delivered += 1;
        delivery.bytes += sent.len();
        if !sent.retransmitted && delivery.fack.is_some_and(|fack| sent.end < fack) {
            let lowest = delivery.reordered.map_or(sent.start, |lowest| lowest.earlier(sent.start));
            delivery.reordered = Some(lowest);
        }
    }

    /// The end of the highest segment that is SACKed.
    pub(crate) fn highest_sacked(&self) -> Option<SeqNumber> {
        if self.sacked.segments == 0 {
            return None;
        }
        self.segments.iter().rev().find(|sent| sent.sacked).map(|sent| sent.end)
    }

    /// Marks as lost what `is_lost` says is; how many segments that were not before.
    pub(crate) fn mark_lost(&mut self, mut is_lost: impl FnMut(&Sent) -> bool) -> u32 {
        let mut count = 0;
        for at in 0..self.segments.len() {
            let sent = self.segments[at];
            if sent.is_under_way() && is_lost(&sent) {
                self.change(at, |sent| (sent.lost, sent.again) = (true, false));
                count += 1;
            }
        }
        count
    }

    /// The segments from the first on, for as long as one may be concerned by an ACK of a segment sent at `at`: without
    /// any SACKed or sent again they are in the order in which they were sent.
    pub(crate) fn doubtful(&self, at: Instant) -> impl Iterator<Item = &Sent> {
        let ordered = self.sacked.segments == 0 && self.again.segments == 0;
        self.segments.iter().take_while(move |sent| !ordered || sent.at <= at)
    }

    /// What the peer has SACKed may be gone (RFC 2018 8).
    pub(crate) fn forget_sacks(&mut self) {
        for at in 0..self.segments.len() {
            self.change(at, |sent| sent.sacked = false);
        }
    }

    /// The first lost segments that were not sent again since, contiguous ones of one burst, at most `most` of them: where
    /// they begin and end, and how many there are.
    pub(crate) fn next_lost(&self, most: u32) -> Option<(SeqNumber, SeqNumber, u32)> {
        if self.lost.segments == 0 {
            return None;
        }
        let is_due = |sent: &&Sent| sent.lost && !sent.again;
        let mut due = self.segments.iter().skip_while(|sent| !is_due(sent)).take_while(is_due);
        let first = due.next()?;
        let (mut end, mut count) = (first.end, 1);
        for sent in due.take_while(|sent| sent.burst == first.burst) {
            if count >= most {
                break;
            }
            (end, count) = (sent.end, count + 1);
        }
        Some((first.start, end, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Just before the wrap.
    const UNA: SeqNumber = SeqNumber(u32::MAX - 25);

    /// Ten segments of ten bytes, each sent a millisecond after the one before.
    fn flight() -> Flight {
        let mut flight = Flight::default();
        for n in 0..10 {
            flight.sent(UNA + 10 * n, UNA + 10 * n + 10, Instant::from_millis(n.into()));
        }
        flight
    }

    fn block(left: u32, right: u32) -> SackBlock {
        SackBlock { left: UNA + left, right: UNA + right }
    }

    /// Segments in all, SACKed, lost and sent again, and the pipe.
    #[track_caller]
    fn check(flight: &Flight, counts: [u32; 4], pipe: u32) {
        let found =
            [flight.total, flight.sacked, flight.lost, flight.again].map(|count: Count| count.segments);
        assert_eq!((found, flight.pipe()), (counts, pipe));
        let bytes: u32 = flight.segments.iter().map(Sent::len).sum();
        assert_eq!(flight.total.bytes, bytes);
    }

    #[test]
    fn what_becomes_of_segments() {
        let mut flight = flight();
        check(&flight, [10, 0, 0, 0], 100);
        let mut told = Vec::new();
        let ends = (UNA, UNA + 100);
        let delivery = flight.sack(&[block(20, 40), block(45, 60)], ends, |s| told.push(s.start.since(UNA)));
        assert_eq!((delivery.bytes, &told[..]), (30, &[20, 30, 50][..]));
        check(&flight, [10, 3, 0, 0], 70);
        assert_eq!(flight.mark_lost(|sent| sent.start < UNA + 20), 2);
        check(&flight, [10, 3, 2, 0], 50);
        assert_eq!(flight.next_lost(9), Some((UNA, UNA + 20, 2)));
        assert_eq!(flight.next_lost(1), Some((UNA, UNA + 10, 1)));
        flight.sent(UNA, UNA + 15, Instant::from_millis(50));
        check(&flight, [11, 3, 3, 2], 65);
        assert_eq!(flight.next_lost(9), Some((UNA + 15, UNA + 20, 1)));
        let delivery = flight.acknowledge(UNA + 45, |_| ());
        assert_eq!(delivery.bytes, 25);
        check(&flight, [6, 1, 0, 0], 45);
        assert_eq!(flight.delivered(), 3 + 3 + 1);
        flight.acknowledge(UNA + 100, |_| ());
        check(&flight, [0; 4], 0);
    }

    #[test]
    fn reordering_is_seen() {
        let mut flight = flight();
        let ends = (UNA, UNA + 100);
        let mut sack = |left, right| flight.sack(&[block(left, right)], ends, |_| ()).reordered;
        assert_eq!(sack(50, 60), None);
        assert_eq!(sack(20, 40), Some(UNA + 20));
        assert_eq!(flight.acknowledge(UNA + 20, |_| ()).reordered, Some(UNA));
    }

    #[test]
    fn blocks_that_lie_say_nothing() {
        let mut flight = flight();
        let lies = [(20, 20), (40, 30), (90, 111), (u32::MAX - 9, u32::MAX), (1 << 30, 3 << 30)];
        let delivery = flight.sack(&lies.map(|(l, r)| block(l, r)), (UNA, UNA + 100), |_| ());
        assert_eq!(delivery.bytes, 0);
    }
}
