//! Everything below the transports: interfaces, routes, fragments, and the frames on their way out.

use crate::config::{Config, Medium};
use crate::icmp::limit::Limiter;
use crate::ip::nat::Translations;
use crate::ip::path_mtu::PathMtu;
use crate::ip::reassembly4::Reassembly4;
use crate::ip::reassembly6::Reassembly6;
use crate::ip::redirects::Redirects;
use crate::ip::table::RouteTable;
use crate::link::interface::Interface;
use crate::link::{Cast, Due, Resolution, ethernet};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{Buffer, MacAddress, ethernet as ethertype};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Frames that wait to be taken by the caller; beyond it they are dropped, as a link's queue does.
const MAX_OUTBOX: usize = 1 << 16;

/// How a datagram came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) interface: usize,
    pub(crate) cast: Cast,
    /// The host sent it to itself.
    pub(crate) loopback: bool,
}

/// The earliest of some deadlines, of which some are none.
pub(crate) fn earliest<const N: usize>(deadlines: [Option<Instant>; N]) -> Option<Instant> {
    // Without branches: hosts are asked after every burst of frames.
    let first =
        deadlines.iter().fold(Instant::FAR_FUTURE, |first, at| first.min(at.unwrap_or(Instant::FAR_FUTURE)));
    (first != Instant::FAR_FUTURE).then_some(first)
}

/// The earliest deadline of the entries of a map. Where nothing is under way maps are empty, and that is seen at once.
#[inline]
pub(crate) fn earliest_in<K, V>(
    map: &BTreeMap<K, V>,
    deadline: impl Fn(&V) -> Option<Instant>,
) -> Option<Instant> {
    #[inline(never)]
    fn walk<K, V>(map: &BTreeMap<K, V>, deadline: impl Fn(&V) -> Option<Instant>) -> Option<Instant> {
        map.values().filter_map(deadline).min()
    }
    if map.is_empty() { None } else { walk(map, deadline) }
}

impl Arrival {
    /// From the link of the first interface, to this host alone.
    #[cfg(test)]
    pub(crate) const ON_LINK: Arrival = Arrival { interface: 0, cast: Cast::Unicast, loopback: false };
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) config: Config,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) routes: RouteTable,
    pub(crate) path_mtu: PathMtu,
    pub(crate) redirects: Redirects,
    pub(crate) translations: Translations,
    pub(crate) reassembly4: Reassembly4,
    pub(crate) reassembly6: Reassembly6,
    pub(crate) error_limit: Limiter,
    pub(crate) rng: Rng,
    /// The next Identification of IPv4 datagrams that may be fragmented.
    pub(crate) identification: u16,
    outbox: VecDeque<(usize, Buffer)>,
    /// Datagrams that the host sent to itself, with the interface whose address it is.
    pub(crate) loopback: VecDeque<(usize, Buffer)>,
    /// Gateways that did not answer, until they are heard again (RFC 1122 3.3.1.4).
    pub(crate) silent: BTreeSet<IpAddr>,
    /// Datagrams whose next hop did not answer, with the interface: the sockets that sent them are to be told.
    pub(crate) undelivered: Vec<(usize, Buffer)>,
}

impl Network {
    pub(crate) fn new(config: Config) -> Network {
        let mut rng = Rng::new(config.seed);
        let mut network = Network {
            interfaces: config.interfaces.iter().map(|i| Interface::new(i, &config)).collect(),
            routes: RouteTable::new(&config.routes),
            path_mtu: PathMtu::default(),
            redirects: Redirects::default(),
            translations: Translations::default(),
            reassembly4: Reassembly4::new(config.ipv4.reassembly),
            reassembly6: Reassembly6::new(config.ipv6.reassembly),
            error_limit: Limiter::new(config.icmp.error_limit),
            identification: rng.next_u16(),
            rng,
            outbox: VecDeque::new(),
            loopback: VecDeque::new(),
            silent: BTreeSet::new(),
            undelivered: Vec::new(),
            config,
        };
        for (interface, link) in network.interfaces.iter_mut().zip(&network.config.links) {
            interface.link = *link;
        }
        for neighbour in &network.config.neighbours {
            let Some(interface) = network.interfaces.get_mut(neighbour.interface) else { continue };
            match neighbour.address {
                IpAddr::V4(address) => interface.arp.add_permanent(address, neighbour.mac),
                IpAddr::V6(address) => interface.neighbours.add_permanent(address, neighbour.mac),
            }
        }
        network
    }

    /// The next frame to leave, with its interface.
    #[inline]
    pub(crate) fn take_frame(&mut self) -> Option<(usize, Buffer)> {
        self.outbox.pop_front()
    }

    /// The frames that leave together, as if taken one by one.
    #[inline]
    pub(crate) fn push_frame(&mut self, interface: usize, frame: Buffer) {
        if self.outbox.len() < MAX_OUTBOX && self.interfaces.get(interface).is_some_and(|i| i.up) {
            self.outbox.push_back((interface, frame));
        }
    }

    /// Puts a payload into a frame of its own; nothing where the medium has no frames.
    #[inline]
    pub(crate) fn send_frame(
        &mut self,
        interface: usize,
        to: MacAddress,
        ethertype: u16,
        mut payload: Buffer,
    ) {
        let link = self.interfaces.get(interface).filter(|i| i.medium == Medium::Ethernet);
        let Some(link) = link else { return };
        ethernet::frame(link, to, ethertype, &mut payload);
        self.push_frame(interface, payload);
    }

