//! IGMP, version 2 (RFC 2236 2).
//!
//! ```text
//!  0      type
//!  1      maximum response time in tenths of a second; 0 in what is no query
//!  2..4   checksum of the whole message
//!  4..8   group; 0 in a general query
//! ```

use super::checksum::checksum;
use super::{Buffer, Error, Result, array};
use std::net::Ipv4Addr;

/// Bytes of a message; more may follow and are ignored (2.5).
pub const LEN: usize = 8;
/// Who is a member?
pub const QUERY: u8 = 0x11;
/// A member, as version 1 says it.
pub const REPORT_V1: u8 = 0x12;
/// A member.
pub const REPORT: u8 = 0x16;
/// No member any more.
pub const LEAVE: u8 = 0x17;

/// A message. Parsed, it emits to the same first 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Type.
    pub kind: u8,
    /// In tenths of a second.
    pub max_response: u8,
    /// The group.
    pub group: Ipv4Addr,
}

impl Message {
    /// The message.
    ///
    /// # Errors
    /// A message that is cut off, or whose checksum, which covers what follows, too, does not match.
    pub fn parse(bytes: &[u8]) -> Result<Message> {
        if bytes.len() < LEN {
            return Err(Error::truncated("igmp", "group"));
        }
        if checksum(bytes) != 0 {
            return Err(Error::checksum("igmp"));
        }
        Ok(Message { kind: bytes[0], max_response: bytes[1], group: array::<4>(bytes, 4).into() })
    }

    /// Prepends the message to nothing.
    pub fn emit(&self, buffer: &mut Buffer) {
        let bytes = buffer.prepend(LEN);
        bytes[0] = self.kind;
        bytes[1] = self.max_response;
        bytes[4..].copy_from_slice(&self.group.octets());
        let sum = checksum(buffer);
        buffer[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let message = Message { kind: REPORT, max_response: 0, group: Ipv4Addr::new(239, 1, 1, 1) };
        let bytes = emitted(b"", |b| message.emit(b));
        assert_eq!(Message::parse(&bytes), Ok(message));
        refuses_short(&bytes, LEN, |b| Message::parse(b).map(|_| ()));
        assert_eq!(Message::parse(&altered(&bytes, 7, 2)), Err(Error::checksum("igmp")));
    }
}
