//! Frames for a host, built by hand.

use super::operation::{Alter, Datagram, LinkDestination, Piece, Upper};
use super::world::{CLOSED, OPEN, V4, V6, mac_of, own_mac};
use crate::input::{checksum, pseudo_header, put16};
use crate::repair;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What IPv6 says comes next where a datagram is cut.
const FRAGMENT: u8 = 44;
/// What ICMP and UDP have before their data.
const HEADER: usize = 8;

/// The data of datagram `ident`: every byte says which datagram's it is.
pub(super) fn data(ident: u16, length: usize) -> Vec<u8> {
    let byte = |at: usize| (ident as u8).wrapping_mul(31).wrapping_add((at / 8 * 5 + at) as u8);
    let mut bytes: Vec<u8> = (0..length).map(byte).collect();
    for (own, part) in bytes.iter_mut().zip(ident.to_be_bytes()) {
        *own = part;
    }
    bytes
}

/// Makes other bytes of data, whose sum is the same: words change places, so that a checksum does not tell.
pub(super) fn soil(bytes: &mut [u8]) {
    for group in bytes.chunks_exact_mut(4) {
        group.rotate_left(2);
    }
}

/// The addresses that a datagram is between.
pub(super) fn ends(datagram: &Datagram) -> (IpAddr, IpAddr) {
    let (source, destination) = (usize::from(datagram.source), usize::from(datagram.destination));
    match datagram.is_v6 {
        false => (V4[source].into(), V4[destination].into()),
        true => (V6[source].into(), V6[destination].into()),
    }
}

/// The datagrams that carry what `datagram` asks for, one each fragment. `quoted` is what an ICMP error is about.
pub(super) fn datagrams(
    datagram: &Datagram,
    ends: (IpAddr, IpAddr),
    ident: u16,
    quoted: &[u8],
) -> Vec<Vec<u8>> {
    let (protocol, upper) = upper(datagram, ends, ident, quoted);
    let (extras, protocol) = if ends.0.is_ipv4() {
        (options(datagram.extras), protocol)
    } else {
        extensions(datagram.extras, protocol)
    };
    let frame = |piece: &Piece| {
        let eighths = |n: u8| if n == 8 { upper.len() } else { upper.len() * usize::from(n) / 64 * 8 };
        let (from, to) = (eighths(piece.from), eighths(piece.to));
        let mut part = upper[from.min(to)..to].to_vec();
        if piece.is_dirty {
            // The words of a header in each other's places would be a message of another type.
            let header = if piece.from == 0 { HEADER.min(part.len()) } else { 0 };
            soil(&mut part[header..]);
        }
        let more = (piece.to < 8) != piece.has_wrong_end;
        let fragment = Some(from as u16 | u16::from(more));
        header(datagram, ends, ident, (&extras, protocol), fragment, &part)
    };
    if datagram.cut.is_empty() {
        return vec![header(datagram, ends, ident, (&extras, protocol), None, &upper)];
    }
    datagram.cut.iter().map(frame).collect()
}

/// Puts the IP header before a datagram or a fragment, whose offset in bytes and M are `fragment`.
fn header(
    datagram: &Datagram,
    (source, destination): (IpAddr, IpAddr),
    ident: u16,
    (extras, protocol): (&[u8], u8),
    fragment: Option<u16>,
    part: &[u8],
) -> Vec<u8> {
    let mut packet = Vec::with_capacity(60 + extras.len() + part.len());
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let word = fragment.map_or(0, |word| (word & 1) << 13 | word >> 3);
            packet.extend([0x45 + (extras.len() / 4) as u8, 0, 0, 0]);
            packet.extend(ident.to_be_bytes());
            packet.extend(word.to_be_bytes());
            packet.extend([datagram.ttl, protocol, 0, 0]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
            packet.extend(extras);
        }
        (source, destination) => {
            let [own, their] = [source, destination].map(octets);
            let inner = fragment.map(|word| {
                let mut header = vec![protocol, 0, 0, 0, 0, 0];
                put16(&mut header, 2, word);
                header.extend(ident.to_be_bytes());
                header
            });
            let first = if inner.is_some() { FRAGMENT } else { protocol };
            packet.extend([0x60, 0]);
            packet.extend(ident.to_be_bytes());
            packet.extend([0, 0, first, datagram.ttl]);
            packet.extend(own);
            packet.extend(their);
            // Options for hops come before the fragment header, where routers look for them.
            let (before, behind) = if !extras.is_empty() && first != protocol {
                (&extras[..0], extras)
            } else {
                (extras, &extras[..0])
            };
            packet.extend(before);
            packet.extend(inner.unwrap_or_default());
            packet.extend(behind);
        }
    }
    packet.extend(part);
    repair::lengths(&mut packet);
    repair::header_checksum(&mut packet);
    packet
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

