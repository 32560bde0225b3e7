//! UDP and TCP over IPv4; TCP with timestamps, as its segments have them.

use super::{Contest, ENDS, before, emitting, parsing, payload};
use etherparse::{TcpHeader, TcpOptionElement, TcpSlice, UdpHeader, UdpSlice};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as theirs;
use stack::tcp::SeqNumber;
use stack::wire::tcp::{self, Flags};
use stack::wire::tcp_options::{Options, Timestamps};
use stack::wire::{Buffer, udp};
use std::hint::black_box;
use std::net::IpAddr;

pub(super) fn contests() -> [Result<Contest, String>; 4] {
    [parse_udp(), emit_udp(), parse_tcp(), emit_tcp()]
}

fn ends() -> (IpAddr, IpAddr) {
    let (source, destination) = *black_box(&ENDS);
    (source.into(), destination.into())
}

fn ends_of_theirs() -> (theirs::IpAddress, theirs::IpAddress) {
    let (source, destination) = *black_box(&ENDS);
    (theirs::IpAddress::Ipv4(source.into()), theirs::IpAddress::Ipv4(destination.into()))
}

const UDP: udp::Header = udp::Header { source_port: 4000, destination_port: 7 };

fn parse_udp() -> Result<Contest, String> {
    let mut buffer = Buffer::with_payload(&payload());
    UDP.emit(ends().0, ends().1, &mut buffer);
    parsing(
        "parse UDP",
        &buffer,
        &[(5, 7), (5, 73), (6, 1), (20, 0)],
        |bytes| {
            let (source, destination) = ends();
            let (header, data) = udp::Header::parse(source, destination, bytes).ok()?;
            Some((header.source_port, header.destination_port, data.len()))
        },
        |bytes| {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let packet = theirs::UdpPacket::new_checked(bytes).ok()?;
            let header = theirs::UdpRepr::parse(&packet, &from, &to, &caps).ok()?;
            Some((header.src_port, header.dst_port, packet.payload().len()))
        },
        |bytes| {
            let datagram = UdpSlice::from_slice(bytes).ok()?;
            let ((source, destination), header) = (*black_box(&ENDS), datagram.to_header());
            let right = header.calc_checksum_ipv4_raw(source, destination, datagram.payload()).ok()?;
            let is_right = header.checksum == 0 || header.checksum == right;
            is_right.then(|| (header.source_port, header.destination_port, datagram.payload().len()))
        },
    )
}

fn emit_udp() -> Result<Contest, String> {
    let repr = theirs::UdpRepr { src_port: UDP.source_port, dst_port: UDP.destination_port };
    emitting(
        "emit UDP",
        (udp::HEADER_LEN, udp::HEADER_LEN),
        before(|place, data| {
            let (source, destination) = ends();
            black_box(&UDP).write(source, destination, data, place);
        }),
        move |place| {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let payload_len = place.len() - udp::HEADER_LEN;
            let mut packet = theirs::UdpPacket::new_unchecked(place);
            // The payload is in its place.
            black_box(&repr).emit(&mut packet, &from, &to, payload_len, |_| (), &caps);
        },
        |place| {
            let (source, destination) = *black_box(&ENDS);
            let udp::Header { source_port, destination_port } = *black_box(&UDP);
            let (length, data) = (place.len() as u16, &place[8..]);
            let mut header = UdpHeader { source_port, destination_port, length, checksum: 0 };
            if let Ok(checksum) = header.calc_checksum_ipv4_raw(source, destination, data) {
                header.checksum = checksum;
            }
            place[..8].copy_from_slice(&header.to_bytes());
        },
    )
}

const STAMPS: Timestamps = Timestamps { tsval: 1000, tsecr: 2000 };

fn segment() -> tcp::Header {
    tcp::Header {
        source_port: 4000,
        destination_port: 80,
        seq: SeqNumber(1),
        ack: SeqNumber(2),
        flags: Flags::ACK,
        wnd: 1000,
        up: 0,
        options: Options { timestamps: Some(STAMPS), ..Options::default() },
    }
}

/// Bytes of the header with timestamps.
const TCP: usize = 32;

fn parse_tcp() -> Result<Contest, String> {
    let mut buffer = Buffer::with_payload(&payload());
    segment().emit(ends().0, ends().1, &mut buffer);
    parsing(
        "parse TCP",
        &buffer,
        &[(12, 0x40), (12, 0xf0), (16, 0), (23, 60), (40, 0)],
        |bytes| {
            let (source, destination) = ends();
            let is_right = tcp::checksum_is_right(source, destination, bytes);
            let segment = tcp::Segment::parse(bytes).ok().filter(|_| is_right)?;
            let (ports, stamps) =
                ((segment.source_port, segment.destination_port), segment.options.timestamps?);
            let ack = segment.has(Flags::ACK).then_some(segment.ack.0);
            let stamps = (stamps.tsval, stamps.tsecr);
            Some((ports, segment.seq.0, ack, segment.wnd, stamps, segment.payload.len()))
        },
        |bytes| {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let packet = theirs::TcpPacket::new_checked(bytes).ok()?;
            let segment = theirs::TcpRepr::parse(&packet, &from, &to, &caps).ok()?;
            let (ports, stamps) = ((segment.src_port, segment.dst_port), segment.timestamp?);
            let ack = segment.ack_number.map(|ack| ack.0 as u32);
            let (seq, stamps) = (segment.seq_number.0 as u32, (stamps.tsval, stamps.tsecr));
            Some((ports, seq, ack, segment.window_len, stamps, segment.payload.len()))
        },
        |bytes| {
            let (source, destination) = *black_box(&ENDS);
            let segment = TcpSlice::from_slice(bytes).ok()?;
            let is_right = segment.checksum() == segment.calc_checksum_ipv4(source, destination).ok()?;
            let mut stamps = None;
            for option in segment.options_iterator() {
                if let TcpOptionElement::Timestamp(tsval, tsecr) = option.ok()? {
                    stamps = Some((tsval, tsecr));
                }
            }
            let ports = (segment.source_port(), segment.destination_port());
            let ack = segment.ack().then(|| segment.acknowledgment_number());
            let (seq, payload) = (segment.sequence_number(), segment.payload());
            is_right.then_some((ports, seq, ack, segment.window_size(), stamps?, payload.len()))
        },
    )
}

fn emit_tcp() -> Result<Contest, String> {
    let (said, data) = (segment(), payload());
    let stamps = [TcpOptionElement::Noop, TcpOptionElement::Noop, TcpOptionElement::Timestamp(1000, 2000)];
    let mut header = TcpHeader::new(4000, 80, 1, 1000);
    (header.ack, header.acknowledgment_number) = (true, 2);
    header.set_options(&stamps).map_err(|e| e.to_string())?;
    emitting(
        "emit TCP",
        (TCP, 16),
        before::<TCP>(move |place, text| {
            let (source, destination) = ends();
            black_box(&said).write(source, destination, text, place);
        }),
        move |place| {
            let ((from, to), caps) = (ends_of_theirs(), ChecksumCapabilities::default());
            let repr = theirs::TcpRepr {
                src_port: 4000,
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
                payload: &data,
            };
            black_box(&repr).emit(&mut theirs::TcpPacket::new_unchecked(place), &from, &to, &caps);
        },
        move |place| {
            let (source, destination) = *black_box(&ENDS);
            let mut header = black_box(&header).clone();
            if let Ok(checksum) = header.calc_checksum_ipv4_raw(source, destination, &place[TCP..]) {
                header.checksum = checksum;
            }
            place[..TCP].copy_from_slice(&header.to_bytes());
        },
    )
}
