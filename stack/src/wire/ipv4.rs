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
        let (fixed, options, rest) = split(bytes)?;
        let header_len = HEADER_LEN + options.len();
        let payload_len = usize::from(be16(fixed, 2)).checked_sub(header_len);
        let payload =
            payload_len.and_then(|len| rest.get(..len)).ok_or(Error::length("ipv4", "total length"))?;
        let mut sum = Checksum::new().with_header(fixed);
        if !options.is_empty() {
            sum.add(options);
        }
        if sum.finish() != 0 {
            return Err(Error::checksum("ipv4"));
        }
        Ok((Header::fields(fixed, options), payload))
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
        let (fixed, options, rest) = split(bytes)?;
        Ok((Header::fields(fixed, options), rest))
    }

    #[inline]
    fn fields(fixed: &[u8; HEADER_LEN], options: &'a [u8]) -> Header<'a> {
        let flags_and_offset = be16(fixed, 6);
        Header {
            tos: fixed[1],
            identification: be16(fixed, 4),
            reserved: flags_and_offset & 0x8000 != 0,
            dont_fragment: flags_and_offset & 0x4000 != 0,
            more_fragments: flags_and_offset & 0x2000 != 0,
            fragment_offset: (flags_and_offset & 0x1fff) * 8,
            ttl: fixed[8],
            protocol: fixed[9],
            source: Ipv4Addr::from(array::<4>(fixed, 12)),
            destination: Ipv4Addr::from(array::<4>(fixed, 16)),
            options,
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
    #[inline(always)]
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
    #[inline(always)]
    pub fn write(&self, behind: usize, place: &mut [u8; HEADER_LEN]) {
        let len = self.len();
        let total_length = u16::try_from(behind + HEADER_LEN).unwrap_or(u16::MAX);
        let flags = u32::from(self.reserved) << 15
            | u32::from(self.dont_fragment) << 14
            | u32::from(self.more_fragments) << 13;
        let first = (0x40 | (len as u32 / 4)) << 24 | u32::from(self.tos) << 16 | u32::from(total_length);
        let second = u32::from(self.identification) << 16 | flags | u32::from(self.fragment_offset / 8);
        let third = u32::from(self.ttl) << 24 | u32::from(self.protocol) << 16;
        let (source, destination) = (u32::from(self.source), u32::from(self.destination));
        let mut sum = Checksum::new().with_words([first, second, third, source, destination]);
        if !self.options.is_empty() {
            sum.add(&self.padded_options());
        }
        let words = [first, second, third | u32::from(sum.finish()), source, destination];
        for (place, word) in place.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
    }

    /// The options with zeros behind them, which change no sum.
    fn padded_options(&self) -> [u8; MAX_OPTIONS_LEN] {
        let mut options = [0; MAX_OPTIONS_LEN];
        let given = &self.options[..self.options.len().min(MAX_OPTIONS_LEN)];
        options[..given.len()].copy_from_slice(given);
        options
    }
}

/// A header's fixed part, its options, and all that follows; version and header length are right.
#[inline]
fn split(bytes: &[u8]) -> Result<(&[u8; HEADER_LEN], &[u8], &[u8])> {
    let (fixed, rest) = bytes.split_first_chunk().ok_or(Error::truncated("ipv4", "destination"))?;
    if fixed[0] >> 4 != 4 {
        return Err(Error::value("ipv4", "version"));
    }
    let options_len = (usize::from(fixed[0] & 0xf) * 4).checked_sub(HEADER_LEN);
    let parts = options_len.and_then(|len| rest.split_at_checked(len));
    let (options, rest) = parts.ok_or(Error::length("ipv4", "ihl"))?;
    Ok((fixed, options, rest))
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
