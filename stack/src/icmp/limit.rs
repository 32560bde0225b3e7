//! The limit on ICMP errors: a token bucket (RFC 4443 2.4(f), RFC 1812 4.3.2.8).

use crate::config::RateLimit;
use crate::time::Instant;

/// A token, in units of its billionth part, so that a nanosecond's share is a whole number.
const TOKEN: u64 = 1_000_000_000;

#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Option<RateLimit>,
    tokens: u64,
    filled: Instant,
}

impl Limiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Limiter {
        let tokens = limit.map_or(0, |limit| u64::from(limit.burst) * TOKEN);
        Limiter { limit, tokens, filled: Instant::ZERO }
    }

    /// Whether one more error may be sent now.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let passed = u64::try_from(now.saturating_since(self.filled).as_nanos()).unwrap_or(u64::MAX);
        let gained = passed.saturating_mul(u64::from(limit.per_second));
        self.tokens = self.tokens.saturating_add(gained).min(u64::from(limit.burst) * TOKEN);
        self.filled = now;
        let allowed = self.tokens >= TOKEN;
        if allowed {
            self.tokens -= TOKEN;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut limiter = Limiter::new(Some(RateLimit { per_second: 2, burst: 3 }));
        let allowed = |limiter: &mut Limiter, now| (0..10).filter(|_| limiter.allows(now)).count();
        assert_eq!(allowed(&mut limiter, Instant::from_secs(1)), 3);
        assert_eq!(allowed(&mut limiter, Instant::from_millis(1499)), 0);
        assert_eq!(allowed(&mut limiter, Instant::from_millis(1500)), 1);
        assert_eq!(allowed(&mut limiter, Instant::from_secs(100)), 3);
        assert_eq!(allowed(&mut Limiter::new(None), Instant::ZERO), 10);
    }
}
