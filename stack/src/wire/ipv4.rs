//! The IPv4 header (RFC 791 3.1).
//!
//! ```text
//!  0      version (4 bits), header length in 32-bit words (4 bits)
//!  1      type of service: DSCP (6 bits), ECN (2 bits)
//!  2..4   total length
//!  4..6   identification
//!  6..8   reserved, DF, MF (1 bit each), fragment offset in units of 8 bytes (13 bits)
//!  8      time to live
//!  9      protocol
//! 10..12  header checksum
//! 12..16  source
//! 16..20  destination
//! 20..    options, up to 40 bytes
//! ```

use super::checksum::{Checksum, checksum};
use super::{Buffer, Error, Result, array, be16};
use std::net::Ipv4Addr;

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// The largest datagram: what total length can say.
pub const MAX_LEN: usize = 65_535;
/// The most bytes of options.
pub const MAX_OPTIONS_LEN: usize = 40;

/// An IPv4 header. Parsed, it emits to the same bytes before the payload that the parse gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Type of service: DSCP and ECN.
    pub tos: u8,
    /// Identification.
    pub identification: u16,
    /// The reserved flag, which is sent as zero.
    pub reserved: bool,
    /// DF.
    pub dont_fragment: bool,
    /// MF.
    pub more_fragments: bool,
    /// The fragment's offset in bytes, a multiple of 8.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What the payload is: [`super::protocol`].
    pub protocol: u8,
    /// The sender.
    pub source: Ipv4Addr,
    /// The receiver.
    pub destination: Ipv4Addr,
    /// Options as they stand in the header, with their padding.
    pub options: &'a [u8],
}

