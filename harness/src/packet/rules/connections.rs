//! What the rules about TCP remember of each connection.

use super::super::build_tcp::{ACK, FIN, RST, SYN};
use super::super::dissect::Dissection;
use super::super::flows::Key;
use super::super::options::{self, kind};
use crate::lang::ast::LayerKind;
use std::collections::BTreeMap;

/// A segment's numbers, as they stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) key: Key,
    pub(super) flags: u16,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) window: u16,
    /// The window scale option, where there is one.
    pub(super) scale: Option<u8>,
    /// Sequence numbers that it takes.
    pub(super) length: u32,
}

/// The segment in a frame.
pub(super) fn segment(d: &Dissection, frame: &[u8]) -> Option<Segment> {
    let tcp = d.last(LayerKind::Tcp).filter(|_| d.problem.is_none())?;
    let (source, destination) = d.addresses(frame)?;
    let get = |name| tcp.get(frame, name).unwrap_or(0) as u32;
    let key = Key { source: (source, get("sport") as u16), destination: (destination, get("dport") as u16) };
    let options = options::split(frame.get(tcp.options(frame)).unwrap_or(&[]));
    let scale = options.iter().find(|o| o.kind == kind::WSCALE).and_then(|o| o.data.first()).copied();
    let flags = get("flags") as u16;
    let length = d.payload().len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
    Some(Segment { key, flags, seq: get("seq"), ack: get("ack"), window: get("win") as u16, scale, length })
}

/// One direction of a connection, from the stack.
#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// The number of the stack's SYN; another one begins another connection.
    isn: Option<u32>,
    /// What the stack's SYN said of its window's scale.
    own_scale: Option<u8>,
    /// What the peer's SYN said.
    peer_scale: Option<u8>,
    /// The largest acknowledgement so far.
    ack: Option<u32>,
    /// The furthest right edge of the window so far.
    edge: Option<u32>,
    /// The peer has not acknowledged the stack's SYN,ACK.
    is_half_open: bool,
}

impl Connection {
    /// RFC 9293 section 3.6.1: a SYN that was let in from TIME-WAIT was an old duplicate, and what comes next is of the connection
    /// before, of which nothing was kept.
    fn forget(&mut self) {
        (self.ack, self.edge, self.is_half_open) = (None, None, false);
    }
}

/// Connections, by the direction from the stack.
#[derive(Debug, Default)]
pub(super) struct Connections {
    known: BTreeMap<Key, Connection>,
    /// The last frame that the stack received, where it was a reset that nothing was sent after.
    last_reset: Option<Segment>,
}

/// Whether `a` is before `b` in the space of sequence numbers.
fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Connections {
    pub(super) fn inbound(&mut self, d: &Dissection, frame: &[u8]) {
        let segment = segment(d, frame);
        self.last_reset = segment.filter(|s| s.flags & RST != 0);
        let Some(segment) = segment else { return };
        let connection = self.known.entry(segment.key.reverse()).or_default();
        if segment.flags & RST != 0 && connection.is_half_open {
            connection.forget();
        } else if segment.flags & SYN != 0 {
            connection.peer_scale = segment.scale;
        } else if segment.flags & ACK != 0
            && connection.isn.map(|isn| isn.wrapping_add(1)) == Some(segment.ack)
        {
            connection.is_half_open = false;
        }
    }

    pub(super) fn outbound(&mut self, d: &Dissection, frame: &[u8]) {
        self.last_reset = None;
        let Some(segment) = segment(d, frame).filter(|s| s.flags & RST == 0) else { return };
        let edge = self.edge(&segment);
        let connection = self.known.entry(segment.key).or_default();
        if segment.flags & SYN != 0 && connection.isn != Some(segment.seq) {
            let peer_scale = connection.peer_scale;
            *connection = Connection {
                isn: Some(segment.seq),
                own_scale: segment.scale,
                peer_scale,
                is_half_open: segment.flags & ACK != 0,
                ..Connection::default()
            };
        }
        if segment.flags & ACK != 0 {
            let later = |old: Option<u32>, new: u32| Some(old.filter(|old| before(new, *old)).unwrap_or(new));
            connection.ack = later(connection.ack, segment.ack);
            connection.edge = later(connection.edge, edge);
        }
    }

    /// Whether a segment is of a connection that is known, and not its first.
    fn ongoing(&self, segment: &Segment) -> Option<&Connection> {
        let judged = segment.flags & (RST | ACK) == ACK;
        self.known
            .get(&segment.key)
            .filter(|c| judged && (segment.flags & SYN == 0 || c.isn == Some(segment.seq)))
    }

    /// The scale of the windows in a segment: RFC 7323 section 2.2: both sides must have offered, and never in a SYN.
    fn scale(&self, segment: &Segment) -> u32 {
        if segment.flags & SYN != 0 {
            return 0;
        }
        let scales = self.known.get(&segment.key).and_then(|c| c.own_scale.zip(c.peer_scale));
        // RFC 7323 section 2.3: 14 at most.
        scales.map_or(0, |(own, _)| u32::from(own.min(14)))
    }

    fn edge(&self, segment: &Segment) -> u32 {
        segment.ack.wrapping_add(u32::from(segment.window) << self.scale(segment))
    }

    /// The acknowledgement that this one falls behind, if it does.
    pub(super) fn falls_behind(&self, segment: &Segment) -> Option<u32> {
        self.ongoing(segment)?.ack.filter(|ack| before(segment.ack, *ack))
    }

    /// The right edge that this segment's window draws back from, and its own, if it does.
    pub(super) fn shrinks(&self, segment: &Segment) -> Option<(u32, u32)> {
        let furthest = self.ongoing(segment)?.edge?;
        let edge = self.edge(segment);
        // RFC 7323 section 2.4: rounding down may draw the edge back by less than a unit.
        let unit = 1 << self.scale(segment);
        before(edge.wrapping_add(unit - 1), furthest).then_some((furthest, edge))
    }

    /// Whether a reset answers the reset that was the last thing to arrive: with the numbers that RFC 9293 section
    /// 3.10.7.1 gives to an answer.
    pub(super) fn answers_reset(&self, segment: &Segment) -> bool {
        let Some(reset) = self.last_reset.filter(|r| r.key == segment.key.reverse()) else { return false };
        let numbers = match reset.flags & ACK {
            0 => segment.seq == 0 && segment.ack == reset.seq.wrapping_add(reset.length),
            _ => segment.seq == reset.ack,
        };
        segment.flags & RST != 0 && numbers
    }
}
