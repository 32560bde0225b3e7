//! The network of a host, and what follows from its state and is asked for with every segment: the way of the last one that
//! left, the addresses of the last one that came, when something is due. It is kept until somebody takes the network to change it.

use crate::ip::input4::Refused;
use crate::ip::output::{SendError, Way};
use crate::link::Cast;
use crate::network::{Arrival, Network};
use crate::time::Instant;
use crate::wire::ipv4::Header;
use core::cell::Cell;
use core::ops::{Deref, DerefMut};
use std::net::{IpAddr, Ipv4Addr};

/// A network that forgets what followed from its state whenever it is borrowed to be changed.
#[derive(Debug)]
pub(crate) struct Watched {
    network: Network,
    follows: Follows,
}

/// What follows from the state of a network.
#[derive(Debug, Default)]
struct Follows {
    /// The way of the last segment.
    way: Option<Way>,
    /// Until when it holds though nothing happens; `None` before a datagram has left on it.
    way_until: Option<Instant>,
    /// How a datagram came for this host alone that was accepted, from whom, and to which of its addresses.
    accepted: Option<(Arrival, Ipv4Addr, Ipv4Addr)>,
    /// The destination and zone that a connection was last opened to, and the address that it is opened from.
    source: Option<(IpAddr, Option<usize>, IpAddr)>,
    /// [`Network::next_deadline`], once somebody has asked for it.
    deadline: Cell<Option<Option<Instant>>>,
}

impl Follows {
    /// The way that was kept, where it is to `destination` and still holds.
    #[inline]
    fn way_again(&self, now: Instant, destination: IpAddr, via: Option<usize>) -> Option<&Way> {
        let holds = self.way_until.is_some_and(|until| now < until);
        self.way.as_ref().filter(|way| holds && way.destination == destination && way.via == via)
    }
}

impl Watched {
    pub(crate) fn new(network: Network) -> Watched {
        Watched { network, follows: Follows::default() }
    }

    /// For what changes nothing that anything here follows from: frames that come and go, counters, random numbers.
    #[inline]
    pub(crate) fn in_passing(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The way to `destination`, as it was found last where that still holds, and the network to send on it;
    /// [`Watched::way_was_taken`] is to be told.
    #[inline]
    pub(crate) fn way_to(
        &mut self,
        now: Instant,
        destination: IpAddr,
        via: Option<usize>,
    ) -> Result<(&mut Network, &mut Way), SendError> {
        if self.follows.way_again(now, destination, via).is_none() {
            (self.follows.way, self.follows.way_until) =
                (Some(self.network.way(now, destination, via)?), None);
            // To send on it may ask for a neighbour, who is to answer in time.
            self.follows.deadline = Cell::new(None);
        }
        let way = self.follows.way.as_mut().ok_or(SendError::NoRoute)?;
        Ok((&mut self.network, way))
    }

    /// A datagram has left on the way that was given last, by which its end may have become known.
    #[inline]
    pub(crate) fn way_was_taken(&mut self) {
        let Follows { way, way_until, .. } = &mut self.follows;
        if way_until.is_none() {
            *way_until = way.as_ref().and_then(|way| self.network.holds_until(way));
        }
    }

    /// [`Network::mtu_towards`], at once where that is the way of the last segment.
    pub(crate) fn mtu_towards(&self, now: Instant, destination: IpAddr, via: Option<usize>) -> u16 {
        match self.follows.way_again(now, destination, via) {
            Some(way) => way.mtu,
            None => self.network.mtu_towards(now, destination, via),
        }
    }

    /// [`Network::source_for`], at once where it was asked for last.
    pub(crate) fn source_again(&mut self, destination: IpAddr, via: Option<usize>) -> Option<IpAddr> {
        match self.follows.source {
            Some((to, zone, source)) if to == destination && zone == via => Some(source),
            _ => {
                let source = self.network.source_for(destination, via)?;
                self.follows.source = Some((destination, via, source));
                Some(source)
            }
        }
    }

    /// [`Network::accept_v4`], at once where the last datagram came in the same way between the same addresses.
    #[inline]
    pub(crate) fn accept_v4(&mut self, arrival: Arrival, header: &Header<'_>) -> Result<(), Refused> {
        let addresses = Some((arrival, header.source, header.destination));
        if self.follows.accepted == addresses && header.options.is_empty() {
            return Ok(());
        }
        self.network.accept_v4(arrival, header)?;
        let to_one =
            arrival.cast == Cast::Unicast && self.network.owner_of(header.destination.into()).is_some();
        self.follows.accepted = addresses.filter(|_| to_one);
        Ok(())
    }

    /// Whether what came in this way to `destination` is for this host alone.
    #[inline]
    pub(crate) fn is_for_one(&self, arrival: Arrival, destination: IpAddr) -> bool {
        let known =
            self.follows.accepted.is_some_and(|(before, _, to)| before == arrival && to == destination);
        known || arrival.cast == Cast::Unicast && self.network.owner_of(destination).is_some()
    }

    /// When something below the transports is due.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.follows.deadline.get().unwrap_or_else(|| {
            let found = self.network.next_deadline();
            self.follows.deadline.set(Some(found));
            found
        })
    }

    /// Whether [`Network::poll`] has something to do.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.next_deadline().is_some_and(|at| at <= now)
            || self.network.interfaces.iter().any(|link| link.arp.has_ended(now))
    }
}

