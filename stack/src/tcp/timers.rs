//! Deadlines: each connection keeps its own few, and a queue knows which connection is next.

use super::ConnectionId;
use crate::time::Instant;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// RTO of the first unacknowledged segment (RFC 6298).
    Retransmit,
    /// The next zero-window probe, or the override of silly window avoidance (RFC 9293 3.8.6.1, 3.8.6.2.1).
    Persist,
    /// The end of an ACK's delay (RFC 9293 3.8.6.3).
    DelayedAck,
    /// The next keep-alive probe (RFC 9293 3.8.4).
    Keepalive,
    /// 2 MSL (RFC 9293 3.6.1).
    TimeWait,
    /// The end of an unowned connection's patience in FIN-WAIT-2.
    FinWait2,
    /// The user timeout (RFC 9293 3.10.8).
    UserTimeout,
    /// RACK's reordering timer (RFC 8985 6.2).
    Reorder,
    /// The probe timeout (RFC 8985 7.2).
    Probe,
}

impl Timer {
    const ALL: [Timer; 9] = [
        Timer::Retransmit,
        Timer::Persist,
        Timer::DelayedAck,
        Timer::Keepalive,
        Timer::TimeWait,
        Timer::FinWait2,
        Timer::UserTimeout,
        Timer::Reorder,
        Timer::Probe,
    ];
}

/// The deadlines of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines {
    /// [`Instant::FAR_FUTURE`] where a timer is off.
    at: [Instant; Timer::ALL.len()],
    /// Under which deadline the connection stands in the [`TimerQueue`].
    queued: Option<Instant>,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { at: [Instant::FAR_FUTURE; Timer::ALL.len()], queued: None }
    }
}

impl Deadlines {
    /// Sets a timer; one set to [`Instant::FAR_FUTURE`] is off.
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.at[timer as usize] = at;
    }

    /// Sets a timer unless it is running.
    pub(crate) fn start(&mut self, timer: Timer, at: Instant) {
        if !self.is_set(timer) {
            self.set(timer, at);
        }
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.at[timer as usize] != Instant::FAR_FUTURE
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.at[timer as usize] = Instant::FAR_FUTURE;
    }

    pub(crate) fn stop_all(&mut self) {
        self.at.fill(Instant::FAR_FUTURE);
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        // By threes, so that not every comparison waits for the one before.
        let (threes, rest) = self.at.as_chunks();
        let of_threes = threes.iter().map(|[a, b, c]| *a.min(b).min(c));
        let first = of_threes.chain(rest.iter().copied()).fold(Instant::FAR_FUTURE, Instant::min);
        (first != Instant::FAR_FUTURE).then_some(first)
    }

    /// Stops and returns a timer that has expired by `now`: of several the one that expired first.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        let at = self.earliest().filter(|at| *at <= now)?;
        let timer = Timer::ALL.into_iter().find(|timer| self.at[*timer as usize] == at)?;
        self.stop(timer);
        Some(timer)
    }
}

/// The earliest deadline of every connection that has one: a binary heap that knows where each connection stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimerQueue {
    /// No entry is before its parent, which of the one at `n` is at `(n - 1) / 2`.
    heap: Vec<(Instant, ConnectionId)>,
    /// Where a connection stands in the heap, by its index; meaningless for one that does not.
    places: Vec<u32>,
}

impl TimerQueue {
    /// Moves the entry of `id` to where its deadlines say.
    pub(crate) fn reschedule(&mut self, id: ConnectionId, deadlines: &mut Deadlines) {
        let (old, new) = (deadlines.queued, deadlines.earliest());
        if old == new {
            return;
        }
        deadlines.queued = new;
        match (old, new) {
            (Some(_), Some(at)) => self.settle(self.place(id), (at, id)),
            (None, Some(at)) => {
                self.heap.push((at, id));
                self.settle(self.heap.len() - 1, (at, id));
            }
            (Some(_), None) => {
                let hole = self.place(id);
                if let Some(last) = self.heap.pop().filter(|_| hole < self.heap.len()) {
                    self.settle(hole, last);
                }
            }
            (None, None) => {}
        }
    }

    /// The next deadline and whose it is.
    pub(crate) fn next(&self) -> Option<(Instant, ConnectionId)> {
        self.heap.first().copied()
    }

    fn place(&self, id: ConnectionId) -> usize {
        self.places[id.index as usize] as usize
    }

    /// Puts an entry where it belongs, which is above or below `at`; what stands there is overwritten.
    fn settle(&mut self, mut at: usize, entry: (Instant, ConnectionId)) {
        while let Some(parent) = at.checked_sub(1).map(|before| before / 2)
            && entry < self.heap[parent]
        {
            self.put(at, self.heap[parent]);
            at = parent;
        }
        while let Some(child) = self.earlier_child(at)
            && self.heap[child] < entry
        {
            self.put(at, self.heap[child]);
            at = child;
        }
        self.put(at, entry);
    }

    fn earlier_child(&self, at: usize) -> Option<usize> {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let left_is = self.heap.get(right).is_none_or(|right| self.heap[left] < *right);
        (left < self.heap.len()).then_some(if left_is { left } else { right })
    }

    fn put(&mut self, at: usize, entry: (Instant, ConnectionId)) {
        let index = entry.1.index as usize;
        if index >= self.places.len() {
            self.places.resize(index + 1, 0);
        }
        (self.heap[at], self.places[index]) = (entry, at as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_expire_is_taken_first() {
        let mut deadlines = Deadlines::default();
        deadlines.set(Timer::Retransmit, Instant::from_secs(2));
        deadlines.set(Timer::DelayedAck, Instant::from_secs(1));
        deadlines.start(Timer::Retransmit, Instant::from_secs(9));
        deadlines.set(Timer::UserTimeout, Instant::FAR_FUTURE);
        assert_eq!(deadlines.take_expired(Instant::ZERO), None);
        assert_eq!(deadlines.take_expired(Instant::from_secs(3)), Some(Timer::DelayedAck));
        assert_eq!(deadlines.take_expired(Instant::from_secs(3)), Some(Timer::Retransmit));
        assert_eq!(deadlines.earliest(), None);
    }

    #[test]
    fn the_queue_agrees_with_a_sorted_set() {
        let (mut queue, mut rng) = (TimerQueue::default(), crate::rng::Rng::new(5));
        let mut connections = vec![Deadlines::default(); 40];
        for _ in 0..5000 {
            let index = rng.below(40) as usize;
            let id = ConnectionId { index: index as u32, generation: 0 };
            match rng.below(3) {
                0 => connections[index].stop_all(),
                _ => connections[index].set(Timer::Retransmit, Instant::from_secs(rng.below(50).into())),
            }
            queue.reschedule(id, &mut connections[index]);
            let all = (0..).zip(&connections).filter_map(|(index, deadlines)| {
                Some((deadlines.earliest()?, ConnectionId { index, generation: 0 }))
            });
            assert_eq!(queue.next(), all.min());
        }
    }
}
