//! An error that ICMP brought, in the terms of the transports.

use crate::udp;
use crate::wire::{Result, icmpv4, icmpv6, ipv4, ipv6, protocol};
use std::net::{IpAddr, SocketAddr};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The network cannot be reached now.
    NetUnreachable,
    /// The host cannot be reached now.
    HostUnreachable,
    /// The host does not know the protocol.
    ProtocolUnreachable,
    /// Nobody has the port.
    PortUnreachable,
    /// The datagram was too big for a link; the path takes this many bytes.
    TooBig {
        /// Bytes of a whole datagram.
        mtu: u16,
    },
    /// The source route failed.
    SourceRouteFailed,
    /// The network does not exist.
    NetUnknown,
    /// The host does not exist.
    HostUnknown,
    /// Somebody forbids the communication.
    Prohibited,
    /// The time to live ended, or reassembly took too long.
    TimeExceeded,
    /// A header field was not understood.
    ParameterProblem,
    /// The next hop did not answer address resolution: not from ICMP, but found out by this host.
    NoNeighbour,
}

/// An error about a datagram of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The transport of the datagram: [`crate::wire::protocol`].
    pub protocol: u8,
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The four bytes behind the ports: TCP's sequence number.
    pub sequence: u32,
    /// What went wrong.
    pub error: Reported,
    /// Who says so; our end where nobody had to.
    pub from: IpAddr,
    /// The interface that the ends are in the zone of where they are link-local (RFC 4007 6).
    pub zone: usize,
}

/// What a quoted datagram says of itself: protocol, ends, sequence number and length.
pub(super) struct Quoted {
    pub(super) protocol: u8,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) sequence: u32,
    /// Total length of the datagram that was quoted.
    pub(super) length: u16,
    /// Length of its header.
    pub(super) header: u16,
}

/// Reads the quote of an ICMPv4 error: an IPv4 header and at least 8 bytes of what follows (RFC 1122 3.2.2).
pub(super) fn quoted_v4(quote: &[u8]) -> Option<Quoted> {
    let (header, payload) = ipv4::Header::parse_quoted(quote).ok()?;
    // Only the first fragment has the ports.
    let payload = if header.fragment_offset == 0 { payload } else { return None };
    let length = u16::from_be_bytes([quote[2], quote[3]]);
    let lengths = (length, u16::try_from(header.len()).unwrap_or(0));
    quoted(header.protocol, header.source.into(), header.destination.into(), payload, lengths)
}

/// Reads the quote of an ICMPv6 error; extension headers in it are passed over.
pub(super) fn quoted_v6(quote: &[u8]) -> Option<Quoted> {
    let (header, _) = ipv6::Header::parse_quoted(quote).ok()?;
    let length = u16::from_be_bytes([quote[4], quote[5]]).saturating_add(40);
    let (protocol, payload) = upper_layer(&header, quote).ok()?;
    quoted(protocol, header.source.into(), header.destination.into(), payload, (length, 40))
}

/// The upper layer of a quoted packet: extension headers are passed over without acting on them.
pub(super) fn upper_layer<'a>(header: &ipv6::Header, packet: &'a [u8]) -> Result<(u8, &'a [u8])> {
    use crate::wire::ipv6_ext::{Extension, Fragment};
    use crate::wire::{Error, protocol as p};
    let mut rest = packet.get(ipv6::HEADER_LEN..).unwrap_or(&[]);
    let mut next = header.next_header;
    loop {
        match next {
            p::HOP_BY_HOP | p::ROUTING | p::DESTINATION_OPTIONS => {
                let (extension, behind) = Extension::parse(rest)?;
                (next, rest) = (extension.next_header, behind);
            }
            p::FRAGMENT => {
                let (fragment, behind) = Fragment::parse(rest)?;
                if fragment.offset != 0 {
                    return Err(Error::value("ipv6 fragment", "offset"));
                }
                (next, rest) = (fragment.next_header, behind);
            }
            protocol => return Ok((protocol, rest)),
        }
    }
}

/// What a quoted datagram of either version carries.
pub(crate) fn quoted_payload(quote: &[u8]) -> Option<&[u8]> {
    match quote.first()? >> 4 {
        4 => ipv4::Header::parse_quoted(quote).ok().map(|(_, payload)| payload),
        _ => {
            let (header, _) = ipv6::Header::parse_quoted(quote).ok()?;
            upper_layer(&header, quote).ok().map(|(_, payload)| payload)
        }
    }
}

