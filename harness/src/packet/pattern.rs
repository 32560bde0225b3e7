//! What payloads consist of in our own cases.

/// The byte at `offset` of a stream or a datagram. The period is prime, so that a segment that arrives at a wrong
/// place shows, whatever the size of the segments.
pub fn pattern(offset: u32) -> u8 {
    (offset % 251) as u8
}

/// `length` bytes of the pattern from `offset` on, which wraps as sequence numbers do.
pub(super) fn bytes(offset: u32, length: usize) -> Vec<u8> {
    (0..length as u32).map(|i| pattern(offset.wrapping_add(i))).collect()
}
