//! Autoconfiguration of IPv6: tentative addresses (RFC 4862 5.4), solicitations of routers and what their answers say
//! (RFC 4861 6.3), addresses formed from prefixes (RFC 4862 5.5).

use super::discovery::Reach;
use super::interface::{ALL_ROUTERS, link_local_of};
use super::lifetimes::Lifetimes;
use super::routers::Routers;
use crate::config::Medium;
use crate::ip::{Cidr, solicited_node};
use crate::network::{Network, earliest};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::MacAddress;
use crate::wire::ndp::{Message, Options, PrefixInformation};
use core::time::Duration;
use std::net::{IpAddr, Ipv6Addr};

/// MAX_RTR_SOLICITATION_DELAY (RFC 4861 10).
const MOST_DELAY: Duration = Duration::from_secs(1);
/// RTR_SOLICITATION_INTERVAL.
const INTERVAL: Duration = Duration::from_secs(4);
/// Addresses that are tested at once.
const MOST_TENTATIVE: usize = 32;
/// An interface identifier has 64 bits (RFC 4291 2.5.1).
const PREFIX_LENGTH: u8 = 64;

/// An address that is not the interface's before nobody has claimed it.
#[derive(Debug)]
struct Tentative {
    cidr: Cidr,
    /// Solicitations that are still to be sent.
    left: u32,
    next: Instant,
}

/// The state of one interface.
#[derive(Debug, Default)]
pub(crate) struct Autoconf {
    tentative: Vec<Tentative>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) routers: Routers,
    /// Router solicitations to send, and when the next one is due.
    solicitations: Option<(u32, Instant)>,
    /// What marks the own solicitations for tentative addresses (RFC 7527 4.1).
    nonce: [u8; 6],
    /// RFC 4862 5.4.5: the hardware address is not unique, so nothing of IPv6 is sent.
    pub(crate) is_disabled: bool,
    /// What routers say of the link.
    pub(crate) hop_limit: Option<u8>,
    pub(crate) mtu: Option<u16>,
}

impl Autoconf {
    /// Addresses whose solicited-node groups are joined already (5.4.2).
    pub(crate) fn tentative(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.tentative.iter().filter_map(|t| match t.cidr.address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        })
    }

    /// When [`Network::poll_autoconf`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let tests = self.tentative.iter().map(|t| t.next).min();
        let solicitation = self.solicitations.map(|(_, next)| next);
        earliest([tests, solicitation, self.lifetimes.next_deadline(), self.routers.next_deadline()])
    }
}

/// Between nothing and `time`, by chance.
pub(super) fn random_within(rng: &mut Rng, time: Duration) -> Duration {
    time * (rng.next_u32() % 1000) / 1000
}

/// What a Router Advertisement says besides its options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    pub(super) hop_limit: u8,
    pub(super) lifetime: u16,
    pub(super) reachable_time: u32,
    pub(super) retrans_timer: u32,
}

impl Network {
    /// Makes an address the interface's: at once, or once it was tested where that is configured (RFC 4862 5.4).
    pub(crate) fn begin_address(&mut self, now: Instant, interface: usize, cidr: Cidr) {
        if cidr.address.is_ipv4() && self.config.arp.detect_conflicts {
            return self.claim_address(now, interface, cidr);
        }
        let transmits = self.config.autoconf.map_or(0, |config| config.dad_transmits);
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        let tested = cidr.address.is_ipv6() && transmits > 0 && link.medium == Medium::Ethernet;
        if !tested {
            link.add_address(cidr);
            if let IpAddr::V6(address) = cidr.address {
                self.join_solicited(now, interface, address);
            }
            return;
        }
        let delay = self.random_delay();
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        let known =
            link.has(cidr.address) || link.autoconf.tentative.iter().any(|t| t.cidr.address == cidr.address);
        if !known && link.autoconf.tentative.len() < MOST_TENTATIVE {
            link.autoconf.tentative.push(Tentative { cidr, left: transmits, next: now + delay });
            if let IpAddr::V6(address) = cidr.address {
                self.join_solicited(now, interface, address);
            }
        }
    }

