//! A router advertises itself and the prefixes of its interfaces (RFC 4861 6.2).

use super::autoconf::random_within;
use super::discovery::Reach;
use super::interface::{ALL_NODES, Interface};
use crate::network::Network;
use crate::time::Instant;
use crate::wire::MacAddress;
use crate::wire::ndp::{Message, Options, PrefixInformation};
use core::time::Duration;

/// MaxRtrAdvInterval and MinRtrAdvInterval (6.2.1), with their defaults.
const MAX_INTERVAL: Duration = Duration::from_secs(600);
const MIN_INTERVAL: Duration = Duration::from_secs(200);
/// 6.2.4: how many come at first, and how far apart at most.
const INITIAL: u32 = 3;
const MAX_INITIAL_INTERVAL: Duration = Duration::from_secs(16);
/// 6.2.6: how long a solicitation waits at most, and how close to each other advertisements to all are.
const MAX_DELAY: Duration = Duration::from_millis(500);
const MIN_BETWEEN: Duration = Duration::from_secs(3);
/// AdvDefaultLifetime, AdvValidLifetime and AdvPreferredLifetime, in seconds.
const LIFETIME: u16 = 1800;
const VALID: u32 = 2_592_000;
const PREFERRED: u32 = 604_800;

/// When an interface advertises.
#[derive(Debug, Default)]
pub(crate) struct Advertising {
    next: Option<Instant>,
    last: Option<Instant>,
    /// Advertisements of those that come at first.
    initial: u32,
}

impl Advertising {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.next
    }
}

impl Network {
    /// Begins to advertise on every interface, or ends: then what was said is taken back (6.2.5).
    pub(crate) fn set_advertising(&mut self, now: Instant, on: bool) {
        for interface in 0..self.interfaces.len() {
            let was_on = self.interfaces[interface].advertising.next.is_some();
            if on && !was_on {
                let next = Some(now + random_within(&mut self.rng, MAX_INITIAL_INTERVAL));
                self.interfaces[interface].advertising = Advertising { next, last: None, initial: INITIAL };
            } else if !on && was_on {
                self.send_advertisement(interface, 0);
                self.interfaces[interface].advertising = Advertising::default();
            }
        }
    }

    /// Advertises where it is due.
    pub(crate) fn poll_advertising(&mut self, now: Instant) {
        for interface in 0..self.interfaces.len() {
            if self.interfaces[interface].advertising.next.is_none_or(|next| next > now) {
                continue;
            }
            self.send_advertisement(interface, LIFETIME);
            let wait = MIN_INTERVAL + random_within(&mut self.rng, MAX_INTERVAL - MIN_INTERVAL);
            let state = &mut self.interfaces[interface].advertising;
            state.initial = state.initial.saturating_sub(1);
            let wait = if state.initial > 0 { wait.min(MAX_INITIAL_INTERVAL) } else { wait };
            (state.last, state.next) = (Some(now), Some(now + wait));
        }
    }

    /// A host looks for routers: it is answered with the others, soon (6.2.6).
    pub(super) fn router_solicited(&mut self, now: Instant, interface: usize) {
        let Some(next) = self.interfaces.get(interface).and_then(|link| link.advertising.next) else {
            return;
        };
        let delay = random_within(&mut self.rng, MAX_DELAY);
        let state = &mut self.interfaces[interface].advertising;
        let earliest = state.last.map_or(Instant::ZERO, |last| last + MIN_BETWEEN);
        state.next = Some(next.min((now + delay).max(earliest)));
    }

    fn send_advertisement(&mut self, interface: usize, lifetime: u16) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let Some(source) = link.link_local() else { return };
        let (reachable_time, retrans_timer, flags) = (0, 0, 0);
        let hop_limit = self.config.ipv6.hop_limit;
        let options = options(link);
        let message = Message::RouterAdvertisement {
            hop_limit,
            flags,
            lifetime,
            reachable_time,
            retrans_timer,
            options,
        };
        let reach = Reach::Mac(MacAddress::of_ipv6_multicast(ALL_NODES));
        self.send_discovery(interface, source, ALL_NODES, &message, reach);
    }
}

/// The hardware address, the MTU and every prefix but the link-local one (6.2.3).
fn options(link: &Interface) -> Options {
    let prefix = |cidr: &crate::ip::Cidr| match cidr.network() {
        std::net::IpAddr::V6(prefix) if !prefix.is_unicast_link_local() => Some(PrefixInformation {
            prefix,
            length: cidr.length,
            on_link: true,
            autonomous: cidr.length == 64,
            valid_lifetime: VALID,
            preferred_lifetime: PREFERRED,
        }),
        _ => None,
    };
    Options {
        source_link: Some(link.mac),
        mtu: Some(link.mtu.into()),
        prefixes: link.ipv6().filter_map(|(_, cidr)| prefix(cidr)).collect(),
        ..Options::default()
    }
}
