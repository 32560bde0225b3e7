//! Work to measure, each with its like on the published smoltcp crate: one header is parsed, emitted again, and compared.
//!
//! An input means what it means to the header's own target, whose seeds it is made of: where its first byte says so, the
//! checksum is made right. Or next to nothing would come past the checksum, and what is measured would be refusals.
//!
//! `--cfg fuzzing` makes smoltcp take any checksum for right. What it leaves out is done beside it, by its own functions.

use crate::{Target, targets};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire;
use stack::wire::{Buffer, arp, icmpv4, ipv4, ipv6, tcp, udp};
use std::hint::black_box;
use std::net::Ipv4Addr;

/// What the rates of parsers are told of: a header here, and on smoltcp.
pub const RATES: &[Target] = &[
    ("empty", |data| {
        black_box(data);
    }),
    ("arp", arp),
    ("arp_smoltcp", arp_smoltcp),
    ("icmpv4", icmpv4),
    ("icmpv4_smoltcp", icmpv4_smoltcp),
    ("ipv4", ipv4),
    ("ipv4_smoltcp", ipv4_smoltcp),
    ("ipv6", ipv6),
    ("ipv6_smoltcp", ipv6_smoltcp),
    ("tcp", tcp),
    ("tcp_smoltcp", tcp_smoltcp),
    ("udp", udp),
    ("udp_smoltcp", udp_smoltcp),
];

const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DESTINATION: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The work called `name`.
pub fn rate(name: &str) -> Option<fn(&[u8])> {
    RATES.iter().find(|(own, _)| *own == name).map(|(_, run)| *run)
}

/// Emits before `payload` and compares.
fn again(data: &[u8], payload: &[u8], emit: impl FnOnce(&mut Buffer)) {
    let mut buffer = Buffer::with_payload(payload);
    emit(&mut buffer);
    black_box(*buffer == *data);
}

/// The same for smoltcp, which emits into bytes that are there.
fn again_smoltcp(data: &[u8], length: usize, emit: impl FnOnce(&mut [u8])) {
    let mut bytes = vec![0; length];
    emit(&mut bytes);
    black_box(bytes == data);
}

/// What smoltcp's `verify_checksum` does where nobody fuzzes.
fn is_right_smoltcp(protocol: wire::IpProtocol, data: &[u8]) -> bool {
    let (source, destination) = (SOURCE.into(), DESTINATION.into());
    let pseudo = wire::checksum::pseudo_header(&source, &destination, protocol, data.len() as u32);
    wire::checksum::combine(&[pseudo, wire::checksum::data(data)]) == !0
}

fn arp(data: &[u8]) {
    if let Ok(packet) = arp::Packet::parse(data) {
        again(data, &[], |buffer| packet.emit(buffer));
    }
}

fn arp_smoltcp(data: &[u8]) {
    let Ok(packet) = wire::ArpPacket::new_checked(data) else { return };
    let Ok(repr) = wire::ArpRepr::parse(&packet) else { return };
    again_smoltcp(data, repr.buffer_len(), |bytes| repr.emit(&mut wire::ArpPacket::new_unchecked(bytes)));
}

fn icmpv4(data: &[u8]) {
    let Some(data) = &targets::icmpv4::message(data) else { return };
    if let Ok((header, payload)) = icmpv4::Header::parse(data) {
        again(data, payload, |buffer| header.emit(buffer));
    }
}

fn icmpv4_smoltcp(data: &[u8]) {
    let Some(data) = &targets::icmpv4::message(data) else { return };
    let checksums = ChecksumCapabilities::default();
    let Ok(packet) = wire::Icmpv4Packet::new_checked(data) else { return };
    if wire::checksum::data(data) != !0 {
        return;
    }
    let Ok(repr) = wire::Icmpv4Repr::parse(&packet, &checksums) else { return };
    again_smoltcp(data, repr.buffer_len(), |bytes| {
        repr.emit(&mut wire::Icmpv4Packet::new_unchecked(bytes), &checksums);
    });
}

fn ipv4(data: &[u8]) {
    let Some(data) = &targets::ipv4::datagram(data) else { return };
    if let Ok((header, payload)) = ipv4::Header::parse(data) {
        again(data, payload, |buffer| header.emit(buffer));
    }
}

