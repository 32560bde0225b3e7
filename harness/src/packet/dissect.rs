//! Taking a frame apart. It never fails: what cannot be read is payload, and why is said.

use super::headers::{icmp, tunnel};
use super::names;
use super::{dhcp, dns, fields};
use crate::lang::ast::LayerKind;
use crate::sut::Medium;
use std::net::IpAddr;
use std::ops::Range;

/// More headers than this are payload: a frame cannot make us loop.
const MOST_LAYERS: usize = 24;

/// One header, or the payload, as a place in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which header. Never [`LayerKind::Ip`] or [`LayerKind::Icmp`], whose version is known here.
    pub kind: LayerKind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte, options included.
    pub header_end: usize,
    /// One past the last byte of what it carries, by the lengths in the frame.
    pub end: usize,
}

impl Part {
    /// The header's bytes.
    pub fn header<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        frame.get(self.start..self.header_end).unwrap_or(&[])
    }

    /// The options: what the header has beyond its fixed part.
    pub fn options(&self, frame: &[u8]) -> Range<usize> {
        self.start + fixed_length(self.kind, self.header(frame))..self.header_end
    }

    /// A field of the header.
    pub fn get(&self, frame: &[u8], name: &str) -> Option<u128> {
        fields::get(self.kind, self.header(frame), name)
    }
}

/// A frame taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissection {
    /// Headers from the outside in, and the payload, where there is any, last.
    pub parts: Vec<Part>,
    /// What an ICMP error quotes.
    pub quote: Vec<Part>,
    /// What cannot be right about the frame's lengths, from the outside in.
    pub problem: Option<String>,
    /// Bytes behind the network layer's end.
    pub padding: Range<usize>,
}

impl Dissection {
    /// The innermost header of `kind`.
    pub fn last(&self, kind: LayerKind) -> Option<&Part> {
        self.parts.iter().rev().find(|p| p.kind == kind)
    }

    /// The outermost header of `kind`.
    pub fn first(&self, kind: LayerKind) -> Option<&Part> {
        self.parts.iter().find(|p| p.kind == kind)
    }

    /// The payload; empty where there is none.
    pub fn payload(&self) -> Range<usize> {
        self.parts.last().filter(|p| p.kind == LayerKind::Payload).map_or(0..0, |p| p.start..p.end)
    }

    /// Source and destination of the innermost IP header.
    pub fn addresses(&self, frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
        addresses(&self.parts, frame)
    }
}

/// Source and destination of the innermost IP header among `parts`.
pub(super) fn addresses(parts: &[Part], frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let ip = parts.iter().rev().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6))?;
    let address = |name| {
        let value = ip.get(frame, name)?;
        Some(match ip.kind {
            LayerKind::Ipv4 => IpAddr::from((value as u32).to_be_bytes()),
            _ => IpAddr::from(value.to_be_bytes()),
        })
    };
    Some((address("src")?, address("dst")?))
}

/// Takes a frame apart.
pub fn dissect(medium: Medium, frame: &[u8]) -> Dissection {
    let mut d = Dissection::default();
    let outermost = match medium {
        Medium::Ethernet => LayerKind::Ether,
        Medium::Ip => ip_version(frame),
    };
    d.problem = walk(frame, 0, frame.len(), outermost, &mut d.parts);
    let network =
        d.parts.iter().find(|p| matches!(p.kind, LayerKind::Arp | LayerKind::Ipv4 | LayerKind::Ipv6));
    let end = network.map_or(frame.len(), |p| p.end);
    d.padding = end..frame.len();
    if let Some(message) = d.parts.last().copied()
        && icmp::quotes(message.kind, message.header(frame).first().copied().unwrap_or(0))
    {
        let quoted = frame.get(message.header_end..message.end).unwrap_or(&[]);
        // Errors quote as much as fits: lengths that reach beyond are no problem here.
        let _cut_short = walk(frame, message.header_end, message.end, ip_version(quoted), &mut d.quote);
    }
    d
}

/// What a datagram on a bare IP link begins with.
fn ip_version(bytes: &[u8]) -> LayerKind {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => LayerKind::Ipv4,
        Some(6) => LayerKind::Ipv6,
        _ => LayerKind::Payload,
    }
}

/// Appends the headers from `start` on to `parts`, beginning with a `kind`; says what cannot be right.
fn walk(frame: &[u8], start: usize, end: usize, kind: LayerKind, parts: &mut Vec<Part>) -> Option<String> {
    let (mut start, mut end, mut kind) = (start, end, Some(kind));
    let mut problem = None;
    let (mut v6, mut more_follow) = (false, false);
    while let Some(k) = kind
        && k != LayerKind::Payload
        && start < end
        && parts.len() < MOST_LAYERS
    {
        let rest = frame.get(start..end).unwrap_or(&[]);
        let length = match header_length(k, rest) {
            Ok(length) => length,
            Err(why) => {
                problem = problem.or(Some(why));
                break;
            }
        };
        v6 = match k {
            LayerKind::Ipv4 => false,
            LayerKind::Ipv6 => true,
            _ => v6,
        };
        if matches!(k, LayerKind::Ipv4 | LayerKind::Fragment) {
            more_follow = fields::get(k, rest, "mf") == Some(1);
        }
        let bound = content_end(k, rest, length);
        // The length of a UDP header in a first fragment is that of the whole datagram.
        if bound > rest.len() && !(k == LayerKind::Udp && more_follow) {
            let word = fields::keyword(k);
            problem = problem
                .or_else(|| Some(format!("truncated: {word} says {bound} bytes, there are {}", rest.len())));
        }
        end = end.min(start + bound);
        let part = Part { kind: k, start, header_end: start + length, end };
        kind = next_layer(k, v6, &rest[..length], frame.get(part.header_end..end).unwrap_or(&[]));
        start = part.header_end;
        parts.push(part);
        if icmp::quotes(k, rest[0]) || k == LayerKind::Arp {
            return problem;
        }
    }
    if start < end {
        parts.push(Part { kind: LayerKind::Payload, start, header_end: start, end });
    }
    problem
}

