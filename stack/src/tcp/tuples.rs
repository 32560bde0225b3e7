//! Which connection has which pair of sockets, and which local sockets are in use (RFC 9293 3.3.1, 3.4.1).

use super::ConnectionId;
use super::control_block::FourTuple;
use crate::ip::zone::scope;
use crate::rng::Rng;
use core::hash::{BuildHasher, Hash, Hasher};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A pair of sockets in few, long words: they are hashed and compared for every segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    local: u128,
    remote: u128,
    /// And of which families the addresses are, and of which zone, which they do not tell.
    ports: u64,
}

impl Key {
    #[inline]
    fn of(tuple: &FourTuple) -> Key {
        let ports = u64::from(tuple.local.port()) << 16 | u64::from(tuple.remote.port());
        let bits = |socket: &SocketAddr| match socket {
            SocketAddr::V4(socket) => u128::from(u32::from(*socket.ip())),
            SocketAddr::V6(socket) => u128::from(*socket.ip()),
        };
        let families = u64::from(tuple.local.is_ipv6()) << 33 | u64::from(tuple.remote.is_ipv6()) << 32;
        // Where both have a zone it is one.
        let zone = u64::from(scope(&tuple.local) | scope(&tuple.remote)) << 34;
        Key { local: bits(&tuple.local), remote: bits(&tuple.remote), ports: zone | families | ports }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Key { local, remote, ports } = *self;
        if ports >> 32 == 0 {
            state.write_u64((local as u64) << 32 | remote as u64);
        } else {
            for word in [local >> 64, local, remote >> 64, remote] {
                state.write_u64(word as u64);
            }
        }
        state.write_u64(ports);
    }
}

/// Hashes with a key that peers do not know, so that they cannot choose ports that collide.
#[derive(Clone, Copy, Debug)]
struct Keyed([u64; 2]);

impl BuildHasher for Keyed {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding { state: self.0[0], key: self.0[1] }
    }
}

/// Multiplies each word, masked by what came before, by the secret key, and folds the 128 bits of the product.
#[derive(Clone, Copy, Debug)]
struct Folding {
    state: u64,
    key: u64,
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.key);
        self.state = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

/// The connections that are not closed. Nothing ever goes through all of them.
#[derive(Debug)]
pub(crate) struct Tuples {
    connections: HashMap<Key, ConnectionId, Keyed>,
    /// What the last segment was for: the next one is likely to be for the same.
    last: Option<(Key, ConnectionId)>,
    /// How many connections have a local port and address, the latter with its scope id.
    local: BTreeMap<(u16, IpAddr, u32), usize>,
}

impl Tuples {
    pub(crate) fn new(seed: u64) -> Tuples {
        let mut rng = Rng::new(!seed);
        // An odd number loses nothing in a multiplication.
        let key = Keyed([rng.next_u64(), rng.next_u64() | 1]);
        Tuples { connections: HashMap::with_hasher(key), last: None, local: BTreeMap::new() }
    }

    pub(crate) fn find(&self, tuple: &FourTuple) -> Option<ConnectionId> {
        self.connections.get(&Key::of(tuple)).copied()
    }

    /// The same for a segment that has arrived.
    // As what calls it: a key for each version of IP.
    #[inline(always)]
    pub(crate) fn find_again(&mut self, tuple: &FourTuple) -> Option<ConnectionId> {
        let key = Key::of(tuple);
        if self.last.is_none_or(|(last, _)| last != key) {
            self.last = Some((key, *self.connections.get(&key)?));
        }
        self.last.map(|(_, id)| id)
    }

    pub(crate) fn insert(&mut self, tuple: FourTuple, id: ConnectionId) {
        self.last = None;
        if self.connections.insert(Key::of(&tuple), id).is_none() {
            *self.local.entry(place(&tuple.local)).or_default() += 1;
        }
    }

