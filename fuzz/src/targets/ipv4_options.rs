//! Options of the IPv4 header (RFC 791 3.1). No independent decoder here walks them all, so the walk is told again.

use stack::wire::ipv4::MAX_OPTIONS_LEN;
use stack::wire::ipv4_options::{END, NOP, check, copied, options};

/// `data` is a header's options; more than fits there is cut off.
///
/// # Panics
/// At a finding.
pub fn ipv4_options(data: &[u8]) {
    let bytes = &data[..data.len().min(MAX_OPTIONS_LEN)];
    let (told, whole) = walk(bytes);
    let found: Vec<_> = options(bytes).collect();
    let good: Vec<(usize, &[u8])> = found.iter().flatten().map(|o| (o.offset, o.bytes)).collect();
    assert_eq!(good, told);
    assert_eq!(whole, found.iter().all(Result::is_ok));
    assert!(found.iter().rev().skip(1).all(Result::is_ok), "options behind a bad one");
    for option in found.iter().flatten() {
        assert_eq!(option.kind, option.bytes[0]);
        assert_eq!(option.is_copied(), option.kind >= 128);
    }
    if let Err(bad) = check(bytes) {
        assert!(bad.offset < bytes.len(), "{bad:?} points behind the options");
        let _ = bad.error.to_string();
    } else {
        assert!(whole);
    }
    copies(bytes);
}

/// What fragments carry (RFC 791 3.1): exactly the options with the copied flag, in order, as good as they were.
fn copies(bytes: &[u8]) {
    let kept = copied(bytes);
    assert!(kept.len().is_multiple_of(4) && kept.len() <= MAX_OPTIONS_LEN, "{kept:02x?}");
    assert_eq!(copied(&kept), kept);
    let expected = options(bytes).flatten().filter(|option| option.kind >= 128).map(|option| option.bytes);
    assert!(options(&kept).flatten().map(|option| option.bytes).eq(expected));
    assert!(check(bytes).is_err() || check(&kept).is_ok());
}

/// The options and where they stand, and whether the list ends as it should.
fn walk(bytes: &[u8]) -> (Vec<(usize, &[u8])>, bool) {
    let (mut at, mut list) = (0, Vec::new());
    while at < bytes.len() && bytes[at] != END {
        if bytes[at] == NOP {
            at += 1;
            continue;
        }
        let Some(length) = bytes.get(at + 1).map(|length| usize::from(*length)) else { return (list, false) };
        if length < 2 || at + length > bytes.len() {
            return (list, false);
        }
        list.push((at, &bytes[at..at + length]));
        at += length;
    }
    (list, true)
}
