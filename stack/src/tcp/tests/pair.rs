//! Two stacks and a network between them that loses, duplicates, reorders and marks.

use crate::rng::Rng;
use crate::tcp::*;
use crate::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the network carries and how bad it is, in percent.
#[derive(Clone, Copy)]
struct Network {
    opening: Opening,
    family: Family,
    lost: u32,
    duplicated: u32,
    jitter_ms: u32,
}

/// Who sends the first SYN.
#[derive(Clone, Copy)]
enum Opening {
    Client,
    Both,
}

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

const PERFECT: Network =
    Network { opening: Opening::Client, family: Family::V4, lost: 0, duplicated: 0, jitter_ms: 0 };

struct Pair {
    ends: [Connections; 2],
    ids: [Option<ConnectionId>; 2],
    listener: ListenerId,
    /// Segments on their way: when they arrive, a count to keep them apart, to whom, and what.
    flying: BTreeMap<(Instant, u64), (usize, Outgoing)>,
    sent: u64,
    now: Instant,
    rng: Rng,
    network: Network,
}

fn address(end: usize, family: Family) -> IpAddr {
    let last = 1 + end as u8;
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
        Family::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into())),
    }
}

impl Pair {
    fn new(config: Config, seed: u64, network: Network) -> Pair {
        let mut ends = [Connections::new(config.clone(), seed), Connections::new(config, seed + 1)];
        let server = SocketAddr::new(address(1, network.family), 80);
        let listener = ends[1].open_passive(server, 5, SocketOptions::default()).unwrap();
        let client = SocketAddr::new(address(0, network.family), 4000);
        let id = ends[0].open_active(Instant::ZERO, client, server, SocketOptions::default()).unwrap();
        let other = match network.opening {
            Opening::Client => None,
            Opening::Both => {
                ends[1].open_active(Instant::ZERO, server, client, SocketOptions::default()).ok()
            }
        };
        Pair {
            ends,
            ids: [Some(id), other],
            listener,
            flying: BTreeMap::new(),
            sent: 0,
            now: Instant::ZERO,
            rng: Rng::new(seed),
            network,
        }
    }

    /// Puts what both ends have to send on its way.
    fn collect(&mut self) {
        for end in 0..2 {
            while let Some(out) = self.ends[end].take_output() {
                let copies = 1 + u32::from(self.rng.below(100) < self.network.duplicated);
                for _ in 0..copies {
                    if self.rng.below(100) < self.network.lost {
                        continue;
                    }
                    let delay = 10_000 + self.rng.below(self.network.jitter_ms * 1000 + 1);
                    self.sent += 1;
                    let at = self.now + Duration::from_micros(u64::from(delay));
                    let mut out = out.clone();
                    // A router marks what it may mark instead of dropping it.
                    if out.ecn != 0 && self.rng.below(100) < self.network.lost {
                        out.ecn = 3;
                    }
                    self.flying.insert((at, self.sent), (1 - end, out));
                }
            }
        }
    }

    /// Goes to the next thing that happens; false where nothing will.
    fn step(&mut self) -> bool {
        self.collect();
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let deadlines = self.ends.iter().filter_map(Connections::next_deadline);
        let Some(next) = deadlines.chain(arrival).min() else { return false };
        self.now = self.now.max(next);
        self.ends.iter_mut().for_each(|end| end.poll(self.now));
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (to, out) = entry.remove();
            self.ends[to].segment_arrives(self.now, out.src(), out.dst(), out.ecn, &out.buffer);
        }
        if self.ids[1].is_none() {
            self.ids[1] = self.ends[1].accept(self.listener);
        }
        true
    }
}

/// The user of one end: writes `total` bytes of a pattern, shuts down, and reads what comes.
#[derive(Default)]
struct User {
    written: usize,
    read: usize,
    shut: bool,
    ended: bool,
}

const TOTAL: usize = 40_000;

fn pattern(end: usize, at: usize) -> u8 {
    (at * 7 + at / 251 + end * 13) as u8
}

