//! The IPv4 header (RFC 791 3.1), whole and as ICMP errors quote it.

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use crate::input::{be16, checksum, choices, put16};
use etherparse::Ipv4Slice;
use pnet::packet::ipv4::Ipv4Packet;
use smoltcp::wire;
use stack::wire::ipv4::{HEADER_LEN, Header, MAX_OPTIONS_LEN};

const LOSSES: &[Loss] = &[
    Loss {
        why: "the link's padding behind total length is not kept",
        apply: |bytes| bytes.truncate(usize::from(be16(bytes, 2))),
    },
    Loss {
        why: "a checksum of all ones is zero, too, and is emitted so",
        apply: |bytes| {
            if be16(bytes, 10) == 0xffff {
                put16(bytes, 10, 0);
            }
        },
    },
];

/// The datagram of an input: the first byte's lowest bit asks for the right checksum.
pub(crate) fn datagram(data: &[u8]) -> Option<Vec<u8>> {
    let (choice, bytes) = choices(data)?;
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 {
        repair(&mut bytes);
    }
    Some(bytes)
}

/// `data` is what [`datagram`] takes.
///
/// # Panics
/// At a finding.
pub fn ipv4(data: &[u8]) {
    let Some(bytes) = datagram(data) else { return };
    let parsed = Header::parse(&bytes);
    let quoted = Header::parse_quoted(&bytes);
    if let Ok((header, payload)) = &parsed {
        let emitted = same_bytes(LOSSES, &bytes, payload, |buffer| header.emit(buffer));
        assert_eq!(Header::parse(&emitted), Ok((*header, *payload)));
        assert_eq!(quoted.map(|(header, _)| header), Ok(*header));
        assert_eq!(header.is_fragment(), header.more_fragments || header.fragment_offset > 0);
        assert_eq!(header.len(), HEADER_LEN + header.options.len());
        assert!(!header.is_empty() && header.options.len() <= MAX_OPTIONS_LEN);
    }
    let header = quoted.map_or(&[][..], |(header, _)| &bytes[..header.len()]);
    let is_cut_off = quoted.is_ok() && usize::from(be16(&bytes, 2)) > bytes.len() && checksum(0, header) == 0;
    assert_eq!(Header::is_cut_off(&bytes), is_cut_off);
    let verdict = Verdict { header: "ipv4", bytes: &bytes, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(&bytes));
    verdict.agrees_with(Decoder::Pnet, pnet(&bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(&bytes));
}

/// Fills in the header's checksum, where there is a header.
fn repair(bytes: &mut [u8]) {
    let len = bytes.first().map_or(0, |first| usize::from(first & 0xf) * 4);
    if let Some(header) = bytes.get_mut(..len).filter(|header| header.len() >= HEADER_LEN) {
        put16(header, 10, 0);
        let sum = checksum(0, header);
        put16(header, 10, sum);
    }
}

fn ours<'a>((header, payload): (Header<'a>, &'a [u8])) -> Fields<'a> {
    Fields::new([
        ("tos", header.tos.into()),
        ("identification", header.identification.into()),
        ("reserved", header.reserved.into()),
        ("df", header.dont_fragment.into()),
        ("mf", header.more_fragments.into()),
        ("offset", (header.fragment_offset / 8).into()),
        ("ttl", header.ttl.into()),
        ("protocol", header.protocol.into()),
        ("source", header.source.into()),
        ("destination", header.destination.into()),
        ("options", header.options.into()),
        ("payload", payload.into()),
    ])
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = Ipv4Slice::from_slice(bytes).map_err(|_| "content")?;
    let header = slice.header();
    // Its header is a copy, whose options live no longer than it; where they end it says.
    let options = &bytes[HEADER_LEN..usize::from(header.ihl()) * 4];
    let payload = slice.payload().payload;
    Ok(Fields::new([
        ("tos", (header.dcp().value() << 2 | header.ecn().value()).into()),
        ("identification", header.identification().into()),
        ("df", header.dont_fragment().into()),
        ("mf", header.more_fragments().into()),
        ("offset", header.fragments_offset().value().into()),
        ("ttl", header.ttl().into()),
        ("protocol", header.protocol().0.into()),
        ("source", header.source_addr().into()),
        ("destination", header.destination_addr().into()),
        ("options", options.into()),
        ("payload", payload.into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = Ipv4Packet::new(bytes).ok_or("length")?;
    Ok(Fields::new([
        ("tos", (packet.get_dscp() << 2 | packet.get_ecn()).into()),
        ("identification", packet.get_identification().into()),
        ("reserved", (packet.get_flags() >> 2).into()),
        ("df", (packet.get_flags() >> 1 & 1).into()),
        ("mf", (packet.get_flags() & 1).into()),
        ("offset", packet.get_fragment_offset().into()),
        ("ttl", packet.get_ttl().into()),
        ("protocol", packet.get_next_level_protocol().0.into()),
        ("source", packet.get_source().into()),
        ("destination", packet.get_destination().into()),
    ]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = wire::Ipv4Packet::new_checked(bytes).map_err(|_| "length")?;
    if packet.version() != 4 {
        return Err("version");
    }
    if checksum(0, &bytes[..usize::from(packet.header_len())]) != 0 {
        return Err("checksum");
    }
    Ok(Fields::new([
        ("tos", (packet.dscp() << 2 | packet.ecn()).into()),
        ("identification", packet.ident().into()),
        ("df", packet.dont_frag().into()),
        ("mf", packet.more_frags().into()),
        ("offset", (packet.frag_offset() / 8).into()),
        ("ttl", packet.hop_limit().into()),
        ("protocol", u8::from(packet.next_header()).into()),
        ("source", packet.src_addr().into()),
        ("destination", packet.dst_addr().into()),
        ("payload", packet.payload().into()),
    ]))
}
