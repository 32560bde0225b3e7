//! IPv6 forwarding (RFC 8200 3 and 4.5, RFC 4443 3, RFC 4291 2.5, RFC 4007 9).

use super::routes::Hop;
use crate::link::Cast;
use crate::network::{Arrival, Network};
use crate::time::Instant;
use crate::wire::ipv6::Header;
use crate::wire::{Buffer, icmpv6};
use std::net::{IpAddr, Ipv6Addr};

/// Why a packet goes no further.
enum Stop {
    Silently,
    With { kind: u8, code: u8, rest: u32 },
}

fn unreachable(code: u8) -> Stop {
    Stop::With { kind: icmpv6::UNREACHABLE, code, rest: 0 }
}

impl Network {
    /// Passes on a packet that is not for this host, where it is a router; its sender hears of what goes wrong.
    pub(crate) fn forward_v6(&mut self, now: Instant, arrival: Arrival, packet: &[u8]) {
        if let Err(Stop::With { kind, code, rest }) = self.pass_on_v6(now, arrival, packet) {
            let rest = rest.to_be_bytes();
            // RFC 4443 2.4(e.3): Packet Too Big alone may be about a group, and none is forwarded here.
            self.send_error_v6(now, arrival, packet, icmpv6::Header { kind, code, rest }, false);
        }
    }

    fn pass_on_v6(&mut self, now: Instant, arrival: Arrival, packet: &[u8]) -> Result<(), Stop> {
        let (mut header, payload) = Header::parse(packet).map_err(|_| Stop::Silently)?;
        self.may_pass_v6(arrival, &header)?;
        if header.hop_limit <= 1 {
            return Err(Stop::With { kind: icmpv6::TIME_EXCEEDED, code: 0, rest: 0 });
        }
        let hop = self.route(header.destination.into(), None).ok_or(unreachable(icmpv6::NO_ROUTE))?;
        // RFC 4007 9: what comes from a link-local address does not leave its link.
        if header.source.is_unicast_link_local() && hop.interface != arrival.interface {
            return Err(unreachable(icmpv6::BEYOND_SCOPE));
        }
        if !self.interfaces.get(hop.interface).is_some_and(|i| i.forwards) {
            return Err(Stop::Silently);
        }
        let mtu = self.interface_mtu(hop.interface);
        let whole = &packet[..crate::wire::ipv6::HEADER_LEN + payload.len()];
        if whole.len() > usize::from(mtu) {
            return Err(Stop::With { kind: icmpv6::PACKET_TOO_BIG, code: 0, rest: mtu.into() });
        }
        self.redirect_sender_v6(now, arrival, whole, &header, &hop);
        header.hop_limit -= 1;
        let mut onward = Buffer::with_payload(payload);
        header.emit(&mut onward);
        self.hand_over(now, &hop, onward);
        Ok(())
    }

    /// What is never passed on, and of which nobody is told: where the host is no router, what a link sent to all, and
    /// addresses that mean nothing beyond a node, a link or a group.
    fn may_pass_v6(&self, arrival: Arrival, header: &Header) -> Result<(), Stop> {
        let config = self.config.forwarding.ok_or(Stop::Silently)?;
        let from_here = self.interfaces.get(arrival.interface).is_some_and(|i| i.forwards);
        let stays = |a: Ipv6Addr| {
            a.is_unspecified() || a.is_loopback() || a.is_multicast() || a.to_ipv4_mapped().is_some()
        };
        let (source, destination) = (header.source, header.destination);
        let filtered = config.source_filter
            && self.route(source.into(), None).is_none_or(|hop| hop.interface != arrival.interface);
        let passes = from_here
            && arrival.cast == Cast::Unicast
            && !stays(source)
            && !stays(destination)
            && !destination.is_unicast_link_local()
            && self.owner_of(source.into()).is_none()
            && !filtered;
        if passes { Ok(()) } else { Err(Stop::Silently) }
    }

    /// Tells a neighbour that another one is the better first hop (RFC 4861 8.2): by its link-local address, or that the
    /// destination is a neighbour itself.
    fn redirect_sender_v6(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packet: &[u8],
        header: &Header,
        hop: &Hop,
    ) {
        let IpAddr::V6(next) = hop.next else { return };
        let back = self.route(header.source.into(), None);
        let from_neighbour = header.source.is_unicast_link_local()
            || back.is_some_and(|b| b.interface == arrival.interface && b.next == IpAddr::V6(header.source));
        let can_be_named = next.is_unicast_link_local() || next == header.destination;
        if hop.interface == arrival.interface
            && from_neighbour
            && can_be_named
            && self.error_limit.allows(now)
        {
            self.send_redirect_v6(now, arrival.interface, header, next, packet);
        }
    }
}
