//! Building, matching and describing together; frames are read by pnet, which knows nothing of our tables.

use super::testing::*;
use super::{Timestamps, pattern};
use crate::lang::ast::*;
use crate::sut::{Call, Family, Medium, Rules, SocketAddress};
use pnet::packet::{Packet as _, ethernet, icmp, icmpv6, ipv4, ipv6, tcp as ptcp, udp as pudp};
use std::time::Duration;

const S: u16 = 2;
const SA: u16 = 0x12;
const A: u16 = 0x10;
const PA: u16 = 0x18;

fn none() -> TcpOptions {
    TcpOptions::Exactly(Vec::new())
}

fn every_run() -> Vec<Run> {
    let mut runs = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for medium in [Medium::Ethernet, Medium::Ip] {
            runs.push(Run::new(family, medium, Rules::Ours));
        }
    }
    runs
}

/// The IP datagram's payload as pnet sees it, after checking everything outside.
fn unwrap_ip(run: &Run, frame: &[u8]) -> (std::net::IpAddr, std::net::IpAddr, u8, Vec<u8>) {
    let datagram = if run.medium() == Medium::Ethernet {
        assert!(frame.len() >= 60);
        let ether = ethernet::EthernetPacket::new(frame).unwrap();
        assert_eq!(ether.get_destination().octets(), LOCAL_MAC.0);
        assert_eq!(ether.get_source().octets(), REMOTE_MAC.0);
        ether.payload().to_vec()
    } else {
        frame.to_vec()
    };
    if run.world.local.is_ipv6() {
        let ip = ipv6::Ipv6Packet::new(&datagram).unwrap();
        assert_eq!(ip.get_version(), 6);
        let length = usize::from(ip.get_payload_length());
        let content = datagram[40..40 + length].to_vec();
        (ip.get_source().into(), ip.get_destination().into(), ip.get_next_header().0, content)
    } else {
        let ip = ipv4::Ipv4Packet::new(&datagram).unwrap();
        assert_eq!(ip.get_checksum(), ipv4::checksum(&ip));
        let content = datagram[20..usize::from(ip.get_total_length())].to_vec();
        (ip.get_source().into(), ip.get_destination().into(), ip.get_next_level_protocol().0, content)
    }
}

#[test]
fn pnet_reads_what_is_built() {
    use std::net::IpAddr::{V4, V6};
    for mut run in every_run() {
        for length in [0, 1, 10, 1401] {
            let frame = run.build(vec![
                layer(LayerKind::Udp, vec![number("sport", 4000), number("dport", 7)]),
                payload(length),
            ]);
            let (source, destination, protocol, bytes) = unwrap_ip(&run, &frame);
            assert_eq!((source, destination, protocol), (run.world.remote, run.world.local, 17));
            let datagram = pudp::UdpPacket::new(&bytes).unwrap();
            assert_eq!(usize::from(datagram.get_length()), bytes.len());
            let right = match (source, destination) {
                (V4(s), V4(d)) => pudp::ipv4_checksum(&datagram, &s, &d),
                (V6(s), V6(d)) => pudp::ipv6_checksum(&datagram, &s, &d),
                _ => unreachable!(),
            };
            assert_eq!(datagram.get_checksum(), right);

            let frame = run.build(vec![tcp(PA, 1, 0, 1000, none()), payload(length)]);
            let (source, destination, protocol, bytes) = unwrap_ip(&run, &frame);
            assert_eq!(protocol, 6);
            let segment = ptcp::TcpPacket::new(&bytes).unwrap();
            let right = match (source, destination) {
                (V4(s), V4(d)) => ptcp::ipv4_checksum(&segment, &s, &d),
                (V6(s), V6(d)) => ptcp::ipv6_checksum(&segment, &s, &d),
                _ => unreachable!(),
            };
            assert_eq!(segment.get_checksum(), right);
            assert_eq!((segment.get_source(), segment.get_destination()), (40000, 8080));
            let expected: Vec<u8> = (0..length as u32).map(pattern::byte).collect();
            assert_eq!(segment.payload(), expected);

            let echo = vec![name("type_name", "echo_request"), number("id", 1), number("seq", 2)];
            let frame = run.build(vec![layer(LayerKind::Icmp, echo), payload(length)]);
            let (source, destination, protocol, bytes) = unwrap_ip(&run, &frame);
            if let (V6(s), V6(d)) = (source, destination) {
                assert_eq!(protocol, 58);
                let message = icmpv6::Icmpv6Packet::new(&bytes).unwrap();
                assert_eq!(message.get_checksum(), icmpv6::checksum(&message, &s, &d));
            } else {
                assert_eq!(protocol, 1);
                let message = icmp::IcmpPacket::new(&bytes).unwrap();
                assert_eq!(message.get_checksum(), icmp::checksum(&message));
            }
        }
    }
}

