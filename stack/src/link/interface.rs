//! An interface: its addresses, the groups that follow from them, and its caches.

use super::advertising::Advertising;
use super::anycast::Answers;
use super::arp::ArpCache;
use super::autoconf::Autoconf;
use super::claims::Claims;
use super::conflicts::Conflicts;
use super::ethernet::LinkCounters;
use super::groups::Groups;
use super::neighbours::NeighbourCache;
use crate::config::{Config, InterfaceConfig, LinkConfig, Medium};
use crate::ip::{Cidr, solicited_node};
use crate::wire::MacAddress;
use crate::wire::ipv6::MIN_MTU;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// ff02::1, every node on the link (RFC 4291 2.7.1).
pub(crate) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// ff01::1, every node on the interface.
const INTERFACE_ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1);
/// 224.0.0.1, of which every host is a member (RFC 1112 4).
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

/// ff02::2, every router on the link.
pub(crate) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// Every router of the interface, the link and the site.
const ROUTERS: [Ipv6Addr; 3] =
    [Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 2), ALL_ROUTERS, Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 2)];
/// 224.0.0.2, every router on the link.
const ALL_ROUTERS_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) medium: Medium,
    pub(crate) mtu: u16,
    pub(crate) mac: MacAddress,
    pub(crate) addresses: Vec<Cidr>,
    pub(crate) up: bool,
    pub(crate) link: LinkConfig,
    pub(crate) counters: LinkCounters,
    /// Whether the host is a router that forwards from and to here (RFC 1812 5.3.11).
    pub(crate) forwards: bool,
    pub(crate) arp: ArpCache,
    pub(crate) claims: Claims,
    pub(crate) conflicts: Conflicts,
    pub(crate) neighbours: NeighbourCache,
    pub(crate) advertising: Advertising,
    pub(crate) anycast: Answers,
    pub(crate) autoconf: Autoconf,
    pub(crate) groups: Groups,
}

impl Interface {
    pub(crate) fn new(interface: &InterfaceConfig, config: &Config) -> Interface {
        let mut new = Interface {
            medium: interface.medium,
            mtu: interface.mtu,
            mac: interface.mac,
            addresses: Vec::new(),
            up: true,
            link: LinkConfig::default(),
            counters: LinkCounters::default(),
            forwards: config.forwarding.is_some(),
            arp: ArpCache::new(config.arp),
            claims: Claims::default(),
            conflicts: Conflicts::default(),
            neighbours: NeighbourCache::new(config.neighbour_discovery),
            advertising: Advertising::default(),
            anycast: Answers::default(),
            autoconf: Autoconf::default(),
            groups: Groups::default(),
        };
        interface.addresses.iter().for_each(|address| new.add_address(*address));
        new
    }

    /// Adds an address, and the link-local one that an IPv6 interface on Ethernet always has (RFC 4291 2.8).
    pub(crate) fn add_address(&mut self, cidr: Cidr) {
        self.assign(cidr);
        let link_local =
            self.addresses.iter().any(|a| matches!(a.address, IpAddr::V6(a) if a.is_unicast_link_local()));
        if self.has(cidr.address) && cidr.address.is_ipv6() && self.medium == Medium::Ethernet && !link_local
        {
            self.addresses.push(Cidr { address: link_local_of(self.mac).into(), length: 64 });
        }
    }

    /// Adds an address and nothing besides; none of IPv6 where the link carries less than that needs (RFC 8200 5).
    pub(crate) fn assign(&mut self, cidr: Cidr) {
        if !self.has(cidr.address) && (cidr.address.is_ipv4() || usize::from(self.mtu) >= MIN_MTU) {
            self.addresses.push(cidr);
        }
    }

    /// Removes an address; false where the interface does not have it.
    pub(crate) fn remove_address(&mut self, address: IpAddr) -> bool {
        let before = self.addresses.len();
        self.addresses.retain(|a| a.address != address);
        self.addresses.len() < before
    }

