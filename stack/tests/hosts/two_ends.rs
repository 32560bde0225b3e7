//! Two hosts over a network that loses, doubles, reorders, delays and corrupts what they send, whatever is drawn: the bytes
//! are right and complete or both sides learn of the error, both ends reach CLOSED, and nobody floods.
//!
//! `PROPTEST_CASES` says how many networks are drawn; a failure shrinks and prints what was drawn, its seed included.

use crate::common::{Pair, address, config};
use crate::sockets::connected;
use proptest::prelude::*;
use stack::config::Medium;
use stack::rng::Rng;
use stack::socket::{Call, CallId, Domain, Errno, How, Kind, Outcome, Value, flags};
use stack::tcp::{CongestionAlgorithm, LossRecovery};
use stack::{Host, Instant};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a network does to a frame, in per cent, and the most that it delays one.
#[derive(Clone, Copy, Debug)]
struct Weather {
    lost: u32,
    doubled: u32,
    corrupted: u32,
    delay_ms: u32,
}

/// One end: what it sends, and how it is set.
#[derive(Clone, Debug)]
struct End {
    bytes: usize,
    /// Whether it closes its direction as soon as it has sent everything, or only once it has received everything.
    closes_first: bool,
    congestion: CongestionAlgorithm,
    recovery: LossRecovery,
    sack: bool,
    timestamps: bool,
    receive_buffer: usize,
    mtu: u16,
}

#[derive(Clone, Debug)]
struct World {
    seed: u64,
    ipv6: bool,
    weather: Weather,
    ends: [End; 2],
}

fn end() -> impl Strategy<Value = End> {
    let congestion = prop_oneof![Just(CongestionAlgorithm::NewReno), Just(CongestionAlgorithm::Cubic)];
    let recovery =
        prop_oneof![Just(LossRecovery::Rfc6582), Just(LossRecovery::Rfc6675), Just(LossRecovery::Rack)];
    let buffer = prop_oneof![Just(65_536_usize), 500_usize..5_000, Just(300_000)];
    let mtu = prop_oneof![Just(1500_u16), 1280_u16..1500];
    (0_usize..60_000, any::<bool>(), congestion, recovery, any::<bool>(), any::<bool>(), buffer, mtu)
        .prop_map(|(bytes, closes_first, congestion, recovery, sack, timestamps, receive_buffer, mtu)| End {
            bytes,
            closes_first,
            congestion,
            recovery,
            sack,
            timestamps,
            receive_buffer,
            mtu,
        })
}

fn world() -> impl Strategy<Value = World> {
    let weather = (0_u32..30, 0_u32..20, 0_u32..5, 0_u32..300)
        .prop_map(|(lost, doubled, corrupted, delay_ms)| Weather { lost, doubled, corrupted, delay_ms });
    (any::<u64>(), any::<bool>(), weather, [end(), end()]).prop_map(|(seed, ipv6, weather, mut ends)| {
        // If each waits for the other, neither ever closes.
        ends[0].closes_first |= !ends[1].closes_first;
        World { seed, ipv6, weather, ends }
    })
}

/// The program at one end.
struct Program {
    fd: Option<i32>,
    listener: Option<i32>,
    /// The connect or accept under way.
    opening: Option<CallId>,
    to_send: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    /// The peer's direction has ended.
    ended: bool,
    shut: bool,
    error: Option<Errno>,
    closes_first: bool,
}

/// Frames on their way, by when they arrive and in which order they were sent.
struct Network {
    weather: Weather,
    rng: Rng,
    frames: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    carried: u64,
}

impl Network {
    fn send(&mut self, now: Instant, to: usize, frame: &[u8]) {
        let Weather { lost, doubled, corrupted, delay_ms } = self.weather;
        self.carried += 1;
        if self.rng.below(100) < lost {
            return;
        }
        let copies = if self.rng.below(100) < doubled { 2 } else { 1 };
        for copy in 0..copies {
            let mut frame = frame.to_vec();
            if self.rng.below(100) < corrupted {
                let at = self.rng.below(frame.len() as u32) as usize;
                frame[at] ^= 1 << self.rng.below(8);
            }
            let delay = Duration::from_millis(1 + u64::from(self.rng.below(delay_ms + 1)));
            self.frames.insert((now + delay, self.carried * 2 + copy), (to, frame));
        }
    }
}

struct Simulation {
    now: Instant,
    hosts: [Host; 2],
    programs: [Program; 2],
    network: Network,
}

/// What an end sends: a pattern of its own, whose period is prime.
fn pattern(end: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (end as u8 * 0x80)).collect()
}

