//! Just enough of Ethernet, IP, TCP and UDP to talk to a kernel by hand.

use harness::sut::{MacAddress, Medium};
use std::net::IpAddr;

pub(super) const LOCAL_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
pub(super) const REMOTE_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

pub(super) const SYN: u8 = 0x02;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

/// A TCP segment, without options.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Segment {
    pub from: u16,
    pub to: u16,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub data: Vec<u8>,
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|p| u32::from(p[0]) << 8 | u32::from(*p.get(1).unwrap_or(&0))).sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

fn pseudo_header(from: &[u8], to: &[u8], protocol: u8, length: usize) -> u32 {
    sum(from) + sum(to) + u32::from(protocol) + length as u32
}

/// An IP datagram around `payload`, whose checksum (at `checksum_at`) is filled in.
pub(super) fn datagram(
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    mut payload: Vec<u8>,
    checksum_at: usize,
) -> Vec<u8> {
    let (from, to) = (octets(from), octets(to));
    let check = fold(pseudo_header(&from, &to, protocol, payload.len()) + sum(&payload));
    payload[checksum_at..checksum_at + 2].copy_from_slice(&check.to_be_bytes());
    let mut header = if from.len() == 4 {
        let mut header = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
        header[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
        header
    } else {
        let mut header = vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
        header[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
        header
    };
    header.extend(from);
    header.extend(to);
    if header[0] == 0x45 {
        let check = fold(sum(&header));
        header[10..12].copy_from_slice(&check.to_be_bytes());
    }
    header.extend(payload);
    header
}

pub(super) fn tcp(segment: &Segment) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(segment.from.to_be_bytes());
    bytes.extend(segment.to.to_be_bytes());
    bytes.extend(segment.seq.to_be_bytes());
    bytes.extend(segment.ack.to_be_bytes());
    bytes.extend([5 << 4, segment.flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(&segment.data);
    bytes
}

pub(super) fn udp(from: u16, to: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [from, to, 8 + data.len() as u16, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(data);
    bytes
}

/// The frame around a datagram.
pub(super) fn frame(medium: Medium, datagram: Vec<u8>) -> Vec<u8> {
    if medium == Medium::Ip {
        return datagram;
    }
    let ethertype: [u8; 2] = if datagram[0] >> 4 == 4 { [0x08, 0] } else { [0x86, 0xdd] };
    [&LOCAL_MAC.0[..], &REMOTE_MAC.0[..], &ethertype, &datagram].concat()
}

/// The payload of a datagram with this protocol, its checksum verified; `None` for any other frame.
pub(super) fn payload(medium: Medium, protocol: u8, frame: &[u8]) -> Option<Vec<u8>> {
    let datagram = if medium == Medium::Ip { frame } else { frame.get(14..)? };
    let (header, found, from, to) = match datagram.first()? >> 4 {
        4 => (usize::from(datagram[0] & 15) * 4, datagram[9], &datagram[12..16], &datagram[16..20]),
        6 => (40, datagram[6], &datagram[8..24], &datagram[24..40]),
        _ => return None,
    };
    if found != protocol {
        return None;
    }
    let length = if header == 40 {
        40 + usize::from(u16::from_be_bytes([datagram[4], datagram[5]]))
    } else {
        usize::from(u16::from_be_bytes([datagram[2], datagram[3]]))
    };
    let payload = &datagram[header..length];
    let check = fold(pseudo_header(from, to, protocol, payload.len()) + sum(payload));
    assert_eq!(check, 0, "the checksum is complete: {frame:02x?}");
    Some(payload.to_vec())
}

pub(super) fn parse_tcp(bytes: &[u8]) -> Segment {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let long = |at: usize| u32::from(word(at)) << 16 | u32::from(word(at + 2));
    Segment {
        from: word(0),
        to: word(2),
        seq: long(4),
        ack: long(8),
        flags: bytes[13],
        data: bytes[usize::from(bytes[12] >> 4) * 4..].to_vec(),
    }
}