#[test]
fn a_handshake_has_relative_numbers() {
    for mut run in every_run() {
        run.build(vec![tcp(S, 0, -1, 1000, TcpOptions::Exactly(vec![TcpOption::Mss(is(1460))]))]);
        let answer = vec![Layer {
            fields: vec![number("seq", 0x1234_5678), number("ack", 1), number("win", 5)],
            ..tcp(SA, 0, -1, -1, none())
        }];
        let frame = run.outbound(answer);
        let mut expected = tcp(SA, 0, 1, -1, none());
        expected.fields.push(field("win", Value::Number(variable("w"))));
        assert_eq!(run.matching(vec![expected], &frame), "");
        assert_eq!(run.variables["w"], 5);
        assert_eq!(run.describe(&frame), "> S. 0:0(0) ack 1 win 5");

        let data = run.outbound(vec![tcp(PA, 1, 1, 5, none()), payload(10)]);
        assert_eq!(run.describe(&data), "> P. 1:11(10) ack 1 win 5");
        assert_eq!(run.matching(vec![tcp(PA, 1, 1, -1, none()), payload(10)], &data), "");
        assert_eq!(run.matching(vec![tcp(PA, 1, 2, -1, none()), payload(10)], &data), "tcp.ack: 2 / 1");
        assert_eq!(
            run.matching(vec![tcp(PA, 1, 1, -1, none()), payload(9)], &data),
            "tcp.payload.length: 9 / 10"
        );
        assert_eq!(run.matching(vec![tcp(A, 1, 1, -1, none()), payload(10)], &data), "tcp.flags: . / P.");

        let ack = run.build(vec![tcp(A, 1, 11, 1000, none())]);
        let at = ack.iter().position(|b| *b == 0x12).unwrap();
        assert_eq!(ack[at..at + 4], (0x1234_5678u32 + 11).to_be_bytes());
    }
}

#[test]
fn nothing_is_taken_over_from_a_frame_that_differs() {
    let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Ours);
    let frame = run.outbound(vec![tcp(S, 77, -1, 9, none())]);
    let mut expected = tcp(S, 0, -1, -1, TcpOptions::Exactly(vec![TcpOption::Mss(is(1))]));
    expected.fields.push(field("win", Value::Number(variable("w"))));
    assert_eq!(run.matching(vec![expected], &frame), "tcp.options: <mss> / <>");
    assert!(run.variables.is_empty());
    assert_eq!(run.describe(&frame), "> S 77:77(0) win 9");
}

#[test]
fn options_that_are_not_mentioned_are_not_there() {
    let check = |rules, said: Vec<Layer>, sent: Vec<Layer>, expected: &str| {
        let mut run = Run::new(Family::Ipv4, Medium::Ip, rules);
        let frame = run.outbound(sent);
        assert_eq!(run.matching(said, &frame), expected, "{rules:?}");
    };
    let mss = || TcpOptions::Exactly(vec![TcpOption::Mss(is(1460))]);
    let segment = |options| vec![tcp(S, 0, -1, -1, options)];
    let ip = |fields, options: Vec<HeaderOption>| {
        let body = if options.is_empty() { LayerBody::Plain } else { LayerBody::Options(options) };
        let udp = layer(LayerKind::Udp, vec![number("sport", 4000), number("dport", 9)]);
        vec![Layer { body, ..layer(LayerKind::Ipv4, fields) }, udp]
    };
    let routed = || {
        let option =
            HeaderOption { name: "router-alert".to_owned(), open: false, ..HeaderOption::others(span()) };
        ip(Vec::new(), vec![HeaderOption { data: vec![0, 0], ..option }])
    };
    for rules in [Rules::Ours, Rules::Packetdrill] {
        check(rules, segment(none()), segment(mss()), "tcp.options: <> / <mss>");
        check(rules, segment(mss()), segment(none()), "tcp.options: <mss> / <>");
        check(rules, segment(none()), segment(none()), "");
        check(rules, segment(TcpOptions::Any), segment(mss()), "");
        check(rules, ip(Vec::new(), Vec::new()), ip(Vec::new(), Vec::new()), "");
    }
    check(Rules::Ours, ip(Vec::new(), Vec::new()), routed(), "ip.options: none / router-alert(2)");
    check(Rules::Ours, routed(), ip(Vec::new(), Vec::new()), "ip.options: router-alert(2) / none");
    check(Rules::Ours, ip(Vec::new(), vec![HeaderOption::others(span())]), routed(), "");
    check(Rules::Ours, ip(vec![number("ihl", 6)], Vec::new()), routed(), "");
    check(Rules::Packetdrill, ip(Vec::new(), Vec::new()), routed(), "");
}

