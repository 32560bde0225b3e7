//! ICMP for both families, as echo requests.

use super::{Contest, ENDS6, PAYLOAD, payload, repeated};
use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as theirs;
use stack::wire::{Buffer, icmpv4, icmpv6};
use std::hint::black_box;

const REST: [u8; 4] = [0, 5, 0, 7];
const ECHO: IcmpEchoHeader = IcmpEchoHeader { id: 5, seq: 7 };

pub(super) fn contests() -> Vec<Contest> {
    vec![parse_v4(), emit_v4(), parse_v6(), emit_v6()]
}

fn header4() -> icmpv4::Header {
    icmpv4::Header { kind: icmpv4::ECHO_REQUEST, code: 0, rest: REST }
}

fn parse_v4() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    header4().emit(&mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse ICMPv4".into(),
        ours: repeated(move || icmpv4::Header::parse(black_box(&a)).map(|(header, _)| header)),
        smoltcp: repeated(move || {
            let packet = theirs::Icmpv4Packet::new_checked(black_box(&b[..]));
            packet.is_ok_and(|p| {
                black_box(theirs::Icmpv4Repr::parse(&p, &ChecksumCapabilities::default())).is_ok()
            })
        }),
        etherparse: repeated(move || {
            let (header, payload) = Icmpv4Header::from_slice(black_box(&c)).ok()?;
            (header.checksum == header.icmp_type.calc_checksum(payload)).then_some(header)
        }),
    }
}

fn emit_v4() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let (mut place, data, behind) = (vec![0; 8 + PAYLOAD], payload(), payload());
    let mut written = vec![0; 8 + PAYLOAD];
    let said = header4();
    Contest {
        name: "emit ICMPv4".into(),
        ours: repeated(move || {
            black_box(&said).emit(&mut buffer);
            buffer.trim_front(8);
        }),
        smoltcp: repeated(move || {
            let repr =
                theirs::Icmpv4Repr::EchoRequest { ident: black_box(5), seq_no: 7, data: black_box(&data) };
            repr.emit(
                &mut theirs::Icmpv4Packet::new_unchecked(&mut place[..]),
                &ChecksumCapabilities::default(),
            );
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let header =
                Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(black_box(ECHO)), black_box(&behind));
            written[..8].copy_from_slice(&header.to_bytes());
            black_box(&written);
        }),
    }
}

fn header6() -> icmpv6::Header {
    icmpv6::Header { kind: icmpv6::ECHO_REQUEST, code: 0, rest: REST }
}

fn parse_v6() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    header6().emit(ENDS6.0.into(), ENDS6.1.into(), &mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse ICMPv6".into(),
        ours: repeated(move || {
            icmpv6::Header::parse(ENDS6.0.into(), ENDS6.1.into(), black_box(&a)).map(|(header, _)| header)
        }),
        smoltcp: repeated(move || {
            let (from, to) = (ENDS6.0.into(), ENDS6.1.into());
            let (packet, caps) =
                (theirs::Icmpv6Packet::new_checked(black_box(&b[..])), ChecksumCapabilities::default());
            packet.is_ok_and(|p| black_box(theirs::Icmpv6Repr::parse(&from, &to, &p, &caps)).is_ok())
        }),
        etherparse: repeated(move || {
            let (header, payload) = Icmpv6Header::from_slice(black_box(&c)).ok()?;
            let right = header.icmp_type.calc_checksum(ENDS6.0, ENDS6.1, payload).ok()?;
            (header.checksum == right).then_some(header)
        }),
    }
}

fn emit_v6() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let (mut place, data, behind) = (vec![0; 8 + PAYLOAD], payload(), payload());
    let mut written = vec![0; 8 + PAYLOAD];
    let said = header6();
    Contest {
        name: "emit ICMPv6".into(),
        ours: repeated(move || {
            black_box(&said).emit(ENDS6.0.into(), ENDS6.1.into(), &mut buffer);
            buffer.trim_front(8);
        }),
        smoltcp: repeated(move || {
            let repr =
                theirs::Icmpv6Repr::EchoRequest { ident: black_box(5), seq_no: 7, data: black_box(&data) };
            repr.emit(
                &ENDS6.0.into(),
                &ENDS6.1.into(),
                &mut theirs::Icmpv6Packet::new_unchecked(&mut place[..]),
                &ChecksumCapabilities::default(),
            );
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let kind = Icmpv6Type::EchoRequest(black_box(ECHO));
            if let Ok(header) = Icmpv6Header::with_checksum(kind, ENDS6.0, ENDS6.1, black_box(&behind)) {
                written[..8].copy_from_slice(&header.to_bytes());
            }
            black_box(&written);
        }),
    }
}
