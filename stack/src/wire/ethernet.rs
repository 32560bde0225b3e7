//! Ethernet frames without FCS: Ethernet II (RFC 894), and IEEE 802.3 with LLC and SNAP (RFC 1042).
//!
//! ```text
//!  0..6   destination
//!  6..12  source
//! 12..14  EtherType (0x0600 and above), or length of what follows (0x05dc and below):
//! 14..17    LLC: DSAP 0xaa, SSAP 0xaa, control 3
//! 17..20    SNAP: organisation 0
//! 20..22    SNAP: EtherType
//! ```

use super::{Buffer, Error, Result, array, be16};
use core::fmt;

/// IPv4 (RFC 894).
pub const IPV4: u16 = 0x0800;
/// ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// IPv6 (RFC 2464 3).
pub const IPV6: u16 = 0x86dd;
/// Bytes of an Ethernet II header.
pub const HEADER_LEN: usize = 14;
/// The shortest frame without FCS; shorter ones are padded with zeros (RFC 894).
pub const MIN_FRAME_LEN: usize = 60;

const SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];
const MAX_LENGTH_FIELD: u16 = 0x05dc;
const MIN_ETHERTYPE: u16 = 0x0600;

/// A 48-bit Ethernet address in the order of transmission.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// All ones: every station.
    pub const BROADCAST: MacAddress = MacAddress([0xff; 6]);

    /// Whether the group bit is set; the broadcast address is a group too.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The group address of an IPv4 multicast address: its low 23 bits (RFC 1112 6.4).
    pub fn of_ipv4_multicast(group: std::net::Ipv4Addr) -> MacAddress {
        let [_, b, c, d] = group.octets();
        MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// The group address of an IPv6 multicast address: its low 32 bits (RFC 2464 7).
    pub fn of_ipv6_multicast(group: std::net::Ipv6Addr) -> MacAddress {
        let [a, b, c, d] = array(&group.octets(), 12);
        MacAddress([0x33, 0x33, a, b, c, d])
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the EtherType is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// In the type field (RFC 894).
    EthernetII,
    /// Behind LLC and SNAP (RFC 1042).
    Snap,
}

/// An Ethernet header. Parsed, it emits to the same bytes, less the padding behind an 802.3 length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The receiver.
    pub destination: MacAddress,
    /// The sender.
    pub source: MacAddress,
    /// What the payload is.
    pub ethertype: u16,
    /// How `ethertype` is carried.
    pub framing: Framing,
}

impl Header {
    /// The header and its payload; padding of a short Ethernet II frame is part of the payload.
    ///
    /// # Errors
    /// A frame that is cut off, an 802.3 length beyond its end, and LLC other than SNAP with organisation 0.
    #[inline]
    pub fn parse(frame: &[u8]) -> Result<(Header, &[u8])> {
        let (fixed, payload) =
            frame.split_first_chunk::<HEADER_LEN>().ok_or(Error::truncated("ethernet", "type"))?;
        let (destination, source) = (MacAddress(array(fixed, 0)), MacAddress(array(fixed, 6)));
        let ethertype = be16(fixed, 12);
        if ethertype >= MIN_ETHERTYPE {
            return Ok((Header { destination, source, ethertype, framing: Framing::EthernetII }, payload));
        }
        if ethertype > MAX_LENGTH_FIELD {
            return Err(Error::value("ethernet", "type"));
        }
        let llc = payload.get(..usize::from(ethertype)).ok_or(Error::length("802.3", "length"))?;
        if llc.len() < 8 {
            return Err(Error::truncated("snap", "type"));
        }
        if llc[..6] != SNAP {
            return Err(Error::value("llc", "dsap"));
        }
        Ok((Header { destination, source, ethertype: be16(llc, 6), framing: Framing::Snap }, &llc[8..]))
    }

    /// Prepends the header to its payload, which is not padded.
    #[inline]
    pub fn emit(&self, buffer: &mut Buffer) {
        let mut ethertype = self.ethertype;
        if self.framing == Framing::Snap {
            let (llc, payload) = buffer.prepend_array::<8>();
            llc[..6].copy_from_slice(&SNAP);
            llc[6..].copy_from_slice(&ethertype.to_be_bytes());
            // A payload longer than a length can say is the caller's mistake; it saturates and is seen as such.
            ethertype = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
        }
        Header { ethertype, ..*self }.write(buffer.prepend_array().0);
    }

    /// Writes the header of Ethernet II at its `place`, whatever the framing.
    #[inline]
    pub fn write(&self, place: &mut [u8; HEADER_LEN]) {
        place[..6].copy_from_slice(&self.destination.0);
        place[6..12].copy_from_slice(&self.source.0);
        place[12..].copy_from_slice(&self.ethertype.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, emitted, refuses_short};
    use super::*;

    fn header(framing: Framing) -> Header {
        let (destination, source) = (MacAddress::BROADCAST, MacAddress([2, 0, 0, 0, 0, 1]));
        Header { destination, source, ethertype: ARP, framing }
    }

    #[test]
    fn both_framings_round_trip() {
        for (framing, len) in [(Framing::EthernetII, 14), (Framing::Snap, 22)] {
            let bytes = emitted(b"payload", |b| header(framing).emit(b));
            assert_eq!(bytes.len(), len + 7);
            assert_eq!(Header::parse(&bytes), Ok((header(framing), &b"payload"[..])));
            refuses_short(&bytes, len, |b| Header::parse(b).map(|_| ()));
        }
    }

    #[test]
    fn lengths_that_lie_and_other_llc() {
        let bytes = emitted(b"", |b| header(Framing::Snap).emit(b));
        assert_eq!(Header::parse(&altered(&bytes, 13, 9)), Err(Error::length("802.3", "length")));
        assert_eq!(Header::parse(&altered(&bytes, 13, 7)), Err(Error::truncated("snap", "type")));
        assert_eq!(Header::parse(&altered(&bytes, 14, 6)), Err(Error::value("llc", "dsap")));
        let between = altered(&altered(&bytes, 12, 0x05), 13, 0xdd);
        assert_eq!(Header::parse(&between), Err(Error::value("ethernet", "type")));
    }

    #[test]
    fn padding_behind_the_802_3_length_is_not_payload() {
        let mut bytes = emitted(b"x", |b| header(Framing::Snap).emit(b));
        bytes.resize(MIN_FRAME_LEN, 0);
        assert_eq!(Header::parse(&bytes).map(|(_, payload)| payload), Ok(&b"x"[..]));
    }
}
