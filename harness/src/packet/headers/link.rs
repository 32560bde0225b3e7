//! Ethernet, 802.1Q, 802.2 with SNAP, ARP.

use super::{Codes, Header, Kind, Row, code, number, row};
use crate::lang::ast::LayerKind;

/// Ethernet II and, where the type is below 1536 and thus a length, 802.3.
pub(in crate::packet) const ETHER: Header = Header {
    kind: LayerKind::Ether,
    keyword: "ether",
    length: 14,
    rows: &[
        row("dst", 0, 48, Kind::Mac),
        row("src", 48, 48, Kind::Mac),
        code("type", 96, 16, Codes::EtherType),
        row("len", 96, 16, Kind::Length),
    ],
};

/// IEEE 802.1Q, behind the type 0x8100.
pub(in crate::packet) const VLAN: Header = Header {
    kind: LayerKind::Vlan,
    keyword: "vlan",
    length: 4,
    rows: &[
        number("pcp", 0, 3),
        number("dei", 3, 1),
        number("id", 4, 12),
        code("type", 16, 16, Codes::EtherType),
    ],
};

/// 802.2 LLC with SNAP (RFC 1042).
pub(in crate::packet) const SNAP: Header = Header {
    kind: LayerKind::Snap,
    keyword: "snap",
    length: 8,
    rows: &[
        number("dsap", 0, 8),
        number("ssap", 8, 8),
        number("control", 16, 8),
        number("oui", 24, 24),
        code("type", 48, 16, Codes::EtherType),
    ],
};

const ARP_ROWS: &[Row] = &[
    number("htype", 0, 16),
    code("ptype", 16, 16, Codes::EtherType),
    number("hlen", 32, 8),
    number("plen", 40, 8),
    code("op", 48, 16, Codes::ArpOperation),
    row("sha", 64, 48, Kind::Mac),
    row("spa", 112, 32, Kind::Ipv4),
    row("tha", 144, 48, Kind::Mac),
    row("tpa", 192, 32, Kind::Ipv4),
];

/// RFC 826 for Ethernet and IPv4.
pub(in crate::packet) const ARP: Header =
    Header { kind: LayerKind::Arp, keyword: "arp", length: 28, rows: ARP_ROWS };
