//! The UDP header (RFC 768) over IPv4 and IPv6.

use crate::decoders::{Decoder, Fields, Verdict, names_its_field};
use crate::emission::{Loss, same_bytes};
use crate::input::{be16, checksum, choices, pseudo_header, put16};
use pnet::packet::Packet;
use pnet::packet::udp::UdpPacket;
use stack::wire::udp::{HEADER_LEN, Header, remove_checksum};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const V4: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2))];
const V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)),
];

const BEHIND_LENGTH: Loss = Loss {
    why: "what stands behind the datagram's length is not kept",
    apply: |bytes| bytes.truncate(usize::from(be16(bytes, 4))),
};
const LOSSES_V4: &[Loss] = &[
    BEHIND_LENGTH,
    Loss {
        why: "a datagram without checksum gets one (RFC 1122 4.1.3.4 lets a sender choose)",
        apply: |bytes| {
            if be16(bytes, 6) == 0 {
                fill(V4, bytes);
            }
        },
    },
];
const LOSSES_V6: &[Loss] = &[BEHIND_LENGTH];

/// The datagram of an input, between two addresses: the first byte's lowest bit asks for the right checksum.
pub(crate) fn datagram(addresses: [IpAddr; 2], data: &[u8]) -> Option<Vec<u8>> {
    let (choice, bytes) = choices(data)?;
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 {
        fill(addresses, &mut bytes);
    }
    Some(bytes)
}

/// `data` is what [`datagram`] takes; the first byte's second bit asks for IPv6.
///
/// # Panics
/// At a finding.
pub fn udp(data: &[u8]) {
    let (header, addresses, losses) = match data.first().map_or(0, |choice| choice & 2) {
        0 => ("udp", V4, LOSSES_V4),
        _ => ("udp over ipv6", V6, LOSSES_V6),
    };
    let [source, destination] = addresses;
    let Some(bytes) = datagram(addresses, data) else { return };
    let parsed = Header::parse(source, destination, &bytes);
    if let Ok((header, payload)) = &parsed {
        let emitted = same_bytes(losses, &bytes, payload, |b| header.emit(source, destination, b));
        assert_eq!(Header::parse(source, destination, &emitted), Ok((*header, *payload)));
        let mut without = emitted.to_vec();
        remove_checksum(&mut without);
        assert_eq!(Header::parse_unchecked(&without), Ok((*header, *payload)));
        assert_eq!((&without[..6], &without[HEADER_LEN..]), (&emitted[..6], &emitted[HEADER_LEN..]));
    }
    unchecked(&bytes);
    let verdict = Verdict { header, bytes: &bytes, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(&bytes));
    verdict.agrees_with(Decoder::Pnet, pnet(&bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(addresses, &bytes));
}

/// A datagram without a checksum is the same to who does not expect one as it is over IPv4; one with a checksum is refused.
fn unchecked(bytes: &[u8]) {
    let parsed = Header::parse_unchecked(bytes);
    match be16(bytes, 6) {
        0 => assert_eq!(parsed, Header::parse(V4[0], V4[1], bytes)),
        _ => names_its_field(&parsed.expect_err("a checksum where there is to be none")),
    }
}

/// Fills in the checksum of the datagram, as long as its length says where that can be.
fn fill(addresses: [IpAddr; 2], bytes: &mut [u8]) {
    let length = usize::from(be16(bytes, 4));
    if let Some(datagram) = bytes.get_mut(..length).filter(|datagram| datagram.len() >= HEADER_LEN) {
        put16(datagram, 6, 0);
        let sum = sum(addresses, datagram);
        put16(datagram, 6, if sum == 0 { 0xffff } else { sum });
    }
}

fn sum(addresses: [IpAddr; 2], datagram: &[u8]) -> u16 {
    let pseudo = match addresses {
        [IpAddr::V4(a), IpAddr::V4(b)] => pseudo_header(&[&a.octets(), &b.octets()], 17, datagram.len()),
        [IpAddr::V6(a), IpAddr::V6(b)] => pseudo_header(&[&a.octets(), &b.octets()], 17, datagram.len()),
        _ => 0,
    };
    checksum(pseudo, datagram)
}

fn ours<'a>((header, payload): (Header, &'a [u8])) -> Fields<'a> {
    Fields::new([
        ("source port", header.source_port.into()),
        ("destination port", header.destination_port.into()),
        ("payload", payload.into()),
    ])
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::UdpSlice::from_slice(bytes).map_err(|_| "length")?;
    Ok(Fields::new([
        ("source port", slice.source_port().into()),
        ("destination port", slice.destination_port().into()),
        ("payload", slice.payload().into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = UdpPacket::new(bytes).ok_or("length")?;
    let _ = packet.payload();
    Ok(Fields::new([
        ("source port", packet.get_source().into()),
        ("destination port", packet.get_destination().into()),
    ]))
}

fn smoltcp(addresses: [IpAddr; 2], bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = smoltcp::wire::UdpPacket::new_checked(bytes).map_err(|_| "length")?;
    // As its own verification does: none means right, over either family.
    if packet.checksum() != 0 && sum(addresses, &bytes[..usize::from(packet.len())]) != 0 {
        return Err("checksum");
    }
    Ok(Fields::new([
        ("source port", packet.src_port().into()),
        ("destination port", packet.dst_port().into()),
        ("payload", packet.payload().into()),
    ]))
}
