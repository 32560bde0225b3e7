//! Reading a target's input: a first byte of choices, the rest the bytes under test.

/// The first byte, whose bits are choices, and the rest.
pub fn choices(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(choice, rest)| (*choice, rest))
}

/// The big-endian 16-bit number at `at`; 0 where the bytes end before.
pub fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Writes `value` at `at`, where there is room.
pub fn put16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(pair) = bytes.get_mut(at..at + 2) {
        pair.copy_from_slice(&value.to_be_bytes());
    }
}

/// The Internet checksum by its definition (RFC 1071 1), with `initial` added: independent of `stack`'s.
pub fn checksum(initial: u32, bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let mut sum = words.fold(u64::from(initial), |sum, word| sum + u64::from(word));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The sum of a pseudo header (RFC 9293 3.1, RFC 8200 8.1), to begin [`checksum`] with.
pub fn pseudo_header(addresses: &[&[u8]], protocol: u8, length: usize) -> u32 {
    let words = addresses.iter().flat_map(|address| address.chunks(2));
    let sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    sum + u32::from(protocol) + (length >> 16) as u32 + (length & 0xffff) as u32
}
