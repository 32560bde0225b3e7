//! Ethernet II and 802.3 with SNAP.

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use crate::input::be16;
use pnet::packet::Packet;
use pnet::packet::ethernet::EthernetPacket;
use smoltcp::wire::EthernetFrame;
use stack::wire::MacAddress;
use stack::wire::ethernet::{Framing, HEADER_LEN, Header};
use stack::wire::fcs::{checked, fcs};

const LOSSES: &[Loss] = &[Loss {
    why: "padding behind an 802.3 length is no part of the payload",
    apply: |bytes| {
        if be16(bytes, 12) < 0x0600 {
            bytes.truncate(HEADER_LEN + usize::from(be16(bytes, 12)));
        }
    },
}];

/// `data` is a frame without FCS.
///
/// # Panics
/// At a finding.
pub fn ethernet(data: &[u8]) {
    let parsed = Header::parse(data);
    if let Ok((header, payload)) = &parsed {
        let emitted = same_bytes(LOSSES, data, payload, |buffer| header.emit(buffer));
        assert_eq!(Header::parse(&emitted), Ok((*header, *payload)));
        assert_eq!(header.framing == Framing::Snap, be16(data, 12) < 0x0600);
        addresses(header);
    }
    sequence(data);
    let verdict = Verdict { header: "ethernet", bytes: data, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(data));
    verdict.agrees_with(Decoder::Pnet, pnet(data));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(data));
}

/// The frame check sequence is the remainder that a division bit by bit leaves, and no bit of either may change.
fn sequence(frame: &[u8]) {
    let shift = |register: u32| register >> 1 ^ if register & 1 == 1 { 0xedb8_8320 } else { 0 };
    let remainder = frame
        .iter()
        .fold(u32::MAX, |register, byte| (0..8).fold(register ^ u32::from(*byte), |bits, _| shift(bits)));
    let own = fcs(frame);
    assert_eq!(own, (!remainder).to_le_bytes());
    let mut whole = [frame, &own].concat();
    assert_eq!(checked(&whole), Some(frame));
    let at = usize::from(be16(frame, 0)) % whole.len();
    whole[at] ^= 1;
    assert_eq!(checked(&whole), None);
    let is_right = frame.len() >= 4 && fcs(&frame[..frame.len() - 4]) == frame[frame.len() - 4..];
    assert_eq!(checked(frame).is_some(), is_right);
}

/// What a hardware address is asked for.
fn addresses(header: &Header) {
    let MacAddress(bytes) = header.destination;
    assert_eq!(header.destination.is_multicast(), bytes[0] & 1 == 1);
    assert_eq!(
        format!("{:?}", header.source),
        smoltcp::wire::EthernetAddress(header.source.0).to_string().replace('-', ":")
    );
    let [a, b, c, d, e, f] = bytes;
    assert_eq!(MacAddress::of_ipv4_multicast([a, b, c, d].into()).0, [1, 0, 0x5e, b & 0x7f, c, d]);
    let group =
        MacAddress::of_ipv6_multicast([0xff02, 0, 0, 0, 0, 0, be16(&bytes, 2), be16(&bytes, 4)].into());
    assert_eq!(group.0, [0x33, 0x33, c, d, e, f]);
}

fn ours<'a>((header, payload): (Header, &'a [u8])) -> Fields<'a> {
    Fields::new([
        ("destination", header.destination.into()),
        ("source", header.source.into()),
        ("type", header.ethertype.into()),
        ("payload", payload.into()),
    ])
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::Ethernet2Slice::from_slice_without_fcs(bytes).map_err(|_| "length")?;
    Ok(Fields::new([
        ("destination", slice.destination().into()),
        ("source", slice.source().into()),
        ("type", slice.ether_type().0.into()),
        ("payload", slice.payload_slice().into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = EthernetPacket::new(bytes).ok_or("length")?;
    if packet.payload() != &bytes[HEADER_LEN..] {
        return Err("payload");
    }
    Ok(Fields::new([
        ("destination", packet.get_destination().octets().into()),
        ("source", packet.get_source().octets().into()),
        ("type", packet.get_ethertype().0.into()),
    ]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let frame = EthernetFrame::new_checked(bytes).map_err(|_| "length")?;
    Ok(Fields::new([
        ("destination", frame.dst_addr().0.into()),
        ("source", frame.src_addr().0.into()),
        ("type", u16::from(frame.ethertype()).into()),
        ("payload", frame.payload().into()),
    ]))
}
