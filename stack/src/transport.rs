//! Between IP and the transports: datagrams up, segments down, and errors to those whom they concern.

use crate::host::Host;
use crate::icmp::{Report, Reported};
use crate::ip::output::{Packet4, Packet6, SendError};
use crate::ip::zone::{is_link_local, with_zone};
use crate::network::Arrival;
use crate::socket::Routed;
use crate::tcp::{self, IcmpError, IcmpKind, Outgoing, SeqNumber};
use crate::time::Instant;
use crate::udp::{Arriving, Below, Kind};
use crate::wire::{icmpv4, icmpv6, ipv6, protocol, udp};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the sequence number and the flags stand in a TCP header, and SYN among them.
const TCP_SEQUENCE: core::ops::Range<usize> = 4..8;
const TCP_FLAGS: usize = 13;
const TCP_SYN: u8 = 2;
/// The ECN field of a type of service or traffic class (RFC 3168 5).
const ECN: u8 = 3;

impl Host {
    /// Gives a datagram to its socket; false where there is none. One with a wrong checksum or length is dropped
    /// silently (RFC 1122 4.1.3.4), and over IPv6 one without where no socket asked for such (RFC 6935 5).
    pub(crate) fn udp_arrives(&mut self, source: IpAddr, to_all: bool, below: Below, bytes: &[u8]) -> bool {
        let checked = udp::Header::parse(source, below.destination, bytes);
        let is_checked = checked.is_ok();
        let parsed = checked.or_else(|error| match below.destination {
            IpAddr::V4(_) => Err(error),
            IpAddr::V6(_) => udp::Header::parse_unchecked(bytes),
        });
        let Ok((header, data)) = parsed else { return true };
        let (kind, from) = (Kind::Udp, SocketAddr::new(source, header.source_port));
        let port = header.destination_port;
        self.udp.deliver(&Arriving { kind, from, port, to_all, below, is_checked, data }) || !is_checked
    }

    /// Gives a segment to TCP, unless it was sent to more than this host (RFC 9293 MUST-57).
    // Inlined, so that each version of IP has this for itself, and no address is asked of which family it is.
    #[inline(always)]
    pub(crate) fn tcp_arrives(
        &mut self,
        now: Instant,
        arrival: Arrival,
        (source, destination): (&IpAddr, &IpAddr),
        tos: u8,
        segment: &[u8],
    ) {
        // IP has seen to it that the source of what is for one host is one, too.
        if !self.net.is_for_one(arrival, *destination) || source.is_unspecified() {
            return;
        }
        if segment.get(TCP_FLAGS).is_some_and(|flags| flags & TCP_SYN != 0) {
            let via = is_link_local(*source).then_some(arrival.interface);
            self.tcp.set_mtu(None, self.net.mtu_towards(now, *source, via));
        }
        let zone = Some(arrival.interface);
        self.tcp.segment_arrives_between(now, (source, destination), zone, tos & ECN, segment);
        if self.tcp.has_progressed() && self.net.has_doubts(arrival.interface, *source) {
            self.net.confirm(now, arrival.interface, *source);
        }
    }

    /// A segment that came by a source route: its connection goes back by it.
    pub(crate) fn tcp_came_by_route(
        &mut self,
        (source, destination): (IpAddr, IpAddr),
        segment: &[u8],
        back: Routed,
    ) {
        let Some([a, b, c, d]) = segment.first_chunk().copied() else { return };
        let remote = SocketAddr::new(source, u16::from_be_bytes([a, b]));
        self.came_by_route(SocketAddr::new(destination, u16::from_be_bytes([c, d])), remote, back);
    }

    /// Hands the segments that TCP has ready to IP.
    #[inline]
    pub(crate) fn send_segments(&mut self, now: Instant) {
        if !self.tcp.is_silent() {
            self.send_ready_segments(now);
        }
    }

    #[inline(never)]
    fn send_ready_segments(&mut self, now: Instant) {
        while let Some(mut segments) = self.tcp.take_outputs() {
            for segment in &mut segments {
                // For the case that it cannot be sent.
                let sequence = segment.buffer.get(TCP_SEQUENCE).and_then(|bytes| bytes.try_into().ok());
                let sequence = sequence.map(u32::from_be_bytes);
                if let Err(error) = self.send_segment(now, segment) {
                    self.segment_is_unsent(now, segment, sequence, error);
                }
            }
            self.tcp.outputs_are_sent(segments);
        }
    }

    /// Tells TCP of a segment of its own that could not be sent.
    #[cold]
    fn segment_is_unsent(
        &mut self,
        now: Instant,
        segment: &Outgoing,
        sequence: Option<u32>,
        error: SendError,
    ) {
        let (local, remote) = (segment.tuple.local, segment.tuple.remote);
        let Some(sequence) = sequence else { return };
        let error = match error {
            SendError::NoRoute => Reported::NetUnreachable,
            SendError::TooBig => {
                Reported::TooBig { mtu: self.net.mtu_towards(now, remote.ip(), segment.zone()) }
            }
        };
        let (from, zone) = (local.ip(), segment.zone().unwrap_or(0));
        let report = Report { protocol: protocol::TCP, local, remote, sequence, error, from, zone };
        self.report(now, &report);
    }

