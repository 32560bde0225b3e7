//! Multicast listener discovery, versions 1 and 2 (RFC 2710 3, RFC 3810 5), as it follows ICMPv6's first word.
//!
//! ```text
//! query, report, done of version 1     query of version 2 goes on         report of version 2
//!  4..6   maximum response delay        24     S, robustness               4..6  reserved
//!  6..8   reserved                      25     interval code               6..8  number of records
//!  8..24  group; :: in a general query  26..28 number of sources           8..   records: kind, 0, 0, 0, group
//! ```

use super::icmpv6::Header;
use super::{Buffer, Error, Result, array, be16};
use core::time::Duration;
use std::net::Ipv6Addr;

/// Who listens?
pub const QUERY: u8 = 130;
/// A listener, as version 1 says it.
pub const REPORT_V1: u8 = 131;
/// No listener any more, as version 1 says it.
pub const DONE: u8 = 132;
/// What a node listens to.
pub const REPORT: u8 = 143;

/// Kind of record: the present state, all sources but none.
pub const MODE_IS_EXCLUDE: u8 = 2;
/// Kind of record: no source any more.
pub const CHANGE_TO_INCLUDE: u8 = 3;
/// Kind of record: from now on all sources.
pub const CHANGE_TO_EXCLUDE: u8 = 4;

/// A query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// The group; unspecified in a general query.
    pub group: Ipv6Addr,
    /// Within what time to answer.
    pub max_response: Duration,
    /// Whether it is one of version 1.
    pub is_v1: bool,
}

impl Query {
    /// The query behind `header`, whose `body` begins 8 bytes into it. Version 1's ends behind the group (RFC 3810 8.1).
    ///
    /// # Errors
    /// A length that no version has.
    pub fn parse(header: &Header, body: &[u8]) -> Result<Query> {
        let is_v1 = body.len() == 16;
        if !is_v1 && body.len() < 20 {
            return Err(Error::length("mld", "group"));
        }
        let code = be16(&header.rest, 0);
        // RFC 3810 5.1.3: a floating-point number from 32768 on.
        let milliseconds = match code {
            0..0x8000 => u64::from(code),
            _ if is_v1 => u64::from(code),
            _ => u64::from(code & 0xfff | 0x1000) << (u32::from(code >> 12 & 7) + 3),
        };
        let max_response = Duration::from_millis(milliseconds);
        Ok(Query { group: array::<16>(body, 0).into(), max_response, is_v1 })
    }
}

/// Emits a message of version 1 about `group`.
pub fn emit_v1(kind: u8, group: Ipv6Addr, source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut Buffer) {
    buffer.append(&group.octets());
    Header { kind, code: 0, rest: [0; 4] }.emit(source, destination, buffer);
}

/// Whether an ICMPv6 type is that of a message which comes with Router Alert (RFC 3810 5).
pub fn is_message(kind: u8) -> bool {
    matches!(kind, QUERY..=DONE | REPORT)
}

/// Emits a report of version 2 with a record without sources for each group.
pub fn emit_report(records: &[(u8, Ipv6Addr)], source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut Buffer) {
    for (kind, group) in records {
        buffer.append(&[*kind, 0, 0, 0]);
        buffer.append(&group.octets());
    }
    let [high, low] = u16::try_from(records.len()).unwrap_or(u16::MAX).to_be_bytes();
    Header { kind: REPORT, code: 0, rest: [0, 0, high, low] }.emit(source, destination, buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, len: usize, expected: Option<(u64, bool)>) {
        let [high, low] = code.to_be_bytes();
        let header = Header { kind: QUERY, code: 0, rest: [high, low, 0, 0] };
        let query = Query::parse(&header, &vec![0; len]).ok();
        assert_eq!(query.map(|q| (q.max_response.as_millis() as u64, q.is_v1)), expected, "{code} {len}");
    }

    #[test]
    fn versions_are_told_by_length() {
        check(1000, 16, Some((1000, true)));
        check(1000, 20, Some((1000, false)));
        check(1000, 15, None);
        check(1000, 19, None);
        check(0x8000, 16, Some((32_768, true)));
        check(0x8000, 20, Some((32_768, false)));
        check(0xffff, 20, Some((8_387_584, false)));
    }

    #[test]
    fn reports_have_records() {
        let (a, b) = (Ipv6Addr::LOCALHOST, "ff02::16".parse().unwrap());
        let mut buffer = Buffer::new();
        emit_report(&[(CHANGE_TO_EXCLUDE, b)], a, b, &mut buffer);
        let (header, body) = Header::parse(a, b, &buffer).unwrap();
        assert_eq!((header.kind, header.rest), (REPORT, [0, 0, 0, 1]));
        assert_eq!(body, [&[4, 0, 0, 0], &b.octets()[..]].concat());
    }
}
