//! The network of a host, and what follows from its state and is asked for with every segment: the way of the last one, and
//! when something is due. Both are kept until somebody takes the network to change it.

use crate::ip::output::Way;
use crate::network::Network;
use crate::time::Instant;
use core::cell::Cell;
use core::ops::{Deref, DerefMut};

/// A network that forgets what followed from its state whenever it is borrowed to be changed.
#[derive(Debug)]
pub(crate) struct Watched {
    network: Network,
    /// The way of the last segment, and until when it holds though nothing happens.
    way: Option<(Way, Instant)>,
    /// [`Network::next_deadline`], once somebody has asked for it.
    deadline: Cell<Option<Option<Instant>>>,
}

impl Watched {
    pub(crate) fn new(network: Network) -> Watched {
        Watched { network, way: None, deadline: Cell::new(None) }
    }

    /// For what changes nothing that ways and deadlines follow from: frames that come and go, counters, random numbers.
    #[inline]
    pub(crate) fn in_passing(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The way that was kept, where it still holds.
    #[inline]
    pub(crate) fn kept_way(&mut self, now: Instant) -> Option<Way> {
        self.way.filter(|(_, until)| now < *until).map(|(way, _)| way)
    }

    /// Keeps a way on which a datagram has left, as long as neither its neighbour nor its MTU is to be asked for again.
    pub(crate) fn keep_way(&mut self, way: Way) {
        self.way = self.network.holds_until(&way).map(|until| (way, until));
    }

    /// When something below the transports is due.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadline.get().unwrap_or_else(|| {
            let found = self.network.next_deadline();
            self.deadline.set(Some(found));
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
        (self.way, self.deadline) = (None, Cell::new(None));
        &mut self.network
    }
}
