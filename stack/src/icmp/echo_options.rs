//! IP options in the reply to an Echo Request (RFC 1122 3.2.2.6): Record Route and Timestamp come back with this host
//! in them, a source route comes back reversed.

use crate::ip::option_writing::{record, stamp};
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
            RECORD_ROUTE => reply.extend(changed(&option, |bytes| record(bytes, own))),
            TIMESTAMP => reply.extend(changed(&option, |bytes| stamp(now, bytes, own, |a| a == own))),
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

fn changed(option: &Opt<'_>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = option.bytes.to_vec();
    change(&mut bytes);
    bytes
}

/// The way back along the source route in `datagram`, as far as it was gone: an option that is padded, and the first hop.
/// `None` where there is none (RFC 1812 4.3.2.6).
pub(crate) fn way_back(datagram: &Header<'_>) -> Option<(Vec<u8>, Ipv4Addr)> {
    let is_route = |o: &Opt<'_>| matches!(o.kind, LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE);
    let route = options(datagram.options).flatten().find(is_route)?;
    let (mut option, hop) = reversed(&route, datagram.source)?;
    option.resize(option.len().next_multiple_of(4), END);
    Some((option, hop))
}

/// A source route back: the addresses in front of the pointer in reverse, the first of them being the datagram's
/// destination and the request's source the last (RFC 1122 3.2.1.8(c)), which some list at the beginning, too
/// (RFC 1812 4.2.2.1). `None` where no address was recorded.
fn reversed(option: &Opt<'_>, source: Ipv4Addr) -> Option<(Vec<u8>, Ipv4Addr)> {
    let end = usize::from(*option.bytes.get(2)?).saturating_sub(1).min(option.bytes.len());
    let mut addresses: Vec<[u8; 4]> =
        option.bytes.get(3..end)?.chunks_exact(4).map(|a| [a[0], a[1], a[2], a[3]]).collect();
    if addresses.first() == Some(&source.octets()) {
        addresses.remove(0);
    }
    let (last, others) = addresses.split_last()?;
    let mut bytes = vec![option.kind, 7 + 4 * others.len() as u8, 4];
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
