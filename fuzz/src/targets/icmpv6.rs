//! ICMP for IPv6 (RFC 4443 2.1).

use super::icmpv4::LOSSES;
use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::same_bytes;
use crate::input::{checksum, choices, pseudo_header, put16};
use pnet::packet::Packet;
use pnet::packet::icmpv6::Icmpv6Packet;
use stack::wire::icmpv6::Header;
use std::net::Ipv6Addr;

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// The first byte's lowest bit asks for the right checksum; the rest is a message.
///
/// # Panics
/// At a finding.
pub fn icmpv6(data: &[u8]) {
    let Some((choice, bytes)) = choices(data) else { return };
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 {
        put16(&mut bytes, 2, 0);
        let sum = sum(&bytes);
        put16(&mut bytes, 2, sum);
    }
    let parsed = Header::parse(SOURCE, DESTINATION, &bytes);
    if let Ok((header, rest)) = &parsed {
        let emitted = same_bytes(LOSSES, &bytes, rest, |buffer| header.emit(SOURCE, DESTINATION, buffer));
        assert_eq!(Header::parse(SOURCE, DESTINATION, &emitted), Ok((*header, *rest)));
        assert_eq!(header.is_error(), header.kind < 128);
        assert_eq!(header.word().to_be_bytes(), header.rest);
    }
    let verdict = Verdict { header: "icmpv6", bytes: &bytes, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(&bytes));
    verdict.agrees_with(Decoder::Pnet, pnet(&bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(&bytes));
}

fn sum(bytes: &[u8]) -> u16 {
    checksum(pseudo_header(&[&SOURCE.octets(), &DESTINATION.octets()], 58, bytes.len()), bytes)
}

fn ours<'a>((header, data): (Header, &'a [u8])) -> Fields<'a> {
    Fields::new([
        ("type", header.kind.into()),
        ("code", header.code.into()),
        ("rest", header.word().into()),
        ("data", data.into()),
    ])
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::Icmpv6Slice::from_slice(bytes).map_err(|_| "length")?;
    if !slice.is_checksum_valid(SOURCE.octets(), DESTINATION.octets()) {
        return Err("checksum");
    }
    let _ = (slice.header(), slice.icmp_type(), slice.payload_slice());
    Ok(Fields::new([
        ("type", slice.type_u8().into()),
        ("code", slice.code_u8().into()),
        ("rest", u32::from_be_bytes(slice.bytes5to8()).into()),
        ("data", slice.payload().into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = Icmpv6Packet::new(bytes).ok_or("length")?;
    if packet.payload() != &bytes[4..] {
        return Err("payload");
    }
    Ok(Fields::new([
        ("type", packet.get_icmpv6_type().0.into()),
        ("code", packet.get_icmpv6_code().0.into()),
    ]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = smoltcp::wire::Icmpv6Packet::new_checked(bytes).map_err(|_| "length by type")?;
    if sum(bytes) != 0 {
        return Err("checksum");
    }
    Ok(Fields::new([("type", u8::from(packet.msg_type()).into()), ("code", packet.msg_code().into())]))
}
