//! What routers advertise of a link: themselves, and which prefixes are on it (RFC 4861 5.1, 6.3.4 to 6.3.6).

use crate::ip::Cidr;
use crate::time::Instant;
use core::time::Duration;
use std::net::Ipv6Addr;

/// Routers, and prefixes, that are remembered; RFC 4861 6.3.4 asks for two at least.
const MOST: usize = 16;

/// When what lives so many seconds ends; all ones: never (RFC 4861 4.6.2).
pub(crate) fn until(now: Instant, seconds: u32) -> Option<Instant> {
    (seconds != u32::MAX).then(|| now + Duration::from_secs(seconds.into()))
}

/// The default router list and the prefix list of one interface.
#[derive(Debug, Default)]
pub(crate) struct Routers {
    routers: Vec<(Ipv6Addr, Instant)>,
    prefixes: Vec<(Cidr, Option<Instant>)>,
    /// Counts routers that did not answer, so that the next one is tried (6.3.6).
    turn: usize,
}

impl Routers {
    /// A router says for how long it is a default router: 0 means no longer.
    pub(crate) fn heard(&mut self, now: Instant, router: Ipv6Addr, seconds: u16) {
        self.routers.retain(|(address, _)| *address != router || seconds > 0);
        let until = now + Duration::from_secs(seconds.into());
        if let Some(known) = self.routers.iter_mut().find(|(address, _)| *address == router) {
            known.1 = until;
        } else if seconds > 0 && self.routers.len() < MOST {
            self.routers.push((router, until));
        }
    }

    /// What was a router is none any more.
    pub(crate) fn remove(&mut self, router: Ipv6Addr) {
        self.routers.retain(|(address, _)| *address != router);
    }

    /// A prefix is on the link for so many seconds; 0 means no longer.
    pub(crate) fn on_link(&mut self, now: Instant, prefix: Cidr, seconds: u32) {
        let prefix = Cidr { address: prefix.network(), ..prefix };
        self.prefixes.retain(|(known, _)| *known != prefix);
        if seconds > 0 && self.prefixes.len() < MOST {
            self.prefixes.push((prefix, until(now, seconds)));
        }
    }

    /// The prefixes that are on the link.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = &Cidr> {
        self.prefixes.iter().map(|(prefix, _)| prefix)
    }

    /// The default router: one that is probably there, else each in turn.
    pub(crate) fn choose(&self, probably_there: impl Fn(Ipv6Addr) -> bool) -> Option<Ipv6Addr> {
        let mut addresses = self.routers.iter().map(|(address, _)| *address);
        let turn = self.turn.checked_rem(self.routers.len())?;
        addresses.clone().find(|address| probably_there(*address)).or_else(|| addresses.nth(turn))
    }

    /// A neighbour did not answer.
    pub(crate) fn failed(&mut self, neighbour: Ipv6Addr) {
        let is_router = self.routers.iter().any(|(address, _)| *address == neighbour);
        self.turn = self.turn.wrapping_add(usize::from(is_router));
    }

    /// Forgets what has come to its end, and gives the routers among it.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Ipv6Addr> {
        self.prefixes.retain(|(_, until)| until.is_none_or(|at| at > now));
        let gone = self.routers.iter().filter(|(_, at)| *at <= now).map(|(address, _)| *address).collect();
        self.routers.retain(|(_, at)| *at > now);
        gone
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let prefixes = self.prefixes.iter().filter_map(|(_, until)| *until);
        self.routers.iter().map(|(_, at)| *at).chain(prefixes).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

    #[test]
    fn routers_come_and_go() {
        let mut routers = Routers::default();
        assert_eq!(routers.choose(|_| true), None);
        routers.heard(Instant::ZERO, A, 10);
        routers.heard(Instant::ZERO, B, 20);
        assert_eq!(routers.choose(|address| address == B), Some(B));
        assert_eq!(routers.choose(|_| false), Some(A));
        routers.failed(A);
        assert_eq!(routers.choose(|_| false), Some(B));
        assert_eq!(routers.next_deadline(), Some(Instant::from_secs(10)));
        assert_eq!(routers.expire(Instant::from_secs(10)), [A]);
        routers.heard(Instant::from_secs(10), B, 0);
        assert_eq!(routers.choose(|_| true), None);
    }

    #[test]
    fn prefixes_end() {
        let (mut routers, address) = (Routers::default(), "2001:db8::9".parse().unwrap());
        let prefix = |length| Cidr { address: "2001:db8::1".parse().unwrap(), length };
        routers.on_link(Instant::ZERO, prefix(64), 5);
        routers.on_link(Instant::ZERO, prefix(128), u32::MAX);
        assert!(routers.prefixes().all(|prefix| prefix.contains(address) == (prefix.length == 64)));
        assert_eq!(routers.prefixes().count(), 2);
        routers.expire(Instant::from_secs(5));
        assert_eq!(routers.prefixes().count(), 1);
        routers.on_link(Instant::ZERO, prefix(128), 0);
        assert_eq!(routers.prefixes().count(), 0);
    }
}
