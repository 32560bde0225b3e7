//! Which connection has which pair of sockets, and which local sockets are in use (RFC 9293 3.3.1, 3.4.1).

use super::ConnectionId;
use super::control_block::FourTuple;
use core::hash::{BuildHasher, Hash, Hasher};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

impl Hash for FourTuple {
    /// In few, long words: this happens for every segment.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u32::from(self.local.port()) << 16 | u32::from(self.remote.port());
        match (self.local.ip(), self.remote.ip()) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                state.write_u64(u64::from(u32::from(local)) << 32 | u64::from(u32::from(remote)));
                state.write_u32(ports);
            }
            (local, remote) => {
                [local, remote].iter().for_each(|address| address.hash(state));
                state.write_u32(ports);
            }
        }
    }
}

/// Hashes with a key that peers do not know, so that they cannot choose ports that collide.
#[derive(Clone, Copy, Debug)]
struct Keyed(u64);

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

/// The connections that are not closed. Nothing ever goes through all of them.
#[derive(Debug)]
pub(crate) struct Tuples {
    connections: HashMap<FourTuple, ConnectionId, Keyed>,
    /// How many connections have a local port and address.
    local: BTreeMap<(u16, IpAddr), usize>,
}

impl Tuples {
    pub(crate) fn new(key: u64) -> Tuples {
        Tuples { connections: HashMap::with_hasher(Keyed(key)), local: BTreeMap::new() }
    }

    pub(crate) fn find(&self, tuple: FourTuple) -> Option<ConnectionId> {
        self.connections.get(&tuple).copied()
    }

    pub(crate) fn insert(&mut self, tuple: FourTuple, id: ConnectionId) {
        if self.connections.insert(tuple, id).is_none() {
            *self.local.entry((tuple.local.port(), tuple.local.ip())).or_default() += 1;
        }
    }

    /// Forgets the pair where it is that connection's: a later one may have it by now.
    pub(crate) fn remove(&mut self, tuple: FourTuple, id: ConnectionId) {
        if self.find(tuple) != Some(id) {
            return;
        }
        self.connections.remove(&tuple);
        let local = (tuple.local.port(), tuple.local.ip());
        if let Some(count) = self.local.get_mut(&local) {
            *count -= 1;
            if *count == 0 {
                self.local.remove(&local);
            }
        }
    }

    /// Whether a connection has the local socket `local`; an unspecified address stands for any.
    pub(crate) fn has_local(&self, local: SocketAddr) -> bool {
        let port = local.port();
        match local.ip() {
            ip if !ip.is_unspecified() => self.local.contains_key(&(port, ip)),
            _ => {
                let from = (port, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                self.local.range(from..).next().is_some_and(|((used, _), _)| *used == port)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_sockets_are_counted() {
        let tuple = |local: &str, remote: &str| FourTuple {
            local: local.parse().expect("a socket"),
            remote: remote.parse().expect("a socket"),
        };
        let (a, b) = (tuple("192.0.2.1:80", "192.0.2.2:1"), tuple("192.0.2.1:80", "192.0.2.2:2"));
        let (one, two) = (ConnectionId { index: 1, generation: 0 }, ConnectionId { index: 2, generation: 0 });
        let mut tuples = Tuples::new(7);
        tuples.insert(a, one);
        tuples.insert(b, two);
        tuples.remove(a, two);
        assert_eq!(tuples.find(a), Some(one), "another connection's pair stays");
        tuples.remove(a, one);
        let used = |tuples: &Tuples, text: &str| tuples.has_local(text.parse().expect("a socket"));
        assert!(used(&tuples, "192.0.2.1:80") && used(&tuples, "0.0.0.0:80"));
        assert!(!used(&tuples, "0.0.0.0:79") && !used(&tuples, "192.0.2.7:80"));
        tuples.remove(b, two);
        assert!(!used(&tuples, "0.0.0.0:80") && tuples.local.is_empty());
    }
}
