//! What an IPv6 packet must be, and the walk along its extension headers (RFC 8200 3 and 4).

use crate::link::Cast;
use crate::network::{Arrival, Network};
use crate::wire::ipv6::{HEADER_LEN, Header};
use crate::wire::ipv6_ext::{Extension, Fragment, ROUTER_ALERT, Unknown, options};
use crate::wire::{icmpv6, protocol};
use std::net::Ipv6Addr;

/// A Parameter Problem that a packet draws (RFC 4443 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: u8,
    /// The byte at fault, from the packet's first.
    pub(crate) pointer: usize,
    /// Reported even where the packet was sent to a group (RFC 4443 2.4(e.3)).
    pub(crate) even_multicast: bool,
}

/// Where the walk along the headers ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// At what is no extension header: `named_at` is where the field stands that says so.
    Upper { protocol: u8, at: usize, named_at: usize },
    /// At a fragment header.
    Fragment { at: usize, named_at: usize },
    /// Nothing follows, or an option wants the packet dropped.
    Drop,
    /// At an error.
    Problem(Problem),
    /// The packet ends within a header at `at`.
    Truncated { at: usize },
}

impl Network {
    /// Whether an arriving packet is for this host and from one node. The hop limit is not looked at (RFC 8200 3).
    pub(crate) fn accepts_v6(&self, arrival: Arrival, header: &Header) -> bool {
        let Some(interface) = self.interfaces.get(arrival.interface) else { return false };
        let (source, destination) = (header.source, header.destination);
        let for_us = match destination.is_multicast() {
            true => interface.is_member(destination.into()),
            false if destination.is_unicast_link_local() => interface.has(destination.into()),
            false if destination.is_loopback() => arrival.loopback,
            false => {
                let own = self.owner_of(destination.into()).is_some() || self.is_subnet_anycast(destination);
                own && arrival.cast != Cast::Broadcast
            }
        };
        // RFC 4291 2.7, 2.5.3: groups send nothing, and the loopback address stays within the node. Mapped addresses
        // stand for IPv4's in the socket interface alone (RFC 3493 3.7).
        let from_one = !source.is_multicast()
            && source.to_ipv4_mapped().is_none()
            && (arrival.loopback || self.owner_in(source.into(), Some(arrival.interface)).is_none());
        for_us && from_one
    }

    /// RFC 4291 2.6.1: an interface's prefix with zeros behind it is the address of every router there.
    pub(crate) fn is_subnet_anycast(&self, address: Ipv6Addr) -> bool {
        self.interfaces.iter().any(|link| link.is_subnet_anycast(address))
    }
}

/// Walks from the header at `at`, which the field at `named_at` calls `next_header`.
pub(crate) fn walk(packet: &[u8], mut next_header: u8, mut at: usize, mut named_at: usize) -> Walk {
    loop {
        match next_header {
            protocol::HOP_BY_HOP if named_at != 6 => {
                // RFC 8200 4: nowhere but first; elsewhere it is an unrecognised next header.
                let code = icmpv6::UNKNOWN_NEXT_HEADER;
                return Walk::Problem(Problem { code, pointer: named_at, even_multicast: false });
            }
            protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS | protocol::ROUTING => {
                let Ok((extension, _)) = Extension::parse(packet.get(at..).unwrap_or(&[])) else {
                    return Walk::Truncated { at };
                };
                let stop = match next_header {
                    protocol::ROUTING => check_routing(&extension, at),
                    _ => check_options(extension.bytes, at),
                };
                if let Some(stop) = stop {
                    return stop;
                }
                (next_header, named_at, at) = (extension.next_header, at, at + extension.bytes.len());
            }
            protocol::FRAGMENT => return Walk::Fragment { at, named_at },
            protocol::NO_NEXT_HEADER => return Walk::Drop,
            protocol => return Walk::Upper { protocol, at, named_at },
        }
    }
}

/// Whether a packet asks the routers on its way to look at it (RFC 2711).
pub(crate) fn has_router_alert(packet: &[u8], header: &Header) -> bool {
    let Ok((hop_by_hop, _)) = Extension::parse(packet.get(HEADER_LEN..).unwrap_or(&[])) else { return false };
    header.next_header == protocol::HOP_BY_HOP
        && options(hop_by_hop.bytes).flatten().any(|option| option.kind == ROUTER_ALERT)
}

/// Walks a packet from its first header on.
pub(crate) fn walk_packet(packet: &[u8], header: &Header) -> Walk {
    walk(packet, header.next_header, HEADER_LEN, 6)
}

/// RFC 8200 4.4: no type of routing header is known here (RFC 5095 took type 0 away), so it is passed over where its
/// work is done, and an error where not.
fn check_routing(routing: &Extension<'_>, at: usize) -> Option<Walk> {
    let problem = Problem { code: icmpv6::ERRONEOUS_FIELD, pointer: at + 2, even_multicast: false };
    (routing.segments_left() != 0).then_some(Walk::Problem(problem))
}

