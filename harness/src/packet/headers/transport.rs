//! UDP and TCP.

use super::{Header, Kind, number, row};
use crate::lang::ast::LayerKind;

/// RFC 768.
pub(in crate::packet) const UDP: Header = Header {
    kind: LayerKind::Udp,
    keyword: "udp",
    length: 8,
    rows: &[
        number("sport", 0, 16),
        number("dport", 16, 16),
        row("len", 32, 16, Kind::Length),
        row("csum", 48, 16, Kind::Checksum),
    ],
};

/// RFC 9293 section 3.1. `flags` has AE (RFC 9768) in front of the eight of the RFC.
pub(in crate::packet) const TCP: Header = Header {
    kind: LayerKind::Tcp,
    keyword: "tcp",
    length: 20,
    rows: &[
        number("sport", 0, 16),
        number("dport", 16, 16),
        row("seq", 32, 32, Kind::Sequence),
        row("ack", 64, 32, Kind::Acknowledgement),
        row("doff", 96, 4, Kind::Length),
        number("reserved", 100, 3),
        number("flags", 103, 9),
        number("win", 112, 16),
        row("csum", 128, 16, Kind::Checksum),
        number("urg", 144, 16),
    ],
};
