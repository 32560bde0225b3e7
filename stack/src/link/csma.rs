//! How an adapter sends on a medium that it may have to share: CSMA/CD (IEEE 802.3 4.2.3) on half duplex, at once on full.
//!
//! ```text
//!            carrier          gap over            all bits out
//! Waiting ───────────▶ … ───────────────▶ Sending ───────────▶ Waiting
//!    ▲                                       │ collision
//!    │ slots over, 16th attempt: given up    ▼
//!    └───────────── BackingOff ◀───────── Jamming
//! ```
//! It does not know the medium: what it hears is told to it, and what it begins and ends is what [`Transmitter::poll`] gives.

use crate::rng::Rng;
use crate::time::Instant;
use core::time::Duration;
use std::collections::VecDeque;

/// slotTime, in bits: longer than the way to the far end and back, so that the first slot shows every collision.
pub const SLOT: u32 = 512;
/// interFrameGap, in bits.
pub const GAP: u32 = 96;
/// jamSize, in bits.
pub const JAM: u32 = 32;
/// Preamble and start of frame, in bits.
pub const PREAMBLE: u32 = 64;
/// attemptLimit.
pub const ATTEMPTS: u32 = 16;
/// backOffLimit: from so many collisions on the range of the back-off grows no more.
pub const BACK_OFF_LIMIT: u32 = 10;
/// Frames that wait to be sent; more are dropped.
const QUEUE: usize = 256;

/// Whether the medium is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplex {
    /// One sends at a time.
    Half,
    /// Each direction has a way of its own.
    Full,
}

/// What the adapter does on the medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It begins to send this frame, behind a preamble.
    Begin(Vec<u8>),
    /// From now on it sends the jam instead.
    Jam,
    /// It falls silent.
    End,
}

/// What became of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Frames that went out whole.
    pub whole: u64,
    /// Collisions.
    pub collisions: u64,
    /// Those of them that came after the slot in which they should: the medium is too long.
    pub late: u64,
    /// Frames given up after 16 attempts, or for which there was no room.
    pub lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// For a frame, for silence, or for the gap behind it; not before this time.
    Waiting {
        until: Instant,
    },
    Sending {
        since: Instant,
        until: Instant,
    },
    /// A collision was noticed; the jam begins when the preamble is out.
    Colliding {
        from: Instant,
    },
    Jamming {
        until: Instant,
    },
}

/// The sending half of an adapter.
#[derive(Clone, Debug)]
pub struct Transmitter {
    duplex: Duplex,
    bit: Duration,
    rng: Rng,
    queue: VecDeque<Vec<u8>>,
    state: State,
    carrier: bool,
    /// When the medium last fell silent, or the adapter last stopped.
    silent_since: Instant,
    /// Collisions of the frame in front.
    collisions: u32,
    sent: Sent,
}

impl Transmitter {
    /// An adapter on a medium on which a bit takes `bit`; the lengths of its back-offs follow from `seed`.
    pub fn new(duplex: Duplex, bit: Duration, seed: u64) -> Transmitter {
        Transmitter {
            duplex,
            bit,
            rng: Rng::new(seed),
            queue: VecDeque::new(),
            state: State::Waiting { until: Instant::ZERO },
            carrier: false,
            silent_since: Instant::ZERO,
            collisions: 0,
            sent: Sent::default(),
        }
    }

    /// Has a frame sent, with its check sequence behind it; it is dropped where too many wait.
    pub fn offer(&mut self, frame: Vec<u8>) {
        if self.queue.len() < QUEUE {
            self.queue.push_back(frame);
        } else {
            self.sent.lost += 1;
        }
    }

    /// What became of frames so far.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Whether it has nothing to send.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Tells whether somebody else is heard from now on. While it sends itself that is a collision.
    pub fn hear(&mut self, now: Instant, carrier: bool) {
        if self.duplex == Duplex::Full {
            return;
        }
        let stops = core::mem::replace(&mut self.carrier, carrier) && !carrier;
        if stops {
            self.silent_since = self.silent_since.max(now);
        }
        let State::Sending { since, until } = self.state else { return };
        if carrier && now < until {
            self.sent.collisions += 1;
            self.sent.late += u64::from(now >= since + self.bits(SLOT));
            // The preamble is sent to its end, so that everybody hears the collision.
            self.state = State::Colliding { from: now.max(since + self.bits(PREAMBLE)) };
        }
    }

