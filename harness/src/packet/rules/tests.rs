//! Each rule is silent about a good frame and speaks of the broken one.

use super::super::testing::*;
use super::*;
use crate::lang::ast::{Layer, LayerBody, TcpOption, TcpOptions};
use crate::sut::Family;

/// What the frame that a twin breaks is like, and what came before it.
fn good(rule: &str, run: &mut Run) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<u8>) {
    let none = || TcpOptions::Exactly(Vec::new());
    let segment = |win| {
        tcp(
            0x10,
            1,
            1,
            win,
            TcpOptions::Exactly(vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Nop, TcpOption::Nop]),
        )
    };
    let message = |kind, target: bool| {
        let mut fields = vec![number("type", kind)];
        fields.extend(target.then(|| name("target", "REMOTE")));
        vec![layer(LayerKind::Icmpv6, fields)]
    };
    let udp = || vec![layer(LayerKind::Udp, vec![number("sport", 4000), number("dport", 9)]), payload(5)];
    let echo = || vec![layer(LayerKind::Icmp, vec![name("type_name", "echo_reply")]), payload(5)];
    let (mut inbound, mut before) = (Vec::new(), Vec::new());
    let layers: Vec<Layer> = match rule {
        "udp-checksum" | "udp6-checksum" | "udp6-checksum-not-zero" => udp(),
        "icmp-checksum" | "icmp6-checksum" | "no-source-quench" => echo(),
        "no-error-about-error" | "no-error6-about-error" => {
            let fields = vec![name("type_name", "unreachable"), name("code_name", "port")];
            vec![Layer { body: LayerBody::Quote(udp()), ..layer(LayerKind::Icmp, fields) }]
        }
        "solicitation-hop-limit" => message(135, true),
        "advertisement-hop-limit" => message(136, true),
        "router-solicitation-hop-limit" => message(133, false),
        "no-reset-to-reset" => {
            inbound.push(run.build(vec![tcp(0x14, 1, 1, 0, none())]));
            vec![segment(9)]
        }
        "ack-forward" | "window-right-edge" => {
            before.push(run.outbound(vec![tcp(0x10, 1, 1, 1000, none())]));
            vec![segment(1000)]
        }
        _ => vec![segment(9)],
    };
    (inbound, before, run.outbound(layers))
}

#[test]
fn every_rule_is_silent_about_good_frames_and_has_a_twin_that_it_notices() {
    let twins = twins();
    assert_eq!(twins.len(), table::RULES.len());
    for twin in twins {
        let v6 = twin.rule.contains('6')
            || twin.rule.contains("hop-limit")
            || matches!(twin.rule, "source-not-multicast" | "not-loopback" | "destination-specified");
        let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
        for medium in [Medium::Ethernet, Medium::Ip] {
            // Only Ethernet has padding, and a type that can disagree with the version.
            if medium == Medium::Ip && matches!(twin.rule, "padding-zero" | "ip6-version") {
                continue;
            }
            let mut run = Run::new(family, medium, Rules::Ours);
            let (inbound, before, mut frame) = good(twin.rule, &mut run);
            let judge = |frame: &[u8]| {
                let mut rules = PassiveRules::new(&run.world, Rules::Ours, false);
                inbound.iter().for_each(|frame| rules.inbound(medium, frame));
                before.iter().for_each(|frame| assert_eq!(rules.outbound(medium, frame), []));
                rules.outbound(medium, frame)
            };
            assert_eq!(judge(&frame), [], "{}", twin.rule);
            assert!((twin.breaks)(medium, &mut frame), "{}", twin.rule);
            let found = judge(&frame);
            assert!(found.iter().any(|v| v.rule == twin.rule), "{} on {medium:?}: {found:?}", twin.rule);
        }
    }
}

/// What is said of an ACK that is behind a SYN,ACK, with `between` as what arrives in between them.
fn behind_a_syn_ack(between: &[(u16, i64, i64)]) -> Vec<&'static str> {
    let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Ours);
    let segment = |flags, seq, ack| vec![tcp(flags, seq, ack, 1000, TcpOptions::Exactly(Vec::new()))];
    let mut rules = PassiveRules::new(&run.world, Rules::Ours, false);
    let syn_ack = run.outbound(segment(0x12, 0, 5001));
    assert_eq!(rules.outbound(Medium::Ip, &syn_ack), []);
    for (flags, seq, ack) in between {
        let arriving = run.build(segment(*flags, *seq, *ack));
        rules.inbound(Medium::Ip, &arriving);
    }
    let late = run.outbound(segment(0x10, 1, 3000));
    rules.outbound(Medium::Ip, &late).iter().map(|violation| violation.rule).collect()
}

#[test]
fn the_acknowledgement_of_a_half_open_connection_counts_until_its_reset() {
    let both = ["ack-forward", "window-right-edge"];
    assert_eq!(behind_a_syn_ack(&[]), both);
    assert_eq!(behind_a_syn_ack(&[(0x04, 5001, 0)]), [""; 0]);
    // A connection that was opened before is no old duplicate.
    assert_eq!(behind_a_syn_ack(&[(0x10, 5001, 1), (0x04, 5001, 0)]), both);
}

#[test]
fn any_bytes_can_be_judged() {
    let run = Run::new(Family::Ipv4, Medium::Ip, Rules::Ours);
    let mut rules = PassiveRules::new(&run.world, Rules::Ours, false);
    for first in 0..=255u8 {
        for length in 0..64 {
            let frame = vec![first; length];
            rules.inbound(Medium::Ip, &frame);
            rules.outbound(Medium::Ip, &frame);
            rules.outbound(Medium::Ethernet, &frame);
        }
    }
}

#[test]
fn a_checksum_of_zero_may_be_written_as_negative_zero() {
    let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Ours);
    let none = || TcpOptions::Exactly(Vec::new());
    let mut segment = |win: u16| run.outbound(vec![tcp(0x10, 1, 1, i64::from(win), none())]);
    // Behind an IPv4 header of 20 bytes.
    let checksum = |frame: &[u8]| u16::from_be_bytes([frame[36], frame[37]]);
    // The complement of the sum so far is what makes it all ones.
    let rest = checksum(&segment(0));
    let mut frame = segment(rest);
    assert_eq!(checksum(&frame), 0);
    for written in [0, 0xffff] {
        frame[36..38].copy_from_slice(&u16::to_be_bytes(written));
        let found = PassiveRules::new(&run.world, Rules::Ours, false).outbound(Medium::Ip, &frame);
        assert_eq!(found, [], "{written:#06x}");
    }
}
