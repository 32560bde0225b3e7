//! A scripted peer. Segments are written as tcpdump shows them, numbers relative to each side's ISN:
//! `P. 1:11(10) ack 1 win 1000 urg 5 <mss 1460,wscale 7,sackOK,ts 5 7>`.

use crate::tcp::*;
use crate::time::Instant;
use crate::wire::Buffer;
use crate::wire::tcp::{Flags, Header, Segment, checksum_is_right};
use crate::wire::tcp_options::{Options, SackBlock, SackBlocks, Timestamps};
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub(super) const STACK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(super) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const STACK_PORT: u16 = 80;

/// The peer's ISN: its stream crosses zero after a few bytes.
const PEER_ISN: SeqNumber = SeqNumber(u32::MAX - 5);

/// No options in any SYN but MSS: what most conversations need.
pub(super) fn plain() -> Config {
    Config { window_scaling: false, timestamps: false, sack: false, ..Config::default() }
}

/// The stack under test, the one connection that the conversation is about, and the time.
pub(super) struct Peer {
    pub(super) stack: Connections,
    pub(super) now: Instant,
    pub(super) listener: Option<ListenerId>,
    pub(super) id: Option<ConnectionId>,
    pub(super) port: u16,
    /// The stack's ISN, from its last SYN.
    base: SeqNumber,
    /// The last TSval that the stack sent.
    pub(super) last_tsval: u32,
    /// The ECN field of what the peer sends, and of what the stack sent last.
    pub(super) ecn: u8,
    pub(super) last_ecn: u8,
}

impl Peer {
    /// A stack that does nothing yet.
    pub(super) fn new(config: Config) -> Peer {
        let stack = Connections::new(config, 1);
        let now = Instant::from_secs(1);
        Peer {
            stack,
            now,
            listener: None,
            id: None,
            port: 4000,
            base: SeqNumber(0),
            last_tsval: 0,
            ecn: 0,
            last_ecn: 0,
        }
    }

    /// A stack that listens.
    pub(super) fn listening(config: Config) -> Peer {
        let mut peer = Peer::new(config);
        let local = SocketAddr::new(STACK, STACK_PORT);
        peer.listener = Some(peer.stack.open_passive(local, 5, SocketOptions::default()).unwrap());
        peer
    }

    /// A stack that has sent its SYN.
    pub(super) fn connecting(config: Config) -> Peer {
        let mut peer = Peer::new(config);
        let (local, remote) = (SocketAddr::new(STACK, STACK_PORT), SocketAddr::new(PEER, peer.port));
        peer.id = Some(peer.stack.open_active(peer.now, local, remote, SocketOptions::default()).unwrap());
        peer.expect("S 0:0(0) win");
        peer
    }

    /// An accepted connection, peer's window 10000 and MSS 1000.
    pub(super) fn established(config: Config) -> Peer {
        let mut peer = Peer::listening(config);
        peer.send("S 0:0(0) win 10000 <mss 1000>");
        peer.expect("S. 0:0(0) ack 1");
        peer.send(". 1:1(0) ack 1 win 10000");
        peer.accept();
        peer.silent();
        peer
    }

    /// Takes the connection from the listener.
    pub(super) fn accept(&mut self) {
        self.id = self.listener.and_then(|listener| self.stack.accept(listener));
        assert!(self.id.is_some(), "nothing to accept");
    }

    #[track_caller]
    pub(super) fn id(&self) -> ConnectionId {
        self.id.expect("no connection")
    }

    /// The peer sends a segment.
    #[track_caller]
    pub(super) fn send(&mut self, text: &str) {
        let (mut header, len) = parse(text);
        header.source_port = self.port;
        header.destination_port = STACK_PORT;
        let first = header.seq.0;
        header.seq = PEER_ISN + header.seq.0;
        header.ack = if header.has(Flags::ACK) { self.base + header.ack.0 } else { SeqNumber(0) };
        let blocks = header.options.sack;
        header.options.sack = SackBlocks::default();
        for SackBlock { left, right } in blocks.as_slice() {
            header.options.sack.push(SackBlock { left: self.base + left.0, right: self.base + right.0 });
        }
        let payload: Vec<u8> = (0..len).map(|n| (first.wrapping_add(n)) as u8).collect();
        let mut buffer = Buffer::with_payload(&payload);
        header.emit(PEER, STACK, &mut buffer);
        self.stack.segment_arrives(self.now, PEER, STACK, self.ecn, &buffer);
    }

