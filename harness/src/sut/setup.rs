//! How a stack is configured before a run: interfaces, addresses, routes, neighbours, settings.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The protocol family of a run. A case without IP has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4 on the wire, AF_INET sockets.
    Ipv4,
    /// IPv6 on the wire, AF_INET6 sockets.
    Ipv6,
    /// IPv4 on the wire, AF_INET6 sockets with mapped addresses.
    Ipv4MappedIpv6,
    /// No IP: a case about the link alone.
    None,
}

impl Family {
    /// Every family with the name that the command line and results.json use.
    pub const ALL: &'static [(Family, &'static str)] = &[
        (Family::Ipv4, "ipv4"),
        (Family::Ipv6, "ipv6"),
        (Family::Ipv4MappedIpv6, "ipv4-mapped-ipv6"),
        (Family::None, "none"),
    ];

    /// The name that the command line and results.json use.
    pub fn name(self) -> &'static str {
        Family::ALL.iter().find(|(f, _)| *f == self).map_or("none", |(_, n)| n)
    }

    /// The family called `name`.
    pub fn from_name(name: &str) -> Option<Family> {
        Family::ALL.iter().find(|(_, n)| *n == name).map(|(f, _)| *f)
    }

    /// Whether IPv6 headers are on the wire.
    pub fn is_ipv6_on_wire(self) -> bool {
        self == Family::Ipv6
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A 48-bit Ethernet address in the order of transmission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// All ones: every station.
    pub const BROADCAST: MacAddress = MacAddress([0xff; 6]);
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// Leading bits that name the network: 0 to 32, or 0 to 128.
    pub length: u8,
}

/// What an interface carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Ethernet II frames without FCS.
    Ethernet,
    /// Bare IP datagrams, as on a TUN device.
    Ip,
}

/// One interface of the stack under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name in the case, `eth0` or `tun0`.
    pub name: String,
    /// What it carries.
    pub medium: Medium,
    /// The largest IP datagram, in bytes.
    pub mtu: u16,
    /// Its hardware address; unused where the medium is IP.
    pub mac: MacAddress,
    /// Its addresses.
    pub addresses: Vec<Prefix>,
}

/// A route of the stack under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destinations.
    pub destination: Prefix,
    /// The next hop; `None` where the destinations are on the link.
    pub gateway: Option<IpAddr>,
    /// The position of the interface in [`Setup::interfaces`].
    pub interface: usize,
}

/// A neighbour whose hardware address the stack is given, so that it need not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: MacAddress,
    /// The position of the interface in [`Setup::interfaces`].
    pub interface: usize,
}

/// Whose rules a script was written for; a live kernel's link is set up accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// A case of ours: no offload, every frame as it would stand on the wire.
    Ours,
    /// An upstream packetdrill script: a TUN device with checksum and segmentation offload.
    Packetdrill,
}

/// The configuration of a stack for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Whose rules the script follows.
    pub rules: Rules,
    /// The family of the run.
    pub family: Family,
    /// The interfaces, the first being the one a case means where it names none.
    pub interfaces: Vec<Interface>,
    /// Routes beyond those that the interfaces' prefixes give.
    pub routes: Vec<Route>,
    /// Neighbours known from the start.
    pub neighbours: Vec<Neighbour>,
    /// Whether the stack forwards between its interfaces.
    pub forwarding: bool,
    /// Named settings, from `with:` in a case's head: `cc` to `reno`, say.
    pub settings: BTreeMap<String, String>,
    /// What the stack's random numbers are drawn from.
    pub seed: u64,
}