    /// Hands an IPv4 datagram to the link, asking for the neighbour's address first where it must. Gives the hardware
    /// address to which it left: the same for all that follow at this instant.
    pub(crate) fn send_to_neighbour_v4(
        &mut self,
        now: Instant,
        interface: usize,
        next: Ipv4Addr,
        datagram: Buffer,
    ) -> Option<MacAddress> {
        let link = self.interfaces.get_mut(interface)?;
        if link.medium == Medium::Ip {
            self.push_frame(interface, datagram);
            return None;
        }
        let (mac, datagram) = if link.is_broadcast(next) {
            (MacAddress::BROADCAST, datagram)
        } else if next.is_multicast() {
            (MacAddress::of_ipv4_multicast(next), datagram)
        } else {
            match link.arp.resolve(now, next, datagram) {
                Resolution::Known { mac, datagram, confirm } => {
                    if confirm {
                        self.send_arp_request(interface, next, Some(mac));
                    }
                    (mac, datagram)
                }
                Resolution::Ask => {
                    self.send_arp_request(interface, next, None);
                    return None;
                }
                Resolution::Waiting => return None,
            }
        };
        self.send_frame(interface, mac, ethertype::IPV4, datagram);
        Some(mac)
    }

    /// Hands an IPv6 packet to the link, asking for the neighbour's address first where it must. Gives the hardware
    /// address to which it left.
    pub(crate) fn send_to_neighbour_v6(
        &mut self,
        now: Instant,
        interface: usize,
        next: Ipv6Addr,
        packet: Buffer,
    ) -> Option<MacAddress> {
        let link = self.interfaces.get_mut(interface)?;
        if link.medium == Medium::Ip {
            self.push_frame(interface, packet);
            return None;
        }
        let (mac, packet) = if next.is_multicast() {
            (MacAddress::of_ipv6_multicast(next), packet)
        } else {
            match link.neighbours.resolve(now, next, packet) {
                Resolution::Known { mac, datagram, .. } => (mac, datagram),
                Resolution::Ask => {
                    self.send_solicitation(interface, next, None);
                    return None;
                }
                Resolution::Waiting => return None,
            }
        };
        self.send_frame(interface, mac, ethertype::IPV6, packet);
        Some(mac)
    }

    /// Does what is due of all but fragments.
    pub(crate) fn poll(&mut self, now: Instant) {
        self.poll_neighbours(now);
        self.poll_autoconf(now);
        self.poll_groups(now);
        self.poll_claims(now);
        self.poll_advertising(now);
        self.poll_anycast(now);
    }

    /// Fires the caches' timers.
    fn poll_neighbours(&mut self, now: Instant) {
        for interface in 0..self.interfaces.len() {
            for due in self.interfaces[interface].arp.poll(now) {
                match due {
                    Due::Ask { address, mac } => self.send_arp_request(interface, address, mac),
                    Due::Unreachable { address, waiting } => {
                        self.unanswered(address.into());
                        self.undelivered.extend(waiting.into_iter().map(|waited| (interface, waited)));
                    }
                }
            }
            for due in self.interfaces[interface].neighbours.poll(now) {
                match due {
                    Due::Ask { address, mac } => self.send_solicitation(interface, address, mac),
                    Due::Unreachable { address, waiting } => {
                        self.interfaces[interface].autoconf.routers.failed(address);
                        self.unanswered(address.into());
                        self.undelivered.extend(waiting.into_iter().map(|waited| (interface, waited)));
                    }
                }
            }
        }
    }

    /// Whether [`Network::confirm`] could spare a question on an interface.
    #[inline]
    pub(crate) fn has_doubts(&self, interface: usize, remote: IpAddr) -> bool {
        remote.is_ipv6() && self.interfaces.get(interface).is_some_and(|link| link.neighbours.has_doubts())
    }

    /// RFC 4861 7.3.1: a transport knows that what was sent to `remote` arrives, and so that its first hop can be reached.
    pub(crate) fn confirm(&mut self, now: Instant, interface: usize, remote: IpAddr) {
        let Some(hop) = self.route(remote, Some(interface)) else { return };
        if let (Some(link), IpAddr::V6(next)) = (self.interfaces.get_mut(hop.interface), hop.next) {
            link.neighbours.confirm(now, next);
        }
    }

    /// A neighbour does not answer: where it is a gateway, another one is taken.
    fn unanswered(&mut self, address: IpAddr) {
        self.redirects.forget(address);
        if self.routes.iter().any(|route| route.gateway == Some(address)) {
            self.silent.insert(address);
        }
    }

    /// When something below the transports is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let of_interface = |i: &Interface| {
            let caches = earliest([i.arp.next_deadline(), i.neighbours.next_deadline()]);
            let others = [i.groups.next_deadline(), i.claims.next_deadline(), i.advertising.next_deadline()];
            earliest([caches, i.autoconf.next_deadline(), earliest(others), i.anycast.next_deadline()])
        };
        let interfaces = self.interfaces.iter().filter_map(of_interface).min();
        earliest([interfaces, self.reassembly4.next_deadline(), self.reassembly6.next_deadline()])
    }

    /// Brings a link up or down. What was learned of its neighbours is forgotten with it.
    pub(crate) fn set_link(&mut self, now: Instant, interface: usize, up: bool) -> bool {
        let Some(link) = self.interfaces.get_mut(interface) else { return false };
        let was_up = core::mem::replace(&mut link.up, up);
        if up && !was_up {
            self.restart_autoconf(now, interface);
        }
        if !up {
            let link = &mut self.interfaces[interface];
            link.arp.flush();
            link.neighbours.flush();
            self.redirects.flush(interface);
            self.stop_autoconf(interface);
            self.outbox.retain(|(i, _)| *i != interface);
        }
        true
    }
}
