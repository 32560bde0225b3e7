//! What the tests of every header share.

use super::{Buffer, Error};

/// Parses what `emit` wrote before `payload` and expects every shorter prefix of the header to be refused.
pub(super) fn refuses_short<T>(bytes: &[u8], header: usize, parse: impl Fn(&[u8]) -> Result<T, Error>) {
    for len in 0..header {
        assert!(parse(&bytes[..len]).is_err(), "{len} bytes of {header} were taken for a header");
    }
    assert!(parse(bytes).is_ok(), "the whole header was refused");
}

/// The bytes that `emit` prepends to `payload`.
pub(super) fn emitted(payload: &[u8], emit: impl Fn(&mut Buffer)) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(payload);
    emit(&mut buffer);
    buffer.into_vec()
}

/// `bytes` with the one at `at` replaced.
pub(super) fn altered(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = value;
    bytes
}
