//! The rules, each with its requirement and a check. A check answers what is wanted and what is there, where they
//! differ, and nothing where the rule does not apply.

use super::super::complete::is_subnet_broadcast;
use super::super::dissect::{self, Part};
use super::super::headers::icmp;
use super::super::{checksum, describe, options};
use super::connections::{self, Segment};
use super::{Level, PassiveRules, Seen};
use crate::lang::ast::LayerKind;
use crate::sut::{Medium, Rules};
use std::net::IpAddr;

type Finding = Option<(String, String)>;

/// A rule.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) requirement: &'static str,
    pub(super) level: Level,
    pub(super) check: fn(&PassiveRules, &Seen<'_>) -> Finding,
}

const fn must(
    name: &'static str,
    requirement: &'static str,
    check: fn(&PassiveRules, &Seen<'_>) -> Finding,
) -> Rule {
    Rule { name, requirement, level: Level::Must, check }
}

const fn should(
    name: &'static str,
    requirement: &'static str,
    check: fn(&PassiveRules, &Seen<'_>) -> Finding,
) -> Rule {
    Rule { name, requirement, level: Level::Should, check }
}

/// Every rule, from the outside of a frame in.
pub(super) const RULES: &[Rule] = &[
    should("padding-zero", "RFC894-frame-format-2", padding_zero),
    must("ip-version", "RFC1122-3.2.1.1-1", |_, s| version(s, 0x0800, 4)),
    must("ip6-version", "RFC8200-3-1", |_, s| version(s, 0x86dd, 6)),
    must("ip-header-length", "RFC791-3.1-1", header_length),
    must("ip-total-length", "RFC894-frame-format-3", |r, s| total_length(r, s, LayerKind::Ipv4)),
    must("ip6-payload-length", "RFC8200-3-4", |r, s| total_length(r, s, LayerKind::Ipv6)),
    must("mtu", "RFC894-frame-format-4", mtu),
    must("ip-header-checksum", "RFC791-3.1-7", |_, s| right_checksum(s, LayerKind::Ipv4)),
    must("ip-reserved-flag", "RFC791-3.1-5", reserved_flag),
    must("source-unspecified", "RFC1122-3.2.1.3-1", source_unspecified),
    must("source-own", "RFC1122-3.2.1.3-5", source_own),
    must("source-not-multicast", "RFC4291-2.7-1", source_multicast),
    must("not-loopback", "RFC4291-2.5.3-1", loopback),
    must("destination-specified", "RFC4291-2.5.2-1", destination_unspecified),
    must("icmp-checksum", "RFC792-message-formats-3", |_, s| right_checksum(s, LayerKind::Icmpv4)),
    must("icmp6-checksum", "RFC4443-2.3-1", |r, s| transport_checksum(r, s, LayerKind::Icmpv6)),
    must("no-source-quench", "RFC6633-3-1", source_quench),
    must("no-error-about-error", "RFC1122-3.2.2-6", |_, s| error_about_error(s, LayerKind::Icmpv4)),
    must("no-error6-about-error", "RFC4443-2.4-5", |_, s| error_about_error(s, LayerKind::Icmpv6)),
    must("solicitation-hop-limit", "RFC4861-7.2.2-1", |_, s| discovery_hop_limit(s, 135)),
    must("advertisement-hop-limit", "RFC4861-7.2.4-1", |_, s| discovery_hop_limit(s, 136)),
    must("router-solicitation-hop-limit", "RFC4861-6.3.7-4", |_, s| discovery_hop_limit(s, 133)),
    must("udp-checksum", "RFC768-fields-5", |r, s| udp_checksum(r, s, LayerKind::Ipv4)),
    must("udp6-checksum", "RFC8200-8.1-1", |r, s| udp_checksum(r, s, LayerKind::Ipv6)),
    must("udp6-checksum-not-zero", "RFC6935-5-1", udp6_checksum_zero),
    must("tcp-checksum", "RFC9293-MUST-2", |r, s| transport_checksum(r, s, LayerKind::Tcp)),
    must("tcp-reserved-bits", "RFC9293-3.1-1", |_, s| zero(s, LayerKind::Tcp, "reserved")),
    must("tcp-option-lengths", "RFC9293-MUST-68", option_lengths),
    must("no-reset-to-reset", "RFC9293-3.10.7.1-3", reset_to_reset),
    must("ack-forward", "RFC9293-3.10.7.4-3", ack_forward),
    should("window-right-edge", "RFC9293-SHLD-14", right_edge),
];

fn finding(expected: impl Into<String>, found: impl Into<String>) -> Finding {
    Some((expected.into(), found.into()))
}

fn padding_zero(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let padding = s.frame.get(s.d.padding.clone()).unwrap_or(&[]);
    if s.medium != Medium::Ethernet || padding.iter().all(|b| *b == 0) {
        return None;
    }
    finding("padding of zeros", describe::hex(padding))
}

/// The version in the header is the one that the link layer, or on a bare IP link nothing, says.
fn version(s: &Seen<'_>, ether_type: u128, expected: u8) -> Finding {
    let start = match s.medium {
        Medium::Ethernet => {
            let link =
                s.d.parts.iter().rev().find(|p| matches!(p.kind, LayerKind::Ether | LayerKind::Vlan))?;
            (link.get(s.frame, "type") == Some(ether_type)).then_some(link.header_end)?
        }
        // Neither 4 nor 6 is reported once, as IPv4's rule.
        Medium::Ip if ether_type == 0x0800 && s.frame.first().is_some_and(|b| b >> 4 != 6) => 0,
        Medium::Ip => return None,
    };
    let found = s.frame.get(start)? >> 4;
    if found == expected { None } else { finding(format!("version {expected}"), found.to_string()) }
}

fn header_length(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let start = network_start(s, 0x0800)?;
    let rest = s.frame.get(start..)?;
    let (first, available) = (*rest.first()?, rest.len());
    let length = usize::from(first & 0xf) * 4;
    if first >> 4 != 4 || (20..=available).contains(&length) {
        return None;
    }
    finding(format!("ihl 5 to {}", available.min(60) / 4), (first & 0xf).to_string())
}

/// Where a network header of this EtherType begins.
fn network_start(s: &Seen<'_>, ether_type: u128) -> Option<usize> {
    match s.medium {
        Medium::Ip => Some(0),
        Medium::Ethernet => {
            let link =
                s.d.parts.iter().rev().find(|p| matches!(p.kind, LayerKind::Ether | LayerKind::Vlan))?;
            (link.get(s.frame, "type") == Some(ether_type)).then_some(link.header_end)
        }
    }
}

/// The outermost IP header, where it is of this kind.
fn network<'a>(s: &'a Seen<'_>, kind: LayerKind) -> Option<&'a Part> {
    s.d.parts.iter().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6)).filter(|p| p.kind == kind)
}

