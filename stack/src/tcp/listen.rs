//! Listeners: the SYN queue, the backlog, and which listener a SYN is for (RFC 9293 3.9.1.1, 3.10.7.2).

use super::config::SocketOptions;
use super::control_block::FourTuple;
use super::isn::{octets, siphash};
use super::{ConnectionId, ListenerId};
use crate::ip::zone::zone;
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// A port in LISTEN.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// An unspecified address is any.
    pub(crate) local: SocketAddr,
    /// What new connections inherit.
    pub(crate) options: SocketOptions,
    backlog: usize,
    /// Connections in SYN-RECEIVED: as many as the SYN queue has room for.
    pub(crate) pending: HalfOpen,
    /// Connections in SYN-RECEIVED that were opened fast: PendingFastOpenRequests (RFC 7413 4.2).
    pub(crate) fast: BTreeSet<ConnectionId>,
    /// Connections that wait for accept, in the order in which they were established.
    pub(crate) ready: VecDeque<ConnectionId>,
    /// How many have ever stood there.
    pub(crate) arrivals: u64,
    /// SYN cookies that were given may be brought back until then.
    pub(crate) cookies_until: Option<Instant>,
}

/// A few connections in the order of their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct HalfOpen(Vec<ConnectionId>);

impl HalfOpen {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn insert(&mut self, id: ConnectionId) {
        if let Err(at) = self.0.binary_search(&id) {
            self.0.insert(at, id);
        }
    }

    /// False where it is not there.
    pub(crate) fn remove(&mut self, id: ConnectionId) -> bool {
        let found = self.0.binary_search(&id);
        found.is_ok_and(|at| self.0.remove(at) == id)
    }

    pub(crate) fn into_ids(self) -> impl Iterator<Item = ConnectionId> {
        self.0.into_iter()
    }
}

impl Listener {
    pub(crate) fn new(local: SocketAddr, backlog: usize, options: SocketOptions) -> Listener {
        let (pending, fast) = (HalfOpen::default(), BTreeSet::new());
        Listener {
            local,
            options,
            backlog: backlog.max(1),
            pending,
            fast,
            ready: VecDeque::new(),
            arrivals: 0,
            cookies_until: None,
        }
    }

    /// A connection can be accepted.
    pub(crate) fn offer(&mut self, id: ConnectionId) {
        self.ready.push_back(id);
        self.arrivals += 1;
    }

    /// How many connections may wait for accept.
    pub(crate) fn backlog(&self) -> usize {
        self.backlog
    }

    /// Whether as many connections wait for accept as may; SYNs are dropped then, and the peers will try again.
    pub(crate) fn is_backlogged(&self) -> bool {
        self.ready.len() >= self.backlog
    }

    fn takes(&self, local: SocketAddr) -> bool {
        let own = zone(self.local);
        match self.local.ip() {
            ip if ip == local.ip() => own.is_none() || own == zone(local),
            IpAddr::V4(any) => any.is_unspecified() && local.is_ipv4(),
            IpAddr::V6(any) => any.is_unspecified() && (local.is_ipv6() || self.options.dual_stack),
        }
    }
}

/// All listeners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listeners {
    by_id: BTreeMap<ListenerId, Listener>,
    by_port: BTreeMap<u16, Vec<ListenerId>>,
    last: u64,
}

impl Listeners {
    /// Adds a listener; `None` where one with the same address and port exists.
    pub(crate) fn add(&mut self, listener: Listener) -> Option<ListenerId> {
        let on_port = self.by_port.entry(listener.local.port()).or_default();
        let clashes = |other: &Listener| {
            other.local == listener.local && !(other.options.reuse_port && listener.options.reuse_port)
        };
        if on_port.iter().any(|id| self.by_id.get(id).is_some_and(clashes)) {
            return None;
        }
        self.last += 1;
        let id = ListenerId(self.last);
        on_port.push(id);
        self.by_id.insert(id, listener);
        Some(id)
    }

    pub(crate) fn remove(&mut self, id: ListenerId) -> Option<Listener> {
        let listener = self.by_id.remove(&id)?;
        if let Some(on_port) = self.by_port.get_mut(&listener.local.port()) {
            on_port.retain(|other| *other != id);
        }
        Some(listener)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: ListenerId) -> Option<&Listener> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.by_id.get_mut(&id)
    }

    /// The listener for a SYN to `tuple.local`: the one with the address itself before one for any.
    pub(crate) fn find(&self, tuple: FourTuple) -> Option<ListenerId> {
        let (end, local) = (tuple.local, tuple.local.ip());
        let on_port = self.by_port.get(&tuple.local.port())?;
        if let [only] = on_port[..] {
            return self.by_id.get(&only).filter(|listener| listener.takes(end)).map(|_| only);
        }
        let fit = |id: &&ListenerId| self.by_id.get(id).is_some_and(|listener| listener.takes(end));
        let score = |id: &&ListenerId| {
            let bound = self.by_id.get(id).map(|listener| listener.local.ip());
            (bound == Some(local), bound.map(|bound| bound.is_ipv4()) == Some(local.is_ipv4()))
        };
        let best = on_port.iter().filter(fit).map(|id| score(&id)).max()?;
        // Those that share the address, each for its share of the peers.
        let mut equal = on_port.iter().filter(fit).filter(|id| score(id) == best).copied();
        let count = equal.clone().count() as u64;
        if count <= 1 {
            return equal.next();
        }
        let peer = octets(tuple.remote.ip()).chain(tuple.remote.port().to_be_bytes());
        equal.nth((siphash([0, 0], peer) % count) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_listener_is_found() {
        let mut listeners = Listeners::default();
        let mut add = |local: &str, dual_stack| {
            let options = SocketOptions { dual_stack, ..SocketOptions::default() };
            listeners.add(Listener::new(local.parse().unwrap(), 1, options))
        };
        let (any4, any6, one) = (add("0.0.0.0:80", false), add("[::]:80", false), add("192.0.2.1:80", false));
        let dual = add("[::]:81", true);
        let zoned = ["[fe80::1%1]:80", "[fe80::1%2]:80"].map(|local| add(local, false));
        assert_eq!(add("[::]:80", true), None);
        let remote = SocketAddr::from(([192, 0, 2, 2], 4000));
        let find = |local: &str| listeners.find(FourTuple { local: local.parse().unwrap(), remote });
        assert_eq!(find("192.0.2.1:80"), one);
        assert_eq!(find("192.0.2.3:80"), any4);
        assert_eq!(find("[2001:db8::1]:80"), any6);
        assert_eq!(find("192.0.2.3:81"), dual);
        assert_eq!(find("192.0.2.3:82"), None);
        // The same address on two links (RFC 4007 6).
        assert_eq!(
            ["[fe80::1%1]:80", "[fe80::1%2]:80", "[fe80::1%3]:80"].map(find),
            [zoned[0], zoned[1], any6]
        );
    }
}
