//! The IPv6 neighbour cache (RFC 4861 7.2 and 7.3).

use super::{Due, Resolution, room_to_wait, wait};
use crate::config::NeighbourConfig;
use crate::network::earliest_in;
use crate::time::Instant;
use crate::wire::{Buffer, MacAddress};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;

/// Reachability (RFC 4861 7.3.2), with what each state needs.
#[derive(Debug)]
enum State {
    /// Asked for by multicast. `next` is when to ask again or to give up.
    Incomplete { attempts: u32, next: Instant, waiting: VecDeque<Buffer> },
    /// Confirmed until `until`.
    Reachable { mac: MacAddress, until: Instant },
    /// Not confirmed; asked again when used.
    Stale { mac: MacAddress },
    /// Used while stale: until `until` an upper layer may confirm it.
    Delay { mac: MacAddress, until: Instant },
    /// Asked for by unicast. `next` is when to ask again or to give up.
    Probe { mac: MacAddress, attempts: u32, next: Instant },
    /// Given by the configuration.
    Permanent { mac: MacAddress },
}

impl State {
    fn mac(&self) -> Option<MacAddress> {
        match self {
            State::Incomplete { .. } => None,
            State::Reachable { mac, .. }
            | State::Stale { mac }
            | State::Delay { mac, .. }
            | State::Probe { mac, .. }
            | State::Permanent { mac } => Some(*mac),
        }
    }

    /// How many datagrams wait for it.
    fn waiting(&self) -> usize {
        if let State::Incomplete { waiting, .. } = self { waiting.len() } else { 0 }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            State::Incomplete { next, .. } | State::Probe { next, .. } => Some(*next),
            State::Delay { until, .. } => Some(*until),
            State::Reachable { .. } | State::Stale { .. } | State::Permanent { .. } => None,
        }
    }
}

/// What a Neighbour Advertisement says of its target (RFC 4861 4.4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advertised {
    pub(crate) mac: Option<MacAddress>,
    pub(crate) solicited: bool,
    pub(crate) override_flag: bool,
}

/// The cache of one interface.
#[derive(Debug)]
pub(crate) struct NeighbourCache {
    config: NeighbourConfig,
    entries: BTreeMap<Ipv6Addr, State>,
    /// Counts entries that had to go, so that the next one to go is another.
    evicted: usize,
    /// Whether an entry may be in DELAY or PROBE, where a confirmation spares questions.
    has_doubts: bool,
}

impl NeighbourCache {
    pub(crate) fn new(config: NeighbourConfig) -> NeighbourCache {
        NeighbourCache { config, entries: BTreeMap::new(), evicted: 0, has_doubts: false }
    }

    pub(crate) fn add_permanent(&mut self, address: Ipv6Addr, mac: MacAddress) {
        self.entries.insert(address, State::Permanent { mac });
    }

    /// The hardware address of a neighbour, where one is known.
    pub(crate) fn known(&self, address: Ipv6Addr) -> Option<MacAddress> {
        self.entries.get(&address)?.mac()
    }

    /// Until when `address` resolves to what it does now, and nothing comes to be doubted.
    pub(crate) fn holds_until(&self, address: Ipv6Addr) -> Option<Instant> {
        match self.entries.get(&address)? {
            State::Permanent { .. } => Some(Instant::FAR_FUTURE),
            State::Reachable { until, .. } => Some(*until),
            State::Incomplete { .. } | State::Stale { .. } | State::Delay { .. } | State::Probe { .. } => {
                None
            }
        }
    }

    /// What a router says instead of the configuration (RFC 4861 6.3.4).
    pub(crate) fn set_reachable_time(&mut self, time: Duration) {
        self.config.reachable_time = time;
    }

    /// What a router says instead of the configuration.
    pub(crate) fn set_retrans_timer(&mut self, time: Duration) {
        self.config.retrans_timer = time;
    }

    pub(crate) fn retrans_timer(&self) -> Duration {
        self.config.retrans_timer
    }

    /// Forgets all but what the configuration gave, as when the link went down.
    pub(crate) fn flush(&mut self) {
        self.entries.retain(|_, state| matches!(state, State::Permanent { .. }));
    }

    /// Resolves the next hop of `datagram`. A stale neighbour is sent to and probed later (7.3.3).
    pub(crate) fn resolve(&mut self, now: Instant, address: Ipv6Addr, datagram: Buffer) -> Resolution {
        let config = self.config;
        let Some(state) = self.entries.get_mut(&address) else {
            self.make_room();
            let waiting = VecDeque::from([datagram]);
            let state = State::Incomplete { attempts: 1, next: now + config.retrans_timer, waiting };
            self.entries.insert(address, state);
            return Resolution::Ask;
        };
        match *state {
            State::Incomplete { .. } => {
                let all = || self.entries.values().map(State::waiting).sum();
                let most = room_to_wait(config.queue, self.entries.len(), all);
                return match self.entries.get_mut(&address) {
                    Some(State::Incomplete { waiting, .. }) => wait(waiting, most, datagram),
                    _ => Resolution::Waiting,
                };
            }
            State::Stale { mac } => *state = State::Delay { mac, until: now + config.delay_first_probe },
            State::Reachable { mac, until } if until <= now => {
                *state = State::Delay { mac, until: now + config.delay_first_probe };
            }
            _ => {}
        }
        self.has_doubts |= matches!(state, State::Delay { .. });
        match state.mac() {
            Some(mac) => Resolution::Known { mac, datagram, confirm: false },
            None => Resolution::Waiting,
        }
    }

