//! What was parsed emits to the same bytes, or a loss that has a name says why not.

use stack::wire::Buffer;

/// Something that a parse does not keep, or that an emit sets right.
pub struct Loss {
    /// Why the bytes differ.
    pub why: &'static str,
    /// Makes of the input what is emitted, as far as this loss goes.
    pub apply: fn(&mut Vec<u8>),
}

/// The losses that together make `emitted` of `bytes`; `None` where they do not.
pub fn why_not(losses: &[Loss], bytes: &[u8], emitted: &[u8]) -> Option<Vec<&'static str>> {
    let mut canonical = bytes.to_vec();
    let mut reasons = Vec::new();
    for loss in losses {
        let before = canonical.clone();
        (loss.apply)(&mut canonical);
        if canonical != before {
            reasons.push(loss.why);
        }
    }
    (canonical == emitted).then_some(reasons)
}

/// Emits before `payload` and expects `bytes`, or what `losses` make of them. Gives what was emitted.
///
/// # Panics
/// Where no loss explains the difference.
pub fn same_bytes(losses: &[Loss], bytes: &[u8], payload: &[u8], emit: impl FnOnce(&mut Buffer)) -> Buffer {
    let mut buffer = Buffer::with_payload(payload);
    emit(&mut buffer);
    if *buffer != *bytes && why_not(losses, bytes, &buffer).is_none() {
        panic!("emitted {:02x?}\n  from {bytes:02x?}: no loss explains the difference", &*buffer);
    }
    buffer
}
