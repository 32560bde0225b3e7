//! Which groups an interface is a member of, and how routers are told: IGMP version 2 (RFC 2236), and MLD version 2, which
//! speaks version 1 where a router does (RFC 3810 8).

use super::autoconf::random_within;
use super::interface::{ALL_NODES, Interface};
use crate::ip::solicited_node;
use crate::network::{Arrival, Network, earliest_in};
use crate::time::Instant;
use crate::wire::ipv6_ext::ROUTER_ALERT;
use crate::wire::{Buffer, MacAddress, ethernet, icmpv6, igmp, ipv4, ipv6, mld, protocol};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// RFC 2236 8.10: between the first reports of a member, and RFC 3810 9.11.
const INTERVAL_V4: Duration = Duration::from_secs(10);
const INTERVAL_V6: Duration = Duration::from_secs(1);
/// RFC 2236 8.1, RFC 3810 9.1: what is sent unasked is sent twice.
const ROBUSTNESS: u32 = 2;
/// How long a router of version 1 is believed to be there: RFC 2236 8.11, and RFC 3810 9.12: 2 * 125 s + 10 s.
const OLD_IGMP: Duration = Duration::from_secs(400);
const OLD_MLD: Duration = Duration::from_secs(260);
/// Groups of one interface, so that memory is bounded.
const MOST: usize = 256;

/// 224.0.0.1: every host is a member, and none says so.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_ROUTERS_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const ALL_ROUTERS_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// ff02::16: every router that speaks MLD version 2.
const ALL_MLD_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// A report that is due.
#[derive(Clone, Copy, Debug)]
struct Pending {
    at: Instant,
    /// How often, this time included.
    count: u32,
    /// It is the answer to a query, not news.
    answer: bool,
}

/// The groups of one interface.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    joined: BTreeMap<IpAddr, u32>,
    pending: BTreeMap<IpAddr, Pending>,
    /// Groups for which this host was the last to report (RFC 2236 3).
    last_reporter: Vec<Ipv4Addr>,
    /// Until when a router is believed to be there that speaks the older version, of IGMP and of MLD.
    old_igmp_until: Option<Instant>,
    old_mld_until: Option<Instant>,
}

impl Groups {
    pub(crate) fn is_member(&self, group: IpAddr) -> bool {
        self.joined.contains_key(&group)
    }

    pub(crate) fn joined(&self) -> impl Iterator<Item = &IpAddr> {
        self.joined.keys()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        earliest_in(&self.pending, |pending| Some(pending.at))
    }

    /// A query asks for a report of `group` within `time`; a report that is due sooner stands (RFC 2236 3, RFC 3810 6.2).
    fn asked(&mut self, now: Instant, group: IpAddr, delay: Duration) {
        let at = now + delay;
        let pending = self.pending.entry(group).or_insert(Pending { at, count: 1, answer: true });
        pending.at = pending.at.min(at);
    }

    fn speaks_v1(&self, now: Instant, group: IpAddr) -> bool {
        let until = if group.is_ipv4() { self.old_igmp_until } else { self.old_mld_until };
        until.is_some_and(|until| now < until)
    }
}

/// Whether routers are told of a group: not of those that every node is in, nor of what does not leave the node.
fn is_reported(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group != ALL_HOSTS,
        IpAddr::V6(group) => group != ALL_NODES && group.octets()[1] & 0xf > 1,
    }
}

/// The groups that follow from the interface's addresses, and those that were joined.
fn all_groups(link: &Interface) -> Vec<IpAddr> {
    let own = link.ipv6().map(|(address, _)| address).chain(link.autoconf.tentative());
    let mut groups: Vec<IpAddr> = own.map(|address| solicited_node(address).into()).collect();
    groups.extend(link.groups.joined().copied());
    groups.retain(|group| is_reported(*group));
    groups.sort();
    groups.dedup();
    groups
}

impl Network {
    /// Joins a group; false where there is no such interface, no such group, or no room.
    pub(crate) fn join_group(&mut self, now: Instant, interface: usize, group: IpAddr) -> bool {
        let Some(link) = self.interfaces.get_mut(interface) else { return false };
        let joined = &mut link.groups.joined;
        if !group.is_multicast() || (joined.len() >= MOST && !joined.contains_key(&group)) {
            return false;
        }
        let count = joined.entry(group).or_default();
        *count += 1;
        if *count == 1 {
            self.announce(now, interface, group);
        }
        true
    }

