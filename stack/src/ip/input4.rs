//! What an IPv4 datagram must be before anybody looks at its payload (RFC 1122 3.2.1).

use crate::link::Cast;
use crate::network::{Arrival, Network};
use crate::wire::ipv4::Header;
use crate::wire::{icmpv4, ipv4_options};
use std::net::Ipv4Addr;

/// An error that a datagram draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) rest: [u8; 4],
}

/// Why a datagram goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Silently.
    Silently,
    /// It is for somebody else, or has a source route that goes on: a router's affair.
    Elsewhere,
    /// And its sender is told, where the rules of ICMP allow it.
    With(Problem),
}

impl Network {
    /// Checks the header of an arriving datagram: that it is for this host, its source, its options. The time to live is
    /// not looked at: a host accepts any (3.2.1.7).
    #[inline]
    pub(crate) fn accept_v4(&self, arrival: Arrival, header: &Header<'_>) -> Result<(), Refused> {
        if !self.is_for_us_v4(arrival, header.destination) {
            return Err(Refused::Elsewhere);
        }
        if !self.is_valid_source_v4(arrival, header) {
            return Err(Refused::Silently);
        }
        if !header.options.is_empty() {
            check_options(header, self.config.forwarding.is_some())?;
        }
        Ok(())
    }

    /// RFC 1812 5.2.2: a router says of a datagram with a good header that was cut off; of what else is broken nobody does.
    pub(crate) fn refuse_broken(&self, bytes: &[u8]) -> Refused {
        let cut_off = Header::is_cut_off(bytes) && self.config.forwarding.is_some();
        if !cut_off {
            return Refused::Silently;
        }
        Refused::With(Problem { kind: icmpv4::PARAMETER_PROBLEM, code: 0, rest: [2, 0, 0, 0] })
    }

    /// 3.2.1.3: the host's own addresses, broadcasts of the interface where it arrived, and groups joined there. What
    /// was sent to every station of the link must be a broadcast or multicast at IP too (3.3.6).
    fn is_for_us_v4(&self, arrival: Arrival, destination: Ipv4Addr) -> bool {
        let Some(interface) = self.interfaces.get(arrival.interface) else { return false };
        if destination.is_multicast() {
            return interface.is_member(destination.into());
        }
        let own = match destination.is_loopback() {
            true => arrival.loopback,
            false => self.owner_of(destination.into()).is_some(),
        };
        (own && arrival.cast != Cast::Broadcast)
            || interface.is_broadcast(destination)
            || self.is_broadcast_elsewhere(arrival, destination)
    }

    /// RFC 1812 5.2.3: a broadcast to the network of another interface is for a router, too, which may pass it on besides.
    #[inline]
    pub(crate) fn is_broadcast_elsewhere(&self, arrival: Arrival, destination: Ipv4Addr) -> bool {
        self.config.forwarding.is_some()
            && arrival.cast == Cast::Unicast
            && self.is_broadcast_of_another(arrival.interface, destination)
    }

    fn is_broadcast_of_another(&self, interface: usize, destination: Ipv4Addr) -> bool {
        let here = self.interfaces.get(interface).is_some_and(|i| i.is_broadcast(destination));
        !here && self.broadcast_interface(destination).is_some()
    }

    /// 3.2.1.3: a source must be one host's address, and not this host's own. 0.0.0.0 is that of a host which is still
    /// learning its address, and speaks by broadcast.
    fn is_valid_source_v4(&self, arrival: Arrival, header: &Header<'_>) -> bool {
        let source = header.source;
        if arrival.loopback {
            return true;
        }
        if source.octets()[0] == 0 {
            return source.is_unspecified() && header.destination.is_broadcast();
        }
        self.is_one_host_v4(source) && self.owner_of(source.into()).is_none()
    }

    /// Whether `address` can be that of one host: not a broadcast address of any network that this host is on, and no multicast,
    /// class E or loopback address, nor on this network.
    pub(crate) fn is_one_host_v4(&self, address: Ipv4Addr) -> bool {
        let broadcast = self.broadcast_interface(address).is_some();
        let class = address.octets()[0];
        !broadcast && !address.is_loopback() && class != 0 && class < 224
    }
}

/// Options must be what RFC 791 says, and a source route must end here where the host does not forward (3.2.1.8, 3.3.5).
fn check_options(header: &Header<'_>, forwards: bool) -> Result<(), Refused> {
    if let Err(bad) = ipv4_options::check(header.options) {
        let pointer = u8::try_from(20 + bad.offset).unwrap_or(20);
        let rest = [pointer, 0, 0, 0];
        return Err(Refused::With(Problem { kind: icmpv4::PARAMETER_PROBLEM, code: 0, rest }));
    }
    for option in ipv4_options::options(header.options).flatten() {
        let source_route =
            matches!(option.kind, ipv4_options::LOOSE_SOURCE_ROUTE | ipv4_options::STRICT_SOURCE_ROUTE);
        if source_route && usize::from(option.bytes[2]) <= option.bytes.len() {
            if forwards {
                return Err(Refused::Elsewhere);
            }
            let (kind, code) = (icmpv4::UNREACHABLE, icmpv4::SOURCE_ROUTE_FAILED);
            return Err(Refused::With(Problem { kind, code, rest: [0; 4] }));
        }
    }
    Ok(())
}