    /// Whether [`NeighbourCache::confirm`] could spare a question.
    pub(crate) fn has_doubts(&self) -> bool {
        self.has_doubts
    }

    /// An upper layer knows that packets reach this neighbour (7.3.1).
    pub(crate) fn confirm(&mut self, now: Instant, address: Ipv6Addr) {
        let until = now + self.config.reachable_time;
        if let Some(state) = self.entries.get_mut(&address)
            && let State::Delay { mac, .. } | State::Probe { mac, .. } = *state
        {
            *state = State::Reachable { mac, until };
        }
        let doubtful = |state: &State| matches!(state, State::Delay { .. } | State::Probe { .. });
        self.has_doubts = self.entries.values().any(doubtful);
    }

    /// The source of the packet that waits longest for `address`: a solicitation goes out from it (7.2.2).
    pub(crate) fn waiting_source(&self, address: Ipv6Addr) -> Option<Ipv6Addr> {
        let State::Incomplete { waiting, .. } = self.entries.get(&address)? else { return None };
        Some(crate::wire::ipv6::Header::parse_quoted(waiting.front()?).ok()?.0.source)
    }

    /// Takes over the link-layer address that a solicitation, router message or redirect carries (7.2.3): it makes an
    /// entry that is stale, and changes one whose address is another. Gives the datagrams that waited for it.
    pub(crate) fn learn(&mut self, address: Ipv6Addr, mac: MacAddress) -> Vec<Buffer> {
        match self.entries.get_mut(&address) {
            Some(State::Permanent { .. }) => Vec::new(),
            Some(state) if state.mac() == Some(mac) => Vec::new(),
            Some(state) => released(core::mem::replace(state, State::Stale { mac })),
            None => {
                self.make_room();
                self.entries.insert(address, State::Stale { mac });
                Vec::new()
            }
        }
    }

    /// Takes over what an advertisement says (7.2.5). Gives the datagrams that waited for it.
    pub(crate) fn advertised(
        &mut self,
        now: Instant,
        target: Ipv6Addr,
        advertised: Advertised,
    ) -> Vec<Buffer> {
        let Advertised { mac, solicited, override_flag } = advertised;
        let until = now + self.config.reachable_time;
        let settled = |mac| if solicited { State::Reachable { mac, until } } else { State::Stale { mac } };
        // No entry: the advertisement is ignored, nobody asked.
        let Some(state) = self.entries.get_mut(&target) else { return Vec::new() };
        let Some(known) = state.mac() else {
            let Some(mac) = mac else { return Vec::new() };
            return released(core::mem::replace(state, settled(mac)));
        };
        match (mac, state) {
            (_, State::Permanent { .. }) => {}
            // I. another address, and no right to replace the known one: doubt what was reachable, else ignore.
            (Some(new), state) if new != known && !override_flag => {
                if matches!(state, State::Reachable { .. }) {
                    *state = State::Stale { mac: known };
                }
            }
            // II. the address is taken over; solicited makes it reachable, a change without that makes it stale.
            (new, state) => {
                let new = new.unwrap_or(known);
                if solicited || new != known {
                    *state = settled(new);
                }
            }
        }
        Vec::new()
    }

    /// What is due at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Due<Ipv6Addr>> {
        let (config, mut due, mut gone) = (self.config, Vec::new(), Vec::new());
        for (address, state) in &mut self.entries {
            if state.deadline().is_none_or(|at| at > now) {
                continue;
            }
            let ask = |mac| Due::Ask { address: *address, mac };
            match state {
                State::Incomplete { attempts, next, .. } if *attempts < config.max_multicast_solicit => {
                    *attempts += 1;
                    *next = now + config.retrans_timer;
                    due.push(ask(None));
                }
                State::Incomplete { waiting, .. } => {
                    let waiting = core::mem::take(waiting).into();
                    due.push(Due::Unreachable { address: *address, waiting });
                    gone.push(*address);
                }
                State::Delay { mac, .. } => {
                    due.push(ask(Some(*mac)));
                    *state = State::Probe { mac: *mac, attempts: 1, next: now + config.retrans_timer };
                }
                State::Probe { mac, attempts, next } if *attempts < config.max_unicast_solicit => {
                    *attempts += 1;
                    *next = now + config.retrans_timer;
                    due.push(ask(Some(*mac)));
                }
                // 7.3.3: the entry goes, and the next packet asks anew.
                State::Probe { .. } => {
                    due.push(Due::Unreachable { address: *address, waiting: Vec::new() });
                    gone.push(*address);
                }
                State::Reachable { .. } | State::Stale { .. } | State::Permanent { .. } => {}
            }
        }
        gone.iter().for_each(|address| drop(self.entries.remove(address)));
        due
    }

    /// When [`NeighbourCache::poll`] next has something to say.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        earliest_in(&self.entries, State::deadline)
    }

    /// Makes room for one more entry. Which goes does not matter much; that it is not always the same one does.
    fn make_room(&mut self) {
        if self.entries.len() < self.config.entries {
            return;
        }
        let removable = |(address, state): (&Ipv6Addr, &State)| {
            (!matches!(state, State::Permanent { .. })).then_some(*address)
        };
        let candidates = self.entries.iter().filter_map(removable).count().max(1);
        let nth = self.evicted % candidates;
        if let Some(address) = self.entries.iter().filter_map(removable).nth(nth) {
            self.entries.remove(&address);
            self.evicted = self.evicted.wrapping_add(1);
        }
    }
}

