//! The engine on a stack that does what a table says: at each stimulus it sends the next list of frames.

use super::survey::{Survey, Unasked};
use super::{PlayOptions, decided_at, is_red, play};
use crate::lang::ast::Script;
use crate::lang::{self, FileSystem};
use crate::packet::{self, Context, Flows, Variables, World};
use crate::run::{Record, Verdict};
use crate::sut::{
    Call, CallId, Capabilities, Capability, Clock, Event, Family, Granularity, InterfaceId, Outcome, Refusal,
    Rules, Setup, StackUnderTest,
};
use stack::Instant;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What the stack does at one stimulus: packets in the language, each some milliseconds later.
type Answer = &'static [(u64, &'static str)];

/// How the stack misbehaves besides.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Good,
    /// It sends without end at one instant.
    Floods,
    /// It always has something to do and never does it.
    Hangs,
}

struct Fake {
    capabilities: Capabilities,
    answers: Vec<Answer>,
    manner: Manner,
    next: usize,
    now: Instant,
    pending: Vec<(Instant, Vec<u8>)>,
    completed: Vec<Event>,
    setup: Option<Setup>,
}

impl Fake {
    fn new(answers: &[Answer], manner: Manner) -> Fake {
        let has = [Capability::Ethernet, Capability::Ipv4, Capability::Icmp, Capability::Udp];
        let capabilities = Capabilities {
            name: "fake".to_owned(),
            version: "1".to_owned(),
            has: has.into(),
            clock: Clock::Virtual,
            resolution: Duration::from_micros(1),
            granularity: Granularity { tick: Duration::from_millis(10), proportion: 0.0 },
        };
        let (pending, completed) = (Vec::new(), Vec::new());
        let answers = answers.to_vec();
        Fake { capabilities, answers, manner, next: 0, now: Instant::ZERO, pending, completed, setup: None }
    }

    fn stimulus(&mut self) {
        let answer = self.answers.get(self.next).copied().unwrap_or(&[]);
        self.next += 1;
        for (millis, text) in answer {
            let due = self.now + Duration::from_millis(*millis);
            self.pending.push((due, frame(self.setup.as_ref().expect("started"), text)));
        }
        self.pending.sort_by_key(|(due, _)| *due);
    }
}

/// The frame that a packet in the language describes, as the stack would send it.
fn frame(setup: &Setup, text: &str) -> Vec<u8> {
    let script = parse(&format!("//! requires: RFC792-message-formats-1\n+0 {text}\n"));
    let crate::lang::ast::Action::Outbound(packet) = &script.events[0].action else { panic!("{text}") };
    let host = packet::Host {
        name: "REMOTE".to_owned(),
        addresses: vec![[192, 0, 2, 2].into()],
        mac: crate::sut::MacAddress([2, 0, 0, 0, 0, 2]),
        interface: 0,
    };
    let world = World {
        setup: setup.clone(),
        local: [192, 0, 2, 1].into(),
        remote: [192, 0, 2, 2].into(),
        hosts: vec![host],
        local_port: 8080,
        remote_port: 8080,
    };
    let (mut variables, mut flows) = (Variables::new(), Flows::default());
    let mut cx = Context { rules: Rules::Ours, world: &world, variables: &mut variables, flows: &mut flows };
    packet::build_outbound(&mut cx, packet).expect("a packet that can be built")
}

impl StackUnderTest for Fake {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.setup = Some(setup.clone());
        Ok(())
    }

    fn inject(&mut self, _: InterfaceId, _: &[u8]) -> Result<(), Refusal> {
        self.stimulus();
        Ok(())
    }

    fn submit(&mut self, _: Call) -> Result<CallId, Refusal> {
        self.stimulus();
        self.completed.push(Event::Completed { id: CallId(1), at: self.now, outcome: Outcome::value(3) });
        Ok(CallId(1))
    }

    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        events.append(&mut self.completed);
        if self.manner == Manner::Floods && self.next > 0 {
            self.pending.push((self.now, frame(self.setup.as_ref().expect("started"), PING)));
        }
        let due = self.pending.iter().take_while(|(due, _)| *due <= self.now).count();
        events.extend(self.pending.drain(..due).map(|(at, bytes)| Event::Frame {
            interface: InterfaceId(0),
            at,
            bytes,
        }));
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self.manner {
            Manner::Hangs => Some(Instant::ZERO),
            _ => self.pending.first().map(|(due, _)| *due),
        }
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        self.now = self.now.max(until);
        Ok(())
    }
}

