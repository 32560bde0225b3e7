//! IP datagrams as they stand in frames, read independently of `stack` and as far as they can be read.

use crate::input::be16;
use std::net::IpAddr;

/// No next header (RFC 8200 4.7): what stands for a transport that cannot be found.
const NONE: u8 = 59;

/// What a datagram says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    /// The identification, or the flow label's lower half: a number for each datagram that was given.
    pub(super) ident: u16,
    /// Where it stands in what it is a fragment of, and whether it is a fragment.
    pub(super) offset: u16,
    pub(super) is_fragment: bool,
    /// A source route or a routing header: the destination is not the last one.
    pub(super) is_routed: bool,
    /// The transport.
    pub(super) protocol: u8,
    /// Where the transport begins in the datagram.
    pub(super) upper: usize,
    /// Where the datagram ends.
    pub(super) end: usize,
}

impl Seen {
    /// The datagram at the beginning of `packet`; `None` where it is none.
    pub(super) fn read(packet: &[u8]) -> Option<Seen> {
        match packet.first()? >> 4 {
            4 if packet.len() >= 20 => Seen::v4(packet),
            6 if packet.len() >= 40 => Seen::v6(packet),
            _ => None,
        }
    }

    fn v4(packet: &[u8]) -> Option<Seen> {
        let upper = usize::from(packet[0] & 0xf) * 4;
        let address = |at: usize| -> Option<[u8; 4]> { packet.get(at..at + 4)?.try_into().ok() };
        let fragment = be16(packet, 6);
        Some(Seen {
            source: address(12)?.into(),
            destination: address(16)?.into(),
            ttl: packet[8],
            ident: be16(packet, 4),
            offset: fragment & 0x1fff,
            is_fragment: fragment & 0x3fff != 0,
            is_routed: has_source_route(packet.get(20..upper)?),
            protocol: packet[9],
            upper,
            end: usize::from(be16(packet, 2)).min(packet.len()),
        })
    }

    fn v6(packet: &[u8]) -> Option<Seen> {
        let address = |at: usize| -> Option<[u8; 16]> { packet.get(at..at + 16)?.try_into().ok() };
        let mut seen = Seen {
            source: address(8)?.into(),
            destination: address(24)?.into(),
            ttl: packet[7],
            ident: be16(packet, 2),
            offset: 0,
            is_fragment: false,
            is_routed: false,
            protocol: packet[6],
            upper: 40,
            end: (40 + usize::from(be16(packet, 4))).min(packet.len()),
        };
        while matches!(seen.protocol, 0 | 43 | 44 | 60) && seen.offset == 0 {
            let Some([next, length, ..]) = packet.get(seen.upper..seen.end) else {
                seen.protocol = NONE;
                break;
            };
            let size = if seen.protocol == 44 { 8 } else { 8 * (usize::from(*length) + 1) };
            if seen.protocol == 44 {
                seen.is_fragment = true;
                seen.offset = be16(packet, seen.upper + 2) >> 3;
            }
            seen.is_routed |= seen.protocol == 43;
            seen.protocol = *next;
            seen.upper += size;
        }
        Some(seen)
    }

    /// The ICMP message, where it carries one that is not cut.
    pub(super) fn icmp<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let number = if self.source.is_ipv4() { 1 } else { 58 };
        let message = packet.get(self.upper..self.end)?;
        (self.protocol == number && self.offset == 0 && message.len() >= 8).then_some(message)
    }

    /// The datagram that an ICMP error quotes.
    pub(super) fn quote(&self, packet: &[u8]) -> Option<Seen> {
        let message = self.icmp(packet)?;
        let is_error = match self.source {
            IpAddr::V4(_) => matches!(message[0], 3 | 4 | 5 | 11 | 12),
            IpAddr::V6(_) => message[0] < 128,
        };
        is_error.then(|| Seen::read(&message[8..]))?
    }
}

fn has_source_route(mut options: &[u8]) -> bool {
    while let [kind, rest @ ..] = options {
        options = match (kind, rest.first()) {
            (0, _) => return false,
            (1, _) => rest,
            (131 | 137, _) => return true,
            (_, Some(length)) if (2..=options.len()).contains(&usize::from(*length)) => {
                &options[usize::from(*length)..]
            }
            _ => return false,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_walked() {
        let mut packet = vec![0x60, 0, 0, 9, 0, 17, 44, 3];
        packet.extend([0; 31]);
        packet.extend([1, 58, 0, 0, 8, 0, 0, 0, 7, 60, 1]);
        let seen = Seen::read(&packet).unwrap();
        assert_eq!((seen.ident, seen.offset, seen.is_fragment), (9, 1, true));
        assert_eq!((seen.protocol, seen.upper, seen.ttl), (58, 48, 3));
        assert!(Seen::read(&packet[..39]).is_none());
        assert!(has_source_route(&[1, 7, 3, 4, 131, 3, 4]));
        assert!(!has_source_route(&[7, 9]));
    }
}
