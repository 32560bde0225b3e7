//! The host that scenarios are played on.

use super::operation::Version;
use super::segment::Ends;
use crate::sut::{Family, Interface, MacAddress, Medium, Prefix, Rules, Setup};
use std::collections::BTreeMap;

/// One interface that carries bare IP, with the stack's end of the connection on it.
pub fn setup(version: Version) -> Setup {
    let (family, length, mtu) = match version {
        Version::V4 => (Family::Ipv4, 24, 1500),
        Version::V6 => (Family::Ipv6, 64, 1520),
    };
    let address = Ends::of(version).local.0;
    Setup {
        rules: Rules::Ours,
        family,
        interfaces: vec![Interface {
            name: "tun0".to_owned(),
            medium: Medium::Ip,
            mtu,
            mac: MacAddress([2, 0, 0, 0, 0, 1]),
            addresses: vec![Prefix { address, length }],
        }],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: BTreeMap::new(),
        seed: 1,
    }
}