const HEAD: &str = "//! requires: RFC792-message-formats-1\n//! family: ipv4\n";
const PING: &str = "> icmp echo_reply id 1 seq 1 (8)";
const OTHER: &str = "> icmp echo_reply id 1 seq 2 (8)";
const ASK: &str = "+0 < icmp echo_request id 1 seq 1 (8)\n";

fn parse(text: &str) -> Script {
    let options = lang::Options { defines: BTreeMap::new(), loader: &FileSystem, suite: None };
    lang::parse(Path::new("test.pkt"), text.to_owned(), &options).unwrap_or_else(|e| panic!("{e}"))
}

fn run(script: &Script, answers: &[Answer], manner: Manner, twin: Option<usize>) -> Record {
    let twin = twin.map(|index| &script.head.as_ref().expect("one of ours").twins[index]);
    let options = PlayOptions { twin, ..PlayOptions::new(Family::Ipv4) };
    play(&mut Fake::new(answers, manner), script, options)
}

/// Plays `body` on a stack that answers as the table says; `expected` is the verdict and the field that differs.
#[track_caller]
fn check(body: &str, answers: &[Answer], expected: (Verdict, &str)) {
    let script = parse(&format!("{HEAD}{body}"));
    let record = run(&script, answers, Manner::Good, None);
    let found = record.first_difference.as_ref().map_or("", |d| &d.field);
    assert_eq!((record.verdict, found), expected, "{:?}", record.first_difference);
}

#[test]
fn what_is_expected_must_come_at_once_and_as_it_is_written() {
    let body = format!("{ASK}+0 {PING}\n");
    check(&body, &[&[(0, PING)]], (Verdict::Pass, ""));
    check(&body, &[&[(0, OTHER)]], (Verdict::Fail, "icmp.seq"));
    check(&body, &[&[(1, PING)]], (Verdict::Fail, "frame"));
    check(&body, &[&[]], (Verdict::Fail, "frame"));
}

#[test]
fn a_timer_may_be_late_by_the_granularity_and_never_early() {
    let body = format!("{ASK}+1 {PING}\n");
    check(&body, &[&[(1000, PING)]], (Verdict::Pass, ""));
    check(&body, &[&[(1010, PING)]], (Verdict::Pass, ""));
    check(&body, &[&[(1011, PING)]], (Verdict::Fail, "frame"));
    check(&body, &[&[(999, PING)]], (Verdict::Fail, "time"));
    let range = format!("{ASK}+.5~+1 {PING}\n");
    check(&range, &[&[(499, PING)]], (Verdict::Fail, "time"));
    check(&range, &[&[(500, PING)]], (Verdict::Pass, ""));
    check(&range, &[&[(1000, PING)]], (Verdict::Pass, ""));
}

#[test]
fn silence_is_an_assertion() {
    check(ASK, &[&[]], (Verdict::Pass, ""));
    check(ASK, &[&[(0, PING)]], (Verdict::Fail, "frame"));
    check(&format!("{ASK}nothing for 1s\n"), &[&[(999, PING)]], (Verdict::Fail, "frame"));
    check(&format!("{ASK}nothing for 1s\n"), &[&[(1001, PING)]], (Verdict::Pass, ""));
    check(&format!("{ASK}nothing until +1\n"), &[&[(999, PING)]], (Verdict::Fail, "frame"));
}