/// The length of a header without its options, in bytes.
pub(super) fn fixed_length(kind: LayerKind, bytes: &[u8]) -> usize {
    let first = bytes.first().copied().unwrap_or(0);
    match kind {
        LayerKind::Icmpv4 => icmp::length_v4(first),
        LayerKind::Icmpv6 => icmp::length_v6(first),
        LayerKind::Gre => tunnel::gre_length(bytes),
        _ => fields::header(kind).map_or(0, |h| h.length),
    }
}

/// The length of the header that `bytes` begins with, options included; an error where that cannot be.
fn header_length(kind: LayerKind, bytes: &[u8]) -> Result<usize, String> {
    let word = fields::keyword(kind);
    let fixed = fixed_length(kind, bytes);
    if bytes.len() < fixed {
        return Err(format!("truncated: {word} has {fixed} bytes at least, there are {}", bytes.len()));
    }
    let get = |name| fields::get(kind, bytes, name).unwrap_or(0) as usize;
    let length = match kind {
        LayerKind::Ipv4 => get("ihl") * 4,
        LayerKind::Tcp => get("doff") * 4,
        LayerKind::HopByHop | LayerKind::DestinationOptions | LayerKind::Routing => get("len") * 8 + 8,
        LayerKind::Psp => get("ext_len") * 8 + 8,
        // Neighbour discovery options belong to the message.
        LayerKind::Icmpv6 if icmp::has_nd_options(kind, bytes[0]) => bytes.len(),
        // Options and records belong to the message.
        LayerKind::Dhcp | LayerKind::Dns => bytes.len(),
        _ => fixed,
    };
    if length < fixed || length > bytes.len() {
        return Err(format!("malformed: {word} says that its header has {length} bytes of {}", bytes.len()));
    }
    Ok(length)
}

/// Where what the header carries ends, by its own length field; may lie beyond `bytes`.
fn content_end(kind: LayerKind, bytes: &[u8], length: usize) -> usize {
    let get = |name| fields::get(kind, bytes, name).unwrap_or(0) as usize;
    match kind {
        LayerKind::Ether if get("type") < 1536 => 14 + get("len"),
        LayerKind::Arp => length,
        // A device with segmentation offload may leave the length at 0 in a datagram beyond 64 KiB.
        LayerKind::Ipv4 if get("len") >= length => get("len"),
        LayerKind::Ipv6 if get("len") > 0 => 40 + get("len"),
        LayerKind::Udp if get("len") >= length => get("len"),
        _ => bytes.len(),
    }
}

/// Which header follows `header`; `None` where what follows is payload.
fn next_layer(kind: LayerKind, v6: bool, header: &[u8], content: &[u8]) -> Option<LayerKind> {
    let get = |name| fields::get(kind, header, name).unwrap_or(0);
    match kind {
        // RFC 1042: a length instead of a type, and LLC with SNAP behind it.
        LayerKind::Ether if get("type") < 1536 => {
            content.starts_with(&[0xaa, 0xaa]).then_some(LayerKind::Snap)
        }
        LayerKind::Ether | LayerKind::Vlan | LayerKind::Snap => names::layer_of_ether_type(get("type")),
        LayerKind::Ipv4 if get("off") != 0 => None,
        LayerKind::Ipv4 => names::layer_of_protocol(false, get("proto")),
        LayerKind::Fragment if get("off") != 0 => None,
        LayerKind::Ipv6
        | LayerKind::HopByHop
        | LayerKind::DestinationOptions
        | LayerKind::Routing
        | LayerKind::Fragment => names::layer_of_protocol(v6, get("next")),
        LayerKind::Udp => message([get("sport"), get("dport")], content),
        LayerKind::Gre => names::layer_of_ether_type(get("proto")),
        LayerKind::Mpls if get("s") == 0 => Some(LayerKind::Mpls),
        LayerKind::Mpls => Some(ip_version(content)),
        _ => None,
    }
}

/// The message that a datagram between these ports carries, if it is one from its first byte to its last.
fn message(ports: [u128; 2], content: &[u8]) -> Option<LayerKind> {
    let is_dhcp = || fields::get(LayerKind::Dhcp, content, "cookie") == Some(dhcp::COOKIE);
    if ports.iter().any(|port| matches!(port, 67 | 68)) && is_dhcp() {
        return Some(LayerKind::Dhcp);
    }
    (ports.contains(&53) && dns::is_message(content)).then_some(LayerKind::Dns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_fragment_says_the_length_of_the_whole_datagram() {
        let check = |flags: u8, problem: bool| {
            let mut bytes = vec![0x45, 0, 0, 36, 0, 7, flags, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
            bytes.extend([0, 7, 0, 7, 0, 100, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
            let d = dissect(Medium::Ip, &bytes);
            assert_eq!((d.problem.is_some(), d.payload()), (problem, 28..36), "flags {flags:#x}");
        };
        check(0x20, false);
        check(0, true);
    }
}
