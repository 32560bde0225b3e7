//! Text to the peer: what is queued, and when how much of it goes (RFC 9293 3.7, 3.7.4, 3.8.6.2.1).

use super::SeqNumber;
use super::ring::Ring;
use std::collections::VecDeque;

/// How a call wants its data to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Urging {
    /// By the rules.
    #[default]
    Normal,
    /// More follows at once: what does not fill a segment can wait for it (MSG_MORE).
    More,
    /// All of it, however small: the user has taken Nagle or the cork away.
    All,
}

/// Bytes that the user has sent and the peer has not acknowledged, and the FIN behind them.
#[derive(Clone, Debug)]
pub(crate) struct SendQueue {
    ring: Ring,
    /// Where calls ended, as numbers after their last bytes; at most one for each byte queued.
    pushes: VecDeque<SeqNumber>,
    /// Ends of records, which no segment goes beyond (MSG_EOR); at most one for each byte queued.
    records: VecDeque<SeqNumber>,
    /// How the call that is being made wants it.
    pub(crate) urging: Urging,
    /// The sequence number of the first byte in `ring`.
    base: SeqNumber,
    /// Whether the user has closed: a FIN follows the last byte.
    pub(crate) fin: bool,
    acknowledged: u64,
}

impl SendQueue {
    /// An empty queue whose first byte will have sequence number `base`.
    pub(crate) fn new(base: SeqNumber) -> SendQueue {
        SendQueue {
            ring: Ring::default(),
            pushes: VecDeque::new(),
            records: VecDeque::new(),
            urging: Urging::Normal,
            base,
            fin: false,
            acknowledged: 0,
        }
    }

    /// The number of the first byte that is not acknowledged, or of the first one that will be sent.
    pub(crate) fn base(&self) -> SeqNumber {
        self.base
    }

    /// Bytes queued.
    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// The sequence number after the last byte: the FIN's own.
    pub(crate) fn data_end(&self) -> SeqNumber {
        self.base + self.ring.len() as u32
    }

    /// The sequence number after everything queued, FIN counted.
    pub(crate) fn end(&self) -> SeqNumber {
        self.data_end() + u32::from(self.fin)
    }

    /// Queues as much of `data` as `limit` bytes in all leave room for; returns how much.
    pub(crate) fn push(&mut self, data: &[u8], limit: usize) -> usize {
        let count = data.len().min(limit.saturating_sub(self.ring.len()));
        self.ring.append(&data[..count]);
        count
    }

    /// Removes what lies before `ack`.
    pub(crate) fn acknowledge(&mut self, ack: SeqNumber) {
        let count = ack.saturating_since(self.base).min(self.ring.len() as u32);
        self.ring.discard(count as usize);
        self.base += count;
        self.acknowledged += u64::from(count);
        for ends in [&mut self.pushes, &mut self.records] {
            while ends.front().is_some_and(|end| *end <= self.base) {
                ends.pop_front();
            }
        }
    }

    /// Bytes acknowledged since the connection began.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// What was queued last ends a record.
    pub(crate) fn mark_record(&mut self) {
        let end = self.data_end();
        if self.ring.len() > 0 && self.records.back() != Some(&end) {
            self.records.push_back(end);
        }
    }

    /// Where the record ends that `seq` is in, if more was queued behind it.
    pub(crate) fn record_end(&self, seq: SeqNumber) -> Option<SeqNumber> {
        let after = self.records.partition_point(|end| *end <= seq);
        self.records.get(after).copied().filter(|end| *end < self.data_end())
    }

    /// What was queued last is the end of a call.
    pub(crate) fn mark_push(&mut self) {
        let end = self.data_end();
        if self.ring.len() > 0 && self.pushes.back() != Some(&end) {
            self.pushes.push_back(end);
        }
    }

    /// Whether a call ended after `seq`, up to `end`.
    pub(crate) fn is_pushed(&self, seq: SeqNumber, end: SeqNumber) -> bool {
        let after = self.pushes.partition_point(|push| *push <= seq);
        self.pushes.get(after).is_some_and(|push| *push <= end)
    }

