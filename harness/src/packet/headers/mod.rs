//! The tables, one file per family of headers. Offsets and widths are in bits, as the RFCs draw them.

pub(super) mod icmp;
pub(super) mod ip;
pub(super) mod link;
pub(super) mod messages;
pub(super) mod transport;
pub(super) mod tunnel;

use super::fields::{Codes, Header, Kind, Row};

/// Every table.
pub(super) const ALL: &[&Header] = &[
    &link::ETHER,
    &link::VLAN,
    &link::SNAP,
    &link::ARP,
    &ip::IPV4,
    &ip::IPV6,
    &ip::HOP_BY_HOP,
    &ip::DESTINATION,
    &ip::ROUTING,
    &ip::FRAGMENT,
    &tunnel::GRE,
    &tunnel::MPLS,
    &tunnel::PSP,
    &icmp::ICMPV4,
    &icmp::ICMPV6,
    &transport::UDP,
    &transport::TCP,
    &messages::DHCP,
    &messages::DNS,
];

const fn row(name: &'static str, offset: usize, width: usize, kind: Kind) -> Row {
    Row { name, offset, width, kind, scale: 1 }
}

const fn number(name: &'static str, offset: usize, width: usize) -> Row {
    row(name, offset, width, Kind::Number)
}

const fn scaled(name: &'static str, offset: usize, width: usize, scale: u32) -> Row {
    Row { name, offset, width, kind: Kind::Number, scale }
}

const fn code(name: &'static str, offset: usize, width: usize, codes: Codes) -> Row {
    row(name, offset, width, Kind::Code(codes))
}
