//! A bound on how often something happens (RFC 5961 7).

use super::config::RateLimit;
use crate::time::Instant;

/// Counts in intervals that begin with their first event.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateLimiter {
    since: Instant,
    count: u32,
}

impl RateLimiter {
    /// Whether it may happen once more now; without a limit it always may.
    pub(crate) fn permits(&mut self, limit: Option<RateLimit>, now: Instant) -> bool {
        let Some(limit) = limit else { return true };
        if self.count == 0 || now.saturating_since(self.since) >= limit.per {
            *self = RateLimiter { since: now, count: 0 };
        }
        if self.count >= limit.count {
            return false;
        }
        self.count += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn counts_per_interval() {
        let limit = Some(RateLimit { count: 2, per: Duration::from_secs(1) });
        let mut limiter = RateLimiter::default();
        let mut at = |millis| limiter.permits(limit, Instant::from_millis(millis));
        assert_eq!([at(0), at(1), at(2), at(999), at(1000)], [true, true, false, false, true]);
    }
}
