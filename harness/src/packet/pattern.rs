//! What payloads consist of in our own cases.

/// The byte at `offset` of a stream or a datagram, which counts as sequence numbers do, modulo 2^32. The period is
/// prime, so that a segment that is lost, doubled or moved shows, whatever the size of the segments.
pub fn byte(offset: u32) -> u8 {
    (offset % 251) as u8
}

/// The period, as often as makes long runs.
const PERIODS: [u8; 251 * 16] = {
    let mut periods = [0; 251 * 16];
    let mut at = 0;
    while at < periods.len() {
        periods[at] = (at % 251) as u8;
        at += 1;
    }
    periods
};

/// The pattern from `offset` on, in pieces without end.
fn runs(mut offset: u32) -> impl Iterator<Item = &'static [u8]> {
    std::iter::from_fn(move || {
        let start = usize::from(byte(offset));
        // Where the numbers begin anew, so does the period.
        let left = (u32::MAX - offset) as usize + 1;
        let run = &PERIODS[start..start + left.min(PERIODS.len() - start)];
        offset = offset.wrapping_add(run.len() as u32);
        Some(run)
    })
}

/// `length` bytes of the pattern from `offset` on.
pub fn bytes(offset: u32, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    let mut runs = runs(offset);
    while let Some(run) = runs.next().filter(|_| bytes.len() < length) {
        bytes.extend_from_slice(&run[..run.len().min(length - bytes.len())]);
    }
    bytes
}

/// Whether `bytes` are the pattern from `offset` on.
pub fn is_at(offset: u32, mut bytes: &[u8]) -> bool {
    let mut runs = runs(offset);
    while let Some(run) = runs.next().filter(|_| !bytes.is_empty()) {
        let (here, behind) = bytes.split_at(run.len().min(bytes.len()));
        if *here != run[..here.len()] {
            return false;
        }
        bytes = behind;
    }
    true
}

#[test]
fn the_period_is_prime_and_offsets_wrap() {
    assert_eq!(bytes(249, 4), [249, 250, 0, 1]);
    assert_eq!(bytes(u32::MAX, 2), [byte(u32::MAX), 0]);
    for (offset, length) in [(0, 0), (7, 1), (250, 10_000), (u32::MAX - 5000, 9000)] {
        let mut pattern: Vec<u8> = (0..length).map(|i| byte(u32::wrapping_add(offset, i))).collect();
        assert_eq!(bytes(offset, length as usize), pattern);
        assert!(is_at(offset, &pattern));
        if let Some(last) = pattern.last_mut() {
            *last ^= 1;
            assert!(!is_at(offset, &pattern));
        }
    }
}
