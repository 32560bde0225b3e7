//! TCP options: written as a script says them, read from a segment.

use crate::lang::ast::{AccEcnCounter, TcpOption};

/// The magic of RFC 6994 for the experimental fast open option, in network byte order.
pub(super) const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// Kinds, as IANA numbers them.
pub(super) mod kind {
    pub(in crate::packet) const EOL: u8 = 0;
    pub(in crate::packet) const NOP: u8 = 1;
    pub(in crate::packet) const MSS: u8 = 2;
    pub(in crate::packet) const WSCALE: u8 = 3;
    pub(in crate::packet) const SACK_OK: u8 = 4;
    pub(in crate::packet) const SACK: u8 = 5;
    pub(in crate::packet) const TIMESTAMP: u8 = 8;
    pub(in crate::packet) const MD5: u8 = 19;
    pub(in crate::packet) const USER_TIMEOUT: u8 = 28;
    pub(in crate::packet) const FAST_OPEN: u8 = 34;
    pub(in crate::packet) const ACC_ECN_0: u8 = 172;
    pub(in crate::packet) const ACC_ECN_1: u8 = 174;
    pub(in crate::packet) const EXPERIMENTAL: u8 = 254;
}

/// One option as it lies in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raw<'a> {
    pub(super) kind: u8,
    /// The length byte; 1 for the two options without.
    pub(super) length: u8,
    /// What follows the length byte, as much of it as there is.
    pub(super) data: &'a [u8],
}

impl Raw<'_> {
    /// Whether the length byte cannot be.
    pub(super) fn malformed(&self) -> bool {
        self.kind > kind::NOP && usize::from(self.length) != self.data.len() + 2
    }

    /// The 16-bit word at `at`, the way the network has it; zero where there is none.
    pub(super) fn word(&self, at: usize) -> u16 {
        self.data.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
    }

    /// The 32-bit word at `at`.
    pub(super) fn long(&self, at: usize) -> u32 {
        u32::from(self.word(at)) << 16 | u32::from(self.word(at + 2))
    }
}

/// Splits options; stops at EOL, which is included, and at the first whose length cannot be.
pub(super) fn split(mut bytes: &[u8]) -> Vec<Raw<'_>> {
    let mut options = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        if kind <= kind::NOP {
            options.push(Raw { kind, length: 1, data: &[] });
            bytes = rest;
            if kind == kind::EOL {
                break;
            }
            continue;
        }
        let length = rest.first().copied().unwrap_or(0);
        let data = rest.get(1..).unwrap_or(&[]);
        let wanted = usize::from(length).saturating_sub(2);
        if length < 2 || wanted > data.len() {
            options.push(Raw { kind, length, data });
            break;
        }
        let (data, rest) = data.split_at(wanted);
        options.push(Raw { kind, length, data });
        bytes = rest;
    }
    options
}

/// The kind of an option in a script.
pub(super) fn kind_of(option: &TcpOption) -> u8 {
    match option {
        TcpOption::Nop => kind::NOP,
        TcpOption::Eol => kind::EOL,
        TcpOption::Mss(_) => kind::MSS,
        TcpOption::Wscale(_) => kind::WSCALE,
        TcpOption::SackOk => kind::SACK_OK,
        TcpOption::Sack(_) => kind::SACK,
        TcpOption::Timestamp { .. } => kind::TIMESTAMP,
        TcpOption::Md5(_) => kind::MD5,
        TcpOption::FastOpen(_) | TcpOption::FastOpenCookie(_) => kind::FAST_OPEN,
        TcpOption::FastOpenExperimental(_) => kind::EXPERIMENTAL,
        TcpOption::AccEcn(counters) => acc_ecn_kind(counters.iter().map(|(c, _)| *c)),
        TcpOption::UserTimeout { .. } => kind::USER_TIMEOUT,
        TcpOption::Raw { kind, .. } => *kind,
    }
}

/// RFC 9768 section 3.2.3: order 1 has the ECT(1) counter first, order 0 the ECT(0) counter.
fn acc_ecn_kind(mut counters: impl Iterator<Item = AccEcnCounter>) -> u8 {
    if counters.next() == Some(AccEcnCounter::E1b) { kind::ACC_ECN_1 } else { kind::ACC_ECN_0 }
}

/// The counters of an AccECN option in their order.
pub(super) fn acc_ecn_order(kind: u8) -> [AccEcnCounter; 3] {
    if kind == kind::ACC_ECN_1 {
        [AccEcnCounter::E1b, AccEcnCounter::Ceb, AccEcnCounter::E0b]
    } else {
        [AccEcnCounter::E0b, AccEcnCounter::Ceb, AccEcnCounter::E1b]
    }
}

/// Appends an option with a right length byte.
pub(super) fn push(bytes: &mut Vec<u8>, kind: u8, data: &[u8]) {
    bytes.push(kind);
    if kind > kind::NOP {
        bytes.push((data.len() + 2) as u8);
        bytes.extend_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &[(u8, u8, usize)]) {
        let found: Vec<_> = split(bytes).iter().map(|o| (o.kind, o.length, o.data.len())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn options_are_split_and_lies_end_the_list() {
        check(&[2, 4, 5, 180, 1, 3, 3, 7], &[(2, 4, 2), (1, 1, 0), (3, 3, 1)]);
        check(&[0, 2, 4, 5], &[(0, 1, 0)]);
        check(&[5, 0, 1, 1], &[(5, 0, 2)]);
        check(&[8, 10, 1], &[(8, 10, 1)]);
        check(&[8], &[(8, 0, 0)]);
    }
}
