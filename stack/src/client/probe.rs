//! Whether another station has an address, asked before it is used (RFC 5227 2.1).

use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::MacAddress;
use crate::wire::arp::Packet;
use core::time::Duration;
use std::net::Ipv4Addr;

/// RFC 5227 1.1, as the next ones.
const PROBE_WAIT: Duration = Duration::from_secs(1);
const PROBE_NUM: u32 = 3;
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(2);
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
/// Announcements, and the time between them.
pub(super) const ANNOUNCE_NUM: u32 = 2;
pub(super) const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
/// After so many conflicts, one address in [`RATE_LIMIT_INTERVAL`] is tried.
pub(super) const MAX_CONFLICTS: u32 = 10;
pub(super) const RATE_LIMIT_INTERVAL: Duration = Duration::from_secs(60);

/// A probe under way.
#[derive(Debug)]
pub(super) struct Probe {
    address: Ipv4Addr,
    sent: u32,
    pub(super) deadline: Instant,
}

/// What is due of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The next question.
    Ask,
    /// Nobody has the address.
    Free,
}

impl Probe {
    pub(super) fn new(now: Instant, address: Ipv4Addr, rng: &mut Rng) -> Probe {
        Probe { address, sent: 0, deadline: now + random(rng, PROBE_WAIT) }
    }

    /// The deadline has come.
    pub(super) fn due(&mut self, now: Instant, rng: &mut Rng) -> Due {
        if self.sent == PROBE_NUM {
            return Due::Free;
        }
        self.sent += 1;
        let last = self.sent == PROBE_NUM;
        let wait = if last { ANNOUNCE_WAIT } else { PROBE_MIN + random(rng, PROBE_MAX - PROBE_MIN) };
        self.deadline = now + wait;
        Due::Ask
    }

    /// Whether an ARP packet shows that another station has the address, or probes for it itself (2.1.1). Packets of
    /// this host that come back show nothing.
    pub(super) fn conflicts(&self, packet: &Packet, own: MacAddress) -> bool {
        let claims = packet.sender == self.address;
        let probes = packet.sender.is_unspecified() && packet.target == self.address;
        packet.sender_mac != own && (claims || probes)
    }
}

/// A random time from zero to `most`.
pub(super) fn random(rng: &mut Rng, most: Duration) -> Duration {
    let micros = u32::try_from(most.as_micros()).unwrap_or(u32::MAX - 1);
    Duration::from_micros(rng.below(micros.saturating_add(1)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_questions_and_a_wait() {
        let (mut rng, start) = (Rng::new(1), Instant::from_secs(100));
        let mut probe = Probe::new(start, Ipv4Addr::new(192, 0, 2, 1), &mut rng);
        let mut at = vec![start];
        loop {
            at.push(probe.deadline);
            if probe.due(probe.deadline, &mut rng) == Due::Free {
                break;
            }
        }
        let gaps: Vec<Duration> = at.windows(2).map(|pair| pair[1].saturating_since(pair[0])).collect();
        assert_eq!(gaps.len(), 4, "{gaps:?}");
        assert!(gaps[0] <= PROBE_WAIT, "{gaps:?}");
        assert!(gaps[1..3].iter().all(|gap| (PROBE_MIN..=PROBE_MAX).contains(gap)), "{gaps:?}");
        assert_eq!(gaps[3], ANNOUNCE_WAIT);
    }

    #[test]
    fn who_is_in_conflict() {
        let (own, other) = (MacAddress([2, 0, 0, 0, 0, 1]), MacAddress([2, 0, 0, 0, 0, 9]));
        let (mine, any) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::UNSPECIFIED);
        let probe = Probe::new(Instant::ZERO, mine, &mut Rng::new(1));
        let check = |sender_mac, sender, target, expected| {
            let target_mac = MacAddress::default();
            let packet = Packet { hardware_type: 1, operation: 1, sender_mac, sender, target_mac, target };
            assert_eq!(probe.conflicts(&packet, own), expected, "{packet:?}");
        };
        check(other, mine, any, true);
        check(other, any, mine, true);
        check(own, any, mine, false);
        check(own, mine, mine, false);
        check(other, Ipv4Addr::new(192, 0, 2, 2), mine, false);
    }
}