/// The transport's header and the data, with their checksum.
fn upper(datagram: &Datagram, ends: (IpAddr, IpAddr), ident: u16, quoted: &[u8]) -> (u8, Vec<u8>) {
    let is_v6 = ends.0.is_ipv6();
    let icmp = if is_v6 { 58 } else { 1 };
    let data = data(ident, datagram.length.into());
    let ports = |port: u16| [[0xc0, 0], port.to_be_bytes()].concat();
    let echo = |kind: u8| [&[kind, 0, 0, 0, 0, 7, 0, 1], data.as_slice()].concat();
    let (protocol, mut bytes) = match datagram.upper {
        Upper::Echo => (icmp, echo(if is_v6 { 128 } else { 8 })),
        Upper::EchoReply => (icmp, echo(if is_v6 { 129 } else { 0 })),
        Upper::Udp | Upper::UdpClosed => {
            let port = if datagram.upper == Upper::Udp { OPEN } else { CLOSED };
            let length = (8 + data.len() as u16).to_be_bytes();
            (17, [&ports(port)[..], &length, &[0, 0], &data].concat())
        }
        Upper::Tcp(flags) => {
            let rest = [0, 0, 0, 9, 0, 0, 0, 1, 0x50, flags, 4, 0, 0, 0, 0, 0];
            (6, [&ports(CLOSED)[..], &rest, &data].concat())
        }
        Upper::Unknown => (253, data),
        Upper::Query if is_v6 => (icmp, [&[130, 0, 0, 0, 0, 10, 0, 0], &[0; 16][..]].concat()),
        Upper::Query => (2, vec![0x11, 10, 0, 0, 0, 0, 0, 0]),
        Upper::Report if is_v6 => (icmp, [&[131, 0, 0, 0, 0, 0, 0, 0], &V6[8].octets()[..]].concat()),
        Upper::Report => (2, [&[0x16, 0, 0, 0], &V4[10].octets()[..]].concat()),
        Upper::Error(of_v4, of_v6, code, number) => {
            let kind = if is_v6 { of_v6 } else { of_v4 };
            (icmp, [&[kind, code, 0, 0], &number.to_be_bytes(), quoted].concat())
        }
    };
    let pseudo = match protocol {
        1 | 2 => 0,
        _ => pseudo_header(&[&octets(ends.0), &octets(ends.1)], protocol, bytes.len()),
    };
    repair::transport(protocol, pseudo, &mut bytes);
    (protocol, bytes)
}