    /// Forgets the pair where it is that connection's: a later one may have it by now.
    pub(crate) fn remove(&mut self, tuple: FourTuple, id: ConnectionId) {
        match self.connections.entry(Key::of(&tuple)) {
            Entry::Occupied(entry) if *entry.get() == id => entry.remove(),
            _ => return,
        };
        self.last = None;
        let local = place(&tuple.local);
        if let Some(count) = self.local.get_mut(&local) {
            *count -= 1;
            if *count == 0 {
                self.local.remove(&local);
            }
        }
    }

    /// Whether a connection has the local socket `local`; an unspecified address, and the default zone, stand for any.
    pub(crate) fn has_local(&self, local: SocketAddr) -> bool {
        let (port, ip, zone) = place(&local);
        let mut used = match ip.is_unspecified() {
            false => self.local.range((port, ip, zone)..=(port, ip, if zone == 0 { u32::MAX } else { zone })),
            true => self.local.range((port, IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)..),
        };
        used.next().is_some_and(|((used, ..), _)| *used == port)
    }
}

fn place(local: &SocketAddr) -> (u16, IpAddr, u32) {
    (local.port(), local.ip(), scope(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(local: &str, remote: &str) -> FourTuple {
        FourTuple { local: local.parse().expect("a socket"), remote: remote.parse().expect("a socket") }
    }

    fn id(index: u32) -> ConnectionId {
        ConnectionId { index, generation: 0 }
    }

    #[test]
    fn what_is_remembered_is_never_another_connection_nor_one_that_has_gone() {
        let v4 = tuple("192.0.2.1:80", "192.0.2.2:1");
        // The same bits, and the ports the other way round.
        let v6 = tuple("[::c000:201]:80", "[::c000:202]:1");
        let turned = tuple("192.0.2.1:1", "192.0.2.2:80");
        let zoned = ["1", "2"].map(|zone| tuple("[2001:db8::1]:80", &format!("[fe80::9%{zone}]:1")));
        let mut tuples = Tuples::new(7);
        tuples.insert(v4, id(1));
        tuples.insert(zoned[1], id(7));
        for _ in 0..2 {
            assert_eq!([v4, v6, turned].map(|pair| tuples.find_again(&pair)), [Some(id(1)), None, None]);
            assert_eq!(zoned.map(|pair| tuples.find_again(&pair)), [None, Some(id(7))]);
        }
        tuples.remove(v4, id(1));
        assert_eq!(tuples.find_again(&v4), None);
        tuples.insert(v4, id(2));
        assert_eq!(tuples.find_again(&v4), Some(id(2)));
        tuples.insert(v4, id(3));
        assert_eq!(tuples.find_again(&v4), Some(id(3)));
    }

    #[test]
    fn local_sockets_are_counted() {
        let (a, b) = (tuple("192.0.2.1:80", "192.0.2.2:1"), tuple("192.0.2.1:80", "192.0.2.2:2"));
        let (one, two) = (id(1), id(2));
        let mut tuples = Tuples::new(7);
        tuples.insert(a, one);
        tuples.insert(b, two);
        tuples.remove(a, two);
        assert_eq!(tuples.find(&a), Some(one), "another connection's pair stays");
        tuples.remove(a, one);
        let used = |tuples: &Tuples, text: &str| tuples.has_local(text.parse().expect("a socket"));
        assert!(used(&tuples, "192.0.2.1:80") && used(&tuples, "0.0.0.0:80"));
        assert!(!used(&tuples, "0.0.0.0:79") && !used(&tuples, "192.0.2.7:80"));
        tuples.remove(b, two);
        assert!(!used(&tuples, "0.0.0.0:80") && tuples.local.is_empty());
        tuples.insert(tuple("[fe80::1%2]:80", "[fe80::9%2]:1"), one);
        assert!(used(&tuples, "[fe80::1]:80") && used(&tuples, "[fe80::1%2]:80"));
        assert!(!used(&tuples, "[fe80::1%1]:80"));
    }
}
