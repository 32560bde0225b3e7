//! Lengths and checksums set right in bytes that are anything: what a fuzzer hardly finds.

use crate::input::{checksum, pseudo_header, put16};

/// The lengths of an IP header: everything is the datagram's.
pub fn lengths(packet: &mut [u8]) {
    let whole = packet.len();
    match version(packet) {
        Some(4) => put16(packet, 2, whole as u16),
        Some(6) => put16(packet, 4, (whole - 40) as u16),
        _ => {}
    }
}

/// The checksum of an IPv4 header.
pub fn header_checksum(packet: &mut [u8]) {
    let Some(header) = header_v4(packet) else { return };
    put16(packet, 10, 0);
    let sum = checksum(0, &packet[..header]);
    put16(packet, 10, sum);
}

/// The checksum of an IPv4 header, and of a transport that follows the IP header at once.
pub fn checksums(packet: &mut [u8]) {
    if let Some(header) = header_v4(packet) {
        let addresses: [u8; 8] = std::array::from_fn(|n| packet[12 + n]);
        let protocol = packet[9];
        let upper = &mut packet[header..];
        let is_plain = matches!(protocol, 1 | 2);
        let pseudo = if is_plain { 0 } else { pseudo_header(&[&addresses], protocol, upper.len()) };
        transport(protocol, pseudo, upper);
        header_checksum(packet);
    } else if version(packet) == Some(6) {
        let addresses: [u8; 32] = std::array::from_fn(|n| packet[8 + n]);
        let protocol = packet[6];
        let upper = &mut packet[40..];
        transport(protocol, pseudo_header(&[&addresses], protocol, upper.len()), upper);
    }
}

/// The checksum of a transport's message, to which the sum of its pseudo header is added; for UDP its length, too.
pub fn transport(protocol: u8, pseudo: u32, upper: &mut [u8]) {
    let at = match protocol {
        1 | 2 | 58 => 2,
        6 => 16,
        17 => 6,
        _ => return,
    };
    if protocol == 17 {
        put16(upper, 4, upper.len() as u16);
    }
    put16(upper, at, 0);
    let sum = checksum(pseudo, upper);
    put16(upper, at, sum);
}

/// The version of a header that is there whole.
fn version(packet: &[u8]) -> Option<u8> {
    let version = packet.first()? >> 4;
    let is_whole = packet.len() >= if version == 6 { 40 } else { 20 };
    is_whole.then_some(version)
}

/// The length of an IPv4 header that is there whole.
fn header_v4(packet: &[u8]) -> Option<usize> {
    let length = usize::from(packet.first()? & 0xf) * 4;
    (version(packet)? == 4 && (20..=packet.len()).contains(&length)).then_some(length)
}
