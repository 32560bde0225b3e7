//! ICMP for IPv6 (RFC 4443 2.1).
//!
//! ```text
//!  0      type: errors below 128
//!  1      code
//!  2..4   checksum of pseudo header and message
//!  4..8   by type: identifier and sequence number; pointer; MTU; flags
//!  8..    by type: data, or as much of the quoted packet as fits the least MTU
//! ```

use super::checksum::Checksum;
use super::{Buffer, Error, Result, array, protocol};
use std::net::Ipv6Addr;

/// Bytes before the data.
pub const HEADER_LEN: usize = 8;

/// Destination unreachable.
pub const UNREACHABLE: u8 = 1;
/// Packet too big.
pub const PACKET_TOO_BIG: u8 = 2;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 3;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 4;
/// Echo request.
pub const ECHO_REQUEST: u8 = 128;
/// Echo reply.
pub const ECHO_REPLY: u8 = 129;
/// Router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// Router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Neighbour solicitation.
pub const NEIGHBOUR_SOLICITATION: u8 = 135;
/// Neighbour advertisement.
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Redirect.
pub const REDIRECT: u8 = 137;

/// Code of [`UNREACHABLE`]: no route.
pub const NO_ROUTE: u8 = 0;
/// Code of [`UNREACHABLE`]: beyond the scope of the source.
pub const BEYOND_SCOPE: u8 = 2;
/// Code of [`UNREACHABLE`]: the address.
pub const ADDRESS: u8 = 3;
/// Code of [`UNREACHABLE`]: the port.
pub const PORT: u8 = 4;
/// Code of [`TIME_EXCEEDED`]: in reassembly.
pub const REASSEMBLY: u8 = 1;
/// Code of [`PARAMETER_PROBLEM`]: an erroneous header field.
pub const ERRONEOUS_FIELD: u8 = 0;
/// Code of [`PARAMETER_PROBLEM`]: an unknown next header.
pub const UNKNOWN_NEXT_HEADER: u8 = 1;
/// Code of [`PARAMETER_PROBLEM`]: an unknown option.
pub const UNKNOWN_OPTION: u8 = 2;
/// Code of [`PARAMETER_PROBLEM`]: a first fragment without the whole header chain (RFC 7112 5).
pub const INCOMPLETE_CHAIN: u8 = 3;

/// The part that all messages share. Parsed, it emits to the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The second word, whose meaning depends on the type.
    pub rest: [u8; 4],
}

impl Header {
    /// The header and what follows it.
    ///
    /// # Errors
    /// A message that is cut off, or whose checksum does not match.
    #[inline]
    pub fn parse(source: Ipv6Addr, destination: Ipv6Addr, bytes: &[u8]) -> Result<(Header, &[u8])> {
        if bytes.len() < HEADER_LEN {
            return Err(Error::truncated("icmpv6", "identifier"));
        }
        if sum(source, destination, bytes) != 0 {
            return Err(Error::checksum("icmpv6"));
        }
        Ok((Header { kind: bytes[0], code: bytes[1], rest: array(bytes, 4) }, &bytes[HEADER_LEN..]))
    }

    /// Prepends the header, its checksum filled in, to what follows it.
    #[inline]
    pub fn emit(&self, source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut Buffer) {
        let (place, data) = buffer.prepend_array();
        self.write(source, destination, data, place);
    }

    /// Writes the header, its checksum filled in, at its `place` before `data`.
    #[inline]
    pub fn write(&self, source: Ipv6Addr, destination: Ipv6Addr, data: &[u8], place: &mut [u8; HEADER_LEN]) {
        let (kind, rest) = (u32::from_be_bytes([self.kind, self.code, 0, 0]), u32::from_be_bytes(self.rest));
        let length = HEADER_LEN + data.len();
        let sum = Checksum::pseudo_header(source.into(), destination.into(), protocol::ICMPV6, length);
        let sum = sum.with_words([kind, rest]).with(data).finish();
        *place = (u64::from(kind | u32::from(sum)) << 32 | u64::from(rest)).to_be_bytes();
    }

    /// Whether the message reports an error (RFC 4443 2.1).
    pub fn is_error(&self) -> bool {
        self.kind < 128
    }

    /// The second word as a number: pointer or MTU.
    pub fn word(&self) -> u32 {
        u32::from_be_bytes(self.rest)
    }
}

fn sum(source: Ipv6Addr, destination: Ipv6Addr, bytes: &[u8]) -> u16 {
    Checksum::pseudo_header(source.into(), destination.into(), protocol::ICMPV6, bytes.len())
        .with(bytes)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let (a, b) = (Ipv6Addr::LOCALHOST, Ipv6Addr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 2]));
        let header = Header { kind: ECHO_REQUEST, code: 0, rest: [0, 1, 0, 2] };
        let bytes = emitted(b"odd", |buffer| header.emit(a, b, buffer));
        assert_eq!(Header::parse(a, b, &bytes), Ok((header, &b"odd"[..])));
        refuses_short(&bytes, HEADER_LEN, |bytes| Header::parse(a, b, bytes).map(|_| ()));
        assert_eq!(Header::parse(a, b, &altered(&bytes, 8, b'O')), Err(Error::checksum("icmpv6")));
        assert_eq!(Header::parse(a, a, &bytes), Err(Error::checksum("icmpv6")));
    }
}
