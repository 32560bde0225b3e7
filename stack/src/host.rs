//! A host: frames and calls go in, frames and results come out, and time is told to it.

use crate::client::{Clients, Lookups};
use crate::config::{
    AutoconfConfig, Config, Filter, ForwardingConfig, Medium, PortForward, RateLimit, Route,
};
use crate::icmp::echo_options::way_back;
use crate::icmp::limit::Limiter;
use crate::ip::Cidr;
use crate::ip::input4::{Problem, Refused};
use crate::ip::input6::{self, Walk};
use crate::ip::reassembly6::{Piece, without_fragment_header};
use crate::link::Cast;
use crate::link::ethernet::{self, LinkCounters, Taken};
use crate::network::{Arrival, Network, earliest};
use crate::socket::Sockets;
use crate::tcp;
use crate::time::Instant;
use crate::udp::{self, Below};
use crate::watched::Watched;
use crate::wire::ipv6_ext::Fragment;
use crate::wire::{Buffer, ethernet as ethertype, icmpv4, icmpv6, ipv4, ipv6, mld, protocol};
use core::time::Duration;
use std::net::IpAddr;

/// Datagrams to itself that a host handles at one instant; the rest is due at once again. It bounds the work of one
/// call even where two sockets of the host talk without end.
const MAX_LOOPBACK_STEPS: usize = 10_000;

/// A host with its interfaces and sockets.
///
/// It never blocks, never asks what time it is, and does the same again for the same frames, calls and instants. Time
/// must not go backwards.
#[derive(Debug)]
pub struct Host {
    pub(crate) net: Watched,
    pub(crate) udp: udp::Sockets,
    pub(crate) tcp: tcp::Connections,
    pub(crate) sockets: Sockets,
    pub(crate) clients: Clients,
    pub(crate) lookups: Lookups,
}

impl Host {
    /// A host as `config` describes it.
    pub fn new(config: Config) -> Host {
        let mut net = Watched::new(Network::new(config));
        let tcp = tcp::Connections::new(net.config.tcp.clone(), net.rng.next_u64());
        let (udp, sockets, clients) = (udp::Sockets::default(), Sockets::default(), Clients::default());
        Host { net, udp, tcp, sockets, clients, lookups: Lookups::default() }
    }

    /// A frame arrives at an interface: Ethernet, with its check sequence where the link has one, or an IP datagram, as the interface's medium is. What
    /// is broken or not for this host is dropped.
    pub fn receive(&mut self, now: Instant, interface: usize, frame: &[u8]) {
        self.frame_arrives(now, interface, frame);
        self.settle(now);
    }