impl Deref for Watched {
    type Target = Network;

    #[inline]
    fn deref(&self) -> &Network {
        &self.network
    }
}

impl DerefMut for Watched {
    #[inline]
    fn deref_mut(&mut self) -> &mut Network {
        self.follows = Follows::default();
        &mut self.network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, InterfaceConfig, Medium};
    use crate::ip::Cidr;
    use crate::ip::output::Packet4;
    use crate::wire::{Buffer, MacAddress, protocol};
    use core::time::Duration;

    const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const MACS: [MacAddress; 2] = [MacAddress([2, 0, 0, 0, 0, 2]), MacAddress([2, 0, 0, 0, 0, 3])];

    fn network() -> Network {
        let addresses = vec![Cidr { address: OWN.into(), length: 24 }];
        let mac = MacAddress([2, 0, 0, 0, 0, 1]);
        let interface = InterfaceConfig { medium: Medium::Ethernet, mtu: 1500, mac, addresses };
        Network::new(Config { interfaces: vec![interface], ..Config::default() })
    }

    fn packet() -> Packet4<'static> {
        Packet4 {
            source: OWN,
            destination: PEER,
            protocol: protocol::TCP,
            tos: 0,
            ttl: 64,
            dont_fragment: true,
            options: &[],
            via: None,
        }
    }

    /// Sends to the peer on the way that is kept; the frames that leave.
    fn send(net: &mut Watched, now: Instant) -> Vec<Vec<u8>> {
        let (network, way) = net.way_to(now, PEER.into(), None).expect("a route");
        network.send_v4_on(now, way, packet(), Buffer::with_payload(b"x")).expect("a small datagram");
        net.way_was_taken();
        frames(net.in_passing())
    }

    fn frames(network: &mut Network) -> Vec<Vec<u8>> {
        core::iter::from_fn(|| network.take_frame()).map(|(_, frame)| frame.into_vec()).collect()
    }

    /// Over the whole life of a mapping, questions and end included, the same leaves as where nothing is kept.
    #[test]
    fn a_way_holds_no_longer_than_its_neighbour() {
        let (mut kept, mut plain) = (Watched::new(network()), network());
        kept.interfaces[0].arp.learn(Instant::ZERO, PEER, MACS[0], true);
        plain.interfaces[0].arp.learn(Instant::ZERO, PEER, MACS[0], true);
        let end = plain.config.arp.timeout + Duration::from_secs(5);
        let mut now = Instant::ZERO;
        let mut asked = 0;
        while now < Instant::ZERO + end {
            plain.send_v4(now, packet(), Buffer::with_payload(b"x")).expect("a small datagram");
            let expected = frames(&mut plain);
            asked += expected.iter().filter(|frame| frame[12..14] == [8, 6]).count();
            assert_eq!(send(&mut kept, now), expected, "at {now}");
            assert_eq!(kept.next_deadline(), plain.next_deadline(), "at {now}");
            now += Duration::from_millis(500);
        }
        assert!(asked > 0, "the neighbour was never asked again");
    }

    #[test]
    fn who_changes_the_network_has_the_way_forgotten() {
        let mut net = Watched::new(network());
        for mac in MACS {
            net.interfaces[0].arp.add_permanent(PEER, mac);
            assert!((0..2).all(|_| send(&mut net, Instant::ZERO)[0].starts_with(&mac.0)));
        }
        assert_eq!(net.source_again(PEER.into(), None), Some(OWN.into()));
        net.interfaces[0].up = false;
        assert!(net.way_to(Instant::ZERO, PEER.into(), None).is_err());
        assert_eq!(net.source_again(PEER.into(), None), None);
    }

    #[test]
    fn whom_a_question_is_about_is_waited_for() {
        let mut net = Watched::new(network());
        assert_eq!(net.next_deadline(), None);
        assert_eq!(send(&mut net, Instant::ZERO)[0][..6], [0xff; 6]);
        assert_eq!(net.next_deadline(), net.network.next_deadline());
        assert!(net.is_due(net.next_deadline().expect("an answer is waited for")));
    }

    #[test]
    fn what_was_accepted_is_accepted_until_the_address_goes() {
        let mut net = Watched::new(network());
        let mut datagram = Buffer::with_payload(b"x");
        Header {
            tos: 0,
            identification: 0,
            reserved: false,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 64,
            protocol: protocol::TCP,
            source: PEER,
            destination: OWN,
            options: &[],
        }
        .emit(&mut datagram);
        let (header, _) = Header::parse(&datagram).expect("a header");
        let to_all = Arrival { cast: Cast::Broadcast, ..Arrival::ON_LINK };
        for _ in 0..2 {
            assert_eq!(net.accept_v4(Arrival::ON_LINK, &header), Ok(()));
            assert!(net.is_for_one(Arrival::ON_LINK, OWN.into()));
            assert!(!net.is_for_one(to_all, OWN.into()) && net.accept_v4(to_all, &header).is_err());
        }
        net.interfaces[0].remove_address(OWN.into());
        assert!(net.accept_v4(Arrival::ON_LINK, &header).is_err());
        assert!(!net.is_for_one(Arrival::ON_LINK, OWN.into()));
    }
}
