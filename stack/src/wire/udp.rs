//! The UDP header (RFC 768).
//!
//! ```text
//!  0..2   source port
//!  2..4   destination port
//!  4..6   length of header and data
//!  6..8   checksum; zero: none
//! ```

use super::checksum::Checksum;
use super::{Buffer, Error, Result, be16, protocol};
use std::net::IpAddr;

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;

/// A UDP header. Parsed, it emits to the same bytes, but that a datagram without checksum gets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's port; 0 where it wants no reply.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
}

impl Header {
    /// The header and its data, which ends where the length says (RFC 768 "Length").
    ///
    /// # Errors
    /// A wrong length; a wrong checksum; over IPv6, none (RFC 8200 8.1). Over IPv4 none is right (RFC 1122 4.1.3.4).
    #[inline]
    pub fn parse(source: IpAddr, destination: IpAddr, bytes: &[u8]) -> Result<(Header, &[u8])> {
        let length = length(bytes)?;
        let unchecked = be16(bytes, 6) == 0 && destination.is_ipv4();
        let sum = Checksum::pseudo_header(source, destination, protocol::UDP, length).with(&bytes[..length]);
        if !unchecked && (sum.finish() != 0 || be16(bytes, 6) == 0) {
            return Err(Error::checksum("udp"));
        }
        Ok((Header::ports(bytes), &bytes[HEADER_LEN..length]))
    }

    /// As [`Header::parse`], for a datagram that says that it has no checksum: only ports for which their users have asked
    /// take such over IPv6 (RFC 6935 5).
    ///
    /// # Errors
    /// A wrong length; a checksum.
    pub fn parse_unchecked(bytes: &[u8]) -> Result<(Header, &[u8])> {
        let length = length(bytes)?;
        if be16(bytes, 6) != 0 {
            return Err(Error::checksum("udp"));
        }
        Ok((Header::ports(bytes), &bytes[HEADER_LEN..length]))
    }

    fn ports(bytes: &[u8]) -> Header {
        Header { source_port: be16(bytes, 0), destination_port: be16(bytes, 2) }
    }

    /// Prepends the header, its checksum filled in, to its data. The caller has checked that the data fits 65527 bytes.
    #[inline]
    pub fn emit(&self, source: IpAddr, destination: IpAddr, buffer: &mut Buffer) {
        let (place, data) = buffer.prepend_array();
        self.write(source, destination, data, place);
    }

    /// Writes the header, its checksum filled in, at its `place` before `data`, which fits 65527 bytes.
    #[inline]
    pub fn write(&self, source: IpAddr, destination: IpAddr, data: &[u8], place: &mut [u8; HEADER_LEN]) {
        let length = data.len() + HEADER_LEN;
        let mut bytes = [0; HEADER_LEN];
        bytes[..2].copy_from_slice(&self.source_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        bytes[4..6].copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        let sum = Checksum::pseudo_header(source, destination, protocol::UDP, length);
        let sum = sum.with_header(&bytes).with(data).finish();
        // Zero says that there is none: its other form stands for it (RFC 768 "Checksum").
        let sum = if sum == 0 { 0xffff } else { sum };
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        *place = bytes;
    }
}

/// The length field of a header that is whole, which names no more than there is.
fn length(bytes: &[u8]) -> Result<usize> {
    if bytes.len() < HEADER_LEN {
        return Err(Error::truncated("udp", "checksum"));
    }
    let length = usize::from(be16(bytes, 4));
    if length < HEADER_LEN || length > bytes.len() {
        return Err(Error::length("udp", "length"));
    }
    Ok(length)
}

/// Takes the checksum out of a datagram whose sender may leave it out: over IPv4 (RFC 768 "Checksum"), and over IPv6 from
/// ports for which that was asked (RFC 6935 5).
pub fn remove_checksum(datagram: &mut [u8]) {
    if let Some(sum) = datagram.get_mut(6..HEADER_LEN) {
        sum.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    const V4: [IpAddr; 2] = [
        IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
    ];
    const V6: [IpAddr; 2] = [
        IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)),
    ];
    const HEADER: Header = Header { source_port: 4000, destination_port: 7 };

    #[test]
    fn round_trip_over_both_families() {
        for [a, b] in [V4, V6] {
            let bytes = emitted(b"echo me", |buffer| HEADER.emit(a, b, buffer));
            assert_eq!(Header::parse(a, b, &bytes), Ok((HEADER, &b"echo me"[..])));
            refuses_short(&bytes, bytes.len(), |bytes| Header::parse(a, b, bytes).map(|_| ()));
        }
    }

    #[test]
    fn no_checksum_is_right_over_ipv4_only() {
        let bytes = emitted(b"x", |buffer| HEADER.emit(V4[0], V4[1], buffer));
        let bare = altered(&altered(&bytes, 6, 0), 7, 0);
        assert_eq!(Header::parse(V4[0], V4[1], &bare), Ok((HEADER, &b"x"[..])));
        assert_eq!(Header::parse(V6[0], V6[1], &bare), Err(Error::checksum("udp")));
        assert_eq!(Header::parse_unchecked(&bare), Ok((HEADER, &b"x"[..])));
        assert_eq!(Header::parse_unchecked(&bytes), Err(Error::checksum("udp")));
        assert_eq!(Header::parse(V4[0], V4[1], &altered(&bytes, 8, b'y')), Err(Error::checksum("udp")));
    }

    #[test]
    fn lengths_that_lie_and_data_behind_the_length() {
        let mut bytes = emitted(b"x", |buffer| HEADER.emit(V4[0], V4[1], buffer));
        bytes.extend(b"padding");
        assert_eq!(Header::parse(V4[0], V4[1], &bytes), Ok((HEADER, &b"x"[..])));
        for length in [0, 7, 17] {
            let error = Error::length("udp", "length");
            assert_eq!(Header::parse(V4[0], V4[1], &altered(&bytes, 5, length)), Err(error));
        }
    }

    #[test]
    fn a_computed_zero_goes_out_as_all_ones() {
        let sent = (0..=u16::MAX).find_map(|word| {
            let bytes = emitted(&word.to_be_bytes(), |buffer| HEADER.emit(V4[0], V4[1], buffer));
            (bytes[6..8] == [0xff, 0xff]).then_some(bytes)
        });
        let sent = sent.expect("one of all words makes the sum zero");
        assert!(Header::parse(V4[0], V4[1], &sent).is_ok());
    }
}