#[test]
fn what_is_built_matches_itself_and_reads_as_written() {
    #[track_caller]
    fn check(family: Family, layers: Vec<Layer>, text: &str) {
        let mut run = Run::new(family, Medium::Ethernet, Rules::Ours);
        let frame = run.outbound(layers.clone());
        assert_eq!(run.matching(layers, &frame), "");
        assert_eq!(run.describe(&frame), text);
    }
    let udp =
        |fields: &[(&str, i64)]| layer(LayerKind::Udp, fields.iter().map(|(n, v)| number(n, *v)).collect());
    let who_has = vec![number("op", 1), name("tpa", "192.0.2.2"), name("spa", "LOCAL")];
    check(Family::Ipv4, vec![layer(LayerKind::Arp, who_has)], "> arp who-has 192.0.2.2 tell 192.0.2.1");
    let reply = vec![number("op", 2), name("spa", "192.0.2.1"), name("sha", "LOCAL_MAC")];
    check(Family::Ipv4, vec![layer(LayerKind::Arp, reply)], "> arp reply 192.0.2.1 is-at 02:00:00:00:00:01");
    let ports = [("sport", 4000), ("dport", 7)];
    let fragment = || layer(LayerKind::Ip, vec![number("id", 7), number("mf", 1), number("off", 0)]);
    check(Family::Ipv4, vec![fragment(), udp(&ports), payload(1480)], "> [id 7, mf] udp 4000 > 7 (1480)");
    check(Family::Ipv6, vec![fragment(), udp(&ports), payload(1480)], "> [id 7, mf] udp 4000 > 7 (1480)");
    let last = || layer(LayerKind::Ip, vec![number("id", 7), number("off", 1480), name("proto", "udp")]);
    check(Family::Ipv4, vec![last(), payload(20)], "> [id 7, off 1480, proto udp] ip payload (20)");
    let quote = Layer {
        body: LayerBody::Quote(vec![udp(&[("sport", 4000), ("dport", 9)]), payload(16)]),
        ..layer(LayerKind::Icmp, vec![name("type_name", "unreachable"), name("code_name", "port")])
    };
    check(Family::Ipv4, vec![quote.clone()], "> icmp unreachable port [udp 4000 > 9 (16)]");
    check(Family::Ipv6, vec![quote], "> icmp6 unreachable port [udp 4000 > 9 (16)]");
}

#[test]
fn upstream_maps_ports_numbers_and_timestamps() {
    let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Packetdrill);
    run.flows.set_timestamps(Timestamps {
        tick: Duration::from_millis(1),
        ecr_scaled: false,
        tolerance: Duration::from_millis(4),
    });
    run.flows.called(&Call::Socket { domain: 2, kind: 1, protocol: 6 });
    let address = SocketAddress::Ip("192.0.2.2:40000".parse().unwrap());
    run.flows.called(&Call::Connect { fd: 3, address });
    let ts = |val, ecr| TcpOptions::Exactly(vec![TcpOption::Timestamp { val: is(val), ecr: is(ecr) }]);
    // The stack's own port, sequence number and clock.
    let mut live = tcp(S, 5_000_000, -1, 100, ts(9000, 0));
    live.fields.push(number("sport", 33333));
    let frame = run.outbound(vec![live.clone()]);
    assert_eq!(run.matching(vec![tcp(S, 0, -1, -1, ts(100, 0))], &frame), "");
    let frame = run.build(vec![tcp(SA, 0, 1, 1000, ts(700, 100))]);
    assert_eq!(frame[22..24], 33333u16.to_be_bytes());
    assert_eq!(frame[28..32], 5_000_001u32.to_be_bytes());
    assert_eq!(frame[40..52], [8, 10, 0, 0, 2, 188, 0, 0, 0x23, 0x28, 0, 0]);
    let ack = run.outbound(vec![tcp(A, 1, 1, 100, ts(9010, 700))]);
    assert_eq!(run.matching(vec![tcp(A, 1, 1, -1, ts(110, 700))], &ack), "");
    assert_eq!(run.matching(vec![tcp(A, 1, 1, -1, ts(160, 700))], &ack), "tcp.TS.val: 160 / 110");
}

