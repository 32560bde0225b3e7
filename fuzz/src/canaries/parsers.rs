//! Parsers with the mistakes that parsers have.

use crate::input::be16;
use stack::wire::ipv6_ext::Extension;

/// A walk over IPv4 options that trusts the pointer of a record route option (RFC 791 3.1), which may point behind it.
pub(super) fn trusted_length(data: &[u8]) {
    let mut bytes = data;
    while let [kind, rest @ ..] = bytes {
        match (kind, rest.first()) {
            (0, _) => return,
            (1, _) => bytes = rest,
            (_, Some(length)) if (2..=bytes.len()).contains(&usize::from(*length)) => {
                let (option, behind) = bytes.split_at((*length).into());
                if *kind == 7 && option.len() >= 7 {
                    let pointer = usize::from(option[2]);
                    std::hint::black_box(option[pointer.saturating_sub(1)]);
                }
                bytes = behind;
            }
            _ => return,
        }
    }
}

/// A reader of ICMPv4 errors that takes the ports of any quote for granted, though a quote may end behind its header's
/// options (RFC 792; RFC 1122 3.2.2).
pub(super) fn quote_of_a_short_datagram(data: &[u8]) {
    if data.len() < 28 || data[0] != 3 || data[8] >> 4 != 4 {
        return;
    }
    let quote = &data[8..];
    let header = usize::from(quote[0] & 0xf) * 4;
    if header >= 20 && matches!(quote[9], 6 | 17) && be16(quote, 6) & 0x1fff == 0 {
        std::hint::black_box(u16::from_be_bytes([quote[header], quote[header + 1]]));
    }
}

/// A walk over options of IPv6 that makes no progress at PadN of length 0 (RFC 8200 4.2), which is a whole option.
pub(super) fn option_without_progress(data: &[u8]) {
    let Ok((header, _)) = Extension::parse(data) else { return };
    let (mut at, mut steps) = (2, 0);
    while at < header.bytes.len() {
        at += match (header.bytes[at], header.bytes.get(at + 1)) {
            (0, _) => 1,
            (1, Some(0)) => 0,
            (_, Some(length)) => 2 + usize::from(*length),
            (_, None) => return,
        };
        steps += 1;
        assert!(steps <= header.bytes.len(), "a walk without end");
    }
}
