//! How a host is configured. Every default says where it comes from.

use crate::ip::Cidr;
use crate::wire::MacAddress;
use core::time::Duration;
use std::net::{IpAddr, SocketAddrV4};

/// The configuration of a [`crate::Host`]. The default has no interface.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The interfaces, numbered from 0.
    pub interfaces: Vec<InterfaceConfig>,
    /// Properties of their links, in the same order; where there are none, the default.
    pub links: Vec<LinkConfig>,
    /// Routes beyond those that the interfaces' prefixes give.
    pub routes: Vec<Route>,
    /// Neighbours known from the start; they neither age nor change.
    pub neighbours: Vec<Neighbour>,
    /// How the host forwards between its interfaces; `None`, as RFC 1122 3.1 requires by default: not at all.
    pub forwarding: Option<ForwardingConfig>,
    /// The ports that a router passes on to hosts behind it.
    pub port_forwards: Vec<PortForward>,
    /// IPv4.
    pub ipv4: Ipv4Config,
    /// IPv6.
    pub ipv6: Ipv6Config,
    /// ARP.
    pub arp: ArpConfig,
    /// Neighbour discovery.
    pub neighbour_discovery: NeighbourConfig,
    /// How IPv6 addresses and routers are found; `None`: addresses are configured and count at once, routers say nothing.
    pub autoconf: Option<AutoconfConfig>,
    /// Whether routers are told of the groups that follow from own addresses, too.
    pub report_own_groups: bool,
    /// ICMP for both families.
    pub icmp: IcmpConfig,
    /// TCP.
    pub tcp: crate::tcp::Config,
    /// Sockets.
    pub socket: SocketConfig,
    /// The resolver.
    pub resolver: ResolverConfig,
    /// What random numbers are drawn from.
    pub seed: u64,
}

/// What an interface carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Ethernet frames without FCS.
    Ethernet,
    /// Bare IP datagrams.
    Ip,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceConfig {
    /// What it carries.
    pub medium: Medium,
    /// The largest IP datagram, in bytes (RFC 1122 3.3.3: configurable; RFC 894: 1500 on Ethernet).
    pub mtu: u16,
    /// Its hardware address; unused where the medium is IP.
    pub mac: MacAddress,
    /// Its addresses. An Ethernet interface with an IPv6 address gets a link-local one besides (RFC 4291 2.8).
    pub addresses: Vec<Cidr>,
}

/// What an Ethernet link and its adapter do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkConfig {
    /// Whether frames carry their check sequence (CRC-32, IEEE 802.3 3.2.9) here: it is made, and checked. By default the
    /// adapter does both out of sight.
    pub fcs: bool,
    /// Which frames for others come through.
    pub filter: Filter,
}

/// Which frames an adapter lets through besides those to its own address, to all, and to groups that the host listens to.
/// No protocol looks at them: they are counted for whoever watches the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// No others.
    #[default]
    Own,
    /// Those to any group.
    AllMulticast,
    /// All that there are.
    Promiscuous,
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destinations.
    pub destination: Cidr,
    /// The next hop; `None` where the destinations are on the link.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub interface: usize,
    /// Of two routes with prefixes of one length, that with the lower metric is taken.
    pub metric: u32,
}

/// A port of a router's address that stands for a port of a host behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortForward {
    /// TCP's or UDP's number.
    pub protocol: u8,
    /// The router's address and port, as others see them.
    pub outside: SocketAddrV4,
    /// The host's.
    pub inside: SocketAddrV4,
}

/// What a router does besides forwarding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForwardingConfig {
    /// Whether broadcasts to another interface's network are passed on (RFC 1812 5.3.5.2, whose default RFC 2644 turned
    /// round): no.
    pub directed_broadcasts: bool,
    /// Whether datagrams are dropped that come from where their source is not (RFC 1812 5.3.8): no.
    pub source_filter: bool,
}

/// A neighbour's hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: MacAddress,
    /// The interface that it is behind.
    pub interface: usize,
}

/// How datagrams are put together from fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyConfig {
    /// How long fragments wait for the others.
    pub timeout: Duration,
    /// Bytes of all incomplete datagrams together; beyond it the oldest is dropped.
    pub memory: usize,
}

impl Default for ReassemblyConfig {
    /// 60 s (RFC 1122 3.3.2: fixed, between 60 and 120 s; RFC 8200 4.5: 60 s). 4 MiB is Linux's.
    fn default() -> ReassemblyConfig {
        ReassemblyConfig { timeout: Duration::from_secs(60), memory: 4 << 20 }
    }
}

/// IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Config {
    /// Time to live where the transport says none: 64 (RFC 1122 3.2.1.7, RFC 1700).
    pub ttl: u8,
    /// Reassembly.
    pub reassembly: ReassemblyConfig,
    /// Whether TCP segments carry DF, so that routers report the path's MTU (RFC 1191 3): on.
    pub path_mtu_discovery: bool,
}

impl Default for Ipv4Config {
    fn default() -> Ipv4Config {
        Ipv4Config { ttl: 64, reassembly: ReassemblyConfig::default(), path_mtu_discovery: true }
    }
}

/// IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Config {
    /// Hop limit where the transport says none: 64 (RFC 4861 6.3.2, RFC 1700).
    pub hop_limit: u8,
    /// Reassembly.
    pub reassembly: ReassemblyConfig,
}

