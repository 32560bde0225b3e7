//! The TCP header (RFC 9293 3.1); its options have a target of their own.

use crate::decoders::{Decoder, Fields, Verdict, names_its_field};
use crate::emission::{Loss, same_bytes};
use crate::input::{be16, checksum, choices, pseudo_header, put16};
use etherparse::TcpSlice;
use pnet::packet::tcp::TcpPacket;
use stack::wire::Error;
use stack::wire::tcp::{Flags, HEADER_LEN, Header, Segment, checksum_is_right};
use stack::wire::tcp_options::{MAX_LEN, Options};
use std::net::Ipv4Addr;

const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DESTINATION: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

const LOSSES: &[Loss] = &[
    Loss { why: "reserved bits are sent as zero (RFC 9293 3.1)", apply: |bytes| bytes[12] &= 0xf0 },
    Loss { why: "the checksum, which the parse does not look at, is filled in", apply: |bytes| fill(bytes) },
];

/// The segment of an input: the first byte's lowest bit asks for the right checksum.
pub(crate) fn segment(data: &[u8]) -> Option<Vec<u8>> {
    let (choice, bytes) = choices(data)?;
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 && bytes.len() >= HEADER_LEN {
        fill(&mut bytes);
    }
    Some(bytes)
}

/// `data` is what [`segment`] takes.
///
/// # Panics
/// At a finding.
pub fn tcp(data: &[u8]) {
    let Some(bytes) = segment(data) else { return };
    assert_eq!(checksum_is_right(SOURCE.into(), DESTINATION.into(), &bytes), sum(&bytes) == 0);
    let parsed = Segment::parse(&bytes);
    if let Ok(segment) = &parsed {
        emits(&bytes, segment);
        let controls = u32::from(bytes[13] & 2 != 0) + u32::from(bytes[13] & 1);
        assert_eq!(segment.len(), segment.payload.len() as u32 + controls);
        assert_eq!(segment.is_empty(), segment.payload.is_empty() && controls == 0);
        assert_eq!(segment.end().since(segment.seq), segment.len());
        flags(segment.flags);
    }
    leniently(&bytes, &parsed);
    let verdict = Verdict { header: "tcp", bytes: &bytes, ours: parsed.map(ours) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(&bytes));
    verdict.agrees_with(Decoder::Pnet, pnet(&bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(&bytes));
}

/// Lenience is about lengths of options, and about nothing else.
fn leniently(bytes: &[u8], parsed: &Result<Segment<'_>, Error>) {
    match (parsed, Segment::parse_leniently(bytes)) {
        (Err(error), Ok(segment)) => {
            assert_eq!(error.header, "tcp options", "{error}");
            assert_eq!(segment.options, Options::parse_leniently(&bytes[HEADER_LEN..][..room(bytes)]));
            assert_eq!(segment.payload, &bytes[HEADER_LEN + room(bytes)..]);
        }
        (Err(error), leniently) => {
            assert_eq!(leniently, Err(*error));
            names_its_field(error);
        }
        (Ok(segment), leniently) => assert_eq!(leniently, Ok(*segment)),
    }
}

/// Bytes of options by the data offset.
fn room(bytes: &[u8]) -> usize {
    usize::from(bytes[12] >> 4) * 4 - HEADER_LEN
}

/// Control bits are a set: what is taken out and put back is the same, and each has its letter.
fn flags(flags: Flags) {
    for bit in (0..8).map(|bit| Flags(1 << bit)) {
        let mut again = flags.without(bit);
        assert!(!again.contains(bit));
        if flags.contains(bit) {
            again |= bit;
        }
        assert_eq!(again, flags);
        assert_eq!((flags | bit).0, flags.0 | bit.0);
    }
    assert_eq!(format!("{flags:?}").len(), flags.0.count_ones() as usize);
}

/// Emits the header twice: as it was parsed, where options lose their padding and order, and without options, where every
/// byte is accounted for.
fn emits(bytes: &[u8], segment: &Segment<'_>) {
    let emit = |header: &Header, buffer: &mut _| header.emit(SOURCE.into(), DESTINATION.into(), buffer);
    let mut whole = stack::wire::Buffer::with_payload(segment.payload);
    emit(&segment.header, &mut whole);
    assert!(segment.header_len() <= HEADER_LEN + MAX_LEN, "a header of {} bytes", segment.header_len());
    let mut expected = segment.header;
    let again = Segment::parse(&whole).map(|segment| (segment.header, segment.payload));
    // Aligned, all options together may have no room for a cookie or the last SACK blocks; the options' target counts them.
    let room = again.map_or(0, |(header, _)| header.options.sack.as_slice().len());
    expected.options.sack.truncate(room);
    expected.options.fast_open = again.ok().and_then(|(header, _)| header.options.fast_open);
    assert_eq!(again, Ok((expected, segment.payload)));
    let bare = [&bytes[..12], &[0x50 | bytes[12] & 0xf], &bytes[13..HEADER_LEN], segment.payload].concat();
    let header = Header { options: Default::default(), ..segment.header };
    same_bytes(LOSSES, &bare, segment.payload, |buffer| emit(&header, buffer));
}

fn fill(bytes: &mut [u8]) {
    put16(bytes, 16, 0);
    let sum = sum(bytes);
    put16(bytes, 16, sum);
}

fn sum(bytes: &[u8]) -> u16 {
    checksum(pseudo_header(&[&SOURCE.octets(), &DESTINATION.octets()], 6, bytes.len()), bytes)
}

fn ours<'a>(segment: Segment<'a>) -> Fields<'a> {
    Fields::new([
        ("source port", segment.source_port.into()),
        ("destination port", segment.destination_port.into()),
        ("sequence number", segment.seq.0.into()),
        ("acknowledgment number", segment.ack.0.into()),
        ("control bits", segment.flags.0.into()),
        ("window", segment.wnd.into()),
        ("urgent pointer", segment.up.into()),
        ("payload", segment.payload.into()),
    ])
}

