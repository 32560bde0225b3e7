//! IPv4, IPv6 and its extension headers.

use super::{Codes, Header, Kind, Row, code, number, row, scaled};
use crate::lang::ast::LayerKind;

/// RFC 791 section 3.1.
pub(in crate::packet) const IPV4: Header = Header {
    kind: LayerKind::Ipv4,
    keyword: "ip",
    length: 20,
    rows: &[
        number("version", 0, 4),
        row("ihl", 4, 4, Kind::Length),
        number("tos", 8, 8),
        number("dscp", 8, 6),
        number("ecn", 14, 2),
        row("len", 16, 16, Kind::Length),
        number("id", 32, 16),
        number("reserved", 48, 1),
        number("df", 49, 1),
        number("mf", 50, 1),
        scaled("off", 51, 13, 8),
        number("ttl", 64, 8),
        code("proto", 72, 8, Codes::Protocol),
        row("csum", 80, 16, Kind::Checksum),
        row("src", 96, 32, Kind::Ipv4),
        row("dst", 128, 32, Kind::Ipv4),
    ],
};

/// RFC 8200 section 3. `tos` and `ttl` are what upstream's scripts say for both versions.
pub(in crate::packet) const IPV6: Header = Header {
    kind: LayerKind::Ipv6,
    keyword: "ip6",
    length: 40,
    rows: &[
        number("version", 0, 4),
        number("tclass", 4, 8),
        number("tos", 4, 8),
        number("dscp", 4, 6),
        number("ecn", 10, 2),
        number("flow", 12, 20),
        row("len", 32, 16, Kind::Length),
        code("next", 48, 8, Codes::Protocol),
        code("proto", 48, 8, Codes::Protocol),
        number("hlim", 56, 8),
        number("ttl", 56, 8),
        row("src", 64, 128, Kind::Ipv6),
        row("dst", 192, 128, Kind::Ipv6),
    ],
};

/// What options headers begin with: RFC 8200 sections 4.3 and 4.6. `len` counts 8 bytes beyond the first 8.
const OPTIONS_ROWS: &[Row] = &[code("next", 0, 8, Codes::Protocol), row("len", 8, 8, Kind::Length)];

/// RFC 8200 section 4.3.
pub(in crate::packet) const HOP_BY_HOP: Header =
    Header { kind: LayerKind::HopByHop, keyword: "hbh", length: 2, rows: OPTIONS_ROWS };

/// RFC 8200 section 4.6.
pub(in crate::packet) const DESTINATION: Header =
    Header { kind: LayerKind::DestinationOptions, keyword: "dst", length: 2, rows: OPTIONS_ROWS };

/// RFC 8200 section 4.4.
pub(in crate::packet) const ROUTING: Header = Header {
    kind: LayerKind::Routing,
    keyword: "rt",
    length: 8,
    rows: &[
        code("next", 0, 8, Codes::Protocol),
        row("len", 8, 8, Kind::Length),
        number("type", 16, 8),
        number("left", 24, 8),
        number("rest", 32, 32),
    ],
};

/// RFC 8200 section 4.5.
pub(in crate::packet) const FRAGMENT: Header = Header {
    kind: LayerKind::Fragment,
    keyword: "frag",
    length: 8,
    rows: &[
        code("next", 0, 8, Codes::Protocol),
        number("reserved", 8, 8),
        scaled("off", 16, 13, 8),
        number("res", 29, 2),
        number("mf", 31, 1),
        number("id", 32, 32),
    ],
};
