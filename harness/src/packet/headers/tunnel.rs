//! GRE, MPLS and PSP, as upstream writes them.

use super::{Codes, Header, Row, code, number};
use crate::lang::ast::LayerKind;

/// RFC 2784 with the key and sequence number of RFC 2890; the optional words are in [`gre_optional`].
pub(in crate::packet) const GRE: Header = Header {
    kind: LayerKind::Gre,
    keyword: "gre",
    length: 4,
    rows: &[
        number("flags", 0, 16),
        number("has_checksum", 0, 1),
        number("has_routing", 1, 1),
        number("has_key", 2, 1),
        number("has_seq", 3, 1),
        number("version", 13, 3),
        code("proto", 16, 16, Codes::EtherType),
    ],
};

/// RFC 3032 section 2.1: one entry of the label stack.
pub(in crate::packet) const MPLS: Header = Header {
    kind: LayerKind::Mpls,
    keyword: "mpls",
    length: 4,
    rows: &[number("label", 0, 20), number("tc", 20, 3), number("s", 23, 1), number("ttl", 24, 8)],
};

/// PSP over UDP.
pub(in crate::packet) const PSP: Header = Header {
    kind: LayerKind::Psp,
    keyword: "psp",
    length: 16,
    rows: &[
        code("next", 0, 8, Codes::Protocol),
        number("ext_len", 8, 8),
        number("crypt_off", 18, 6),
        number("sample", 24, 1),
        number("drop", 25, 1),
        number("version", 26, 4),
        number("virt", 30, 1),
        number("spi", 32, 32),
        number("iv", 64, 64),
    ],
};

/// Checksum and offset, key, sequence number: each word is there where its bit says so (RFC 2890 section 2).
pub(in crate::packet) fn gre_optional(header: &[u8]) -> Vec<Row> {
    let bits = header.first().copied().unwrap_or(0);
    let mut rows = Vec::new();
    let mut offset = 32;
    if bits & 0xc0 != 0 {
        rows.extend([number("sum", offset, 16), number("off", offset + 16, 16)]);
        offset += 32;
    }
    if bits & 0x20 != 0 {
        rows.push(number("key", offset, 32));
        offset += 32;
    }
    if bits & 0x10 != 0 {
        rows.push(number("seq", offset, 32));
    }
    rows
}

/// A GRE header's length in bytes, by its bits.
pub(in crate::packet) fn gre_length(header: &[u8]) -> usize {
    let bits = header.first().copied().unwrap_or(0);
    4 + 4 * (usize::from(bits & 0xc0 != 0) + usize::from(bits & 0x20 != 0) + usize::from(bits & 0x10 != 0))
}
