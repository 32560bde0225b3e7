//! IP options in the reply to an Echo Request (RFC 1122 3.2.2.6): Record Route and Timestamp come back with this host
//! in them, a source route comes back reversed.

use crate::time::Instant;
use crate::wire::ipv4::Header;
use crate::wire::ipv4_options::{
    END, LOOSE_SOURCE_ROUTE, Opt, RECORD_ROUTE, STRICT_SOURCE_ROUTE, TIMESTAMP, options,
};
use std::net::Ipv4Addr;

/// The options of the reply to `request`, and where it goes first: `own` is the address that the request was sent to.
pub(super) fn reply_options(now: Instant, request: &Header<'_>, own: Ipv4Addr) -> (Vec<u8>, Ipv4Addr) {
    let (mut reply, mut first_hop) = (Vec::new(), request.source);
    for option in options(request.options).flatten() {
        match option.kind {
            RECORD_ROUTE => reply.extend(recorded(&option, own)),
            TIMESTAMP => reply.extend(stamped(now, &option, own)),
            LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE => {
                if let Some((option, hop)) = reversed(&option, request.source) {
                    reply.extend(option);
                    first_hop = hop;
                }
            }
            _ => {}
        }
    }
    reply.resize(reply.len().next_multiple_of(4), END);
    (reply, first_hop)
}

/// Record Route with `own` in the next free place, if there is one (RFC 791 3.1).
fn recorded(option: &Opt<'_>, own: Ipv4Addr) -> Vec<u8> {
    let mut bytes = option.bytes.to_vec();
    let at = usize::from(bytes[2]).saturating_sub(1);
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&own.octets());
        bytes[2] += 4;
    }
    bytes
}

/// Timestamp with this host's time in the next free place; where there is none, the overflow is counted (RFC 791 3.1).
/// The host has no clock of the day, so the time is its own, marked as such by the highest bit.
fn stamped(now: Instant, option: &Opt<'_>, own: Ipv4Addr) -> Vec<u8> {
    let mut bytes = option.bytes.to_vec();
    let at = usize::from(bytes[2]).saturating_sub(1);
    let stamp = (now.as_millis() as u32 | 0x8000_0000).to_be_bytes();
    let place: Vec<u8> = match bytes[3] & 0xf {
        0 => stamp.to_vec(),
        1 => [own.octets(), stamp].concat(),
        3 if bytes.get(at..at + 4) == Some(&own.octets()) => [own.octets(), stamp].concat(),
        _ => return bytes,
    };
    if let Some(free) = bytes.get_mut(at..at + place.len()) {
        free.copy_from_slice(&place);
        bytes[2] += place.len() as u8;
    } else if bytes[3] < 0xf0 {
        bytes[3] += 0x10;
    }
    bytes
}

/// A source route back: the recorded addresses in reverse, the first of them being the datagram's destination and the
/// request's source the last (RFC 1122 3.2.1.8(c)). `None` where no address was recorded.
fn reversed(option: &Opt<'_>, source: Ipv4Addr) -> Option<(Vec<u8>, Ipv4Addr)> {
    let addresses: Vec<[u8; 4]> =
        option.bytes.get(3..)?.chunks_exact(4).map(|a| [a[0], a[1], a[2], a[3]]).collect();
    let (last, others) = addresses.split_last()?;
    let mut bytes = vec![option.kind, option.bytes[1], 4];
    bytes.extend(others.iter().rev().flatten());
    bytes.extend(source.octets());
    Some((bytes, Ipv4Addr::from(*last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const PEER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

    fn check(options: &[u8], expected: &[u8], first_hop: Ipv4Addr) {
        let (identification, tos, ttl, protocol, fragment_offset) = (0, 0, 64, 1, 0);
        let (reserved, dont_fragment, more_fragments) = (false, false, false);
        let (source, destination) = (PEER, OWN);
        #[rustfmt::skip]
        let header = Header {
            tos, identification, reserved, dont_fragment, more_fragments, fragment_offset, ttl, protocol, source,
            destination, options,
        };
        assert_eq!(reply_options(Instant::from_millis(5), &header, OWN), (expected.to_vec(), first_hop));
    }

    #[test]
    fn record_route() {
        check(&[7, 7, 4, 0, 0, 0, 0, 0], &[7, 7, 8, 192, 0, 2, 1, 0], PEER);
        check(&[7, 7, 8, 1, 2, 3, 4, 0], &[7, 7, 8, 1, 2, 3, 4, 0], PEER);
    }

    #[test]
    fn timestamp() {
        check(&[68, 8, 5, 0, 0, 0, 0, 0], &[68, 8, 9, 0, 0x80, 0, 0, 5], PEER);
        check(&[68, 8, 9, 0, 1, 2, 3, 4], &[68, 8, 9, 0x10, 1, 2, 3, 4], PEER);
        let stamped = [68, 12, 13, 1, 192, 0, 2, 1, 0x80, 0, 0, 5];
        check(&[68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0], &stamped, PEER);
        check(&[68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0], &[68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0], PEER);
    }

    #[test]
    fn a_source_route_is_reversed() {
        let route = [131, 11, 12, 10, 0, 0, 1, 10, 0, 0, 2, 0];
        check(&route, &[131, 11, 4, 10, 0, 0, 1, 198, 51, 100, 9, 0], Ipv4Addr::new(10, 0, 0, 2));
    }
}
