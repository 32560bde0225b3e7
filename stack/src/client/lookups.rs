//! Lookups at a host: their sockets, their time, and what becomes of responses.

use super::answer::{Found, LookupError, Verdict, judge};
use super::cache::Cache;
use super::resolver::{Lookup, STREAM_WAIT, Transmission, candidates, reverse_name};
use crate::host::Host;
use crate::ip::output::{Packet4, Packet6};
use crate::ip::zone::with_zone;
use crate::socket::{CallId, Value};
use crate::tcp::{self, ConnectionId};
use crate::time::Instant;
use crate::udp::{Kind, UdpId};
use crate::wire::dns::{Message, Name, kind};
use crate::wire::{Buffer, protocol, udp};
use core::time::Duration;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// Lookups under way at one time.
const MOST_LOOKUPS: usize = 256;
/// RFC 1123 6.1.3.3: that nobody could say is remembered for some minutes.
const FAILURE_TIME: Duration = Duration::from_secs(120);
/// A response is no longer than that: so much a lookup's socket keeps.
const RECEIVE_BUFFER: usize = 1 << 16;

/// The lookups of a host, and what they have taught.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    under_way: Vec<UnderWay>,
    cache: Cache,
}

/// A lookup with its sockets.
#[derive(Debug)]
struct UnderWay {
    call: CallId,
    lookup: Lookup,
    socket: UdpId,
    stream: Option<Stream>,
}

/// A query by TCP.
#[derive(Debug)]
struct Stream {
    server: SocketAddr,
    connection: ConnectionId,
    /// What is still to be sent: the query behind its length.
    query: Vec<u8>,
    received: Vec<u8>,
}

/// What a step of a lookup leads to.
enum Step {
    /// Nothing yet.
    Wait,
    /// The next server is to be asked.
    Next,
    Over(Result<Found, LookupError>),
}

impl Lookups {
    /// Whether a name is being looked up.
    #[inline]
    pub(crate) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.under_way.iter().map(|one| one.lookup.deadline).min()
    }
}

impl Host {
    /// Looks up the IPv4 or IPv6 addresses of a name, as getaddrinfo(3) does; it completes with [`Value::Looked`]. What is
    /// an address already is not looked up.
    pub fn getaddrinfo(&mut self, now: Instant, name: &str, ipv6: bool) -> CallId {
        let id = self.new_call();
        match (name.parse::<IpAddr>(), candidates(name, &self.search_list())) {
            (Ok(address), _) if address.is_ipv6() == ipv6 => {
                self.looked(now, id, Ok(Found::Addresses(vec![address])))
            }
            (Ok(_), _) | (_, Err(_)) => self.looked(now, id, Err(LookupError::NoName)),
            (_, Ok(names)) => self.look_up(now, id, names, if ipv6 { kind::AAAA } else { kind::A }),
        }
        self.settle(now);
        id
    }

    /// Looks up the name of an address, as getnameinfo(3) does; it completes with [`Value::Looked`].
    pub fn getnameinfo(&mut self, now: Instant, address: IpAddr) -> CallId {
        let id = self.new_call();
        self.look_up(now, id, reverse_name(address).into_iter().collect(), kind::PTR);
        self.settle(now);
        id
    }

    fn looked(&mut self, now: Instant, call: CallId, result: Result<Found, LookupError>) {
        let result = result.map(|found| self.ranked(found));
        self.complete(now, call, Ok(Value::Looked(result)));
    }

    /// RFC 1123 6.1.3.4: addresses on the host's own networks come first.
    fn ranked(&self, found: Found) -> Found {
        let Found::Addresses(mut addresses) = found else { return found };
        let networks = self.net.interfaces.iter().flat_map(|interface| &interface.addresses);
        addresses.sort_by_key(|address| !networks.clone().any(|cidr| cidr.contains(*address)));
        Found::Addresses(addresses)
    }

    fn look_up(&mut self, now: Instant, call: CallId, names: VecDeque<Name>, kind: u16) {
        let servers = self.name_servers();
        let lookup = Lookup::new(names, kind, &servers);
        // Without a server nobody was asked, and there is no failure to remember: a lease may bring one at any time.
        let can_ask = !servers.is_empty() && self.lookups.under_way.len() < MOST_LOOKUPS;
        let Some(lookup) = lookup.filter(|_| can_ask) else {
            return self.looked(now, call, Err(LookupError::Again));
        };
        let ipv6 = servers.iter().any(IpAddr::is_ipv6);
        let socket = self.udp.open(Kind::Udp, ipv6, RECEIVE_BUFFER);
        let port = self.random_port(|host, port| host.udp.is_port_in_use(port));
        self.udp.bind(socket, None, port);
        let one = UnderWay { call, lookup, socket, stream: None };
        self.go_on(now, one, Step::Next);
    }