#[test]
fn above_the_line_a_mismatch_is_inconclusive() {
    check(&format!("{ASK}+0 {PING}\n---\n{ASK}"), &[&[], &[]], (Verdict::Inconclusive, "frame"));
    check(&format!("{ASK}+0 {PING}\n---\n{ASK}"), &[&[(0, PING)], &[(0, PING)]], (Verdict::Fail, "frame"));
}

#[test]
fn groups_leave_open_what_they_leave_open() {
    let any = format!("{ASK}+0 any order {{\n{PING}\n{OTHER}\n}}\n");
    check(&any, &[&[(0, PING), (0, OTHER)]], (Verdict::Pass, ""));
    check(&any, &[&[(0, OTHER), (0, PING)]], (Verdict::Pass, ""));
    check(&any, &[&[(0, OTHER), (0, OTHER)]], (Verdict::Fail, "frame"));
    let one = format!("{ASK}+0 one of {{\n{PING}\nnothing\n}}\n");
    check(&one, &[&[(0, PING)]], (Verdict::Pass, ""));
    check(&one, &[&[]], (Verdict::Pass, ""));
    check(&one, &[&[(0, OTHER)]], (Verdict::Fail, "frame"));
    let maybe = format!("{ASK}+0~+1 maybe {PING}\n+0 {OTHER}\n");
    check(&maybe, &[&[(200, PING), (200, OTHER)]], (Verdict::Pass, ""));
    check(&maybe, &[&[(0, OTHER)]], (Verdict::Pass, ""));
    check(&maybe, &[&[(0, PING)]], (Verdict::Fail, "frame"));
}

#[test]
fn elapsed_measures_between_events() {
    let body = format!("{ASK}+.1~+1 {PING}\nelapsed $gap\nassert ($gap == 250000)\n");
    check(&body, &[&[(250, PING)]], (Verdict::Pass, ""));
    check(&body, &[&[(251, PING)]], (Verdict::Fail, "assert"));
}

#[test]
fn loops_repeat_with_their_variable() {
    let body = "for n in 1 .. 3 {\n+0 < icmp echo_request id 1 seq $n (8)\n+0 > icmp echo_reply id 1 seq $n (8)\n}\n";
    let third = &[(0, "> icmp echo_reply id 1 seq 3 (8)")];
    check(body, &[&[(0, PING)], &[(0, OTHER)], third], (Verdict::Pass, ""));
    check(body, &[&[(0, PING)], &[(0, PING)], third], (Verdict::Fail, "icmp.seq"));
}

#[test]
fn a_missing_capability_is_a_skip() {
    check("+0 < S 0:0(0) win 10\n", &[], (Verdict::Skip, "capability"));
}

#[test]
fn stacks_that_misbehave_fail_in_any_phase() {
    let script = parse(&format!("{HEAD}{ASK}+0 {PING}\n---\n{ASK}"));
    for (manner, field) in [(Manner::Floods, "flood"), (Manner::Hangs, "hang")] {
        let record = run(&script, &[&[(0, PING)]], manner, None);
        assert_eq!(
            (record.verdict, record.first_difference.map(|d| d.field)),
            (Verdict::Fail, Some(field.into()))
        );
    }
}

/// Plays `body` with each of its twins; `answers` are a conforming stack's. Says for each whether it is red.
#[track_caller]
fn check_twins(twins: &str, body: &str, answers: &[Answer], expected: &[Result<(), &str>]) {
    let script = parse(&format!("{HEAD}{twins}{body}"));
    let without = run(&script, answers, Manner::Good, None);
    assert_eq!(without.verdict, Verdict::Pass, "{:?}", without.first_difference);
    for (index, expected) in expected.iter().enumerate() {
        let record = run(&script, answers, Manner::Good, Some(index));
        let twin = &script.head.as_ref().expect("one of ours").twins[index];
        match (is_red(&script, twin, &record), expected) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(part)) if why.contains(part) => {}
            (found, _) => panic!("twin {index}: {found:?}, {:?}", record.first_difference),
        }
    }
}

