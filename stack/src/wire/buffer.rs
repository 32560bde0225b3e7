//! A packet that grows at its front: TCP writes its segment once, IP and Ethernet prepend their headers in place.

use core::fmt;
use core::ops::{Deref, DerefMut};

/// Bytes kept free before a payload: Ethernet's 14 and the longest IPv4 header's 60, rounded up to 16.
pub const HEADROOM: usize = 80;

/// Bytes with room before them.
#[derive(Clone)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// Where the packet begins in `bytes`; what is before is free.
    start: usize,
}

impl Buffer {
    /// An empty packet with [`HEADROOM`] before it.
    pub fn new() -> Buffer {
        Buffer::with_capacity(0)
    }

    /// An empty packet with [`HEADROOM`] before it, to which `capacity` bytes can be appended without moving it.
    pub fn with_capacity(capacity: usize) -> Buffer {
        let mut bytes = Vec::with_capacity(HEADROOM + capacity);
        bytes.extend_from_slice(&[0; HEADROOM]);
        Buffer { bytes, start: HEADROOM }
    }

    /// A packet that holds a copy of `payload`, with [`HEADROOM`] before it.
    pub fn with_payload(payload: &[u8]) -> Buffer {
        let mut buffer = Buffer::with_capacity(payload.len());
        buffer.append(payload);
        buffer
    }

    /// Makes the packet `count` bytes longer at its front and returns these bytes, which are zero.
    #[inline]
    pub fn prepend(&mut self, count: usize) -> &mut [u8] {
        self.start = self.start_before(count);
        let header = &mut self.bytes[self.start..self.start + count];
        header.fill(0);
        header
    }

    /// Puts `header` before the packet.
    #[inline]
    pub fn prepend_bytes(&mut self, header: &[u8]) {
        self.start = self.start_before(header.len());
        self.bytes[self.start..self.start + header.len()].copy_from_slice(header);
    }

    /// Makes the packet `count` bytes longer at its front. Returns these bytes, which hold anything until they are written,
    /// and what is behind them.
    #[inline]
    pub fn prepend_split(&mut self, count: usize) -> (&mut [u8], &mut [u8]) {
        self.start = self.start_before(count);
        self.bytes[self.start..].split_at_mut(count)
    }

    /// [`Buffer::prepend_split`] for a header whose length is known.
    #[inline]
    pub fn prepend_array<const N: usize>(&mut self) -> (&mut [u8; N], &mut [u8]) {
        self.start = self.start_before(N);
        match self.bytes[self.start..].split_first_chunk_mut() {
            Some(parts) => parts,
            None => unreachable!("room for {N} bytes was made"),
        }
    }

    /// Where the packet begins that is `count` bytes longer at its front; there is room.
    #[inline]
    fn start_before(&mut self, count: usize) -> usize {
        self.start.checked_sub(count).unwrap_or_else(|| self.moved_back(count))
    }

    #[cold]
    fn moved_back(&mut self, count: usize) -> usize {
        let missing = count - self.start + HEADROOM;
        self.bytes.splice(0..0, core::iter::repeat_n(0, missing));
        HEADROOM
    }

    /// The packet, in the place of which there is an empty one without memory.
    #[inline]
    pub fn take(&mut self) -> Buffer {
        core::mem::replace(self, Buffer { bytes: Vec::new(), start: 0 })
    }

    /// An empty packet in the memory of this one.
    #[inline]
    pub fn cleared(mut self) -> Buffer {
        self.bytes.resize(HEADROOM, 0);
        self.start = HEADROOM;
        self
    }

    /// Adds `data` at the packet's end.
    pub fn append(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// Adds `count` zeros at the packet's end and returns them.
    pub fn append_zeros(&mut self, count: usize) -> &mut [u8] {
        let end = self.bytes.len();
        self.bytes.resize(end + count, 0);
        &mut self.bytes[end..]
    }

    /// Takes the first `count` bytes off the packet, or all where there are fewer; their place is free again.
    #[inline]
    pub fn trim_front(&mut self, count: usize) {
        self.start += count.min(self.len());
    }

    /// Cuts the packet to its first `len` bytes, where it is longer.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start.saturating_add(len));
    }

    /// The packet in a vector of its own.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.bytes.drain(..self.start);
        self.bytes
    }
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer::new()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Buffer) -> bool {
        **self == **other
    }
}

impl Eq for Buffer {}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes:", self.len())?;
        self.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_at_both_ends() {
        let mut buffer = Buffer::with_payload(b"data");
        buffer.prepend(2).copy_from_slice(b"ip");
        buffer.append(b"!");
        assert_eq!(&*buffer, b"ipdata!");
        buffer.trim_front(2);
        assert_eq!(&*buffer, b"data!");
        buffer.prepend(2).copy_from_slice(b"ip");
        buffer.truncate(3);
        assert_eq!(buffer.into_vec(), b"ipd");
    }

    #[test]
    fn more_than_the_headroom_is_made_room_for() {
        let mut buffer = Buffer::with_payload(b"x");
        assert_eq!(buffer.prepend(HEADROOM + 5).len(), HEADROOM + 5);
        buffer.prepend(1)[0] = 7;
        assert_eq!((buffer.len(), buffer[0], buffer[HEADROOM + 6]), (HEADROOM + 7, 7, b'x'));
    }

    #[test]
    fn prepended_bytes_are_zero() {
        let mut buffer = Buffer::new();
        buffer.prepend(3).fill(0xff);
        let mut again = buffer.clone();
        again.truncate(0);
        assert!(again.prepend(HEADROOM - 3).iter().all(|b| *b == 0));
    }
}
