//! A TCP segment in an IP datagram, built and read without a script: what is done a million times a second.

use super::operation::Version;
use crate::packet::checksum::{Sum, pseudo_header};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// No more data from the sender.
pub const FIN: u8 = 0x01;
/// Synchronise sequence numbers.
pub const SYN: u8 = 0x02;
/// Reset the connection.
pub const RST: u8 = 0x04;
/// Push.
pub const PSH: u8 = 0x08;
/// The acknowledgement number means something.
pub const ACK: u8 = 0x10;
/// The urgent pointer means something.
pub const URG: u8 = 0x20;

/// The protocol number of TCP.
const TCP: u8 = 6;

/// The ends of the connection, the stack's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The stack's address and port.
    pub local: (IpAddr, u16),
    /// The peer's.
    pub remote: (IpAddr, u16),
}

impl Ends {
    /// The documentation addresses that cases have, and their ports.
    pub fn of(version: Version) -> Ends {
        let address = |last: u8| match version {
            Version::V4 => IpAddr::from([192, 0, 2, last]),
            Version::V6 => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]),
        };
        Ends { local: (address(1), 8080), remote: (address(2), 8080) }
    }
}

/// The options of a segment that a connection depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// Window scale.
    pub scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// SACK blocks.
    pub sack: Vec<(u32, u32)>,
    /// Bytes behind these; as read: whatever else there was.
    pub raw: Vec<u8>,
}

/// A segment, its numbers as they stand on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number, meaningful or not.
    pub ack: u32,
    /// The six classic control bits and ECE, CWR above them.
    pub flags: u8,
    /// The window, unscaled.
    pub window: u16,
    /// The urgent pointer.
    pub urgent: u16,
    /// The options.
    pub options: Options,
    /// The text.
    pub payload: Vec<u8>,
    /// The two bits of IP's header about congestion (RFC 3168 5).
    pub ecn: u8,
}

impl Segment {
    /// Whether any of `flags` is set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// How many sequence numbers it takes.
    pub fn length(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }

    /// The number behind its last.
    pub fn end(&self) -> u32 {
        self.seq.wrapping_add(self.length())
    }

    /// The datagram from `ends.remote` to `ends.local` with this segment, all lengths and checksums right.
    pub fn datagram(&self, ends: &Ends) -> Vec<u8> {
        let mut frame = Vec::new();
        self.write(ends, &mut frame);
        frame
    }

    /// The same in the place of what `frame` has.
    pub(super) fn write(&self, ends: &Ends, frame: &mut Vec<u8>) {
        let area = self.options.area();
        let options = area.as_slice();
        let length = 20 + options.len() + self.payload.len();
        frame.clear();
        frame.reserve(40 + length);
        ip_header(frame, ends, TCP, self.ecn, length);
        let start = frame.len();
        let mut header = [0; 20];
        header[..2].copy_from_slice(&ends.remote.1.to_be_bytes());
        header[2..4].copy_from_slice(&ends.local.1.to_be_bytes());
        header[4..8].copy_from_slice(&self.seq.to_be_bytes());
        header[8..12].copy_from_slice(&self.ack.to_be_bytes());
        header[12] = (((20 + options.len()) / 4) << 4) as u8;
        header[13] = self.flags;
        header[14..16].copy_from_slice(&self.window.to_be_bytes());
        header[18..].copy_from_slice(&self.urgent.to_be_bytes());
        frame.extend_from_slice(&header);
        frame.extend_from_slice(options);
        frame.extend_from_slice(&self.payload);
        let sum = pseudo_header(ends.remote.0, ends.local.0, TCP, length).add(&frame[start..]).finish();
        frame[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
    }

    /// Reads the datagram that the stack sent from `ends.local` to `ends.remote`; `None` where it is anything else.
    pub fn read(ends: &Ends, frame: &[u8]) -> Option<Segment> {
        let tcp = text(ends, frame)?;
        let header: &[u8; 20] = tcp.first_chunk()?;
        let be16 = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let be32 = |at: usize| u32::from(be16(at)) << 16 | u32::from(be16(at + 2));
        let offset = usize::from(header[12] >> 4) * 4;
        if (be16(0), be16(2)) != (ends.local.1, ends.remote.1) {
            return None;
        }
        Some(Segment {
            seq: be32(4),
            ack: be32(8),
            flags: header[13],
            window: be16(14),
            urgent: be16(18),
            options: Options::read(tcp.get(20..offset)?),
            payload: tcp.get(offset..)?.to_vec(),
            ecn: match frame {
                [first, second, ..] if first >> 4 == 6 => second >> 4 & 3,
                [_, second, ..] => second & 3,
                _ => 0,
            },
        })
    }
}

/// An IPv4 or IPv6 header without options in front of `length` bytes of `protocol`.
pub(super) fn ip_header(frame: &mut Vec<u8>, ends: &Ends, protocol: u8, ecn: u8, length: usize) {
    match (ends.remote.0, ends.local.0) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let [high, low] = (length as u16).to_be_bytes();
            frame.extend_from_slice(&[0x60, ecn << 4, 0, 0, high, low, protocol, 64]);
            frame.extend_from_slice(&source.octets());
            frame.extend_from_slice(&destination.octets());
        }
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let [high, low] = (20 + length as u16).to_be_bytes();
            let mut header =
                [0x45, ecn, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            header[12..16].copy_from_slice(&source.octets());
            header[16..].copy_from_slice(&destination.octets());
            let sum = Sum::default().add(&header).finish();
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            frame.extend_from_slice(&header);
        }
        // Both ends are of one version.
        _ => {}
    }
}