#[test]
fn every_action_of_a_twin_makes_its_line_red() {
    let twin = |action: &str| format!("//! twin RFC792-message-formats-1: {action}\n");
    let actions = [
        "drop @out",
        "delay @out 1",
        "duplicate @out",
        "alter @out icmp.seq += 1",
        "inject @out > icmp echo_reply id 9 seq 9 (8)",
        "inject @in > icmp echo_reply id 9 seq 9 (8)",
        "swallow @in",
        "answer @call = -1 EBADF",
    ];
    let twins: String = actions.iter().map(|a| twin(a)).collect();
    let body = format!(
        "@call +0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n\
         @in +0 < icmp echo_request id 1 seq 1 (8)\n@out +0 {PING}\n"
    );
    check_twins(&twins, &body, &[&[], &[(0, PING)]], &[Ok(()); 8]);
}

#[test]
fn a_twin_that_changes_nothing_or_fails_elsewhere_is_not_red() {
    let twins = "//! twin RFC792-message-formats-1: alter @out ttl += 1\n\
                 //! twin RFC792-message-formats-1: drop @late\n\
                 //! twin RFC792-message-formats-1: drop @out red at @late\n";
    let body = format!("{ASK}@out +0 {PING}\n@late +0~+1 maybe {OTHER}\n");
    let expected = [Err("the verdict is pass"), Err("no frame or call"), Err("not at a line")];
    check_twins(twins, &body, &[&[(0, PING)]], &expected);
}

#[test]
fn a_line_decides_what_its_twins_break() {
    let twins = "//! twin RFC792-message-formats-1: drop @first\n\
                 //! twin RFC1122-3.2.2.6-1: alter @second icmp.seq += 1\n\
                 //! twin RFC1122-3.2.2.6-1: drop @second\n";
    let script =
        parse(&format!("{HEAD}{twins}{ASK}@first +0 {PING}\n+0 < icmp echo_request\n@second +0 {OTHER}\n"));
    let expected: [(usize, &[&str]); 4] = [
        (6, &[]),
        (7, &["RFC792-message-formats-1"]),
        // The line behind the first one too: there it would be missed.
        (9, &["RFC792-message-formats-1", "RFC1122-3.2.2.6-1"]),
        (10, &[]),
    ];
    for (line, requirements) in expected {
        assert_eq!(decided_at(&script, line), requirements, "line {line}");
    }
}

#[test]
fn a_case_about_testing_addresses_is_not_about_asking_for_neighbours() {
    let asks = |lines: &str| {
        let script = parse(&format!("//! requires: RFC4862-5.4-1\n//! family: ipv6\n{lines}"));
        Survey::of(&script, Family::Ipv6).speaks_of.contains(&Unasked::NeighbourSolicitation)
    };
    let rows = [
        ("+0 > ip6[src ::, dst ff02::1:ff00:7] / icmp6 neighbor_solicitation target 2001:db8::7\n", false),
        ("+0 > [src *, dst ff02::1:ff00:2] icmp6 neighbor_solicitation target REMOTE\n", true),
        ("+0 < icmp6 neighbor_solicitation target LOCAL\n+0 > icmp6 neighbor_advertisement\n", false),
    ];
    for (lines, expected) in rows {
        assert_eq!(asks(lines), expected, "{lines}");
    }
}

#[test]
fn frames_end_with_their_check_sequence_where_the_head_says_so() {
    let body = format!("{ASK}+0 {PING}\n");
    check(&body, &[&[(0, PING)]], (Verdict::Pass, ""));
    // Those of this stack do not.
    let with = format!("//! with: fcs=on\n{body}");
    check(&with, &[&[(0, PING)]], (Verdict::Fail, "rule frame-check-sequence"));
    let damaged = "+0 < ether[fcs bad] / icmp echo_request id 1 seq 1 (8)\n";
    check(&format!("//! with: fcs=on\n{damaged}"), &[&[]], (Verdict::Pass, ""));
    check(damaged, &[&[]], (Verdict::Error, "script"));
}
