//! Which of its addresses the host sends from (RFC 1122 3.3.4.3, RFC 6724 5 in short).

use crate::network::Network;
use std::net::{IpAddr, Ipv6Addr};

impl Network {
    /// The source address for a datagram to `destination`: `None` where there is no route or no address of its family.
    pub(crate) fn source_for(&self, destination: IpAddr, via: Option<usize>) -> Option<IpAddr> {
        let hop = self.route(destination, via)?;
        if hop.local {
            return Some(destination);
        }
        let family = |a: &IpAddr| a.is_ipv4() == destination.is_ipv4();
        let here = self.interfaces.get(hop.interface)?;
        let elsewhere =
            self.interfaces.iter().enumerate().filter(|(i, _)| *i != hop.interface).map(|(_, i)| i);
        // The outgoing interface's addresses come first; any other is better than none.
        let candidates = |interface: &crate::link::interface::Interface| -> Option<IpAddr> {
            let own = interface.addresses.iter().filter(|cidr| family(&cidr.address));
            own.enumerate()
                .max_by_key(|(index, cidr)| {
                    let on_subnet = cidr.contains(hop.next);
                    let (scope, common) = rank(cidr.address, destination);
                    // RFC 6724 5, rule 3; RFC 4862 5.5.4.
                    let fresh = !interface.is_deprecated(cidr.address);
                    (scope, fresh, common, on_subnet, usize::MAX - index)
                })
                .map(|(_, cidr)| cidr.address)
        };
        candidates(here).or_else(|| elsewhere.filter_map(candidates).next())
    }
}

/// How well `source` suits `destination`: a matching scope first (rule 2), then the longest common prefix (rule 8).
/// IPv4 addresses are all alike here.
fn rank(source: IpAddr, destination: IpAddr) -> (bool, u32) {
    match (source, destination) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let common = (u128::from(source) ^ u128::from(destination)).leading_zeros();
            (is_link_local(source) == is_link_local(destination), common)
        }
        _ => (true, 0),
    }
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local() || (address.is_multicast() && address.octets()[1] & 0xf <= 2)
}
