//! ARP for IPv4 over Ethernet (RFC 826).
//!
//! ```text
//!  0..2   hardware type: 1 (Ethernet), or 6 (IEEE 802, RFC 1042)
//!  2..4   protocol type: 0x0800
//!  4      hardware address length: 6
//!  5      protocol address length: 4
//!  6..8   operation: 1 request, 2 reply
//!  8..14  sender hardware address
//! 14..18  sender protocol address
//! 18..24  target hardware address
//! 24..28  target protocol address
//! ```

use super::{Buffer, Error, MacAddress, Result, array, be16, ethernet};
use std::net::Ipv4Addr;

/// Bytes of an ARP packet for IPv4 over Ethernet.
pub const LEN: usize = 28;
/// Protocol type and lengths.
const IPV4_OVER_ETHERNET: [u8; 4] = [0x08, 0x00, 6, 4];
/// The operation of a request.
pub const REQUEST: u16 = 1;
/// The operation of a reply.
pub const REPLY: u16 = 2;

/// An ARP packet. Parsed, it emits to the same bytes, less what follows them as padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// 1 for Ethernet, 6 for IEEE 802.
    pub hardware_type: u16,
    /// [`REQUEST`], [`REPLY`], or an operation of another protocol.
    pub operation: u16,
    /// The sender's hardware address.
    pub sender_mac: MacAddress,
    /// The sender's protocol address.
    pub sender: Ipv4Addr,
    /// The target's hardware address; zero in a request.
    pub target_mac: MacAddress,
    /// The target's protocol address.
    pub target: Ipv4Addr,
}

impl Packet {
    /// The packet at the start of `bytes`.
    ///
    /// # Errors
    /// Other address types and lengths than those of IPv4 over Ethernet, and a packet that is cut off.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Packet> {
        let bytes: &[u8; LEN] =
            bytes.first_chunk().ok_or(Error::truncated("arp", "target protocol address"))?;
        let hardware_type = be16(bytes, 0);
        if !matches!(hardware_type, 1 | 6) {
            return Err(Error::value("arp", "hardware type"));
        }
        if array(bytes, 2) != IPV4_OVER_ETHERNET {
            return Err(foreign(bytes));
        }
        Ok(Packet {
            hardware_type,
            operation: be16(bytes, 6),
            sender_mac: MacAddress(array(bytes, 8)),
            sender: Ipv4Addr::from(array::<4>(bytes, 14)),
            target_mac: MacAddress(array(bytes, 18)),
            target: Ipv4Addr::from(array::<4>(bytes, 24)),
        })
    }

    /// Prepends the packet.
    #[inline]
    pub fn emit(&self, buffer: &mut Buffer) {
        self.write(buffer.prepend_array().0);
    }

    /// Writes the packet at its `place`.
    #[inline]
    pub fn write(&self, place: &mut [u8; LEN]) {
        place[..2].copy_from_slice(&self.hardware_type.to_be_bytes());
        place[2..6].copy_from_slice(&IPV4_OVER_ETHERNET);
        place[6..8].copy_from_slice(&self.operation.to_be_bytes());
        place[8..14].copy_from_slice(&self.sender_mac.0);
        place[14..18].copy_from_slice(&self.sender.octets());
        place[18..24].copy_from_slice(&self.target_mac.0);
        place[24..].copy_from_slice(&self.target.octets());
    }
}

/// What makes a packet one that is not of IPv4 over Ethernet.
#[cold]
fn foreign(bytes: &[u8; LEN]) -> Error {
    if be16(bytes, 2) != ethernet::IPV4 {
        Error::value("arp", "protocol type")
    } else if bytes[4] != 6 {
        Error::length("arp", "hardware address length")
    } else {
        Error::length("arp", "protocol address length")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let packet = Packet {
            hardware_type: 1,
            operation: REPLY,
            sender_mac: MacAddress([2, 0, 0, 0, 0, 1]),
            sender: [192, 0, 2, 1].into(),
            target_mac: MacAddress([2, 0, 0, 0, 0, 2]),
            target: [192, 0, 2, 2].into(),
        };
        let bytes = emitted(b"", |b| packet.emit(b));
        assert_eq!(Packet::parse(&bytes), Ok(packet));
        refuses_short(&bytes, LEN, Packet::parse);
        let check = |at, value, error| assert_eq!(Packet::parse(&altered(&bytes, at, value)), Err(error));
        check(1, 7, Error::value("arp", "hardware type"));
        check(2, 0x86, Error::value("arp", "protocol type"));
        check(4, 8, Error::length("arp", "hardware address length"));
        check(5, 16, Error::length("arp", "protocol address length"));
    }
}