    /// Whether `address` is the interface's own.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|a| a.address == address)
    }

    /// The link-local IPv6 address, which stands for the interface towards its neighbours.
    pub(crate) fn link_local(&self) -> Option<Ipv6Addr> {
        self.ipv6().map(|(address, _)| address).find(Ipv6Addr::is_unicast_link_local)
    }

    /// Whether an address is not to be used for new communication any more (RFC 4862 5.5.4).
    pub(crate) fn is_deprecated(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V6(address) if self.autoconf.lifetimes.is_deprecated(address))
    }

    /// The solicited-node groups of its addresses, those that are tested and a router's anycast addresses among them
    /// (RFC 4861 7.2.1).
    fn solicited_nodes(&self) -> impl Iterator<Item = Ipv6Addr> {
        let subnets = self.ipv6().filter_map(|(_, cidr)| match cidr.network() {
            IpAddr::V6(subnet) if self.is_subnet_anycast(subnet) => Some(subnet),
            _ => None,
        });
        self.ipv6()
            .map(|(address, _)| address)
            .chain(self.autoconf.tentative())
            .chain(subnets)
            .map(solicited_node)
    }

    /// Whether frames to this group address are for the host.
    pub(crate) fn listens_to(&self, group: MacAddress) -> bool {
        let own = self.solicited_nodes().map(MacAddress::of_ipv6_multicast);
        let joined = self.groups.joined().map(|group| match group {
            IpAddr::V4(group) => MacAddress::of_ipv4_multicast(*group),
            IpAddr::V6(group) => MacAddress::of_ipv6_multicast(*group),
        });
        let everybody = [MacAddress::of_ipv4_multicast(ALL_HOSTS), MacAddress::of_ipv6_multicast(ALL_NODES)];
        let routers =
            [MacAddress::of_ipv4_multicast(ALL_ROUTERS_V4), MacAddress::of_ipv6_multicast(ALL_ROUTERS)];
        let routers = routers.into_iter().filter(|_| self.forwards);
        own.chain(joined).chain(everybody).chain(routers).any(|mac| mac == group)
    }

    /// Whether the host is a member of this IP group here.
    pub(crate) fn is_member(&self, group: IpAddr) -> bool {
        if self.groups.is_member(group) {
            return true;
        }
        match group {
            IpAddr::V4(group) => group == ALL_HOSTS || (self.forwards && group == ALL_ROUTERS_V4),
            IpAddr::V6(group) => {
                // RFC 4291 2.8: those of every node, and those of every router in three scopes.
                matches!(group, ALL_NODES | INTERFACE_ALL_NODES)
                    || (self.forwards && ROUTERS.contains(&group))
                    || self.solicited_nodes().any(|own| own == group)
            }
        }
    }

    /// Whether `address` is one of the anycast addresses that every router on the link has (RFC 4291 2.6.1).
    pub(crate) fn is_subnet_anycast(&self, address: Ipv6Addr) -> bool {
        let mut subnets = self.ipv6().filter(|(_, cidr)| cidr.length < 127).map(|(_, cidr)| cidr.network());
        self.forwards && subnets.any(|subnet| subnet == IpAddr::V6(address))
    }

    /// Whether `address` is a broadcast address here: limited, or of one of the interface's subnets, in the form of
    /// all ones or the old one of zeros (RFC 1122 3.3.6).
    pub(crate) fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        address.is_broadcast() || self.addresses.iter().any(|a| a.is_broadcast(address))
    }

    /// The IPv4 addresses with their prefixes.
    pub(crate) fn ipv4(&self) -> impl Iterator<Item = (Ipv4Addr, &Cidr)> {
        self.addresses.iter().filter_map(|cidr| match cidr.address {
            IpAddr::V4(a) => Some((a, cidr)),
            IpAddr::V6(_) => None,
        })
    }

    /// The IPv6 addresses with their prefixes.
    pub(crate) fn ipv6(&self) -> impl Iterator<Item = (Ipv6Addr, &Cidr)> {
        self.addresses.iter().filter_map(|cidr| match cidr.address {
            IpAddr::V6(a) => Some((a, cidr)),
            IpAddr::V4(_) => None,
        })
    }
}

/// The link-local address of a hardware address (RFC 4291 appendix A).
pub(super) fn link_local_of(mac: MacAddress) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0.map(u16::from);
    let word = |high: u16, low: u16| high << 8 | low;
    Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f))
}
