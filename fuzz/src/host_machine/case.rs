//! What was done to a host as a case: the frames that it was given byte by byte, the calls, and what it sent then.

use super::world::{OPEN, V4, V6, mac_of};
use crate::input::be16;
use harness::packet::{Flows, Host, World, describe};
use harness::scenario::case::{Head, after, when};
use harness::sut::{Call, Family, MacAddress, Medium, Prefix, Setup, SocketAddress};
use stack::Instant;
use std::net::IpAddr;
use std::time::Duration;

/// A case is read by people: what has more lines is none.
const MOST_LINES: usize = 200;

/// Something that was done to a host, or that it did.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Given { interface: usize, bytes: Vec<u8> },
    Sent { interface: usize, bytes: Vec<u8> },
    Called(Call),
}

/// The world that a case has in which the stack is set up like this.
pub(super) fn world(setup: &Setup) -> World {
    let is_v6 = setup.family.is_ipv6_on_wire();
    let remote: IpAddr = if is_v6 { V6[0].into() } else { V4[0].into() };
    let addresses = setup.interfaces.iter().flat_map(|interface| &interface.addresses);
    let local = addresses.map(|prefix| prefix.address).find(|address| address.is_ipv6() == is_v6);
    let peer = Host {
        name: "REMOTE".to_owned(),
        addresses: vec![remote],
        mac: MacAddress(mac_of(remote)),
        interface: 0,
    };
    World {
        setup: setup.clone(),
        local: local.unwrap_or(remote),
        remote,
        hosts: vec![peer],
        local_port: 8080,
        remote_port: 8080,
    }
}

/// The text of a case that does what was done and expects what was sent; `None` where it would have no words for it: the media of a
/// case are all the same, and so is the version of IP.
pub(super) fn write(head: &Head, setup: &Setup, deeds: &[(Instant, Deed)]) -> Option<String> {
    let on = |deed: &Deed| match deed {
        Deed::Given { interface, .. } | Deed::Sent { interface, .. } => *interface,
        Deed::Called(_) => 0,
    };
    let has_other_medium =
        deeds.iter().any(|(_, deed)| setup.interfaces[on(deed)].medium != Medium::Ethernet);
    if has_other_medium || deeds.is_empty() || deeds.len() > MOST_LINES {
        return None;
    }
    let setup = Setup { family: family(deeds), ..setup.clone() };
    let world = world(&setup);
    let mut lines = opening(setup.family);
    let mut labelled = None;
    let mut before = Instant::ZERO;
    for (at, deed) in deeds {
        if matches!(deed, Deed::Sent { .. }) {
            labelled = Some(lines.len());
        }
        lines.push(line(&world, at.saturating_since(before), deed)?);
        before = *at;
    }
    let twin = if labelled.is_some() { "drop @last" } else { "inject @last > udp 7 > 9 (4)" };
    let last = labelled.unwrap_or(lines.len() - 1);
    lines[last].insert_str(0, "@last ");
    let mut text = self::head(head, &setup, twin);
    lines.iter().for_each(|line| text.extend([line, "\n"]));
    Some(text)
}

/// The version of IP that the last frame has.
fn family(deeds: &[(Instant, Deed)]) -> Family {
    let mut given = deeds.iter().filter_map(|(_, deed)| match deed {
        Deed::Given { bytes, .. } => Some(be16(bytes, 12)),
        _ => None,
    });
    if given.next_back() == Some(0x86dd) { Family::Ipv6 } else { Family::Ipv4 }
}

/// What was done `gap` after what was before it.
fn line(world: &World, gap: Duration, deed: &Deed) -> Option<String> {
    let name = |interface: usize| &world.setup.interfaces[interface].name;
    let meaning = |bytes: &[u8]| describe(world, &Flows::default(), Medium::Ethernet, bytes);
    Some(match deed {
        Deed::Given { interface, bytes } => {
            format!("{} {} < {}  // {}", after(gap), name(*interface), raw(bytes), meaning(bytes))
        }
        Deed::Sent { interface, bytes } => {
            let text = with_data(meaning(bytes).trim_start_matches(['<', '>', ' ']), bytes);
            format!("{} {} > {text}", when(gap), name(*interface))
        }
        Deed::Called(call) => format!("{} {}", after(gap), said(call)?),
    })
}

