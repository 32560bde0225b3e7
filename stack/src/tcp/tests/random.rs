//! Random segments and calls in every state: no panic, no flood, and in the end nothing is left.

use super::peer::{PEER, STACK};
use crate::rng::Rng;
use crate::tcp::*;
use crate::time::Instant;
use crate::wire::Buffer;
use crate::wire::tcp::{Flags, Header, Segment};
use crate::wire::tcp_options::{Options, SackBlock, Timestamps};
use core::time::Duration;
use std::collections::BTreeSet;
use std::net::SocketAddr;

struct Chaos {
    stack: Connections,
    rng: Rng,
    now: Instant,
    listener: ListenerId,
    id: Option<ConnectionId>,
    /// The last segment of the stack: what a peer would go by.
    last: Header,
    seen: BTreeSet<State>,
}

impl Chaos {
    fn new(seed: u64) -> Chaos {
        let config = Config { receive_buffer: 5000, max_time_wait: 3, ..Config::default() };
        let mut stack = Connections::new(config, seed);
        let local = SocketAddr::new(STACK, 80);
        let listener = stack.open_passive(local, 2, SocketOptions::default()).unwrap();
        let (rng, now) = (Rng::new(seed), Instant::from_secs(1));
        Chaos { stack, rng, now, listener, id: None, last: Header::default(), seen: BTreeSet::new() }
    }

    /// A segment that a peer in its right mind could send, in most of its fields.
    fn segment(&mut self) {
        let exact = |rng: &mut Rng, right: SeqNumber| match rng.below(12) {
            0 => SeqNumber(rng.next_u32()),
            1 => right - rng.below(3000),
            2 | 3 => right + rng.below(8000),
            _ => right,
        };
        let rng = &mut self.rng;
        let likely = [
            Flags::ACK,
            Flags::ACK,
            Flags::ACK,
            Flags::ACK,
            Flags::SYN,
            Flags::SYN | Flags::ACK,
            Flags::FIN | Flags::ACK,
            Flags::ACK | Flags::URG,
        ];
        let flags = match rng.below(60) {
            0 => Flags(rng.next_u16() as u8),
            1 => Flags::RST,
            n => likely[n as usize % likely.len()],
        };
        let answer =
            self.last.seq + u32::from(self.last.has(Flags::SYN)) + u32::from(self.last.has(Flags::FIN));
        let header = Header {
            source_port: 4000 + rng.below(2) as u16,
            destination_port: 80 + (rng.below(20) == 0) as u16,
            seq: exact(rng, self.last.ack),
            ack: exact(rng, answer),
            flags,
            wnd: [0, 1, 500, 60_000][rng.below(4) as usize],
            up: rng.next_u16(),
            options: random_options(rng, self.last.options.timestamps),
        };
        let payload = vec![7; [0, 0, 0, 1, 1000, 6000][rng.below(6) as usize]];
        let mut buffer = Buffer::with_payload(&payload);
        header.emit(PEER, STACK, &mut buffer);
        self.stack.segment_arrives(self.now, PEER, STACK, 0, &buffer);
    }

    fn call(&mut self) {
        let Some(id) = self.id else {
            self.id = self.stack.accept(self.listener);
            if self.id.is_none() && self.rng.below(4) == 0 {
                let (local, remote) = (SocketAddr::new(STACK, 80), SocketAddr::new(PEER, 4000));
                self.id = self.stack.open_active(self.now, local, remote, SocketOptions::default()).ok();
            }
            return;
        };
        self.seen.insert(self.stack.state(id));
        match self.rng.below(40) {
            0..10 => drop(self.stack.send(self.now, id, &[9; 3000])),
            10..20 => drop(self.stack.receive(self.now, id, &mut [0; 900], false)),
            20..22 => self.stack.shutdown_send(self.now, id),
            22 => {
                self.stack.close(self.now, id);
                self.id = None;
            }
            23 if self.rng.below(4) == 0 => {
                self.stack.abort(self.now, id);
                self.id = None;
            }
            _ => {}
        }
    }

    fn time(&mut self) {
        if self.rng.below(10) == 0 {
            self.now += Duration::from_millis(u64::from(self.rng.below(3000)));
        }
        self.stack.poll(self.now);
        let mut count = 0;
        while let Some(out) = self.stack.take_output() {
            let segment = Segment::parse(&out.buffer).unwrap();
            assert!(segment.payload.len() <= 1460);
            self.last = segment.header;
            count += 1;
        }
        assert!(count < 1000, "{count} segments at once");
        assert!(self.stack.next_deadline().is_none_or(|at| at > self.now), "a deadline that never passes");
    }
}

fn random_options(rng: &mut Rng, timestamps: Option<Timestamps>) -> Options {
    let mut options = Options::default();
    if rng.below(3) == 0 {
        options.mss = Some([0, 1, 536, 65_535][rng.below(4) as usize]);
        options.window_scale = Some(rng.below(20) as u8);
        options.sack_permitted = true;
    }
    if rng.below(10) > 0 {
        let tsecr = timestamps.map_or(rng.next_u32(), |timestamps| timestamps.tsval);
        options.timestamps = Some(Timestamps { tsval: 1000 + rng.below(3), tsecr });
    } else if options.mss.is_none() {
        let block = SackBlock { left: SeqNumber(rng.next_u32()), right: SeqNumber(rng.next_u32()) };
        options.sack.push(block);
    }
    options
}

#[test]
fn random_segments_into_every_state() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..600 {
            chaos.segment();
            chaos.call();
            chaos.time();
        }
        if let Some(id) = chaos.id.take() {
            chaos.stack.close(chaos.now, id);
        }
        chaos.stack.close_listener(chaos.now, chaos.listener);
        for _ in 0..1000 {
            chaos.time();
            let Some(at) = chaos.stack.next_deadline() else { break };
            chaos.now = at;
        }
        assert_eq!(chaos.stack.slab.len(), 0, "seed {seed}: connections are left");
        seen.append(&mut chaos.seen);
    }
    let missing: Vec<State> = State::ALL.into_iter().filter(|state| !seen.contains(state)).collect();
    assert_eq!(missing, [State::Listen], "states that were never reached");
}
