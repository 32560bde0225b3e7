//! The frames of a run as a capture file that Wireshark reads: pcapng, as draft-ietf-opsawg-pcapng describes it.

use crate::run::{TraceEntry, TraceEvent};
use crate::sut::{Interface, Medium};
use stack::Instant;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// Link types, as tcpdump.org numbers them.
const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_RAW: u16 = 101;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;

/// Where a frame goes, with its number in `epb_flags`, as the interface that captured sees it: here the stack's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Direction {
    /// To the stack.
    Inbound = 1,
    /// From the stack.
    Outbound = 2,
}

/// The capture of a trace: one interface block an interface, every frame with its time in nanoseconds since the start,
/// its direction, and the line of the script as a comment.
pub fn pcapng(interfaces: &[Interface], trace: &[TraceEntry]) -> Vec<u8> {
    let mut file = head(interfaces);
    for entry in trace {
        match &entry.what {
            TraceEvent::Inbound { interface, bytes, .. } => {
                file.extend(packet(interface.0, entry.at, bytes, Direction::Inbound, entry.line));
            }
            TraceEvent::Outbound { interface, bytes, .. } => {
                file.extend(packet(interface.0, entry.at, bytes, Direction::Outbound, entry.line));
            }
            TraceEvent::Call { .. } | TraceEvent::Completed { .. } => {}
        }
    }
    file
}

/// What a capture begins with: who captured, and the interfaces.
pub fn head(interfaces: &[Interface]) -> Vec<u8> {
    let mut file = section_header();
    for interface in interfaces {
        file.extend(interface_description(interface));
    }
    file
}

/// A block: type, length, body in words of 32 bits, length again. Little endian, as the section header says.
fn block(kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    pad(&mut body);
    let length = (body.len() + 12) as u32;
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), &body, &length.to_le_bytes()].concat()
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    // A value longer than the length field can say is cut.
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    pad(body);
}

fn section_header() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(0x1a2b_3c4d_u32.to_le_bytes());
    // Version 1.0, and a length that is not said.
    body.extend([1, 0, 0, 0]);
    body.extend(u64::MAX.to_le_bytes());
    block(SECTION_HEADER, body)
}

fn interface_description(interface: &Interface) -> Vec<u8> {
    let link_type = match interface.medium {
        Medium::Ethernet => LINKTYPE_ETHERNET,
        Medium::Ip => LINKTYPE_RAW,
    };
    let mut body = Vec::new();
    body.extend(link_type.to_le_bytes());
    body.extend([0, 0]);
    // Frames are never cut.
    body.extend(0_u32.to_le_bytes());
    option(&mut body, IF_NAME, interface.name.as_bytes());
    // Ten to the minus nine seconds.
    option(&mut body, IF_TSRESOL, &[9]);
    option(&mut body, OPTION_END, &[]);
    block(INTERFACE_DESCRIPTION, body)
}

/// One frame of a capture, at an interface by its position in the head; `line` becomes its comment.
pub fn packet(
    interface: usize,
    at: Instant,
    frame: &[u8],
    direction: Direction,
    line: Option<usize>,
) -> Vec<u8> {
    let nanos = at.as_nanos();
    let mut body = Vec::new();
    body.extend((interface as u32).to_le_bytes());
    body.extend(((nanos >> 32) as u32).to_le_bytes());
    body.extend((nanos as u32).to_le_bytes());
    body.extend((frame.len() as u32).to_le_bytes());
    body.extend((frame.len() as u32).to_le_bytes());
    body.extend(frame);
    pad(&mut body);
    option(&mut body, EPB_FLAGS, &(direction as u32).to_le_bytes());
    if let Some(line) = line {
        option(&mut body, OPTION_COMMENT, format!("line {line}").as_bytes());
    }
    option(&mut body, OPTION_END, &[]);
    block(ENHANCED_PACKET, body)
}

#[cfg(test)]
mod tests {
    use super::super::tests::trace;
    use super::*;
    use crate::sut::MacAddress;

    #[test]
    fn blocks_follow_each_other_and_have_the_frames() {
        let mac = MacAddress([2, 0, 0, 0, 0, 1]);
        let interface =
            Interface { name: "eth0".into(), medium: Medium::Ip, mtu: 1500, mac, addresses: Vec::new() };
        let file = pcapng(&[interface], &trace());
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let (mut at, mut kinds) = (0, Vec::new());
        while at < file.len() {
            let length = word(at + 4) as usize;
            assert_eq!(length % 4, 0);
            assert_eq!(word(at + length - 4) as usize, length);
            kinds.push(word(at));
            if word(at) == ENHANCED_PACKET {
                let nanos = u64::from(word(at + 12)) << 32 | u64::from(word(at + 16));
                assert_eq!(nanos, 100_000_000);
                assert_eq!(word(at + 20), 3);
                // Frame, its padding, then the flags.
                assert_eq!(
                    word(at + 36),
                    if kinds.len() == 3 { Direction::Inbound } else { Direction::Outbound } as u32
                );
            }
            at += length;
        }
        assert_eq!(kinds, [SECTION_HEADER, INTERFACE_DESCRIPTION, ENHANCED_PACKET, ENHANCED_PACKET]);
    }
}