impl Simulation {
    fn new(world: &World) -> Simulation {
        let hosts = [0, 1].map(|n| {
            let end = &world.ends[n];
            let mut config = config(n as u8 + 1, Medium::Ip, end.mtu);
            config.seed = world.seed ^ n as u64;
            config.tcp.congestion = end.congestion;
            config.tcp.recovery = end.recovery;
            config.tcp.sack = end.sack;
            config.tcp.timestamps = end.timestamps;
            config.tcp.receive_buffer = end.receive_buffer;
            Host::new(config)
        });
        let programs = [0, 1].map(|n| Program {
            fd: None,
            listener: None,
            opening: None,
            to_send: pattern(n, world.ends[n].bytes),
            sent: 0,
            received: Vec::new(),
            ended: false,
            shut: false,
            error: None,
            closes_first: world.ends[n].closes_first,
        });
        let network = Network {
            weather: world.weather,
            rng: Rng::new(world.seed),
            frames: BTreeMap::new(),
            carried: 0,
        };
        let mut new = Simulation { now: Instant::from_secs(1), hosts, programs, network };
        new.open(world.ipv6);
        new
    }

    fn open(&mut self, ipv6: bool) {
        let (domain, any, remote) = match ipv6 {
            false => (Domain::Inet, "0.0.0.0:80", "192.0.2.2:80"),
            true => (Domain::Inet6, "[::]:80", "[2001:db8::2]:80"),
        };
        let fds = [0, 1].map(|n| {
            let call = Call::Socket { domain, kind: Kind::Stream, nonblocking: false };
            match self.call(n, call) {
                Some(Ok(Value::Descriptor(fd))) => fd,
                other => panic!("socket: {other:?}"),
            }
        });
        // A peer that is gone for good is noticed by keep-alives alone, where there is nothing to send.
        for (n, fd) in fds.into_iter().enumerate() {
            let one = 1_i32.to_ne_bytes().to_vec();
            let (sol_socket, so_keepalive) = (1, 9);
            let set = Call::Setsockopt { fd, level: sol_socket, name: so_keepalive, value: one };
            assert_eq!(self.call(n, set), Some(Ok(Value::Done)));
        }
        assert_eq!(self.call(1, Call::Bind { fd: fds[1], address: address(any) }), Some(Ok(Value::Done)));
        assert_eq!(self.call(1, Call::Listen { fd: fds[1], backlog: 1 }), Some(Ok(Value::Done)));
        self.programs[1].listener = Some(fds[1]);
        let accept = Call::Accept { fd: fds[1], nonblocking: false };
        self.programs[1].opening = Some(self.hosts[1].submit(self.now, accept));
        self.programs[0].fd = Some(fds[0]);
        let connect = Call::Connect { fd: fds[0], address: address(remote) };
        self.programs[0].opening = Some(self.hosts[0].submit(self.now, connect));
    }

    /// The outcome of a call that ends at once.
    fn call(&mut self, host: usize, call: Call) -> Option<Outcome> {
        let id = self.hosts[host].submit(self.now, call);
        let done = self.hosts[host].completions();
        let mut own = None;
        for (done, _, outcome) in done {
            match done == id {
                true => own = Some(outcome),
                false => self.completed(host, done, outcome),
            }
        }
        own
    }

    fn completed(&mut self, host: usize, id: CallId, outcome: Outcome) {
        let program = &mut self.programs[host];
        if program.opening != Some(id) {
            return;
        }
        program.opening = None;
        match outcome {
            Ok(Value::Accepted(fd, _)) => program.fd = Some(fd),
            Ok(_) => {}
            Err(errno) => program.error = Some(errno),
        }
    }

    /// The program does what it can: receive, send, shut down, close.
    fn program(&mut self, n: usize) {
        for (id, _, outcome) in self.hosts[n].completions() {
            self.completed(n, id, outcome);
        }
        let Some(fd) = self.programs[n].fd.filter(|_| self.programs[n].opening.is_none()) else { return };
        while !self.programs[n].ended && self.programs[n].error.is_none() {
            match self.call(n, Call::Receive { fd, room: 10_000, flags: flags::MSG_DONTWAIT }) {
                Some(Ok(Value::Received(got))) if got.data.is_empty() => self.programs[n].ended = true,
                Some(Ok(Value::Received(got))) => self.programs[n].received.extend(got.data),
                Some(Err(Errno::EAGAIN)) => break,
                Some(Err(errno)) => self.programs[n].error = Some(errno),
                other => panic!("receive: {other:?}"),
            }
        }
        while self.programs[n].sent < self.programs[n].to_send.len() && self.programs[n].error.is_none() {
            let data = self.programs[n].to_send[self.programs[n].sent..].to_vec();
            match self.call(n, Call::Send { fd, data, to: None, flags: flags::MSG_DONTWAIT }) {
                Some(Ok(Value::Sent(count))) => self.programs[n].sent += count,
                Some(Err(Errno::EAGAIN)) => break,
                Some(Err(errno)) => self.programs[n].error = Some(errno),
                other => panic!("send: {other:?}"),
            }
        }
        self.finish(n, fd);
    }

