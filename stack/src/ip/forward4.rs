//! IPv4 forwarding (RFC 1812 5).

use super::input4::{Problem, Refused};
use super::option_writing::{record, stamp};
use super::routes::Hop;
use crate::link::Cast;
use crate::network::{Arrival, Network};
use crate::time::Instant;
use crate::wire::ipv4::Header;
use crate::wire::ipv4_options::{
    LOOSE_SOURCE_ROUTE, Opt, RECORD_ROUTE, STRICT_SOURCE_ROUTE, TIMESTAMP, options,
};
use crate::wire::{Buffer, icmpv4, ipv4_options};
use std::net::Ipv4Addr;

/// A source route that goes on here: where its option stands, and whether the next address must be a neighbour's.
#[derive(Clone, Copy, Debug)]
struct SourceRoute {
    option: usize,
    strict: bool,
}

fn unreachable(code: u8) -> Refused {
    Refused::With(Problem { kind: icmpv4::UNREACHABLE, code, rest: [0; 4] })
}

/// A Parameter Problem that points at the header's byte `at`.
fn problem_at(at: usize) -> Refused {
    let rest = [u8::try_from(at).unwrap_or(0), 0, 0, 0];
    Refused::With(Problem { kind: icmpv4::PARAMETER_PROBLEM, code: 0, rest })
}

impl Network {
    /// Passes on a datagram that is not for this host alone, where it is a router; its sender hears of what goes wrong.
    pub(crate) fn forward_v4(&mut self, now: Instant, arrival: Arrival, datagram: &[u8]) {
        if let Err(Refused::With(problem)) = self.pass_on_v4(now, arrival, datagram) {
            self.send_error_v4(now, arrival, datagram, problem);
        }
    }

    /// The same, where the caller tells the sender.
    pub(super) fn pass_on_v4(
        &mut self,
        now: Instant,
        arrival: Arrival,
        datagram: &[u8],
    ) -> Result<(), Refused> {
        let (header, payload) = Header::parse(datagram).map_err(|_| Refused::Silently)?;
        self.may_pass_v4(arrival, &header)?;
        let translated = self.translate_outwards(now, datagram);
        let translated =
            translated.as_deref().map(|bytes| Header::parse(bytes).map_err(|_| Refused::Silently));
        let (mut header, payload) = translated.unwrap_or(Ok((header, payload)))?;
        let route = self.source_route(&header)?;
        let mut options = header.options.to_vec();
        if let Some(route) = route {
            header.destination = next_address(&options, route.option);
        }
        let no_route = unreachable(if route.is_some() { icmpv4::SOURCE_ROUTE_FAILED } else { icmpv4::NET });
        let hop = self.route(header.destination.into(), None).ok_or(no_route)?;
        if !self.interfaces.get(hop.interface).is_some_and(|i| i.forwards) {
            return Err(Refused::Silently);
        }
        // RFC 791 3.1: a strict route goes from neighbour to neighbour.
        if route.is_some_and(|r| r.strict) && hop.next != header.destination && !hop.local {
            return Err(unreachable(icmpv4::SOURCE_ROUTE_FAILED));
        }
        if header.ttl <= 1 {
            return Err(Refused::With(Problem { kind: icmpv4::TIME_EXCEEDED, code: 0, rest: [0; 4] }));
        }
        header.ttl -= 1;
        self.redirect_sender_v4(now, arrival, datagram, &hop);
        self.write_options(now, &hop, &mut options, route);
        header.options = &options;
        self.send_on_v4(now, &hop, header, payload)
    }

    /// As one datagram, or in fragments where it must be and may be (5.2.6, 5.2.7.1).
    fn send_on_v4(
        &mut self,
        now: Instant,
        hop: &Hop,
        header: Header<'_>,
        payload: &[u8],
    ) -> Result<(), Refused> {
        let mtu = if hop.local { u16::MAX } else { self.interface_mtu(hop.interface) };
        if header.len() + payload.len() <= usize::from(mtu) {
            let mut datagram = Buffer::with_payload(payload);
            header.emit(&mut datagram);
            self.hand_over(now, hop, datagram);
            return Ok(());
        }
        if header.dont_fragment {
            let [high, low] = mtu.to_be_bytes();
            let (kind, code, rest) = (icmpv4::UNREACHABLE, icmpv4::FRAGMENTATION_NEEDED, [0, 0, high, low]);
            return Err(Refused::With(Problem { kind, code, rest }));
        }
        self.fragment_v4(now, hop, usize::from(mtu), header, payload).map_err(|_| Refused::Silently)
    }

