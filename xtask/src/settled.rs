//! The part of a run on a real clock that is the same in every run.

use harness::packet::{FrameClass, World, classify};
use harness::run::{Record, TraceEntry, TraceEvent};
use harness::sut::{Family, Rules, Setup};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Calls whose result is a descriptor, which the kernel numbers as it likes.
const OPENERS: &[&str] = &["socket(", "accept(", "open(", "epoll_create("];

/// The trace without what comes, on a real clock, at moments of the stack's own choice (group membership, router solicitations,
/// duplicate address detection), with each call beside its result where nothing was given to the stack in between, and without the
/// numbers of descriptors.
pub(crate) fn settled(record: &Record, is_real: bool) -> Vec<TraceEntry> {
    let world = nowhere(record.family);
    let mut settled: Vec<TraceEntry> = Vec::new();
    let mut identifications: Vec<String> = Vec::new();
    for entry in record.trace.iter().filter(|entry| !is_real || !is_noise(&world, entry)) {
        let mut entry = entry.clone();
        match &mut entry.what {
            TraceEvent::Inbound { text, .. } => *text = without_chance(text, " ecr "),
            TraceEvent::Outbound { text, .. } => {
                *text = without_chance(&with_numbered_identification(text, &mut identifications), "TS val ");
            }
            TraceEvent::Call { .. } | TraceEvent::Completed { .. } => {}
        }
        if let TraceEvent::Completed { id, text, outcome } = &mut entry.what {
            if outcome.result.is_ok() && OPENERS.iter().any(|opener| text.starts_with(opener)) {
                outcome.result = Ok(0);
                *text = text.rsplit_once(" = ").map_or(text.as_str(), |(call, _)| call).to_owned() + " = fd";
            }
            let is_call = |e: &TraceEntry| matches!(&e.what, TraceEvent::Call { id: call, .. } if call == id);
            let is_stimulus = |e: &TraceEntry| !matches!(e.what, TraceEvent::Outbound { .. });
            let call = settled.iter().rposition(is_call);
            if let Some(call) = call.filter(|call| !settled[call + 1..].iter().any(is_stimulus)) {
                // The snapshot makes one line of a call that completes at once.
                entry.at = settled[call].at;
                settled.insert(call + 1, entry);
                continue;
            }
        }
        settled.push(entry);
    }
    settled
}

/// A packet's text with `*` for what is drawn by chance: the stack's own timestamps, which stand behind `timestamp`, and
/// sequence numbers relative to another connection's base, which are large.
fn without_chance(text: &str, timestamp: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (number, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        let is_timestamp = before.ends_with(timestamp);
        // Bytes in hexadecimal are no number.
        let is_word = before.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        let is_chance = is_timestamp || (number.len() > 8 && !is_word);
        result += before;
        result += if is_chance { "*" } else { number };
        rest = after;
    }
    result + rest
}