/// The length is within the frame, and nothing but padding to the minimum lies beyond it.
fn total_length(r: &PassiveRules, s: &Seen<'_>, kind: LayerKind) -> Finding {
    let ip = network(s, kind)?;
    let fixed = if kind == LayerKind::Ipv6 { 40 } else { 0 };
    let said = fixed + ip.get(s.frame, "len")? as usize;
    let there = s.frame.len() - ip.start;
    // A super-segment beyond 64 KiB has no length that fits.
    if r.offload && there > usize::from(u16::MAX) {
        return None;
    }
    let padded = s.medium == Medium::Ethernet && s.frame.len() <= 60 && said <= there;
    if said == there || padded { None } else { finding(format!("{there} bytes"), format!("{said} bytes")) }
}

fn mtu(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    if r.offload {
        return None;
    }
    let network = s.d.parts.iter().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6))?;
    let most = r.world.setup.interfaces.iter().map(|i| usize::from(i.mtu)).max()?;
    let found = s.frame.len() - network.start;
    if found <= most || s.frame.len() <= 60 {
        None
    } else {
        finding(format!("{most} bytes at most"), found.to_string())
    }
}

fn right_checksum(s: &Seen<'_>, kind: LayerKind) -> Finding {
    let index = s.d.parts.iter().position(|p| p.kind == kind)?;
    if fragmented(s, index) || s.d.problem.is_some() {
        return None;
    }
    let (right, found) =
        (checksum::right(s.frame, &s.d.parts, index)?, s.d.parts[index].get(s.frame, "csum")?);
    // Both are zero in ones' complement, and a sum over the whole is the same. Linux writes the one that is not zero in every
    // protocol, as UDP asks for.
    let is_negative_zero = right == 0 && found == 0xffff;
    if u128::from(right) == found || is_negative_zero {
        None
    } else {
        finding(format!("0x{right:04x}"), format!("0x{found:04x}"))
    }
}