impl User {
    fn act(&mut self, pair: &mut Pair, end: usize) {
        let Some(id) = pair.ids[end] else { return };
        let (stack, now) = (&mut pair.ends[end], pair.now);
        if self.written < TOTAL {
            let upto = TOTAL.min(self.written + 1 + pair.rng.below(9000) as usize);
            let data: Vec<u8> = (self.written..upto).map(|at| pattern(end, at)).collect();
            match stack.send(now, id, &data) {
                Ok(count) => self.written += count,
                Err(error) => assert_eq!(error, Error::WouldBlock),
            }
        } else if !self.shut && stack.state(id) != State::SynSent {
            stack.shutdown_send(now, id);
            self.shut = stack.state(id) > State::Established;
        }
        let mut buffer = [0; 3000];
        match stack.receive(now, id, &mut buffer[..1 + pair.rng.below(2999) as usize], false) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                let right = |(n, byte): (usize, &u8)| *byte == pattern(1 - end, self.read + n);
                assert!(buffer[..count].iter().enumerate().all(right), "wrong bytes at {}", self.read);
                self.read += count;
            }
            Err(error) => assert_eq!(error, Error::WouldBlock),
        }
    }
}

/// Both ends send everything, close, and reach CLOSED; returns how long that took.
#[track_caller]
fn converse(config: Config, seed: u64, network: Network) -> Instant {
    let mut pair = Pair::new(config, seed, network);
    let mut users = [User::default(), User::default()];
    for _ in 0..100_000 {
        let quiet = !pair.step();
        if quiet && users.iter().all(|user| user.ended) {
            break;
        }
        for (end, user) in users.iter_mut().enumerate() {
            user.act(&mut pair, end);
        }
    }
    for (end, user) in users.iter().enumerate() {
        let done = (user.written, user.read, user.ended);
        let info = pair.ids[end].and_then(|id| pair.ends[end].info(pair.now, id));
        assert_eq!(done, (TOTAL, TOTAL, true), "seed {seed}, end {end}, at {}: {info:?}", pair.now);
        let id = pair.ids[end].unwrap();
        assert_eq!(pair.ends[end].state(id), State::Closed, "seed {seed}, end {end}: {info:?}");
        assert_eq!(pair.ends[end].take_error(id), None, "seed {seed}, end {end}");
    }
    pair.now
}

#[test]
fn a_perfect_network() {
    let end = converse(Config::default(), 1, PERFECT);
    assert!(end < Instant::from_secs(242), "{end}");
}

/// A short life, so that seeds are quick, and patience, so that luck does not end a connection.
fn patient() -> Config {
    let hours = Duration::from_secs(36_000);
    Config { r2: hours, r2_syn: hours, ..Config::default() }
}

#[test]
fn a_bad_network() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let on = |bit: u64| seed >> bit & 1 == 0;
        let family = if on(3) { Family::V4 } else { Family::V6 };
        let (lost, duplicated, jitter_ms) = (rng.below(25), rng.below(20), rng.below(60));
        let opening = if seed % 5 == 0 { Opening::Both } else { Opening::Client };
        let network = Network { opening, family, lost, duplicated, jitter_ms };
        let config = Config { timestamps: on(0), sack: on(1), window_scaling: on(2), ..patient() };
        let congestion = if on(4) { CongestionAlgorithm::NewReno } else { CongestionAlgorithm::Cubic };
        let recovery = if on(5) { LossRecovery::Rfc6675 } else { LossRecovery::Rfc6582 };
        let ecn = if on(6) { EcnMode::On } else { EcnMode::Accept };
        let config = Config { congestion, recovery, ecn, ..config };
        let receive_buffer = [65_536, 3000, 200_000, 700][(seed / 16) as usize % 4];
        converse(Config { receive_buffer, ..config }, seed, network);
    }
}

#[test]
fn both_open_at_once() {
    let end = converse(Config::default(), 1, Network { opening: Opening::Both, ..PERFECT });
    assert!(end < Instant::from_secs(242), "{end}");
}

#[test]
fn a_connection_with_itself() {
    let mut stack = Connections::new(Config::default(), 1);
    let (end, now) = (SocketAddr::new(address(0, Family::V4), 80), Instant::from_secs(1));
    let id = stack.open_active(now, end, end, SocketOptions::default()).unwrap();
    let settle = |stack: &mut Connections| {
        for _ in 0..100 {
            let Some(out) = stack.take_output() else { return };
            stack.segment_arrives(now, out.src(), out.dst(), out.ecn, &out.buffer);
        }
        panic!("the stack talks to itself without end");
    };
    settle(&mut stack);
    assert_eq!(stack.state(id), State::Established);
    assert_eq!(stack.send(now, id, b"echo"), Ok(4));
    settle(&mut stack);
    let mut buffer = [0; 9];
    assert_eq!(stack.receive(now, id, &mut buffer, false), Ok(4));
    assert_eq!(&buffer[..4], b"echo");
    stack.shutdown_send(now, id);
    settle(&mut stack);
    assert_eq!(stack.state(id), State::TimeWait);
}
