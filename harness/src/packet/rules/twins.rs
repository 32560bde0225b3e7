//! What breaks each rule: a conforming frame with one thing changed.

use super::super::dissect::{self, fixed_length};
use super::super::{checksum, fields};
use super::table::RULES;
use crate::lang::ast::LayerKind;
use crate::sut::Medium;

/// The violation that a rule must notice.
#[derive(Clone, Copy, Debug)]
pub struct RuleTwin {
    /// The rule's name.
    pub rule: &'static str,
    /// The requirement that it stands for.
    pub requirement: &'static str,
    /// Turns a conforming frame of the stack into one that breaks the rule. False where the frame has nothing to
    /// break: another protocol, or a segment without ACK.
    pub breaks: fn(Medium, &mut Vec<u8>) -> bool,
}

type Break = fn(Medium, &mut Vec<u8>) -> bool;

/// One twin a rule, in the rules' order.
pub fn twins() -> Vec<RuleTwin> {
    let of = |rule: &'static str| BREAKS.iter().find(|(name, _)| *name == rule).map(|(_, breaks)| *breaks);
    let twins = RULES.iter().filter_map(|rule| {
        Some(RuleTwin { rule: rule.name, requirement: rule.requirement, breaks: of(rule.name)? })
    });
    twins.collect()
}

use LayerKind as K;

const BREAKS: &[(&str, Break)] = &[
    ("padding-zero", |m, f| pad_with_garbage(m, f)),
    ("ip-version", |m, f| change(m, f, K::Ipv4, "version", |_| 5)),
    ("ip6-version", |m, f| change(m, f, K::Ipv6, "version", |_| 5)),
    ("ip-header-length", |m, f| change(m, f, K::Ipv4, "ihl", |_| 4)),
    ("ip-total-length", |m, f| change(m, f, K::Ipv4, "len", |n| n + 100)),
    ("ip6-payload-length", |m, f| change(m, f, K::Ipv6, "len", |n| n + 100)),
    ("mtu", grow),
    ("ip-header-checksum", |m, f| change(m, f, K::Ipv4, "csum", |n| n ^ 0x0101)),
    ("ip-reserved-flag", |m, f| change(m, f, K::Ipv4, "reserved", |_| 1)),
    ("source-unspecified", |m, f| change(m, f, K::Ipv4, "src", |_| 0)),
    ("source-own", |m, f| change(m, f, K::Ipv4, "src", |n| n ^ 0x40)),
    ("source-not-multicast", |m, f| change(m, f, K::Ipv6, "src", |n| n | 0xff << 120)),
    ("not-loopback", |m, f| change(m, f, K::Ipv6, "src", |_| 1)),
    ("destination-specified", |m, f| change(m, f, K::Ipv6, "dst", |_| 0)),
    ("icmp-checksum", |m, f| change(m, f, K::Icmpv4, "csum", |n| n ^ 0x0101)),
    ("icmp6-checksum", |m, f| change(m, f, K::Icmpv6, "csum", |n| n ^ 0x0101)),
    ("no-source-quench", |m, f| change(m, f, K::Icmpv4, "type", |_| 4)),
    ("no-error-about-error", |m, f| quote_error(m, f, K::Icmpv4, 1, 3)),
    ("no-error6-about-error", |m, f| quote_error(m, f, K::Icmpv6, 58, 1)),
    ("solicitation-hop-limit", |m, f| change(m, f, K::Ipv6, "hlim", |_| 64)),
    ("advertisement-hop-limit", |m, f| change(m, f, K::Ipv6, "hlim", |_| 64)),
    ("router-solicitation-hop-limit", |m, f| change(m, f, K::Ipv6, "hlim", |_| 64)),
    ("udp-checksum", |m, f| change(m, f, K::Udp, "csum", |n| n ^ 0x0101)),
    ("udp6-checksum", |m, f| change(m, f, K::Udp, "csum", |n| n ^ 0x0101)),
    ("udp6-checksum-not-zero", |m, f| change(m, f, K::Udp, "csum", |_| 0)),
    ("tcp-checksum", |m, f| change(m, f, K::Tcp, "csum", |n| n ^ 0x0101)),
    ("tcp-reserved-bits", |m, f| change(m, f, K::Tcp, "reserved", |_| 1)),
    ("tcp-option-lengths", |m, f| lie_about_option(m, f)),
    ("no-reset-to-reset", |m, f| change(m, f, K::Tcp, "flags", |_| 0x04)),
    ("ack-forward", |m, f| change(m, f, K::Tcp, "ack", |n| n.wrapping_sub(1))),
    ("window-right-edge", |m, f| change(m, f, K::Tcp, "win", |n| n / 2)),
];

/// Changes a field of the outermost header of `kind`; checksums follow unless one is the field.
fn change(medium: Medium, frame: &mut [u8], kind: LayerKind, name: &str, to: fn(u128) -> u128) -> bool {
    let d = dissect::dissect(medium, frame);
    let Some(part) = d.first(kind) else { return false };
    let Some(old) = part.get(frame, name) else { return false };
    let Some(header) = frame.get_mut(part.start..part.header_end) else { return false };
    if !fields::set(kind, header, name, to(old)) {
        return false;
    }
    if name != "csum" {
        checksum::refresh(frame, &d.parts, &|_, field| field != "csum");
    }
    true
}

fn pad_with_garbage(medium: Medium, frame: &mut [u8]) -> bool {
    let padding = dissect::dissect(medium, frame).padding;
    let Some(last) = frame.get_mut(padding).and_then(<[u8]>::last_mut) else { return false };
    *last = 0xa5;
    true
}

/// Adds more payload than any interface of a case lets through.
fn grow(medium: Medium, frame: &mut Vec<u8>) -> bool {
    let d = dissect::dissect(medium, frame);
    if d.last(LayerKind::Ipv4).or(d.last(LayerKind::Ipv6)).is_none() {
        return false;
    }
    frame.resize(10_000, 0);
    let end = frame.len();
    let parts: Vec<_> = d.parts.iter().map(|p| dissect::Part { end, ..*p }).collect();
    checksum::refresh(frame, &parts, &|_, _| false);
    true
}

/// Makes the packet that an error quotes an error.
fn quote_error(medium: Medium, frame: &mut [u8], kind: LayerKind, protocol: u128, error: u8) -> bool {
    let d = dissect::dissect(medium, frame);
    let Some(quoted) = d.quote.first().copied() else { return false };
    let name = if quoted.kind == LayerKind::Ipv6 { "next" } else { "proto" };
    let Some(header) = frame.get_mut(quoted.start..quoted.header_end) else { return false };
    if d.last(kind).is_none() || !fields::set(quoted.kind, header, name, protocol) {
        return false;
    }
    let Some(of_type) = frame.get_mut(quoted.header_end) else { return false };
    *of_type = error;
    checksum::refresh(frame, &d.parts, &|_, field| field != "csum");
    true
}

/// Gives the first TCP option a length that reaches beyond the header.
fn lie_about_option(medium: Medium, frame: &mut [u8]) -> bool {
    let d = dissect::dissect(medium, frame);
    let Some(tcp) = d.last(LayerKind::Tcp) else { return false };
    let first = tcp.start + fixed_length(LayerKind::Tcp, &[]);
    if tcp.header_end < first + 2 {
        return false;
    }
    let Some(option) = frame.get_mut(first..first + 2) else { return false };
    option.copy_from_slice(&[2, 60]);
    checksum::refresh(frame, &d.parts, &|_, field| field != "csum");
    true
}
