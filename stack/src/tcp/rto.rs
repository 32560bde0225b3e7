//! The retransmission timeout (RFC 6298) and Karn's algorithm.

use super::SeqNumber;
use super::config::Config;
use crate::time::Instant;
use core::time::Duration;

/// A segment whose round trip is being measured.
#[derive(Clone, Copy, Debug)]
struct Timing {
    /// An ACK of this number or a later one ends the measurement.
    end: SeqNumber,
    sent_at: Instant,
}

/// SRTT, RTTVAR and what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct RetransmissionTimeout {
    pub(crate) srtt: Option<Duration>,
    pub(crate) rttvar: Duration,
    base: Duration,
    /// How often the timer has expired since the last sample (5.5).
    backoff: u32,
    timing: Option<Timing>,
    /// The highest number sent, and what it was when the last sample was taken: one sample a round trip is smoothed (RFC
    /// 7323 4.2), or many of one would make the stack forget the others.
    sent_until: SeqNumber,
    sampled_until: Option<SeqNumber>,
    min: Duration,
    max: Duration,
    granularity: Duration,
}

impl RetransmissionTimeout {
    pub(crate) fn new(config: &Config) -> RetransmissionTimeout {
        RetransmissionTimeout {
            srtt: None,
            rttvar: Duration::ZERO,
            base: config.rto_initial,
            backoff: 0,
            timing: None,
            sent_until: SeqNumber(0),
            sampled_until: None,
            min: config.rto_min,
            max: config.rto_max.max(config.rto_min),
            granularity: config.granularity,
        }
    }

    /// RTO as the timer is set to it, back-off included.
    pub(crate) fn current(&self) -> Duration {
        doubled(self.base, self.backoff, self.max)
    }

    /// RTO without back-off.
    pub(crate) fn base(&self) -> Duration {
        self.base
    }

    /// The timer has expired (5.5).
    pub(crate) fn back_off(&mut self) {
        self.backoff = (self.backoff + 1).min(16);
    }

    /// New data up to `end` has been sent: measure it, unless a measurement is under way (one a round trip, 3).
    pub(crate) fn sent(&mut self, end: SeqNumber, now: Instant) {
        self.sent_until = end;
        if self.timing.is_none() {
            self.timing = Some(Timing { end, sent_at: now });
        }
    }

    /// Something was retransmitted: an ACK would not tell of which transmission (Karn's algorithm, 3).
    pub(crate) fn retransmitted(&mut self) {
        self.timing = None;
    }

    /// New data is acknowledged up to `ack`. `echoed` is the round trip by timestamps, which a retransmission does
    /// not blur; it counts where there is no better measurement. Gives the sample that was taken.
    pub(crate) fn acknowledged(
        &mut self,
        ack: SeqNumber,
        now: Instant,
        echoed: Option<Duration>,
    ) -> Option<Duration> {
        let rtt = match self.timing {
            Some(timing) if timing.end <= ack => {
                self.timing = None;
                Some(now.saturating_since(timing.sent_at))
            }
            Some(_) => None,
            None => echoed,
        };
        let same_round_trip = self.sampled_until.is_some_and(|until| ack <= until) && self.backoff == 0;
        if let Some(rtt) = rtt.filter(|_| !same_round_trip) {
            self.sample(rtt);
            self.sampled_until = Some(self.sent_until);
        }
        rtt
    }

    /// 2.2 and 2.3.
    fn sample(&mut self, rtt: Duration) {
        let srtt = match self.srtt {
            None => {
                self.rttvar = rtt / 2;
                rtt
            }
            Some(srtt) => {
                self.rttvar = self.rttvar * 3 / 4 + srtt.abs_diff(rtt) / 4;
                srtt * 7 / 8 + rtt / 8
            }
        };
        self.srtt = Some(srtt);
        self.base = (srtt + self.granularity.max(self.rttvar * 4)).clamp(self.min, self.max);
        self.backoff = 0;
    }

    /// Data transmission begins. Where the SYN was retransmitted, RTO is at least `least` (5.7).
    pub(crate) fn established(&mut self, syn_retransmitted: bool, least: Duration) {
        if syn_retransmitted {
            self.base = self.base.max(least);
            self.backoff = 0;
        }
    }
}

/// `base` times 2^`times`, at most `max`.
pub(crate) fn doubled(base: Duration, times: u32, max: Duration) -> Duration {
    base.checked_mul(1 << times.min(31)).map_or(max, |doubled| doubled.min(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Feeds the samples, in milliseconds, and compares the RTO.
    #[track_caller]
    fn check(samples: &[u64], rto: u64) {
        let mut estimate = RetransmissionTimeout::new(&Config::default());
        samples.iter().for_each(|rtt| estimate.sample(MS(*rtt)));
        assert_eq!(estimate.current(), MS(rto), "{samples:?}");
    }

    #[test]
    fn samples() {
        check(&[], 1000);
        check(&[2000], 6000); // SRTT 2, RTTVAR 1
        check(&[2000, 2000], 5000); // RTTVAR 0.75
        check(&[2000, 4000], 2250 + 4 * 1250);
        check(&[10], 1000);
        check(&[50_000], 60_000);
    }

    #[test]
    fn backs_off_and_collapses() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        let series: Vec<u64> = (0..8)
            .map(|_| {
                rto.back_off();
                rto.current().as_secs()
            })
            .collect();
        assert_eq!(series, [2, 4, 8, 16, 32, 60, 60, 60]);
        rto.sample(MS(100));
        assert_eq!(rto.current(), MS(1000));
    }

    #[test]
    fn retransmission_spoils_a_measurement() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        rto.sent(SeqNumber(100), Instant::ZERO);
        rto.retransmitted();
        rto.acknowledged(SeqNumber(100), Instant::from_secs(5), None);
        assert_eq!(rto.srtt, None);
        rto.acknowledged(SeqNumber(200), Instant::from_secs(5), Some(MS(2000)));
        assert_eq!(rto.srtt, Some(MS(2000)));
    }
}