    /// What the stack sends next, as text; its payload is checked to be the pattern.
    #[track_caller]
    pub(super) fn next(&mut self) -> Option<String> {
        let out = self.stack.take_output()?;
        assert_eq!((out.src(), out.dst()), (STACK, PEER));
        self.last_ecn = out.ecn;
        assert!(checksum_is_right(out.src(), out.dst(), &out.buffer));
        let segment = Segment::parse(&out.buffer).unwrap();
        if segment.has(Flags::SYN) {
            self.base = segment.seq;
        }
        self.last_tsval = segment.options.timestamps.map_or(self.last_tsval, |ts| ts.tsval);
        let rst_without_base = segment.has(Flags::RST | Flags::ACK);
        let base = if rst_without_base { SeqNumber(0) } else { self.base };
        let first = segment.seq.since(base);
        let right = |(n, byte): (usize, &u8)| *byte == (first as usize + n) as u8;
        assert!(segment.payload.iter().enumerate().all(right), "wrong bytes in {segment:?}");
        Some(show(&segment, base))
    }

    /// The stack sends a segment that begins so, now.
    #[track_caller]
    pub(super) fn expect(&mut self, expected: &str) {
        let found = self.next().unwrap_or_else(|| panic!("{}: nothing instead of {expected}", self.now));
        assert!(
            format!("{found} ").starts_with(&format!("{expected} ")),
            "{}: {found}\nnot {expected}",
            self.now
        );
    }

    /// The stack sends nothing more now.
    #[track_caller]
    pub(super) fn silent(&mut self) {
        if let Some(found) = self.next() {
            panic!("{}: {found}\nnot silence", self.now);
        }
    }

    /// Time passes, without anything being sent.
    #[track_caller]
    pub(super) fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(at) = self.stack.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.stack.poll(self.now);
            self.silent();
        }
        self.now = until;
    }

    /// Time passes until the stack does something; the milliseconds that took.
    #[track_caller]
    pub(super) fn wait_for(&mut self, expected: &str) -> u64 {
        let start = self.now;
        for _ in 0..100 {
            let at =
                self.stack.next_deadline().unwrap_or_else(|| panic!("nothing will happen, not {expected}"));
            self.now = self.now.max(at);
            self.stack.poll(self.now);
            if self.stack.next_deadline().is_none() || self.stack.has_output() {
                break;
            }
        }
        self.expect(expected);
        self.now.saturating_since(start).as_millis() as u64
    }

    /// The user writes bytes of the pattern, which the stream of `sent` bytes so far continues.
    #[track_caller]
    pub(super) fn write(&mut self, first: u32, len: u32) -> Result<usize, Error> {
        let data: Vec<u8> = (first..first + len).map(|n| n as u8).collect();
        self.stack.send(self.now, self.id(), &data)
    }

    /// The user reads up to `max` bytes of the pattern from `first` on; how many there were.
    #[track_caller]
    pub(super) fn read(&mut self, first: u32, max: usize) -> Result<usize, Error> {
        let mut buffer = vec![0; max];
        let id = self.id();
        let count = self.stack.receive(self.now, id, &mut buffer, false)?;
        let right = |(n, byte): (usize, &u8)| *byte == (first as usize + n) as u8;
        assert!(buffer[..count].iter().enumerate().all(right), "wrong bytes were read");
        Ok(count)
    }

    #[track_caller]
    pub(super) fn shutdown(&mut self) {
        self.stack.shutdown_send(self.now, self.id());
    }

    #[track_caller]
    pub(super) fn close(&mut self) {
        self.stack.close(self.now, self.id());
    }

    #[track_caller]
    pub(super) fn state(&self, state: State) {
        assert_eq!(self.stack.state(self.id()), state);
    }

    #[track_caller]
    pub(super) fn info(&self) -> Info {
        self.stack.info(self.now, self.id()).expect("no connection")
    }

    pub(super) fn set(&mut self, options: SocketOptions) {
        let id = self.id();
        self.stack.set_options(self.now, id, options);
    }

    /// The stack's sequence number that is `offset` after its ISN.
    pub(super) fn stack_seq(&self, offset: u32) -> SeqNumber {
        self.base + offset
    }
}

