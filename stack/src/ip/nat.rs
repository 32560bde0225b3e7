//! Ports of a router that stand for ports of hosts behind it: what comes for such a port gets the host's address and port,
//! and the way back, with the errors in both directions, the router's again.
//!
//! ```text
//!  client ──▶ router:8080   becomes   client ──▶ inside:80
//!  client ◀── router:8080   becomes   client ◀── inside:80
//! ```
//! Checksums follow by what has changed (RFC 1624 3), so that what was damaged stays so.

use super::input4::Refused;
use crate::config::PortForward;
use crate::network::{Arrival, Network};
use crate::time::Instant;
use crate::wire::checksum::checksum;
use crate::wire::ipv4::Header;
use crate::wire::{icmpv4, protocol};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Exchanges that are remembered; of more the one that was silent longest is forgotten.
const MAX_FLOWS: usize = 4096;
/// How long a silent exchange is remembered: longer than most pauses of UDP, and than the two hours of TCP's keep-alives.
const UDP_IDLE: Duration = Duration::from_secs(300);
const TCP_IDLE: Duration = Duration::from_secs(2 * 3600 + 240);

/// A client's exchange with a host inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    protocol: u8,
    client: SocketAddrV4,
    inside: SocketAddrV4,
}

/// The exchanges that clients have begun.
#[derive(Debug, Default)]
pub(crate) struct Translations {
    /// The address that the client speaks to, and when it or its host last spoke.
    flows: BTreeMap<Flow, (SocketAddrV4, Instant)>,
}

impl Translations {
    fn note(&mut self, now: Instant, flow: Flow, outside: SocketAddrV4) {
        if self.flows.len() >= MAX_FLOWS && !self.flows.contains_key(&flow) {
            let oldest = self.flows.iter().min_by_key(|(_, (_, at))| *at).map(|(flow, _)| *flow);
            oldest.map(|oldest| self.flows.remove(&oldest));
        }
        self.flows.insert(flow, (outside, now));
    }

    /// The address that the client of an exchange speaks to.
    fn outside(&mut self, now: Instant, flow: Flow) -> Option<SocketAddrV4> {
        let idle = if flow.protocol == protocol::TCP { TCP_IDLE } else { UDP_IDLE };
        let (outside, last) = self.flows.get_mut(&flow)?;
        if now.saturating_since(*last) > idle {
            self.flows.remove(&flow);
            return None;
        }
        *last = now;
        Some(*outside)
    }
}

/// The source or the destination of a datagram.
#[derive(Clone, Copy, Debug)]
enum End {
    Source,
    Destination,
}

impl End {
    /// Where it stands in the IPv4 header, and in the header behind it.
    fn places(self) -> (usize, usize) {
        match self {
            End::Source => (12, 0),
            End::Destination => (16, 2),
        }
    }
}

impl Network {
    /// A whole datagram for this router: where it is for a port that stands for another host's, or is an error about what
    /// that host sent, it goes there. False: it stays here.
    pub(crate) fn translate_inwards(&mut self, now: Instant, arrival: Arrival, datagram: &[u8]) -> bool {
        if self.config.port_forwards.is_empty() || self.config.forwarding.is_none() {
            return false;
        }
        let Ok((ip, payload)) = Header::parse(datagram) else { return false };
        let translated = match ip.protocol {
            protocol::ICMPV4 => self.error_inwards(now, datagram, ip.len(), payload),
            _ => self.datagram_inwards(now, datagram, &ip, payload),
        };
        let Some(translated) = translated else { return false };
        // What goes wrong is told in the sender's terms.
        if let Err(Refused::With(problem)) = self.pass_on_v4(now, arrival, &translated) {
            self.send_error_v4(now, arrival, datagram, problem);
        }
        true
    }

    fn datagram_inwards(
        &mut self,
        now: Instant,
        datagram: &[u8],
        ip: &Header<'_>,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        let (client, outside) = sockets((ip.source, ip.destination), payload)?;
        let stands = |f: &&PortForward| f.protocol == ip.protocol && f.outside == outside;
        let inside = self.config.port_forwards.iter().find(stands)?.inside;
        self.translations.note(now, Flow { protocol: ip.protocol, client, inside }, outside);
        let mut bytes = datagram.to_vec();
        rewrite(&mut bytes, 0, End::Destination, inside);
        Some(bytes)
    }

