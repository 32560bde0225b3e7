//! What payloads consist of in our own cases.

/// The byte at `offset` of a stream or a datagram, which counts as sequence numbers do, modulo 2^32. The period is
/// prime, so that a segment that is lost, doubled or moved shows, whatever the size of the segments.
pub fn byte(offset: u32) -> u8 {
    (offset % 251) as u8
}

/// `length` bytes of the pattern from `offset` on.
pub fn bytes(offset: u32, length: usize) -> Vec<u8> {
    (0..length as u32).map(|i| byte(offset.wrapping_add(i))).collect()
}

#[test]
fn the_period_is_prime_and_offsets_wrap() {
    assert_eq!(bytes(249, 4), [249, 250, 0, 1]);
    assert_eq!(bytes(u32::MAX, 2), [byte(u32::MAX), 0]);
}