fn show(segment: &Segment<'_>, base: SeqNumber) -> String {
    let first = segment.seq.since(base);
    let len = segment.payload.len() as u32;
    let mut text = format!("{:?} {first}:{}({len})", segment.flags, first.wrapping_add(len));
    if segment.has(Flags::ACK) {
        text += &format!(" ack {}", segment.ack.since(PEER_ISN));
    }
    text += &format!(" win {}", segment.wnd);
    if segment.has(Flags::URG) {
        text += &format!(" urg {}", segment.up);
    }
    let mut options = Vec::new();
    options.extend(segment.options.mss.map(|mss| format!("mss {mss}")));
    options.extend(segment.options.window_scale.map(|shift| format!("wscale {shift}")));
    options.extend(segment.options.sack_permitted.then(|| "sackOK".to_string()));
    options.extend(segment.options.timestamps.map(|ts| format!("ts {}", ts.tsecr)));
    for SackBlock { left, right } in segment.options.sack.as_slice() {
        options.push(format!("sack {}:{}", left.since(PEER_ISN), right.since(PEER_ISN)));
    }
    if !options.is_empty() {
        text += &format!(" <{}>", options.join(","));
    }
    text
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn parse(text: &str) -> (Header, u32) {
    let (text, options) = text.split_once('<').unwrap_or((text, ""));
    let mut words = text.split_whitespace();
    let flags = words.next().expect("no flags");
    let (range, len) =
        words.next().and_then(|range| range.trim_end_matches(')').split_once('(')).expect("no range");
    let first = range.split_once(':').expect("no colon").0;
    let mut header = Header { flags: parse_flags(flags), wnd: 10_000, ..Header::default() };
    header.seq = SeqNumber(number(first));
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            "ack" => header.ack = SeqNumber(number(value)),
            "win" => header.wnd = number(value) as u16,
            "urg" => header.up = number(value) as u16,
            _ => panic!("{name}"),
        }
    }
    header.options = parse_options(options.trim_end_matches('>'));
    (header, number(len))
}

fn parse_flags(text: &str) -> Flags {
    const LETTERS: [(char, Flags); 8] = [
        ('E', Flags::ECE),
        ('W', Flags::CWR),
        ('F', Flags::FIN),
        ('S', Flags::SYN),
        ('R', Flags::RST),
        ('P', Flags::PSH),
        ('U', Flags::URG),
        ('.', Flags::ACK),
    ];
    let bit = |letter| LETTERS.iter().find(|(l, _)| *l == letter).map_or(Flags::default(), |(_, flag)| *flag);
    text.chars().fold(Flags::default(), |flags, letter| flags | bit(letter))
}

fn parse_options(text: &str) -> Options {
    let mut options = Options::default();
    for option in text.split(',').filter(|option| !option.is_empty()) {
        match option.split_whitespace().collect::<Vec<_>>()[..] {
            ["mss", mss] => options.mss = Some(number(mss) as u16),
            ["wscale", shift] => options.window_scale = Some(number(shift) as u8),
            // Both numbers relative to the stack's ISN, whose base `send` adds.
            ["sack", range] => {
                let (left, right) = range.split_once(':').expect("no colon");
                let block = SackBlock { left: SeqNumber(number(left)), right: SeqNumber(number(right)) };
                assert!(options.sack.push(block), "too many blocks");
            }
            ["sackOK"] => options.sack_permitted = true,
            ["ts", tsval, tsecr] => {
                options.timestamps = Some(Timestamps { tsval: number(tsval), tsecr: number(tsecr) });
            }
            _ => panic!("{option}"),
        }
    }
    options
}
