//! A ring of bytes that grows on demand: one copy in, one copy out, nothing is moved in between.

/// Bytes `0..len` are in the ring; bytes behind them can be written ahead of time (reassembly does).
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    /// As long as the capacity, which is a power of two, or empty.
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

/// The least that is allocated.
const MIN_CAPACITY: usize = 512;

impl Ring {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that are allocated.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Adds `data` at the end.
    pub(crate) fn append(&mut self, data: &[u8]) {
        self.write_at(self.len, data);
        self.len += data.len();
    }

    /// Writes at `offset`, be it behind the end; the length stays.
    pub(crate) fn write_at(&mut self, offset: usize, data: &[u8]) {
        self.reserve(offset + data.len());
        if data.is_empty() {
            return;
        }
        let at = self.position(offset);
        let first = data.len().min(self.bytes.len() - at);
        let (head, tail) = data.split_at(first);
        self.bytes[at..at + first].copy_from_slice(head);
        if !tail.is_empty() {
            self.bytes[..tail.len()].copy_from_slice(tail);
        }
    }

    /// Makes `count` bytes behind the end, written before, part of the ring.
    pub(crate) fn extend(&mut self, count: usize) {
        self.len = (self.len + count).min(self.bytes.len());
    }

    /// Up to `count` bytes from `offset`, in two pieces.
    pub(crate) fn slices(&self, offset: usize, count: usize) -> (&[u8], &[u8]) {
        let count = count.min(self.len.saturating_sub(offset));
        if count == 0 {
            return (&[], &[]);
        }
        let at = self.position(offset);
        let first = count.min(self.bytes.len() - at);
        (&self.bytes[at..at + first], &self.bytes[..count - first])
    }

    /// Copies from the beginning into `to`; returns how many bytes.
    pub(crate) fn copy_to(&self, to: &mut [u8]) -> usize {
        let (head, tail) = self.slices(0, to.len());
        to[..head.len()].copy_from_slice(head);
        to[head.len()..head.len() + tail.len()].copy_from_slice(tail);
        head.len() + tail.len()
    }

    /// Drops `count` bytes at the beginning.
    pub(crate) fn discard(&mut self, count: usize) {
        let count = count.min(self.len);
        self.start = if self.bytes.is_empty() { 0 } else { self.position(count) };
        self.len -= count;
    }

    /// Drops everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Ring::default();
    }

    fn position(&self, offset: usize) -> usize {
        (self.start + offset) & (self.bytes.len() - 1)
    }

    fn reserve(&mut self, capacity: usize) {
        if capacity <= self.bytes.len() {
            return;
        }
        let size = capacity.next_power_of_two().max(MIN_CAPACITY);
        let mut bytes = Vec::with_capacity(size);
        // All of it, for what was written behind the end must survive.
        bytes.extend_from_slice(&self.bytes[self.start..]);
        bytes.extend_from_slice(&self.bytes[..self.start]);
        bytes.resize(size, 0);
        (self.bytes, self.start) = (bytes, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_and_grows() {
        let mut ring = Ring::default();
        let mut sent = 0u32;
        let mut got = 0u32;
        for size in [1000, 2000, 37, 5000, 1, 9000] {
            let data: Vec<u8> = (0..size).map(|n| (sent + n) as u8).collect();
            ring.append(&data);
            sent += size;
            let mut out = vec![0; size as usize / 2];
            assert_eq!(ring.copy_to(&mut out), out.len());
            assert!(out.iter().enumerate().all(|(n, byte)| *byte == (got + n as u32) as u8));
            ring.discard(out.len());
            got += out.len() as u32;
        }
        assert_eq!(ring.len() as u32, sent - got);
    }

    #[test]
    fn what_is_written_ahead_survives_growth() {
        let mut ring = Ring::default();
        ring.append(&[1; 2000]);
        ring.discard(1990);
        ring.write_at(20, &[3; 10]);
        ring.write_at(5000, &[4; 1]);
        ring.write_at(10, &[2; 10]);
        ring.extend(20);
        let (a, b) = ring.slices(0, 100);
        assert_eq!([a, b].concat(), [[1; 10], [2; 10], [3; 10]].concat());
    }
}