fn ipv4_smoltcp(data: &[u8]) {
    let Some(data) = &targets::ipv4::datagram(data) else { return };
    let checksums = ChecksumCapabilities::default();
    let Ok(packet) = wire::Ipv4Packet::new_checked(data) else { return };
    if wire::checksum::data(&data[..packet.header_len().into()]) != !0 {
        return;
    }
    let Ok(repr) = wire::Ipv4Repr::parse(&packet, &checksums) else { return };
    again_smoltcp(data, repr.buffer_len() + packet.payload().len(), |bytes| {
        bytes[repr.buffer_len()..].copy_from_slice(packet.payload());
        repr.emit(&mut wire::Ipv4Packet::new_unchecked(bytes), &checksums);
    });
}

fn ipv6(data: &[u8]) {
    if let Ok((header, payload)) = ipv6::Header::parse(data) {
        again(data, payload, |buffer| header.emit(buffer));
    }
}

fn ipv6_smoltcp(data: &[u8]) {
    let Ok(packet) = wire::Ipv6Packet::new_checked(data) else { return };
    let Ok(repr) = wire::Ipv6Repr::parse(&packet) else { return };
    again_smoltcp(data, repr.buffer_len() + packet.payload().len(), |bytes| {
        bytes[repr.buffer_len()..].copy_from_slice(packet.payload());
        repr.emit(&mut wire::Ipv6Packet::new_unchecked(bytes));
    });
}

fn tcp(data: &[u8]) {
    let Some(data) = &targets::tcp::segment(data) else { return };
    let (source, destination) = (SOURCE.into(), DESTINATION.into());
    // As on smoltcp, where nothing is summed that is too short to be one.
    if data.len() < tcp::HEADER_LEN {
        return;
    }
    black_box(tcp::checksum_is_right(source, destination, data));
    if let Ok(segment) = tcp::Segment::parse(data) {
        again(data, segment.payload, |buffer| segment.header.emit(source, destination, buffer));
    }
}

fn tcp_smoltcp(data: &[u8]) {
    let Some(data) = &targets::tcp::segment(data) else { return };
    let checksums = ChecksumCapabilities::default();
    let (source, destination) = (SOURCE.into(), DESTINATION.into());
    let Ok(packet) = wire::TcpPacket::new_checked(data) else { return };
    black_box(is_right_smoltcp(wire::IpProtocol::Tcp, data));
    let Ok(repr) = wire::TcpRepr::parse(&packet, &source, &destination, &checksums) else { return };
    again_smoltcp(data, repr.buffer_len(), |bytes| {
        repr.emit(&mut wire::TcpPacket::new_unchecked(bytes), &source, &destination, &checksums);
    });
}

fn udp(data: &[u8]) {
    let Some(data) = &targets::udp::datagram([SOURCE.into(), DESTINATION.into()], data) else { return };
    let (source, destination) = (SOURCE.into(), DESTINATION.into());
    if let Ok((header, payload)) = udp::Header::parse(source, destination, data) {
        again(data, payload, |buffer| header.emit(source, destination, buffer));
    }
}

fn udp_smoltcp(data: &[u8]) {
    let Some(data) = &targets::udp::datagram([SOURCE.into(), DESTINATION.into()], data) else { return };
    let checksums = ChecksumCapabilities::default();
    let (source, destination) = (SOURCE.into(), DESTINATION.into());
    let Ok(packet) = wire::UdpPacket::new_checked(data) else { return };
    let whole = data.get(..packet.len().into()).unwrap_or(data);
    if packet.checksum() != 0 && !is_right_smoltcp(wire::IpProtocol::Udp, whole) {
        return;
    }
    let Ok(repr) = wire::UdpRepr::parse(&packet, &source, &destination, &checksums) else { return };
    let payload = packet.payload();
    again_smoltcp(data, repr.header_len() + payload.len(), |bytes| {
        let mut packet = wire::UdpPacket::new_unchecked(bytes);
        repr.emit(
            &mut packet,
            &source,
            &destination,
            payload.len(),
            |to| to.copy_from_slice(payload),
            &checksums,
        );
    });
}
