//! Cases as scenarios: not what a case does to the byte, but the same kinds of segments and calls in the same order.

use crate::input::be16;
use harness::run::{TraceEntry, TraceEvent};
use harness::scenario::extras::{Extra, ExtraCall};
use harness::scenario::operation::{Opening, OptionsPlan, Plan, Start};
use harness::scenario::record::Record;
use harness::scenario::segment::{ACK, Options, SYN};
use harness::scenario::{Operation, UserCall, What};
use stack::Instant;

/// Longer scenarios are cut: their beginnings say most.
const MOST: usize = 40;
/// IPPROTO_TCP.
const TCP: i32 = 6;
/// A pause that is worth an operation, in milliseconds.
const PAUSE: u64 = 5;

/// The scenario that resembles what a case's trace shows; `None` where it has no segment of TCP.
pub(super) fn of_trace(trace: &[TraceEntry]) -> Option<Vec<u8>> {
    let mut records: Vec<Record> = Vec::new();
    let (mut opening, mut before) = (None, Instant::ZERO);
    for entry in trace.iter().filter(|entry| !matches!(entry.what, TraceEvent::Outbound { .. })) {
        let gap = entry.at.saturating_since(before).as_millis() as u64;
        before = entry.at;
        if gap >= PAUSE && opening.is_some() {
            records.push(wait(gap));
        }
        match &entry.what {
            TraceEvent::Inbound { bytes, .. } => {
                let Some(tcp) = tcp(bytes) else { continue };
                if opening.is_none() {
                    opening = Some(opened(tcp));
                }
                records.push(segment(tcp, bytes));
            }
            TraceEvent::Call { text, .. } => {
                if text.starts_with("connect(") {
                    opening.get_or_insert_with(|| opened_by(Start::SynSent));
                }
                records.extend(call(text));
            }
            TraceEvent::Outbound { .. } | TraceEvent::Completed { .. } => {}
        }
    }
    records.truncate(MOST);
    let bytes = std::iter::once(opening?).chain(records).flat_map(|record| record.0);
    Some(bytes.collect())
}

/// The value of byte `at` of `record` that makes it most like what is wanted; `distance` says how far it is from that.
fn nearest(record: &mut Record, at: usize, distance: impl Fn(&Record) -> u64) {
    let with = |value: u8| {
        let mut candidate = *record;
        candidate.0[at] = value;
        candidate
    };
    let best = (0..=255).min_by_key(|value| distance(&with(*value)));
    *record = with(best.unwrap_or(0));
}

/// The TCP segment in a frame, by the first header that looks like its IP header.
fn tcp(frame: &[u8]) -> Option<&[u8]> {
    let packet = if matches!(be16(frame, 12), 0x0800 | 0x86dd) { frame.get(14..)? } else { frame };
    match packet.first()? >> 4 {
        4 if packet.get(9) == Some(&6) => packet.get(usize::from(packet[0] & 0xf) * 4..),
        6 if packet.get(6) == Some(&6) => packet.get(40..),
        _ => None,
    }
    .filter(|tcp| tcp.len() >= 20)
}

fn options(tcp: &[u8]) -> Options {
    Options::read(tcp.get(20..usize::from(tcp[12] >> 4) * 4).unwrap_or(&[]))
}

fn opened_by(start: Start) -> Record {
    let mut record = Record::default();
    nearest(&mut record, 0, |record| u64::from(Opening::decode(record).start != start));
    record
}

/// What begins a scenario like the first segment of a case does.
fn opened(tcp: &[u8]) -> Record {
    let mut record = opened_by(if tcp[13] & ACK == 0 { Start::Listen } else { Start::Closed });
    let options = options(tcp);
    let window = be16(tcp, 14);
    nearest(&mut record, 2, |r| {
        Opening::decode(r).offer.mss.unwrap_or(0).abs_diff(options.mss.unwrap_or(0)).into()
    });
    nearest(&mut record, 3, |r| u64::from(Opening::decode(r).offer.scale != options.scale));
    nearest(&mut record, 4, |r| {
        let offer = Opening::decode(r).offer;
        u64::from(offer.sack != options.sack_permitted)
            + u64::from(offer.timestamps != options.timestamps.is_some())
    });
    nearest(&mut record, 6, |r| Opening::decode(r).window.abs_diff(window).into());
    record
}

