//! Neighbour discovery messages in and out (RFC 4861 6 and 7).

use super::autoconf::Parameters;
use super::interface::{ALL_NODES, Interface};
use super::neighbours::Advertised;
use crate::ip::solicited_node;
use crate::network::Network;
use crate::time::Instant;
use crate::wire::icmpv6::Header as Icmp;
use crate::wire::ipv6::{Header, MIN_MTU};
use crate::wire::ndp::{Message, Options};
use crate::wire::{Buffer, MacAddress, ethernet, protocol};
use std::net::{IpAddr, Ipv6Addr};

/// What proves that a message comes from the link: no router has touched it (RFC 4861 6.1, 7.1).
const HOP_LIMIT: u8 = 255;

impl Network {
    /// A neighbour discovery message whose ICMPv6 checksum is right arrives. What is not valid is dropped silently.
    pub(crate) fn discovery_arrives(
        &mut self,
        now: Instant,
        interface: usize,
        ip: &Header,
        icmp: &Icmp,
        body: &[u8],
    ) {
        if ip.hop_limit != HOP_LIMIT {
            return;
        }
        match Message::parse(icmp, body) {
            Ok(Message::NeighbourSolicitation { target, options }) => {
                self.solicitation_arrives(now, interface, ip, target, &options);
            }
            // 7.1.2: what nobody can have asked for by itself does not say that somebody did.
            Ok(Message::NeighbourAdvertisement { solicited: true, .. }) if ip.destination.is_multicast() => {}
            Ok(Message::NeighbourAdvertisement { router, solicited, override_flag, target, options }) => {
                if self.claimed(interface, target, None) {
                    return;
                }
                self.router_flag(interface, target, router);
                let advertised = Advertised { mac: options.target_link, solicited, override_flag };
                self.advertisement_arrives(now, interface, target, advertised);
            }
            Ok(Message::RouterAdvertisement {
                hop_limit,
                lifetime,
                reachable_time,
                retrans_timer,
                options,
                ..
            }) if ip.source.is_unicast_link_local() => {
                self.learn_neighbour(interface, ip.source, options.source_link);
                let parameters = Parameters { hop_limit, lifetime, reachable_time, retrans_timer };
                self.advertisement_of_router(now, interface, ip.source, parameters, &options);
            }
            Ok(Message::Redirect { target, destination, options }) if ip.source.is_unicast_link_local() => {
                self.redirect_arrives(interface, ip, target, destination, &options);
            }
            // 6.1.1: a router whose interface advertises answers; hosts drop them.
            Ok(Message::RouterSolicitation(options))
                if !(ip.source.is_unspecified() && options.source_link.is_some()) =>
            {
                if self.config.forwarding.is_some() && !ip.source.is_unspecified() {
                    self.learn_neighbour(interface, ip.source, options.source_link);
                }
                self.router_solicited(now, interface);
            }
            Ok(
                Message::RouterAdvertisement { .. }
                | Message::RouterSolicitation(_)
                | Message::Redirect { .. },
            )
            | Err(_) => {}
        }
    }

    /// RFC 4861 7.1.1 and 7.2.3, 7.2.4.
    fn solicitation_arrives(
        &mut self,
        now: Instant,
        interface: usize,
        ip: &Header,
        target: Ipv6Addr,
        options: &Options,
    ) {
        let probe = ip.source.is_unspecified();
        let valid_probe = ip.destination == solicited_node(target) && options.source_link.is_none();
        // RFC 4862 5.4.3: a test by somebody else claims the address; any other question is not for this host yet.
        if probe && valid_probe && self.claimed(interface, target, options.nonce) {
            return;
        }
        let Some(link) = self.interfaces.get(interface) else { return };
        let (owned, anycast) = (link.has(target.into()), link.is_subnet_anycast(target));
        if target.is_multicast() || (probe && !valid_probe) || !(owned || anycast) {
            return;
        }
        if !probe {
            self.learn_neighbour(interface, ip.source, options.source_link);
        }
        if !owned {
            return self.anycast_solicited(now, interface, target, ip.source);
        }
        let target_link = self.interfaces.get(interface).map(|i| i.mac);
        let answer = Message::NeighbourAdvertisement {
            router: self.config.forwarding.is_some(),
            solicited: !probe,
            override_flag: true,
            target,
            options: Options { target_link, ..Options::default() },
        };
        let destination = if probe { ALL_NODES } else { ip.source };
        self.send_discovery(interface, target, destination, &answer, Reach::Resolve(now));
    }

    /// RFC 4861 7.1.2 and 7.2.5.
    fn advertisement_arrives(
        &mut self,
        now: Instant,
        interface: usize,
        target: Ipv6Addr,
        advertised: Advertised,
    ) {
        if target.is_multicast() {
            return;
        }
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        self.silent.remove(&target.into());
        let waiting = link.neighbours.advertised(now, target, advertised);
        self.release(interface, waiting, advertised.mac);
    }

