//! The ARP cache (RFC 826, RFC 1122 2.3.2).

use super::{Due, Resolution, room_to_wait, wait};
use crate::config::ArpConfig;
use crate::time::Instant;
use crate::wire::{Buffer, MacAddress};
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

#[derive(Debug)]
enum Entry {
    /// Asked for. `next` is when to ask again or to give up.
    Incomplete { attempts: u32, next: Instant, waiting: VecDeque<Buffer> },
    /// Known until `expires`; `confirmed` is when it was last asked for by unicast.
    Complete { mac: MacAddress, expires: Instant, asked: Option<Instant> },
    /// Given by the configuration.
    Permanent { mac: MacAddress },
}

impl Entry {
    /// How many datagrams wait for it.
    fn waiting(&self) -> usize {
        if let Entry::Incomplete { waiting, .. } = self { waiting.len() } else { 0 }
    }
}

/// The cache of one interface.
#[derive(Debug)]
pub(crate) struct ArpCache {
    config: ArpConfig,
    entries: BTreeMap<Ipv4Addr, Entry>,
    /// When the first of the incomplete entries is due.
    due: Option<Instant>,
}

impl ArpCache {
    pub(crate) fn new(config: ArpConfig) -> ArpCache {
        ArpCache { config, entries: BTreeMap::new(), due: None }
    }

    pub(crate) fn add_permanent(&mut self, address: Ipv4Addr, mac: MacAddress) {
        self.entries.insert(address, Entry::Permanent { mac });
    }

    /// How long a mapping that is learned from now on is believed.
    pub(crate) fn set_timeout(&mut self, timeout: core::time::Duration) {
        self.config.timeout = timeout;
    }

    /// Forgets all but what the configuration gave, as when the link went down.
    pub(crate) fn flush(&mut self) {
        self.entries.retain(|_, entry| matches!(entry, Entry::Permanent { .. }));
        self.due = None;
    }

    /// Resolves the next hop of `datagram`.
    pub(crate) fn resolve(&mut self, now: Instant, address: Ipv4Addr, datagram: Buffer) -> Resolution {
        let config = self.config;
        match self.entries.get_mut(&address) {
            Some(Entry::Permanent { mac }) => Resolution::Known { mac: *mac, datagram, confirm: false },
            Some(Entry::Complete { mac, expires, asked }) if now < *expires => {
                // A mapping in use is confirmed by unicast before it ends (RFC 1122 2.3.2.1, mechanism 2), so that
                // traffic does not stop while it is asked for anew.
                let ending = expires.saturating_since(now) <= config.retransmit * config.attempts;
                let confirm = ending && asked.is_none_or(|at| now.saturating_since(at) >= config.retransmit);
                if confirm {
                    *asked = Some(now);
                }
                Resolution::Known { mac: *mac, datagram, confirm }
            }
            Some(Entry::Incomplete { .. }) => {
                let all = || self.entries.values().map(Entry::waiting).sum();
                let most = room_to_wait(config.queue, self.entries.len(), all);
                match self.entries.get_mut(&address) {
                    Some(Entry::Incomplete { waiting, .. }) => wait(waiting, most, datagram),
                    _ => Resolution::Waiting,
                }
            }
            Some(Entry::Complete { .. }) | None => {
                self.make_room();
                let waiting = VecDeque::from([datagram]);
                let entry = Entry::Incomplete { attempts: 1, next: now + config.retransmit, waiting };
                self.entries.insert(address, entry);
                self.find_due();
                Resolution::Ask
            }
        }
    }