    /// When [`Transmitter::poll`] is to be called next, if nothing is heard before.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { .. } if self.queue.is_empty() || self.carrier => None,
            State::Waiting { until } => Some(until.max(self.silent_since + self.bits(GAP))),
            State::Sending { until, .. } | State::Jamming { until } => Some(until),
            State::Colliding { from } => Some(from),
        }
    }

    /// What it does at `now`, if anything is due.
    pub fn poll(&mut self, now: Instant) -> Option<Signal> {
        if self.next_deadline().is_none_or(|due| due > now) {
            return None;
        }
        match self.state {
            State::Waiting { .. } => {
                let frame = self.queue.front()?.clone();
                let bits = PREAMBLE + 8 * u32::try_from(frame.len()).unwrap_or(u32::MAX / 16);
                self.state = State::Sending { since: now, until: now + self.bits(bits) };
                Some(Signal::Begin(frame))
            }
            State::Sending { .. } => {
                self.sent.whole += 1;
                self.next_frame(now);
                Some(Signal::End)
            }
            State::Colliding { .. } => {
                self.state = State::Jamming { until: now + self.bits(JAM) };
                Some(Signal::Jam)
            }
            State::Jamming { .. } => {
                self.back_off(now);
                Some(Signal::End)
            }
        }
    }

    fn next_frame(&mut self, now: Instant) {
        self.queue.pop_front();
        self.collisions = 0;
        self.silent_since = now;
        self.state = State::Waiting { until: now };
    }

    /// 4.2.3.2.5: after the nth collision it waits for r slots, r uniform below 2 to the power of n, or of 10 at most.
    fn back_off(&mut self, now: Instant) {
        self.collisions += 1;
        if self.collisions == ATTEMPTS {
            self.sent.lost += 1;
            return self.next_frame(now);
        }
        let slots = self.rng.below(1 << self.collisions.min(BACK_OFF_LIMIT));
        self.silent_since = now;
        self.state = State::Waiting { until: now + self.bits(SLOT) * slots };
    }

    fn bits(&self, count: u32) -> Duration {
        self.bit * count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIT: Duration = Duration::from_nanos(100);

    fn at(micros: f64) -> Instant {
        Instant::ZERO + Duration::from_nanos((micros * 1000.0) as u64)
    }

    /// The next thing that it does, and when.
    fn step(t: &mut Transmitter) -> Option<(Instant, Signal)> {
        let now = t.next_deadline()?;
        Some((now, t.poll(now)?))
    }

    #[test]
    fn a_gap_is_kept_behind_frames_and_behind_the_carrier() {
        let mut t = Transmitter::new(Duplex::Half, BIT, 1);
        t.offer(vec![0; 64]);
        t.offer(vec![1; 64]);
        assert_eq!(step(&mut t), Some((at(9.6), Signal::Begin(vec![0; 64]))));
        assert_eq!(step(&mut t), Some((at(67.2), Signal::End)), "64 bits of preamble, 512 of the frame");
        t.hear(at(70.0), true);
        assert_eq!(t.next_deadline(), None);
        t.hear(at(100.0), false);
        assert_eq!(step(&mut t), Some((at(109.6), Signal::Begin(vec![1; 64]))));
    }

    #[test]
    fn a_collision_is_jammed_and_the_sixteenth_gives_up() {
        let mut t = Transmitter::new(Duplex::Half, BIT, 1);
        t.offer(vec![0; 64]);
        for attempt in 1..=ATTEMPTS {
            let (begun, signal) = step(&mut t).expect("it tries again");
            assert_eq!(signal, Signal::Begin(vec![0; 64]), "attempt {attempt}");
            t.hear(begun + BIT * 10, true);
            let jam = begun + BIT * PREAMBLE;
            assert_eq!(step(&mut t), Some((jam, Signal::Jam)));
            let end = jam + BIT * JAM;
            assert_eq!(step(&mut t), Some((end, Signal::End)));
            t.hear(end, false);
            let slots = 1 << attempt.min(BACK_OFF_LIMIT);
            assert!(t.next_deadline().is_none_or(|due| due <= end + BIT * (SLOT * slots)));
        }
        assert_eq!(t.next_deadline(), None);
        assert_eq!(t.sent(), Sent { collisions: 16, lost: 1, ..Sent::default() });
    }

    #[test]
    fn back_offs_fill_their_range_and_no_more() {
        let mut longest = [0; 16];
        for seed in 0..400 {
            let mut t = Transmitter::new(Duplex::Half, BIT, seed);
            t.offer(vec![0; 64]);
            for longest in &mut longest[..15] {
                let (begun, _) = step(&mut t).expect("it tries");
                t.hear(begun, true);
                step(&mut t).expect("it jams");
                let (end, _) = step(&mut t).expect("it ends");
                t.hear(end, false);
                let State::Waiting { until } = t.state else { panic!("it does not wait") };
                let slots = until.saturating_since(end).as_nanos() / (BIT * SLOT).as_nanos();
                *longest = slots.max(*longest);
            }
        }
        assert_eq!(longest[..3], [1, 3, 7]);
        for (n, longest) in longest[..15].iter().enumerate() {
            let range = 1 << (n + 1).min(10);
            assert!(
                (range * 9 / 10..range).contains(longest) || n < 3,
                "{longest} slots after {} collisions",
                n + 1
            );
        }
    }

    #[test]
    fn full_duplex_hears_nobody() {
        let mut t = Transmitter::new(Duplex::Full, BIT, 1);
        t.offer(vec![0; 64]);
        t.hear(at(0.0), true);
        assert_eq!(step(&mut t), Some((at(9.6), Signal::Begin(vec![0; 64]))));
        t.hear(at(20.0), true);
        assert_eq!(step(&mut t), Some((at(67.2), Signal::End)));
        assert_eq!(t.sent(), Sent { whole: 1, ..Sent::default() });
    }
}