    /// RFC 6056 3.3.1, a port that no attacker can tell; some port where all are taken.
    fn random_port(&mut self, in_use: impl Fn(&Host, u16) -> bool) -> u16 {
        const ATTEMPTS: u32 = 64;
        let config = self.net.config.socket;
        let count = u32::from(config.last_ephemeral_port.saturating_sub(config.first_ephemeral_port)) + 1;
        let mut port = config.first_ephemeral_port;
        for _ in 0..ATTEMPTS {
            port = config.first_ephemeral_port + u16::try_from(self.net.rng.below(count)).unwrap_or(0);
            if !in_use(self, port) {
                break;
            }
        }
        port
    }

    /// Tries the lookups again. True where one is over.
    pub(crate) fn retry_lookups(&mut self, now: Instant) -> bool {
        if self.lookups.under_way.is_empty() {
            return false;
        }
        let before = self.lookups.under_way.len();
        for mut one in core::mem::take(&mut self.lookups.under_way) {
            let step = self.step(now, &mut one);
            self.go_on(now, one, step);
        }
        self.lookups.under_way.len() < before
    }

    /// Does what a step leads to, until the lookup waits or is over.
    fn go_on(&mut self, now: Instant, mut one: UnderWay, mut step: Step) {
        loop {
            match step {
                Step::Wait => return self.lookups.under_way.push(one),
                Step::Over(result) => {
                    self.close_stream(now, &mut one);
                    self.udp.close(one.socket);
                    return self.looked(now, one.call, result);
                }
                Step::Next => step = self.ask_next(now, &mut one),
            }
        }
    }

    /// A name is done with: an error may lead to the next one of the search list.
    fn over(&self, one: &mut UnderWay, result: Result<Found, LookupError>) -> Step {
        let missing = matches!(result, Err(LookupError::NoName | LookupError::NoData));
        match one.lookup.candidates.pop_front().filter(|_| missing) {
            Some(name) => {
                one.lookup.origin = name.clone();
                one.lookup.aliases = 0;
                one.lookup.restart(name);
                Step::Next
            }
            None => Step::Over(result),
        }
    }

    /// Uses what is known, or asks the next server.
    fn ask_next(&mut self, now: Instant, one: &mut UnderWay) -> Step {
        self.close_stream(now, one);
        if let Some(result) = self.lookups.cache.get(now, &one.lookup.name, one.lookup.kind) {
            return self.over(one, result);
        }
        match one.lookup.transmit(now, &mut self.net.rng) {
            Some(transmission) => {
                self.send_query(now, one.socket, &transmission);
                Step::Wait
            }
            None => {
                let result = Err(one.lookup.failure);
                let asked = (&one.lookup.origin, one.lookup.kind);
                self.lookups.cache.put(now, asked, result.clone(), FAILURE_TIME);
                Step::Over(result)
            }
        }
    }

    /// Looks at what has come.
    fn step(&mut self, now: Instant, one: &mut UnderWay) -> Step {
        let strict = self.net.config.resolver.case_must_match;
        while let Some(datagram) = self.udp.get_mut(one.socket).and_then(|socket| socket.receive()) {
            let Some(message) = one.lookup.accept(datagram.from, &datagram.data, strict) else { continue };
            if message.truncated {
                return self.ask_by_stream(now, one, datagram.from);
            }
            return self.answered(now, one, datagram.from, &message);
        }
        if let Some(step) = self.stream_step(now, one, strict) {
            return step;
        }
        if one.lookup.deadline <= now { Step::Next } else { Step::Wait }
    }

    fn answered(&mut self, now: Instant, one: &mut UnderWay, server: SocketAddr, message: &Message) -> Step {
        let lookup = &mut one.lookup;
        match judge(message, &lookup.name, lookup.kind, lookup.aliases) {
            Verdict::Over(result, time) => {
                // An alias that another response resolved is asked for again next time.
                let whole = lookup.name == lookup.origin;
                let name = if whole { &lookup.origin } else { &lookup.name };
                self.lookups.cache.put(now, (name, lookup.kind), result.clone(), time);
                self.over(one, result)
            }
            Verdict::Alias(name, aliases) => {
                lookup.aliases = aliases;
                lookup.restart(name);
                Step::Next
            }
            Verdict::ServerFails(failure) => {
                lookup.server_fails(server, failure);
                Step::Next
            }
        }
    }

