//! IPv6 reassembly (RFC 8200 4.5): overlaps drop the packet (RFC 5722); atomic fragments never come here (RFC 6946).

use super::codepoints::Codepoints;
use super::holes::{Assembly, Inserted};
use crate::config::ReassemblyConfig;
use crate::network::{Arrival, earliest_in};
use crate::time::Instant;
use crate::wire::Buffer;
use crate::wire::ipv6_ext::Fragment;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// What fragments of one packet have in common (RFC 8200 4.5): source, destination and identification, and the interface where
/// one of the addresses means something on one link alone (RFC 4007 5).
type Key = (Ipv6Addr, Ipv6Addr, u32, Option<usize>);

/// What an incomplete packet is counted for besides its bytes, so that many small ones are bounded too.
const OVERHEAD: usize = 256;
/// The largest payload: what payload length can say.
const MAX_PAYLOAD: usize = 65_535;

/// A fragment that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) fragment: Fragment,
    /// The whole packet as it arrived.
    pub(crate) packet: &'a [u8],
    /// Where the fragment header stands in it.
    pub(crate) at: usize,
    /// Where the Next Header field stands that names the fragment header.
    pub(crate) named_at: usize,
    /// The fragment's data.
    pub(crate) data: &'a [u8],
}

/// The first fragment: its per-fragment headers become the packet's.
#[derive(Debug)]
struct First {
    arrival: Arrival,
    packet: Vec<u8>,
    at: usize,
    named_at: usize,
    next_header: u8,
}

#[derive(Debug)]
struct Packet {
    assembly: Assembly,
    expires: Instant,
    first: Option<First>,
    /// Where each fragment stands, so that an exact copy is told from an overlap.
    pieces: Vec<(usize, usize)>,
    /// Fragments overlapped: nothing more is taken for this packet until its time is over (RFC 5722 4).
    poisoned: bool,
    codepoints: Codepoints,
}

impl Packet {
    fn memory(&self) -> usize {
        let first = self.first.as_ref().map_or(0, |first| first.packet.len());
        OVERHEAD + self.assembly.memory() + first + self.pieces.len() * size_of::<(usize, usize)>()
    }
}

/// The incomplete packets of a host.
#[derive(Debug)]
pub(crate) struct Reassembly6 {
    config: ReassemblyConfig,
    packets: BTreeMap<Key, Packet>,
    memory: usize,
}

impl Reassembly6 {
    pub(crate) fn new(config: ReassemblyConfig) -> Reassembly6 {
        Reassembly6 { config, packets: BTreeMap::new(), memory: 0 }
    }

    /// Takes in a fragment whose lengths have been checked. Gives the whole packet, its fragment header taken out, once
    /// it is complete.
    pub(crate) fn insert(&mut self, now: Instant, arrival: Arrival, piece: &Piece<'_>) -> Option<Buffer> {
        let zoned = piece.source.is_unicast_link_local()
            || piece.destination.is_unicast_link_local()
            || piece.destination.is_multicast();
        let zone = zoned.then_some(arrival.interface);
        let key = (piece.source, piece.destination, piece.fragment.identification, zone);
        let expires = now + self.config.timeout;
        let new = || Packet {
            assembly: Assembly::new(),
            expires,
            first: None,
            pieces: Vec::new(),
            poisoned: false,
            codepoints: Codepoints::default(),
        };
        let mut packet = self.take(key).unwrap_or_else(new);
        let offset = usize::from(piece.fragment.offset);
        let place = (offset, piece.data.len());
        if packet.poisoned || packet.pieces.contains(&place) {
            self.put(key, packet);
            return None;
        }
        let overlap = packet.assembly.overlaps(offset..offset + piece.data.len());
        let inserted = match overlap {
            true => Inserted::Contradiction,
            false => packet.assembly.insert(offset, piece.data, !piece.fragment.more),
        };
        packet.pieces.push(place);
        packet.codepoints.see(piece.packet.get(1).map_or(0, |byte| byte >> 4));
        if offset == 0 && packet.first.is_none() {
            let (at, named_at, next_header) = (piece.at, piece.named_at, piece.fragment.next_header);
            packet.first = Some(First { arrival, packet: piece.packet.to_vec(), at, named_at, next_header });
        }
        match inserted {
            Inserted::Complete => return finish(packet),
            Inserted::Incomplete => self.put(key, packet),
            Inserted::Contradiction => {
                let expires = packet.expires;
                self.put(key, Packet { poisoned: true, expires, ..new() });
            }
        }
        None
    }