impl Default for Ipv6Config {
    fn default() -> Ipv6Config {
        Ipv6Config { hop_limit: 64, reassembly: ReassemblyConfig::default() }
    }
}

/// ARP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpConfig {
    /// How long a mapping is believed without being heard again: 60 s (RFC 1122 2.3.2.1, "of the order of a minute").
    pub timeout: Duration,
    /// Between requests for one address: 1 s (RFC 1122 2.3.2.1).
    pub retransmit: Duration,
    /// Requests before the destination is given up; RFC 826 has no number, 3 is RFC 4861's and Linux's.
    pub attempts: u32,
    /// Datagrams that wait for one address (RFC 1122 2.3.2.2: at least one, the newest).
    pub queue: usize,
    /// Addresses in the cache of one interface.
    pub entries: usize,
    /// Whether an address that is added is probed for before it is used, and announced then (RFC 5227 2.1): no, since
    /// what hands out addresses may do so itself.
    pub detect_conflicts: bool,
}

impl Default for ArpConfig {
    fn default() -> ArpConfig {
        let (timeout, retransmit) = (Duration::from_secs(60), Duration::from_secs(1));
        ArpConfig { timeout, retransmit, attempts: 3, queue: 8, entries: 1024, detect_conflicts: false }
    }
}

/// Neighbour discovery; the constants of RFC 4861 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourConfig {
    /// REACHABLE_TIME: 30 s.
    pub reachable_time: Duration,
    /// RETRANS_TIMER: 1 s.
    pub retrans_timer: Duration,
    /// DELAY_FIRST_PROBE_TIME: 5 s.
    pub delay_first_probe: Duration,
    /// MAX_MULTICAST_SOLICIT: 3.
    pub max_multicast_solicit: u32,
    /// MAX_UNICAST_SOLICIT: 3.
    pub max_unicast_solicit: u32,
    /// Packets that wait for one address (7.2.2: at least one, the newest).
    pub queue: usize,
    /// Addresses in the cache of one interface.
    pub entries: usize,
}

impl Default for NeighbourConfig {
    fn default() -> NeighbourConfig {
        NeighbourConfig {
            reachable_time: Duration::from_secs(30),
            retrans_timer: Duration::from_secs(1),
            delay_first_probe: Duration::from_secs(5),
            max_multicast_solicit: 3,
            max_unicast_solicit: 3,
            queue: 8,
            entries: 1024,
        }
    }
}

/// Autoconfiguration of IPv6 (RFC 4862, RFC 4861 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoconfConfig {
    /// DupAddrDetectTransmits: 1; 0 turns the test off.
    pub dad_transmits: u32,
    /// MAX_RTR_SOLICITATIONS: 3.
    pub router_solicitations: u32,
    /// Whether addresses are formed from advertised prefixes (RFC 4862 5.5: yes by default).
    pub form_addresses: bool,
}

impl Default for AutoconfConfig {
    fn default() -> AutoconfConfig {
        AutoconfConfig { dad_transmits: 1, router_solicitations: 3, form_addresses: true }
    }
}

/// How many ICMP errors may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Errors a second.
    pub per_second: u32,
    /// Errors at once after a pause.
    pub burst: u32,
}

/// ICMP for both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpConfig {
    /// The limit on errors (RFC 1812 4.3.2.8; RFC 4443 2.4(f) requires one and leaves the numbers to the configuration).
    pub error_limit: Option<RateLimit>,
    /// Whether Echo Requests to IPv4 broadcast and multicast addresses are answered (RFC 1122 3.2.2.6: MAY): no.
    pub echo_broadcast: bool,
    /// Whether Destination Unreachable is sent (RFC 4443 3.1: SHOULD be possible to turn off): yes.
    pub unreachables: bool,
}

impl Default for IcmpConfig {
    /// 100 errors at once and 100 a second: traceroute and port scans get their answers, a flood does not.
    fn default() -> IcmpConfig {
        IcmpConfig {
            error_limit: Some(RateLimit { per_second: 100, burst: 100 }),
            echo_broadcast: false,
            unreachables: true,
        }
    }
}

/// The stub resolver. By default it asks the servers that DHCP names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolverConfig {
    /// Servers in order of preference.
    pub servers: Vec<IpAddr>,
    /// Domains that names without a dot are tried in (RFC 1123 6.1.4.3).
    pub search: Vec<String>,
    /// Whether a response must repeat the question to the letter's case, which is drawn by chance. Off: names are equal
    /// whatever their case (RFC 1035 2.3.3), and servers may change it.
    pub case_must_match: bool,
}

/// Sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketConfig {
    /// Bytes that a datagram socket keeps for its reader; Linux's net.core.rmem_default.
    pub datagram_buffer: usize,
    /// Open descriptors; POSIX's OPEN_MAX is at least 20, Linux's soft limit 1024.
    pub descriptors: usize,
    /// The first ephemeral port: RFC 6335 6 gives 49152 to 65535, RFC 6056 3.2 wants them from 1024 on; this is Linux's.
    pub first_ephemeral_port: u16,
    /// The last one.
    pub last_ephemeral_port: u16,
}

impl Default for SocketConfig {
    fn default() -> SocketConfig {
        SocketConfig {
            datagram_buffer: 212_992,
            descriptors: 1024,
            first_ephemeral_port: 32_768,
            last_ephemeral_port: 60_999,
        }
    }
}