/// A frame of some kind, with some bytes changed and perhaps cut.
fn damaged() -> impl proptest::strategy::Strategy<Value = (usize, Vec<(usize, u8)>, usize)> {
    use proptest::prelude::*;
    (0..8usize, proptest::collection::vec((0..120usize, any::<u8>()), 0..6), 0..200usize)
}

/// What a stack might send, one of each kind.
fn specimen(run: &mut Run, kind: usize) -> Vec<Layer> {
    let udp = || vec![layer(LayerKind::Udp, vec![number("sport", 4000), number("dport", 9)]), payload(16)];
    let v6 = run.world.local.is_ipv6();
    let options = TcpOptions::Exactly(vec![
        TcpOption::Mss(is(1460)),
        TcpOption::SackOk,
        TcpOption::Timestamp { val: is(0), ecr: is(2) },
        TcpOption::Nop,
        TcpOption::Wscale(is(7)),
    ]);
    let sack =
        TcpOptions::Exactly(vec![TcpOption::Sack(vec![(is(11), is(21))]), TcpOption::Nop, TcpOption::Nop]);
    match kind {
        0 => vec![tcp(SA, 0, 1, 1000, options)],
        1 => vec![tcp(A, 1, 1, 1000, sack), payload(20)],
        2 => udp(),
        3 => {
            let fields = vec![name("type_name", "unreachable"), name("code_name", "port")];
            vec![Layer { body: LayerBody::Quote(udp()), ..layer(LayerKind::Icmp, fields) }]
        }
        4 if v6 => vec![layer(LayerKind::Icmpv6, vec![number("type", 135), name("target", "REMOTE")])],
        4 => vec![layer(LayerKind::Arp, Vec::new())],
        5 => [vec![layer(LayerKind::Ip, vec![number("id", 7), number("mf", 1)])], udp()].concat(),
        6 if v6 => {
            let option = |name: &str, kind| HeaderOption {
                open: false,
                name: name.to_string(),
                kind,
                length: None,
                address: None,
                data: vec![0; 4],
                span: span(),
            };
            let hbh = layer(LayerKind::HopByHop, Vec::new());
            let hbh = Layer { body: LayerBody::Options(vec![option("opt", Some(0x9e))]), ..hbh };
            [vec![hbh], udp()].concat()
        }
        6 => vec![layer(LayerKind::Ipv4, vec![number("proto", 2)]), payload(8)],
        _ => vec![layer(LayerKind::Icmp, vec![name("type_name", "echo_reply"), number("id", 3)]), payload(9)],
    }
}

