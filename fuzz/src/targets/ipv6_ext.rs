//! IPv6 extension headers (RFC 8200 4): hop-by-hop and destination options, routing, fragment.

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use pnet::packet::ipv6 as pnet;
use smoltcp::wire;
use stack::wire::ipv6_ext::{Extension, FRAGMENT_LEN, Fragment, Unknown, options};

const FRAGMENT_LOSSES: &[Loss] = &[Loss {
    why: "reserved fields are zero when sent and ignored when received (RFC 8200 4.5)",
    apply: |bytes| {
        bytes[1] = 0;
        bytes[3] &= 0xf9;
    },
}];

/// `data` is a hop-by-hop options header and what follows it.
///
/// # Panics
/// At a finding.
pub fn ipv6_hop_by_hop(data: &[u8]) {
    option_header(data);
}

/// `data` is a destination options header and what follows it: the format is the same (RFC 8200 4.6), the host's part in
/// it is not, and the target `host` has that.
///
/// # Panics
/// At a finding.
pub fn ipv6_destination_options(data: &[u8]) {
    option_header(data);
}

/// `bytes` is a fragment header and what follows it.
///
/// # Panics
/// At a finding.
pub fn ipv6_fragment(bytes: &[u8]) {
    let parsed = Fragment::parse(bytes);
    if let Ok((header, rest)) = &parsed {
        let emitted = same_bytes(FRAGMENT_LOSSES, bytes, rest, |buffer| header.emit(buffer));
        assert_eq!(Fragment::parse(&emitted), Ok((*header, *rest)));
        assert_eq!((header.offset % 8, rest.len()), (0, bytes.len() - FRAGMENT_LEN));
    }
    let ours = parsed.map(|(header, _)| {
        Fields::new([
            ("next header", header.next_header.into()),
            ("offset", (header.offset / 8).into()),
            ("m", header.more.into()),
            ("identification", header.identification.into()),
        ])
    });
    let verdict = Verdict { header: "ipv6 fragment", bytes, ours };
    verdict.agrees_with(Decoder::Etherparse, etherparse_fragment(bytes));
    verdict.agrees_with(Decoder::Pnet, pnet_fragment(bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp_fragment(bytes));
}

fn etherparse_fragment(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::Ipv6FragmentHeaderSlice::from_slice(bytes).map_err(|_| "length")?;
    Ok(Fields::new([
        ("next header", slice.next_header().0.into()),
        ("offset", slice.fragment_offset().value().into()),
        ("m", slice.more_fragments().into()),
        ("identification", slice.identification().into()),
    ]))
}

fn pnet_fragment(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = pnet::FragmentPacket::new(bytes).ok_or("length")?;
    Ok(Fields::new([
        ("next header", packet.get_next_header().0.into()),
        // Its mask leaves one of the two reserved bits in the offset.
        ("offset", (packet.get_fragment_offset() >> 3).into()),
        ("m", (!packet.is_last_fragment()).into()),
        ("identification", packet.get_id().into()),
    ]))
}

fn smoltcp_fragment(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    // Its fragment header begins behind the first two bytes, which it reads as an extension header.
    let inner = bytes.get(2..).ok_or("length")?;
    let header = wire::Ipv6FragmentHeader::new_checked(inner).map_err(|_| "length")?;
    Ok(Fields::new([
        ("offset", header.frag_offset().into()),
        ("m", header.more_frags().into()),
        ("identification", header.ident().into()),
    ]))
}

/// What options and routing have in common: the header ends where its length says, and nothing of it is lost.
fn extension(bytes: &[u8]) -> Option<Extension<'_>> {
    let parsed = Extension::parse(bytes);
    if let Ok((header, rest)) = &parsed {
        assert_eq!([header.bytes, rest].concat(), bytes);
        assert_eq!(header.bytes.len() % 8, 0);
    }
    let ours = parsed.map(|(header, _)| {
        Fields::new([("next header", header.next_header.into()), ("body", (&header.bytes[2..]).into())])
    });
    let verdict = Verdict { header: "ipv6 extension", bytes, ours };
    verdict.agrees_with(Decoder::Etherparse, etherparse_extension(bytes));
    verdict.agrees_with(Decoder::Pnet, pnet_extension(bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp_extension(bytes));
    parsed.ok().map(|(header, _)| header)
}

fn etherparse_extension(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::Ipv6RawExtHeaderSlice::from_slice(bytes).map_err(|_| "length")?;
    Ok(Fields::new([("next header", slice.next_header().0.into()), ("body", slice.payload().into())]))
}

fn pnet_extension(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = pnet::ExtensionPacket::new(bytes).ok_or("length")?;
    Ok(Fields::new([("next header", packet.get_next_header().0.into())]))
}

fn smoltcp_extension(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let header = wire::Ipv6ExtHeader::new_checked(bytes).map_err(|_| "length")?;
    Ok(Fields::new([
        ("next header", u8::from(header.next_header()).into()),
        ("body", header.payload().into()),
    ]))
}

/// `bytes` is a routing header and what follows it.
///
/// # Panics
/// At a finding.
pub fn ipv6_routing(bytes: &[u8]) {
    let Some(header) = extension(bytes) else { return };
    let (kind, left) = (header.routing_type(), header.segments_left());
    let theirs = wire::Ipv6RoutingHeader::new_checked(&bytes[2..]).ok();
    if let Some(theirs) = theirs {
        assert_eq!((u8::from(theirs.routing_type()), theirs.segments_left()), (kind, left));
    }
    if let Some(theirs) = pnet::RoutingPacket::new(bytes) {
        assert_eq!((theirs.get_routing_type(), theirs.get_segments_left()), (kind, left));
    }
}

fn option_header(bytes: &[u8]) {
    let Some(header) = extension(bytes) else { return };
    let mut end = 2;
    for option in options(header.bytes) {
        let at = option.map_or_else(|at| at, |option| option.offset);
        assert!(at >= end && at < header.bytes.len(), "an option at {at} behind {end}");
        let Ok(option) = option else { break };
        assert_eq!(header.bytes[option.offset], option.kind);
        assert_eq!(option.unknown() == Unknown::Skip, option.kind < 0x40);
        end = option.offset + 2 + option.data.len();
    }
    assert!(end <= header.bytes.len());
    same_options(header.bytes);
}

/// smoltcp's iterator finds the same options; its errors end the comparison only where ours does, too, or at the
/// router alert, whose length it checks (RFC 2711 2.1) and `stack` leaves to whoever knows the option.
fn same_options(header: &[u8]) {
    let mut ours = options(header);
    let theirs = wire::Ipv6OptionsIterator::new(&header[2..]);
    for theirs in theirs {
        let (kind, length) = match theirs {
            Ok(wire::Ipv6OptionRepr::Pad1 | wire::Ipv6OptionRepr::PadN(_)) => continue,
            Ok(wire::Ipv6OptionRepr::RouterAlert(_)) => (5, 2),
            Ok(wire::Ipv6OptionRepr::Unknown { type_, length, .. }) => (u8::from(type_), length),
            Ok(other) => panic!("an option that is not expected: {other:?}"),
            Err(_) => {
                let own = ours.next();
                let excused = matches!(own, Some(Err(_))) || matches!(own, Some(Ok(o)) if o.kind == 5);
                assert!(excused, "smoltcp refuses what stack reads as {own:?} in {header:02x?}");
                return;
            }
        };
        let own = ours.next().and_then(Result::ok);
        assert_eq!(own.map(|o| (o.kind, o.data.len())), Some((kind, length.into())), "{header:02x?}");
    }
    assert_eq!(ours.next(), None, "smoltcp has no more options in {header:02x?}");
}
