//! Whole scripts: options, times, phases, statements, heads, includes.

use super::{ours, show, upstream};
use crate::lang::ast::{Event, EventTime, Script, Topology, TwinAction};
use std::time::Duration;

/// Label, time, phase and action of each event, a line each.
fn lines(events: &[Event]) -> String {
    let line = |e: &Event| {
        let label = e.label.as_ref().map(|l| format!("@{l} ")).unwrap_or_default();
        format!("{label}{:?} {:?} {}", e.time, e.phase, show::action(&e.action))
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(script: &Script, expected: &[&str]) {
    assert_eq!(lines(&script.events), expected.join("\n"));
}

#[test]
fn an_upstream_script() {
    let text = "--mss=1000\n--ip_version=ipv6\n`setup`\n0 `ls`\n+.01...0.011 f() = 0\n1~2 > R 1:1(0)\n+1~+2 > R 1:1(0)\n* > R 1:1(0)\n+0 %{ print(1) }%\n`cleanup`\n";
    let script = upstream(text);
    assert!(script.head.is_none());
    let options: Vec<_> = script.options.iter().map(|o| (o.name.as_str(), o.value.as_deref())).collect();
    assert_eq!(options, [("mss", Some("1000")), ("ip_version", Some("ipv6"))]);
    assert_eq!(script.init.as_ref().map(|s| s.command.as_str()), Some("setup"));
    assert_eq!(script.cleanup.as_ref().map(|s| s.command.as_str()), Some("cleanup"));
    let times: Vec<EventTime> = script.events.iter().map(|e| e.time).collect();
    let (ms, s) = (Duration::from_millis, Duration::from_secs);
    let expected = [
        EventTime::Absolute(s(0)),
        EventTime::Relative(ms(10)),
        EventTime::AbsoluteRange(s(1), s(2)),
        EventTime::RelativeRange(s(1), s(2)),
        EventTime::Any,
        EventTime::Relative(s(0)),
    ];
    assert_eq!(times, expected);
}

#[test]
fn statements() {
    let script = ours(
        "nothing for 1.5ms\nnothing for (2*$t) us\nnothing for ($n) s\nnothing until +1\nelapsed $e\nnew connection\nassert ($a >= 1 && $b)\n",
    );
    let expected = [
        "Untimed Point nothing for 1500 us",
        "Untimed Point nothing for (2 Multiply $t) us",
        "Untimed Point nothing for ($n Multiply 1000000) us",
        "Untimed Point NothingUntil(Relative(1s))",
        "Untimed Point Elapsed(\"e\")",
        "Untimed Point NewConnection",
        "Untimed Point assert (($a GreaterOrEqual 1) And $b)",
    ];
    check(&script, &expected);
}

#[test]
fn choices_and_loops() {
    let script = ours(
        "+0 any order { > udp 1 > 2 (3) eth1 > R 1:1(0) }\n+1 one of { > R 1:1(0) nothing { > F 1:1(0)\n > R 2:2(0) } }\n+2 maybe > R 1:1(0)\nfor n in 1 .. ($k+1) { +0 close($n) = 0 }\n",
    );
    let expected = [
        "Relative(0ns) Point any order [Udp sport 1, dport 2 / Payload {Length(Is(Int(3)))}; eth1: Tcp seq 1 {0x4 end 1 Exactly([])}]",
        "Relative(1s) Point one of [Tcp seq 1 {0x4 end 1 Exactly([])} |  | Tcp seq 1 {0x1 end 1 Exactly([])}; Tcp seq 2 {0x4 end 2 Exactly([])}]",
        "Relative(2s) Point maybe > Tcp seq 1 {0x4 end 1 Exactly([])}",
        "Untimed Point for n in 1..($k Add 1) [close([Number(Variable(\"n\"))]) = Number(Int(0)) None None]",
    ];
    check(&script, &expected);
}

#[test]
fn precedence_is_that_of_c() {
    let script = ours("assert (1 | 2 ^ 3 & 4 == 5 << 1 + 2 * -3)\nassert ($x-1-1 != 0x10)\n");
    let expected = [
        "Untimed Point assert (1 BitOr (2 BitXor (3 BitAnd (4 Equal (5 ShiftLeft (1 Add (2 Multiply -3)))))))",
        "Untimed Point assert ((($x Subtract 1) Subtract 1) NotEqual 16)",
    ];
    check(&script, &expected);
}

#[test]
fn openings_and_includes() {
    let script = ours(
        "include \"given/established.pkt\" (mss 536)\ninclude \"beside.pkt\"\n---\n+0 close(4) = 0\n---\n@l +0 close(5) = 0\ninclude \"small.pkt\"\n",
    );
    let close = |n| format!("close([Number(Int({n}))]) = Number(Int(0)) None None");
    let expected = [
        "Relative(0ns) Opening < Tcp seq 0, win 1000 {0x2 end 0 Exactly([Mss(Is(Int(536)))])}",
        &format!("@first Relative(0ns) Opening {}", close(3)),
        &format!("Relative(0ns) Opening {}", close(4)),
        &format!("@l Relative(0ns) Point {}", close(5)),
        "Relative(0ns) Opening < Tcp seq 0, win 1000 {0x2 end 0 Exactly([Mss(Is(Binary(Add, Int(500), Int(36))))])}",
    ];
    check(&script, &expected);
}

#[test]
fn a_head() {
    let script = upstream(
        "// Copyright\n//! Why this matters: a colon is fine.\n//! host stacks are prose.\n//! requires: RFC1-2, RFC3-4\n//! needs: tcp listen\n//! with: iw=rfc5681\n//! family: ipv4\n//! host peer2 192.0.2.3 02:00:00:00:00:03 on eth1\n//! interface eth1 203.0.113.1/24 mtu 1400\n//! route default via peer2\n//! forwarding\n//! exactly\n\n+0 close(3) = 0\n",
    );
    let head = script.head.unwrap();
    assert_eq!(head.about, "Why this matters: a colon is fine.\nhost stacks are prose.");
    let values =
        |list: &[crate::lang::ast::Spanned<String>]| list.iter().map(|s| s.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&head.requires), ["RFC1-2", "RFC3-4"]);
    assert_eq!(head.requires[1].span.text(), "RFC3-4");
    assert_eq!(values(&head.needs), ["tcp", "listen"]);
    assert_eq!(values(&head.families), ["ipv4"]);
    assert_eq!(head.with[0].value, ("iw".to_string(), "rfc5681".to_string()));
    assert!(head.exactly);
    assert_eq!(head.topology.len(), 4);
    assert!(matches!(&head.topology[1].value, Topology::Interface { mtu: Some(1400), .. }));
    assert!(matches!(&head.topology[2].value, Topology::Route { via: Some(via), .. } if via == "peer2"));
}

#[test]
fn twins() {
    let script = upstream(
        "//! requires: X-1\n//! twin X-1: drop @a; delay @a 1.5; alter @a ip.ttl -= 0x10  (a note, with \"quotes)\n//! twin X-1: inject @a eth1 > udp 1 > 2 (10); alter @a flags = R. red at @b\n//! twin X-1: answer @b = -1 EPIPE; swallow @a (a note)\n@a +0 > R 1:1(0)\n@b +0 close(3) = 0\n",
    );
    let twins = script.head.unwrap().twins;
    assert_eq!(twins.len(), 3);
    let altered = "[Drop(\"a\"), Delay(\"a\", 1.5s), Alter(\"a\", Alteration { layer: Some(\"ip\"), field: \"ttl\", operation: Add(-16) })]";
    assert_eq!(format!("{:?}", twins[0].actions), altered);
    let TwinAction::Inject(_, packet) = &twins[1].actions[0] else { panic!("{:?}", twins[1]) };
    assert_eq!(show::packet(packet), "eth1: Udp sport 1, dport 2 / Payload {Length(Is(Int(10)))}");
    assert_eq!(twins[1].red_at.as_deref(), Some("b"));
    assert_eq!(format!("{:?}", twins[2].actions), "[Answer(\"b\", -1, Some(\"EPIPE\")), Swallow(\"a\")]");
}