proptest::proptest! {
    /// Whatever a stack sends is described, matched, judged and answered, or not, without a panic.
    #[test]
    fn nothing_that_a_stack_sends_is_too_odd((kind, changes, cut) in damaged(), v6 in proptest::bool::ANY, link in proptest::bool::ANY) {
        let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
        let medium = if link || kind == 4 { Medium::Ethernet } else { Medium::Ip };
        let mut run = Run::new(family, medium, Rules::Ours);
        let layers = specimen(&mut run, kind);
        let good = run.outbound(layers.clone());
        assert_eq!(run.matching(layers.clone(), &good), "", "{}", run.describe(&good));
        let mut frame = good.clone();
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        frame.truncate(frame.len().saturating_sub(cut.saturating_sub(100)));
        let text = run.describe(&frame);
        assert!(text.starts_with(['<', '>']), "{text}");
        run.matching(layers, &frame);
        for field in ["seq", "ack", "flags", "payload", "options", "ttl", "mss", "id", "csum", "len"] {
            let operation = match field {
                "options" => AlterOperation::Set(Value::Number(is(0x0101_0101))),
                _ => AlterOperation::Add(1),
            };
            let change = Alteration { layer: None, field: field.to_string(), operation };
            let mut altered = frame.clone();
            let _found = super::alter(&mut run.context(), medium, &mut altered, &change);
        }
        super::merge(medium, &mut frame.clone(), &good);
        super::merge(medium, &mut good.clone(), &frame);
        super::classify(&run.world, medium, &frame);
        super::neighbours::answer(&run.world, 0, &frame);
        super::tcp_summary(medium, &frame);
        let mut rules = super::rules::PassiveRules::new(&run.world, Rules::Ours, false);
        assert_eq!(rules.outbound(medium, &good), []);
        rules.inbound(medium, &frame);
        rules.outbound(medium, &frame);
    }
}

#[test]
fn upstream_sees_the_socket_under_test_alone() {
    let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Packetdrill);
    let tcp_socket = Call::Socket { domain: 2, kind: 1, protocol: 6 };
    run.flows.called(&tcp_socket);
    run.flows.called(&Call::Listen { fd: 3, backlog: 1 });
    let syn = run.build(vec![tcp(S, 0, -1, 1000, none())]);
    let first_port = u16::from_be_bytes([syn[20], syn[21]]);
    let answer = run.outbound(vec![tcp(SA, 0, 1, 1000, none())]);
    assert!(run.flows.concerns(&run.world, Medium::Ip, &answer));
    assert_eq!(run.matching(vec![tcp(SA, 0, 1, -1, none())], &answer), "");
    // Another socket: what the connection still sends is nobody's, and its own SYN shows its port.
    run.flows.called(&tcp_socket);
    let address = SocketAddress::Ip("192.0.2.2:40000".parse().unwrap());
    let flags = 0x2000_0000;
    run.flows.called(&Call::Sendto { fd: 4, data: Vec::new(), flags, address });
    assert!(!run.flows.concerns(&run.world, Medium::Ip, &answer));
    let mut own = tcp(S, 77, -1, 1000, none());
    own.fields.push(number("sport", 33333));
    let own = run.outbound(vec![own]);
    assert!(run.flows.concerns(&run.world, Medium::Ip, &own));
    assert_eq!(run.matching(vec![tcp(S, 0, -1, -1, none())], &own), "");
    // A second connection to the listener comes from a port of its own.
    run.flows.called(&Call::Close { fd: 3 });
    run.flows.called(&tcp_socket);
    run.flows.called(&Call::Listen { fd: 3, backlog: 1 });
    let syn = run.build(vec![tcp(S, 0, -1, 1000, none())]);
    assert_ne!(first_port, u16::from_be_bytes([syn[20], syn[21]]));
}

#[test]
fn upstream_sees_a_connection_that_was_dissolved_and_opened_again() {
    let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Packetdrill);
    run.flows.called(&Call::Socket { domain: 2, kind: 1, protocol: 6 });
    run.flows.called(&Call::Listen { fd: 3, backlog: 1 });
    run.build(vec![tcp(S, 0, -1, 1000, none())]);
    let answer = run.outbound(vec![tcp(SA, 0, 1, 1000, none())]);
    assert_eq!(run.matching(vec![tcp(SA, 0, 1, -1, none())], &answer), "");
    // The descriptor that accept gave out is not seen before.
    run.flows.called(&Call::Connect { fd: 4, address: SocketAddress::Unspecified });
    assert!(run.flows.concerns(&run.world, Medium::Ip, &answer));
    let address = SocketAddress::Ip("192.0.2.2:40000".parse().unwrap());
    run.flows.called(&Call::Connect { fd: 4, address });
    assert!(!run.flows.concerns(&run.world, Medium::Ip, &answer), "its port is no longer the listener's");
    let mut again = tcp(S, 77, -1, 1000, none());
    again.fields.push(number("sport", 33333));
    let again = run.outbound(vec![again]);
    assert!(run.flows.concerns(&run.world, Medium::Ip, &again));
    assert_eq!(run.matching(vec![tcp(S, 0, -1, -1, none())], &again), "");
}