    /// An error about what a host inside sent quotes this router as its sender.
    fn error_inwards(
        &mut self,
        now: Instant,
        datagram: &[u8],
        header: usize,
        message: &[u8],
    ) -> Option<Vec<u8>> {
        let (kind, (local, remote)) = quoted(message)?;
        let stands = |f: &&PortForward| f.protocol == kind && f.outside == local;
        let inside = self.config.port_forwards.iter().find(stands)?.inside;
        self.translations.outside(now, Flow { protocol: kind, client: remote, inside })?;
        let mut bytes = datagram.to_vec();
        rewrite_error(&mut bytes, header, (End::Source, inside), End::Destination);
        Some(bytes)
    }

    /// A datagram on its way through this router: as those outside must see it, where it belongs to an exchange that one of
    /// them began; `None` where it stays as it is.
    pub(crate) fn translate_outwards(&mut self, now: Instant, datagram: &[u8]) -> Option<Vec<u8>> {
        if self.config.port_forwards.is_empty() {
            return None;
        }
        let (ip, payload) = Header::parse(datagram).ok()?;
        let mut bytes = datagram.to_vec();
        if ip.protocol == protocol::ICMPV4 {
            let (protocol, (client, inside)) = quoted(payload)?;
            let outside = self.translations.outside(now, Flow { protocol, client, inside })?;
            rewrite_error(&mut bytes, ip.len(), (End::Destination, outside), End::Source);
            return Some(bytes);
        }
        let (inside, client) = sockets((ip.source, ip.destination), payload)?;
        let outside = self.translations.outside(now, Flow { protocol: ip.protocol, client, inside })?;
        rewrite(&mut bytes, 0, End::Source, outside);
        Some(bytes)
    }

    /// Whether a fragment comes from a host whose port this router stands for: it has to be whole before its ports are known.
    pub(crate) fn is_fragment_of_inside(&self, header: &Header<'_>) -> bool {
        let from = |f: &PortForward| f.protocol == header.protocol && *f.inside.ip() == header.source;
        header.is_fragment() && self.config.forwarding.is_some() && self.config.port_forwards.iter().any(from)
    }
}

/// The ends of a datagram with ports.
fn sockets(
    (source, destination): (Ipv4Addr, Ipv4Addr),
    payload: &[u8],
) -> Option<(SocketAddrV4, SocketAddrV4)> {
    let [a, b, c, d, ..] = *payload else { return None };
    let port = |high, low| u16::from_be_bytes([high, low]);
    Some((SocketAddrV4::new(source, port(a, b)), SocketAddrV4::new(destination, port(c, d))))
}

/// Protocol and ends of what an ICMP error quotes, its sender first.
fn quoted(message: &[u8]) -> Option<(u8, (SocketAddrV4, SocketAddrV4))> {
    let (header, quote) = icmpv4::Header::parse(message).ok()?;
    if !icmpv4::is_error(header.kind) {
        return None;
    }
    let (ip, payload) = Header::parse_quoted(quote).ok()?;
    let ends = sockets((ip.source, ip.destination), payload).filter(|_| ip.fragment_offset == 0)?;
    Some((ip.protocol, ends))
}

/// Gives the datagram that begins at `at`, or as much of it as is there, another end.
fn rewrite(bytes: &mut [u8], at: usize, end: End, to: SocketAddrV4) {
    let (address, port) = end.places();
    let behind = at + 4 * usize::from(bytes[at] & 0xf);
    let sum = match bytes[at + 9] {
        protocol::TCP => Some(behind + 16),
        // Zero says that there is none (RFC 768).
        protocol::UDP if bytes.get(behind + 6..behind + 8).is_some_and(|sum| sum != [0, 0]) => {
            Some(behind + 6)
        }
        _ => None,
    };
    let udp = bytes[at + 9] == protocol::UDP;
    let old = replace(bytes, at + address, to.ip().octets());
    adjust(bytes, at + 10, &old, &to.ip().octets(), false);
    let old_port = replace(bytes, behind + port, to.port().to_be_bytes());
    if let Some(sum) = sum {
        adjust(bytes, sum, &old, &to.ip().octets(), udp);
        adjust(bytes, sum, &old_port, &to.port().to_be_bytes(), udp);
    }
}

/// Gives the quote of an ICMP error another end, and the error itself its address as `outer`; `header` is the length of the
/// error's IP header.
fn rewrite_error(bytes: &mut [u8], header: usize, (end, to): (End, SocketAddrV4), outer: End) {
    rewrite(bytes, header + icmpv4::HEADER_LEN, end, to);
    let old = replace(bytes, outer.places().0, to.ip().octets());
    adjust(bytes, 10, &old, &to.ip().octets(), false);
    // It was right before, or nobody would have read the quote.
    bytes[header + 2..header + 4].fill(0);
    let sum = checksum(&bytes[header..]);
    bytes[header + 2..header + 4].copy_from_slice(&sum.to_be_bytes());
}

