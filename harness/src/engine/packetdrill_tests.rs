//! packetdrill's rules, held against a stack that sends what a test tells it to.

use super::{PlayOptions, play};
use crate::lang::{self, FileSystem};
use crate::sut::{
    Call, CallId, Capabilities, Capability, Clock, Event, Family, Granularity, InterfaceId, Outcome, Refusal,
    Setup, StackUnderTest,
};
use stack::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const LISTENER: u16 = 8080;
const OTHER: u16 = 8081;
const PSH_ACK: u8 = 0x18;
const ACK: u8 = 0x10;

/// A segment of the stack's: when, from which port, flags, relative sequence number, bytes of payload.
type Sent = (u64, u16, u8, u32, usize);

/// Answers every call and sends what it was given.
struct Puppet {
    capabilities: Capabilities,
    now: Instant,
    frames: Vec<(Instant, Vec<u8>)>,
    events: Vec<Event>,
    calls: u64,
}

impl Puppet {
    fn new(sent: &[Sent]) -> Puppet {
        use Capability::{Connect, IpMedium, Ipv4, Listen, Tcp};
        let mut frames = vec![(Instant::ZERO, segment(LISTENER, 0x12, 0, 0))];
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        frames.extend(
            sent.iter()
                .map(|(ms, port, flags, seq, length)| (at(*ms), segment(*port, *flags, *seq, *length))),
        );
        Puppet {
            capabilities: Capabilities {
                name: "puppet".into(),
                version: "1".into(),
                has: BTreeSet::from([Ipv4, Tcp, IpMedium, Listen, Connect]),
                clock: Clock::Virtual,
                resolution: Duration::from_nanos(1),
                granularity: Granularity { tick: Duration::ZERO, proportion: 0.0 },
            },
            now: Instant::ZERO,
            frames,
            events: Vec::new(),
            calls: 0,
        }
    }
}

impl StackUnderTest for Puppet {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, _setup: &Setup) -> Result<(), Refusal> {
        Ok(())
    }

    fn inject(&mut self, _interface: InterfaceId, _frame: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }

    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        let value = match call {
            Call::Socket { .. } => 3,
            Call::Accept { .. } => 4,
            Call::Write { data, .. } => data.len() as i64,
            _ => 0,
        };
        self.calls += 1;
        let id = CallId(self.calls);
        self.events.push(Event::Completed { id, at: self.now, outcome: Outcome::value(value) });
        Ok(id)
    }

    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let now = self.now;
        for (at, bytes) in self.frames.extract_if(.., |(at, _)| *at <= now) {
            self.events.push(Event::Frame { interface: InterfaceId(0), at, bytes });
        }
        events.append(&mut self.events);
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.frames.first().map(|(at, _)| *at)
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        self.now = self.now.max(until);
        Ok(())
    }
}

/// A segment to the first peer's port, with an initial sequence number of 1000 and an acknowledgement of 1.
fn segment(port: u16, flags: u8, seq: u32, length: usize) -> Vec<u8> {
    let total = u16::try_from(40 + length).expect("a datagram");
    let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 168, 0, 1, 192, 0, 2, 1];
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    let words = ip.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum: u32 = words.sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    ip.extend(port.to_be_bytes());
    ip.extend(49152u16.to_be_bytes());
    ip.extend((1000 + seq).to_be_bytes());
    ip.extend(1u32.to_be_bytes());
    ip.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    ip.resize(40 + length, 0);
    ip
}

const OPENING: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1
+.1 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
";

/// Plays `script` behind an opening that takes 100 ms; `differs` is the field in which it fails, empty where it passes.
#[track_caller]
fn check(options: &str, script: &str, sent: &[Sent], differs: &str) {
    let text = format!("{options}\n{OPENING}{script}\n");
    let parsing = lang::Options { defines: BTreeMap::new(), loader: &FileSystem, suite: None };
    let script = lang::parse(Path::new("test.pkt"), text, &parsing).expect("a script");
    let record = play(&mut Puppet::new(sent), &script, PlayOptions::new(Family::Ipv4));
    let found = record.first_difference.as_ref().map_or("", |d| d.field.as_str());
    assert_eq!(found, differs, "{:?}", record.first_difference);
}

const LARGE: &str = "+0 write(4, ..., 3000) = 3000\n+0 > P. 1:3001(3000) ack 1";

fn pieces(lengths: [usize; 3]) -> Vec<Sent> {
    let mut seq = 1;
    let piece = |(index, length): (usize, &usize)| {
        let flags = if index == 2 { PSH_ACK } else { ACK };
        let sent = (100, LISTENER, flags, seq, *length);
        seq += *length as u32;
        sent
    };
    lengths.iter().enumerate().map(piece).collect()
}

#[test]
fn equal_segments_are_joined_to_the_larger_one_expected() {
    check("", LARGE, &pieces([1000, 1000, 1000]), "");
    check("", LARGE, &pieces([1200, 1200, 600]), "");
    check("", LARGE, &pieces([1000, 500, 1500]), "tcp.flags");
    check("--strict_segments", LARGE, &pieces([1000, 1000, 1000]), "tcp.flags");
}

#[test]
fn only_the_socket_under_test_is_looked_at() {
    let mut sent = vec![(100, OTHER, ACK, 7, 0)];
    sent.extend(pieces([1000, 1000, 1000]));
    check("", LARGE, &sent, "");
}

#[test]
fn tolerance_grows_with_the_time_since_the_event_before() {
    let after = |ms| [(ms, LISTENER, ACK, 1, 0)];
    let expect = |gap: &str| format!("{gap} > . 1:1(0) ack 1");
    check("", &expect("+0"), &after(104), "");
    check("", &expect("+0"), &after(105), "time");
    check("", &expect("+.1"), &after(212), "");
    check("", &expect("+.1"), &after(213), "time");
    check("--tolerance_usecs=20000", &expect("+.1"), &after(213), "");
    check("", &expect("+.1~+.2"), &after(312), "");
}

#[test]
fn what_an_absolute_time_has_passed_by_fails() {
    let late = "* > . 1:1(0) ack 1\n.12 write(4, ..., 10) = 10";
    check("", late, &[(121, LISTENER, ACK, 1, 0)], "");
    check("", late, &[(150, LISTENER, ACK, 1, 0)], "time");
}

#[test]
fn runners_options_go_before_a_scripts() {
    check("--local_ip=10.0.0.1", LARGE, &pieces([1000, 1000, 1000]), "");
}
