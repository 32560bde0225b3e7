//! Ethernet in and out: the filter of destinations, and the padding of short frames.

use super::Cast;
use super::interface::Interface;
use crate::wire::ethernet::{Framing, Header, MIN_FRAME_LEN};
use crate::wire::{Buffer, MacAddress};

/// Takes a frame off the wire: its EtherType, its payload and to whom it was sent. `None` where it is broken or for
/// somebody else.
pub(crate) fn receive<'a>(interface: &Interface, frame: &'a [u8]) -> Option<(u16, &'a [u8], Cast)> {
    let (header, payload) = Header::parse(frame).ok()?;
    // A group address names no sender.
    if header.source.is_multicast() {
        return None;
    }
    let cast = match header.destination {
        MacAddress::BROADCAST => Cast::Broadcast,
        group if group.is_multicast() => interface.listens_to(group).then_some(Cast::Multicast)?,
        mac => (mac == interface.mac).then_some(Cast::Unicast)?,
    };
    Some((header.ethertype, payload, cast))
}

/// Puts a payload into a frame: Ethernet II, as RFC 1122 2.3.3 has it by default, padded with zeros (RFC 894).
pub(crate) fn frame(
    source: MacAddress,
    destination: MacAddress,
    ethertype: u16,
    mut payload: Buffer,
) -> Buffer {
    Header { destination, source, ethertype, framing: Framing::EthernetII }.emit(&mut payload);
    payload.append_zeros(MIN_FRAME_LEN.saturating_sub(payload.len()));
    payload
}
