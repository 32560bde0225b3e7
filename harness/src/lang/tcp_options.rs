//! What a script says of the options of a TCP header.

use super::ast::Pattern;

/// A TCP option list.
#[derive(Clone, Debug, PartialEq)]
pub enum TcpOptions {
    /// Exactly these, in this order; none where the script has no `<…>`.
    Exactly(Vec<TcpOption>),
    /// `<…, mss 1460, …>`: these must be among them, in whatever order.
    Among(Vec<TcpOption>),
    /// `<...>`: not looked at.
    Any,
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields are the option's fields by their names in the RFCs")]
pub enum TcpOption {
    Nop,
    Eol,
    Mss(Pattern),
    Wscale(Pattern),
    SackOk,
    /// Left and right edges, relative.
    Sack(Vec<(Pattern, Pattern)>),
    Timestamp {
        val: Pattern,
        ecr: Pattern,
    },
    /// RFC 2385: the digest, which may be shorter than it should be.
    Md5(Vec<u8>),
    /// RFC 7413: the cookie, empty for a request.
    FastOpen(Vec<u8>),
    /// The same, with a cookie of eight bytes as a number, big-endian: what a stack chose is captured and used again.
    FastOpenCookie(Pattern),
    /// The experimental option with magic 0xF989.
    FastOpenExperimental(Vec<u8>),
    /// RFC 9768: 24-bit counters in the order written.
    AccEcn(Vec<(AccEcnCounter, Pattern)>),
    /// RFC 5482: granularity bit and value, `uto 30 s` or `uto 2 min`.
    UserTimeout {
        minutes: bool,
        value: Pattern,
    },
    /// `raw KIND [len N] [BYTES]`: any kind, with a length that may lie.
    Raw {
        kind: u8,
        length: Option<u8>,
        data: Vec<u8>,
    },
}

/// AccECN's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are upstream's")]
pub enum AccEcnCounter {
    E0b,
    E1b,
    Ceb,
}