fn released(state: State) -> Vec<Buffer> {
    match state {
        State::Incomplete { waiting, .. } => waiting.into(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
    const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
    const OTHER: MacAddress = MacAddress([2, 0, 0, 0, 0, 3]);

    fn cache() -> NeighbourCache {
        NeighbourCache::new(NeighbourConfig::default())
    }

    fn datagram() -> Buffer {
        Buffer::with_payload(b"x")
    }

    fn advertised(mac: Option<MacAddress>, solicited: bool, override_flag: bool) -> Advertised {
        Advertised { mac, solicited, override_flag }
    }

    fn sends_to(cache: &mut NeighbourCache, now: Instant) -> Option<MacAddress> {
        match cache.resolve(now, PEER, datagram()) {
            Resolution::Known { mac, .. } => Some(mac),
            _ => None,
        }
    }

    #[test]
    fn three_multicast_solicitations_then_unreachable() {
        let mut cache = cache();
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram()), Resolution::Ask);
        for second in [1, 2] {
            assert_eq!(cache.poll(Instant::from_secs(second)), [Due::Ask { address: PEER, mac: None }]);
        }
        assert_eq!(
            cache.poll(Instant::from_secs(3)),
            [Due::Unreachable { address: PEER, waiting: vec![datagram()] }]
        );
        assert_eq!(cache.next_deadline(), None);
    }

    #[test]
    fn a_solicited_answer_is_reachable_then_delayed_then_probed() {
        let mut cache = cache();
        cache.resolve(Instant::ZERO, PEER, datagram());
        assert_eq!(cache.advertised(Instant::ZERO, PEER, advertised(Some(MAC), true, true)), [datagram()]);
        assert_eq!(sends_to(&mut cache, Instant::from_secs(29)), Some(MAC));
        assert_eq!(cache.next_deadline(), None);
        assert_eq!(sends_to(&mut cache, Instant::from_secs(31)), Some(MAC));
        for second in [36, 37, 38] {
            assert_eq!(cache.next_deadline(), Some(Instant::from_secs(second)));
            assert_eq!(cache.poll(Instant::from_secs(second)), [Due::Ask { address: PEER, mac: Some(MAC) }]);
        }
        let given_up = Due::Unreachable { address: PEER, waiting: Vec::new() };
        assert_eq!(cache.poll(Instant::from_secs(39)), [given_up]);
        assert_eq!(cache.resolve(Instant::from_secs(39), PEER, datagram()), Resolution::Ask);
    }

    #[test]
    fn an_upper_layer_ends_the_doubt() {
        let mut cache = cache();
        cache.learn(PEER, MAC);
        assert!(!cache.has_doubts());
        assert_eq!(sends_to(&mut cache, Instant::ZERO), Some(MAC));
        assert!(cache.has_doubts());
        cache.confirm(Instant::from_secs(4), PEER);
        assert_eq!((cache.has_doubts(), cache.next_deadline()), (false, None));
        assert_eq!(sends_to(&mut cache, Instant::from_secs(33)), Some(MAC));
        assert_eq!(cache.next_deadline(), None);
    }

    #[test]
    fn without_override_a_known_address_stays_but_is_doubted() {
        let mut cache = cache();
        cache.learn(PEER, MAC);
        cache.advertised(Instant::ZERO, PEER, advertised(Some(MAC), true, false));
        cache.advertised(Instant::ZERO, PEER, advertised(Some(OTHER), true, false));
        assert_eq!(sends_to(&mut cache, Instant::ZERO), Some(MAC));
        assert_eq!(cache.next_deadline(), Some(Instant::from_secs(5)), "it was reachable and is doubted");
        cache.advertised(Instant::ZERO, PEER, advertised(Some(OTHER), false, true));
        assert_eq!(sends_to(&mut cache, Instant::ZERO), Some(OTHER));
    }

    #[test]
    fn nobody_asked() {
        let mut cache = cache();
        cache.advertised(Instant::ZERO, PEER, advertised(Some(MAC), true, true));
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram()), Resolution::Ask);
        cache.advertised(Instant::ZERO, PEER, advertised(None, true, true));
        assert_eq!(cache.resolve(Instant::ZERO, PEER, datagram()), Resolution::Waiting);
    }
}
