//! What is answered to a datagram.

/// The answer to a datagram; `None` for none.
pub type Datagrams = fn(&[u8]) -> Option<Vec<u8>>;

/// The same (RFC 862).
pub(super) fn echo(datagram: &[u8]) -> Option<Vec<u8>> {
    Some(datagram.to_vec())
}

/// Nothing (RFC 863).
pub(super) fn discard(_: &[u8]) -> Option<Vec<u8>> {
    None
}