    fn send_query(&mut self, now: Instant, socket: UdpId, transmission: &Transmission) {
        let Transmission { server, bytes } = transmission;
        let Some(source_port) = self.udp.get(socket).map(|socket| socket.port()) else { return };
        // Where there is no way to the server, the next one has its turn when this one's is over.
        let Some(source) = self.net.source_for(server.ip(), None) else { return };
        let mut buffer = Buffer::with_payload(bytes);
        let ports = udp::Header { source_port, destination_port: server.port() };
        ports.emit(source, server.ip(), &mut buffer);
        let (protocol, via) = (protocol::UDP, None);
        let _no_way = match (source, server.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                // RFC 1112 6.1: no further than the link.
                let ttl = if destination.is_multicast() { 1 } else { self.net.config.ipv4.ttl };
                let options = &[];
                let packet = Packet4 {
                    source,
                    destination,
                    protocol,
                    tos: 0,
                    ttl,
                    dont_fragment: false,
                    options,
                    via,
                };
                self.net.send_v4(now, packet, buffer)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let (traffic_class, hop_limit) = (0, None);
                let packet = Packet6 { source, destination, protocol, traffic_class, hop_limit, via };
                self.net.send_v6(now, packet, buffer)
            }
            _ => Ok(()),
        };
    }
}

/// Queries by TCP (RFC 1035 4.2.2), where a datagram did not hold the answer (RFC 1123 6.1.3.2).
impl Host {
    fn ask_by_stream(&mut self, now: Instant, one: &mut UnderWay, server: SocketAddr) -> Step {
        let (Some(query), Some(source)) =
            (one.lookup.last_query(server), self.net.source_for(server.ip(), None))
        else {
            return Step::Next;
        };
        self.close_stream(now, one);
        let port = self.random_port(|host, port| host.tcp.is_local_in_use(SocketAddr::new(source, port)));
        let via = self.net.default_zone(source, server.ip());
        self.tcp.set_mtu(None, self.net.mtu_towards(now, server.ip(), via));
        let [local, remote] = [SocketAddr::new(source, port), server].map(|end| with_zone(end, via));
        let Ok(connection) = self.tcp.open_active(now, local, remote, tcp::SocketOptions::default()) else {
            return Step::Next;
        };
        let length = u16::try_from(query.len()).unwrap_or(u16::MAX).to_be_bytes();
        let query = [&length[..], &query].concat();
        one.stream = Some(Stream { server, connection, query, received: Vec::new() });
        one.lookup.deadline = now + STREAM_WAIT;
        Step::Wait
    }

    /// What has come by TCP; `None` where there is no stream, or nothing new.
    fn stream_step(&mut self, now: Instant, one: &mut UnderWay, strict: bool) -> Option<Step> {
        let stream = one.stream.as_mut()?;
        match self.tcp.state(stream.connection) {
            tcp::State::SynSent | tcp::State::SynReceived => return None,
            tcp::State::Closed => return Some(Step::Next),
            _ => {}
        }
        if !stream.query.is_empty() {
            match self.tcp.send(now, stream.connection, &stream.query) {
                Ok(sent) => drop(stream.query.drain(..sent)),
                Err(tcp::Error::WouldBlock) => {}
                Err(_) => return Some(Step::Next),
            }
        }
        let ended = self.receive_stream_bytes(now, one);
        let stream = one.stream.as_ref()?;
        let server = stream.server;
        let message = match stream.received.split_first_chunk::<2>() {
            Some((length, rest)) => rest.get(..usize::from(u16::from_be_bytes(*length))),
            None => None,
        };
        match message.map(|bytes| one.lookup.accept(server, bytes, strict)) {
            Some(Some(message)) => Some(self.answered(now, one, server, &message)),
            // What came is no answer, or there will be none.
            Some(None) => Some(Step::Next),
            None => ended.then_some(Step::Next),
        }
    }

    /// Takes what the connection has; true where no more will come.
    fn receive_stream_bytes(&mut self, now: Instant, one: &mut UnderWay) -> bool {
        let Some(stream) = one.stream.as_mut() else { return true };
        let mut buffer = [0; 4096];
        // A message has 65535 bytes at most.
        while stream.received.len() <= 2 + usize::from(u16::MAX) {
            match self.tcp.receive(now, stream.connection, &mut buffer, false) {
                Ok(0) => return true,
                Ok(count) => stream.received.extend_from_slice(&buffer[..count]),
                Err(tcp::Error::WouldBlock) => return false,
                Err(_) => return true,
            }
        }
        true
    }

    fn close_stream(&mut self, now: Instant, one: &mut UnderWay) {
        if let Some(stream) = one.stream.take() {
            self.tcp.close(now, stream.connection);
        }
    }
}