    /// Frames that have arrived together, as a driver finds them in its ring: what they have in common is answered once, so
    /// a connection acknowledges all its segments of a burst with one ACK.
    pub fn receive_burst<'a>(&mut self, now: Instant, frames: impl IntoIterator<Item = (usize, &'a [u8])>) {
        frames.into_iter().for_each(|(interface, frame)| self.frame_arrives(now, interface, frame));
        self.settle(now);
    }

    fn frame_arrives(&mut self, now: Instant, interface: usize, frame: &[u8]) {
        let link = self.net.in_passing().interfaces.get_mut(interface);
        let Some(link) = link.filter(|link| link.up) else { return };
        let arrival = |cast| Arrival { interface, cast, loopback: false };
        match link.medium {
            Medium::Ip => self.datagram_arrives(now, arrival(Cast::Unicast), frame),
            Medium::Ethernet => match ethernet::receive(link, frame) {
                Taken::Payload(ethertype::IPV4, payload, cast) => {
                    self.ipv4_arrives(now, arrival(cast), payload)
                }
                Taken::Payload(ethertype::IPV6, payload, cast) => {
                    self.ipv6_arrives(now, arrival(cast), payload)
                }
                Taken::Payload(ethertype::ARP, payload, _) => {
                    self.dhcp_hears_arp(now, interface, payload);
                    self.net.arp_arrives(now, interface, payload);
                }
                Taken::Answer(frame) => self.net.push_frame(interface, frame),
                Taken::Payload(..) | Taken::Nothing => {}
            },
        }
    }

    /// The next frame to leave, with its interface, in the order in which they were sent.
    #[inline]
    pub fn transmit(&mut self) -> Option<(usize, Buffer)> {
        self.net.in_passing().take_frame()
    }

    /// Takes back a frame that [`Host::transmit`] gave and that has left: its memory is for one to come.
    #[inline]
    pub fn recycle(&mut self, frame: Buffer) {
        self.tcp.recycle(frame);
    }

    /// Does everything that is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        if self.net.is_due(now) {
            self.poll_below(now);
        }
        self.poll_clients(now);
        self.tcp.poll(now);
        self.settle(now);
    }

    fn poll_below(&mut self, now: Instant) {
        self.net.poll(now);
        // Before TCP sends again what the same instant shows to be in vain.
        self.tell_undelivered(now);
        for (arrival, fragment) in self.net.reassembly4.poll(now) {
            let problem = Problem { kind: icmpv4::TIME_EXCEEDED, code: icmpv4::REASSEMBLY, rest: [0; 4] };
            self.net.send_error_v4(now, arrival, &fragment, problem);
        }
        for (arrival, fragment) in self.net.reassembly6.poll(now) {
            let error =
                icmpv6::Header { kind: icmpv6::TIME_EXCEEDED, code: icmpv6::REASSEMBLY, rest: [0; 4] };
            self.net.send_error_v6(now, arrival, &fragment, error, false);
        }
    }

    /// When [`Host::poll`] is to be called next; `None` where nothing is under way. It may lie in the past: at once.
    pub fn next_deadline(&self) -> Option<Instant> {
        let at_once = (!self.net.loopback.is_empty()).then_some(Instant::ZERO);
        let (clients, lookups) = (self.clients.next_deadline(), self.lookups.next_deadline());
        let (tcp, sockets) = (self.tcp.next_deadline(), self.sockets.next_deadline());
        earliest([at_once, self.net.next_deadline(), clients, lookups, tcp, sockets])
    }

    /// Brings a link up or down; false where there is no such interface. While down it neither sends nor receives.
    pub fn set_link(&mut self, now: Instant, interface: usize, up: bool) -> bool {
        let exists = self.net.set_link(now, interface, up);
        if up {
            self.dhcp_verifies(now, interface);
        }
        exists
    }

    /// The host goes down without a word and comes up again as it was configured. What a disk would keep stays: the leases
    /// of DHCP, which a client that is started again asks for (RFC 2131 3.2).
    pub fn reboot(&mut self) {
        let mut clients = core::mem::take(&mut self.clients);
        clients.reboot();
        let config = Config { seed: self.net.rng.next_u64(), ..self.net.config.clone() };
        *self = Host { clients, ..Host::new(config) };
    }

    /// Adds an address to an interface, which is tested first where that is configured; false where there is no such
    /// interface.
    pub fn add_address(&mut self, now: Instant, interface: usize, address: Cidr) -> bool {
        let exists = interface < self.net.interfaces.len();
        if exists {
            self.net.begin_address(now, interface, address);
        }
        exists
    }

    /// Joins or leaves a group on an interface; false where there is no such interface or group.
    pub fn set_membership(&mut self, now: Instant, interface: usize, group: IpAddr, member: bool) -> bool {
        match member {
            true => self.net.join_group(now, interface, group),
            false => self.net.leave_group(now, interface, group),
        }
    }

    /// How IPv6 configures itself, to be changed while the host runs.
    pub fn autoconf(&mut self) -> &mut Option<AutoconfConfig> {
        &mut self.net.config.autoconf
    }

    /// Removes an address from an interface; false where it is not there.
    pub fn remove_address(&mut self, interface: usize, address: IpAddr) -> bool {
        self.net.interfaces.get_mut(interface).is_some_and(|link| link.remove_address(address))
    }

    /// Adds a route; false where there is no such interface.
    pub fn add_route(&mut self, route: Route) -> bool {
        let exists = route.interface < self.net.interfaces.len();
        if exists {
            self.net.routes.add(route);
        }
        exists
    }

    /// Removes the routes to `destination` through `interface`; false where there are none.
    pub fn remove_route(&mut self, destination: Cidr, interface: usize) -> bool {
        self.net.routes.retain(|route| route.destination != destination || route.interface != interface)
    }

    /// Has a router advertise itself on its links from now on, or no longer (RFC 4861 6.2.1: no by default).
    pub fn set_advertising(&mut self, now: Instant, on: bool) {
        self.net.set_advertising(now, on);
    }

    /// Makes the host a router, with `config`, or a host again.
    pub fn set_forwarding(&mut self, config: Option<ForwardingConfig>) {
        self.net.config.forwarding = config;
        self.net.interfaces.iter_mut().for_each(|link| link.forwards = config.is_some());
    }

    /// Sets how long a mapping of ARP is believed without being heard again (RFC 1122 2.3.2.1).
    pub fn set_arp_timeout(&mut self, timeout: Duration) {
        self.net.config.arp.timeout = timeout;
        self.net.interfaces.iter_mut().for_each(|link| link.arp.set_timeout(timeout));
    }

    /// Bytes that IPv4 datagrams are counted for whose fragments have not all come.
    pub fn reassembly_memory(&self) -> usize {
        self.net.reassembly4.memory()
    }

    /// What an interface has seen of the frames on its link; `None` where there is no such interface.
    pub fn link_counters(&self, interface: usize) -> Option<LinkCounters> {
        self.net.interfaces.get(interface).map(|link| link.counters)
    }

    /// Has the adapter of an interface let through what `filter` says; false where there is no such interface.
    pub fn set_filter(&mut self, interface: usize, filter: Filter) -> bool {
        self.net.interfaces.get_mut(interface).map(|link| link.link.filter = filter).is_some()
    }

    /// The ports that the host passes on where it is a router.
    pub fn port_forwards(&mut self) -> &mut Vec<PortForward> {
        &mut self.net.config.port_forwards
    }

    /// How the host forwards, if it does.
    pub fn forwarding(&self) -> Option<ForwardingConfig> {
        self.net.config.forwarding
    }

    /// The time to live and hop limit where a transport says none; false for 0, which lives nowhere (RFC 1122 3.2.1.7).
    pub fn set_ttl(&mut self, ttl: u8) -> bool {
        if ttl == 0 {
            return false;
        }
        (self.net.config.ipv4.ttl, self.net.config.ipv6.hop_limit) = (ttl, ttl);
        true
    }

    /// How fast ICMP errors may leave from now on; `None`: as fast as they come (RFC 4443 2.4(f)).
    pub fn set_error_limit(&mut self, limit: Option<RateLimit>) {
        self.net.error_limit = Limiter::new(limit);
    }

    /// Whether Destination Unreachable is sent (RFC 4443 3.1).
    pub fn set_unreachables(&mut self, on: bool) {
        self.net.config.icmp.unreachables = on;
    }

    /// Whether a router forwards from and to an interface; false where there is no such interface.
    pub fn set_forwards(&mut self, interface: usize, forwards: bool) -> bool {
        let link = self.net.interfaces.get_mut(interface);
        link.map(|link| link.forwards = forwards).is_some()
    }

    /// The defaults of connections, to be changed while the host runs. A connection keeps what it took over when it was
    /// opened.
    pub fn tcp_config(&mut self) -> &mut tcp::Config {
        &mut self.tcp.config
    }

    /// Forgets what TCP keeps about peers beyond their connections.
    pub fn forget_peers(&mut self) {
        self.tcp.forget_peers();
    }

    /// Lets everything happen that the last event has caused at this instant: segments leave, datagrams to the host
    /// itself arrive, calls that waited are tried again.
    #[inline]
    pub(crate) fn settle(&mut self, now: Instant) {
        let waits = self.sockets.has_waiting() || self.lookups.is_under_way();
        if waits || !self.tcp.is_silent() || !self.net.undelivered.is_empty() || !self.net.loopback.is_empty()
        {
            self.settle_all(now);
        }
    }

    fn settle_all(&mut self, now: Instant) {
        self.retry_opening_sends(now);
        for _ in 0..MAX_LOOPBACK_STEPS {
            self.send_segments(now);
            self.tell_undelivered(now);
            if let Some((interface, datagram)) = self.net.in_passing().loopback.pop_front() {
                let arrival = Arrival { interface, cast: Cast::Unicast, loopback: true };
                self.datagram_arrives(now, arrival, &datagram);
            } else if !self.retry_calls(now) && !self.retry_lookups(now) {
                break;
            }
        }
        self.send_segments(now);
    }

    /// Tells the transports what found no neighbour.
    #[inline]
    fn tell_undelivered(&mut self, now: Instant) {
        if !self.net.undelivered.is_empty() {
            self.tell_all_undelivered(now);
        }
    }

    #[inline(never)]
    fn tell_all_undelivered(&mut self, now: Instant) {
        for (interface, datagram) in core::mem::take(&mut self.net.undelivered) {
            self.undelivered(now, interface, &datagram);
        }
    }

    /// A bare IP datagram of either version.
    fn datagram_arrives(&mut self, now: Instant, arrival: Arrival, datagram: &[u8]) {
        match datagram.first().map(|byte| byte >> 4) {
            Some(4) => self.ipv4_arrives(now, arrival, datagram),
            Some(6) => self.ipv6_arrives(now, arrival, datagram),
            _ => {}
        }
    }

    fn ipv4_arrives(&mut self, now: Instant, arrival: Arrival, datagram: &[u8]) {
        if self.dhcp_takes(now, arrival, datagram) {
            return;
        }
        // By reference: what was just put together is not moved again.
        let parsed = ipv4::Header::parse(datagram);
        let accepted = match &parsed {
            Ok((header, payload)) => self.net.accept_v4(arrival, header).map(|()| (header, *payload)),
            Err(_) => Err(self.net.refuse_broken(datagram)),
        };
        let (header, payload) = match accepted {
            Ok(accepted) => accepted,
            Err(Refused::Silently) => return,
            Err(Refused::Elsewhere) => return self.elsewhere_v4(now, arrival, datagram),
            Err(Refused::With(problem)) => return self.net.send_error_v4(now, arrival, datagram, problem),
        };
        if self.net.is_broadcast_elsewhere(arrival, header.destination) {
            self.net.forward_v4(now, arrival, datagram);
        }
        if !header.is_fragment() {
            return self.deliver_v4(now, arrival, datagram, header, payload);
        }
        let whole = self.net.reassembly4.insert(now, arrival, (header, payload), datagram);
        let Some(whole) = whole else { return };
        if let Ok((header, payload)) = ipv4::Header::parse(&whole) {
            self.deliver_v4(now, arrival, &whole, &header, payload);
        }
    }

    /// A datagram for somebody else. Fragments are put together where only the whole shows whose it must seem to be.
    fn elsewhere_v4(&mut self, now: Instant, arrival: Arrival, datagram: &[u8]) {
        match ipv4::Header::parse(datagram) {
            Ok((header, payload)) if self.net.is_fragment_of_inside(&header) => {
                let whole = self.net.reassembly4.insert(now, arrival, (&header, payload), datagram);
                whole.iter().for_each(|whole| self.net.forward_v4(now, arrival, whole));
            }
            _ => self.net.forward_v4(now, arrival, datagram),
        }
    }

    /// A whole datagram goes to its transport.
    fn deliver_v4(
        &mut self,
        now: Instant,
        arrival: Arrival,
        datagram: &[u8],
        ip: &ipv4::Header<'_>,
        payload: &[u8],
    ) {
        if self.net.config.forwarding.is_some() && self.net.translate_inwards(now, arrival, datagram) {
            return;
        }
        let (source, destination) = (ip.source.into(), ip.destination.into());
        let unreachable = |code| Problem { kind: icmpv4::UNREACHABLE, code, rest: [0; 4] };
        match ip.protocol {
            protocol::ICMPV4 => {
                self.echo_reply_arrives(arrival, ip, payload);
                if let Some(report) = self.net.icmp_arrives_v4(now, arrival, ip, payload) {
                    self.report(now, &report);
                    self.keep_reported(&report, payload);
                }
            }
            protocol::IGMP => self.net.igmp_arrives(now, arrival, payload),
            protocol::UDP => {
                let to_all = self.net.owner_of(destination).is_none();
                let (interface, tos, ttl, options) = (arrival.interface, ip.tos, ip.ttl, ip.options.to_vec());
                let below = Below { destination, interface, tos, ttl, options };
                if !self.udp_arrives(source, to_all, below, payload) {
                    self.net.send_error_v4(now, arrival, datagram, unreachable(icmpv4::PORT));
                }
            }
            protocol::TCP => {
                self.tcp_arrives(now, arrival, (&source, &destination), ip.tos, payload);
                if !ip.options.is_empty()
                    && let Some(back) = way_back(ip)
                {
                    self.tcp_came_by_route((source, destination), payload, back);
                }
            }
            _ => self.net.send_error_v4(now, arrival, datagram, unreachable(icmpv4::PROTOCOL)),
        }
    }

    fn ipv6_arrives(&mut self, now: Instant, arrival: Arrival, packet: &[u8]) {
        let Ok((header, payload)) = ipv6::Header::parse(packet) else { return };
        if self.net.accepts_v6(arrival, &header) {
            let packet = &packet[..ipv6::HEADER_LEN + payload.len()];
            self.walk_v6(now, arrival, packet, &header, false);
        } else {
            self.net.forward_v6(now, arrival, packet);
        }
    }

    /// Passes over extension headers; `fragmented` says that the packet had a fragment header.
    fn walk_v6(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packet: &[u8],
        header: &ipv6::Header,
        fragmented: bool,
    ) {
        match input6::walk_packet(packet, header) {
            Walk::Drop => {}
            Walk::Upper { protocol, at, named_at } => {
                let payload = packet.get(at..).unwrap_or(&[]);
                self.deliver_v6(now, arrival, packet, header, (protocol, named_at, payload), fragmented);
            }
            // A second fragment header in what has been put together is no use to anybody.
            Walk::Fragment { at, named_at } if !fragmented => {
                self.fragment_v6(now, arrival, packet, at, named_at)
            }
            Walk::Fragment { .. } => {}
            Walk::Problem(problem) => self.problem_v6(now, arrival, packet, problem),
            Walk::Truncated { at } => {
                let (code, even_multicast) = (icmpv6::ERRONEOUS_FIELD, false);
                self.problem_v6(
                    now,
                    arrival,
                    packet,
                    input6::Problem { code, pointer: at + 1, even_multicast },
                );
            }
        }
    }

    fn problem_v6(&mut self, now: Instant, arrival: Arrival, packet: &[u8], problem: input6::Problem) {
        let rest = u32::try_from(problem.pointer).unwrap_or(u32::MAX).to_be_bytes();
        let error = icmpv6::Header { kind: icmpv6::PARAMETER_PROBLEM, code: problem.code, rest };
        self.net.send_error_v6(now, arrival, packet, error, problem.even_multicast);
    }

    fn fragment_v6(&mut self, now: Instant, arrival: Arrival, packet: &[u8], at: usize, named_at: usize) {
        let Ok((fragment, data)) = Fragment::parse(packet.get(at..).unwrap_or(&[])) else { return };
        if let Err(problem) = input6::check_fragment(packet, at, fragment, data) {
            return self.problem_v6(now, arrival, packet, problem);
        }
        let Ok((header, _)) = ipv6::Header::parse(packet) else { return };
        let (source, destination) = (header.source, header.destination);
        let whole = match fragment.offset == 0 && !fragment.more {
            // RFC 6946 4: an atomic fragment has nothing to do with other fragments.
            true => without_fragment_header(packet, at, named_at, fragment.next_header, data),
            false => {
                let piece = Piece { source, destination, fragment, packet, at, named_at, data };
                self.net.reassembly6.insert(now, arrival, &piece)
            }
        };
        let Some(whole) = whole else { return };
        if let Ok((header, _)) = ipv6::Header::parse(&whole) {
            self.walk_v6(now, arrival, &whole, &header, true);
        }
    }

    /// A whole packet goes to its transport, whose number stands at `named_at`.
    fn deliver_v6(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packet: &[u8],
        ip: &ipv6::Header,
        (protocol, named_at, payload): (u8, usize, &[u8]),
        fragmented: bool,
    ) {
        let (source, destination) = (ip.source.into(), ip.destination.into());
        match protocol {
            // RFC 3810 6.2: multicast listener discovery comes with Router Alert.
            protocol::ICMPV6
                if payload.first().is_some_and(|kind| mld::is_message(*kind))
                    && !input6::has_router_alert(packet, ip) => {}
            protocol::ICMPV6 => {
                if let Some(report) = self.net.icmp_arrives_v6(now, arrival, ip, payload, fragmented) {
                    self.report(now, &report);
                    self.keep_reported(&report, payload);
                }
                if payload.first() == Some(&icmpv6::ECHO_REPLY) {
                    self.echo_reply_arrives_v6(arrival, ip, payload);
                }
            }
            protocol::UDP => {
                let (interface, tos, ttl) = (arrival.interface, ip.traffic_class, ip.hop_limit);
                let below = Below { destination, interface, tos, ttl, options: Vec::new() };
                if !self.udp_arrives(source, ip.destination.is_multicast(), below, payload) {
                    let error =
                        icmpv6::Header { kind: icmpv6::UNREACHABLE, code: icmpv6::PORT, rest: [0; 4] };
                    self.net.send_error_v6(now, arrival, packet, error, false);
                }
            }
            protocol::TCP => {
                self.tcp_arrives(now, arrival, (&source, &destination), ip.traffic_class, payload)
            }
            _ => {
                let (code, even_multicast) = (icmpv6::UNKNOWN_NEXT_HEADER, false);
                let problem = input6::Problem { code, pointer: named_at, even_multicast };
                self.problem_v6(now, arrival, packet, problem);
            }
        }
    }
}