/// A fragment's text with its identification as its place among those that the run has shown: which fragments belong
/// together is the same in every run, the numbers are not.
fn with_numbered_identification(text: &str, seen: &mut Vec<String>) -> String {
    const BEFORE: &str = "> [id ";
    let Some(from) = text.strip_prefix(BEFORE) else { return text.to_owned() };
    let (number, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
    let place = seen.iter().position(|known| known == number).unwrap_or_else(|| {
        seen.push(number.to_owned());
        seen.len() - 1
    });
    format!("{BEFORE}{}{after}", place + 1)
}

fn is_noise(world: &World, entry: &TraceEntry) -> bool {
    let TraceEvent::Outbound { medium, bytes, .. } = &entry.what else { return false };
    matches!(
        classify(world, *medium, bytes),
        FrameClass::Igmp
            | FrameClass::Mld
            | FrameClass::RouterSolicitation
            | FrameClass::AddressClaim
            | FrameClass::DuplicateAddressDetection
    )
}

/// Kinds of frames do not depend on who is around.
fn nowhere(family: Family) -> World {
    let setup = Setup {
        rules: Rules::Ours,
        family,
        interfaces: vec![],
        routes: vec![],
        neighbours: vec![],
        forwarding: false,
        settings: BTreeMap::new(),
        seed: 0,
    };
    let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    World { setup, local: unspecified, remote: unspecified, hosts: vec![], local_port: 0, remote_port: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::Instant;
    use harness::report::{Times, snapshot};
    use harness::run::Verdict;
    use harness::sut::{CallId, InterfaceId, Medium, Outcome};
    use std::time::Duration;

    #[test]
    fn fragments_that_belong_together_have_one_number() {
        let mut seen = Vec::new();
        let mut number = |text: &str| with_numbered_identification(text, &mut seen);
        assert_eq!(number("> [id 59643, mf] udp 8080 > 9 (968)"), "> [id 1, mf] udp 8080 > 9 (968)");
        assert_eq!(number("> [id 7, mf] udp 8080 > 9 (968)"), "> [id 2, mf] udp 8080 > 9 (968)");
        assert_eq!(number("> [id 59643, off 976] ip payload (2)"), "> [id 1, off 976] ip payload (2)");
        assert_eq!(number("> icmp echo_reply id 7 seq 3 (56)"), "> icmp echo_reply id 7 seq 3 (56)");
    }

    #[test]
    fn chance_is_a_star() {
        let text = "> S. 4293402104:4293402104(0) ack 4294962297 win 64240 <mss 1460, TS val 7 ecr 0> 0x020000000001";
        let expected = "> S. *:*(0) ack * win 64240 <mss 1460, TS val * ecr 0> 0x020000000001";
        assert_eq!(without_chance(text, "TS val "), expected);
        assert_eq!(without_chance("TS val 200 ecr 1001", "TS val "), "TS val * ecr 1001");
        assert_eq!(without_chance("TS val 200 ecr 1001", " ecr "), "TS val 200 ecr *");
    }

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let mut at = 0;
        let mut entry = |what| {
            at += 1000;
            TraceEntry { at: Instant::from_nanos(at), line: Some(1), what }
        };
        let call = |id, text: &str| TraceEvent::Call { id: CallId(id), text: text.into() };
        let done = |id, text: &str, value| {
            let (text, outcome) = (text.to_owned(), Outcome::value(value));
            TraceEvent::Completed { id: CallId(id), text, outcome }
        };
        let sent = |bytes: &[u8], text: &str| TraceEvent::Outbound {
            interface: InterfaceId(0),
            medium: Medium::Ip,
            bytes: bytes.to_vec(),
            text: text.into(),
        };
        // An IPv4 header with protocol 2, and an IGMPv2 report of 224.0.0.251.
        let igmp = [
            0x45, 0, 0, 28, 0, 0, 0, 0, 1, 2, 0, 0, 192, 0, 2, 1, 224, 0, 0, 251, 0x16, 0, 0, 0, 224, 0, 0,
            251,
        ];
        let trace = vec![
            entry(call(0, "socket(...)")),
            entry(sent(&igmp, "> igmp")),
            entry(done(0, "socket(...) = 11", 11)),
            entry(call(1, "write(3)")),
            entry(sent(&[0x45], "> data")),
            entry(done(1, "write(3) = 10", 10)),
        ];
        let virtual_time = Duration::ZERO;
        let verdict = Verdict::Pass;
        let record = Record { verdict, first_difference: None, trace, virtual_time, family: Family::Ipv4 };
        let text = snapshot(&settled(&record, true), Times::Left);
        let starts: Vec<&str> = text.lines().map(|l| l.split(" = ").next().unwrap_or(l)).collect();
        assert_eq!(starts, ["socket(...)", "write(3)", "> data"], "{text}");
        assert!(text.starts_with("socket(...) = fd") && !text.contains("11"), "{text}");
    }
}
