//! The TCP header (RFC 9293 3.1).
//!
//! ```text
//!  0..2   source port             12      data offset in words (high 4 bits), reserved
//!  2..4   destination port        13      CWR ECE URG ACK PSH RST SYN FIN
//!  4..8   sequence number         14..16  window
//!  8..12  acknowledgment number   16..18  checksum
//! 20..    options                 18..20  urgent pointer
//! ```

use super::checksum::Checksum;
use super::tcp_options::{MAX_LEN, Options, Timestamps};
use super::{Buffer, Error, Result, be16, be32, protocol};
use crate::tcp::SeqNumber;
use core::fmt;
use core::ops::{BitOr, BitOrAssign, Deref};
use std::net::IpAddr;

const HEADER: &str = "tcp";

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;

mod field {
    use core::ops::Range;
    pub(super) const SOURCE: Range<usize> = 0..2;
    pub(super) const DESTINATION: Range<usize> = 2..4;
    pub(super) const SEQUENCE: Range<usize> = 4..8;
    pub(super) const ACKNOWLEDGMENT: Range<usize> = 8..12;
    pub(super) const OFFSET: usize = 12;
    pub(super) const FLAGS: usize = 13;
    pub(super) const WINDOW: Range<usize> = 14..16;
    pub(super) const URGENT: Range<usize> = 18..20;
}

/// The control bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push function.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer field is significant.
    pub const URG: Flags = Flags(0x20);
    /// ECN-Echo (RFC 3168).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(0x80);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// These bits without those of `other`.
    #[must_use]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Flags {
    /// As tcpdump prints them: `S.`, `P.`, `R`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, &str); 8] = [
            (Flags::FIN, "F"),
            (Flags::SYN, "S"),
            (Flags::RST, "R"),
            (Flags::PSH, "P"),
            (Flags::URG, "U"),
            (Flags::ECE, "E"),
            (Flags::CWR, "W"),
            (Flags::ACK, "."),
        ];
        LETTERS
            .iter()
            .filter(|(flag, _)| self.contains(*flag))
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// A header's values, named as RFC 9293 names them (SEG.SEQ, SEG.ACK, SEG.WND, SEG.UP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first octet, or of SYN.
    pub seq: SeqNumber,
    /// Acknowledgment number; meaningless without ACK.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// Window as it stands on the wire, not scaled.
    pub wnd: u16,
    /// Urgent pointer; meaningless without URG.
    pub up: u16,
    /// Options.
    pub options: Options,
}

/// A header and the octets behind it. Dereferences to the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The header.
    pub header: Header,
    /// The text.
    pub payload: &'a [u8],
}

impl Deref for Segment<'_> {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.header
    }
}

impl<'a> Segment<'a> {
    /// Reads a segment. The checksum is not looked at: see [`checksum_is_right`]. The reserved bits are lost.
    ///
    /// # Errors
    /// The header is cut off, its data offset contradicts the bytes, or an option's length lies.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Segment<'a>> {
        Segment::parse_with(bytes, Options::parse)
    }

    /// The same, with such options as stand before the first whose length lies.
    ///
    /// # Errors
    /// The header is cut off, or its data offset contradicts the bytes.
    pub fn parse_leniently(bytes: &'a [u8]) -> Result<Segment<'a>> {
        Segment::parse_with(bytes, |area| Ok(Options::parse_leniently(area)))
    }

    #[inline]
    fn parse_with(bytes: &'a [u8], options: impl Fn(&[u8]) -> Result<Options>) -> Result<Segment<'a>> {
        let fixed: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Error::truncated(HEADER, "header"))?;
        let header_len = usize::from(fixed[field::OFFSET] >> 4) * 4;
        if header_len < HEADER_LEN || header_len > bytes.len() {
            return Err(Error::length(HEADER, "data offset"));
        }
        let (header, payload) = bytes.split_at(header_len);
        let area = &header[HEADER_LEN..];
        let header = Header {
            source_port: be16(fixed, field::SOURCE.start),
            destination_port: be16(fixed, field::DESTINATION.start),
            seq: SeqNumber(be32(fixed, field::SEQUENCE.start)),
            ack: SeqNumber(be32(fixed, field::ACKNOWLEDGMENT.start)),
            flags: Flags(fixed[field::FLAGS]),
            wnd: be16(fixed, field::WINDOW.start),
            up: be16(fixed, field::URGENT.start),
            options: Options::default(),
        };
        // In a branch of its own, which holds everything in registers.
        if let Some(timestamps) = Timestamps::alone_in(area) {
            let options = Options { timestamps: Some(timestamps), ..Options::default() };
            return Ok(Segment { header: Header { options, ..header }, payload });
        }
        Ok(Segment { header: Header { options: options(area)?, ..header }, payload })
    }

    /// SEG.LEN: octets of text, SYN and FIN counted (RFC 9293 3.4).
    pub fn len(&self) -> u32 {
        let controls = u32::from(self.has(Flags::SYN)) + u32::from(self.has(Flags::FIN));
        self.payload.len() as u32 + controls
    }

    /// Whether the segment occupies no sequence space.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence number after the segment's last.
    pub fn end(&self) -> SeqNumber {
        self.seq + self.len()
    }
}

impl Header {
    /// Whether all of `flags` are set.
    pub fn has(&self, flags: Flags) -> bool {
        self.flags.contains(flags)
    }

