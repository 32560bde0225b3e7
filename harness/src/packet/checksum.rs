//! The Internet checksum (RFC 1071), and putting lengths and checksums right from the inside out.

use super::dissect::{self, Part};
use super::fields::{self, Kind};
use super::names;
use super::pattern;
use crate::lang::ast::LayerKind;
use std::net::IpAddr;

/// A sum under way: 16-bit words in ones' complement arithmetic.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// Adds bytes, padded with a zero where their number is odd.
    #[must_use]
    pub(crate) fn add(self, bytes: &[u8]) -> Sum {
        // Four words at a time, which are cut to two: their sum is the same once it is folded, and two billion of them fit.
        let (fours, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let add = |sum: u64, four: &[u8; 8]| {
            let four = u64::from_be_bytes(*four);
            sum.wrapping_add(four >> 32).wrapping_add(four & 0xffff_ffff)
        };
        Sum(fours.iter().fold(add(self.0, &last), add))
    }

    /// The field's value: the complement of the folded sum.
    pub(crate) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The pseudo-header of `protocol` with `length` bytes: RFC 9293 section 3.1, RFC 8200 section 8.1.
pub(crate) fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Sum {
    let sum = match (source, destination) {
        (IpAddr::V4(s), IpAddr::V4(d)) => Sum(u64::from(s.to_bits()) + u64::from(d.to_bits())),
        (IpAddr::V6(s), IpAddr::V6(d)) => Sum::default().add(&s.octets()).add(&d.octets()),
        // Never from one header.
        _ => Sum::default(),
    };
    // The two versions lay the words out differently; their sum is the same.
    Sum(sum.0 + u64::from(length as u32) + u64::from(protocol))
}

/// Whether a checksum that was `found` says the same as the `right` one. Both zeros of ones' complement do, since the sum over the
/// whole is the same: Linux writes the one that is not zero in every protocol, as UDP asks for.
pub(super) fn agrees(right: u16, found: u128) -> bool {
    u128::from(right) == found || (right == 0 && found == 0xffff)
}

/// What the checksum of the header `parts[index]` should be; `None` where it has none.
///
/// The sum runs over what the frame has. UDP whose length field reaches beyond, as in the first fragment of a larger
/// datagram, is summed as if the payload pattern went on.
pub(super) fn right(frame: &[u8], parts: &[Part], index: usize) -> Option<u16> {
    let part = parts.get(index)?;
    let row = fields::find(part.kind, part.header(frame), "csum")?;
    let at = part.start + row.offset / 8;
    let mut bytes = frame.get(part.start..part.end.max(part.header_end))?.to_vec();
    let field = at - part.start..at - part.start + 2;
    bytes.get_mut(field)?.fill(0);
    let sum = match part.kind {
        LayerKind::Ipv4 => Sum::default().add(bytes.get(..part.header_end - part.start)?),
        LayerKind::Icmpv4 => Sum::default().add(&bytes),
        LayerKind::Udp => {
            let said = part.get(frame, "len")? as usize;
            let missing = said.saturating_sub(bytes.len());
            let have = bytes.len().saturating_sub(8) as u32;
            // What lies behind a length that is shorter than the frame is not part of the datagram.
            bytes.truncate(said.max(8));
            bytes.extend((0..missing as u32).map(|i| pattern::byte(have + i)));
            with_pseudo_header(frame, &parts[..index], part.kind, &bytes)?
        }
        LayerKind::Tcp | LayerKind::Icmpv6 => with_pseudo_header(frame, &parts[..index], part.kind, &bytes)?,
        _ => return None,
    };
    let value = sum.finish();
    // RFC 768: a computed zero is sent as all ones, since zero means that there is none.
    Some(if part.kind == LayerKind::Udp && value == 0 { 0xffff } else { value })
}

fn with_pseudo_header(frame: &[u8], outside: &[Part], kind: LayerKind, bytes: &[u8]) -> Option<Sum> {
    let (source, destination) = ends(outside, frame)?;
    Some(pseudo_header(source, destination, names::protocol_of(kind)?, bytes.len()).add(bytes))
}

/// The two ends of what a transport sends, whatever way it goes.
pub(super) fn ends(outside: &[Part], frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let (source, destination) = dissect::addresses(outside, frame)?;
    Some((source, final_destination(frame, outside).unwrap_or(destination)))
}

/// Where a packet with a route still to go ends: the host there sums up its own address (RFC 8200 section 8.1).
fn final_destination(frame: &[u8], outside: &[Part]) -> Option<IpAddr> {
    let routed = |p: &&Part| matches!(p.kind, LayerKind::Routing | LayerKind::Ipv4 | LayerKind::Ipv6);
    let part = outside.iter().rev().find(routed)?;
    match part.kind {
        LayerKind::Routing => end_of_routing_header(frame, part),
        LayerKind::Ipv4 => end_of_source_route(part.header(frame).get(20..)?),
        _ => None,
    }
}

fn end_of_routing_header(frame: &[u8], routing: &Part) -> Option<IpAddr> {
    let left = routing.get(frame, "left")?;
    let header = routing.header(frame);
    if left == 0 || !matches!(routing.get(frame, "type"), Some(0 | 2)) || header.len() < 24 {
        return None;
    }
    let last: [u8; 16] = header.get(header.len() - 16..)?.try_into().ok()?;
    Some(IpAddr::from(last))
}

/// The last address of a loose or strict source route whose pointer is not beyond it (RFC 791 section 3.1).
fn end_of_source_route(mut options: &[u8]) -> Option<IpAddr> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    loop {
        let length = match *options.first()? {
            END => return None,
            NO_OPERATION => 1,
            _ => usize::from(*options.get(1)?).max(2),
        };
        let option = options.get(..length)?;
        if let [LOOSE | STRICT, _, pointer, addresses @ ..] = option
            && usize::from(*pointer) < length
        {
            let last: [u8; 4] = addresses.last_chunk().copied()?;
            return Some(IpAddr::from(last));
        }
        options = &options[length..];
    }
}

