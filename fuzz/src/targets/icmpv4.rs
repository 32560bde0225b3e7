//! ICMP for IPv4 (RFC 792).

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use crate::input::{be16, checksum, choices, put16};
use pnet::packet::Packet;
use pnet::packet::icmp::IcmpPacket;
use stack::wire::icmpv4::{self, Header};

/// Shared with ICMPv6, whose messages have the checksum at the same place.
pub(super) const LOSSES: &[Loss] = &[Loss {
    why: "a checksum of all ones is zero, too, and is emitted so",
    apply: |bytes| {
        if be16(bytes, 2) == 0xffff {
            put16(bytes, 2, 0);
        }
    },
}];

/// The message of an input: the first byte's lowest bit asks for the right checksum.
pub(crate) fn message(data: &[u8]) -> Option<Vec<u8>> {
    let (choice, bytes) = choices(data)?;
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 {
        put16(&mut bytes, 2, 0);
        let sum = checksum(0, &bytes);
        put16(&mut bytes, 2, sum);
    }
    Some(bytes)
}

/// `data` is what [`message`] takes.
///
/// # Panics
/// At a finding.
pub fn icmpv4(data: &[u8]) {
    let Some(bytes) = message(data) else { return };
    let parsed = Header::parse(&bytes);
    if let Ok((header, rest)) = &parsed {
        let emitted = same_bytes(LOSSES, &bytes, rest, |buffer| header.emit(buffer));
        assert_eq!(Header::parse(&emitted), Ok((*header, *rest)));
        assert_eq!(header.is_error(), icmpv4::is_error(header.kind));
        assert_eq!(header.mtu(), be16(&bytes, 6));
    }
    let verdict = Verdict { header: "icmpv4", bytes: &bytes, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(&bytes));
    verdict.agrees_with(Decoder::Pnet, pnet(&bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(&bytes));
}

fn ours<'a>((header, data): (Header, &'a [u8])) -> Fields<'a> {
    Fields::new([
        ("type", header.kind.into()),
        ("code", header.code.into()),
        ("rest", u32::from_be_bytes(header.rest).into()),
        ("data", data.into()),
    ])
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::Icmpv4Slice::from_slice(bytes).map_err(|_| "length")?;
    // Its header's length depends on the type; the data of most begin where ours do.
    let data = slice.slice().get(8..).unwrap_or(&[]);
    let _ = (slice.header(), slice.icmp_type(), slice.payload());
    Ok(Fields::new([
        ("type", slice.type_u8().into()),
        ("code", slice.code_u8().into()),
        ("rest", u32::from_be_bytes(slice.bytes5to8()).into()),
        ("data", data.into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = IcmpPacket::new(bytes).ok_or("length")?;
    if packet.payload() != &bytes[4..] {
        return Err("payload");
    }
    Ok(Fields::new([("type", packet.get_icmp_type().0.into()), ("code", packet.get_icmp_code().0.into())]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = smoltcp::wire::Icmpv4Packet::new_checked(bytes).map_err(|_| "length")?;
    if checksum(0, bytes) != 0 {
        return Err("checksum");
    }
    Ok(Fields::new([
        ("type", u8::from(packet.msg_type()).into()),
        ("code", packet.msg_code().into()),
        ("data", packet.data().into()),
    ]))
}
