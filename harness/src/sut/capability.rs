//! What a stack can do, said by its adapter in one place.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// The functions that a case can need. A case that needs what a stack lacks is skipped on it.
///
/// The names are those that cases write behind `needs:`; results.json lists them too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Interfaces with Ethernet frames.
    Ethernet,
    /// Interfaces with bare IP datagrams.
    IpMedium,
    /// IPv4.
    Ipv4,
    /// IPv6, with neighbour discovery where the medium is Ethernet.
    Ipv6,
    /// ICMPv4 and ICMPv6 echo, and errors to the sender.
    Icmp,
    /// UDP sockets.
    Udp,
    /// TCP sockets.
    Tcp,
    /// Passive opens.
    Listen,
    /// Active opens.
    Connect,
    /// AF_INET6 sockets that speak IPv4 through mapped addresses.
    MappedAddresses,
    /// Reassembly of IPv4 fragments.
    Reassembly,
    /// Fragmentation of IPv4 datagrams larger than the MTU.
    Fragmentation,
    /// Socket options by getsockopt and setsockopt, beyond those that the descriptor layer keeps.
    SocketOptions,
    /// Errors that ICMP brought, reported to the socket.
    SocketErrors,
    /// poll(2) on the stack's descriptors.
    Poll,
    /// TCP_INFO.
    TcpInfo,
    /// Urgent data.
    Urgent,
    /// Shell commands of the script run in the stack's own system.
    Shell,
    /// More than one interface.
    Multihomed,
    /// Forwarding between interfaces.
    Forwarding,
    /// A DHCPv4 client.
    DhcpClient,
    /// A stub resolver.
    Resolver,
    /// The host can be made to reboot.
    Reboot,
}

impl Capability {
    /// Every capability with the name that cases use.
    pub const ALL: &'static [(Capability, &'static str)] = &[
        (Capability::Ethernet, "ethernet"),
        (Capability::IpMedium, "ip-medium"),
        (Capability::Ipv4, "ipv4"),
        (Capability::Ipv6, "ipv6"),
        (Capability::Icmp, "icmp"),
        (Capability::Udp, "udp"),
        (Capability::Tcp, "tcp"),
        (Capability::Listen, "listen"),
        (Capability::Connect, "connect"),
        (Capability::MappedAddresses, "mapped-addresses"),
        (Capability::Reassembly, "reassembly"),
        (Capability::Fragmentation, "fragmentation"),
        (Capability::SocketOptions, "socket-options"),
        (Capability::SocketErrors, "socket-errors"),
        (Capability::Poll, "poll"),
        (Capability::TcpInfo, "tcp-info"),
        (Capability::Urgent, "urgent"),
        (Capability::Shell, "shell"),
        (Capability::Multihomed, "multihomed"),
        (Capability::Forwarding, "forwarding"),
        (Capability::DhcpClient, "dhcp-client"),
        (Capability::Resolver, "resolver"),
        (Capability::Reboot, "reboot"),
    ];

    /// The capability that cases call `name`.
    pub fn from_name(name: &str) -> Option<Capability> {
        Capability::ALL.iter().find(|(_, n)| *n == name).map(|(c, _)| *c)
    }

    /// The name that cases use.
    pub fn name(self) -> &'static str {
        Capability::ALL.iter().find(|(c, _)| *c == self).map_or("unnamed", |(_, n)| n)
    }
}

/// Whose time a stack runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time jumps to the next deadline: runs are exact and repeatable.
    Virtual,
    /// The machine's time: a frame may be seen as much as `jitter` after it left the stack.
    Real {
        /// The lateness that is the machine's fault and not the stack's.
        jitter: Duration,
    },
}

/// By how much a stack's timers may fire late by construction, which is not a deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Granularity {
    /// A fixed amount: a tick.
    pub tick: Duration,
    /// A proportion of the timer's length, as in Linux's timer wheel (one eighth).
    pub proportion: f64,
}

impl Granularity {
    /// How late a timer of length `timer` may fire.
    pub fn slack(&self, timer: Duration) -> Duration {
        self.tick + timer.mul_f64(self.proportion)
    }
}

/// What an adapter declares of its stack.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The stack's name as `--stack` takes it, `linux` say.
    pub name: String,
    /// The stack's version: a crate's version, or the kernel's release.
    pub version: String,
    /// The functions that it has.
    pub has: BTreeSet<Capability>,
    /// Whose time it runs on.
    pub clock: Clock,
    /// The smallest step of its clock.
    pub resolution: Duration,
    /// How late its timers may fire.
    pub granularity: Granularity,
}

impl Capabilities {
    /// Whether the stack has `capability`.
    pub fn has(&self, capability: Capability) -> bool {
        self.has.contains(&capability)
    }
}