fn plan(record: &Record) -> Option<Plan> {
    match Operation::decode(record).what {
        What::Segment(plan) => Some(plan),
        _ => None,
    }
}

fn segment(tcp: &[u8], frame: &[u8]) -> Record {
    let mut record = Record::default();
    let options = options(tcp);
    let payload = tcp.len().saturating_sub(usize::from(tcp[12] >> 4) * 4) as u64;
    let (flags, window) = (tcp[13] & 0x3f, be16(tcp, 14));
    record.0[1] = 0xc0 | flags;
    let of = |record: &Record, distance: &dyn Fn(&Plan) -> u64| {
        plan(record).map_or(u64::MAX, |plan| distance(&plan))
    };
    nearest(&mut record, 6, |r| {
        of(r, &|plan| {
            if flags & SYN == 0 { plan.window.unwrap_or(u16::MAX).abs_diff(window).into() } else { 0 }
        })
    });
    nearest(&mut record, 8, |r| of(r, &|plan| u64::from(plan.payload).abs_diff(payload)));
    let urgent = u64::from(be16(tcp, 18));
    nearest(&mut record, 9, |r| of(r, &|plan| u64::from(plan.urgent).abs_diff(urgent)));
    let is_marked = frame.get(1).is_some_and(|second| second & 3 == 3) && frame[0] >> 4 == 4;
    let extra = match options.raw.first() {
        _ if is_marked => Some(Extra::Marked),
        _ if tcp[13] >> 6 != 0 => Some(Extra::Flags(tcp[13] & 0xc0)),
        Some(34) if options.raw.get(1) == Some(&2) => Some(Extra::Option(&[34, 2])),
        Some(34) => Some(Extra::Cookie),
        Some(28) => Some(Extra::Option(&[28, 4, 0x80, 0x01])),
        _ if options.sack.len() > 1 => Some(Extra::Blocks(1000)),
        _ => None,
    };
    if let Some(extra) = extra {
        nearest(&mut record, 10, |r| of(r, &|plan| u64::from(plan.extra != extra)));
    }
    if let [(start, end)] = options.sack.as_slice() {
        let length = u64::from(end.wrapping_sub(*start));
        nearest(&mut record, 7, |r| {
            of(r, &|plan| match plan.options {
                OptionsPlan::Sack(_, own) => u64::from(own).abs_diff(length),
                _ => u64::MAX,
            })
        });
    }
    record
}

fn wait(milliseconds: u64) -> Record {
    let mut record = Record::default();
    nearest(&mut record, 0, |r| u64::from(Operation::decode(r).what != What::Wait));
    nearest(&mut record, 1, |r| (Operation::decode(r).pause.as_millis() as u64).abs_diff(milliseconds));
    record
}

/// The call that few users make, by its name and what stands behind it.
fn rare(name: &str, rest: &str) -> Option<ExtraCall> {
    let has = |option: &str| rest.contains(option);
    match name {
        "setsockopt" if has("TCP_CORK") => Some(ExtraCall::Set(TCP, 3, 1)),
        "setsockopt" if has("TCP_USER_TIMEOUT") => Some(ExtraCall::Set(TCP, 18, 20_000)),
        "setsockopt" if has("TCP_MAXSEG") => Some(ExtraCall::Set(TCP, 2, 500)),
        "setsockopt" if has("TCP_KEEPCNT") => Some(ExtraCall::Set(TCP, 6, 2)),
        "setsockopt" if has("TCP_KEEPINTVL") => Some(ExtraCall::Set(TCP, 5, 5)),
        "setsockopt" if has("TCP_LINGER2") => Some(ExtraCall::Set(TCP, 8, 3)),
        "getsockopt" if has("TCP_INFO") => Some(ExtraCall::Info),
        "send" | "sendto" if has("MSG_OOB") => Some(ExtraCall::Urgent(10)),
        "send" | "sendto" if has("MSG_MORE") => Some(ExtraCall::More(500)),
        "send" | "sendmsg" if has("MSG_EOR") => Some(ExtraCall::Record(700)),
        "sendto" | "sendmsg" if has("MSG_FASTOPEN") => Some(ExtraCall::FastConnect(100)),
        "recv" if has("MSG_OOB") => Some(ExtraCall::ReceiveUrgent),
        "recv" if has("MSG_PEEK") => Some(ExtraCall::Peek),
        _ => None,
    }
}

