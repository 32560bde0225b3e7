//! ICMP for both families, as echo requests.

use super::{Contest, ENDS6, before, emitting, parsing, payload};
use etherparse::{
    IcmpEchoHeader, Icmpv4Header, Icmpv4Slice, Icmpv4Type, Icmpv6Header, Icmpv6Slice, Icmpv6Type,
};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as theirs;
use stack::wire::{Buffer, icmpv4, icmpv6};
use std::hint::black_box;
use std::net::Ipv6Addr;

const ECHO: IcmpEchoHeader = IcmpEchoHeader { id: 5, seq: 7 };
const REST: [u8; 4] = [0, 5, 0, 7];
const V4: icmpv4::Header = icmpv4::Header { kind: icmpv4::ECHO_REQUEST, code: 0, rest: REST };
const V6: icmpv6::Header = icmpv6::Header { kind: icmpv6::ECHO_REQUEST, code: 0, rest: REST };

/// The ends as this stack and smoltcp take them.
fn ends() -> (Ipv6Addr, Ipv6Addr) {
    let (source, destination) = black_box(&ENDS6);
    (Ipv6Addr::from_octets(*source), Ipv6Addr::from_octets(*destination))
}

pub(super) fn contests() -> [Result<Contest, String>; 4] {
    [parse_v4(), emit_v4(), parse_v6(), emit_v6()]
}

/// What is found: the echo's identifier and sequence number, and the bytes of its data.
type Found = Option<(u16, u16, usize)>;

/// What this stack finds, which leaves the second word to who knows the type.
fn echo(kind: u8, expected: u8, code: u8, [a, b, c, d]: [u8; 4], data: &[u8]) -> Found {
    let words = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    (kind == expected && code == 0).then_some((words.0, words.1, data.len()))
}

fn parse_v4() -> Result<Contest, String> {
    let mut buffer = Buffer::with_payload(&payload());
    V4.emit(&mut buffer);
    parsing(
        "parse ICMPv4",
        &buffer,
        &[(0, 1), (1, 1), (2, 0), (20, 0)],
        |bytes| {
            let (header, data) = icmpv4::Header::parse(bytes).ok()?;
            echo(header.kind, icmpv4::ECHO_REQUEST, header.code, header.rest, data)
        },
        |bytes| {
            let packet = theirs::Icmpv4Packet::new_checked(bytes).ok()?;
            match theirs::Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()).ok()? {
                theirs::Icmpv4Repr::EchoRequest { ident, seq_no, data } => Some((ident, seq_no, data.len())),
                _ => None,
            }
        },
        |bytes| {
            let message = Icmpv4Slice::from_slice(bytes).ok()?;
            let kind = message.icmp_type();
            let is_right = message.checksum() == kind.calc_checksum(message.payload());
            match kind {
                Icmpv4Type::EchoRequest(echo) if is_right => {
                    Some((echo.id, echo.seq, message.payload().len()))
                }
                _ => None,
            }
        },
    )
}

fn emit_v4() -> Result<Contest, String> {
    let data = payload();
    emitting(
        "emit ICMPv4",
        (icmpv4::HEADER_LEN, icmpv4::HEADER_LEN),
        before(|place, data| black_box(&V4).write(data, place)),
        move |place| {
            let repr = theirs::Icmpv4Repr::EchoRequest { ident: ECHO.id, seq_no: ECHO.seq, data: &data };
            let mut packet = theirs::Icmpv4Packet::new_unchecked(place);
            black_box(&repr).emit(&mut packet, &ChecksumCapabilities::default());
        },
        |place| {
            let kind = Icmpv4Type::EchoRequest(*black_box(&ECHO));
            let header = Icmpv4Header::with_checksum(kind, &place[8..]);
            place[..8].copy_from_slice(&header.to_bytes());
        },
    )
}

fn parse_v6() -> Result<Contest, String> {
    let mut buffer = Buffer::with_payload(&payload());
    V6.emit(ENDS6.0.into(), ENDS6.1.into(), &mut buffer);
    parsing(
        "parse ICMPv6",
        &buffer,
        &[(0, 1), (1, 1), (2, 0), (20, 0)],
        |bytes| {
            let (source, destination) = ends();
            let (header, data) = icmpv6::Header::parse(source, destination, bytes).ok()?;
            echo(header.kind, icmpv6::ECHO_REQUEST, header.code, header.rest, data)
        },
        |bytes| {
            let packet = theirs::Icmpv6Packet::new_checked(bytes).ok()?;
            let ((source, destination), caps) = (ends(), ChecksumCapabilities::default());
            match theirs::Icmpv6Repr::parse(&source, &destination, &packet, &caps).ok()? {
                theirs::Icmpv6Repr::EchoRequest { ident, seq_no, data } => Some((ident, seq_no, data.len())),
                _ => None,
            }
        },
        |bytes| {
            let message = Icmpv6Slice::from_slice(bytes).ok()?;
            let (source, destination) = *black_box(&ENDS6);
            let is_right = message.is_checksum_valid(source, destination);
            match message.icmp_type() {
                Icmpv6Type::EchoRequest(echo) if is_right => {
                    Some((echo.id, echo.seq, message.payload().len()))
                }
                _ => None,
            }
        },
    )
}

fn emit_v6() -> Result<Contest, String> {
    let data = payload();
    emitting(
        "emit ICMPv6",
        (icmpv6::HEADER_LEN, icmpv6::HEADER_LEN),
        before(|place, data| {
            let (source, destination) = ends();
            black_box(&V6).write(source, destination, data, place);
        }),
        move |place| {
            let repr = theirs::Icmpv6Repr::EchoRequest { ident: ECHO.id, seq_no: ECHO.seq, data: &data };
            let ((source, destination), caps) = (ends(), ChecksumCapabilities::default());
            let mut packet = theirs::Icmpv6Packet::new_unchecked(place);
            black_box(&repr).emit(&source, &destination, &mut packet, &caps);
        },
        |place| {
            let kind = Icmpv6Type::EchoRequest(*black_box(&ECHO));
            let (source, destination) = *black_box(&ENDS6);
            if let Ok(header) = Icmpv6Header::with_checksum(kind, source, destination, &place[8..]) {
                place[..8].copy_from_slice(&header.to_bytes());
            }
        },
    )
}