/// What stands behind the IP header of a datagram from `ends.local` to `ends.remote`.
fn text<'a>(ends: &Ends, frame: &'a [u8]) -> Option<&'a [u8]> {
    let be16 = |at: usize| Some(usize::from(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?)));
    match (ends.local.0, ends.remote.0, frame.first()? >> 4) {
        (IpAddr::V4(from), IpAddr::V4(to), 4) => {
            let start = usize::from(frame[0] & 0xf) * 4;
            let is_ours = frame.get(12..16)? == from.octets() && frame.get(16..20)? == to.octets();
            (is_ours && *frame.get(9)? == TCP).then(|| frame.get(start..be16(2)?))?
        }
        (IpAddr::V6(from), IpAddr::V6(to), 6) => {
            let is_ours = frame.get(8..24)? == from.octets() && frame.get(24..40)? == to.octets();
            (is_ours && *frame.get(6)? == TCP).then(|| frame.get(40..40 + be16(4)?))?
        }
        _ => None,
    }
}

impl Options {
    /// The options as they stand on the wire, padded with no-operations; what does not fit into 40 bytes is left out.
    fn area(&self) -> Area {
        let mut area = Area { bytes: [1; 40], length: 0 };
        if let Some(mss) = self.mss {
            area.put(&[2, 4]);
            area.put(&mss.to_be_bytes());
        }
        if self.sack_permitted {
            area.put(&[4, 2]);
        }
        if let Some((value, echo)) = self.timestamps {
            area.put(&[8, 10]);
            area.put(&value.to_be_bytes());
            area.put(&echo.to_be_bytes());
        }
        if let Some(scale) = self.scale {
            area.put(&[3, 3, scale]);
        }
        if !self.sack.is_empty() {
            area.put(&[5, 2 + 8 * self.sack.len() as u8]);
            for (start, end) in &self.sack {
                area.put(&start.to_be_bytes());
                area.put(&end.to_be_bytes());
            }
        }
        area.put(&self.raw);
        area
    }

    /// Reads options as far as they can be read.
    pub fn read(mut bytes: &[u8]) -> Options {
        let mut options = Options::default();
        let be32 = |data: &[u8]| data.try_into().map_or(0, u32::from_be_bytes);
        while let [kind, rest @ ..] = bytes {
            let length = match (kind, rest.first()) {
                (0, _) => break,
                (1, _) => {
                    bytes = rest;
                    continue;
                }
                (_, Some(length)) if (2..=bytes.len()).contains(&usize::from(*length)) => {
                    usize::from(*length)
                }
                _ => {
                    options.raw.extend(bytes);
                    break;
                }
            };
            let (option, behind) = bytes.split_at(length);
            match (kind, &option[2..]) {
                (2, [a, b]) => options.mss = Some(u16::from_be_bytes([*a, *b])),
                (3, [scale]) => options.scale = Some(*scale),
                (4, []) => options.sack_permitted = true,
                (5, blocks) if blocks.len() % 8 == 0 => {
                    options.sack.extend(blocks.chunks_exact(8).map(|b| (be32(&b[..4]), be32(&b[4..]))));
                }
                (8, data) if data.len() == 8 => {
                    options.timestamps = Some((be32(&data[..4]), be32(&data[4..])))
                }
                _ => options.raw.extend(option),
            }
            bytes = behind;
        }
        options
    }
}

/// An option area that is being written; no-operations stand behind what was written.
struct Area {
    bytes: [u8; 40],
    length: usize,
}

impl Area {
    /// Adds as much of `bytes` as there is room for.
    fn put(&mut self, bytes: &[u8]) {
        let room = &mut self.bytes[self.length..];
        let length = bytes.len().min(room.len());
        room[..length].copy_from_slice(&bytes[..length]);
        self.length += length;
    }

    /// The area, as whole words.
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length.next_multiple_of(4)]
    }
}

/// Whether `a` is before `b` in the space of sequence numbers.
pub fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read() {
        for version in [Version::V4, Version::V6] {
            let ends = Ends::of(version);
            let segment = Segment {
                seq: 0xffff_fffe,
                ack: 7,
                flags: ACK | PSH | URG,
                window: 1000,
                urgent: 3,
                options: Options {
                    mss: Some(1460),
                    sack_permitted: true,
                    timestamps: Some((1, 2)),
                    scale: Some(7),
                    sack: vec![(3, 4)],
                    raw: vec![],
                },
                payload: b"text".to_vec(),
                ecn: 2,
            };
            let frame = segment.datagram(&ends);
            // The peer's view of the same frame.
            let there = Ends { local: ends.remote, remote: ends.local };
            assert_eq!(Segment::read(&there, &frame), Some(segment.clone()));
            assert_eq!(Segment::read(&ends, &frame), None);
            assert_eq!(segment.end(), 2);
            for cut in 0..frame.len() {
                let _ = Segment::read(&there, &frame[..cut]);
            }
        }
    }
}
