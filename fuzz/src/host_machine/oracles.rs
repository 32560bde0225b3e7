//! What a host must not do, whatever it is given.

use super::memory::{Given, Memory};
use super::seen::Seen;
use super::world::own_mac;
use super::{frames, world};
use crate::input::be16;
use harness::packet::World;
use harness::packet::rules::{Level, PassiveRules};
use harness::scenario::Violation;
use harness::sut::{Call, Medium, Setup};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// So many frames may go out in a step beside those that answer frames.
const ALLOWANCE: usize = 64;
/// A datagram with less data is cut at the same places by all fragments.
const SHORT: usize = 64;
/// And so many for each frame that was given: fragments of an answer, what waited for a neighbour.
const ANSWERS: usize = 16;
/// The least data of a fragment that is not the last: what the smallest MTU leaves (RFC 791 3.2).
const PIECE: usize = 48;

/// The oracles, with what they remember of a scenario.
pub(super) struct Oracles {
    rules: PassiveRules,
    pub(super) memory: Memory,
    own: Vec<IpAddr>,
    forwards: bool,
    /// Frames that the host sent in the present step, and that it may send.
    sent: usize,
    allowed: usize,
    /// The furthest end of a fragment that was given: so long can the datagram be that any frame completes, and its answer.
    longest: usize,
}

type Judgement = Result<(), Violation>;

fn object(oracle: &'static str, requirement: &'static str, found: String) -> Judgement {
    let requirement = (!requirement.is_empty()).then_some(requirement);
    Err(Violation { oracle, requirement, found })
}

/// The network layer of a frame, and its number where the medium says one.
pub(super) fn network(medium: Medium, frame: &[u8]) -> (u16, &[u8]) {
    match medium {
        Medium::Ip => (0, frame),
        Medium::Ethernet => (be16(frame, 12), frame.get(14..).unwrap_or(&[])),
    }
}

impl Oracles {
    /// The oracles for a host that was set up like this.
    pub(super) fn new(setup: &Setup) -> Oracles {
        let configured = setup.interfaces.iter().flat_map(|i| i.addresses.iter().map(|p| p.address));
        let by_itself = setup.interfaces.iter().map(|i| world::link_local(i.mac.0).into());
        let own: Vec<IpAddr> = configured.chain(by_itself).collect();
        let world = World {
            setup: setup.clone(),
            local: own.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            remote: world::V4[0].into(),
            hosts: Vec::new(),
            local_port: world::OPEN,
            remote_port: world::OPEN,
        };
        let rules = PassiveRules::new(&world, setup.rules, false);
        Oracles {
            rules,
            memory: Memory::default(),
            own,
            forwards: setup.forwarding,
            sent: 0,
            allowed: ALLOWANCE,
            longest: 0,
        }
    }

    /// A call is made: an address that is added is the host's own, and what is sent may be cut small.
    pub(super) fn called(&mut self, call: &Call) {
        self.rules.called(call);
        match call {
            Call::Address { prefix, add: true, .. } => self.own.push(prefix.address),
            Call::Sendto { data, .. } => self.allowed += data.len() / PIECE,
            _ => {}
        }
    }

    /// A step begins, which lasts so long.
    pub(super) fn step(&mut self, pause: Duration) {
        // Who waits for a neighbour asks once a second (RFC 1122 2.3.2.1).
        let seconds = usize::try_from(pause.as_secs()).unwrap_or(usize::MAX);
        let of_timers = if seconds > 0 { ANSWERS * (self.memory.frames + seconds) } else { 0 };
        (self.sent, self.allowed) = (0, ALLOWANCE + of_timers);
    }

    /// The host is given a frame.
    pub(super) fn inbound(&mut self, interface: usize, medium: Medium, frame: &[u8]) {
        self.memory.frames += 1;
        self.rules.inbound(medium, frame);
        let (_, packet) = network(medium, frame);
        let seen = Seen::read(packet);
        let end_of = |seen: &Seen| usize::from(seen.offset) * 8 + seen.end.saturating_sub(seen.upper);
        let end = seen.as_ref().map_or(0, end_of);
        if seen.as_ref().is_some_and(|seen| seen.is_fragment) {
            self.longest = self.longest.max(end);
        }
        self.allowed += ANSWERS + self.longest.max(end) / PIECE;
        if let Some(seen) = seen {
            let is_for_group = medium == Medium::Ethernet && frame[0] & 1 == 1;
            self.memory.take(Given { seen, interface, is_for_group });
        }
    }

