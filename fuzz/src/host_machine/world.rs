//! The host under test and what is around it.
//!
//! ```text
//!  10.0.0.0/8 ─ 192.0.2.2 ┐                     ┌ 198.51.100.2 ─ 10.1.0.0/16
//!               192.0.2.3 ┴ eth0 192.0.2.1      ├ eth1 198.51.100.1
//!                                               └ tun0 203.0.113.1 ─ 203.0.113.2
//! ```
//! and the same over IPv6, with 2001:db8:1::/64, 2001:db8:2::/64, 2001:db8:3::/64, and fd00::/16 and fd01::/16 behind the gateways.

use harness::sut::{
    Capabilities, Capability, Family, Interface, MacAddress, Medium, Prefix, Route, Rules, Setup,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The ports of the UDP socket that the host has, and of one that it has not.
pub(super) const OPEN: u16 = 7;
pub(super) const CLOSED: u16 = 9;

/// Addresses that datagrams come from and go to; both tables have the same roles at the same places.
pub(super) const V4: [Ipv4Addr; 16] = [
    Ipv4Addr::new(192, 0, 2, 2),
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(198, 51, 100, 1),
    Ipv4Addr::new(198, 51, 100, 2),
    Ipv4Addr::new(203, 0, 113, 2),
    Ipv4Addr::new(10, 0, 0, 9),
    Ipv4Addr::new(10, 1, 0, 9),
    Ipv4Addr::new(192, 0, 2, 3),
    Ipv4Addr::new(192, 0, 2, 255),
    Ipv4Addr::new(255, 255, 255, 255),
    Ipv4Addr::new(224, 0, 0, 1),
    Ipv4Addr::new(239, 1, 1, 1),
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::LOCALHOST,
    Ipv4Addr::new(240, 0, 0, 1),
    Ipv4Addr::new(169, 254, 1, 1),
];

const fn documentation(network: u16, host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, network, 0, 0, 0, 0, host)
}

pub(super) const V6: [Ipv6Addr; 16] = [
    documentation(1, 2),
    documentation(1, 1),
    documentation(2, 1),
    documentation(2, 2),
    documentation(3, 2),
    Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9),
    Ipv6Addr::new(0xfd01, 0, 0, 0, 0, 0, 0, 9),
    documentation(1, 3),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 1),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2),
    Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::LOCALHOST,
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1),
];

/// The host's hardware address on an interface, as the stack of a case has it.
pub(super) fn own_mac(interface: usize) -> [u8; 6] {
    match interface {
        0 => [2, 0, 0, 0, 0, 1],
        other => [2, 0, 0, 0, 1, other as u8],
    }
}

/// The hardware address of whoever has `address` on a link.
pub(super) fn mac_of(address: IpAddr) -> [u8; 6] {
    match address {
        IpAddr::V4(a) => [2, 4, a.octets()[0], a.octets()[1], a.octets()[2], a.octets()[3]],
        IpAddr::V6(a) => [2, 6, a.octets()[5], a.octets()[13], a.octets()[14], a.octets()[15]],
    }
}

/// The link-local address that an interface gives itself (RFC 4291 2.5.1, appendix A).
pub(super) fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f))
}

/// How many interfaces a stack can have here.
pub(super) fn interfaces(capabilities: &Capabilities) -> usize {
    if capabilities.has(Capability::Multihomed) { 3 } else { 1 }
}

/// The host, which is number `number` of those on the link; as a router where that is asked for and can be.
pub(super) fn setup(capabilities: &Capabilities, number: u8, forwards: bool) -> Setup {
    let interface = |at: usize| {
        let (v4, v6) = own(at, number);
        let mut mac = own_mac(at);
        mac[1] = number;
        Interface {
            name: ["eth0", "eth1", "tun0"][at].to_owned(),
            medium: if at == 2 { Medium::Ip } else { Medium::Ethernet },
            mtu: if at == 2 { 1280 } else { 1500 },
            mac: MacAddress(mac),
            addresses: vec![
                Prefix { address: v4.into(), length: 24 },
                Prefix { address: v6.into(), length: 64 },
            ],
        }
    };
    let count = interfaces(capabilities);
    Setup {
        rules: Rules::Ours,
        family: Family::Ipv4,
        interfaces: (0..count).map(interface).collect(),
        routes: routes(number).into_iter().filter(|route| route.interface < count).collect(),
        neighbours: Vec::new(),
        forwarding: forwards && capabilities.has(Capability::Forwarding),
        settings: BTreeMap::new(),
        seed: 7 + u64::from(number),
    }
}

/// The addresses of host `number` on an interface.
fn own(interface: usize, number: u8) -> (Ipv4Addr, Ipv6Addr) {
    let network = [[192, 0, 2], [198, 51, 100], [203, 0, 113]][interface];
    let host = 1 + number;
    (
        Ipv4Addr::new(network[0], network[1], network[2], host),
        documentation(interface as u16 + 1, u16::from(host)),
    )
}

/// What is behind gateways: of two hosts each has the other one for its gateway, so that a datagram may go round.
fn routes(number: u8) -> Vec<Route> {
    let prefix = |address: IpAddr, length| Prefix { address, length };
    let gateway = |at: usize| if number == 0 { at } else { 1 };
    vec![
        Route {
            destination: prefix(Ipv4Addr::new(10, 0, 0, 0).into(), 8),
            gateway: Some(V4[gateway(0)].into()),
            interface: 0,
        },
        Route {
            destination: prefix(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0).into(), 16),
            gateway: Some(V6[gateway(0)].into()),
            interface: 0,
        },
        Route {
            destination: prefix(Ipv4Addr::new(10, 1, 0, 0).into(), 16),
            gateway: Some(V4[3].into()),
            interface: 1,
        },
        Route {
            destination: prefix(Ipv6Addr::new(0xfd01, 0, 0, 0, 0, 0, 0, 0).into(), 16),
            gateway: Some(V6[3].into()),
            interface: 1,
        },
    ]
}