/// Whether what `parts[index]` covers continues in other fragments.
fn fragmented(s: &Seen<'_>, index: usize) -> bool {
    s.d.parts[..index].iter().any(|p| {
        matches!(p.kind, LayerKind::Ipv4 | LayerKind::Fragment)
            && (p.get(s.frame, "mf") != Some(0) || p.get(s.frame, "off") != Some(0))
    })
}

fn transport_checksum(r: &PassiveRules, s: &Seen<'_>, kind: LayerKind) -> Finding {
    if r.offload { None } else { right_checksum(s, kind) }
}

fn udp_checksum(r: &PassiveRules, s: &Seen<'_>, ip: LayerKind) -> Finding {
    let udp = s.d.last(LayerKind::Udp)?;
    network(s, ip)?;
    // Zero says that there is none, which is another rule's matter.
    if udp.get(s.frame, "csum") == Some(0) { None } else { transport_checksum(r, s, LayerKind::Udp) }
}

fn udp6_checksum_zero(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    network(s, LayerKind::Ipv6)?;
    let udp = s.d.last(LayerKind::Udp)?;
    let none = udp.get(s.frame, "csum") == Some(0);
    if none && !r.offload && !r.may_be_unchecked { finding("a checksum", "0") } else { None }
}

fn zero(s: &Seen<'_>, kind: LayerKind, name: &str) -> Finding {
    let found = s.d.first(kind)?.get(s.frame, name)?;
    if found == 0 { None } else { finding("0", found.to_string()) }
}

/// What a router passes on has the flags that it came with (RFC 1812 5.2.5).
fn reserved_flag(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    let (source, _) = outer_addresses(s)?;
    if r.own.contains(&source) { zero(s, LayerKind::Ipv4, "reserved") } else { None }
}

/// Source and destination of the outermost IP header.
fn outer_addresses(s: &Seen<'_>) -> Option<(IpAddr, IpAddr)> {
    let at = s.d.parts.iter().position(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6))?;
    dissect::addresses(&s.d.parts[at..=at], s.frame)
}

/// A client that has no address yet asks with 0.0.0.0 (RFC 2131 section 4.1); IGMP may (RFC 3376 section 4.2.13).
fn source_unspecified(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let (source, _) = outer_addresses(s).filter(|(source, _)| source.is_ipv4())?;
    let dhcp = s.d.last(LayerKind::Udp).is_some_and(|u| u.get(s.frame, "dport") == Some(67));
    let igmp = network(s, LayerKind::Ipv4).is_some_and(|ip| ip.get(s.frame, "proto") == Some(2));
    if source.is_unspecified() && !dhcp && !igmp {
        finding("an own address", source.to_string())
    } else {
        None
    }
}

