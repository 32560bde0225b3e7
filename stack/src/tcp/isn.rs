//! Initial sequence numbers (RFC 6528, RFC 9293 3.4.1): ISN = M + F(localip, localport, remoteip, remoteport, key).

use super::SeqNumber;
use crate::rng::Rng;
use crate::time::Instant;
use std::net::{IpAddr, SocketAddr};

/// F's secret key.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    key: [u64; 2],
    cookie_key: [u8; 16],
}

impl Secret {
    /// The key that follows from `seed`.
    pub(crate) fn new(seed: u64) -> Secret {
        let mut rng = Rng::new(seed);
        let key = [rng.next_u64(), rng.next_u64()];
        let [low, high] = [2, 3].map(|purpose| siphash(key, core::iter::once(purpose)));
        Secret { key, cookie_key: (u128::from(high) << 64 | u128::from(low)).to_le_bytes() }
    }

    /// The ISN of a connection opened now; M ticks every 4 microseconds.
    pub(crate) fn isn(&self, now: Instant, local: SocketAddr, remote: SocketAddr) -> SeqNumber {
        let ticks = (now.as_nanos() / 4_000) as u32;
        SeqNumber(ticks.wrapping_add(self.hash(0, local, remote) as u32))
    }

    /// The offset of a connection's timestamp clock (RFC 7323 7).
    pub(crate) fn timestamp_offset(&self, local: SocketAddr, remote: SocketAddr) -> u32 {
        self.hash(1, local, remote) as u32
    }

    /// A MAC of a connection's ends and `bytes`.
    pub(crate) fn mac(&self, local: SocketAddr, remote: SocketAddr, bytes: impl Iterator<Item = u8>) -> u64 {
        let endpoint = |end: SocketAddr| octets(end.ip()).chain(end.port().to_be_bytes());
        siphash(self.key, core::iter::once(4).chain(endpoint(local)).chain(endpoint(remote)).chain(bytes))
    }

    /// A key for cookies (RFC 7413 4.1.2) where nobody has chosen one.
    pub(crate) fn cookie_key(&self) -> [u8; 16] {
        self.cookie_key
    }

    fn hash(&self, purpose: u8, local: SocketAddr, remote: SocketAddr) -> u64 {
        let (mut bytes, mut len) = ([purpose; 1 + 2 * 18], 1);
        let mut put = |more: &[u8]| {
            bytes[len..len + more.len()].copy_from_slice(more);
            len += more.len();
        };
        for end in [local, remote] {
            match end.ip() {
                IpAddr::V4(address) => put(&address.octets()),
                IpAddr::V6(address) => put(&address.octets()),
            }
            put(&end.port().to_be_bytes());
        }
        siphash_slice(self.key, &bytes[..len])
    }
}

/// An address as it stands in a header.
pub(crate) fn octets(address: IpAddr) -> impl Iterator<Item = u8> {
    let (octets, count) = match address {
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            (octets, 4)
        }
        IpAddr::V6(address) => (address.octets(), 16),
    };
    octets.into_iter().take(count)
}

/// SipHash of `bytes`.
pub(crate) fn siphash(key: [u64; 2], bytes: impl Iterator<Item = u8>) -> u64 {
    let mut hasher = SipHash::new(key);
    bytes.for_each(|byte| hasher.byte(byte));
    hasher.finish()
}

/// The same of bytes that lie together.
fn siphash_slice(key: [u64; 2], bytes: &[u8]) -> u64 {
    let mut hasher = SipHash::new(key);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        hasher.word = u64::from_le_bytes(*word);
        hasher.count += 8;
        hasher.compress();
    }
    tail.iter().for_each(|byte| hasher.byte(*byte));
    hasher.finish()
}

/// SipHash-2-4 (Aumasson, Bernstein, 2012), a keyed hash whose key does not follow from its values.
struct SipHash {
    v: [u64; 4],
    word: u64,
    count: u64,
}

impl SipHash {
    fn new(key: [u64; 2]) -> SipHash {
        let v = [
            key[0] ^ 0x736f_6d65_7073_6575,
            key[1] ^ 0x646f_7261_6e64_6f6d,
            key[0] ^ 0x6c79_6765_6e65_7261,
            key[1] ^ 0x7465_6462_7974_6573,
        ];
        SipHash { v, word: 0, count: 0 }
    }

    fn byte(&mut self, byte: u8) {
        self.word |= u64::from(byte) << (8 * (self.count % 8));
        self.count += 1;
        if self.count.is_multiple_of(8) {
            self.compress();
        }
    }

    fn compress(&mut self) {
        self.v[3] ^= self.word;
        self.round();
        self.round();
        self.v[0] ^= self.word;
        self.word = 0;
    }

    fn finish(mut self) -> u64 {
        self.word |= self.count << 56;
        self.compress();
        self.v[2] ^= 0xff;
        (0..4).for_each(|_| self.round());
        self.v.iter().fold(0, |sum, v| sum ^ v)
    }

    fn round(&mut self) {
        let [a, b, c, d] = &mut self.v;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siphash_test_vector() {
        // The key 00 01 .. 0f and the message 00 01 .. 0e of the paper's appendix A.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(siphash(key, 0..15), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn the_clock_adds_to_the_hash() {
        let secret = Secret::new(1);
        let endpoint = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let isn = |now, port| secret.isn(now, endpoint(80), endpoint(port));
        let start = isn(Instant::ZERO, 1);
        assert_eq!(isn(Instant::from_micros(400), 1), start + 100);
        assert_ne!(isn(Instant::ZERO, 2), start);
        assert_ne!(Secret::new(2).isn(Instant::ZERO, endpoint(80), endpoint(1)), start);
    }
}