/// A call by its name and its number of bytes; `None` where scenarios have none like it.
fn call(text: &str) -> Option<Record> {
    let (name, rest) = text.split_once('(')?;
    let count: u64 =
        rest.split(", ").filter_map(|word| word.trim_end_matches(')').parse().ok()).last().unwrap_or(0);
    let has = |option: &str| rest.contains(option);
    let extra = rare(name, rest);
    let wanted: Box<dyn Fn(UserCall) -> u64> = match (extra, name) {
        (Some(extra), _) => Box::new(move |call| u64::from(call != UserCall::Extra(extra))),
        (_, "write" | "send" | "writev" | "sendto") => Box::new(move |call| match call {
            UserCall::Send(length) => u64::from(length).abs_diff(count),
            _ => u64::MAX,
        }),
        (_, "read" | "recv" | "readv") => Box::new(move |call| match call {
            UserCall::Receive(length) => u64::from(length).abs_diff(count),
            _ => u64::MAX,
        }),
        (_, "shutdown") if has("SHUT_WR)") => Box::new(|call| u64::from(call != UserCall::ShutdownWrite)),
        (_, "shutdown") if has("SHUT_RD)") => Box::new(|call| u64::from(call != UserCall::ShutdownRead)),
        (_, "shutdown") => Box::new(|call| u64::from(call != UserCall::ShutdownBoth)),
        (_, "close") => Box::new(|call| u64::from(call != UserCall::Close)),
        (_, "accept") => Box::new(|call| u64::from(call != UserCall::Accept)),
        (_, "setsockopt") if has("TCP_NODELAY") => Box::new(|call| u64::from(call != UserCall::Nodelay)),
        (_, "setsockopt") if has("SO_KEEPALIVE") => Box::new(|call| u64::from(call != UserCall::Keepalive)),
        _ => return None,
    };
    let mut record = Record::default();
    let is_call = |record: &Record| matches!(Operation::decode(record).what, What::Call(_));
    nearest(&mut record, 0, |r| u64::from(!is_call(r)));
    let distance = |record: &Record| match Operation::decode(record).what {
        What::Call(call) => wanted(call),
        _ => u64::MAX,
    };
    let at = if extra.is_some() { 2 } else { 1 };
    nearest(&mut record, at, distance);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::scenario::RECORD;

    #[test]
    fn calls_and_waits_are_found_in_the_tables() {
        let what = |record: Option<Record>| Operation::decode(&record.unwrap()).what;
        assert_eq!(what(call("write(4, ..., 1000)")), What::Call(UserCall::Send(1000)));
        assert_eq!(what(call("close(4)")), What::Call(UserCall::Close));
        let cork = call("setsockopt(4, SOL_TCP, TCP_CORK, [1], 4)");
        assert_eq!(what(cork), What::Call(UserCall::Extra(ExtraCall::Set(6, 3, 1))));
        assert_eq!(Operation::decode(&wait(1000)).what, What::Wait);
        assert!(call("poll(...)").is_none());
        assert_eq!(records(), 0);
    }

    /// A trace without TCP is no scenario.
    fn records() -> usize {
        of_trace(&[]).map_or(0, |bytes| bytes.len() / RECORD)
    }
}
