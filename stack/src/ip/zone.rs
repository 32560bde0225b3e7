//! Zones (RFC 4007): an address of link scope means something on one link alone, and is told from its namesake on another link
//! by the interface. An address in a socket's terms says it as its scope id, the interface's number counted from 1.

use crate::network::Network;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// The zone that an address names, if any (RFC 4007 6): an interface. Zone 0 is the default one, which the routes tell, and an
/// address that means the same everywhere has no zone.
#[inline]
pub(crate) fn zone(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V6(address) = address else { return None };
    usize::try_from(address.scope_id()).ok().filter(|_| has_zone(&address))?.checked_sub(1)
}

/// The scope id, of IPv6 alone; 0 is none.
#[inline]
pub(crate) fn scope(address: &SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    }
}

fn has_zone(address: &SocketAddrV6) -> bool {
    let ip = address.ip();
    ip.is_unicast_link_local() || (ip.is_multicast() && ip.octets()[1] & 0xf <= 2)
}

/// Whether an address is one host's on one link.
#[inline]
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// The address as the wire has it, which knows of no zones.
pub(crate) fn without_zone(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

/// An address of the zone of this interface; one that means the same everywhere is as it was.
#[inline]
pub(crate) fn with_zone(address: SocketAddr, zone: Option<usize>) -> SocketAddr {
    match (address, zone.map(|zone| u32::try_from(zone + 1))) {
        (SocketAddr::V6(address), Some(Ok(scope))) if has_zone(&address) => {
            SocketAddrV6::new(*address.ip(), address.port(), 0, scope).into()
        }
        _ => address,
    }
}

impl Network {
    /// The interface whose zone a link-local address of this host is in (RFC 4007 6): what it sends stays there.
    pub(crate) fn zone_of(&self, own: IpAddr) -> Option<usize> {
        if is_link_local(own) { self.owner_of(own) } else { None }
    }

    /// The zone of what goes between two addresses, where their user names none.
    pub(crate) fn default_zone(&self, own: IpAddr, remote: IpAddr) -> Option<usize> {
        match is_link_local(remote) {
            true => self.route(remote, None).map(|hop| hop.interface),
            false => self.zone_of(own),
        }
    }

    /// The interface whose own address `address` is: where it is one of link scope, in that zone alone if one is named.
    pub(crate) fn owner_in(&self, address: IpAddr, zone: Option<usize>) -> Option<usize> {
        match zone.filter(|_| is_link_local(address)) {
            None => self.owner_of(address),
            Some(zone) => self.interfaces.get(zone).filter(|link| link.has(address)).map(|_| zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_of_what_means_something_on_a_link_alone() {
        let check = |text: &str, expected| {
            let address = text.parse().unwrap();
            assert_eq!(zone(address), expected, "{text}");
            assert_eq!(zone(with_zone(without_zone(address), expected)), expected, "{text}");
        };
        check("[fe80::1%2]:80", Some(1));
        check("[fe80::1]:80", None);
        check("[ff02::1%1]:80", Some(0));
        check("[ff0e::1%1]:80", None);
        check("[2001:db8::1%1]:80", None);
        check("192.0.2.1:80", None);
        let everywhere = "[2001:db8::1]:80".parse().unwrap();
        assert_eq!(with_zone(everywhere, Some(1)), everywhere);
    }
}