    /// Takes the sender's mapping out of an ARP packet. It replaces one that is there; it makes a new one only where
    /// `create` says that the packet was for this host (RFC 826 "Packet Reception", the merge flag). Gives the datagrams
    /// that waited for it.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        address: Ipv4Addr,
        mac: MacAddress,
        create: bool,
    ) -> Vec<Buffer> {
        let complete = Entry::Complete { mac, expires: now + self.config.timeout, asked: None };
        match self.entries.get_mut(&address) {
            Some(Entry::Permanent { .. }) => Vec::new(),
            Some(entry) => match core::mem::replace(entry, complete) {
                Entry::Incomplete { waiting, .. } => {
                    self.find_due();
                    waiting.into()
                }
                Entry::Complete { .. } | Entry::Permanent { .. } => Vec::new(),
            },
            None => {
                if create {
                    self.make_room();
                    self.entries.insert(address, complete);
                    self.find_due();
                }
                Vec::new()
            }
        }
    }

    /// What is due at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Due<Ipv4Addr>> {
        let (config, mut due, mut gone) = (self.config, Vec::new(), Vec::new());
        for (address, entry) in &mut self.entries {
            match entry {
                Entry::Incomplete { attempts, next, waiting } if *next <= now => {
                    if *attempts < config.attempts {
                        *attempts += 1;
                        *next = now + config.retransmit;
                        due.push(Due::Ask { address: *address, mac: None });
                    } else {
                        let waiting = core::mem::take(waiting).into();
                        due.push(Due::Unreachable { address: *address, waiting });
                        gone.push(*address);
                    }
                }
                Entry::Complete { expires, .. } if *expires <= now => gone.push(*address),
                _ => {}
            }
        }
        gone.iter().for_each(|address| drop(self.entries.remove(address)));
        self.find_due();
        due
    }

    /// Until when `address` resolves to what it does now, and nobody is asked for it.
    pub(crate) fn holds_until(&self, address: Ipv4Addr) -> Option<Instant> {
        match self.entries.get(&address)? {
            Entry::Permanent { .. } => Some(Instant::FAR_FUTURE),
            Entry::Complete { expires, .. } => Some(*expires - self.config.retransmit * self.config.attempts),
            Entry::Incomplete { .. } => None,
        }
    }

    /// Whether a mapping has ended that is still there.
    pub(crate) fn has_ended(&self, now: Instant) -> bool {
        let ended = |entry: &Entry| matches!(entry, Entry::Complete { expires, .. } if *expires <= now);
        self.entries.values().any(ended)
    }

    /// When [`ArpCache::poll`] next has something to say. Mappings that end say nothing: they are looked at when used.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Entries have come to be incomplete, or are so no more.
    fn find_due(&mut self) {
        let next =
            |entry: &Entry| if let Entry::Incomplete { next, .. } = entry { Some(*next) } else { None };
        self.due = self.entries.values().filter_map(next).min();
    }

    /// Makes room for one more entry: that which ends first goes.
    fn make_room(&mut self) {
        if self.entries.len() < self.config.entries {
            return;
        }
        let end = |entry: &Entry| match entry {
            Entry::Incomplete { next, .. } => Some(*next),
            Entry::Complete { expires, .. } => Some(*expires),
            Entry::Permanent { .. } => None,
        };
        let first = self.entries.iter().filter_map(|(address, e)| end(e).map(|at| (at, *address))).min();
        if let Some((_, address)) = first {
            self.entries.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

    fn datagram(byte: u8) -> Buffer {
        Buffer::with_payload(&[byte])
    }

    fn known(confirm: bool) -> Resolution {
        Resolution::Known { mac: MAC, datagram: datagram(1), confirm }
    }

    #[test]
    fn three_questions_a_second_apart_then_unreachable() {
        let mut cache = ArpCache::new(ArpConfig::default());
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram(1)), Resolution::Ask);
        assert_eq!(cache.resolve(Instant::from_millis(500), PEER, datagram(2)), Resolution::Waiting);
        for second in [1, 2] {
            assert_eq!(cache.next_deadline(), Some(Instant::from_secs(second)));
            assert_eq!(cache.poll(Instant::from_secs(second)), [Due::Ask { address: PEER, mac: None }]);
        }
        let waiting = vec![datagram(1), datagram(2)];
        assert_eq!(cache.poll(Instant::from_secs(3)), [Due::Unreachable { address: PEER, waiting }]);
        assert_eq!(cache.next_deadline(), None);
    }

    #[test]
    fn of_many_neighbours_each_keeps_its_newest() {
        let mut cache = ArpCache::new(ArpConfig::default());
        for host in 0..1000_u32 {
            for byte in 0..8 {
                let peer = Ipv4Addr::from_bits(PEER.to_bits() + host);
                cache.resolve(Instant::ZERO, peer, datagram(byte));
            }
        }
        let waiting = cache.poll(Instant::ZERO + ArpConfig::default().retransmit * 9);
        assert_eq!(waiting.len(), 1000);
        let all = cache.entries.values().map(Entry::waiting);
        assert_eq!((all.clone().sum::<usize>(), all.min()), (32 * 8 + 968, Some(1)));
    }

    #[test]
    fn the_newest_datagrams_wait() {
        let mut cache = ArpCache::new(ArpConfig { queue: 1, ..ArpConfig::default() });
        cache.resolve(Instant::ZERO, PEER, datagram(1));
        cache.resolve(Instant::ZERO, PEER, datagram(2));
        assert_eq!(cache.learn(Instant::ZERO, PEER, MAC, false), [datagram(2)]);
    }

    #[test]
    fn a_mapping_is_made_for_those_that_ask_us_and_replaced_for_all() {
        let mut cache = ArpCache::new(ArpConfig::default());
        cache.learn(Instant::ZERO, PEER, MacAddress::default(), false);
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram(1)), Resolution::Ask);
        cache.learn(Instant::ZERO, PEER, MacAddress::default(), true);
        cache.learn(Instant::ZERO, PEER, MAC, false);
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram(1)), known(false));
    }

    #[test]
    fn a_mapping_in_use_is_confirmed_before_it_ends_and_ends() {
        let mut cache = ArpCache::new(ArpConfig::default());
        cache.learn(Instant::ZERO, PEER, MAC, true);
        assert_eq!(cache.resolve(Instant::from_secs(56), PEER, datagram(1)), known(false));
        assert_eq!(cache.resolve(Instant::from_secs(57), PEER, datagram(1)), known(true));
        assert_eq!(cache.resolve(Instant::from_millis(57_500), PEER, datagram(1)), known(false));
        assert_eq!(cache.resolve(Instant::from_secs(60), PEER, datagram(1)), Resolution::Ask);
    }

    #[test]
    fn the_cache_stays_bounded_and_keeps_what_was_configured() {
        let mut cache = ArpCache::new(ArpConfig { entries: 4, ..ArpConfig::default() });
        cache.add_permanent(PEER, MAC);
        for host in 10..100 {
            cache.learn(
                Instant::from_secs(host),
                Ipv4Addr::new(192, 0, 2, host as u8),
                MacAddress::default(),
                true,
            );
        }
        assert_eq!(cache.entries.len(), 4);
        cache.learn(Instant::ZERO, PEER, MacAddress::default(), true);
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram(1)), known(false));
    }
}