/// IPv4 alone: IPv6 addresses are made from advertisements and interface identifiers, which nobody tells us.
fn source_own(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    let (source, _) = outer_addresses(s).filter(|(source, _)| source.is_ipv4())?;
    if r.world.setup.forwarding || source.is_unspecified() || r.own.contains(&source) {
        return None;
    }
    let kind = match source {
        IpAddr::V4(a) if is_subnet_broadcast(&r.world, a) => "a broadcast address",
        _ => "not its own",
    };
    finding("one of the stack's own addresses", format!("{source}, {kind}"))
}

fn source_multicast(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let (source, _) = outer_addresses(s).filter(|(source, _)| source.is_ipv6())?;
    if source.is_multicast() { finding("a unicast source", source.to_string()) } else { None }
}

fn loopback(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let (source, destination) = outer_addresses(s).filter(|(source, _)| source.is_ipv6())?;
    if !source.is_loopback() && !destination.is_loopback() {
        return None;
    }
    finding("no loopback address on a link", format!("{source} > {destination}"))
}

fn destination_unspecified(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let (_, destination) = outer_addresses(s).filter(|(source, _)| source.is_ipv6())?;
    if destination.is_unspecified() { finding("a destination", destination.to_string()) } else { None }
}

fn source_quench(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let kind = s.d.last(LayerKind::Icmpv4)?.get(s.frame, "type")?;
    if kind == 4 { finding("no source quench", "icmp source_quench") } else { None }
}

/// What an error quotes is not itself an error.
fn error_about_error(s: &Seen<'_>, kind: LayerKind) -> Finding {
    let error =
        s.d.last(kind).filter(|p| p.header(s.frame).first().is_some_and(|t| icmp::quotes(kind, *t)))?;
    let quoted = s.d.quote.iter().find(|p| p.kind == kind)?;
    let of_type = quoted.header(s.frame).first().copied()?;
    if !icmp::quotes(kind, of_type) {
        return None;
    }
    let name = |t: u128| describe::icmp_name(kind == LayerKind::Icmpv6, t as u8, 0);
    let found = format!("{} about {}", name(error.get(s.frame, "type")?), name(of_type.into()));
    finding("no error about an error", found)
}

/// RFC 4861 section 4: 255, so that the receiver knows that no router forwarded it.
fn discovery_hop_limit(s: &Seen<'_>, kind: u128) -> Finding {
    s.d.last(LayerKind::Icmpv6).filter(|m| m.get(s.frame, "type") == Some(kind))?;
    let found = network(s, LayerKind::Ipv6)?.get(s.frame, "hlim")?;
    if found == 255 { None } else { finding("255", found.to_string()) }
}

fn option_lengths(_: &PassiveRules, s: &Seen<'_>) -> Finding {
    let tcp = s.d.last(LayerKind::Tcp)?;
    let bytes = s.frame.get(tcp.options(s.frame))?;
    let bad = options::split(bytes).into_iter().find(options::Raw::malformed)?;
    let room = bad.data.len() + 2;
    finding(
        format!("option lengths of 2 to {room}"),
        format!("{} with length {}", describe::option_name(bad.kind), bad.length),
    )
}

fn segment(s: &Seen<'_>) -> Option<Segment> {
    connections::segment(s.d, s.frame)
}

fn reset_to_reset(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    let reset = segment(s)?;
    if r.connections.answers_reset(&reset) {
        finding("silence", "a reset in answer to a reset")
    } else {
        None
    }
}

fn ack_forward(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    let found = segment(s)?;
    let ack = r.connections.falls_behind(&found)?;
    finding(format!("ack abs({ack}) or later"), format!("ack abs({})", found.ack))
}

fn right_edge(r: &PassiveRules, s: &Seen<'_>) -> Finding {
    // Upstream scripts shrink buffers on purpose, and their stack may follow.
    if r.rules == Rules::Packetdrill {
        return None;
    }
    let (furthest, edge) = r.connections.shrinks(&segment(s)?)?;
    let back = furthest.wrapping_sub(edge);
    finding(format!("a window up to abs({furthest})"), format!("up to abs({edge}), {back} bytes less"))
}
