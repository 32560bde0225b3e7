//! What a host or router writes into the options of a datagram (RFC 791 3.1).

use crate::time::Instant;
use std::net::Ipv4Addr;

/// Puts `own` into the next free place of a Record Route, if there is one.
pub(crate) fn record(option: &mut [u8], own: Ipv4Addr) {
    if write(option, &own.octets()) {
        option[2] += 4;
    }
}

/// Puts the time into the next free place of a Timestamp; where there is none, counts the overflow. `is_own` says which
/// addresses a place may be reserved for, `own` is the one that is written.
pub(crate) fn stamp(now: Instant, option: &mut [u8], own: Ipv4Addr, is_own: impl Fn(Ipv4Addr) -> bool) {
    let at = usize::from(option[2]).saturating_sub(1);
    let time = timestamp(now).to_be_bytes();
    let place: Vec<u8> = match option[3] & 0xf {
        0 => time.to_vec(),
        1 => [own.octets(), time].concat(),
        3 => match option.get(at..at + 4) {
            Some([a, b, c, d]) if is_own(Ipv4Addr::new(*a, *b, *c, *d)) => [[*a, *b, *c, *d], time].concat(),
            _ => return,
        },
        _ => return,
    };
    if write(option, &place) {
        option[2] += place.len() as u8;
    } else if option[3] < 0xf0 {
        option[3] += 0x10;
    }
}

/// Milliseconds since midnight UT, or any other time with the highest bit set: there is no clock of the day here.
pub(crate) fn timestamp(now: Instant) -> u32 {
    now.as_millis() as u32 | 0x8000_0000
}

/// Writes where the pointer points; false where there is no room.
fn write(option: &mut [u8], bytes: &[u8]) -> bool {
    let at = usize::from(option[2]).saturating_sub(1);
    let place = option.get_mut(at..at + bytes.len());
    place.map(|place| place.copy_from_slice(bytes)).is_some()
}