    /// RFC 4861 7.2.5 and 7.3.3: who says that it is no router goes from the list of them, and is no first hop any more where a
    /// redirect named it.
    fn router_flag(&mut self, interface: usize, target: Ipv6Addr, is_router: bool) {
        let Some(link) = self.interfaces.get_mut(interface).filter(|_| !is_router) else { return };
        link.autoconf.routers.remove(target);
        self.redirects.forget_router(target.into());
    }

    /// RFC 4861 8.1 and 8.3.
    fn redirect_arrives(
        &mut self,
        interface: usize,
        ip: &Header,
        target: Ipv6Addr,
        destination: Ipv6Addr,
        options: &Options,
    ) {
        let taken = !destination.is_multicast()
            && self.redirect(interface, ip.source.into(), destination.into(), target.into());
        if taken {
            self.learn_neighbour(interface, target, options.target_link);
        }
    }

    /// A router's Redirect to the sender of `packet`, with the new hop's hardware address where that is known, and as much of
    /// the packet as fits the least MTU (RFC 4861 4.5, 4.6.3).
    pub(crate) fn send_redirect_v6(
        &mut self,
        now: Instant,
        interface: usize,
        header: &Header,
        target: Ipv6Addr,
        packet: &[u8],
    ) {
        /// IPv6 and ICMPv6 headers, two addresses, and the options' own bytes.
        const OVERHEAD: usize = 40 + 8 + 32 + 8 + 8;
        let Some(link) = self.interfaces.get(interface) else { return };
        let Some(source) = link.link_local() else { return };
        let redirected = packet[..packet.len().min((MIN_MTU - OVERHEAD) / 8 * 8)].to_vec();
        let target_link = link.neighbours.known(target);
        let options = Options { target_link, redirected, ..Options::default() };
        let message = Message::Redirect { target, destination: header.destination, options };
        self.send_discovery(interface, source, header.source, &message, Reach::Resolve(now));
    }

    fn learn_neighbour(&mut self, interface: usize, address: Ipv6Addr, mac: Option<MacAddress>) {
        let (Some(link), Some(mac)) = (self.interfaces.get_mut(interface), mac) else { return };
        if mac.is_multicast() || link.has(address.into()) {
            return;
        }
        self.silent.remove(&address.into());
        let waiting = link.neighbours.learn(address, mac);
        self.release(interface, waiting, Some(mac));
    }

    fn release(&mut self, interface: usize, waiting: Vec<Buffer>, mac: Option<MacAddress>) {
        let Some(mac) = mac else { return };
        waiting.into_iter().for_each(|packet| self.send_frame(interface, mac, ethernet::IPV6, packet));
    }

    /// Asks who has `target` (7.2.2): its solicited-node group, or the node that had it.
    pub(crate) fn send_solicitation(&mut self, interface: usize, target: Ipv6Addr, mac: Option<MacAddress>) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let Some(source) = solicitation_source(link, target) else { return };
        let options = Options { source_link: Some(link.mac), ..Options::default() };
        let message = Message::NeighbourSolicitation { target, options };
        let (destination, reach) = match mac {
            Some(mac) => (target, Reach::Mac(mac)),
            None => {
                (solicited_node(target), Reach::Mac(MacAddress::of_ipv6_multicast(solicited_node(target))))
            }
        };
        self.send_discovery(interface, source, destination, &message, reach);
    }

    pub(super) fn send_discovery(
        &mut self,
        interface: usize,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        message: &Message,
        reach: Reach,
    ) {
        let mut buffer = Buffer::new();
        message.emit(source, destination, &mut buffer);
        let (next_header, hop_limit) = (protocol::ICMPV6, HOP_LIMIT);
        Header { traffic_class: 0, flow_label: 0, next_header, hop_limit, source, destination }
            .emit(&mut buffer);
        match reach {
            Reach::Mac(mac) => self.send_frame(interface, mac, ethernet::IPV6, buffer),
            Reach::Resolve(now) => {
                self.send_to_neighbour_v6(now, interface, destination, buffer);
            }
        }
    }
}

/// How a message finds its hardware address.
pub(super) enum Reach {
    Mac(MacAddress),
    Resolve(Instant),
}

/// The source of what waits for the target, where it is an address of this interface (RFC 4861 7.2.2); else an own
/// address with the target's prefix; else the first one.
fn solicitation_source(link: &Interface, target: Ipv6Addr) -> Option<Ipv6Addr> {
    let waiting = link.neighbours.waiting_source(target).filter(|source| link.has((*source).into()));
    if waiting.is_some() {
        return waiting;
    }
    let near = link.ipv6().find(|(_, cidr)| cidr.contains(IpAddr::V6(target)));
    near.or_else(|| link.ipv6().next()).map(|(address, _)| address)
}
