//! IPv4 addresses that are claimed: probed for before they are used, then announced (RFC 5227 2.1 and 2.3).

use super::autoconf::random_within;
use crate::ip::Cidr;
use crate::network::Network;
use crate::time::Instant;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

/// RFC 5227 1.1: PROBE_WAIT, PROBE_MIN and what PROBE_MAX adds to it.
const PROBE_WAIT: Duration = Duration::from_secs(1);
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_SPREAD: Duration = Duration::from_secs(1);
/// PROBE_NUM.
const PROBES: u32 = 3;
/// ANNOUNCE_WAIT, ANNOUNCE_INTERVAL and ANNOUNCE_NUM.
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const ANNOUNCEMENTS: u32 = 2;
/// Addresses that are claimed at once.
const MOST: usize = 32;

/// How far a claim is.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// So many probes are to be sent.
    Probing(u32),
    /// So many announcements are to be sent; the address is in use once the first is.
    Announcing(u32),
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    cidr: Cidr,
    address: Ipv4Addr,
    stage: Stage,
    next: Instant,
}

/// The claims of one interface.
#[derive(Debug, Default)]
pub(crate) struct Claims(Vec<Claim>);

impl Claims {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().map(|claim| claim.next).min()
    }

    /// Another station has, or probes for, an address that is being probed for: it is not used (2.1.1).
    pub(super) fn contested(&mut self, address: Ipv4Addr) {
        // Until ANNOUNCE_WAIT after the last probe, when the first announcement goes out.
        let is_probed = |stage| matches!(stage, Stage::Probing(_) | Stage::Announcing(ANNOUNCEMENTS));
        self.0.retain(|claim| claim.address != address || !is_probed(claim.stage));
    }
}

impl Network {
    /// Begins to claim an address.
    pub(crate) fn claim_address(&mut self, now: Instant, interface: usize, cidr: Cidr) {
        let IpAddr::V4(address) = cidr.address else { return };
        let next = now + random_within(&mut self.rng, PROBE_WAIT);
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        let claims = &mut link.claims.0;
        if claims.len() < MOST && claims.iter().all(|claim| claim.address != address) {
            claims.push(Claim { cidr, address, stage: Stage::Probing(PROBES), next });
        }
    }

    /// Sends the probes and announcements that are due.
    pub(crate) fn poll_claims(&mut self, now: Instant) {
        for interface in 0..self.interfaces.len() {
            let claims = core::mem::take(&mut self.interfaces[interface].claims.0);
            let left = claims.into_iter().filter_map(|claim| match claim.next <= now {
                true => self.advance_claim(now, interface, claim),
                false => Some(claim),
            });
            let left: Vec<Claim> = left.collect();
            self.interfaces[interface].claims.0 = left;
        }
    }

    /// The claim after its next step; `None` where it is done.
    fn advance_claim(&mut self, now: Instant, interface: usize, claim: Claim) -> Option<Claim> {
        let Claim { cidr, address, .. } = claim;
        match claim.stage {
            Stage::Probing(left) => {
                self.send_arp_question(interface, Ipv4Addr::UNSPECIFIED, address);
                let (stage, wait) = match left {
                    0 | 1 => (Stage::Announcing(ANNOUNCEMENTS), ANNOUNCE_WAIT),
                    _ => {
                        let wait = PROBE_MIN + random_within(&mut self.rng, PROBE_SPREAD);
                        (Stage::Probing(left - 1), wait)
                    }
                };
                Some(Claim { stage, next: now + wait, ..claim })
            }
            Stage::Announcing(left) => {
                self.interfaces[interface].assign(cidr);
                self.send_arp_question(interface, address, address);
                let stage = Stage::Announcing(left.checked_sub(1).filter(|left| *left > 0)?);
                Some(Claim { stage, next: now + ANNOUNCE_INTERVAL, ..claim })
            }
        }
    }
}