    /// Up to `count` bytes from `seq`, in two pieces.
    pub(crate) fn text(&self, seq: SeqNumber, count: u32) -> (&[u8], &[u8]) {
        self.ring.slices(seq.saturating_since(self.base) as usize, count as usize)
    }

    /// Drops everything.
    pub(crate) fn flush(&mut self) {
        self.base = self.data_end();
        self.pushes.clear();
        self.records.clear();
        self.ring.clear();
    }
}

/// What decides whether text goes now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion {
    /// D: bytes queued and not yet sent.
    pub(crate) queued: u32,
    /// U: bytes that the peer's window leaves beyond SND.NXT.
    pub(crate) usable: u32,
    /// Eff.snd.MSS.
    pub(crate) mss: u32,
    /// Max(SND.WND).
    pub(crate) max_snd_wnd: u32,
    /// Whether Nagle permits a segment that is not full: SND.NXT = SND.UNA, or the user switched it off.
    pub(crate) small_permitted: bool,
    /// Whether the user has closed: no more data will come that could fill a segment.
    pub(crate) closing: bool,
    /// Whether the override timeout has occurred.
    pub(crate) overridden: bool,
}

/// How many bytes to send in one segment now; 0 for none (RFC 9293 3.8.6.2.1).
pub(crate) fn segment_size(occasion: Occasion) -> u32 {
    let Occasion { queued, usable, mss, max_snd_wnd, small_permitted, closing, overridden } = occasion;
    let sendable = queued.min(usable);
    if sendable >= mss {
        return mss; // (1)
    }
    let all = queued <= usable && (small_permitted || closing); // (2); all data counts as pushed (MUST-60)
    let half = small_permitted && sendable >= max_snd_wnd.div_ceil(2); // (3)
    if all || half || overridden { sendable } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Occasion = Occasion {
        queued: 0,
        usable: 10_000,
        mss: 1000,
        max_snd_wnd: 10_000,
        small_permitted: true,
        closing: false,
        overridden: false,
    };

    #[track_caller]
    fn check(occasion: Occasion, size: u32) {
        assert_eq!(segment_size(occasion), size, "{occasion:?}");
    }

    #[test]
    fn when_to_send() {
        check(Occasion { queued: 5000, ..IDLE }, 1000);
        check(Occasion { queued: 10, ..IDLE }, 10);
        check(Occasion { queued: 10, small_permitted: false, ..IDLE }, 0);
        check(Occasion { queued: 10, small_permitted: false, closing: true, ..IDLE }, 10);
        check(Occasion { queued: 5000, small_permitted: false, ..IDLE }, 1000);
        check(Occasion { queued: 500, usable: 10, ..IDLE }, 0);
        check(Occasion { queued: 500, usable: 10, overridden: true, ..IDLE }, 10);
        check(Occasion { queued: 500, usable: 200, max_snd_wnd: 400, ..IDLE }, 200);
        check(Occasion { queued: 500, usable: 199, max_snd_wnd: 400, ..IDLE }, 0);
        check(Occasion { queued: 500, usable: 200, max_snd_wnd: 400, small_permitted: false, ..IDLE }, 0);
        check(IDLE, 0);
    }

    #[test]
    fn acknowledged_bytes_leave_the_queue() {
        let mut queue = SendQueue::new(SeqNumber(u32::MAX));
        assert_eq!(queue.push(b"abcdef", 4), 4);
        queue.fin = true;
        queue.acknowledge(SeqNumber(1));
        assert_eq!((queue.text(SeqNumber(1), 9).0, queue.end()), (&b"cd"[..], SeqNumber(4)));
        queue.acknowledge(queue.end());
        assert_eq!((queue.len(), queue.data_end(), queue.end()), (0, SeqNumber(3), SeqNumber(4)));
    }
}
