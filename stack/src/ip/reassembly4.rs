//! IPv4 reassembly (RFC 791 3.2, RFC 815, RFC 1122 3.3.2).

use super::codepoints::Codepoints;
use super::holes::{Assembly, Inserted};
use crate::config::ReassemblyConfig;
use crate::network::Arrival;
use crate::time::Instant;
use crate::wire::ipv4::{Header, MAX_LEN};
use crate::wire::{Buffer, ipv4};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What fragments of one datagram have in common (RFC 791 3.2).
type Key = (Ipv4Addr, Ipv4Addr, u8, u16);

/// What an incomplete datagram is counted for besides its bytes, so that many small ones are bounded too.
const OVERHEAD: usize = 256;

#[derive(Debug)]
struct Datagram {
    /// Its number in the order in which datagrams began.
    number: u64,
    assembly: Assembly,
    expires: Instant,
    /// How the first fragment came, and its bytes: its header becomes the datagram's, and an error quotes it.
    first: Option<(Arrival, Vec<u8>)>,
    codepoints: Codepoints,
}

impl Datagram {
    fn memory(&self) -> usize {
        OVERHEAD + self.assembly.memory() + self.first.as_ref().map_or(0, |(_, bytes)| bytes.len())
    }
}

/// The incomplete datagrams of a host.
#[derive(Debug)]
pub(crate) struct Reassembly4 {
    config: ReassemblyConfig,
    datagrams: BTreeMap<Key, Datagram>,
    /// The same in the order in which they began, which is that in which they expire.
    order: BTreeMap<u64, Key>,
    begun: u64,
    memory: usize,
}

impl Reassembly4 {
    pub(crate) fn new(config: ReassemblyConfig) -> Reassembly4 {
        Reassembly4 { config, datagrams: BTreeMap::new(), order: BTreeMap::new(), begun: 0, memory: 0 }
    }

    /// Takes in a fragment, `bytes` being all of it. Gives the whole datagram, header included, once it is complete.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        arrival: Arrival,
        (header, payload): (&Header<'_>, &[u8]),
        bytes: &[u8],
    ) -> Option<Buffer> {
        let offset = usize::from(header.fragment_offset);
        // Fragments are whole units of 8 bytes but for the last, and none reaches beyond the largest datagram.
        let whole_units = !header.more_fragments || (payload.len() % 8 == 0 && !payload.is_empty());
        if !whole_units || header.len() + offset + payload.len() > MAX_LEN {
            return None;
        }
        let key = (header.source, header.destination, header.protocol, header.identification);
        let expires = now + self.config.timeout;
        self.begun += 1;
        let number = self.begun;
        let new = || Datagram {
            number,
            assembly: Assembly::new(),
            expires,
            first: None,
            codepoints: Codepoints::default(),
        };
        let mut datagram = self.take(key).unwrap_or_else(new);
        datagram.codepoints.see(header.tos);
        let inserted = datagram.assembly.insert(offset, payload, !header.more_fragments);
        if offset == 0 {
            datagram.first = Some((arrival, bytes.to_vec()));
        }
        match inserted {
            Inserted::Complete => return finish(datagram),
            // What contradicts itself cannot be put together; a later fragment starts anew.
            Inserted::Contradiction => {}
            Inserted::Incomplete => self.put(key, datagram),
        }
        None
    }

    /// Drops what has waited too long and gives the first fragments among it: the senders of these are told
    /// (RFC 1122 3.3.2: with fragment zero alone).
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<(Arrival, Vec<u8>)> {
        let is_due = |key: &Key| self.datagrams.get(key).is_some_and(|d| d.expires <= now);
        let due: Vec<Key> = self.order.values().copied().take_while(is_due).collect();
        due.into_iter().filter_map(|key| self.take(key)?.first).collect()
    }

    /// When [`Reassembly4::poll`] next drops something.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let (_, key) = self.order.first_key_value()?;
        self.datagrams.get(key).map(|datagram| datagram.expires)
    }

    /// Bytes that incomplete datagrams are counted for.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    fn take(&mut self, key: Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&key)?;
        self.memory -= datagram.memory();
        self.order.remove(&datagram.number);
        Some(datagram)
    }

    fn put(&mut self, key: Key, datagram: Datagram) {
        self.memory += datagram.memory();
        self.order.insert(datagram.number, key);
        self.datagrams.insert(key, datagram);
        while self.memory > self.config.memory {
            let oldest = self.order.first_key_value().map(|(_, key)| *key);
            if oldest.and_then(|key| self.take(key)).is_none() {
                return;
            }
        }
    }
}

