//! Multicast listener discovery (RFC 2710, RFC 3810), as it follows the ICMPv6 header.

use crate::input::be16;
use stack::wire::Buffer;
use stack::wire::icmpv6::Header;
use stack::wire::mld::{Query, emit_report, emit_v1, is_message};
use std::net::Ipv6Addr;
use std::time::Duration;

const SOURCE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// `data` is a query from its code on: code, 4 bytes, body. Then it is what a report says: 17 bytes a record.
///
/// # Panics
/// At a finding.
pub fn mld(data: &[u8]) {
    query(data);
    report(data);
}

fn query(data: &[u8]) {
    let Some(([code, word @ ..], body)) = data.split_first_chunk::<5>() else { return };
    let header = Header { kind: 130, code: *code, rest: *word };
    assert_eq!(is_message(*code), matches!(code, 130..=132 | 143), "type {code}");
    let parsed = Query::parse(&header, body);
    // RFC 3810 8.1: 24 bytes are version 1, 28 and more are version 2, anything else is nothing.
    let length = body.len() + 8;
    assert_eq!(parsed.is_ok(), length == 24 || length >= 28, "{parsed:?} of {length} bytes");
    let Ok(query) = parsed else { return };
    assert_eq!(query.is_v1, length == 24);
    assert_eq!(query.group.octets(), body[..16]);
    assert_eq!(query.max_response, told(be16(word, 0), query.is_v1));
    if query.is_v1 {
        let mut buffer = Buffer::new();
        emit_v1(130, query.group, SOURCE, DESTINATION, &mut buffer);
        let again =
            Header::parse(SOURCE, DESTINATION, &buffer).map(|(header, body)| Query::parse(&header, body));
        let expected = Query { max_response: Duration::ZERO, ..query };
        assert_eq!(again, Ok(Ok(expected)));
    }
}

/// RFC 3810 5.1.3: from 32768 on the code is 1, exponent (3 bits), mantissa (12 bits).
fn told(code: u16, is_v1: bool) -> Duration {
    let code = u64::from(code);
    let milliseconds = if code < 32_768 || is_v1 {
        code
    } else {
        (code % 4096 + 4096) * 2u64.pow((code / 4096 % 8 + 3) as u32)
    };
    Duration::from_millis(milliseconds)
}

fn report(data: &[u8]) {
    let records: Vec<(u8, Ipv6Addr)> = data
        .chunks_exact(17)
        .take(64)
        .filter_map(|record| Some((record[0], Ipv6Addr::from(*record.last_chunk::<16>()?))))
        .collect();
    let mut buffer = Buffer::new();
    emit_report(&records, SOURCE, DESTINATION, &mut buffer);
    let parsed = Header::parse(SOURCE, DESTINATION, &buffer);
    let Ok((header, body)) = parsed else { panic!("a report that cannot be read: {parsed:?}") };
    assert_eq!((header.kind, usize::from(be16(&header.rest, 2))), (143, records.len()));
    let found = body.chunks_exact(20).map(|record| (record[0], record[4..20].to_vec()));
    assert!(found.eq(records.iter().map(|(kind, group)| (*kind, group.octets().to_vec()))));
    assert_eq!(body.len(), records.len() * 20);
}
