//! ICMPv4 and ICMPv6: what every message has, and one table per type.

use super::{Header, Kind, Row, number, row};
use crate::lang::ast::LayerKind;

const COMMON: &[Row] = &[
    number("type", 0, 8),
    number("code", 8, 8),
    row("csum", 16, 16, Kind::Checksum),
    number("rest", 32, 32),
];

/// RFC 792.
pub(in crate::packet) const ICMPV4: Header =
    Header { kind: LayerKind::Icmpv4, keyword: "icmp", length: 8, rows: COMMON };

/// RFC 4443 section 2.1.
pub(in crate::packet) const ICMPV6: Header =
    Header { kind: LayerKind::Icmpv6, keyword: "icmp6", length: 8, rows: COMMON };

/// Echo and echo reply, in both versions.
const ECHO: &[Row] = &[number("id", 32, 16), number("seq", 48, 16)];
/// RFC 1191 section 4 and RFC 4884 section 4.1.
const UNREACHABLE_V4: &[Row] = &[number("unused", 32, 8), number("length", 40, 8), number("mtu", 48, 16)];
const REDIRECT_V4: &[Row] = &[row("gateway", 32, 32, Kind::Ipv4)];
const ROUTER_V4: &[Row] = &[number("count", 32, 8), number("size", 40, 8), number("lifetime", 48, 16)];
const TIME_EXCEEDED_V4: &[Row] = &[number("unused", 32, 8), number("length", 40, 8)];
const PARAMETER_V4: &[Row] = &[number("pointer", 32, 8), number("length", 40, 8)];
const TIMESTAMP: &[Row] = &[
    number("id", 32, 16),
    number("seq", 48, 16),
    number("originate", 64, 32),
    number("receive", 96, 32),
    number("transmit", 128, 32),
];
const MASK: &[Row] = &[number("id", 32, 16), number("seq", 48, 16), row("mask", 64, 32, Kind::Ipv4)];

/// The fields of an ICMPv4 message of this type, beyond those that all have.
pub(in crate::packet) fn rows_v4(kind: u8) -> &'static [Row] {
    match kind {
        0 | 8 => ECHO,
        3 => UNREACHABLE_V4,
        5 => REDIRECT_V4,
        9 => ROUTER_V4,
        11 => TIME_EXCEEDED_V4,
        12 => PARAMETER_V4,
        13 | 14 => TIMESTAMP,
        15 | 16 => ECHO,
        17 | 18 => MASK,
        _ => &[],
    }
}

/// The length of an ICMPv4 message of this type without what it carries, in bytes.
pub(in crate::packet) fn length_v4(kind: u8) -> usize {
    match kind {
        13 | 14 => 20,
        17 | 18 => 12,
        _ => 8,
    }
}

/// RFC 4443 section 3, RFC 4884 section 4.4.
const UNREACHABLE_V6: &[Row] = &[number("length", 32, 8), number("unused", 40, 24)];
const TOO_BIG: &[Row] = &[number("mtu", 32, 32)];
const PARAMETER_V6: &[Row] = &[number("pointer", 32, 32)];
/// RFC 2710 section 3.
const MLD: &[Row] = &[number("delay", 32, 16), number("reserved", 48, 16), row("group", 64, 128, Kind::Ipv6)];
/// RFC 4861 section 4.
const ROUTER_SOLICITATION: &[Row] = &[number("reserved", 32, 32)];
const ROUTER_ADVERTISEMENT: &[Row] = &[
    number("hlim", 32, 8),
    number("managed", 40, 1),
    number("other", 41, 1),
    number("preference", 43, 2),
    number("lifetime", 48, 16),
    number("reachable", 64, 32),
    number("retrans", 96, 32),
];
const NEIGHBOUR_SOLICITATION: &[Row] = &[number("reserved", 32, 32), row("target", 64, 128, Kind::Ipv6)];
const NEIGHBOUR_ADVERTISEMENT: &[Row] = &[
    number("router", 32, 1),
    number("solicited", 33, 1),
    number("override", 34, 1),
    number("reserved", 35, 29),
    row("target", 64, 128, Kind::Ipv6),
];
const REDIRECT_V6: &[Row] =
    &[number("reserved", 32, 32), row("target", 64, 128, Kind::Ipv6), row("dst", 192, 128, Kind::Ipv6)];
/// RFC 3810 section 5.2.
const MLD2_REPORT: &[Row] = &[number("reserved", 32, 16), number("records", 48, 16)];

/// The fields of an ICMPv6 message of this type, beyond those that all have.
pub(in crate::packet) fn rows_v6(kind: u8) -> &'static [Row] {
    match kind {
        1 | 3 => UNREACHABLE_V6,
        2 => TOO_BIG,
        4 => PARAMETER_V6,
        128 | 129 => ECHO,
        130..=132 => MLD,
        133 => ROUTER_SOLICITATION,
        134 => ROUTER_ADVERTISEMENT,
        135 => NEIGHBOUR_SOLICITATION,
        136 => NEIGHBOUR_ADVERTISEMENT,
        137 => REDIRECT_V6,
        143 => MLD2_REPORT,
        _ => &[],
    }
}

/// The length of an ICMPv6 message of this type without options and what it carries, in bytes.
pub(in crate::packet) fn length_v6(kind: u8) -> usize {
    match kind {
        130..=132 | 135 | 136 => 24,
        134 => 16,
        137 => 40,
        _ => 8,
    }
}

/// Whether a message of this type is an error, which quotes the packet that caused it.
pub(in crate::packet) fn quotes(kind: LayerKind, icmp_type: u8) -> bool {
    match kind {
        LayerKind::Icmpv4 => matches!(icmp_type, 3 | 4 | 5 | 11 | 12),
        // RFC 4443 section 2.1: types below 128 are errors; 0 is none at all.
        LayerKind::Icmpv6 => (1..128).contains(&icmp_type),
        _ => false,
    }
}

/// Whether what follows the fixed part are neighbour discovery options (RFC 4861 section 4.6).
pub(in crate::packet) fn has_nd_options(kind: LayerKind, icmp_type: u8) -> bool {
    kind == LayerKind::Icmpv6 && (133..=137).contains(&icmp_type)
}
