//! IPv4 and IPv6, as they stand before UDP.

use super::{Contest, ENDS, ENDS6, PAYLOAD, before, emitting, parsing, payload};
use etherparse::{IpNumber, Ipv4Header, Ipv4HeaderSlice, Ipv6FlowLabel, Ipv6Header, Ipv6HeaderSlice};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as theirs;
use stack::wire::{Buffer, ipv4, ipv6, protocol};
use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) fn contests() -> [Result<Contest, String>; 4] {
    [parse_v4(), emit_v4(), parse_v6(), emit_v6()]
}

const V4: ipv4::Header<'static> = ipv4::Header {
    tos: 0,
    identification: 0,
    reserved: false,
    dont_fragment: true,
    more_fragments: false,
    fragment_offset: 0,
    ttl: 64,
    protocol: protocol::UDP,
    source: Ipv4Addr::from_octets(ENDS.0),
    destination: Ipv4Addr::from_octets(ENDS.1),
    options: &[],
};

fn parse_v4() -> Result<Contest, String> {
    let mut buffer = Buffer::with_payload(&payload());
    V4.emit(&mut buffer);
    parsing(
        "parse IPv4",
        &buffer,
        &[(0, 0x44), (0, 0x65), (3, 19), (3, 85), (10, 0), (19, 3)],
        |bytes| {
            let (header, payload) = ipv4::Header::parse(bytes).ok()?;
            let ends = (header.source.octets(), header.destination.octets());
            Some((ends, header.protocol, header.ttl, payload.len()))
        },
        |bytes| {
            let packet = theirs::Ipv4Packet::new_checked(bytes).ok()?;
            let header = theirs::Ipv4Repr::parse(&packet, &ChecksumCapabilities::default()).ok()?;
            let ends = (header.src_addr.octets(), header.dst_addr.octets());
            Some((ends, header.next_header.into(), header.hop_limit, header.payload_len))
        },
        |bytes| {
            let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
            let payload_len = header.payload_len().ok()?;
            let is_whole = usize::from(header.total_len()) <= bytes.len();
            let is_right = header.header_checksum() == header.to_header().calc_header_checksum();
            let ends = (header.source(), header.destination());
            (is_whole && is_right).then(|| (ends, header.protocol().0, header.ttl(), payload_len.into()))
        },
    )
}

fn emit_v4() -> Result<Contest, String> {
    let repr = theirs::Ipv4Repr {
        src_addr: ENDS.0.into(),
        dst_addr: ENDS.1.into(),
        next_header: theirs::IpProtocol::Udp,
        payload_len: PAYLOAD,
        hop_limit: 64,
    };
    let header = Ipv4Header::new(PAYLOAD as u16, 64, IpNumber::UDP, ENDS.0, ENDS.1);
    let header = header.map_err(|e| e.to_string())?;
    emitting(
        "emit IPv4",
        (ipv4::HEADER_LEN, ipv4::HEADER_LEN),
        before(|place, payload| black_box(&V4).write(payload.len(), place)),
        move |place| {
            let mut packet = theirs::Ipv4Packet::new_unchecked(place);
            black_box(&repr).emit(&mut packet, &ChecksumCapabilities::default());
        },
        move |mut place| {
            // Fills in the checksum.
            _ = black_box(&header).write(&mut place);
        },
    )
}

const V6: ipv6::Header = ipv6::Header {
    traffic_class: 0,
    flow_label: 0,
    next_header: protocol::UDP,
    hop_limit: 64,
    source: Ipv6Addr::from_octets(ENDS6.0),
    destination: Ipv6Addr::from_octets(ENDS6.1),
};

fn parse_v6() -> Result<Contest, String> {
    let mut buffer = Buffer::with_payload(&payload());
    V6.emit(&mut buffer);
    parsing(
        "parse IPv6",
        &buffer,
        &[(0, 0x45), (4, 1)],
        |bytes| {
            let (header, payload) = ipv6::Header::parse(bytes).ok()?;
            let ends = (header.source.octets(), header.destination.octets());
            Some((ends, header.next_header, header.hop_limit, payload.len()))
        },
        |bytes| {
            let packet = theirs::Ipv6Packet::new_checked(bytes).ok()?;
            let header = theirs::Ipv6Repr::parse(&packet).ok()?;
            let ends = (header.src_addr.octets(), header.dst_addr.octets());
            Some((ends, header.next_header.into(), header.hop_limit, header.payload_len))
        },
        |bytes| {
            let header = Ipv6HeaderSlice::from_slice(bytes).ok()?;
            let payload_len = usize::from(header.payload_length());
            let is_whole = ipv6::HEADER_LEN + payload_len <= bytes.len();
            let ends = (header.source(), header.destination());
            is_whole.then(|| (ends, header.next_header().0, header.hop_limit(), payload_len))
        },
    )
}

fn emit_v6() -> Result<Contest, String> {
    let repr = theirs::Ipv6Repr {
        src_addr: ENDS6.0.into(),
        dst_addr: ENDS6.1.into(),
        next_header: theirs::IpProtocol::Udp,
        payload_len: PAYLOAD,
        hop_limit: 64,
    };
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: PAYLOAD as u16,
        next_header: IpNumber::UDP,
        hop_limit: 64,
        source: ENDS6.0,
        destination: ENDS6.1,
    };
    emitting(
        "emit IPv6",
        (ipv6::HEADER_LEN, ipv6::HEADER_LEN),
        before(|place, payload| black_box(&V6).write(payload.len(), place)),
        move |place| black_box(&repr).emit(&mut theirs::Ipv6Packet::new_unchecked(place)),
        move |place| place[..ipv6::HEADER_LEN].copy_from_slice(&black_box(&header).to_bytes()),
    )
}