/// Options of IPv4, a multiple of four bytes.
fn options(choice: u8) -> Vec<u8> {
    match choice % 11 {
        1 => vec![148, 4, 0, 0],
        2 => vec![7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        3 => vec![68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        4 => [&[131, 7, 4][..], &V4[3].octets(), &[0]].concat(),
        5 => [&[137, 7, 4][..], &V4[6].octets(), &[0]].concat(),
        6 => [&[131, 7, 8][..], &V4[3].octets(), &[0]].concat(),
        7 => vec![0x82, 4, 0, 0],
        8 => vec![7, 40, 4, 0],
        9 => vec![1, 1, 0, 7],
        10 => vec![94, 8, 0, 0, 0, 0, 0, 0],
        _ => Vec::new(),
    }
}

/// Extension headers of IPv6 and what the first header's number is, in front of `protocol`.
fn extensions(choice: u8, protocol: u8) -> (Vec<u8>, u8) {
    let option = |kind: u8| vec![protocol, 0, kind, 4, 0, 0, 0, 0];
    let routing = |kind: u8, left: u8| {
        let mut header = vec![protocol, 2, kind, left, 0, 0, 0, 0];
        header.extend(V6[3].octets());
        header
    };
    match choice % 11 {
        1 => (vec![protocol, 0, 5, 2, 0, 0, 1, 0], 0),
        2 => (option(0x1e), 0),
        3 => (option(0x5e), 0),
        4 => (option(0x9e), 60),
        5 => (option(0xde), 60),
        6 => (routing(0, 1), 43),
        7 => (routing(0, 0), 43),
        8 => (routing(3, 1), 43),
        9 => (vec![protocol, 9, 1, 4, 0, 0, 0, 0], 60),
        10 => ([vec![60, 0, 1, 4, 0, 0, 0, 0], vec![protocol, 0, 1, 4, 0, 0, 0, 0]].concat(), 60),
        _ => (Vec::new(), protocol),
    }
}

/// An ARP packet (RFC 826): a request, a reply, a probe (RFC 5227 1.1), an announcement, or of another operation.
pub(super) fn arp(kind: u8, sender: Ipv4Addr, target: Ipv4Addr, is_false: bool) -> Vec<u8> {
    let operation = [1, 2, 1, 1, 9][usize::from(kind) % 5];
    let mut mac = mac_of(sender.into());
    mac[5] ^= u8::from(is_false);
    let (sender, target) = match kind % 5 {
        2 => (Ipv4Addr::UNSPECIFIED, target),
        3 => (sender, sender),
        _ => (sender, target),
    };
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, operation];
    packet.extend(mac);
    packet.extend(sender.octets());
    packet.extend(if operation == 2 { own_mac(0) } else { [0; 6] });
    packet.extend(target.octets());
    packet
}

/// A message of neighbour discovery (RFC 4861 4) in its datagram: solicitation, advertisement, router's both, redirect.
pub(super) fn discovery(
    kind: u8,
    (source, target): (Ipv6Addr, Ipv6Addr),
    (flags, option, hop_limit): (u8, u8, u8),
) -> (Ipv6Addr, Vec<u8>) {
    let kind = kind % 5;
    let mac = mac_of(source.into());
    let own = V6[1];
    let solicited = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, target.segments()[7]);
    let (number, destination, mut body) = match kind {
        0 => (135, solicited, [&[0; 4], &target.octets()[..]].concat()),
        1 => (136, own, [&[flags & 0xe0, 0, 0, 0], &source.octets()[..]].concat()),
        2 => (133, V6[10], vec![0; 4]),
        3 => {
            // Lifetimes from nothing to for ever, and the prefix that the host is on.
            let mut body = vec![64, flags & 0xc0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
            let (valid, preferred) = ([[0, 0, 14, 16], [255; 4]][usize::from(flags & 1)], [0, 0, 7, 8]);
            body.extend([3, 4, 64, 0xc0]);
            body.extend(valid);
            body.extend(preferred);
            body.extend([0; 4]);
            body.extend(target.octets());
            (134, V6[8], body)
        }
        _ => (137, own, [&[0; 4], &target.octets()[..], &V6[5].octets()].concat()),
    };
    match option % 6 {
        0 => body.extend([&[1 + u8::from(matches!(kind, 1 | 4)), 1][..], &mac].concat()),
        1 => {}
        2 => body.extend([1, 0, 0, 0, 0, 0, 0, 0]),
        3 => body.extend([5, 1, 0, 0, 0, 0, 5, 0]),
        4 => body.extend([5, 1, 0, 0, 0, 0, 0, 1]),
        _ => body.extend([25, 1, 0, 0, 0, 0, 0, 0]),
    }
    let mut message = [&[number, 0, 0, 0][..], &body].concat();
    let pseudo = pseudo_header(&[&source.octets(), &destination.octets()], 58, message.len());
    let sum = checksum(pseudo, &message);
    put16(&mut message, 2, sum);
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 58, hop_limit];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(message);
    repair::lengths(&mut packet);
    (destination, packet)
}

/// Turns bits of the network layer round.
pub(super) fn alter(packet: &mut [u8], alter: Alter) {
    if let Some(byte) = packet.get_mut(usize::from(alter.at)) {
        *byte ^= alter.bits;
    }
    if alter.is_repaired {
        repair::checksums(packet);
    }
}

/// The Ethernet frame around a packet.
pub(super) fn ethernet(
    interface: usize,
    source: IpAddr,
    destination: IpAddr,
    to: LinkDestination,
    kind: u16,
    packet: &[u8],
) -> Vec<u8> {
    let group = match destination {
        IpAddr::V4(a) if a.is_broadcast() || a.octets()[3] == 255 => Some([0xff; 6]),
        IpAddr::V4(a) if a.is_multicast() => {
            let [_, b, c, d] = a.octets();
            Some([1, 0, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(a) if a.is_multicast() => {
            let last = a.octets();
            Some([0x33, 0x33, last[12], last[13], last[14], last[15]])
        }
        _ => None,
    };
    let to = match to {
        LinkDestination::Usual => group.unwrap_or(own_mac(interface)),
        LinkDestination::Broadcast => [0xff; 6],
        LinkDestination::Multicast => [1, 0, 0x5e, 0, 0, 1],
        LinkDestination::Other => [2, 9, 9, 9, 9, 9],
    };
    let mut frame = Vec::with_capacity(14 + packet.len());
    frame.extend(to);
    frame.extend(mac_of(source));
    frame.extend(kind.to_be_bytes());
    frame.extend(packet);
    frame.resize(frame.len().max(60), 0);
    frame
}