    fn send_segment(&mut self, now: Instant, segment: &mut Outgoing) -> Result<(), SendError> {
        // Each family by itself: an address that may be of either is much to carry about.
        match (segment.tuple.local, segment.tuple.remote) {
            (SocketAddr::V4(local), SocketAddr::V4(remote)) => {
                self.send_segment_v4(now, (*local.ip(), *remote.ip()), segment)?;
            }
            (SocketAddr::V6(local), SocketAddr::V6(remote)) => {
                self.send_segment_v6(now, (*local.ip(), *remote.ip()), segment)?;
            }
            _ => return Err(SendError::NoRoute),
        }
        self.net.way_was_taken();
        Ok(())
    }

    #[inline]
    fn send_segment_v4(
        &mut self,
        now: Instant,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        segment: &mut Outgoing,
    ) -> Result<(), SendError> {
        let routed = self.routed(now, segment.connection, source, destination);
        let (options, first_hop) = match &routed {
            Some((options, first_hop)) => (&options[..], *first_hop),
            None => (&[][..], destination),
        };
        let (network, way) = self.net.way_to(now, first_hop.into(), None)?;
        let (config, marks) = (network.config.ipv4, self.sockets.marks(segment.connection));
        let packet = Packet4 {
            source,
            destination: first_hop,
            protocol: protocol::TCP,
            tos: marks.tos & !ECN | segment.ecn & ECN,
            ttl: marks.ttl.unwrap_or(config.ttl),
            dont_fragment: config.path_mtu_discovery && !marks.may_be_cut,
            options,
            via: None,
        };
        network.send_v4_on(now, way, packet, segment.buffer.take())
    }

    #[inline(never)]
    fn send_segment_v6(
        &mut self,
        now: Instant,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        segment: &mut Outgoing,
    ) -> Result<(), SendError> {
        let via = segment.zone();
        let (network, way) = self.net.way_to(now, destination.into(), via)?;
        // Fragments are for what cannot be made smaller. TCP learns of the path what others have (RFC 8201 5.2).
        if ipv6::HEADER_LEN + segment.buffer.len() > usize::from(way.mtu) {
            return Err(SendError::TooBig);
        }
        let marks = self.sockets.marks(segment.connection);
        let traffic_class = marks.traffic_class & !ECN | segment.ecn & ECN;
        let (protocol, hop_limit) = (protocol::TCP, marks.hop_limit);
        let packet = Packet6 { source, destination, protocol, traffic_class, hop_limit, via };
        network.send_v6_on(now, way, packet, segment.buffer.take())
    }

    /// An error about a datagram of this host goes to the transport that sent it.
    pub(crate) fn report(&mut self, now: Instant, report: &Report) {
        let Report { protocol, local, remote, sequence, error, from: _, zone } = *report;
        if protocol == protocol::TCP {
            let kind = kind_of(error);
            let [local, remote] = [local, remote].map(|end| with_zone(end, Some(zone)));
            self.tcp.icmp_error(now, IcmpError { local, remote, sequence: SeqNumber(sequence), kind });
        } else if let Some((kind, local, remote)) = report.datagram_ends() {
            if let Reported::TooBig { mtu } = error
                && kind == Kind::Udp
                && self.udp.may_have_sent(local, remote)
            {
                self.net.path_mtu.reduce(now, remote.ip(), mtu.into(), u16::MAX);
            }
            self.udp.report(kind, (local, remote), error);
        }
    }

    /// A datagram found no neighbour behind an interface: its transport is told where this host sent it, else its sender.
    pub(crate) fn undelivered(&mut self, now: Instant, interface: usize, datagram: &[u8]) {
        if self.net.report_undelivered(now, datagram) {
            return;
        }
        if let Some(report) = Report::about(datagram, Reported::NoNeighbour, interface) {
            self.report(now, &report);
            let says = match report.local.is_ipv4() {
                true => (icmpv4::UNREACHABLE, icmpv4::HOST),
                false => (icmpv6::UNREACHABLE, icmpv6::ADDRESS),
            };
            self.keep_quoted_error(&report, says, datagram);
        }
    }
}

/// What an error means to TCP: protocol and port unreachable are hard, the others hints (RFC 1122 4.2.3.9).
fn kind_of(error: Reported) -> IcmpKind {
    match error {
        Reported::TooBig { mtu } => IcmpKind::PacketTooBig(mtu),
        Reported::PortUnreachable => IcmpKind::Hard(tcp::Error::ConnectionRefused),
        Reported::ProtocolUnreachable => IcmpKind::Hard(tcp::Error::ProtocolUnreachable),
        // A connection that was about to be opened ends, as it is this host that knows; others go on.
        Reported::NoNeighbour => IcmpKind::Hard(tcp::Error::HostUnreachable),
        Reported::NetUnreachable | Reported::NetUnknown => IcmpKind::Soft(tcp::Error::NetworkUnreachable),
        Reported::HostUnreachable
        | Reported::HostUnknown
        | Reported::SourceRouteFailed
        | Reported::Prohibited
        | Reported::TimeExceeded
        | Reported::ParameterProblem => IcmpKind::Soft(tcp::Error::HostUnreachable),
    }
}