    /// Leaves a group; false where it was not joined.
    pub(crate) fn leave_group(&mut self, now: Instant, interface: usize, group: IpAddr) -> bool {
        let Some(groups) = self.interfaces.get_mut(interface).map(|link| &mut link.groups) else {
            return false;
        };
        let Some(count) = groups.joined.get_mut(&group) else { return false };
        *count -= 1;
        if *count > 0 {
            return true;
        }
        groups.joined.remove(&group);
        groups.pending.remove(&group);
        if is_reported(group) {
            self.tell_leaving(now, interface, group);
        }
        true
    }

    /// The solicited-node group of an address is joined before it is tested or used (RFC 4862 5.4.2, RFC 4861 7.2.1).
    pub(crate) fn join_solicited(&mut self, now: Instant, interface: usize, address: Ipv6Addr) {
        if self.config.report_own_groups {
            self.announce(now, interface, solicited_node(address).into());
        }
    }

    /// Says at once that the interface is a member, and once more later.
    fn announce(&mut self, now: Instant, interface: usize, group: IpAddr) {
        if !is_reported(group) {
            return;
        }
        self.send_report(now, interface, group, false);
        let interval = if group.is_ipv4() { INTERVAL_V4 } else { INTERVAL_V6 };
        let at = now + random_within(&mut self.rng, interval);
        if let Some(link) = self.interfaces.get_mut(interface) {
            link.groups.pending.insert(group, Pending { at, count: ROBUSTNESS - 1, answer: false });
        }
    }

    /// An IGMP message arrives.
    pub(crate) fn igmp_arrives(&mut self, now: Instant, arrival: Arrival, bytes: &[u8]) {
        let Ok(message) = igmp::Message::parse(bytes) else { return };
        let group = message.group;
        match message.kind {
            igmp::QUERY => {
                // RFC 2236 4: 0 is what version 1 has there, and means ten seconds.
                let Some(link) = self.interfaces.get_mut(arrival.interface) else { return };
                if message.max_response == 0 {
                    link.groups.old_igmp_until = Some(now + OLD_IGMP);
                }
                let tenths = if message.max_response == 0 { 100 } else { u64::from(message.max_response) };
                let time = Duration::from_millis(tenths * 100);
                let asked = (!group.is_unspecified()).then_some(group.into());
                self.query_arrives(now, arrival.interface, asked, time, IpAddr::is_ipv4);
            }
            igmp::REPORT | igmp::REPORT_V1 => self.member_elsewhere(arrival.interface, group.into()),
            _ => {}
        }
    }

    /// A multicast listener discovery message arrives. From the link alone (RFC 2710 3, RFC 3810 5.1.14).
    pub(crate) fn mld_arrives(
        &mut self,
        now: Instant,
        interface: usize,
        ip: &ipv6::Header,
        header: &icmpv6::Header,
        body: &[u8],
    ) {
        if !ip.source.is_unicast_link_local() || ip.hop_limit != 1 {
            return;
        }
        match header.kind {
            mld::QUERY => {
                let Ok(query) = mld::Query::parse(header, body) else { return };
                let Some(link) = self.interfaces.get_mut(interface) else { return };
                if query.is_v1 {
                    link.groups.old_mld_until = Some(now + OLD_MLD);
                }
                let asked = (!query.group.is_unspecified()).then_some(query.group.into());
                self.query_arrives(now, interface, asked, query.max_response, IpAddr::is_ipv6);
            }
            mld::REPORT_V1 if body.len() >= 16 => {
                let any = IpAddr::from(ALL_NODES);
                let speaks_v1 =
                    self.interfaces.get(interface).is_some_and(|link| link.groups.speaks_v1(now, any));
                let mut group = [0; 16];
                group.copy_from_slice(&body[..16]);
                if speaks_v1 {
                    self.member_elsewhere(interface, IpAddr::from(group));
                }
            }
            _ => {}
        }
    }

