//! IPv6 extension headers (RFC 8200 4): options, routing, fragment.
//!
//! ```text
//! hop-by-hop and destination options     routing                      fragment
//!  0   next header                        0   next header              0     next header
//!  1   length in 8 bytes, less one        1   length, likewise         1     reserved
//!  2.. options                            2   routing type             2..4  offset (13 bits), reserved (2), M
//!                                         3   segments left            4..8  identification
//! option: 0 (Pad1), or kind, data length, data
//! ```

use super::{Buffer, Error, Result, be16, be32};

/// Bytes of a fragment header.
pub const FRAGMENT_LEN: usize = 8;
/// The Router Alert option (RFC 2711 2.1).
pub const ROUTER_ALERT: u8 = 5;

/// A header whose second byte is its length: options or routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What follows.
    pub next_header: u8,
    /// The whole header, a multiple of 8 bytes.
    pub bytes: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The header and what follows it.
    ///
    /// # Errors
    /// A header that is cut off.
    pub fn parse(bytes: &'a [u8]) -> Result<(Extension<'a>, &'a [u8])> {
        if bytes.len() < 8 {
            return Err(Error::truncated("ipv6 extension", "length"));
        }
        let len = (usize::from(bytes[1]) + 1) * 8;
        let whole = bytes.get(..len).ok_or(Error::length("ipv6 extension", "length"))?;
        Ok((Extension { next_header: bytes[0], bytes: whole }, &bytes[len..]))
    }

    /// The routing type, where this is a routing header.
    pub fn routing_type(&self) -> u8 {
        self.bytes[2]
    }

    /// Segments left, where this is a routing header.
    pub fn segments_left(&self) -> u8 {
        self.bytes[3]
    }
}

/// What a node does about an option that it does not know: the kind's two highest bits (RFC 8200 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// 00: skips it.
    Skip,
    /// 01: discards the packet.
    Discard,
    /// 10: discards it and reports, whatever the destination.
    Report,
    /// 11: discards it and reports unless the destination is multicast.
    ReportUnicast,
}

/// An option of a hop-by-hop or destination options header; Pad1 and PadN are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt<'a> {
    /// Its kind.
    pub kind: u8,
    /// Where its kind stands, in bytes from the header's first.
    pub offset: usize,
    /// Its data.
    pub data: &'a [u8],
}

impl Opt<'_> {
    /// What to do where the kind is not known.
    pub fn unknown(&self) -> Unknown {
        match self.kind >> 6 {
            0 => Unknown::Skip,
            1 => Unknown::Discard,
            2 => Unknown::Report,
            _ => Unknown::ReportUnicast,
        }
    }
}

/// The options of `header`, a whole options header. The error is the offset of the option that runs over its end.
pub fn options<'a>(header: &'a [u8]) -> impl Iterator<Item = core::result::Result<Opt<'a>, usize>> {
    let mut at = 2;
    core::iter::from_fn(move || {
        loop {
            let offset = at;
            let kind = *header.get(at)?;
            if kind == 0 {
                at += 1;
                continue;
            }
            let data = header.get(at + 1).and_then(|len| header.get(at + 2..at + 2 + usize::from(*len)));
            let Some(data) = data else {
                at = header.len();
                return Some(Err(offset));
            };
            at += 2 + data.len();
            if kind != 1 {
                return Some(Ok(Opt { kind, offset, data }));
            }
        }
    })
}

/// A fragment header. Parsed, it emits to the same bytes but for the reserved fields, which become zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What the first fragment's data starts with.
    pub next_header: u8,
    /// The fragment's offset in bytes, a multiple of 8.
    pub offset: u16,
    /// M: more fragments follow.
    pub more: bool,
    /// Identification.
    pub identification: u32,
}

impl Fragment {
    /// The header and the fragment's data.
    ///
    /// # Errors
    /// A header that is cut off.
    pub fn parse(bytes: &[u8]) -> Result<(Fragment, &[u8])> {
        if bytes.len() < FRAGMENT_LEN {
            return Err(Error::truncated("ipv6 fragment", "identification"));
        }
        let offset = be16(bytes, 2);
        let header = Fragment {
            next_header: bytes[0],
            offset: offset & 0xfff8,
            more: offset & 1 == 1,
            identification: be32(bytes, 4),
        };
        Ok((header, &bytes[FRAGMENT_LEN..]))
    }

    /// Prepends the header to the fragment's data.
    pub fn emit(&self, buffer: &mut Buffer) {
        let bytes = buffer.prepend(FRAGMENT_LEN);
        bytes[0] = self.next_header;
        bytes[2..4].copy_from_slice(&(self.offset & 0xfff8 | u16::from(self.more)).to_be_bytes());
        bytes[4..].copy_from_slice(&self.identification.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    #[test]
    fn fragment_headers_round_trip() {
        let header = Fragment { next_header: 17, offset: 1448, more: true, identification: 0xdead_beef };
        let bytes = emitted(b"data", |b| header.emit(b));
        assert_eq!(Fragment::parse(&bytes), Ok((header, &b"data"[..])));
        refuses_short(&bytes, FRAGMENT_LEN, |b| Fragment::parse(b).map(|_| ()));
    }

    #[test]
    fn extensions_end_where_they_say() {
        let bytes = [17, 1, 5, 2, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, b'x'];
        let (header, rest) = Extension::parse(&bytes).unwrap();
        assert_eq!((header.next_header, header.bytes.len(), rest), (17, 16, &b"x"[..]));
        refuses_short(&bytes, 16, |b| Extension::parse(b).map(|_| ()));
        let error = Error::length("ipv6 extension", "length");
        assert_eq!(Extension::parse(&altered(&bytes, 1, 2)), Err(error));
    }

    #[test]
    fn options_are_walked_in_order() {
        let check = |bytes: &[u8], expected: &[core::result::Result<(u8, usize), usize>]| {
            let found: Vec<_> = options(bytes).map(|o| o.map(|o| (o.kind, o.offset))).collect();
            assert_eq!(found, expected, "{bytes:?}");
        };
        check(&[17, 0, 5, 2, 0, 0, 1, 0], &[Ok((5, 2))]);
        check(&[17, 0, 0, 0x9e, 1, 0, 0xc2, 0], &[Ok((0x9e, 3)), Ok((0xc2, 6))]);
        check(&[17, 0, 1, 9, 0, 0, 0, 0], &[Err(2)]);
        check(&[17, 0, 0, 0, 0, 0, 0, 5], &[Err(7)]);
    }

    #[test]
    fn the_highest_bits_say_what_to_do() {
        let unknown = |kind| Opt { kind, offset: 0, data: &[] }.unknown();
        let expected = [Unknown::Skip, Unknown::Discard, Unknown::Report, Unknown::ReportUnicast];
        assert_eq!([0x3e, 0x7e, 0xbe, 0xfe].map(unknown), expected);
    }
}