    /// Drops what has waited too long and gives the first fragments among it, whose senders are told.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<(Arrival, Vec<u8>)> {
        let due: Vec<Key> =
            self.packets.iter().filter(|(_, p)| p.expires <= now).map(|(key, _)| *key).collect();
        let first = |key| self.take(key)?.first.map(|first| (first.arrival, first.packet));
        due.into_iter().filter_map(first).collect()
    }

    /// When [`Reassembly6::poll`] next drops something.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        earliest_in(&self.packets, |packet| Some(packet.expires))
    }

    fn take(&mut self, key: Key) -> Option<Packet> {
        let packet = self.packets.remove(&key)?;
        self.memory -= packet.memory();
        Some(packet)
    }

    fn put(&mut self, key: Key, packet: Packet) {
        self.memory += packet.memory();
        self.packets.insert(key, packet);
        while self.memory > self.config.memory {
            let oldest = self.packets.iter().min_by_key(|(_, p)| p.expires).map(|(key, _)| *key);
            if oldest.and_then(|key| self.take(key)).is_none() {
                return;
            }
        }
    }
}

fn finish(packet: Packet) -> Option<Buffer> {
    let mut first = packet.first?;
    // The traffic class ends, with the ECN field, in the upper half of the second byte.
    let second = first.packet.get_mut(1)?;
    *second |= packet.codepoints.whole(*second >> 4)? << 4;
    without_fragment_header(
        &first.packet,
        first.at,
        first.named_at,
        first.next_header,
        &packet.assembly.into_data(),
    )
}

/// The packet `packet` with its fragment header at `at` taken out and `data` behind the headers before it. `None`
/// where that is longer than a packet can be.
pub(crate) fn without_fragment_header(
    packet: &[u8],
    at: usize,
    named_at: usize,
    next_header: u8,
    data: &[u8],
) -> Option<Buffer> {
    let headers = packet.get(..at)?;
    let payload_length = u16::try_from((at + data.len()).checked_sub(40)?).ok()?;
    if usize::from(payload_length) > MAX_PAYLOAD {
        return None;
    }
    let mut whole = Buffer::with_capacity(at + data.len());
    whole.append(headers);
    whole.append(data);
    *whole.get_mut(named_at)? = next_header;
    whole.get_mut(4..6)?.copy_from_slice(&payload_length.to_be_bytes());
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ipv6::Header;

    const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

    /// What the fragment completes.
    fn insert(r: &mut Reassembly6, offset: u16, data: &[u8], more: bool) -> Option<Vec<u8>> {
        let fragment = Fragment { next_header: 17, offset, more, identification: 7 };
        let mut buffer = Buffer::with_payload(data);
        fragment.emit(&mut buffer);
        let (source, destination) = (B, A);
        let (traffic_class, flow_label, next_header, hop_limit) = (0, 0, 44, 64);
        Header { traffic_class, flow_label, next_header, hop_limit, source, destination }.emit(&mut buffer);
        let piece = Piece { source, destination, fragment, packet: &buffer, at: 40, named_at: 6, data };
        let whole = r.insert(Instant::ZERO, Arrival::ON_LINK, &piece)?;
        let (header, payload) = Header::parse(&whole).unwrap();
        assert_eq!(header.next_header, 17);
        Some(payload.to_vec())
    }

    fn reassembly() -> Reassembly6 {
        Reassembly6::new(ReassemblyConfig::default())
    }

    #[test]
    fn any_order_and_exact_copies() {
        let mut r = reassembly();
        assert_eq!(insert(&mut r, 8, b"9", false), None);
        assert_eq!(insert(&mut r, 8, b"9", false), None);
        assert_eq!(insert(&mut r, 0, b"12345678", true), Some(b"123456789".to_vec()));
        assert_eq!((r.memory, r.next_deadline()), (0, None));
    }

    #[test]
    fn an_overlap_drops_the_packet_with_what_is_still_to_come() {
        let mut r = reassembly();
        assert_eq!(insert(&mut r, 0, b"1234567812345678", true), None);
        assert_eq!(insert(&mut r, 8, b"87654321x", false), None);
        assert_eq!(insert(&mut r, 0, b"1234567812345678", true), None);
        assert_eq!(insert(&mut r, 16, b"x", false), None);
        assert_eq!(r.poll(Instant::from_secs(60)), [], "no error tells of it");
    }

    #[test]
    fn after_sixty_seconds_the_first_fragment_is_reported() {
        let mut r = reassembly();
        insert(&mut r, 0, b"12345678", true);
        assert_eq!(r.poll(Instant::from_millis(59_999)).len(), 0);
        assert_eq!(r.poll(Instant::from_secs(60)).len(), 1);
        assert_eq!((r.packets.len(), r.memory), (0, 0));
    }
}
