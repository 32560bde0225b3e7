//! How long addresses live that were formed from advertised prefixes (RFC 4862 5.5.3 and 5.5.4).

use super::routers::until;
use crate::network::{earliest, earliest_in};
use crate::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// What an advertisement without proof cannot go below (5.5.3 (e)).
const TWO_HOURS: Duration = Duration::from_secs(7200);
/// Addresses that an interface forms; more routers' prefixes are not used.
const MOST: usize = 16;

/// When an address is not for new communication any more, and when not for any; `None`: never.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    preferred: Option<Instant>,
    valid: Option<Instant>,
    is_deprecated: bool,
}

/// The addresses that an interface has formed.
#[derive(Debug, Default)]
pub(crate) struct Lifetimes {
    entries: BTreeMap<Ipv6Addr, Lifetime>,
}

impl Lifetimes {
    /// A router advertises the prefix of `address`, which is thereby kept. True where it is to be formed.
    pub(crate) fn advertised(&mut self, now: Instant, address: Ipv6Addr, preferred: u32, valid: u32) -> bool {
        let is_deprecated = preferred == 0;
        let advertised =
            Lifetime { preferred: until(now, preferred), valid: until(now, valid), is_deprecated };
        let Some(known) = self.entries.get_mut(&address) else {
            let room = self.entries.len() < MOST && valid > 0;
            if room {
                self.entries.insert(address, advertised);
            }
            return room;
        };
        (known.preferred, known.is_deprecated) = (advertised.preferred, is_deprecated);
        let remaining = known.valid.map_or(Duration::MAX, |at| at.saturating_since(now));
        let offered = advertised.valid.map_or(Duration::MAX, |at| at.saturating_since(now));
        if offered > TWO_HOURS || offered > remaining {
            known.valid = advertised.valid;
        } else if remaining > TWO_HOURS {
            known.valid = Some(now + TWO_HOURS);
        }
        false
    }

    pub(crate) fn is_deprecated(&self, address: Ipv6Addr) -> bool {
        self.entries.get(&address).is_some_and(|life| life.is_deprecated)
    }

    pub(crate) fn remove(&mut self, address: Ipv6Addr) {
        self.entries.remove(&address);
    }

    /// Marks what is not preferred any more, forgets what is not valid any more, and gives that.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Ipv6Addr> {
        for life in self.entries.values_mut() {
            life.is_deprecated |= life.preferred.is_some_and(|at| at <= now);
        }
        let over = |life: &Lifetime| life.valid.is_some_and(|at| at <= now);
        let gone = self.entries.iter().filter(|(_, life)| over(life)).map(|(address, _)| *address).collect();
        self.entries.retain(|_, life| !over(life));
        gone
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let preferred = |life: &Lifetime| life.preferred.filter(|_| !life.is_deprecated);
        earliest_in(&self.entries, |life| earliest([life.valid, preferred(life)]))
    }

    /// Forgets all, and gives it.
    pub(crate) fn flush(&mut self) -> Vec<Ipv6Addr> {
        core::mem::take(&mut self.entries).into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    /// An address with `left` seconds, advertised with `offered`, ends after.
    fn check(left: u32, offered: u32, expected: Option<u64>) {
        let mut lifetimes = Lifetimes::default();
        assert!(lifetimes.advertised(Instant::ZERO, A, left, left));
        assert!(!lifetimes.advertised(Instant::ZERO, A, 0, offered));
        assert_eq!(lifetimes.next_deadline(), expected.map(Instant::from_secs), "{left} {offered}");
        assert!(lifetimes.is_deprecated(A));
    }

    #[test]
    fn the_rule_of_two_hours() {
        check(3600, 10_800, Some(10_800));
        check(3600, 3700, Some(3700));
        check(3600, 10, Some(3600));
        check(86_400, 10, Some(7200));
        check(u32::MAX, 10, Some(7200));
        check(3600, u32::MAX, None);
    }

    #[test]
    fn addresses_end() {
        let mut lifetimes = Lifetimes::default();
        assert!(!lifetimes.advertised(Instant::ZERO, A, 0, 0));
        assert!(lifetimes.advertised(Instant::ZERO, A, 5, 10));
        assert!(lifetimes.expire(Instant::from_secs(4)).is_empty());
        assert!(!lifetimes.is_deprecated(A));
        assert!(lifetimes.expire(Instant::from_secs(5)).is_empty());
        assert!(lifetimes.is_deprecated(A));
        assert!(lifetimes.expire(Instant::from_secs(9)).is_empty());
        assert_eq!(lifetimes.expire(Instant::from_secs(10)), [A]);
    }
}