    /// What is never passed on, and of which nobody is told: where the host is no router or an interface is not to
    /// forward (5.3.11), what a link sent to all (5.3.4), addresses that no host has (5.3.7), broadcasts unless
    /// configured (5.3.5.2, RFC 2644), and what comes from where its source is not, where that is looked at (5.3.8).
    fn may_pass_v4(&self, arrival: Arrival, header: &Header<'_>) -> Result<(), Refused> {
        let config = self.config.forwarding.ok_or(Refused::Silently)?;
        let from = self.interfaces.get(arrival.interface).filter(|i| i.forwards).ok_or(Refused::Silently)?;
        let destination = header.destination;
        let own = self.owner_of(header.source.into()).is_some() && !arrival.loopback;
        let legal_source = self.is_one_host_v4(header.source) && !own;
        let class = destination.octets()[0];
        let legal_destination = class != 0 && class != 127 && class < 224;
        // RFC 3927 7: link-local addresses stay on their link.
        let local = header.source.is_link_local() || destination.is_link_local();
        let broadcast = self.broadcast_interface(destination);
        let may_broadcast = broadcast.is_none()
            || (config.directed_broadcasts && !from.is_broadcast(destination) && header.ttl > 1);
        let filtered = config.source_filter
            && self.route(header.source.into(), None).is_none_or(|hop| hop.interface != arrival.interface);
        let passes = arrival.cast == Cast::Unicast
            && legal_source
            && legal_destination
            && !local
            && may_broadcast
            && !filtered;
        if passes { Ok(()) } else { Err(Refused::Silently) }
    }

    /// The interface for whose network `destination` is a broadcast address.
    pub(crate) fn broadcast_interface(&self, destination: Ipv4Addr) -> Option<usize> {
        self.interfaces.iter().position(|i| i.is_broadcast(destination))
    }

    /// The source route that goes on here: where the datagram's destination is this host, an address behind the pointer
    /// is the next one (5.2.4.1). A strict one has no business here otherwise (5.2.2).
    fn source_route(&self, header: &Header<'_>) -> Result<Option<SourceRoute>, Refused> {
        let for_us = self.owner_of(header.destination.into()).is_some();
        if let Err(bad) = ipv4_options::check(header.options) {
            return Err(problem_at(20 + bad.offset));
        }
        for option in options(header.options).flatten() {
            let strict = option.kind == STRICT_SOURCE_ROUTE;
            if !strict && option.kind != LOOSE_SOURCE_ROUTE {
                continue;
            }
            if !for_us {
                return if strict { Err(problem_at(16)) } else { Ok(None) };
            }
            let goes_on = usize::from(option.bytes[2]) <= option.bytes.len();
            return Ok(goes_on.then_some(SourceRoute { option: option.offset, strict }));
        }
        Ok(None)
    }

    /// This router's address where it leaves goes into the options that ask for it, and into the source route in place
    /// of the address that was used (4.2.2.2, 5.3.13).
    fn write_options(&self, now: Instant, hop: &Hop, options: &mut [u8], route: Option<SourceRoute>) {
        let Some(own) = self.address_towards(hop) else { return };
        let places: Vec<(u8, usize, usize)> = ipv4_options::options(options)
            .flatten()
            .map(|option| (option.kind, option.offset, option.bytes.len()))
            .collect();
        for (kind, at, len) in places {
            let option = &mut options[at..at + len];
            match kind {
                RECORD_ROUTE => record(option, own),
                TIMESTAMP => stamp(now, option, own, |a| self.owner_of(a.into()).is_some()),
                _ if route.is_some_and(|route| route.option == at) => record(option, own),
                _ => {}
            }
        }
    }

    /// The address of the interface that `hop` leaves by, in the next hop's network where there is one.
    fn address_towards(&self, hop: &Hop) -> Option<Ipv4Addr> {
        let link = self.interfaces.get(hop.interface)?;
        let near = link.ipv4().find(|(_, cidr)| cidr.contains(hop.next));
        near.or_else(|| link.ipv4().next()).map(|(address, _)| address)
    }

    /// Tells a neighbour that another one is the better first hop (5.2.7.2).
    fn redirect_sender_v4(&mut self, now: Instant, arrival: Arrival, datagram: &[u8], hop: &Hop) {
        let Ok((header, _)) = Header::parse_quoted(datagram) else { return };
        let std::net::IpAddr::V4(gateway) = hop.next else { return };
        let on_one_network = self.interfaces.get(arrival.interface).is_some_and(|link| {
            link.ipv4().any(|(_, cidr)| cidr.contains(hop.next) && cidr.contains(header.source.into()))
        });
        let routed = |o: &Opt<'_>| matches!(o.kind, LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE);
        let source_routed = options(header.options).flatten().any(|option| routed(&option));
        if hop.interface == arrival.interface && !hop.local && on_one_network && !source_routed {
            let rest = gateway.octets();
            let problem = Problem { kind: icmpv4::REDIRECT, code: icmpv4::REDIRECT_HOST, rest };
            self.send_error_v4(now, arrival, datagram, problem);
        }
    }
}

/// The address that the pointer of the source route at `option` points to; it has been checked to be there.
fn next_address(options: &[u8], option: usize) -> Ipv4Addr {
    let at = option + usize::from(options[option + 2]) - 1;
    Ipv4Addr::new(options[at], options[at + 1], options[at + 2], options[at + 3])
}
