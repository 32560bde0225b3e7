//! `ip`, `tc` and `ethtool`, as far as upstream scripts use them.

use super::{Commands, Done, Netlink, Operands};
use crate::linux::netlink::{Change, Qdisc, Route, index_of};
use crate::linux::offload;
use crate::sut::Prefix;
use std::net::IpAddr;

/// What ip and tc end with where the kernel refuses.
const REFUSED: i64 = 2;

fn refused<T, E>(result: Result<T, E>) -> Option<Done> {
    Done::status(if result.is_ok() { 0 } else { REFUSED })
}

/// The verbs of ip and tc, which may be cut short.
const CHANGES: &[(&str, Change)] = &[
    ("add", Change::Add),
    ("change", Change::Alter),
    ("replace", Change::Replace),
    ("delete", Change::Delete),
    ("del", Change::Delete),
];

fn change(verb: &str) -> Option<Change> {
    CHANGES.iter().find(|(name, _)| *name == verb).map(|(_, change)| *change)
}

/// `ip [-4|-6] route VERB …`, `ip tcp_metrics flush all`, `ip link set …`.
pub(super) fn ip(_: &mut Commands, operands: &Operands<'_>, network: &mut Netlink) -> Option<Done> {
    let options = operands.words.iter().take_while(|word| matches!(**word, "-4" | "-6" | "-q")).count();
    match &operands.words[options..] {
        ["tcp_metrics", "flush", "all"] => refused(Netlink::flush_tcp_metrics()),
        ["route", verb, words @ ..] => {
            let (change, route) = (change(verb)?, route(words)?);
            refused(route.and_then(|route| network.change_route(change, &route).ok()).ok_or(()))
        }
        ["link", "set", words @ ..] => link(words, network),
        _ => None,
    }
}

/// Names of a route's metrics, and their attributes (linux/rtnetlink.h, RTAX_…).
const METRICS: &[(&str, u16)] = &[
    ("mtu", 2),
    ("window", 3),
    ("ssthresh", 6),
    ("cwnd", 7),
    ("advmss", 8),
    ("reordering", 9),
    ("hoplimit", 10),
    ("initcwnd", 11),
    ("initrwnd", 14),
    ("quickack", 15),
];

/// `DESTINATION [via ADDRESS] [dev NAME] [METRIC [lock] VALUE]…`: nothing where that is not understood, and nothing within where
/// there is no such device.
fn route(words: &[&str]) -> Option<Option<Route>> {
    let (destination, mut words) = words.split_first()?;
    let mut route =
        Route { destination: prefix(destination)?, gateway: None, device: None, metrics: vec![], locked: 0 };
    while let [name, rest @ ..] = words {
        let (value, rest) = match (*name, rest) {
            ("via" | "dev", [value, rest @ ..]) => (*value, rest),
            (_, ["lock", value, rest @ ..]) => {
                route.locked |= 1 << metric(name)?;
                (*value, rest)
            }
            (_, [value, rest @ ..]) => (*value, rest),
            (_, []) => return None,
        };
        match *name {
            "via" => route.gateway = Some(value.parse().ok()?),
            "dev" => match index_of(value) {
                Ok(index) => route.device = Some(index),
                Err(_) => return Some(None),
            },
            _ => route.metrics.push((metric(name)?, value.parse().ok()?)),
        }
        words = rest;
    }
    Some(Some(route))
}

fn metric(name: &str) -> Option<u16> {
    METRICS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

fn prefix(text: &str) -> Option<Prefix> {
    let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(whole), |length| length.parse().ok())?;
    (length <= whole).then_some(Prefix { address, length })
}

/// `[dev] NAME [mtu N] [up|down]`
fn link(words: &[&str], network: &mut Netlink) -> Option<Done> {
    let words = words.strip_prefix(&["dev"]).unwrap_or(words);
    let (name, mut words) = words.split_first()?;
    let Ok(index) = index_of(name) else { return Done::status(1) };
    let mut done = Ok(());
    while let Some(word) = words.first() {
        let (result, used) = match (*word, words.get(1)) {
            ("up" | "down", _) => (network.set_up(index, *word == "up"), 1),
            ("mtu", Some(mtu)) => (network.set_mtu(index, mtu.parse().ok()?), 2),
            _ => return None,
        };
        done = done.and(result);
        words = &words[used..];
    }
    refused(done)
}

/// `tc qdisc VERB dev NAME root [KIND [limit N]]`
pub(super) fn tc(_: &mut Commands, operands: &Operands<'_>, network: &mut Netlink) -> Option<Done> {
    let ["qdisc", verb, "dev", device, "root", rest @ ..] = operands.words else { return None };
    let (kind, limit) = match rest {
        [] => (None, None),
        [kind] => (Some(*kind), None),
        [kind @ ("pfifo" | "bfifo"), "limit", limit] => (Some(*kind), Some(limit.parse().ok()?)),
        _ => return None,
    };
    let verb = change(verb)?;
    let Ok(device) = index_of(device) else { return Done::status(1) };
    refused(network.change_qdisc(verb, device, Qdisc { kind, limit }))
}

/// `ethtool -K NAME FEATURE on|off …`
pub(super) fn ethtool(_: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    let ["-K" | "--offload", device, features @ ..] = operands.words else { return None };
    let mut failed = false;
    for pair in features.chunks(2) {
        let [name, value @ ("on" | "off")] = pair else { return None };
        failed |= offload::set(device, offload::feature(name)?, *value == "on").is_err();
    }
    Done::status(i64::from(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_as_ip_has_it() {
        let words = "192.0.2.1 via 192.168.0.2 advmss 600 mtu lock 640 initcwnd 11";
        let read = |text: &str| route(&text.split(' ').collect::<Vec<_>>()).flatten();
        let route = read(words).expect("a route");
        assert_eq!(route.destination, Prefix { address: "192.0.2.1".parse().expect("IPv4"), length: 32 });
        assert_eq!(route.gateway, "192.168.0.2".parse().ok());
        assert_eq!((route.metrics.as_slice(), route.locked), (&[(8, 600), (2, 640), (11, 11)][..], 4));
        let v6 = read("2001:DB8::/32").expect("a route");
        assert_eq!((v6.destination.length, v6.metrics.len()), (32, 0));
        for bad in ["", "default", "192.0.2.1/33", "192.0.2.1 via", "192.0.2.1 colour 3", "192.0.2.1 mtu x"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
