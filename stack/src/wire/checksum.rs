//! The Internet checksum (RFC 1071) and the pseudo headers that it covers.
//!
//! ```text
//! IPv4 (RFC 9293 3.1, RFC 768)              IPv6 (RFC 8200 8.1)
//!  0..4   source                             0..16  source
//!  4..8   destination                       16..32  destination
//!  8      zero                              32..36  upper-layer length
//!  9      protocol                          36..39  zero
//! 10..12  length of header and data         39      next header
//! ```

use std::net::IpAddr;

/// A sum under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    /// Sum of words of two or four bytes in the machine's order, which RFC 1071 2(B) allows; carries not yet folded in.
    /// There is room for 64 MB even where each word has been made 256 times what it is.
    sum: u64,
    /// Whether an odd number of bytes has been added, so that the next one is the low half of a word.
    odd: bool,
}

impl Checksum {
    /// The sum of nothing.
    pub const fn new() -> Checksum {
        Checksum { sum: 0, odd: false }
    }

    /// The sum of the pseudo header; `length` is that of the upper layer's header and data, in bytes.
    ///
    /// Addresses of different families never occur together; their sum would be meaningless, not unsafe.
    #[inline]
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Checksum {
        let words = |address| match address {
            IpAddr::V4(address) => u64::from(u32::from_ne_bytes(address.octets())),
            IpAddr::V6(address) => sum_words(&address.octets()),
        };
        // 16 and 32 bit words and lengths give the same sum, as do one and four bytes of protocol number.
        let rest = u64::from((length as u32).wrapping_add(u32::from(protocol)).to_be());
        Checksum { sum: words(source) + words(destination) + rest, odd: false }
    }

    /// Adds bytes; a piece of odd length is continued by the next one in the middle of a word.
    #[inline]
    pub fn add(&mut self, bytes: &[u8]) {
        let sum = sum_bytes(bytes);
        // Words with their bytes changed about are 256 times what they were, modulo 65535.
        self.sum += if self.odd { sum << 8 } else { sum };
        self.odd ^= bytes.len() % 2 == 1;
    }

    /// [`Checksum::add`], for building a sum in one expression.
    #[inline]
    #[must_use]
    pub fn with(mut self, bytes: &[u8]) -> Checksum {
        self.add(bytes);
        self
    }

    /// [`Checksum::with`] for a header of whole words of four bytes, before anything of odd length.
    #[inline]
    #[must_use]
    pub fn with_header<const N: usize>(mut self, header: &[u8; N]) -> Checksum {
        const { assert!(N.is_multiple_of(4)) };
        self.sum += sum_words(header);
        self
    }

    /// [`Checksum::with`] for a header that is still in the machine's registers: its words of four bytes, before anything of
    /// odd length. To sum what has just been written waits for the writing.
    #[inline]
    #[must_use]
    pub fn with_words<const N: usize>(mut self, words: [u32; N]) -> Checksum {
        self.sum += words.into_iter().map(|word| u64::from(word.to_be())).sum::<u64>();
        self
    }

    /// The value of the checksum field, in the machine's order: the complement of the folded sum. Bytes that contain
    /// their own checksum sum up to 0.
    #[inline]
    pub const fn finish(self) -> u16 {
        !u16::from_be(fold(self.sum))
    }
}

/// The checksum of `bytes` alone.
#[inline]
pub fn checksum(bytes: &[u8]) -> u16 {
    Checksum::new().with(bytes).finish()
}

/// The sum modulo 65535: halves are added, and the carry to what they give (RFC 1071 2(A)), first of 64 bits, then of 32.
#[inline]
const fn fold(sum: u64) -> u16 {
    // The upper half of a number and of the same one with its halves changed about is the sum of the halves and its carry.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

/// The sum of the words of `bytes`, the last padded with a zero. 2^32 words fit in it. Two sums, so that the loop is one that
/// compilers make vectors of: of all 64 bits, and of the upper halves, which are then taken off the first. That is less to do
/// than to cut both halves out.
#[inline]
fn sum_bytes(bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<8>();
    let (mut all, mut high) = (0_u64, 0);
    for pair in pairs {
        let pair = u64::from_ne_bytes(*pair);
        all = all.wrapping_add(pair);
        high += pair >> 32;
    }
    let low = all.wrapping_sub(high << 32);
    let sum = low + high;
    if rest.is_empty() { sum } else { sum + sum_rest(rest) }
}

/// The sum of less than eight bytes.
#[inline]
fn sum_rest(bytes: &[u8]) -> u64 {
    let (_, rest) = bytes.as_chunks::<4>();
    sum_words(bytes)
        + match *rest {
            [a, b, c] => u64::from(u32::from_ne_bytes([a, b, c, 0])),
            [a, b] => u64::from(u16::from_ne_bytes([a, b])),
            [a] => u64::from(u16::from_ne_bytes([a, 0])),
            _ => 0,
        }
}

/// The sum of the words of four bytes alone.
#[inline]
fn sum_words(bytes: &[u8]) -> u64 {
    bytes.as_chunks::<4>().0.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// The definition, word by word.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for word in bytes.chunks(2) {
            sum += u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    fn random(len: usize) -> Vec<u8> {
        let mut rng = Rng::new(len as u64);
        (0..len).map(|_| rng.next_u16() as u8).collect()
    }

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        for len in 0..200 {
            let bytes = random(len);
            assert_eq!(checksum(&bytes), naive(&bytes), "{len} bytes");
        }
        let full = vec![0xff; 65_536];
        assert_eq!(checksum(&full), naive(&full));
    }

    #[test]
    fn pieces_of_odd_length_join() {
        let bytes = random(100);
        for cut in 0..100 {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(Checksum::new().with(a).with(b).finish(), naive(&bytes), "cut at {cut}");
        }
    }

    #[test]
    fn pseudo_headers() {
        let v4 = Checksum::pseudo_header([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), 17, 9);
        assert_eq!(v4.finish(), naive(&[192, 0, 2, 1, 192, 0, 2, 2, 0, 17, 0, 9]));
        let (a, b) = ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2]);
        let v6 = Checksum::pseudo_header(IpAddr::from(a), IpAddr::from(b), 6, 0x1_0002);
        let mut bytes: Vec<u8> = a.iter().chain(&b).flat_map(|w: &u16| w.to_be_bytes()).collect();
        bytes.extend([0, 1, 0, 2, 0, 0, 0, 6]);
        assert_eq!(v6.finish(), naive(&bytes));
    }
}