    /// An interface comes up: it forms its link-local address, tests what it has, and looks for routers (RFC 4862 5.3).
    pub(crate) fn restart_autoconf(&mut self, now: Instant, interface: usize) {
        if self.config.autoconf.is_none() {
            return;
        }
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        link.autoconf.is_disabled = false;
        let mut cidrs: Vec<Cidr> = link.ipv6().map(|(_, cidr)| *cidr).collect();
        let own = Cidr { address: link_local_of(link.mac).into(), length: PREFIX_LENGTH };
        if !cidrs.contains(&own) {
            cidrs.insert(0, own);
        }
        link.addresses.retain(|cidr| cidr.address.is_ipv4());
        cidrs.into_iter().for_each(|cidr| self.begin_address(now, interface, cidr));
        if self.config.autoconf.is_some_and(|config| config.dad_transmits == 0) {
            let delay = self.random_delay();
            self.solicit_routers(now + delay, interface);
        }
    }

    /// The link is gone, and what was learned there with it.
    pub(crate) fn stop_autoconf(&mut self, interface: usize) {
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        let formed = link.autoconf.lifetimes.flush();
        link.addresses.retain(|cidr| formed.iter().all(|gone| cidr.address != IpAddr::V6(*gone)));
        link.autoconf = Autoconf::default();
    }

    fn solicit_routers(&mut self, at: Instant, interface: usize) {
        let count = self.config.autoconf.map_or(0, |config| config.router_solicitations);
        let is_host = self.config.forwarding.is_none();
        if let Some(link) = self.interfaces.get_mut(interface) {
            link.autoconf.solicitations = (is_host && count > 0).then_some((count, at));
        }
    }

    /// Does what is due.
    pub(crate) fn poll_autoconf(&mut self, now: Instant) {
        for interface in 0..self.interfaces.len() {
            self.poll_tentative(now, interface);
            self.poll_solicitations(now, interface);
            let link = &mut self.interfaces[interface];
            for router in link.autoconf.routers.expire(now) {
                self.redirects.forget(router.into());
            }
            for address in link.autoconf.lifetimes.expire(now) {
                link.remove_address(address.into());
            }
        }
    }

    fn poll_tentative(&mut self, now: Instant, interface: usize) {
        let link = &mut self.interfaces[interface];
        if link.autoconf.tentative.iter().all(|t| t.next > now) {
            return;
        }
        let nonce = self.rng.next_u64().to_be_bytes();
        let retrans = link.neighbours.retrans_timer();
        let (mut asked, mut passed) = (Vec::new(), Vec::new());
        for tentative in link.autoconf.tentative.iter_mut().filter(|t| t.next <= now) {
            match tentative.left.checked_sub(1) {
                Some(left) => {
                    (tentative.left, tentative.next) = (left, now + retrans);
                    asked.push(tentative.cidr.address);
                }
                None => passed.push(tentative.cidr),
            }
        }
        if !asked.is_empty() {
            link.autoconf.nonce.copy_from_slice(&nonce[..6]);
        }
        link.autoconf.tentative.retain(|t| !passed.contains(&t.cidr));
        passed.iter().for_each(|cidr| link.assign(*cidr));
        let link_local = IpAddr::V6(link_local_of(link.mac));
        if passed.iter().any(|cidr| cidr.address == link_local) {
            self.solicit_routers(now, interface);
        }
        for address in asked {
            if let IpAddr::V6(address) = address {
                self.send_dad(interface, address);
            }
        }
    }