    /// A router asks: each group that it means is reported within `time`, by chance.
    fn query_arrives(
        &mut self,
        now: Instant,
        interface: usize,
        asked: Option<IpAddr>,
        time: Duration,
        family: fn(&IpAddr) -> bool,
    ) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let mut groups = all_groups(link);
        groups.retain(|group| family(group) && asked.is_none_or(|asked| asked == *group));
        for group in groups {
            let delay = random_within(&mut self.rng, time);
            self.interfaces[interface].groups.asked(now, group, delay);
        }
    }

    /// Another member has reported: one report is enough (RFC 2236 3, RFC 2710 4).
    fn member_elsewhere(&mut self, interface: usize, group: IpAddr) {
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        link.groups.pending.remove(&group);
        link.groups.last_reporter.retain(|known| IpAddr::V4(*known) != group);
    }

    /// Sends the reports that are due.
    pub(crate) fn poll_groups(&mut self, now: Instant) {
        for interface in 0..self.interfaces.len() {
            let pending = &self.interfaces[interface].groups.pending;
            let due: Vec<(IpAddr, Pending)> =
                pending.iter().filter(|(_, p)| p.at <= now).map(|(group, p)| (*group, *p)).collect();
            for (group, pending) in due {
                self.send_report(now, interface, group, pending.answer);
                let again = pending.count > 1;
                let at = now + if again { random_within(&mut self.rng, INTERVAL_V6) } else { Duration::ZERO };
                let groups = &mut self.interfaces[interface].groups;
                match again {
                    true => groups.pending.insert(group, Pending { at, count: pending.count - 1, ..pending }),
                    false => groups.pending.remove(&group),
                };
            }
        }
    }

    fn send_report(&mut self, now: Instant, interface: usize, group: IpAddr, answer: bool) {
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        match group {
            IpAddr::V4(group) => {
                if !link.groups.last_reporter.contains(&group) {
                    link.groups.last_reporter.push(group);
                }
                let old = link.groups.speaks_v1(now, group.into());
                let kind = if old { igmp::REPORT_V1 } else { igmp::REPORT };
                self.send_igmp(interface, kind, group, group);
            }
            IpAddr::V6(group) if link.groups.speaks_v1(now, group.into()) => {
                self.send_mld(interface, group, |s, b| {
                    mld::emit_v1(mld::REPORT_V1, group, s, group, b);
                })
            }
            IpAddr::V6(group) => {
                let kind = if answer { mld::MODE_IS_EXCLUDE } else { mld::CHANGE_TO_EXCLUDE };
                self.send_mld(interface, ALL_MLD_ROUTERS, |s, b| {
                    mld::emit_report(&[(kind, group)], s, ALL_MLD_ROUTERS, b);
                });
            }
        }
    }

    fn tell_leaving(&mut self, now: Instant, interface: usize, group: IpAddr) {
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        match group {
            IpAddr::V4(group) => {
                let was_last = link.groups.last_reporter.contains(&group);
                link.groups.last_reporter.retain(|known| *known != group);
                // Section 4: a router of version 1 does not know the message.
                if was_last && !link.groups.speaks_v1(now, group.into()) {
                    self.send_igmp(interface, igmp::LEAVE, group, ALL_ROUTERS_V4);
                }
            }
            IpAddr::V6(group) if link.groups.speaks_v1(now, group.into()) => {
                self.send_mld(interface, ALL_ROUTERS_V6, |s, b| {
                    mld::emit_v1(mld::DONE, group, s, ALL_ROUTERS_V6, b);
                });
            }
            IpAddr::V6(group) => self.send_mld(interface, ALL_MLD_ROUTERS, |s, b| {
                mld::emit_report(&[(mld::CHANGE_TO_INCLUDE, group)], s, ALL_MLD_ROUTERS, b);
            }),
        }
    }

    /// RFC 2236 2: time to live 1 and the Router Alert option.
    fn send_igmp(&mut self, interface: usize, kind: u8, group: Ipv4Addr, destination: Ipv4Addr) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let source = link.ipv4().next().map_or(Ipv4Addr::UNSPECIFIED, |(address, _)| address);
        let mut buffer = Buffer::new();
        igmp::Message { kind, max_response: 0, group }.emit(&mut buffer);
        let header = ipv4::Header {
            tos: 0xc0,
            identification: 0,
            reserved: false,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 1,
            protocol: protocol::IGMP,
            source,
            destination,
            options: &[148, 4, 0, 0],
        };
        header.emit(&mut buffer);
        self.send_frame(interface, MacAddress::of_ipv4_multicast(destination), ethernet::IPV4, buffer);
    }

    /// RFC 2710 3, RFC 3810 5: from the link-local address, or none where there is none yet, with hop limit 1 and Router
    /// Alert.
    fn send_mld(&mut self, interface: usize, destination: Ipv6Addr, emit: impl Fn(Ipv6Addr, &mut Buffer)) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let source = link.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED);
        let mut buffer = Buffer::new();
        emit(source, &mut buffer);
        buffer.prepend(8).copy_from_slice(&[protocol::ICMPV6, 0, ROUTER_ALERT, 2, 0, 0, 1, 0]);
        let (next_header, hop_limit) = (protocol::HOP_BY_HOP, 1);
        ipv6::Header { traffic_class: 0, flow_label: 0, next_header, hop_limit, source, destination }
            .emit(&mut buffer);
        self.send_frame(interface, MacAddress::of_ipv6_multicast(destination), ethernet::IPV6, buffer);
    }
}