    fn finish(&mut self, n: usize, fd: i32) {
        let program = &mut self.programs[n];
        let sent = program.sent == program.to_send.len();
        if sent && !program.shut && program.error.is_none() && (program.closes_first || program.ended) {
            program.shut = true;
            if let Some(Err(errno)) = self.call(n, Call::Shutdown { fd, how: How::Write }) {
                self.programs[n].error = Some(errno);
            }
        }
        // Who closes no longer learns what becomes of what it sent: so it waits until that is known.
        if self.programs[n].shut && self.programs[n].ended && self.is_over(n, fd) {
            self.programs[n].fd = None;
        }
        if self.programs[n].error.is_some() {
            self.programs[n].fd = None;
        }
        if self.programs[n].fd.is_none() {
            self.call(n, Call::Close { fd });
        }
    }

    /// Whether the connection has come to its end, and if with an error, which.
    fn is_over(&mut self, n: usize, fd: i32) -> bool {
        const IPPROTO_TCP: i32 = 6;
        const TCP_INFO: i32 = 11;
        const TIME_WAIT: u8 = 6;
        const CLOSE: u8 = 7;
        let call = Call::Getsockopt { fd, level: IPPROTO_TCP, name: TCP_INFO, length: 1 };
        let Some(Ok(Value::Option(info))) = self.call(n, call) else { panic!("TCP_INFO") };
        if info[0] == CLOSE
            && let Some(Err(errno)) = self.call(n, Call::Receive { fd, room: 1, flags: flags::MSG_DONTWAIT })
        {
            self.programs[n].error = Some(errno);
        }
        matches!(info[0], TIME_WAIT | CLOSE)
    }

    /// Plays until nothing is under way. Gives how many frames there were.
    fn play(&mut self) -> u64 {
        let end = self.now + Duration::from_secs(24 * 3600);
        loop {
            for n in 0..2 {
                self.program(n);
                while let Some((_, frame)) = self.hosts[n].transmit() {
                    self.network.send(self.now, 1 - n, &frame);
                }
            }
            // Nobody will come any more: the connection that was to be accepted has failed at its other end.
            if self.programs[0].error.is_some()
                && self.programs[1].fd.is_none()
                && let Some(fd) = self.programs[1].listener.take()
            {
                self.call(1, Call::Close { fd });
            }
            if self.programs[1].fd.is_some()
                && let Some(fd) = self.programs[1].listener.take()
            {
                self.call(1, Call::Close { fd });
            }
            let frame = self.network.frames.keys().next().map(|(at, _)| *at);
            let deadlines = self.hosts.iter().filter_map(Host::next_deadline);
            let Some(next) = deadlines.chain(frame).min() else { return self.network.carried };
            self.now = self.now.max(next);
            assert!(self.now < end, "something goes on for ever");
            while let Some(entry) = self.network.frames.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, frame) = entry.remove();
                self.hosts[to].receive(self.now, 0, &frame);
            }
            self.hosts.iter_mut().for_each(|host| host.poll(self.now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_bytes_arrive_or_both_learn_why_not(world in world()) {
        let mut simulation = Simulation::new(&world);
        let frames = simulation.play();
        let [a, b] = &simulation.programs;
        for (from, to) in [(a, b), (b, a)] {
            prop_assert!(from.to_send.starts_with(&to.received), "bytes that were not sent");
        }
        let complete = a.to_send == b.received && b.to_send == a.received;
        let both = a.error.is_some() && (b.error.is_some() || b.listener.is_some() || b.opening.is_some());
        prop_assert!(complete || both, "{:?} {:?}: {} of {} and {} of {} bytes", a.error, b.error,
            b.received.len(), a.to_send.len(), a.received.len(), b.to_send.len());
        let segments = (a.to_send.len() + b.to_send.len()) as u64 / 400;
        prop_assert!(frames < 400 + 40 * segments, "{frames} frames for {segments} segments of 400 bytes");
    }
}

/// More than half of the sequence numbers: what was noted at the beginning of the stream, and never since, must not seem to
/// lie ahead.
#[test]
fn a_stream_may_be_longer_than_half_of_the_circle() {
    let mut pair = Pair::with(config(1, Medium::Ip, 16_000), config(2, Medium::Ip, 16_000));
    let (client, server) = connected(&mut pair, Domain::Inet, "0.0.0.0:80", "192.0.2.2:80");
    let data = vec![7; 1 << 16];
    let (mut sent, mut received) = (0, 0);
    while received < (1 << 31) + (1 << 20) {
        let call = Call::Send { fd: client, data: data.clone(), to: None, flags: flags::MSG_DONTWAIT };
        if let Ok(Value::Sent(count)) = pair.call(0, call) {
            sent += count;
        }
        let got = match pair.receive(1, server) {
            Ok(Value::Received(got)) => got.data.len(),
            _ => 0,
        };
        received += got;
        pair.frames.clear();
        if got == 0 {
            pair.run(Duration::from_millis(500));
            assert!(pair.now < Instant::from_secs(600), "nothing moves after {received} of {sent} bytes");
        }
    }
}