impl<'a> Header<'a> {
    /// The header and its payload, which ends where total length says.
    ///
    /// # Errors
    /// The checks of RFC 1122 3.2.1.1 and 3.2.1.2 and of RFC 791 3.1, in the header's order.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<(Header<'a>, &'a [u8])> {
        if bytes.len() < HEADER_LEN {
            return Err(Error::truncated("ipv4", "destination"));
        }
        if bytes[0] >> 4 != 4 {
            return Err(Error::value("ipv4", "version"));
        }
        let header_len = usize::from(bytes[0] & 0xf) * 4;
        if header_len < HEADER_LEN || header_len > bytes.len() {
            return Err(Error::length("ipv4", "ihl"));
        }
        let total_length = usize::from(be16(bytes, 2));
        if total_length < header_len || total_length > bytes.len() {
            return Err(Error::length("ipv4", "total length"));
        }
        let (fixed, options) = bytes[..header_len].split_at(HEADER_LEN);
        let sum = fixed.first_chunk::<HEADER_LEN>().map(|fixed| Checksum::new().with_header(fixed));
        if sum.is_none_or(|sum| sum.with(options).finish() != 0) {
            return Err(Error::checksum("ipv4"));
        }
        Ok((Header::fields(&bytes[..header_len]), &bytes[header_len..total_length]))
    }

    /// Whether a datagram has a header that is right, and less behind it than total length says.
    pub fn is_cut_off(bytes: &[u8]) -> bool {
        Header::parse_quoted(bytes).is_ok_and(|(_, rest)| {
            let header = &bytes[..bytes.len() - rest.len()];
            usize::from(be16(bytes, 2)) > bytes.len() && checksum(header) == 0
        })
    }

    /// The header of a datagram that an ICMP error quotes: it may be cut off behind the header, and its checksum is
    /// not looked at, since routers have changed it.
    ///
    /// # Errors
    /// Where the header itself is not whole.
    pub fn parse_quoted(bytes: &'a [u8]) -> Result<(Header<'a>, &'a [u8])> {
        if bytes.len() < HEADER_LEN {
            return Err(Error::truncated("ipv4", "destination"));
        }
        if bytes[0] >> 4 != 4 {
            return Err(Error::value("ipv4", "version"));
        }
        let header_len = usize::from(bytes[0] & 0xf) * 4;
        if header_len < HEADER_LEN || header_len > bytes.len() {
            return Err(Error::length("ipv4", "ihl"));
        }
        Ok((Header::fields(&bytes[..header_len]), &bytes[header_len..]))
    }

    fn fields(header: &'a [u8]) -> Header<'a> {
        let flags_and_offset = be16(header, 6);
        Header {
            tos: header[1],
            identification: be16(header, 4),
            reserved: flags_and_offset & 0x8000 != 0,
            dont_fragment: flags_and_offset & 0x4000 != 0,
            more_fragments: flags_and_offset & 0x2000 != 0,
            fragment_offset: (flags_and_offset & 0x1fff) * 8,
            ttl: header[8],
            protocol: header[9],
            source: Ipv4Addr::from(array::<4>(header, 12)),
            destination: Ipv4Addr::from(array::<4>(header, 16)),
            options: &header[HEADER_LEN..],
        }
    }

    /// Whether this is a piece of a datagram and not a whole one.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Bytes of the header with its options.
    pub fn len(&self) -> usize {
        HEADER_LEN + self.options.len().min(MAX_OPTIONS_LEN).next_multiple_of(4)
    }

    /// Never: a header has at least [`HEADER_LEN`] bytes.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Prepends the header, its checksum filled in, to its payload. Options beyond 40 bytes are cut off, fewer are
    /// padded with zeros to whole words (RFC 791 3.1); a datagram above 65535 bytes gets a total length of 65535.
    #[inline]
    pub fn emit(&self, buffer: &mut Buffer) {
        if !self.options.is_empty() {
            let options = self.padded_options();
            buffer.prepend_bytes(&options[..self.len() - HEADER_LEN]);
        }
        let (place, behind) = buffer.prepend_array();
        self.write(behind.len(), place);
    }

    /// Writes the header's fixed part, its checksum filled in, at its `place` before so many bytes; the options are among
    /// them.
    #[inline]
    pub fn write(&self, behind: usize, place: &mut [u8; HEADER_LEN]) {
        let len = self.len();
        let total_length = u16::try_from(behind + HEADER_LEN).unwrap_or(u16::MAX);
        let flags = u16::from(self.reserved) << 15
            | u16::from(self.dont_fragment) << 14
            | u16::from(self.more_fragments) << 13;
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = 0x40 | (len / 4) as u8;
        bytes[1] = self.tos;
        bytes[2..4].copy_from_slice(&total_length.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.identification.to_be_bytes());
        bytes[6..8].copy_from_slice(&(flags | (self.fragment_offset / 8)).to_be_bytes());
        bytes[8] = self.ttl;
        bytes[9] = self.protocol;
        bytes[12..16].copy_from_slice(&self.source.octets());
        bytes[16..20].copy_from_slice(&self.destination.octets());
        let mut sum = Checksum::new().with_header(&bytes);
        if !self.options.is_empty() {
            sum.add(&self.padded_options());
        }
        bytes[10..12].copy_from_slice(&sum.finish().to_be_bytes());
        *place = bytes;
    }

    /// The options with zeros behind them, which change no sum.
    fn padded_options(&self) -> [u8; MAX_OPTIONS_LEN] {
        let mut options = [0; MAX_OPTIONS_LEN];
        let given = &self.options[..self.options.len().min(MAX_OPTIONS_LEN)];
        options[..given.len()].copy_from_slice(given);
        options
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    fn header(options: &[u8]) -> Header<'_> {
        Header {
            tos: 0x12,
            identification: 0x1234,
            reserved: false,
            dont_fragment: false,
            more_fragments: true,
            fragment_offset: 1480,
            ttl: 63,
            protocol: 17,
            source: [192, 0, 2, 1].into(),
            destination: [192, 0, 2, 2].into(),
            options,
        }
    }

    #[test]
    fn round_trip_with_and_without_options() {
        for options in [&[][..], &[7, 7, 4, 1, 2, 3, 4, 0], &[1; 40]] {
            let bytes = emitted(b"payload", |b| header(options).emit(b));
            assert_eq!(Header::parse(&bytes), Ok((header(options), &b"payload"[..])));
            refuses_short(&bytes, bytes.len(), |b| Header::parse(b).map(|_| ()));
        }
    }

    #[test]
    fn link_padding_is_not_payload() {
        let mut bytes = emitted(b"x", |b| header(&[]).emit(b));
        bytes.extend([0; 25]);
        assert_eq!(Header::parse(&bytes).map(|(_, payload)| payload), Ok(&b"x"[..]));
    }

    #[test]
    fn fields_that_lie() {
        let bytes = emitted(b"", |b| header(&[]).emit(b));
        let check = |at, value, error| assert_eq!(Header::parse(&altered(&bytes, at, value)), Err(error));
        check(0, 0x65, Error::value("ipv4", "version"));
        check(0, 0x44, Error::length("ipv4", "ihl"));
        check(0, 0x46, Error::length("ipv4", "ihl"));
        check(3, 19, Error::length("ipv4", "total length"));
        check(3, 21, Error::length("ipv4", "total length"));
        check(10, !bytes[10], Error::checksum("ipv4"));
    }
}