/// The datagram: the first fragment's header, as if it had never been in pieces.
fn finish(datagram: Datagram) -> Option<Buffer> {
    let (_, first) = datagram.first?;
    let (header, _) = Header::parse(&first).ok()?;
    let tos = datagram.codepoints.whole(header.tos)?;
    let data = datagram.assembly.into_data();
    if header.len() + data.len() > ipv4::MAX_LEN {
        return None;
    }
    let mut whole = Buffer::with_payload(&data);
    Header { tos, more_fragments: false, fragment_offset: 0, ..header }.emit(&mut whole);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Arrival;

    const ARRIVAL: Arrival = Arrival::ON_LINK;

    fn fragment(id: u16, offset: u16, payload: &[u8], more: bool) -> Buffer {
        let mut buffer = Buffer::with_payload(payload);
        let header = Header {
            tos: 0,
            identification: id,
            reserved: false,
            dont_fragment: false,
            more_fragments: more,
            fragment_offset: offset,
            ttl: 64,
            protocol: 17,
            source: [192, 0, 2, 2].into(),
            destination: [192, 0, 2, 1].into(),
            options: &[],
        };
        header.emit(&mut buffer);
        buffer
    }

    fn insert(reassembly: &mut Reassembly4, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
        let (header, payload) = Header::parse(bytes).unwrap();
        let whole = reassembly.insert(now, ARRIVAL, (&header, payload), bytes)?;
        Some(Header::parse(&whole).unwrap().1.to_vec())
    }

    fn reassembly() -> Reassembly4 {
        Reassembly4::new(ReassemblyConfig::default())
    }

    #[test]
    fn two_datagrams_at_once() {
        let (mut r, now) = (reassembly(), Instant::ZERO);
        assert_eq!(insert(&mut r, now, &fragment(1, 8, b"9", false)), None);
        assert_eq!(insert(&mut r, now, &fragment(2, 0, b"abcdefgh", true)), None);
        assert_eq!(insert(&mut r, now, &fragment(1, 0, b"12345678", true)), Some(b"123456789".to_vec()));
        assert_eq!(insert(&mut r, now, &fragment(2, 8, b"", false)), Some(b"abcdefgh".to_vec()));
        assert_eq!((r.memory, r.next_deadline(), r.order.len()), (0, None, 0));
    }

    #[test]
    fn what_cannot_be_a_fragment_is_left_out() {
        let (mut r, now) = (reassembly(), Instant::ZERO);
        assert_eq!(insert(&mut r, now, &fragment(1, 0, b"1234567", true)), None);
        assert_eq!(insert(&mut r, now, &fragment(1, 65_528, b"12345678", false)), None);
        assert_eq!(r.datagrams.len(), 0);
    }

    #[test]
    fn after_sixty_seconds_the_first_fragment_is_reported() {
        let mut r = reassembly();
        insert(&mut r, Instant::ZERO, &fragment(1, 0, b"12345678", true));
        insert(&mut r, Instant::ZERO, &fragment(2, 8, b"12345678", true));
        assert_eq!(r.next_deadline(), Some(Instant::from_secs(60)));
        assert_eq!(r.poll(Instant::from_millis(59_999)), []);
        assert_eq!(r.poll(Instant::from_secs(60)), [(ARRIVAL, fragment(1, 0, b"12345678", true).to_vec())]);
        assert_eq!((r.datagrams.len(), r.memory), (0, 0));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes() {
        let mut r = Reassembly4::new(ReassemblyConfig { memory: 100_000, ..ReassemblyConfig::default() });
        for id in 0..1000 {
            insert(&mut r, Instant::from_millis(id.into()), &fragment(id, 60_000, b"12345678", true));
            assert!(r.memory <= 100_000);
        }
        assert!(r.datagrams.keys().all(|key| key.3 == 999));
        assert_eq!(r.order.len(), r.datagrams.len());
    }
}
