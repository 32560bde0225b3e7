//! Headers as data: one table of fields per header, and how a field is read and written.

use super::headers;
use crate::lang::ast::LayerKind;

/// What a field holds, which decides how it is written in a script and what it is when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A hardware address.
    Mac,
    /// An Internet checksum, filled in last.
    Checksum,
    /// The length of something, filled in when everything within is known.
    Length,
    /// Which header follows, or which operation: names stand for numbers.
    Code(Codes),
    /// A sequence number of the sender, relative to the sender's base.
    Sequence,
    /// A sequence number of the receiver, relative to the receiver's base.
    Acknowledgement,
}

/// Which names stand for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// EtherType.
    EtherType,
    /// IP protocol, IPv6 next header.
    Protocol,
    /// ARP operation.
    ArpOperation,
}

/// One field: a row of a header's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name in scripts: tcpdump's or the RFC's.
    pub name: &'static str,
    /// Where it begins, in bits from the header's first, the most significant bit first.
    pub offset: usize,
    /// How many bits it has, 128 at most.
    pub width: usize,
    /// What it holds.
    pub kind: Kind,
    /// What one unit in the header is in the script: 8 for fragment offsets, which scripts give in bytes.
    pub scale: u32,
}

/// A header's table.
#[derive(Debug)]
pub struct Header {
    /// Which header.
    pub kind: LayerKind,
    /// Its keyword, which is also how its fields are named in a mismatch: `tcp.ack`.
    pub keyword: &'static str,
    /// Its length in bytes without options.
    pub length: usize,
    /// Its fields. Fields may overlap, as `tos` and `dscp` do.
    pub rows: &'static [Row],
}

impl Row {
    /// The field in `header`, or `None` where the header is too short to have it.
    pub fn get(&self, header: &[u8]) -> Option<u128> {
        let last = self.offset + self.width;
        let bytes = header.get(self.offset / 8..last.div_ceil(8))?;
        let mut value = 0u128;
        // A field of 128 bits is aligned to bytes, so nothing is shifted out.
        for (i, byte) in bytes.iter().enumerate() {
            let first = if i == 0 { 0xff >> (self.offset % 8) } else { 0xff };
            value = value << 8 | u128::from(byte & first);
        }
        Some(value >> ((8 - last % 8) % 8))
    }

    /// Writes the field; bits of `value` beyond its width are dropped. False where the header is too short.
    #[must_use]
    pub fn set(&self, header: &mut [u8], value: u128) -> bool {
        let last = self.offset + self.width;
        let Some(bytes) = header.get_mut(self.offset / 8..last.div_ceil(8)) else { return false };
        let mask = if self.width >= 128 { u128::MAX } else { (1 << self.width) - 1 };
        let shift = (8 - last % 8) % 8;
        let (mut mask, mut value) = (mask << shift, (value & mask) << shift);
        for byte in bytes.iter_mut().rev() {
            *byte = (*byte & !(mask as u8)) | (value as u8);
            mask >>= 8;
            value >>= 8;
        }
        true
    }

    /// The largest value that fits, in the header's own units.
    pub fn max(&self) -> u128 {
        if self.width >= 128 { u128::MAX } else { (1 << self.width) - 1 }
    }
}

/// The table of `kind`. [`LayerKind::Ip`] and [`LayerKind::Icmp`] must have been resolved to a version; they and
/// payloads have no table of their own.
pub fn header(kind: LayerKind) -> Option<&'static Header> {
    headers::ALL.iter().copied().find(|h| h.kind == kind)
}

/// The keyword of `kind`, for messages.
pub fn keyword(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Ip => "ip",
        LayerKind::Icmp => "icmp",
        LayerKind::Payload => "payload",
        _ => header(kind).map_or("layer", |h| h.keyword),
    }
}

/// The fields of `kind` that depend on what the header says: those of an ICMP type, or GRE's optional words.
pub fn dependent(kind: LayerKind, bytes: &[u8]) -> Vec<Row> {
    match kind {
        LayerKind::Icmpv4 => headers::icmp::rows_v4(bytes.first().copied().unwrap_or(0)).to_vec(),
        LayerKind::Icmpv6 => headers::icmp::rows_v6(bytes.first().copied().unwrap_or(0)).to_vec(),
        LayerKind::Gre => headers::tunnel::gre_optional(bytes),
        LayerKind::Dns => headers::messages::question_rows(bytes),
        _ => Vec::new(),
    }
}

/// The field called `name` in a header of `kind` with these bytes.
pub fn find(kind: LayerKind, bytes: &[u8], name: &str) -> Option<Row> {
    let own = header(kind)?.rows.iter().find(|r| r.name == name).copied();
    own.or_else(|| dependent(kind, bytes).into_iter().find(|r| r.name == name))
}

/// Reads the field called `name`; `None` where there is none, or where the header is too short.
pub fn get(kind: LayerKind, bytes: &[u8], name: &str) -> Option<u128> {
    find(kind, bytes, name)?.get(bytes)
}

/// Writes the field called `name`, which the tables have; false where the header is too short.
pub fn set(kind: LayerKind, bytes: &mut [u8], name: &str, value: u128) -> bool {
    find(kind, bytes, name).is_some_and(|row| row.set(bytes, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_within_its_header_and_holds_what_is_written() {
        for header in headers::ALL {
            for row in header.rows {
                check(header.length, row);
            }
        }
        for kind in 0..=255 {
            for row in headers::icmp::rows_v4(kind) {
                check(headers::icmp::length_v4(kind), row);
            }
            for row in headers::icmp::rows_v6(kind) {
                check(headers::icmp::length_v6(kind), row);
            }
        }
    }

    fn check(length: usize, row: &Row) {
        assert!(row.offset + row.width <= length * 8, "{row:?}");
        for background in [0x00, 0xff] {
            let mut bytes = vec![background; length];
            for value in [0, 1, row.max() / 3, row.max()] {
                assert!(row.set(&mut bytes, value));
                assert_eq!(row.get(&bytes), Some(value), "{row:?}");
            }
            // What is not the field keeps its bits.
            assert!(row.set(&mut bytes, if background == 0 { 0 } else { row.max() }));
            assert_eq!(bytes, vec![background; length], "{row:?}");
        }
    }

    #[test]
    fn names_are_unique_within_a_header() {
        for header in headers::ALL {
            for (i, row) in header.rows.iter().enumerate() {
                assert!(header.rows[..i].iter().all(|r| r.name != row.name), "{row:?}");
            }
        }
    }
}