    /// RFC 4862 5.4.2: from no address, to those that share the tentative one's last bytes.
    fn send_dad(&mut self, interface: usize, target: Ipv6Addr) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let options = Options { nonce: Some(link.autoconf.nonce), ..Options::default() };
        let message = Message::NeighbourSolicitation { target, options };
        let group = solicited_node(target);
        let reach = Reach::Mac(MacAddress::of_ipv6_multicast(group));
        self.send_discovery(interface, Ipv6Addr::UNSPECIFIED, group, &message, reach);
    }

    fn poll_solicitations(&mut self, now: Instant, interface: usize) {
        let link = &mut self.interfaces[interface];
        let Some((left, next)) = link.autoconf.solicitations.filter(|(_, next)| *next <= now) else { return };
        link.autoconf.solicitations = (left > 1).then_some((left - 1, next + INTERVAL));
        // RFC 4861 4.1: from an address of the interface, with the hardware address; from none without.
        let source = link.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED);
        let source_link = (!source.is_unspecified()).then_some(link.mac);
        let message = Message::RouterSolicitation(Options { source_link, ..Options::default() });
        let reach = Reach::Mac(MacAddress::of_ipv6_multicast(ALL_ROUTERS));
        self.send_discovery(interface, source, ALL_ROUTERS, &message, reach);
    }

    /// Somebody else asks for, or has, an address that is being tested: it is not used (RFC 4862 5.4.3 to 5.4.5). False where
    /// the address is not tentative.
    pub(super) fn claimed(&mut self, interface: usize, target: Ipv6Addr, nonce: Option<[u8; 6]>) -> bool {
        let Some(link) = self.interfaces.get_mut(interface) else { return false };
        if !link.autoconf.tentative().any(|address| address == target) {
            return false;
        }
        // Its own question, which the link has sent back.
        if nonce == Some(link.autoconf.nonce) {
            return true;
        }
        link.autoconf.tentative.retain(|t| t.cidr.address != IpAddr::V6(target));
        link.autoconf.lifetimes.remove(target);
        if target == link_local_of(link.mac) {
            link.autoconf.is_disabled = true;
            link.autoconf.tentative.clear();
            link.addresses.retain(|cidr| cidr.address.is_ipv4());
        }
        true
    }

    /// RFC 4861 6.3.4: what a valid Router Advertisement says is taken over.
    pub(super) fn advertisement_of_router(
        &mut self,
        now: Instant,
        interface: usize,
        router: Ipv6Addr,
        parameters: Parameters,
        options: &Options,
    ) {
        let Some(config) = self.config.autoconf.filter(|_| self.config.forwarding.is_none()) else { return };
        // 6.3.2: between half and one and a half of what is advertised.
        let percent = 50 + self.rng.next_u32() % 101;
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        link.autoconf.routers.heard(now, router, parameters.lifetime);
        if parameters.lifetime > 0 {
            link.autoconf.solicitations = None;
        } else {
            self.redirects.forget(router.into());
        }
        if parameters.hop_limit != 0 {
            link.autoconf.hop_limit = Some(parameters.hop_limit);
        }
        let milliseconds = |ms: u32| Duration::from_millis(ms.into());
        if parameters.reachable_time != 0 {
            link.neighbours.set_reachable_time(milliseconds(parameters.reachable_time) * percent / 100);
        }
        if parameters.retrans_timer != 0 {
            link.neighbours.set_retrans_timer(milliseconds(parameters.retrans_timer));
        }
        if let Some(mtu) = options.mtu.and_then(|mtu| u16::try_from(mtu).ok())
            && (1280..=link.mtu).contains(&mtu)
        {
            link.autoconf.mtu = Some(mtu);
        }
        for prefix in &options.prefixes {
            self.prefix_arrives(now, interface, prefix, config.form_addresses);
        }
    }

    /// RFC 4861 6.3.4 for the L flag, RFC 4862 5.5.3 for the A flag.
    fn prefix_arrives(&mut self, now: Instant, interface: usize, p: &PrefixInformation, form: bool) {
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        // No prefix is longer than an address (RFC 4861 4.6.2).
        let is_none = u32::from(p.length) > Ipv6Addr::BITS;
        if is_none || p.prefix.is_unicast_link_local() || p.prefix.is_multicast() {
            return;
        }
        if p.on_link {
            let prefix = Cidr { address: p.prefix.into(), length: p.length };
            link.autoconf.routers.on_link(now, prefix, p.valid_lifetime);
        }
        let usable = p.autonomous
            && form
            && !link.autoconf.is_disabled
            && p.preferred_lifetime <= p.valid_lifetime
            && p.length == PREFIX_LENGTH;
        if !usable {
            return;
        }
        let identifier = u128::from(link_local_of(link.mac)) & u128::from(u64::MAX);
        let address = Ipv6Addr::from(u128::from(p.prefix) >> 64 << 64 | identifier);
        let lifetimes = &mut link.autoconf.lifetimes;
        if lifetimes.advertised(now, address, p.preferred_lifetime, p.valid_lifetime) {
            self.begin_address(now, interface, Cidr { address: address.into(), length: 128 });
        }
    }

    /// Between nothing and a second, by chance.
    fn random_delay(&mut self) -> Duration {
        random_within(&mut self.rng, MOST_DELAY)
    }
}