/// The control bits from the lowest on.
fn bits(flags: [bool; 8]) -> u8 {
    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag))
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = TcpSlice::from_slice(bytes).map_err(|_| "data offset")?;
    let s = &slice;
    Ok(Fields::new([
        ("source port", s.source_port().into()),
        ("destination port", s.destination_port().into()),
        ("sequence number", s.sequence_number().into()),
        ("acknowledgment number", s.acknowledgment_number().into()),
        (
            "control bits",
            bits([s.fin(), s.syn(), s.rst(), s.psh(), s.ack(), s.urg(), s.ece(), s.cwr()]).into(),
        ),
        ("window", s.window_size().into()),
        ("urgent pointer", s.urgent_pointer().into()),
        ("payload", s.payload().into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = TcpPacket::new(bytes).ok_or("length")?;
    Ok(Fields::new([
        ("source port", packet.get_source().into()),
        ("destination port", packet.get_destination().into()),
        ("sequence number", packet.get_sequence().into()),
        ("acknowledgment number", packet.get_acknowledgement().into()),
        ("control bits", packet.get_flags().into()),
        ("window", packet.get_window().into()),
        ("urgent pointer", be16(bytes, 18).into()),
    ]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let p = smoltcp::wire::TcpPacket::new_checked(bytes).map_err(|_| "data offset")?;
    Ok(Fields::new([
        ("source port", p.src_port().into()),
        ("destination port", p.dst_port().into()),
        ("sequence number", (p.seq_number().0 as u32).into()),
        ("acknowledgment number", (p.ack_number().0 as u32).into()),
        (
            "control bits",
            bits([p.fin(), p.syn(), p.rst(), p.psh(), p.ack(), p.urg(), p.ece(), p.cwr()]).into(),
        ),
        ("window", p.window_len().into()),
        ("urgent pointer", p.urgent_at().into()),
        ("payload", p.payload().into()),
    ]))
}
