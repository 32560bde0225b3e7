//! The routing table: the longest prefix wins, then the lowest metric, then the older route.

use super::Cidr;
use crate::config::Route;
use crate::link::interface::Interface;
use crate::network::Network;
use std::net::IpAddr;

/// Where a datagram goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) interface: usize,
    /// The neighbour: the destination itself where it is on the link.
    pub(crate) next: IpAddr,
    /// The destination is the host itself.
    pub(crate) local: bool,
}

impl Network {
    /// The way to `destination`; `via` names the interface where there is no choice. `None`: there is no route.
    pub(crate) fn route(&self, destination: IpAddr, via: Option<usize>) -> Option<Hop> {
        if let Some(owner) = self.owner_in(destination, via) {
            // What a link-local address of the host sends to another of its addresses is in its zone there, too.
            return Some(Hop { interface: via.unwrap_or(owner), next: destination, local: true });
        }
        if is_scope_0(destination) {
            return None;
        }
        if is_link_scope(destination) {
            let interface = via.or_else(|| self.link_scope_interface(destination))?;
            return self.is_up(interface).then_some(Hop { interface, next: destination, local: false });
        }
        let usable = |interface: usize, link: &Interface| link.up && via.is_none_or(|via| via == interface);
        let leads_on = |route: &&Route| {
            self.interfaces.get(route.interface).is_some_and(|link| usable(route.interface, link))
        };
        let connected = self.connected(destination, usable);
        let mut configured = self.routes.matching(destination).filter(leads_on);
        let configured = configured.next().map(|route| self.answering(route, configured));
        // Of equals the connected network is taken, whose metric is the least.
        let is_better =
            |route: &&Route| connected.is_none_or(|(_, length)| route.destination.length > length);
        let (interface, gateway) = match (configured.filter(is_better), connected) {
            (Some(route), _) => (route.interface, route.gateway),
            (None, Some((interface, _))) => (interface, None),
            (None, None) => self.default_router(destination, usable)?,
        };
        let next = self.redirects.get(interface, destination).or(gateway).unwrap_or(destination);
        Some(Hop { interface, next, local: false })
    }

    /// Of routes to the same destinations the first whose gateway answers (RFC 1122 3.3.1.5), or `best` where none does.
    fn answering<'a>(&self, best: &'a Route, others: impl Iterator<Item = &'a Route>) -> &'a Route {
        let is_silent = |route: &Route| route.gateway.is_some_and(|gateway| self.silent.contains(&gateway));
        if !is_silent(best) {
            return best;
        }
        let mut others = others.filter(|route| route.destination == best.destination);
        others.find(|route| !is_silent(route)).unwrap_or(best)
    }

    /// The usable interface on whose network `destination` is, and the length of its prefix: the longest, of equals the first.
    fn connected(
        &self,
        destination: IpAddr,
        usable: impl Fn(usize, &Interface) -> bool,
    ) -> Option<(usize, u8)> {
        let mut best: Option<(usize, u8)> = None;
        for (interface, link) in self.interfaces.iter().enumerate().filter(|(i, link)| usable(*i, link)) {
            for network in link.addresses.iter().chain(link.autoconf.routers.prefixes()) {
                let longer = best.is_none_or(|(_, length)| network.length > length);
                if longer && network.contains(destination) {
                    best = Some((interface, network.length));
                }
            }
        }
        best
    }

    /// The router that advertised itself on one of the interfaces (RFC 4861 6.3.6), and that interface.
    fn default_router(
        &self,
        destination: IpAddr,
        usable: impl Fn(usize, &Interface) -> bool,
    ) -> Option<(usize, Option<IpAddr>)> {
        if destination.is_ipv4() {
            return None;
        }
        let links = self.interfaces.iter().enumerate().filter(|(i, link)| usable(*i, link));
        let mut routers = links.filter_map(|(interface, link)| {
            let router = link.autoconf.routers.choose(|address| link.neighbours.known(address).is_some())?;
            Some((interface, Some(router.into())))
        });
        routers.next()
    }

    /// The interface whose own address `address` is; loopback addresses are the first one's.
    pub(crate) fn owner_of(&self, address: IpAddr) -> Option<usize> {
        let own = self.interfaces.iter().position(|interface| interface.has(address));
        own.or_else(|| address.is_loopback().then_some(0))
    }

    fn is_up(&self, interface: usize) -> bool {
        self.interfaces.get(interface).is_some_and(|interface| interface.up)
    }

    /// For limited broadcasts, multicasts and link-local addresses: the route that says so, or else the first
    /// interface that has an address of the family.
    fn link_scope_interface(&self, destination: IpAddr) -> Option<usize> {
        let routed =
            self.routes.iter().filter(|r| r.destination.length > 0 && r.destination.contains(destination));
        let routed = routed.map(|route| route.interface).find(|interface| self.is_up(*interface));
        let family = |cidr: &Cidr| cidr.address.is_ipv4() == destination.is_ipv4();
        let first = || self.interfaces.iter().position(|i| i.up && i.addresses.iter().any(family));
        routed.or_else(first)
    }
}

/// RFC 4291 2.7: nothing is sent to a group of the reserved scope 0.
fn is_scope_0(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(a) if a.is_multicast() && a.octets()[1] & 0xf == 0)
}

/// Whether `address` means something on a link alone, whatever the routes say.
fn is_link_scope(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_multicast() || a.is_broadcast(),
        IpAddr::V6(a) => a.is_multicast() || a.is_unicast_link_local(),
    }
}