/// Writes bytes, and gives those that were there; what would lie behind the end is left out.
fn replace<const N: usize>(bytes: &mut [u8], at: usize, new: [u8; N]) -> [u8; N] {
    let Some(place) = bytes.get_mut(at..at + N) else { return new };
    let mut old = new;
    old.swap_with_slice(place);
    old
}

/// RFC 1624 3, equation 3: the checksum at `at`, if it is there, after words that it covers have changed. UDP's is never
/// written as zero.
fn adjust(bytes: &mut [u8], at: usize, old: &[u8], new: &[u8], udp: bool) {
    let Some([high, low]) = bytes.get(at..at + 2).and_then(|sum| sum.first_chunk().copied()) else { return };
    let word = |pair: &[u8]| u32::from(u16::from_be_bytes([pair[0], pair[1]]));
    let mut sum = u32::from(!u16::from_be_bytes([high, low]));
    sum += old.chunks_exact(2).map(|pair| u32::from(!word(pair) as u16)).sum::<u32>();
    sum += new.chunks_exact(2).map(word).sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = match !(sum as u16) {
        0 if udp => 0xffff,
        sum => sum,
    };
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Buffer, udp};
    use std::net::IpAddr;

    const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 4000);
    const OUTSIDE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 8080);
    const INSIDE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 9), 80);

    fn datagram(from: SocketAddrV4, to: SocketAddrV4, data: &[u8]) -> Vec<u8> {
        let mut buffer = Buffer::with_payload(data);
        let header = udp::Header { source_port: from.port(), destination_port: to.port() };
        header.emit(IpAddr::V4(*from.ip()), IpAddr::V4(*to.ip()), &mut buffer);
        let (tos, identification, ttl, protocol, fragment_offset) = (0, 7, 64, protocol::UDP, 0);
        let (reserved, dont_fragment, more_fragments) = (false, false, false);
        let (source, destination, options) = (*from.ip(), *to.ip(), &[][..]);
        #[rustfmt::skip]
        let header = Header {
            tos, identification, reserved, dont_fragment, more_fragments, fragment_offset, ttl, protocol, source,
            destination, options,
        };
        header.emit(&mut buffer);
        buffer.into_vec()
    }

    #[test]
    fn a_rewritten_datagram_is_the_one_that_would_have_been_sent() {
        for length in 0..40u8 {
            let data: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            let mut bytes = datagram(CLIENT, OUTSIDE, &data);
            rewrite(&mut bytes, 0, End::Destination, INSIDE);
            assert_eq!(bytes, datagram(CLIENT, INSIDE, &data));
            let mut back = datagram(INSIDE, CLIENT, &data);
            rewrite(&mut back, 0, End::Source, OUTSIDE);
            assert_eq!(back, datagram(OUTSIDE, CLIENT, &data));
        }
    }

    #[test]
    fn no_checksum_stays_none_and_a_wrong_one_wrong() {
        let mut bytes = datagram(CLIENT, OUTSIDE, b"data");
        bytes[26..28].fill(0);
        rewrite(&mut bytes, 0, End::Destination, INSIDE);
        assert_eq!(bytes[26..28], [0, 0]);
        let mut damaged = datagram(CLIENT, OUTSIDE, b"data");
        damaged[30] ^= 1;
        rewrite(&mut damaged, 0, End::Destination, INSIDE);
        assert!(udp::Header::parse((*CLIENT.ip()).into(), (*INSIDE.ip()).into(), &damaged[20..]).is_err());
    }

    #[test]
    fn exchanges_are_forgotten_in_time_and_bounded() {
        let mut known = Translations::default();
        let flow = Flow { protocol: protocol::UDP, client: CLIENT, inside: INSIDE };
        known.note(Instant::ZERO, flow, OUTSIDE);
        assert_eq!(known.outside(Instant::from_secs(300), flow), Some(OUTSIDE));
        assert_eq!(known.outside(Instant::from_secs(601), flow), None);
        known.note(Instant::ZERO, flow, OUTSIDE);
        for port in 0..MAX_FLOWS as u16 {
            let client = SocketAddrV4::new(*CLIENT.ip(), port);
            known.note(Instant::from_secs(1), Flow { client, ..flow }, OUTSIDE);
        }
        assert_eq!(known.flows.len(), MAX_FLOWS);
        assert_eq!(known.outside(Instant::from_secs(1), Flow { protocol: protocol::TCP, ..flow }), None);
    }
}
