//! ICMP for IPv4 (RFC 792).
//!
//! ```text
//!  0      type
//!  1      code
//!  2..4   checksum of the whole message
//!  4..8   by type: identifier and sequence number; pointer; unused and next-hop MTU (RFC 1191 4); gateway
//!  8..    by type: data, or the quoted datagram
//! ```

use super::checksum::{Checksum, checksum};
use super::{Buffer, Error, Result, array, be16};

/// Bytes before the data.
pub const HEADER_LEN: usize = 8;

/// Echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Destination unreachable.
pub const UNREACHABLE: u8 = 3;
/// Source quench, deprecated (RFC 6633).
pub const SOURCE_QUENCH: u8 = 4;
/// Redirect.
pub const REDIRECT: u8 = 5;
/// Echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 11;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 12;

/// Timestamp request.
pub const TIMESTAMP_REQUEST: u8 = 13;
/// Timestamp reply.
pub const TIMESTAMP_REPLY: u8 = 14;

/// Code of [`UNREACHABLE`]: the network.
pub const NET: u8 = 0;
/// Code of [`UNREACHABLE`]: the host.
pub const HOST: u8 = 1;
/// Code of [`UNREACHABLE`]: the protocol.
pub const PROTOCOL: u8 = 2;
/// Code of [`UNREACHABLE`]: the port.
pub const PORT: u8 = 3;
/// Code of [`UNREACHABLE`]: fragmentation needed and DF set.
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// Code of [`UNREACHABLE`]: source route failed.
pub const SOURCE_ROUTE_FAILED: u8 = 5;
/// Code of [`REDIRECT`]: for the host.
pub const REDIRECT_HOST: u8 = 1;
/// Code of [`TIME_EXCEEDED`]: in reassembly.
pub const REASSEMBLY: u8 = 1;

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
    pub fn parse(bytes: &[u8]) -> Result<(Header, &[u8])> {
        if bytes.len() < HEADER_LEN {
            return Err(Error::truncated("icmpv4", "identifier"));
        }
        if checksum(bytes) != 0 {
            return Err(Error::checksum("icmpv4"));
        }
        Ok((Header { kind: bytes[0], code: bytes[1], rest: array(bytes, 4) }, &bytes[HEADER_LEN..]))
    }

    /// Prepends the header, its checksum filled in, to what follows it.
    #[inline]
    pub fn emit(&self, buffer: &mut Buffer) {
        let (place, data) = buffer.prepend_array();
        self.write(data, place);
    }

    /// Writes the header, its checksum filled in, at its `place` before `data`.
    #[inline]
    pub fn write(&self, data: &[u8], place: &mut [u8; HEADER_LEN]) {
        let (kind, rest) = (u32::from_be_bytes([self.kind, self.code, 0, 0]), u32::from_be_bytes(self.rest));
        let sum = Checksum::new().with_words([kind, rest]).with(data).finish();
        *place = (u64::from(kind | u32::from(sum)) << 32 | u64::from(rest)).to_be_bytes();
    }

    /// Whether the message reports an error, so that none is sent about it (RFC 1122 3.2.2).
    pub fn is_error(&self) -> bool {
        is_error(self.kind)
    }

    /// The next hop's MTU in a [`FRAGMENTATION_NEEDED`] (RFC 1191 4); 0 from routers that do not tell.
    pub fn mtu(&self) -> u16 {
        be16(&self.rest, 2)
    }
}

/// Whether messages of type `kind` report an error.
pub fn is_error(kind: u8) -> bool {
    matches!(kind, UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let header = Header { kind: ECHO_REQUEST, code: 0, rest: [0, 1, 0, 2] };
        let bytes = emitted(b"odd", |b| header.emit(b));
        assert_eq!(Header::parse(&bytes), Ok((header, &b"odd"[..])));
        refuses_short(&bytes, HEADER_LEN, |b| Header::parse(b).map(|_| ()));
        assert_eq!(Header::parse(&altered(&bytes, 8, b'O')), Err(Error::checksum("icmpv4")));
    }
}