/// What describes a frame, with data that is not the pattern of cases: that of a quote is left open.
fn with_data(text: &str, frame: &[u8]) -> String {
    if let Some((head, _)) = text.strip_suffix(")]").and_then(|text| text.rsplit_once(" (")) {
        return format!("{}]", head.trim_end_matches(" payload"));
    }
    let counted = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let Some((head, length)) = counted.and_then(|(head, n)| Some((head, n.parse().ok()?))) else {
        return text.to_owned();
    };
    let end = match frame.get(14).map(|first| first >> 4) {
        Some(4) => 14 + usize::from(be16(frame, 16)),
        _ => 54 + usize::from(be16(frame, 18)),
    };
    let data = end.checked_sub(length).and_then(|start| frame.get(start..end));
    match data.filter(|data| !data.is_empty()).map(hex) {
        Some(hex) if head.ends_with("payload ") => format!("{head}0x{hex}"),
        Some(hex) => format!("{text} data 0x{hex}"),
        None => text.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The head, which says how the stack is set up.
fn head(head: &Head, setup: &Setup, twin: &str) -> String {
    let is_v6 = setup.family.is_ipv6_on_wire();
    let is_of = |prefix: &&Prefix| prefix.address.is_ipv6() == is_v6;
    let shown = |prefix: &Prefix| format!("{}/{}", prefix.address, prefix.length);
    let id = &head.requirement;
    let mut lines = head.about.clone();
    lines.push(format!("requires: {id}"));
    lines.push(format!("family: {}", if is_v6 { "ipv6" } else { "ipv4" }));
    lines.push(format!("twin {id}: {twin}"));
    for interface in &setup.interfaces {
        let addresses: Vec<String> = interface.addresses.iter().filter(is_of).map(shown).collect();
        lines.push(format!("interface {} {} mtu {}", interface.name, addresses.join(" "), interface.mtu));
    }
    let remote = world(setup).remote;
    lines.push(format!("host REMOTE {remote} {}", MacAddress(mac_of(remote))));
    for route in setup.routes.iter().filter(|route| is_of(&&route.destination)) {
        let via = route.gateway.map_or(String::new(), |gateway| format!(" via {gateway}"));
        let interface = &setup.interfaces[route.interface].name;
        lines.push(format!("route {}{via} on {interface}", shown(&route.destination)));
    }
    lines.extend(setup.forwarding.then(|| "forwarding".to_owned()));
    lines.iter().map(|line| format!("//! {line}\n")).collect()
}

/// The socket that the user has.
fn opening(family: Family) -> Vec<String> {
    let (domain, any) = if family.is_ipv6_on_wire() { ("AF_INET6", "::") } else { ("AF_INET", "0.0.0.0") };
    vec![
        format!("+0 socket({domain}, SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP) = 3"),
        format!(
            "+0 bind(3, {{sa_family = {domain}, sin_port = htons({OPEN}), sin_addr = inet_addr(\"{any}\")}}, ...) = 0"
        ),
    ]
}

/// A frame of which every byte behind the addresses is as it is.
fn raw(frame: &[u8]) -> String {
    let mac =
        |at: usize| MacAddress(frame.get(at..at + 6).and_then(|mac| mac.try_into().ok()).unwrap_or([0; 6]));
    let hex = hex(frame.get(14..).unwrap_or(&[]));
    let payload = if hex.is_empty() { "payload (0)".to_owned() } else { format!("payload 0x{hex}") };
    format!("ether[dst {}, src {}, type 0x{:04x}] / {payload}", mac(0), mac(6), be16(frame, 12))
}

/// A call of the user's or the administrator's.
fn said(call: &Call) -> Option<String> {
    let change = |add: bool| if add { "add" } else { "remove" };
    Some(match call {
        Call::Sendto { data, address: SocketAddress::Ip(to), .. } => {
            let bytes: String = data.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            let domain = if to.is_ipv6() { "AF_INET6" } else { "AF_INET" };
            let (port, address, length) = (to.port(), to.ip(), data.len());
            format!(
                "sendto(3, \"{bytes}\", {length}, MSG_DONTWAIT, {{sa_family = {domain}, sin_port = htons({port}), sin_addr = inet_addr(\"{address}\")}}, ...) = *"
            )
        }
        Call::Link { up, .. } => format!("link(eth0, {}) = *", if *up { "up" } else { "down" }),
        Call::Address { prefix: Prefix { address, length }, add, .. } => {
            format!("address(eth0, {}, \"{address}/{length}\") = *", change(*add))
        }
        Call::Route { destination: Prefix { address, length }, gateway: Some(gateway), add, .. } => {
            format!("route({}, \"{address}/{length}\", \"{gateway}\") = *", change(*add))
        }
        Call::Group { group, join, .. } => {
            format!("group(eth0, {}, \"{group}\") = *", if *join { "join" } else { "leave" })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Told, played};
    use super::*;
    use harness::engine::{self, PlayOptions};
    use harness::lang::{self, FileSystem};
    use harness::run::Verdict;
    use harness::stacks::reference::Reference;
    use std::path::Path;

    /// What `records` do to a host is a case that says `line`, and that the stack passes which did it.
    #[track_caller]
    fn check(records: &[[u8; 4]], line: &str) {
        let data: Vec<u8> = records.iter().flat_map(|r| [&r[..], &[0; 8]].concat()).collect();
        let mut told = Told::default();
        assert_eq!(played(&mut [&mut Reference::default()], &data, Some(&mut told)), None);
        let head = Head { about: vec!["What was done.".to_owned()], requirement: "RFC1122-3.1-1".to_owned() };
        let text = told.case(&head).expect("a case");
        assert!(text.contains(line), "{text}");
        let options = lang::Options { defines: Default::default(), loader: &FileSystem, suite: None };
        let script = lang::parse(Path::new("finding.pkt"), text.clone(), &options);
        let script = script.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let family = if text.contains("family: ipv6") { Family::Ipv6 } else { Family::Ipv4 };
        let record = engine::play(&mut Reference::default(), &script, PlayOptions::new(family));
        assert_eq!(record.verdict, Verdict::Pass, "{:?}\n{text}", record.first_difference);
    }

    #[test]
    fn what_a_host_did_it_does_again() {
        check(&[[0; 4], [0; 4]], "icmp echo_reply");
        check(&[[0; 4], [0, 2, 0, 0]], "icmp unreachable port");
        check(&[[0; 4], [0, 0, 0x80, 0]], "icmp6 echo_reply");
        check(&[[0; 4], [0, 0, 0, 1]], "eth1 > ");
        check(&[[0; 4], [10, 0, 0, 0]], "sendto(3, ");
        check(&[[0; 4], [10, 6, 0, 9], [7, 0, 0, 9]], "address(eth0, add, ");
    }
}
