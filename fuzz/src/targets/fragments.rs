//! Fragments of one echo request, in any order, cut in any way, repeated, overlapping.
//!
//! A host either answers the whole request or does not answer: never a piece of it, never other bytes. It must answer
//! where the pieces are all there, fit, and none overlaps another (RFC 791 3.2; RFC 8200 4.5; RFC 5722).

use crate::input::{checksum, pseudo_header, put16};
use stack::config::{Config, InterfaceConfig, Medium};
use stack::wire::{MacAddress, icmpv4, icmpv6, ipv4, ipv6};
use stack::{Cidr, Host, Instant};
use std::time::Duration;

/// Bytes of a record: where a piece begins in units of 8 bytes, how many units it has, flags, a pause.
const STRIDE: usize = 4;
const MOST_RECORDS: usize = 64;
/// Units of 8 bytes in the longest request: its answer is one frame.
const MOST_UNITS: usize = 128;
/// Long before any reassembly times out (RFC 1122 3.3.2; RFC 8200 4.5).
const PAUSE: Duration = Duration::from_millis(1);

/// One family's addresses and framing of pieces.
struct Protocol {
    source: &'static [u8],
    destination: &'static [u8],
    /// The message's type, that of its answer, and the protocol's number.
    kinds: (u8, u8, u8),
    frame: fn(&Protocol, &Piece, &[u8]) -> Vec<u8>,
    /// What a sent frame carries, where it is an answer.
    answer: fn(&[u8]) -> Option<&[u8]>,
}

/// A piece of the message.
struct Piece {
    offset: usize,
    more: bool,
}

