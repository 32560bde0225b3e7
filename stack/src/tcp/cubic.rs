//! CUBIC's congestion avoidance (RFC 8312 4), in integers, so that every machine computes the same.

use crate::time::Instant;
use core::time::Duration;

/// beta_cubic, in tenths.
const BETA: u64 = 7;

/// What CUBIC remembers; windows are in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cubic {
    /// W_max; 0 where the congestion avoidance that comes begins a new one: first of all, and after a timeout.
    w_max: u32,
    w_last_max: u32,
    /// When this congestion avoidance began.
    epoch: Option<Instant>,
    /// K, in milliseconds.
    k: u64,
    /// Growth that has not made up a byte yet, in bytes times cwnd.
    credit: u64,
}

/// An ACK in congestion avoidance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    pub(crate) acked: u32,
    pub(crate) cwnd: u32,
    pub(crate) mss: u32,
    pub(crate) now: Instant,
    pub(crate) rtt: Duration,
}

impl Cubic {
    /// By how much cwnd grows.
    #[inline(never)]
    pub(crate) fn grow(&mut self, growth: Growth) -> u32 {
        let Growth { acked, cwnd, mss, now, rtt } = growth;
        let epoch = *self.epoch.get_or_insert_with(|| {
            self.credit = 0;
            if self.w_max == 0 {
                (self.w_max, self.k) = (cwnd, 0);
            } else {
                self.k = k(self.w_max.saturating_sub(cwnd), mss);
            }
            now
        });
        let (t, rtt) = (millis(now.saturating_since(epoch)), millis(rtt).max(1));
        let friendly = w_est(self.w_max, t, rtt, mss);
        if self.cubic(t, mss) < friendly {
            // 4.2: never slower than Reno would be.
            return u32::try_from(friendly.saturating_sub(u64::from(cwnd))).unwrap_or(u32::MAX).min(acked);
        }
        // 4.3 and 4.4: a cwnd of segments each adds (W_cubic(t+RTT) - cwnd)/cwnd, but no more than slow start would.
        let gap = self.cubic(t + rtt, mss).saturating_sub(u64::from(cwnd)).min(u64::from(cwnd));
        self.credit += gap * u64::from(acked);
        let grown = self.credit / u64::from(cwnd.max(1));
        self.credit -= grown * u64::from(cwnd.max(1));
        u32::try_from(grown).unwrap_or(u32::MAX)
    }

    /// A loss or a mark at `cwnd`: the new ssthresh (4.5), with fast convergence (4.6).
    pub(crate) fn cut(&mut self, cwnd: u32, mss: u32) -> u32 {
        let less = cwnd < self.w_last_max;
        self.w_last_max = cwnd;
        self.w_max = if less { (u64::from(cwnd) * (10 + BETA) / 20) as u32 } else { cwnd };
        self.epoch = None;
        ((u64::from(cwnd) * BETA / 10) as u32).max(2 * mss)
    }

    /// A timeout: the congestion avoidance after it starts with a W_max of its own and K = 0 (4.7).
    pub(crate) fn timeout(&mut self) {
        (self.w_max, self.epoch) = (0, None);
    }

    /// W_cubic(t) = C*(t-K)^3 + W_max, C = 0.4 segments/s^3 (4.1), in bytes, with `t` in milliseconds.
    fn cubic(&self, t: u64, mss: u32) -> u64 {
        // A day's growth is beyond any window; the bound keeps the cube inside 128 bits.
        let d = i128::from(t.min(86_400_000)) - i128::from(self.k);
        let growth = d * d * d * i128::from(mss) * 4 / 10_000_000_000;
        u64::try_from(growth + i128::from(self.w_max)).unwrap_or(0)
    }
}

/// W_est(t) = W_max*beta + 3*(1-beta)/(1+beta) * t/RTT segments (4.2), in bytes.
fn w_est(w_max: u32, t: u64, rtt: u64, mss: u32) -> u64 {
    u64::from(w_max) * BETA / 10 + u64::from(mss) * 9 * t / (17 * rtt)
}

/// K, in milliseconds: the cube root of what is missing to W_max, in segments, by C. With cwnd = W_max*beta that is
/// cubic_root(W_max*(1-beta)/C) (4.1).
fn k(missing: u32, mss: u32) -> u64 {
    let cube = u128::from(missing) * 2_500_000_000 / u128::from(mss.max(1));
    let mut root: u64 = 0;
    for bit in (0..24).rev() {
        let next = root | 1 << bit;
        if u128::from(next).pow(3) <= cube {
            root = next;
        }
    }
    root
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1000;

    #[test]
    fn the_cube_root() {
        // 30 segments are missing: (30 / 0.4)^(1/3) = 4.217 s.
        assert_eq!([k(0, MSS), k(30 * MSS, MSS), k(u32::MAX, 1)], [0, 4217, 2_206_141]);
    }

    /// cwnd in segments after `seconds` of ACKs that each acknowledge a window, from a loss at 100 segments.
    fn after(seconds: u64, rtt: Duration) -> u32 {
        let mut cubic = Cubic::default();
        let mut cwnd = cubic.cut(100 * MSS, MSS);
        let start = Instant::from_secs(1);
        let mut now = start;
        while now.saturating_since(start) <= Duration::from_secs(seconds) {
            cwnd += cubic.grow(Growth { acked: cwnd, cwnd, mss: MSS, now, rtt });
            now += rtt;
        }
        cwnd / MSS
    }

    #[test]
    fn concave_plateau_convex() {
        let rtt = Duration::from_millis(100);
        let windows = [0, 1, 2, 4, 6, 8].map(|seconds| after(seconds, rtt));
        assert_eq!(windows, [72, 87, 96, 100, 102, 123]);
    }

    #[test]
    fn on_a_short_path_it_keeps_up_with_reno() {
        // 9/17 of a segment each round trip: 529 in a second of 1 ms each.
        assert_eq!(after(1, Duration::from_millis(1)), 70 + 529);
    }

    #[test]
    fn cuts() {
        let mut cubic = Cubic::default();
        assert_eq!((cubic.cut(100 * MSS, MSS), cubic.w_max), (70 * MSS, 100 * MSS));
        assert_eq!((cubic.cut(80 * MSS, MSS), cubic.w_max), (56 * MSS, 68 * MSS));
        assert_eq!(cubic.cut(MSS, MSS), 2 * MSS);
        cubic.timeout();
        let growth = Growth { acked: MSS, cwnd: 9 * MSS, mss: MSS, now: Instant::ZERO, rtt: Duration::ZERO };
        cubic.grow(growth);
        assert_eq!((cubic.w_max, cubic.k), (9 * MSS, 0));
    }
}
