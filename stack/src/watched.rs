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
            // To send on it may ask for a neighbour, who is to answer in time.
            self.follows = Follows::default();
            self.follows.way = Some(self.network.way(now, destination, via)?);
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
