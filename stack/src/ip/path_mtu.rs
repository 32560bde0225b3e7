//! What routers told of the MTU of paths (RFC 1191, RFC 8201).

use crate::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// RFC 1191 6.3: after ten minutes a larger MTU may be tried again.
const LIFETIME: Duration = Duration::from_secs(600);
/// Destinations remembered; beyond it the one that ends first goes.
const ENTRIES: usize = 1024;
/// The least MTU that a router can mean (RFC 791: every one forwards 68 bytes).
const MIN_IPV4: u16 = 68;
/// RFC 8201 4: a node never goes below the least MTU of IPv6.
const MIN_IPV6: u16 = 1280;
/// The plateaus of RFC 1191 7.1, for routers that do not tell their MTU.
const PLATEAUS: [u16; 10] = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

#[derive(Debug, Default)]
pub(crate) struct PathMtu {
    entries: BTreeMap<IpAddr, (u16, Instant)>,
}

impl PathMtu {
    /// The MTU towards `destination`, where one is known that is not older than ten minutes.
    pub(crate) fn get(&self, now: Instant, destination: IpAddr) -> Option<u16> {
        self.entries.get(&destination).filter(|(_, expires)| now < *expires).map(|(mtu, _)| *mtu)
    }

    /// When what is known of the way to `destination` ends.
    pub(crate) fn holds_until(&self, destination: IpAddr) -> Instant {
        self.entries.get(&destination).map_or(Instant::FAR_FUTURE, |(_, expires)| *expires)
    }

    /// Takes in that a datagram of `length` bytes did not fit: `mtu` is what the router says, 0 where it does not.
    /// Gives the MTU from now on. Larger values than known ones are not believed (RFC 1191 3).
    pub(crate) fn reduce(&mut self, now: Instant, destination: IpAddr, mtu: u32, length: u16) -> u16 {
        let told = told(destination, mtu, length);
        let known = self.get(now, destination).unwrap_or(u16::MAX);
        let mtu = told.min(known);
        if self.entries.len() >= ENTRIES && !self.entries.contains_key(&destination) {
            let first =
                self.entries.iter().min_by_key(|(_, (_, expires))| *expires).map(|(address, _)| *address);
            first.map(|address| self.entries.remove(&address));
        }
        self.entries.insert(destination, (mtu, now + LIFETIME));
        mtu
    }
}

/// The MTU that a router means which says `mtu` of a datagram of `length` bytes: 0 is that of a router which does not
/// tell (RFC 1191 5), and what cannot be is taken for the least there is.
pub(crate) fn told(destination: IpAddr, mtu: u32, length: u16) -> u16 {
    let told = u16::try_from(mtu).unwrap_or(u16::MAX);
    let told = if told == 0 { PLATEAUS.into_iter().find(|p| *p < length).unwrap_or(MIN_IPV4) } else { told };
    told.max(if destination.is_ipv4() { MIN_IPV4 } else { MIN_IPV6 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_downwards_and_for_ten_minutes() {
        let (mut paths, peer) = (PathMtu::default(), IpAddr::from([192, 0, 2, 2]));
        assert_eq!(paths.reduce(Instant::ZERO, peer, 1400, 1500), 1400);
        assert_eq!(paths.reduce(Instant::ZERO, peer, 1450, 1500), 1400);
        assert_eq!(paths.get(Instant::from_secs(599), peer), Some(1400));
        assert_eq!(paths.get(Instant::from_secs(600), peer), None);
    }

    #[test]
    fn silent_routers_and_lying_ones() {
        let (mut paths, v4) = (PathMtu::default(), IpAddr::from([192, 0, 2, 2]));
        assert_eq!(paths.reduce(Instant::ZERO, v4, 0, 1500), 1492);
        assert_eq!(paths.reduce(Instant::ZERO, v4, 1, 1500), 68);
        assert_eq!(paths.reduce(Instant::ZERO, IpAddr::from([1; 16]), 100, 1500), 1280);
    }
}