/// Puts lengths and then checksums right, the innermost first. `keep` says which fields stay as they are.
pub(super) fn refresh(frame: &mut [u8], parts: &[Part], keep: &dyn Fn(usize, &str) -> bool) {
    for (index, part) in parts.iter().enumerate().rev() {
        for row in fields::header(part.kind).map_or(&[][..], |h| h.rows) {
            if row.kind == Kind::Length && !keep(index, row.name) {
                let value = right_length(frame, part, row.name);
                if let (Some(value), Some(header)) = (value, frame.get_mut(part.start..part.header_end)) {
                    // Longer than the field can say: upstream's super-segments. The field keeps the low bits.
                    let _fits = row.set(header, value as u128);
                }
            }
        }
    }
    for index in (0..parts.len()).rev() {
        if !keep(index, "csum")
            && let Some(value) = right(frame, parts, index)
        {
            let part = parts[index];
            if let Some(header) = frame.get_mut(part.start..part.header_end) {
                let _found = fields::set(part.kind, header, "csum", u128::from(value));
            }
        }
    }
}

/// What a length field should be, in the header's own units; `None` where the field is not a length here.
pub(super) fn right_length(frame: &[u8], part: &Part, name: &str) -> Option<usize> {
    let (header, whole) = (part.header_end - part.start, part.end - part.start);
    match (part.kind, name) {
        // The field is a type unless it already is a length.
        (LayerKind::Ether, "len") if part.get(frame, "type")? < 1536 => Some(whole - header),
        (LayerKind::Ipv4, "ihl") | (LayerKind::Tcp, "doff") => Some(header / 4),
        (LayerKind::Ipv4 | LayerKind::Udp, "len") => Some(whole),
        (LayerKind::Ipv6, "len") => Some(whole - header),
        (LayerKind::HopByHop | LayerKind::DestinationOptions | LayerKind::Routing, "len") => {
            Some((header / 8).saturating_sub(1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(!Sum::default().add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).finish(), 0xddf2);
    }

    #[test]
    fn odd_bytes_are_padded_on_the_right() {
        assert_eq!(Sum::default().add(&[0xab]).finish(), !0xab00);
    }
}