impl Piece {
    /// Whether it is no piece but a whole datagram, which no reassembly is asked about (RFC 6946 4).
    fn is_all(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

const V4: Protocol = Protocol {
    source: &[192, 0, 2, 2],
    destination: &[192, 0, 2, 1],
    kinds: (icmpv4::ECHO_REQUEST, icmpv4::ECHO_REPLY, 1),
    frame: frame_v4,
    answer: |frame| ipv4::Header::parse(frame).ok().filter(|(h, _)| h.protocol == 1).map(|(_, rest)| rest),
};
const V6: Protocol = Protocol {
    source: &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    destination: &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    kinds: (icmpv6::ECHO_REQUEST, icmpv6::ECHO_REPLY, 58),
    frame: frame_v6,
    answer: |frame| {
        ipv6::Header::parse(frame).ok().filter(|(h, _)| h.next_header == 58).map(|(_, rest)| rest)
    },
};

/// The first byte is the request's length in units of 8 bytes, the rest records.
///
/// # Panics
/// At a finding.
pub fn ipv4_fragments(data: &[u8]) {
    fragments(&V4, data);
}

/// The first byte is the request's length in units of 8 bytes, the rest records.
///
/// # Panics
/// At a finding.
pub fn ipv6_fragments(data: &[u8]) {
    fragments(&V6, data);
}

fn fragments(protocol: &Protocol, data: &[u8]) {
    let Some((units, records)) = data.split_first() else { return };
    let units = usize::from(*units) % MOST_UNITS + 1;
    let message = request(protocol, units * 8);
    let mut host = host();
    let mut now = Instant::ZERO;
    let mut taken = Taken { units: vec![0; units], is_odd: false };
    for record in records.chunks_exact(STRIDE).take(MOST_RECORDS) {
        let piece = piece(record, units);
        let from = piece.offset.min(message.len());
        let to = (from + span(record).1 * 8).min(message.len());
        let frame = (protocol.frame)(protocol, &piece, &message[from..to]);
        host.receive(now, 0, &frame);
        if record[3] & 1 == 1 {
            now += PAUSE;
        }
        host.poll(now);
        let answers = answers(protocol, &mut host, &message);
        assert!(answers <= 1, "{answers} answers to one fragment");
        if piece.is_all() {
            assert_eq!(
                answers == 1,
                to == message.len(),
                "whether a whole datagram is answered: {data:02x?}"
            );
            continue;
        }
        taken.take(record);
        assert!(answers == 0 || taken.could_be_whole(), "an answer to less than the request: {data:02x?}");
        assert!(answers == 1 || !taken.must_be_whole(), "no answer to a whole request: {data:02x?}");
        if answers == 1 {
            // A second request begins.
            taken.units.fill(0);
        }
    }
}

/// What of the request has been sent.
struct Taken {
    /// How often each unit was.
    units: Vec<u8>,
    /// Something was that no RFC asks a host to put together: pieces that overlap, or say wrong where the end is.
    is_odd: bool,
}

impl Taken {
    fn could_be_whole(&self) -> bool {
        self.is_odd || self.units.iter().all(|count| *count > 0)
    }

    fn must_be_whole(&self) -> bool {
        !self.is_odd && self.units.iter().all(|count| *count == 1)
    }
}

impl Taken {
    /// Takes note of the piece of a record.
    fn take(&mut self, record: &[u8]) {
        let (start, count) = span(record);
        self.is_odd |= has_wrong_end(record) || start >= self.units.len();
        for unit in self.units.iter_mut().skip(start).take(count) {
            *unit = unit.saturating_add(1);
            self.is_odd |= *unit > 1;
        }
    }
}

/// Where a piece begins and how many units it has.
fn span(record: &[u8]) -> (usize, usize) {
    (usize::from(record[0]), usize::from(record[1] % 64).max(1))
}

/// Whether M is wrong.
fn has_wrong_end(record: &[u8]) -> bool {
    record[2] & 1 == 1
}

/// The piece that a record asks for.
fn piece(record: &[u8], units: usize) -> Piece {
    let (start, count) = span(record);
    Piece { offset: start * 8, more: (start + count >= units) == has_wrong_end(record) }
}

/// How many answers the host sent; each carries the whole request.
fn answers(protocol: &Protocol, host: &mut Host, message: &[u8]) -> usize {
    let mut answers = 0;
    for _ in 0..8 {
        let Some((_, frame)) = host.transmit() else { return answers };
        let Some(answer) = (protocol.answer)(&frame).filter(|a| a.first() == Some(&protocol.kinds.1)) else {
            continue;
        };
        // Padding with which a wrong end was cut off is all that may be missing.
        assert_eq!(answer.get(4..), Some(&message[4..]), "the answer has other bytes than the request");
        answers += 1;
    }
    panic!("output without end")
}

/// An echo request of `length` bytes, each of which says where it stands.
fn request(protocol: &Protocol, length: usize) -> Vec<u8> {
    let mut message: Vec<u8> = (0..length).map(|at| (at / 8 * 7 + at) as u8).collect();
    message[..4].copy_from_slice(&[protocol.kinds.0, 0, 0, 0]);
    let pseudo = match protocol.kinds.2 {
        58 => pseudo_header(&[protocol.source, protocol.destination], 58, length),
        _ => 0,
    };
    let sum = checksum(pseudo, &message);
    put16(&mut message, 2, sum);
    message
}

fn frame_v4(protocol: &Protocol, piece: &Piece, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x45, 0, 0, 0, 0, 7, 0, 0, 64, 1, 0, 0];
    frame.extend([protocol.source, protocol.destination, data].concat());
    let length = frame.len() as u16;
    put16(&mut frame, 2, length);
    put16(&mut frame, 6, u16::from(piece.more) << 13 | (piece.offset / 8) as u16);
    let sum = checksum(0, &frame[..20]);
    put16(&mut frame, 10, sum);
    frame
}

fn frame_v6(protocol: &Protocol, piece: &Piece, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x60, 0, 0, 0, 0, 0, 44, 64];
    frame.extend([protocol.source, protocol.destination, &[58, 0, 0, 0, 0, 0, 0, 7], data].concat());
    let length = frame.len() as u16 - 40;
    put16(&mut frame, 4, length);
    put16(&mut frame, 42, piece.offset as u16 | u16::from(piece.more));
    frame
}

fn host() -> Host {
    let addresses = vec![
        Cidr { address: [192, 0, 2, 1].into(), length: 24 },
        Cidr { address: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(), length: 64 },
    ];
    let interface = InterfaceConfig { medium: Medium::Ip, mtu: 1500, mac: MacAddress([0; 6]), addresses };
    Host::new(Config { interfaces: vec![interface], seed: 7, ..Config::default() })
}
