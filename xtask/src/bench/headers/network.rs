//! IPv4 and IPv6.

use super::{Contest, ENDS, ENDS6, PAYLOAD, payload, repeated};
use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as theirs;
use stack::wire::{Buffer, ipv4, ipv6, protocol};
use std::hint::black_box;

pub(super) fn contests() -> Vec<Contest> {
    vec![parse_v4(), emit_v4(), parse_v6(), emit_v6()]
}

fn header4() -> ipv4::Header<'static> {
    ipv4::Header {
        tos: 0,
        identification: 7,
        reserved: false,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: protocol::UDP,
        source: ENDS.0.into(),
        destination: ENDS.1.into(),
        options: &[],
    }
}

fn parse_v4() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    header4().emit(&mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse IPv4".into(),
        ours: repeated(move || {
            ipv4::Header::parse(black_box(&a)).map(|(header, rest)| {
                (header.ttl, header.protocol, header.tos, header.source, header.destination, rest.len())
            })
        }),
        smoltcp: repeated(move || {
            let packet = theirs::Ipv4Packet::new_checked(black_box(&b[..]))?;
            theirs::Ipv4Repr::parse(&packet, &ChecksumCapabilities::default())
        }),
        etherparse: repeated(move || {
            let (header, rest) = Ipv4Header::from_slice(black_box(&c)).ok()?;
            let right = header.header_checksum == header.calc_header_checksum();
            (right && rest.len() >= usize::from(header.total_len) - header.header_len()).then_some(header)
        }),
    }
}

fn emit_v4() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let (mut place, mut written) = (vec![0; 20 + PAYLOAD], vec![0; 20 + PAYLOAD]);
    let repr = theirs::Ipv4Repr {
        src_addr: ENDS.0.into(),
        dst_addr: ENDS.1.into(),
        next_header: theirs::IpProtocol::Udp,
        payload_len: PAYLOAD,
        hop_limit: 64,
    };
    let said = header4();
    Contest {
        name: "emit IPv4".into(),
        ours: repeated(move || {
            black_box(&said).emit(&mut buffer);
            buffer.trim_front(20);
        }),
        smoltcp: repeated(move || {
            let mut packet = theirs::Ipv4Packet::new_unchecked(&mut place);
            black_box(&repr).emit(&mut packet, &ChecksumCapabilities::default());
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let (source, destination) = black_box(ENDS);
            if let Ok(mut header) = Ipv4Header::new(PAYLOAD as u16, 64, IpNumber::UDP, source, destination) {
                header.header_checksum = header.calc_header_checksum();
                written[..20].copy_from_slice(&header.to_bytes());
            }
            black_box(&written);
        }),
    }
}

fn header6() -> ipv6::Header {
    ipv6::Header {
        traffic_class: 0,
        flow_label: 0,
        next_header: protocol::UDP,
        hop_limit: 64,
        source: ENDS6.0.into(),
        destination: ENDS6.1.into(),
    }
}

fn parse_v6() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    header6().emit(&mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse IPv6".into(),
        ours: repeated(move || ipv6::Header::parse(black_box(&a)).map(|(header, _)| header)),
        smoltcp: repeated(move || {
            let packet = theirs::Ipv6Packet::new_checked(black_box(&b[..]))?;
            theirs::Ipv6Repr::parse(&packet)
        }),
        etherparse: repeated(move || {
            let (header, rest) = Ipv6Header::from_slice(black_box(&c)).ok()?;
            (rest.len() >= usize::from(header.payload_length)).then_some(header)
        }),
    }
}

fn emit_v6() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let (mut place, mut written) = (vec![0; 40 + PAYLOAD], vec![0; 40 + PAYLOAD]);
    let repr = theirs::Ipv6Repr {
        src_addr: ENDS6.0.into(),
        dst_addr: ENDS6.1.into(),
        next_header: theirs::IpProtocol::Udp,
        payload_len: PAYLOAD,
        hop_limit: 64,
    };
    let said = header6();
    Contest {
        name: "emit IPv6".into(),
        ours: repeated(move || {
            black_box(&said).emit(&mut buffer);
            buffer.trim_front(40);
        }),
        smoltcp: repeated(move || {
            let mut packet = theirs::Ipv6Packet::new_unchecked(&mut place);
            black_box(&repr).emit(&mut packet);
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let (source, destination) = black_box(ENDS6);
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: PAYLOAD as u16,
                next_header: IpNumber::UDP,
                hop_limit: 64,
                source,
                destination,
            };
            written[..40].copy_from_slice(&header.to_bytes());
            black_box(&written);
        }),
    }
}
