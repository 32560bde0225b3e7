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
        let (header, data) = split(bytes)?;
        let is_right = if be16(header, 6) == 0 {
            destination.is_ipv4()
        } else {
            let length = HEADER_LEN + data.len();
            let sum = Checksum::pseudo_header(source, destination, protocol::UDP, length);
            sum.with_header(header).with(data).finish() == 0
        };
        if !is_right {
            return Err(Error::checksum("udp"));
        }
        Ok((Header::ports(header), data))
    }

    /// As [`Header::parse`], for a datagram that says that it has no checksum: only ports for which their users have asked
    /// take such over IPv6 (RFC 6935 5).
    ///
    /// # Errors
    /// A wrong length; a checksum.
    pub fn parse_unchecked(bytes: &[u8]) -> Result<(Header, &[u8])> {
        let (header, data) = split(bytes)?;
        if be16(header, 6) != 0 {
            return Err(Error::checksum("udp"));
        }
        Ok((Header::ports(header), data))
    }

    fn ports(header: &[u8; HEADER_LEN]) -> Header {
        Header { source_port: be16(header, 0), destination_port: be16(header, 2) }
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
        let length = HEADER_LEN + data.len();
        self.write_after(Checksum::pseudo_header(source, destination, protocol::UDP, length), data, place);
    }

    /// The same, once the pseudo header is summed: what comes before is small enough to be a part of the caller.
    fn write_after(&self, pseudo_header: Checksum, data: &[u8], place: &mut [u8; HEADER_LEN]) {
        let ports = u32::from(self.source_port) << 16 | u32::from(self.destination_port);
        let length = u32::from(u16::try_from(HEADER_LEN + data.len()).unwrap_or(u16::MAX)) << 16;
        let sum = pseudo_header.with_words([ports, length]).with(data).finish();
        // Zero says that there is none: its other form stands for it (RFC 768 "Checksum").
        let sum = if sum == 0 { 0xffff } else { sum };
        *place = (u64::from(ports) << 32 | u64::from(length | u32::from(sum))).to_be_bytes();
    }
}

/// The header and its data, of which there is no more than the length names.
#[inline]
fn split(bytes: &[u8]) -> Result<(&[u8; HEADER_LEN], &[u8])> {
    let (header, rest) = bytes.split_first_chunk().ok_or(Error::truncated("udp", "checksum"))?;
    let data_len = usize::from(be16(header, 4)).checked_sub(HEADER_LEN);
    let data = data_len.and_then(|len| rest.get(..len)).ok_or(Error::length("udp", "length"))?;
    Ok((header, data))
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
