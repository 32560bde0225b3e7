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

/// An ICMP type with its name and its codes' names.
struct IcmpType {
    v6: bool,
    number: u8,
    names: &'static [&'static str],
    codes: &'static [(u8, &'static str)],
}

const fn icmp(
    v6: bool,
    number: u8,
    names: &'static [&'static str],
    codes: &'static [(u8, &'static str)],
) -> IcmpType {
    IcmpType { v6, number, names, codes }
}

const UNREACHABLE_V4: &[(u8, &str)] = &[
    (0, "net"),
    (0, "net_unreachable"),
    (1, "host"),
    (1, "host_unreachable"),
    (2, "protocol"),
    (2, "protocol_unreachable"),
    (3, "port"),
    (3, "port_unreachable"),
    (4, "frag_needed"),
    (5, "source_route_failed"),
    (6, "net_unknown"),
    (7, "host_unknown"),
    (8, "source_host_isolated"),
    (9, "net_prohibited"),
    (10, "host_prohibited"),
    (11, "net_tos"),
    (12, "host_tos"),
    (13, "packet_filtered"),
    (14, "precedence_violation"),
    (15, "precedence_cutoff"),
];

const UNREACHABLE_V6: &[(u8, &str)] = &[
    (0, "no_route"),
    (0, "net"),
    (1, "admin_prohibited"),
    (2, "beyond_scope"),
    (3, "address"),
    (3, "address_unreachable"),
    (3, "host"),
    (4, "port"),
    (4, "port_unreachable"),
    (5, "policy_fail"),
    (6, "reject_route"),
];

/// The first name of a type and of a code is the one that descriptions use.
const ICMP_TYPES: &[IcmpType] = &[
    icmp(false, 0, &["echo_reply"], &[]),
    icmp(false, 3, &["unreachable"], UNREACHABLE_V4),
    icmp(false, 4, &["source_quench"], &[]),
    icmp(false, 5, &["redirect"], &[(0, "net"), (1, "host"), (2, "net_tos"), (3, "host_tos")]),
    icmp(false, 8, &["echo_request"], &[]),
    icmp(false, 9, &["router_advertisement"], &[]),
    icmp(false, 10, &["router_solicitation"], &[]),
    icmp(false, 11, &["time_exceeded"], &[(0, "ttl"), (1, "reassembly")]),
    icmp(false, 12, &["parameter_problem"], &[(1, "missing_option"), (2, "bad_length")]),
    icmp(false, 13, &["timestamp_request", "timestamp"], &[]),
    icmp(false, 14, &["timestamp_reply"], &[]),
    icmp(false, 15, &["information_request"], &[]),
    icmp(false, 16, &["information_reply"], &[]),
    icmp(false, 17, &["mask_request", "address_mask_request"], &[]),
    icmp(false, 18, &["mask_reply", "address_mask_reply"], &[]),
    icmp(true, 1, &["unreachable"], UNREACHABLE_V6),
    icmp(true, 2, &["packet_too_big"], &[]),
    icmp(true, 3, &["time_exceeded"], &[(0, "hop_limit"), (0, "ttl"), (1, "reassembly")]),
    icmp(
        true,
        4,
        &["parameter_problem"],
        &[(0, "header_field"), (0, "pointer"), (1, "next_header"), (2, "option"), (3, "header_chain")],
    ),
    icmp(true, 128, &["echo_request"], &[]),
    icmp(true, 129, &["echo_reply"], &[]),
    icmp(true, 130, &["mld_query"], &[]),
    icmp(true, 131, &["mld_report"], &[]),
    icmp(true, 132, &["mld_done"], &[]),
    icmp(true, 133, &["router_solicitation", "rs"], &[]),
    icmp(true, 134, &["router_advertisement", "ra"], &[]),
    icmp(true, 135, &["neighbor_solicitation", "ns"], &[]),
    icmp(true, 136, &["neighbor_advertisement", "na"], &[]),
    icmp(true, 137, &["redirect"], &[]),
    icmp(true, 143, &["mldv2_report"], &[]),
];

/// The names of an ICMP type and of its code, where they have any.
pub(super) fn icmp_names(v6: bool, number: u8, code: u8) -> Option<(&'static str, Option<&'static str>)> {
    let entry = ICMP_TYPES.iter().find(|t| t.v6 == v6 && t.number == number)?;
    Some((entry.names[0], entry.codes.iter().find(|(c, _)| *c == code).map(|(_, n)| *n)))
}
