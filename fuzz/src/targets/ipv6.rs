//! The IPv6 header (RFC 8200 3), whole and as ICMP errors quote it.

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use crate::input::be16;
use etherparse::Ipv6HeaderSlice;
use pnet::packet::ipv6::Ipv6Packet;
use smoltcp::wire;
use stack::wire::ipv6::{HEADER_LEN, Header};

const LOSSES: &[Loss] = &[Loss {
    why: "the link's padding behind payload length is not kept",
    apply: |bytes| bytes.truncate(HEADER_LEN + usize::from(be16(bytes, 4))),
}];

/// `data` is a packet.
///
/// # Panics
/// At a finding.
pub fn ipv6(data: &[u8]) {
    let parsed = Header::parse(data);
    let quoted = Header::parse_quoted(data);
    if let Ok((header, payload)) = &parsed {
        let emitted = same_bytes(LOSSES, data, payload, |buffer| header.emit(buffer));
        assert_eq!(Header::parse(&emitted), Ok((*header, *payload)));
        assert_eq!(quoted.map(|(header, _)| header), Ok(*header));
        assert!(header.flow_label < 1 << 20);
    }
    let verdict = Verdict { header: "ipv6", bytes: data, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Pnet, pnet(data));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(data));
    let verdict = Verdict { header: "ipv6 quoted", bytes: data, ours: quoted.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(data));
}

fn ours<'a>((header, payload): (Header, &'a [u8])) -> Fields<'a> {
    Fields::new([
        ("traffic class", header.traffic_class.into()),
        ("flow label", header.flow_label.into()),
        ("next header", header.next_header.into()),
        ("hop limit", header.hop_limit.into()),
        ("source", header.source.into()),
        ("destination", header.destination.into()),
        ("payload", payload.into()),
    ])
}

/// Its slice of a header looks at the version and the header's own length, as `parse_quoted` does.
fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| "content")?;
    Ok(Fields::new([
        ("traffic class", slice.traffic_class().into()),
        ("flow label", slice.flow_label().value().into()),
        ("next header", slice.next_header().0.into()),
        ("hop limit", slice.hop_limit().into()),
        ("source", slice.source_addr().into()),
        ("destination", slice.destination_addr().into()),
        ("payload", (&bytes[slice.header_len()..]).into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = Ipv6Packet::new(bytes).ok_or("length")?;
    Ok(Fields::new([
        ("traffic class", packet.get_traffic_class().into()),
        ("flow label", packet.get_flow_label().into()),
        ("next header", packet.get_next_header().0.into()),
        ("hop limit", packet.get_hop_limit().into()),
        ("source", packet.get_source().into()),
        ("destination", packet.get_destination().into()),
    ]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = wire::Ipv6Packet::new_checked(bytes).map_err(|_| "length")?;
    if packet.version() != 6 {
        return Err("version");
    }
    Ok(Fields::new([
        ("traffic class", packet.traffic_class().into()),
        ("flow label", packet.flow_label().into()),
        ("next header", u8::from(packet.next_header()).into()),
        ("hop limit", packet.hop_limit().into()),
        ("source", packet.src_addr().into()),
        ("destination", packet.dst_addr().into()),
        ("payload", packet.payload().into()),
    ]))
}
