//! DHCP and DNS: the fixed parts of their messages.

use super::{Header, Kind, Row, number, row};
use crate::lang::ast::LayerKind;

/// RFC 2131 section 2, with the cookie of section 3. Of the hardware address the first 6 bytes, which are Ethernet's.
pub(in crate::packet) const DHCP: Header = Header {
    kind: LayerKind::Dhcp,
    keyword: "dhcp",
    length: 240,
    rows: &[
        number("op", 0, 8),
        number("htype", 8, 8),
        number("hlen", 16, 8),
        number("hops", 24, 8),
        number("xid", 32, 32),
        number("secs", 64, 16),
        number("flags", 80, 16),
        number("broadcast", 80, 1),
        row("ciaddr", 96, 32, Kind::Ipv4),
        row("yiaddr", 128, 32, Kind::Ipv4),
        row("siaddr", 160, 32, Kind::Ipv4),
        row("giaddr", 192, 32, Kind::Ipv4),
        row("chaddr", 224, 48, Kind::Mac),
        number("cookie", 1888, 32),
    ],
};

/// RFC 1035 section 4.1.1. `z` is the RFC's; two of its bits have got names since (RFC 4035 section 3).
pub(in crate::packet) const DNS: Header = Header {
    kind: LayerKind::Dns,
    keyword: "dns",
    length: 12,
    rows: &[
        number("id", 0, 16),
        number("qr", 16, 1),
        number("opcode", 17, 4),
        number("aa", 21, 1),
        number("tc", 22, 1),
        number("rd", 23, 1),
        number("ra", 24, 1),
        number("z", 25, 3),
        number("rcode", 28, 4),
        number("qdcount", 32, 16),
        number("ancount", 48, 16),
        number("nscount", 64, 16),
        number("arcount", 80, 16),
    ],
};

/// Of the question, whose place depends on the length of its name: the first letter, type and class.
pub(in crate::packet) fn question_rows(message: &[u8]) -> Vec<Row> {
    let Some(end) = name_end(message, DNS.length) else { return Vec::new() };
    let start = DNS.length * 8;
    vec![number("qname", start + 8, 8), number("qtype", end * 8, 16), number("qclass", end * 8 + 16, 16)]
}

/// Where an uncompressed name ends.
fn name_end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..64 => at += usize::from(length) + 1,
            _ => return None,
        }
    }
}
