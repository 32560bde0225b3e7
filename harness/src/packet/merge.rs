//! Segments joined into the larger one that a stack with segmentation offload would have sent.

use super::build_tcp::{CWR, FIN, PSH, RST, SYN};
use super::dissect::{self, Dissection, Part};
use super::{checksum, fields};
use crate::lang::ast::{Expr, LayerBody, LayerKind, Packet, Pattern, Payload};
use crate::sut::Medium;

/// Fields that must be the same in segments that are joined; control bits are compared apart.
const SAME: &[(LayerKind, &[&str])] = &[
    (
        LayerKind::Ipv4,
        &["version", "ihl", "tos", "reserved", "df", "mf", "off", "ttl", "proto", "src", "dst"],
    ),
    (LayerKind::Ipv6, &["version", "tclass", "flow", "next", "hlim", "src", "dst"]),
    (LayerKind::Tcp, &["sport", "dport", "ack", "doff", "reserved", "win", "urg"]),
];

/// As [`super::merge()`].
pub(super) fn merge(medium: Medium, frame: &mut Vec<u8>, next: &[u8]) -> bool {
    let (a, b) = (dissect::dissect(medium, frame), dissect::dissect(medium, next));
    if !continues(&a, frame, &b, next) {
        return false;
    }
    let Some(start) =
        a.parts.iter().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6)).map(|p| p.start)
    else {
        return false;
    };
    let (mine, theirs) = (a.payload(), b.payload());
    // What does not fit into an IP datagram is no datagram.
    if mine.end - start + theirs.len() > usize::from(u16::MAX) {
        return false;
    }
    // Padding goes; only short frames have it.
    frame.truncate(mine.end);
    frame.extend_from_slice(next.get(theirs).unwrap_or(&[]));
    let end = frame.len();
    let parts: Vec<Part> = a.parts.iter().map(|p| Part { end, ..*p }).collect();
    take_last_flags(frame, &a, next, &b);
    checksum::refresh(frame, &parts, &|_, _| false);
    true
}

/// As [`super::payload_length`].
pub(super) fn payload_length(packet: &Packet) -> Option<usize> {
    let payload = packet.layers.iter().find(|l| l.kind == LayerKind::Payload);
    match payload.map(|l| &l.body) {
        None => Some(0),
        Some(LayerBody::Payload(Payload::Bytes(bytes))) => Some(bytes.len()),
        Some(LayerBody::Payload(Payload::Length(Pattern::Is(Expr::Int(length))))) => {
            usize::try_from(*length).ok()
        }
        Some(_) => None,
    }
}

/// Whether `b` is the segment that follows `a` in the stream, and differs from it in nothing else.
fn continues(a: &Dissection, frame: &[u8], b: &Dissection, next: &[u8]) -> bool {
    let kinds = |d: &Dissection| d.parts.iter().map(|p| p.kind).collect::<Vec<_>>();
    let (Some(tcp), Some(tcp_next)) = (a.last(LayerKind::Tcp), b.last(LayerKind::Tcp)) else { return false };
    let bits = |part: &Part, frame| part.get(frame, "flags").unwrap_or(0) as u16;
    let (first, second) = (bits(tcp, frame), bits(tcp_next, next));
    let contiguous = || {
        let seq = |part: &Part, frame| part.get(frame, "seq").unwrap_or(0) as u32;
        seq(tcp, frame).wrapping_add(a.payload().len() as u32) == seq(tcp_next, next)
    };
    let same = || {
        SAME.iter().all(|(kind, names)| match (a.last(*kind), b.last(*kind)) {
            (Some(p), Some(q)) => names.iter().all(|name| p.get(frame, name) == q.get(next, name)),
            (None, None) => true,
            _ => false,
        })
    };
    a.problem.is_none()
        && b.problem.is_none()
        && kinds(a) == kinds(b)
        && !a.payload().is_empty()
        && !b.payload().is_empty()
        // A FIN takes a number of its own, so nothing follows it; PSH may stand on each.
        && (first | second) & (SYN | RST) == 0
        && first & FIN == 0
        && (first ^ second) & !(PSH | FIN | CWR) == 0
        && contiguous()
        && same()
}

/// PSH and FIN are those of the last segment, CWR that of the first (RFC 3168 section 6.1.2).
fn take_last_flags(frame: &mut [u8], a: &Dissection, next: &[u8], b: &Dissection) {
    let (Some(tcp), Some(last)) = (a.last(LayerKind::Tcp), b.last(LayerKind::Tcp)) else { return };
    let cwr = u128::from(CWR);
    let first = tcp.get(frame, "flags").unwrap_or(0) & cwr;
    let bits = last.get(next, "flags").unwrap_or(0) & !cwr | first;
    if let Some(header) = frame.get_mut(tcp.start..tcp.header_end) {
        let _found = fields::set(LayerKind::Tcp, header, "flags", bits);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::lang::ast::TcpOptions;
    use crate::sut::{Family, Rules};

    #[track_caller]
    fn check(next: (u16, i64, i64), expected: Option<&str>) {
        for medium in [Medium::Ethernet, Medium::Ip] {
            let mut run = Run::new(Family::Ipv4, medium, Rules::Ours);
            let none = || TcpOptions::Exactly(Vec::new());
            // Short enough to be padded on Ethernet.
            let mut frame = run.outbound(vec![tcp(0x10, 1, 1, 9, none()), payload(3)]);
            let before = frame.clone();
            let (flags, seq, length) = next;
            let second = run.outbound(vec![tcp(flags, seq, 1, 9, none()), payload(length)]);
            assert_eq!(merge(medium, &mut frame, &second), expected.is_some());
            match expected {
                Some(text) => {
                    assert_eq!(run.describe(&frame), text);
                    assert_eq!(
                        run.matching(vec![tcp(flags, 1, 1, 9, none()), payload(3 + length)], &frame),
                        ""
                    );
                }
                None => assert_eq!(frame, before),
            }
        }
    }

    #[test]
    fn contiguous_segments_join_and_others_do_not() {
        check((0x18, 4, 1000), Some("> P. 1:1004(1003) ack 1 win 9"));
        check((0x19, 4, 1), Some("> FP. 1:5(4) ack 1 win 9"));
        check((0x10, 5, 10), None);
        check((0x10, 4, 0), None);
        check((0x14, 4, 10), None);
        check((0x30, 4, 10), None);
    }
}
