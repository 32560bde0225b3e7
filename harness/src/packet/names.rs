//! Names of numbers in headers, both ways.

use super::fields::Codes;
use crate::lang::ast::LayerKind;

const ETHER_TYPES: &[(&str, u16)] = &[
    ("ip", 0x0800),
    ("arp", 0x0806),
    ("vlan", 0x8100),
    ("ip6", 0x86dd),
    ("mpls", 0x8847),
    ("ipv4", 0x0800),
    ("ipv6", 0x86dd),
];

const PROTOCOLS: &[(&str, u16)] = &[
    ("hbh", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipv4", 4),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6", 41),
    ("rt", 43),
    ("frag", 44),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("none", 59),
    ("dst", 60),
    ("mpls", 137),
];

const ARP_OPERATIONS: &[(&str, u16)] = &[("request", 1), ("who-has", 1), ("reply", 2)];

fn table(codes: Codes) -> &'static [(&'static str, u16)] {
    match codes {
        Codes::EtherType => ETHER_TYPES,
        Codes::Protocol => PROTOCOLS,
        Codes::ArpOperation => ARP_OPERATIONS,
    }
}

/// The number that `name` stands for.
pub(super) fn number(codes: Codes, name: &str) -> Option<u16> {
    table(codes).iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
}

/// The name of `value`.
pub(super) fn name(codes: Codes, value: u128) -> Option<&'static str> {
    table(codes).iter().find(|(_, v)| u128::from(*v) == value).map(|(n, _)| *n)
}

/// The EtherType of a header directly behind Ethernet.
pub(super) fn ether_type_of(kind: LayerKind) -> Option<u16> {
    match kind {
        LayerKind::Ipv4 => Some(0x0800),
        LayerKind::Arp => Some(0x0806),
        LayerKind::Vlan => Some(0x8100),
        LayerKind::Ipv6 => Some(0x86dd),
        LayerKind::Mpls => Some(0x8847),
        _ => None,
    }
}

/// The header behind Ethernet with this type.
pub(super) fn layer_of_ether_type(ether_type: u128) -> Option<LayerKind> {
    match ether_type {
        0x0800 => Some(LayerKind::Ipv4),
        0x0806 => Some(LayerKind::Arp),
        0x8100 => Some(LayerKind::Vlan),
        0x86dd => Some(LayerKind::Ipv6),
        0x8847 => Some(LayerKind::Mpls),
        _ => None,
    }
}

/// The IP protocol number of a header.
pub(super) fn protocol_of(kind: LayerKind) -> Option<u8> {
    match kind {
        LayerKind::HopByHop => Some(0),
        LayerKind::Icmpv4 => Some(1),
        LayerKind::Ipv4 => Some(4),
        LayerKind::Tcp => Some(6),
        LayerKind::Udp => Some(17),
        LayerKind::Ipv6 => Some(41),
        LayerKind::Routing => Some(43),
        LayerKind::Fragment => Some(44),
        LayerKind::Gre => Some(47),
        LayerKind::Icmpv6 => Some(58),
        LayerKind::DestinationOptions => Some(60),
        LayerKind::Mpls => Some(137),
        _ => None,
    }
}

/// The header behind IP with this protocol number. Headers of one version behind the other are payload.
pub(super) fn layer_of_protocol(v6: bool, protocol: u128) -> Option<LayerKind> {
    match protocol {
        0 if v6 => Some(LayerKind::HopByHop),
        1 if !v6 => Some(LayerKind::Icmpv4),
        4 => Some(LayerKind::Ipv4),
        6 => Some(LayerKind::Tcp),
        17 => Some(LayerKind::Udp),
        41 => Some(LayerKind::Ipv6),
        43 if v6 => Some(LayerKind::Routing),
        44 if v6 => Some(LayerKind::Fragment),
        47 => Some(LayerKind::Gre),
        58 if v6 => Some(LayerKind::Icmpv6),
        60 if v6 => Some(LayerKind::DestinationOptions),
        137 => Some(LayerKind::Mpls),
        _ => None,
    }
}