fn quoted(
    protocol: u8,
    local: IpAddr,
    remote: IpAddr,
    payload: &[u8],
    (length, header): (u16, u16),
) -> Option<Quoted> {
    let [a, b, c, d, e, f, g, h, ..] = *payload else { return None };
    let port = |high, low| u16::from_be_bytes([high, low]);
    Some(Quoted {
        protocol,
        local: SocketAddr::new(local, port(a, b)),
        remote: SocketAddr::new(remote, port(c, d)),
        sequence: u32::from_be_bytes([e, f, g, h]),
        length,
        header,
    })
}

/// What an ICMPv4 error says; `None` for queries, redirects and source quenches, which RFC 6633 has ignored.
pub(super) fn reported_v4(header: &icmpv4::Header) -> Option<Reported> {
    match (header.kind, header.code) {
        (icmpv4::UNREACHABLE, code) => Some(match code {
            icmpv4::HOST | 8 | 12 => Reported::HostUnreachable,
            icmpv4::PROTOCOL => Reported::ProtocolUnreachable,
            icmpv4::PORT => Reported::PortUnreachable,
            icmpv4::FRAGMENTATION_NEEDED => Reported::TooBig { mtu: header.mtu() },
            icmpv4::SOURCE_ROUTE_FAILED => Reported::SourceRouteFailed,
            6 => Reported::NetUnknown,
            7 => Reported::HostUnknown,
            9 | 10 | 13..=15 => Reported::Prohibited,
            _ => Reported::NetUnreachable,
        }),
        (icmpv4::TIME_EXCEEDED, _) => Some(Reported::TimeExceeded),
        (icmpv4::PARAMETER_PROBLEM, _) => Some(Reported::ParameterProblem),
        _ => None,
    }
}

/// What an ICMPv6 error says (RFC 4443 3).
pub(super) fn reported_v6(header: &icmpv6::Header) -> Option<Reported> {
    match (header.kind, header.code) {
        (icmpv6::UNREACHABLE, code) => Some(match code {
            icmpv6::NO_ROUTE => Reported::NetUnreachable,
            icmpv6::PORT => Reported::PortUnreachable,
            1 | 5 | 6 => Reported::Prohibited,
            _ => Reported::HostUnreachable,
        }),
        (icmpv6::PACKET_TOO_BIG, _) => {
            Some(Reported::TooBig { mtu: u16::try_from(header.word()).unwrap_or(u16::MAX) })
        }
        (icmpv6::TIME_EXCEEDED, _) => Some(Reported::TimeExceeded),
        (icmpv6::PARAMETER_PROBLEM, _) => Some(Reported::ParameterProblem),
        _ => None,
    }
}

impl Report {
    /// The ends of the datagram socket that sent what this is about: UDP's, or for an echo request those of its ping socket,
    /// whose port is the identifier. `None` of what no such socket sends.
    pub(crate) fn datagram_ends(&self) -> Option<(udp::Kind, SocketAddr, SocketAddr)> {
        // Type and code stand where transports have their port.
        let [kind, _] = self.local.port().to_be_bytes();
        match (self.protocol, kind) {
            (protocol::UDP, _) => Some((udp::Kind::Udp, self.local, self.remote)),
            (protocol::ICMPV4, icmpv4::ECHO_REQUEST) | (protocol::ICMPV6, icmpv6::ECHO_REQUEST) => {
                let identifier = (self.sequence >> 16) as u16;
                let (local, remote) = (self.local.ip(), self.remote.ip());
                Some((udp::Kind::Ping, SocketAddr::new(local, identifier), SocketAddr::new(remote, 0)))
            }
            _ => None,
        }
    }

    /// The report that `error` befell `datagram`, an IP datagram of ours on its way through the interface `zone`; `None` where it
    /// has no ports.
    pub(crate) fn about(datagram: &[u8], error: Reported, zone: usize) -> Option<Report> {
        let quoted = match datagram.first()? >> 4 {
            4 => quoted_v4(datagram)?,
            _ => quoted_v6(datagram)?,
        };
        let (protocol, sequence) = (quoted.protocol, quoted.sequence);
        let from = quoted.local.ip();
        Some(Report { protocol, local: quoted.local, remote: quoted.remote, sequence, error, from, zone })
    }
}
