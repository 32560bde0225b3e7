//! UDP and TCP over IPv4; TCP with timestamps, as its segments have them.

use super::{Contest, ENDS, PAYLOAD, payload, repeated};
use etherparse::{TcpHeader, TcpOptionElement, UdpHeader};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as theirs;
use stack::tcp::SeqNumber;
use stack::wire::tcp::{self, Flags};
use stack::wire::tcp_options::{Options, Timestamps};
use stack::wire::{Buffer, udp};
use std::hint::black_box;
use std::net::IpAddr;

pub(super) fn contests() -> Vec<Contest> {
    vec![parse_udp(), emit_udp(), parse_tcp(), emit_tcp()]
}

fn ends() -> (IpAddr, IpAddr) {
    (ENDS.0.into(), ENDS.1.into())
}

fn ends_of_theirs() -> (theirs::IpAddress, theirs::IpAddress) {
    let ((a, b), v4) = (ENDS, |[a, b, c, d]: [u8; 4]| theirs::IpAddress::v4(a, b, c, d));
    (v4(a), v4(b))
}

const UDP: udp::Header = udp::Header { source_port: 4000, destination_port: 7 };

fn parse_udp() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    UDP.emit(ends().0, ends().1, &mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse UDP".into(),
        ours: repeated(move || {
            udp::Header::parse(ends().0, ends().1, black_box(&a)).map(|(header, _)| header)
        }),
        smoltcp: repeated(move || {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let packet = theirs::UdpPacket::new_checked(black_box(&b[..]))?;
            theirs::UdpRepr::parse(&packet, &from, &to, &caps)
        }),
        etherparse: repeated(move || {
            let (header, payload) = UdpHeader::from_slice(black_box(&c)).ok()?;
            let right = header.calc_checksum_ipv4_raw(ENDS.0, ENDS.1, payload).ok()?;
            (header.checksum == right).then_some(header)
        }),
    }
}

fn emit_udp() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let (mut place, data, behind) = (vec![0; 8 + PAYLOAD], payload(), payload());
    let mut written = vec![0; 8 + PAYLOAD];
    Contest {
        name: "emit UDP".into(),
        ours: repeated(move || {
            black_box(UDP).emit(ends().0, ends().1, &mut buffer);
            buffer.trim_front(8);
        }),
        smoltcp: repeated(move || {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let repr = theirs::UdpRepr { src_port: black_box(4000), dst_port: 7 };
            let mut packet = theirs::UdpPacket::new_unchecked(&mut place[..]);
            repr.emit(
                &mut packet,
                &from,
                &to,
                PAYLOAD,
                |place| place.copy_from_slice(black_box(&data)),
                &caps,
            );
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let (source_port, destination_port, length) = (black_box(4000), 7, 8 + PAYLOAD as u16);
            let mut header = UdpHeader { source_port, destination_port, length, checksum: 0 };
            if let Ok(checksum) = header.calc_checksum_ipv4_raw(ENDS.0, ENDS.1, black_box(&behind)) {
                header.checksum = checksum;
            }
            written[..8].copy_from_slice(&header.to_bytes());
            black_box(&written);
        }),
    }
}

fn segment() -> tcp::Header {
    let timestamps = Some(Timestamps { tsval: 1000, tsecr: 2000 });
    tcp::Header {
        source_port: 4000,
        destination_port: 80,
        seq: SeqNumber(1),
        ack: SeqNumber(2),
        flags: Flags::ACK,
        wnd: 1000,
        up: 0,
        options: Options { timestamps, ..Options::default() },
    }
}

/// Bytes of the header with timestamps.
const TCP: usize = 32;

fn parse_tcp() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    segment().emit(ends().0, ends().1, &mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse TCP".into(),
        ours: repeated(move || {
            let bytes = black_box(&a);
            tcp::checksum_is_right(ends().0, ends().1, bytes)
                .then(|| tcp::Segment::parse(bytes).map(|segment| segment.header))
        }),
        smoltcp: repeated(move || {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let packet = theirs::TcpPacket::new_checked(black_box(&b[..]));
            packet.is_ok_and(|packet| black_box(theirs::TcpRepr::parse(&packet, &from, &to, &caps)).is_ok())
        }),
        etherparse: repeated(move || {
            let (header, payload) = TcpHeader::from_slice(black_box(&c)).ok()?;
            let right = header.calc_checksum_ipv4_raw(ENDS.0, ENDS.1, payload).ok()?;
            let options = header.options_iterator().filter(|option| option.is_ok()).count();
            (header.checksum == right && options > 0).then_some(header)
        }),
    }
}

fn emit_tcp() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let (mut place, data, behind) = (vec![0; TCP + PAYLOAD], payload(), payload());
    let mut written = vec![0; TCP + PAYLOAD];
    let stamps = [TcpOptionElement::Noop, TcpOptionElement::Noop, TcpOptionElement::Timestamp(1000, 2000)];
    let said = segment();
    Contest {
        name: "emit TCP".into(),
        ours: repeated(move || {
            black_box(&said).emit(ends().0, ends().1, &mut buffer);
            buffer.trim_front(TCP);
        }),
        smoltcp: repeated(move || {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let repr = theirs::TcpRepr {
                src_port: black_box(4000),
                dst_port: 80,
                control: theirs::TcpControl::None,
                seq_number: theirs::TcpSeqNumber(1),
                ack_number: Some(theirs::TcpSeqNumber(2)),
                window_len: 1000,
                window_scale: None,
                max_seg_size: None,
                sack_permitted: false,
                sack_ranges: [None; 3],
                timestamp: Some(theirs::TcpTimestampRepr { tsval: 1000, tsecr: 2000 }),
                payload: black_box(&data),
            };
            repr.emit(&mut theirs::TcpPacket::new_unchecked(&mut place[..]), &from, &to, &caps);
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let mut header = TcpHeader::new(black_box(4000), 80, 1, 1000);
            (header.ack, header.acknowledgment_number) = (true, 2);
            let options = header.set_options(&stamps);
            if let (Ok(()), Ok(checksum)) =
                (options, header.calc_checksum_ipv4_raw(ENDS.0, ENDS.1, black_box(&behind)))
            {
                header.checksum = checksum;
            }
            written[..TCP].copy_from_slice(&header.to_bytes());
            black_box(&written);
        }),
    }
}
