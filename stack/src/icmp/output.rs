//! ICMP errors out, and the rules that forbid them.

use super::echo_options::way_back;
use super::report::upper_layer;
use crate::ip::input4::Problem;
use crate::ip::output::{Packet4, Packet6};
use crate::link::Cast;
use crate::network::{Arrival, Network};
use crate::time::Instant;
use crate::wire::{Buffer, icmpv4, icmpv6, ipv4, ipv6, protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest ICMPv4 error: 576 bytes, as RFC 1812 4.3.2.3 has it; RFC 1122 3.2.2 asks for header and 8 bytes.
const MAX_ERROR_V4: usize = 576;

impl Network {
    /// Tells the sender of `datagram` what is wrong with it, where RFC 1122 3.2.2 allows it.
    pub(crate) fn send_error_v4(
        &mut self,
        now: Instant,
        arrival: Arrival,
        datagram: &[u8],
        problem: Problem,
    ) {
        let Ok((header, payload)) = ipv4::Header::parse_quoted(datagram) else { return };
        if !self.may_report_v4(arrival, &header, payload)
            || (problem.kind == icmpv4::UNREACHABLE && !self.config.icmp.unreachables)
            || !self.error_limit.allows(now)
        {
            return;
        }
        let total = usize::from(u16::from_be_bytes([datagram[2], datagram[3]])).min(datagram.len());
        let quote = &datagram[..total.min(MAX_ERROR_V4 - ipv4::HEADER_LEN - icmpv4::HEADER_LEN)];
        let mut buffer = Buffer::with_payload(quote);
        icmpv4::Header { kind: problem.kind, code: problem.code, rest: problem.rest }.emit(&mut buffer);
        let Some(source) = self.error_source_v4(arrival, header.destination, header.source) else { return };
        // RFC 1812 4.3.2.6: over the way that the datagram came, unless its source route is what is wrong.
        let routed = self.config.forwarding.is_some() && problem.kind != icmpv4::PARAMETER_PROBLEM;
        let way = way_back(&header).filter(|_| routed);
        let (options, destination) = way.unwrap_or((Vec::new(), header.source));
        let packet = Packet4 {
            source,
            destination,
            protocol: protocol::ICMPV4,
            tos: self.error_tos(header.tos),
            ttl: self.config.ipv4.ttl,
            dont_fragment: false,
            options: &options,
            via: None,
        };
        // An error that cannot be sent is not an event for anybody.
        let _ = self.send_v4(now, packet, buffer);
    }

    /// Not about an ICMP error, a datagram to a broadcast or multicast address of IP or link, a fragment other than the
    /// first, or one whose source is not a single host.
    fn may_report_v4(&self, arrival: Arrival, header: &ipv4::Header<'_>, payload: &[u8]) -> bool {
        let about_error =
            header.protocol == protocol::ICMPV4 && payload.first().is_none_or(|k| icmpv4::is_error(*k));
        let to_one =
            !header.destination.is_multicast() && self.broadcast_interface(header.destination).is_none();
        let from_one = arrival.loopback || self.is_one_host_v4(header.source);
        !about_error && to_one && arrival.cast == Cast::Unicast && header.fragment_offset == 0 && from_one
    }

    /// RFC 1122 3.2.2: a host's errors have the default type of service; RFC 1812 4.3.2.5: a router's that of the datagram,
    /// and the precedence of internetwork control.
    fn error_tos(&self, tos: u8) -> u8 {
        const INTERNETWORK_CONTROL: u8 = 6 << 5;
        match self.config.forwarding {
            Some(_) => tos & 0x1e | INTERNETWORK_CONTROL,
            None => 0,
        }
    }

    /// The address that an error comes from: a router's is one of the interface that it leaves by (RFC 1812 4.3.2.4).
    fn error_source_v4(&self, arrival: Arrival, spoken_to: Ipv4Addr, to: Ipv4Addr) -> Option<Ipv4Addr> {
        match self.source_for(to.into(), None).filter(|_| self.config.forwarding.is_some()) {
            Some(IpAddr::V4(source)) => Some(source),
            _ => self.reply_source_v4(arrival, spoken_to, to),
        }
    }

    /// Tells the sender of a datagram that this router could not deliver; false where the host itself sent it.
    pub(crate) fn report_undelivered(&mut self, now: Instant, datagram: &[u8]) -> bool {
        let version = datagram.first().map(|byte| byte >> 4);
        let source: IpAddr = match version {
            Some(4) => ipv4::Header::parse_quoted(datagram)
                .map_or(Ipv4Addr::UNSPECIFIED.into(), |(h, _)| h.source.into()),
            _ => ipv6::Header::parse_quoted(datagram)
                .map_or(Ipv6Addr::UNSPECIFIED.into(), |(h, _)| h.source.into()),
        };
        if self.config.forwarding.is_none() || source.is_unspecified() || self.owner_of(source).is_some() {
            return false;
        }
        let Some(hop) = self.route(source, None) else { return true };
        let arrival = Arrival { interface: hop.interface, cast: Cast::Unicast, loopback: false };
        let rest = [0; 4];
        if version == Some(4) {
            let problem = Problem { kind: icmpv4::UNREACHABLE, code: icmpv4::HOST, rest };
            self.send_error_v4(now, arrival, datagram, problem);
        } else {
            let error = icmpv6::Header { kind: icmpv6::UNREACHABLE, code: icmpv6::ADDRESS, rest };
            self.send_error_v6(now, arrival, datagram, error, false);
        }
        true
    }

    /// The address to answer from: the one that was spoken to (RFC 1122 3.3.4.2), or one that the route gives.
    pub(super) fn reply_source_v4(
        &self,
        arrival: Arrival,
        spoken_to: Ipv4Addr,
        to: Ipv4Addr,
    ) -> Option<Ipv4Addr> {
        if self.owner_of(spoken_to.into()).is_some() {
            return Some(spoken_to);
        }
        let own = self.interfaces.get(arrival.interface)?.ipv4().find(|(_, cidr)| cidr.contains(to.into()));
        match own.map(|(address, _)| address).map(IpAddr::V4).or_else(|| self.source_for(to.into(), None))? {
            IpAddr::V4(source) => Some(source),
            IpAddr::V6(_) => None,
        }
    }

    /// Tells the sender of `packet` what is wrong with it, where RFC 4443 2.4(e) allows it. `even_multicast` is for the
    /// exception that unknown options make.
    pub(crate) fn send_error_v6(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packet: &[u8],
        error: icmpv6::Header,
        even_multicast: bool,
    ) {
        let Ok((header, _)) = ipv6::Header::parse_quoted(packet) else { return };
        let to_one = arrival.cast == Cast::Unicast && !header.destination.is_multicast();
        let from_one = !header.source.is_unspecified() && !header.source.is_multicast();
        if !from_one || !(to_one || even_multicast) || is_icmp_error(&header, packet) {
            return;
        }
        let destination = header.source;
        let Some(source) = self.reply_source_v6(arrival, header.destination, destination) else { return };
        let held_back = error.kind == icmpv6::UNREACHABLE && !self.config.icmp.unreachables;
        if held_back || !self.error_limit.allows(now) {
            return;
        }
        let length = usize::from(u16::from_be_bytes([packet[4], packet[5]])) + ipv6::HEADER_LEN;
        let room = ipv6::MIN_MTU - ipv6::HEADER_LEN - icmpv6::HEADER_LEN;
        let mut buffer = Buffer::with_payload(&packet[..packet.len().min(length).min(room)]);
        error.emit(source, destination, &mut buffer);
        let hop_limit = None;
        let via = destination.is_unicast_link_local().then_some(arrival.interface);
        let packet =
            Packet6 { source, destination, protocol: protocol::ICMPV6, traffic_class: 0, hop_limit, via };
        let _ = self.send_v6(now, packet, buffer);
    }

    /// The address to answer from (RFC 4443 2.2): the one that was spoken to, or one that suits the destination.
    pub(super) fn reply_source_v6(
        &self,
        arrival: Arrival,
        spoken_to: Ipv6Addr,
        to: Ipv6Addr,
    ) -> Option<Ipv6Addr> {
        if self.owner_of(spoken_to.into()).is_some() {
            return Some(spoken_to);
        }
        let via = (to.is_unicast_link_local() || to.is_multicast()).then_some(arrival.interface);
        match self.source_for(to.into(), via)? {
            IpAddr::V6(source) => Some(source),
            IpAddr::V4(_) => None,
        }
    }
}

/// Whether `packet` is an ICMPv6 error or redirect, about which nothing is said (RFC 4443 2.4(e.1), (e.2)). One whose
/// type cannot be read is taken for one.
fn is_icmp_error(header: &ipv6::Header, packet: &[u8]) -> bool {
    match upper_layer(header, packet) {
        Ok((protocol::ICMPV6, message)) => {
            message.first().is_none_or(|kind| *kind < 128 || *kind == icmpv6::REDIRECT)
        }
        _ => false,
    }
}
