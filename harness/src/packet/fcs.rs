//! The frame check sequence of Ethernet and 802.3, which is a frame's last four octets where the links carry it (`with: fcs=on`):
//! CRC-32, IEEE 802.3 section 3.2.9.

use crate::lang::ast::{LayerKind, Packet, Value};
use crate::sut::Setup;

/// Octets of the sequence.
const LENGTH: usize = 4;
/// The shortest frame, from the destination address to the end of the sequence (RFC 1042, "For IEEE 802.3").
const SHORTEST: usize = 64;

/// The frame with its sequence behind it; each bit of `flipped` makes one of it wrong.
pub fn append(frame: &[u8], flipped: u32) -> Vec<u8> {
    [frame, &(sequence(frame) ^ flipped).to_le_bytes()].concat()
}

/// What is wanted and what is there where a frame, with its sequence, is too short or has a wrong one.
pub fn wrong(frame: &[u8]) -> Option<(String, String)> {
    let Some((frame, found)) = frame.split_last_chunk::<LENGTH>().filter(|_| frame.len() >= SHORTEST) else {
        let wanted = format!("{SHORTEST} octets at least, the check sequence included");
        return Some((wanted, frame.len().to_string()));
    };
    let (right, found) = (sequence(frame), u32::from_le_bytes(*found));
    (right != found).then(|| (format!("check sequence 0x{right:08x}"), format!("0x{found:08x}")))
}

/// The frame without its sequence.
pub fn strip(frame: &[u8]) -> &[u8] {
    &frame[..frame.len().saturating_sub(LENGTH)]
}

/// Whether frames of a run on Ethernet end with their sequence.
pub fn is_carried(setup: &Setup) -> bool {
    setup.settings.get("fcs").is_some_and(|value| value == "on")
}

/// Whether a packet is to be sent with a wrong sequence: `ether[fcs bad]`.
pub fn is_bad(packet: &Packet) -> bool {
    let ether = packet.layers.iter().find(|layer| layer.kind == LayerKind::Ether);
    ether.is_some_and(|ether| ether.fields.iter().any(|f| f.name == "fcs" && f.value == Value::Bad))
}

/// The register begins with ones, takes each octet's lowest bit first, and is sent inverted, its lowest octet first.
fn sequence(frame: &[u8]) -> u32 {
    let shift = |register: u32, _| register >> 1 ^ if register & 1 == 1 { 0xedb8_8320 } else { 0 };
    !frame.iter().fold(u32::MAX, |register, octet| (0..8).fold(register ^ u32::from(*octet), shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_long_enough_and_has_its_sequence() {
        assert_eq!(sequence(b"123456789"), 0xcbf4_3926);
        let check = |length: usize, flipped, expected: Option<&str>| {
            let frame = append(&vec![0x5a; length], flipped);
            let found = wrong(&frame).map(|(_, found)| found);
            assert_eq!(found.as_deref(), expected, "{length} {flipped}");
            assert_eq!(strip(&frame).len(), length);
        };
        check(60, 0, None);
        check(1514, 0, None);
        check(59, 0, Some("63"));
        check(0, 0, Some("4"));
        assert!(wrong(&append(&[0; 60], 1)).is_some() && wrong(&append(&[0; 60], 1 << 31)).is_some());
        assert_eq!(wrong(&[]).map(|(_, found)| found).as_deref(), Some("0"));
    }
}
