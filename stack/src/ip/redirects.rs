//! Better first hops that routers named (RFC 1122 3.2.2.2 and 3.3.1.2, RFC 4861 8.3): one for each destination.

use crate::network::Network;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Destinations remembered; beyond it the one with the lowest address goes.
const ENTRIES: usize = 1024;

/// What redirects have taught.
#[derive(Debug, Default)]
pub(crate) struct Redirects {
    /// For a destination the interface and the next hop.
    entries: BTreeMap<IpAddr, (usize, IpAddr)>,
}

impl Redirects {
    /// The next hop to `destination` on `interface`, where a router named one.
    pub(crate) fn get(&self, interface: usize, destination: IpAddr) -> Option<IpAddr> {
        self.entries.get(&destination).filter(|(there, _)| *there == interface).map(|(_, next)| *next)
    }

    /// Forgets a next hop that does not answer, so that the routes decide again.
    pub(crate) fn forget(&mut self, next: IpAddr) {
        self.entries.retain(|_, (_, to)| *to != next);
    }

    /// Forgets a next hop that is no router any more; a destination that is its own next hop never was one.
    pub(crate) fn forget_router(&mut self, next: IpAddr) {
        self.entries.retain(|destination, (_, to)| *to != next || *destination == next);
    }

    /// Forgets what was learned on `interface`.
    pub(crate) fn flush(&mut self, interface: usize) {
        self.entries.retain(|_, (there, _)| *there != interface);
    }

    fn insert(&mut self, destination: IpAddr, interface: usize, next: IpAddr) {
        if self.entries.len() >= ENTRIES && !self.entries.contains_key(&destination) {
            self.entries.pop_first();
        }
        self.entries.insert(destination, (interface, next));
    }
}

impl Network {
    /// Takes over that `router` wants packets to `destination` to go to `next`: where it is the present first hop, and
    /// `next` is a neighbour on the interface where it said so. False where it is not taken.
    pub(crate) fn redirect(
        &mut self,
        interface: usize,
        router: IpAddr,
        destination: IpAddr,
        next: IpAddr,
    ) -> bool {
        // A router knows better (RFC 1812 5.2.7.2, RFC 4861 8.2).
        if self.config.forwarding.is_some() {
            return false;
        }
        let present = self.route(destination, None);
        let from_first_hop = present
            .is_some_and(|hop| hop.interface == interface && hop.next == router && router != destination);
        let is_neighbour = match next {
            IpAddr::V4(next) => self.interfaces.get(interface).is_some_and(|link| {
                link.ipv4().any(|(_, cidr)| cidr.contains(next.into())) && !link.is_broadcast(next)
            }),
            // RFC 4861 8.1: a router by its link-local address, or the destination itself, which then is on the link.
            IpAddr::V6(address) => address.is_unicast_link_local() || next == destination,
        };
        let taken = from_first_hop && is_neighbour && self.owner_of(next).is_none();
        if taken {
            self.redirects.insert(destination, interface, next);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_destination_on_one_interface() {
        let (a, b, next) =
            (IpAddr::from([198, 51, 100, 7]), IpAddr::from([198, 51, 100, 8]), IpAddr::from([1; 4]));
        let mut redirects = Redirects::default();
        redirects.insert(a, 0, next);
        assert_eq!([redirects.get(0, a), redirects.get(1, a), redirects.get(0, b)], [Some(next), None, None]);
        redirects.insert(next, 0, next);
        redirects.forget_router(next);
        assert_eq!([redirects.get(0, a), redirects.get(0, next)], [None, Some(next)]);
        redirects.forget(next);
        assert_eq!(redirects.get(0, next), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut redirects = Redirects::default();
        (0..5000u32).for_each(|n| redirects.insert(IpAddr::from(n.to_be_bytes()), 0, IpAddr::from([1; 4])));
        assert_eq!(redirects.entries.len(), ENTRIES);
    }
}