    /// The host sends a frame.
    pub(super) fn outbound(&mut self, interface: usize, medium: Medium, frame: &[u8]) -> Judgement {
        self.sent += 1;
        if self.sent > self.allowed {
            return object("flood", "", format!("{} frames in one step", self.sent));
        }
        let (kind, packet) = network(medium, frame);
        if kind == 0x0806 {
            return self.arp(interface, packet);
        }
        let Some(seen) = Seen::read(packet) else {
            return object("form", "", "a frame that is neither ARP nor IP".to_owned());
        };
        if !self.is_own(&seen.source) {
            return self.foreign(interface, &seen);
        }
        let broken = self.rules.outbound(medium, frame);
        if let Some(broken) = broken.into_iter().find(|broken| broken.level == Level::Must) {
            let found = format!("{}, not {}", broken.found, broken.expected);
            return object(broken.rule, broken.requirement, found);
        }
        self.error(&seen, packet)?;
        self.echo(&seen, packet)
    }

    fn is_own(&self, address: &IpAddr) -> bool {
        address.is_unspecified() || self.own.contains(address)
    }

    /// RFC 826: only who has an address says so, and with its own hardware address.
    fn arp(&self, interface: usize, packet: &[u8]) -> Judgement {
        let sender: Option<[u8; 4]> = packet.get(14..18).and_then(|a| a.try_into().ok());
        let (Some(sender), Some(mac)) = (sender, packet.get(8..14)) else {
            return object("form", "RFC826-packet-reception-2", "an ARP packet that is cut".to_owned());
        };
        let mut own = own_mac(interface);
        own[1] = mac[1];
        let sender = Ipv4Addr::from(sender);
        if !self.is_own(&sender.into()) || mac != own {
            return object(
                "arp",
                "RFC826-packet-reception-9",
                format!("the host says that {sender} is at {mac:02x?}"),
            );
        }
        Ok(())
    }

    /// A source that is not the host's own: a router passes on what it was given, a host nothing.
    fn foreign(&mut self, interface: usize, seen: &Seen) -> Judgement {
        if self.forwards {
            return self.forwarded(interface, seen);
        }
        let was_given = self.memory.of(seen.ident).iter().any(|given| given.seen.source == seen.source);
        let (from, to) = (seen.source, seen.destination);
        match from {
            _ if was_given => object("forward", "RFC1122-3.1-2", format!("a host passes on {from} > {to}")),
            IpAddr::V4(_) => {
                object("source4", "RFC1122-3.2.1.3-5", format!("{from} > {to}, which is not its own"))
            }
            IpAddr::V6(_) => {
                object("source6", "RFC4291-2.8-1", format!("{from} > {to}, which is not its own"))
            }
        }
    }

    /// RFC 1812 5.3, RFC 8200 3: a router passes on what it was given, to where it was to go, with less time to live.
    fn forwarded(&mut self, interface: usize, seen: &Seen) -> Judgement {
        let (from, to) = (seen.source, seen.destination);
        let given = self.memory.of(seen.ident);
        let is_it = |given: &&Given| {
            let is_there = given.seen.destination == to || given.seen.is_routed;
            given.seen.source == from && is_there
        };
        let candidates: Vec<&Given> = given.iter().filter(is_it).collect();
        if candidates.is_empty() {
            return object("forward", "", format!("{from} > {to}, which nobody sent"));
        }
        if !candidates.iter().any(|given| given.seen.ttl > seen.ttl) || seen.ttl == 0 {
            let requirement = if from.is_ipv4() { "RFC1812-5.3.1-1" } else { "RFC8200-3-2" };
            return object("ttl", requirement, format!("{from} > {to} is passed on with TTL {}", seen.ttl));
        }
        if candidates.iter().all(|given| given.is_for_group) {
            return object(
                "group",
                "RFC1812-5.3.4-1",
                format!("{from} > {to} is passed on from a frame for a group"),
            );
        }
        let is_bound = |address: &IpAddr| match address {
            IpAddr::V4(a) => a.is_multicast() || a.is_broadcast() || a.is_loopback() || a.octets()[0] >= 240,
            // RFC 4007 9: a link-local address may stay on its link.
            IpAddr::V6(a) if a.is_unicast_link_local() => {
                candidates.iter().all(|given| given.interface != interface)
            }
            IpAddr::V6(a) => a.is_multicast() || a.is_loopback(),
        };
        if is_bound(&from) || is_bound(&to) || to.is_unspecified() {
            return object("scope", "RFC1812-5.3.7-1", format!("{from} > {to} is passed on"));
        }
        let count = candidates.len();
        let copies = self.memory.forwarded(seen);
        // The number of a datagram that comes again is the same.
        if copies > count {
            return object(
                "copies",
                "",
                format!("{from} > {to} was given {count} times and passed on {copies} times"),
            );
        }
        Ok(())
    }