    /// Bytes of the header with its options.
    pub fn header_len(&self) -> usize {
        HEADER_LEN + self.options.len()
    }

    /// Puts the header before the text in `buffer` and fills in the checksum. Reserved bits are zero.
    #[inline]
    pub fn emit(&self, source: IpAddr, destination: IpAddr, buffer: &mut Buffer) {
        let timestamps = self.options.only_timestamps();
        let len = timestamps.map_or_else(|| self.options.len(), |options| options.len());
        let (place, text) = buffer.prepend_split(HEADER_LEN + len);
        self.write_with((source, destination), timestamps, text, place);
    }

    /// [`Header::emit`] with nothing but timestamps for options: what nearly every segment has, and what needs no loop.
    #[inline]
    pub fn emit_with_timestamps(
        &self,
        timestamps: Timestamps,
        source: IpAddr,
        destination: IpAddr,
        buffer: &mut Buffer,
    ) {
        let options = timestamps.padded();
        let (place, text) = buffer.prepend_array::<{ HEADER_LEN + 12 }>();
        self.write_options((source, destination), &options, text, place);
    }

    /// Writes the header, its checksum filled in, before `text` at its `place`, which is as long as [`Header::header_len`].
    #[inline]
    pub fn write(&self, source: IpAddr, destination: IpAddr, text: &[u8], place: &mut [u8]) {
        self.write_with((source, destination), self.options.only_timestamps(), text, place);
    }

    #[inline]
    fn write_with(
        &self,
        ends: (IpAddr, IpAddr),
        timestamps: Option<[u8; 12]>,
        text: &[u8],
        place: &mut [u8],
    ) {
        match timestamps {
            // What nearly every segment has, and what needs no loop.
            Some(options) => self.write_options(ends, &options, text, place),
            None => {
                let mut options = [0; MAX_LEN];
                self.options.emit(&mut options[..place.len() - HEADER_LEN]);
                self.write_options(ends, &options, text, place);
            }
        }
    }

    /// With `options`, of which those behind the last that has a place are zeros, which change no sum.
    // Inlined, so that a header that is put together to be written never gets out of the registers.
    #[inline(always)]
    fn write_options<const ROOM: usize>(
        &self,
        (source, destination): (IpAddr, IpAddr),
        options: &[u8; ROOM],
        text: &[u8],
        place: &mut [u8],
    ) {
        let header_len = place.len();
        let ports = u32::from(self.source_port) << 16 | u32::from(self.destination_port);
        let control = (header_len as u32 / 4) << 28 | u32::from(self.flags.0) << 16 | u32::from(self.wnd);
        let urgent = u32::from(self.up);
        let sum = Checksum::pseudo_header(source, destination, protocol::TCP, header_len + text.len());
        let sum = sum.with_words([ports, self.seq.0, self.ack.0, control, urgent]);
        let sum = u32::from(sum.with_header(options).with(text).finish());
        let words = [ports, self.seq.0, self.ack.0, control, sum << 16 | urgent];
        let (fixed, area) = place.split_at_mut(HEADER_LEN);
        for (place, word) in fixed.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        match area.first_chunk_mut() {
            Some(whole) => *whole = *options,
            None => area.copy_from_slice(&options[..header_len - HEADER_LEN]),
        }
    }
}

/// Whether the checksum over the pseudo header and `bytes` is right (RFC 9293 MUST-3).
#[inline(always)]
pub fn checksum_is_right(source: IpAddr, destination: IpAddr, bytes: &[u8]) -> bool {
    Checksum::pseudo_header(source, destination, protocol::TCP, bytes.len()).with(bytes).finish() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn syn() -> Header {
        Header {
            source_port: 80,
            destination_port: 4000,
            seq: SeqNumber(u32::MAX),
            ack: SeqNumber(7),
            flags: Flags::SYN | Flags::ACK,
            wnd: 0xffff,
            up: 3,
            options: Options { mss: Some(1460), ..Options::default() },
        }
    }

    #[test]
    fn an_emitted_segment_parses_to_itself() {
        let mut buffer = Buffer::with_payload(b"abc");
        syn().emit(A, B, &mut buffer);
        assert!(checksum_is_right(A, B, &buffer));
        let segment = Segment::parse(&buffer).unwrap();
        assert_eq!(segment, Segment { header: syn(), payload: b"abc" });
        assert_eq!((segment.len(), segment.end()), (4, SeqNumber(3)));
        assert_eq!(format!("{:?}", segment.flags), "S.");
    }

    #[test]
    fn every_flipped_bit_breaks_the_checksum() {
        let mut buffer = Buffer::with_payload(b"abc");
        syn().emit(A, B, &mut buffer);
        for bit in 0..buffer.len() * 8 {
            let mut bytes = buffer.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!checksum_is_right(A, B, &bytes), "bit {bit}");
        }
    }

    #[test]
    fn headers_that_lie() {
        let mut buffer = Buffer::new();
        syn().emit(A, B, &mut buffer);
        assert_eq!(Segment::parse(&buffer[..19]), Err(Error::truncated(HEADER, "header")));
        for offset in [0x40, 0x70, 0xf0] {
            let mut bytes = buffer.to_vec();
            bytes[field::OFFSET] = offset;
            assert_eq!(Segment::parse(&bytes), Err(Error::length(HEADER, "data offset")));
        }
    }
}
