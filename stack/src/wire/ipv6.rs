//! The IPv6 header (RFC 8200 3).
//!
//! ```text
//!  0..4   version (4 bits), traffic class (8 bits), flow label (20 bits)
//!  4..6   payload length
//!  6      next header
//!  7      hop limit
//!  8..24  source
//! 24..40  destination
//! ```

use super::{Buffer, Error, Result, array, be16, be32};
use std::net::Ipv6Addr;

/// Bytes of the header.
pub const HEADER_LEN: usize = 40;
/// The least MTU of a link (RFC 8200 5).
pub const MIN_MTU: usize = 1280;

/// An IPv6 header. Parsed, it emits to the same bytes before the payload that the parse gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// What the payload starts with: [`super::protocol`].
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// The sender.
    pub source: Ipv6Addr,
    /// The receiver.
    pub destination: Ipv6Addr,
}

impl Header {
    /// The header and its payload, which ends where payload length says.
    ///
    /// # Errors
    /// A header that is cut off, another version, a payload that is cut off.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<(Header, &[u8])> {
        let (fixed, rest) = split(bytes)?;
        let payload_len = usize::from(be16(fixed, 4));
        let payload = rest.get(..payload_len).ok_or(Error::length("ipv6", "payload length"))?;
        Ok((Header::fields(fixed), payload))
    }

    /// The header of a datagram that an ICMP error quotes, whose payload may be cut off.
    ///
    /// # Errors
    /// Where the header itself is not whole, or of another version.
    #[inline]
    pub fn parse_quoted(bytes: &[u8]) -> Result<(Header, &[u8])> {
        let (fixed, rest) = split(bytes)?;
        Ok((Header::fields(fixed), rest))
    }

    #[inline]
    fn fields(fixed: &[u8; HEADER_LEN]) -> Header {
        let first = be32(fixed, 0);
        Header {
            traffic_class: (first >> 20) as u8,
            flow_label: first & 0xf_ffff,
            next_header: fixed[6],
            hop_limit: fixed[7],
            // As numbers the addresses are moved whole; as arrays the compiler moves them in three pieces.
            source: Ipv6Addr::from_bits(u128::from_be_bytes(array(fixed, 8))),
            destination: Ipv6Addr::from_bits(u128::from_be_bytes(array(fixed, 24))),
        }
    }

    /// Prepends the header to its payload; one above 65535 bytes gets a payload length of 65535.
    #[inline]
    pub fn emit(&self, buffer: &mut Buffer) {
        let (place, payload) = buffer.prepend_array();
        self.write(payload.len(), place);
    }

    /// Writes the header at its `place` before a payload of so many bytes.
    #[inline]
    pub fn write(&self, payload_len: usize, place: &mut [u8; HEADER_LEN]) {
        let len = u16::try_from(payload_len).unwrap_or(u16::MAX);
        let first = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0xf_ffff;
        place[..4].copy_from_slice(&first.to_be_bytes());
        place[4..6].copy_from_slice(&len.to_be_bytes());
        place[6] = self.next_header;
        place[7] = self.hop_limit;
        place[8..24].copy_from_slice(&self.source.octets());
        place[24..].copy_from_slice(&self.destination.octets());
    }
}

/// A header of the right version, and all that follows.
#[inline]
fn split(bytes: &[u8]) -> Result<(&[u8; HEADER_LEN], &[u8])> {
    let (fixed, rest) = bytes.split_first_chunk().ok_or(Error::truncated("ipv6", "destination"))?;
    if fixed[0] >> 4 != 6 {
        return Err(Error::value("ipv6", "version"));
    }
    Ok((fixed, rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let header = Header {
            traffic_class: 0xb8,
            flow_label: 0x12345,
            next_header: 17,
            hop_limit: 64,
            source: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(),
            destination: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2].into(),
        };
        let bytes = emitted(b"payload", |b| header.emit(b));
        assert_eq!(Header::parse(&bytes), Ok((header, &b"payload"[..])));
        refuses_short(&bytes, bytes.len(), |b| Header::parse(b).map(|_| ()));
        assert_eq!(Header::parse(&altered(&bytes, 0, 0x45)), Err(Error::value("ipv6", "version")));
        assert_eq!(Header::parse(&altered(&bytes, 5, 8)), Err(Error::length("ipv6", "payload length")));
        let padded = altered(&bytes, 5, 3);
        assert_eq!(Header::parse(&padded).map(|(_, payload)| payload), Ok(&b"pay"[..]));
    }
}