/// RFC 8200 4.2: no option but padding is known here; the kind says what then.
fn check_options(header: &[u8], at: usize) -> Option<Walk> {
    for option in options(header) {
        let Ok(option) = option else {
            // The option's length reaches beyond the header: a field in error.
            let problem = Problem { code: icmpv6::ERRONEOUS_FIELD, pointer: at + 1, even_multicast: false };
            return Some(Walk::Problem(problem));
        };
        let problem = |even_multicast| {
            Walk::Problem(Problem {
                code: icmpv6::UNKNOWN_OPTION,
                pointer: at + option.offset,
                even_multicast,
            })
        };
        match option.unknown() {
            Unknown::Skip => {}
            Unknown::Discard => return Some(Walk::Drop),
            Unknown::Report => return Some(problem(true)),
            Unknown::ReportUnicast => return Some(problem(false)),
        }
    }
    None
}

/// Checks a fragment before it is kept: its lengths (RFC 8200 4.5), and that a first one has all headers (RFC 7112 5).
pub(crate) fn check_fragment(
    packet: &[u8],
    at: usize,
    fragment: Fragment,
    data: &[u8],
) -> Result<(), Problem> {
    let problem = |code, pointer| Err(Problem { code, pointer, even_multicast: false });
    if fragment.more && !data.len().is_multiple_of(8) {
        return problem(icmpv6::ERRONEOUS_FIELD, 4);
    }
    let headers = at - HEADER_LEN;
    if headers + usize::from(fragment.offset) + data.len() > usize::from(u16::MAX) {
        return problem(icmpv6::ERRONEOUS_FIELD, at + 2);
    }
    if fragment.offset == 0 && !has_whole_chain(packet, fragment, at) {
        return problem(icmpv6::INCOMPLETE_CHAIN, 0);
    }
    Ok(())
}

/// Whether the first fragment reaches to the end of the upper layer's header.
fn has_whole_chain(packet: &[u8], fragment: Fragment, at: usize) -> bool {
    match walk(packet, fragment.next_header, at + 8, at) {
        Walk::Truncated { .. } => false,
        Walk::Upper { protocol, at, .. } => {
            let header = match protocol {
                protocol::TCP => 20,
                protocol::UDP | protocol::ICMPV6 => 8,
                _ => 0,
            };
            at + header <= packet.len()
        }
        // What else is wrong with it shows when the packet is whole.
        Walk::Fragment { .. } | Walk::Drop | Walk::Problem(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks 40 bytes of header, of which the walk sees only next header, and `rest`.
    fn check(next_header: u8, rest: &[u8], expected: Walk) {
        let mut packet = vec![0; HEADER_LEN];
        packet.extend(rest);
        assert_eq!(walk(&packet, next_header, HEADER_LEN, 6), expected, "{next_header} {rest:?}");
    }

    fn problem(code: u8, pointer: usize, even_multicast: bool) -> Walk {
        Walk::Problem(Problem { code, pointer, even_multicast })
    }

    #[test]
    fn extension_headers_are_passed_in_any_order() {
        check(17, &[], Walk::Upper { protocol: 17, at: 40, named_at: 6 });
        let chain = [60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 9, 0, 0, 0, 0, 0];
        check(0, &chain, Walk::Upper { protocol: 6, at: 64, named_at: 56 });
        check(60, &[44, 0, 1, 4, 0, 0, 0, 0], Walk::Fragment { at: 48, named_at: 40 });
        check(59, b"whatever", Walk::Drop);
    }

    #[test]
    fn what_is_not_understood_is_reported_where_it_stands() {
        check(60, &[0, 0, 1, 4, 0, 0, 0, 0], problem(icmpv6::UNKNOWN_NEXT_HEADER, 40, false));
        check(43, &[6, 0, 0, 1, 0, 0, 0, 0], problem(icmpv6::ERRONEOUS_FIELD, 42, false));
        check(60, &[17, 0, 0, 0xbe, 1, 0, 0, 0], problem(icmpv6::UNKNOWN_OPTION, 43, true));
        check(60, &[17, 0, 0, 0xfe, 1, 0, 0, 0], problem(icmpv6::UNKNOWN_OPTION, 43, false));
        check(60, &[17, 0, 0, 0x7e, 1, 0, 0, 0], Walk::Drop);
        check(60, &[17, 0, 0, 0x3e, 1, 0, 0, 0], Walk::Upper { protocol: 17, at: 48, named_at: 40 });
        check(60, &[17, 0, 0x3e, 9, 0, 0, 0, 0], problem(icmpv6::ERRONEOUS_FIELD, 41, false));
        check(60, &[17, 1, 0, 0, 0, 0, 0, 0], Walk::Truncated { at: 40 });
    }
}
