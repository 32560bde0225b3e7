//! Options of the IPv4 header (RFC 791 3.1, RFC 2113).
//!
//! ```text
//! kind 0 (end of list) and 1 (no operation): one byte
//! all others:  0  kind: copied flag (1 bit), class (2 bits), number (5 bits)
//!              1  length, kind and length included
//!              2  data
//! ```

use super::{Error, Result};

/// End of option list: what follows is padding.
pub const END: u8 = 0;
/// No operation.
pub const NOP: u8 = 1;
/// Record route.
pub const RECORD_ROUTE: u8 = 7;
/// Internet timestamp.
pub const TIMESTAMP: u8 = 68;
/// Loose source route.
pub const LOOSE_SOURCE_ROUTE: u8 = 131;
/// Strict source route.
pub const STRICT_SOURCE_ROUTE: u8 = 137;

/// An option with a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt<'a> {
    /// Its kind.
    pub kind: u8,
    /// Where its kind stands, in bytes from the first option's.
    pub offset: usize,
    /// The whole option, kind and length included.
    pub bytes: &'a [u8],
}

impl Opt<'_> {
    /// Whether every fragment carries the option.
    pub fn is_copied(&self) -> bool {
        self.kind & 0x80 != 0
    }
}

/// An option that cannot be parsed, with the place that a Parameter Problem points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOption {
    /// Where the byte at fault stands, in bytes from the first option's.
    pub offset: usize,
    /// What is wrong.
    pub error: Error,
}

/// The options of a header, no-operations left out. Ends at the list's end or behind the first bad option.
pub fn options(bytes: &[u8]) -> impl Iterator<Item = core::result::Result<Opt<'_>, BadOption>> {
    let mut at = 0;
    core::iter::from_fn(move || {
        while bytes.get(at) == Some(&NOP) {
            at += 1;
        }
        let kind = *bytes.get(at).filter(|kind| **kind != END)?;
        let offset = at;
        let option = (|| -> Result<&[u8]> {
            let len = *bytes.get(at + 1).ok_or(Error::truncated("ipv4 options", "length"))?;
            if len < 2 {
                return Err(Error::length("ipv4 options", "length"));
            }
            bytes.get(at..at + usize::from(len)).ok_or(Error::length("ipv4 options", "length"))
        })();
        at = option.map_or(bytes.len(), |option| at + option.len());
        Some(match option {
            Ok(bytes) => Ok(Opt { kind, offset, bytes }),
            Err(error) => Err(BadOption { offset: (offset + 1).min(bytes.len().saturating_sub(1)), error }),
        })
    })
}

/// Checks what RFC 791 3.1 says of the options it defines: lengths, pointers, and at most one source route
/// (RFC 1122 3.2.1.8). Unknown ones are ignored.
///
/// # Errors
/// The first option that is wrong.
pub fn check(bytes: &[u8]) -> core::result::Result<(), BadOption> {
    let mut source_routes = 0;
    for option in options(bytes) {
        let option = option?;
        let bad = |at: usize, field| BadOption {
            offset: option.offset + at,
            error: Error::value("ipv4 options", field),
        };
        match option.kind {
            RECORD_ROUTE | LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE => {
                if option.bytes.len() < 3 {
                    return Err(bad(1, "length"));
                }
                if option.bytes[2] < 4 {
                    return Err(bad(2, "pointer"));
                }
                // Room for a part of an address is an error, room for none is a list that is full.
                let at = usize::from(option.bytes[2]);
                if at <= option.bytes.len() && at + 3 > option.bytes.len() {
                    return Err(bad(2, "pointer"));
                }
                source_routes += usize::from(option.kind != RECORD_ROUTE);
                if source_routes > 1 {
                    return Err(bad(0, "source route"));
                }
            }
            TIMESTAMP if option.bytes.len() < 4 => return Err(bad(1, "length")),
            TIMESTAMP if option.bytes[2] < 5 => return Err(bad(2, "pointer")),
            TIMESTAMP => check_room_for_time(&option).map_err(|(at, field)| bad(at, field))?,
            _ => {}
        }
    }
    Ok(())
}

/// A timestamp has room for a whole entry, or none and a counter that can go on.
fn check_room_for_time(option: &Opt<'_>) -> core::result::Result<(), (usize, &'static str)> {
    let (at, len) = (usize::from(option.bytes[2]), option.bytes.len());
    let entry = if option.bytes[3] & 0xf == 0 { 4 } else { 8 };
    if at > len {
        return if option.bytes[3] >> 4 == 0xf { Err((3, "overflow")) } else { Ok(()) };
    }
    if at - 1 + entry > len { Err((2, "pointer")) } else { Ok(()) }
}

/// The options that every fragment but the first carries (RFC 791 3.1, "copied flag"), padded to whole words.
pub fn copied(bytes: &[u8]) -> Vec<u8> {
    let kept = options(bytes).flatten().filter(Opt::is_copied);
    let mut kept: Vec<u8> = kept.flat_map(|option| option.bytes.iter().copied()).collect();
    kept.resize(kept.len().next_multiple_of(4), END);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_kinds(bytes: &[u8], expected: &[u8]) {
        let kinds: Vec<u8> = options(bytes).map(|o| o.map_or(0, |o| o.kind)).collect();
        assert_eq!(kinds, expected, "{bytes:?}");
    }

    #[test]
    fn walks_to_the_end_of_the_list() {
        check_kinds(&[], &[]);
        check_kinds(&[1, 1, 1, 0], &[]);
        check_kinds(&[1, 148, 4, 0, 0, 30, 3, 9, 0, 7, 7, 7], &[148, 30]);
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        check_kinds(&[7], &[0]);
        check_kinds(&[7, 0, 1, 1], &[0]);
        check_kinds(&[7, 1, 1, 1], &[0]);
        check_kinds(&[148, 4, 0, 0, 7, 5, 4, 0], &[148, 0]);
        let expected = BadOption { offset: 5, error: Error::length("ipv4 options", "length") };
        assert_eq!(check(&[148, 4, 0, 0, 7, 5, 4, 0]), Err(expected));
    }

    #[test]
    fn pointers_and_second_source_routes() {
        assert_eq!(check(&[7, 7, 4, 0, 0, 0, 0, 0]), Ok(()));
        assert_eq!(check(&[7, 7, 3, 0, 0, 0, 0, 0]).map_err(|b| b.offset), Err(2));
        assert_eq!(check(&[131, 3, 4, 131, 3, 4, 0, 0]).map_err(|b| b.offset), Err(3));
        assert_eq!(check(&[68, 4, 4, 0]).map_err(|b| b.offset), Err(2));
    }

    #[test]
    fn room_for_half_an_entry_and_counters_at_their_end() {
        assert_eq!(check(&[7, 5, 4, 0, 0, 0, 0, 0]).map_err(|b| b.offset), Err(2));
        assert_eq!(check(&[68, 6, 5, 0, 0, 0, 0, 0]).map_err(|b| b.offset), Err(2));
        assert_eq!(check(&[68, 8, 9, 0xf0, 1, 2, 3, 4]).map_err(|b| b.offset), Err(3));
        assert_eq!(check(&[68, 8, 9, 0xe0, 1, 2, 3, 4]), Ok(()));
    }

    #[test]
    fn fragments_carry_what_is_to_be_copied() {
        assert_eq!(copied(&[7, 7, 4, 0, 0, 0, 0, 131, 3, 4, 0, 0]), [131, 3, 4, 0]);
    }
}