    /// RFC 1122 3.2.2, RFC 4443 2.4 (e): what no error may be about.
    fn error(&self, seen: &Seen, packet: &[u8]) -> Judgement {
        let Some(quote) = seen.quote(packet) else { return Ok(()) };
        let is_v4 = seen.source.is_ipv4();
        let message = seen.icmp(packet).unwrap_or(&[0; 8]);
        // Packet Too Big, and Parameter Problem about an option that asks for it.
        let is_allowed = !is_v4 && (message[0] == 2 || message[..2] == [4, 2]);
        let about = format!("an error about {} > {}", quote.source, quote.destination);
        let to_many = match quote.destination {
            IpAddr::V4(a) => a.is_broadcast() || a.is_multicast() || a == world::V4[8],
            IpAddr::V6(a) => a.is_multicast(),
        };
        let by = |v4, v6| if is_v4 { v4 } else { v6 };
        if to_many && !is_allowed {
            return object("error-to-group", by("RFC1122-3.2.2-7", "RFC4443-2.4-7"), about);
        }
        let is_nobody = match quote.source {
            IpAddr::V4(a) => {
                a.octets()[0] == 0 || a.is_loopback() || a.octets()[0] >= 224 || a == world::V4[8]
            }
            IpAddr::V6(a) => a.is_unspecified() || a.is_multicast(),
        };
        if is_nobody {
            return object("error-to-nobody", by("RFC1122-3.2.2-10", "RFC4443-2.4-10"), about);
        }
        if is_v4 && quote.offset != 0 {
            return object("error-about-fragment", "RFC1122-3.2.2-9", about);
        }
        let given = self.memory.of(quote.ident);
        let is_it = |given: &&Given| given.seen.source == quote.source;
        let candidates: Vec<&Given> = given.iter().filter(is_it).collect();
        if !is_allowed && !candidates.is_empty() && candidates.iter().all(|given| given.is_for_group) {
            return object("error-to-group-frame", by("RFC1122-3.2.2-8", "RFC4443-2.4-8"), about);
        }
        let is_own = self.is_own(&quote.source);
        if candidates.is_empty() && !is_own {
            return object("error-about-nothing", by("RFC1122-3.2.2-2", "RFC4443-2.4-3"), about);
        }
        Ok(())
    }

    /// An echo reply has the data of the request.
    fn echo(&self, seen: &Seen, packet: &[u8]) -> Judgement {
        let reply = if seen.source.is_ipv4() { 0 } else { 129 };
        let message = seen.icmp(packet).filter(|message| message[0] == reply && !seen.is_fragment);
        message.map_or(Ok(()), |message| self.data(&message[8..], seen.source.is_ipv4()))
    }

    /// Data that the host took together is that of one datagram. Of IPv4 fragments that overlap either may be
    /// taken (RFC 815); of IPv6 none may (RFC 8200 4.5).
    pub(super) fn data(&self, data: &[u8], is_v4: bool) -> Judgement {
        if data.len() < 4 || self.memory.is_altered {
            return Ok(());
        }
        // A fragment with other bytes may begin with the data, and both numbers may be those of datagrams.
        let idents = [0, 2].map(|at| be16(data, at));
        let known: Vec<(u16, usize)> =
            idents.into_iter().filter_map(|ident| Some((ident, self.memory.length(ident)?))).collect();
        let Some((ident, length)) = known.first() else {
            return object("data", "", format!("data of a datagram {:#06x} that nobody sent", idents[0]));
        };
        if known.iter().any(|(ident, length)| is_data(data, *ident, *length, is_v4)) {
            return Ok(());
        }
        let requirement = if is_v4 { "" } else { "RFC8200-4.5-15" };
        let found = format!("{} bytes that are not the {length} of datagram {ident:#06x}", data.len());
        object("data", requirement, found)
    }
}

/// Whether `data` is that of datagram `ident`, be it with the other bytes of some of its fragments.
fn is_data(data: &[u8], ident: u16, length: usize, is_v4: bool) -> bool {
    let whole = frames::data(ident, length);
    let mut dirty = whole.clone();
    frames::soil(&mut dirty);
    let mut groups = data.chunks(4).zip(whole.chunks(4)).zip(dirty.chunks(4));
    let mixed = groups.all(|((own, clean), dirty)| own == clean || own == dirty);
    // Fragments of a short datagram do not overlap, and one that is the whole datagram waits for no others (RFC 6946 section 4).
    let may_mix = is_v4 || length < SHORT;
    data.len() == length && (data == whole || data == dirty || may_mix && mixed)
}
