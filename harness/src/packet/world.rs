//! What names mean in one run: the stack's own addresses, the hosts around it, the default ports.

use crate::sut::{MacAddress, Setup};
use std::net::IpAddr;

/// A host that the harness plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name in the script; the peer of every case is `REMOTE`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its hardware address.
    pub mac: MacAddress,
    /// The interface of the stack under test behind which it lives.
    pub interface: usize,
}

/// Names and defaults of one run.
#[derive(Clone, Debug)]
pub struct World {
    /// The configuration of the stack under test.
    pub setup: Setup,
    /// The stack's own address: LOCAL.
    pub local: IpAddr,
    /// The peer's address: REMOTE.
    pub remote: IpAddr,
    /// The hosts around; the first is the peer.
    pub hosts: Vec<Host>,
    /// The stack's port where a packet or `bind(3, ..., ...)` names none.
    pub local_port: u16,
    /// The peer's port where a packet or `connect(3, ..., ...)` names none.
    pub remote_port: u16,
}

impl World {
    /// The address that `name` stands for: LOCAL, REMOTE, a host's name, or an address written out.
    pub fn address(&self, name: &str) -> Option<IpAddr> {
        let v6 = self.setup.family.is_ipv6_on_wire();
        match name {
            "LOCAL" => Some(self.local),
            "REMOTE" => Some(self.remote),
            _ => match self.hosts.iter().find(|h| h.name == name) {
                Some(host) => host.addresses.iter().find(|a| a.is_ipv6() == v6).copied(),
                None => name.parse().ok(),
            },
        }
    }

    /// The hardware address that `name` stands for: LOCAL_MAC, BROADCAST_MAC, `NAME_MAC` of a host, or one written
    /// out with colons.
    pub fn mac(&self, name: &str) -> Option<MacAddress> {
        match name {
            "LOCAL_MAC" => self.setup.interfaces.first().map(|i| i.mac),
            "BROADCAST_MAC" => Some(MacAddress::BROADCAST),
            _ => match name.strip_suffix("_MAC") {
                Some(host) => self.hosts.iter().find(|h| h.name == host).map(|h| h.mac),
                None => parse_mac(name),
            },
        }
    }

    /// The host that owns `address`.
    pub fn host_of(&self, address: IpAddr) -> Option<&Host> {
        self.hosts.iter().find(|h| h.addresses.contains(&address))
    }
}

fn parse_mac(text: &str) -> Option<MacAddress> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        let part = parts.next()?;
        if part.len() != 2 {
            return None;
        }
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(MacAddress(mac))
}
