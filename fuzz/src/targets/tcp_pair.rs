//! Two stacks on one link that loses, doubles and delays: what one end writes the other reads, neither end talks for ever,
//! and both come to an end.

use crate::machine::with_stack;
use harness::packet::pattern;
use harness::scenario::operation::Version;
use harness::scenario::setup;
use harness::sut::{
    Call, Errno, Event, InterfaceId, Outcome, Output, Refusal, SocketAddress, StackUnderTest,
};
use stack::Instant;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes of a record: what, two numbers, a pause.
const STRIDE: usize = 4;
const MOST_RECORDS: usize = 64;
/// One way, where nothing happens to a frame.
const LATENCY: Duration = Duration::from_millis(5);
/// More frames than this are a storm: no scenario has more than some hundred segments of text.
const STORM: usize = 6000;
/// So many losses in a row are no reason to give up (RFC 9293 MUST-20 and MUST-21).
const MOST_LOSSES: u32 = 3;
/// Longer than what is left of any exchange, and a TIME-WAIT.
const END: Duration = Duration::from_secs(1200);

const AF_INET: i32 = 2;
const STREAM: i32 = 1;
const NONBLOCK: i32 = 0o4000;
const DONTWAIT: i32 = 0x40;
const NOSIGNAL: i32 = 0x4000;
const SHUT_WR: i32 = 1;
const PORT: u16 = 8080;

/// `data` is records of 4 bytes: an event, two numbers, and milliseconds until the next. Both ends are the reference stack.
///
/// # Panics
/// At a finding.
pub fn tcp_pair(data: &[u8]) {
    on("tcp_machine", "tcp_machine_linux", data);
}

/// The same between the reference stack and smoltcp.
///
/// # Panics
/// At a finding.
pub fn tcp_pair_smoltcp(data: &[u8]) {
    on("tcp_machine", "tcp_machine_smoltcp", data);
}

fn on(first: &str, second: &str, data: &[u8]) {
    with_stack(first, |first| {
        with_stack(second, |second| {
            let played = Pair::new(first, second).and_then(|mut pair| pair.play(data));
            played.unwrap_or_else(|refusal| panic!("the stacks cannot be used: {refusal}"));
        })
    });
}

/// One end.
struct End<'a> {
    stack: &'a mut dyn StackUnderTest,
    connection: i32,
    /// Bytes of the pattern that were written and read.
    written: u32,
    read: u32,
    is_shut: bool,
    /// The other end has ended its stream.
    has_end: bool,
}

/// What happens to the next frame on its way.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Lost,
    Doubled,
    Late(Duration),
}

struct Pair<'a> {
    ends: [End<'a>; 2],
    now: Instant,
    /// Frames under way: when they arrive, where, and in which order they left.
    link: Vec<(Instant, usize, u64, Vec<u8>)>,
    fates: [VecDeque<Fate>; 2],
    losses: [u32; 2],
    frames: usize,
}

impl<'a> Pair<'a> {
    fn new(
        first: &'a mut dyn StackUnderTest,
        second: &'a mut dyn StackUnderTest,
    ) -> Result<Pair<'a>, Refusal> {
        let ends = [first, second].map(|stack| End {
            stack,
            connection: 0,
            written: 0,
            read: 0,
            is_shut: false,
            has_end: false,
        });
        let mut pair = Pair {
            ends,
            now: Instant::ZERO,
            link: Vec::new(),
            fates: Default::default(),
            losses: [0; 2],
            frames: 0,
        };
        pair.open()?;
        Ok(pair)
    }

    /// Connects both ends over a link without faults.
    fn open(&mut self) -> Result<(), Refusal> {
        for (at, end) in self.ends.iter_mut().enumerate() {
            let mut setup = setup(Version::V4);
            setup.interfaces[0].addresses[0].address = [192, 0, 2, at as u8 + 1].into();
            setup.seed = at as u64 + 1;
            end.stack.start(&setup)?;
        }
        let address = SocketAddress::Ip(SocketAddr::from(([192, 0, 2, 2], PORT)));
        let socket = || Call::Socket { domain: AF_INET, kind: STREAM | NONBLOCK, protocol: 6 };
        let listener = self.number(1, socket())?;
        self.number(1, Call::Bind { fd: listener, address: address.clone() })?;
        self.number(1, Call::Listen { fd: listener, backlog: 1 })?;
        self.ends[0].connection = self.number(0, socket())?;
        let fd = self.ends[0].connection;
        self.call(0, Call::Connect { fd, address })?;
        self.run(Duration::from_secs(1))?;
        self.ends[1].connection = self.number(1, Call::Accept { fd: listener })?;
        let fd = self.ends[1].connection;
        self.call(1, Call::Fcntl { fd, command: 4, argument: NONBLOCK.into() })?;
        Ok(())
    }

    fn play(&mut self, data: &[u8]) -> Result<(), Refusal> {
        for record in data.chunks_exact(STRIDE).take(MOST_RECORDS) {
            let end = usize::from(record[0] >> 3 & 1);
            match record[0] % 8 {
                0..=2 => self.write(end, 1 + u32::from(record[1]) * (1 + u32::from(record[2]) % 8))?,
                3 | 4 => self.read(end, 1 + usize::from(record[1]) * 64)?,
                5 if record[1] == 0xff => self.shut(end)?,
                5 | 6 => self.fates[end].push_back(match record[1] % 4 {
                    0 | 1 => Fate::Lost,
                    2 => Fate::Doubled,
                    _ => Fate::Late(Duration::from_millis(u64::from(record[2]) * 8)),
                }),
                _ => self.run(Duration::from_millis(u64::from(record[1]) * 40))?,
            }
            self.run(Duration::from_millis(record[3].into()))?;
        }
        self.finish()
    }

    /// On a link without faults everything arrives, and both ends are done.
    fn finish(&mut self) -> Result<(), Refusal> {
        self.fates = Default::default();
        for _ in 0..64 {
            for end in 0..2 {
                self.read(end, 65_536)?;
            }
            self.run(Duration::from_secs(5))?;
        }
        for end in 0..2 {
            self.shut(end)?;
        }
        self.run(Duration::from_secs(60))?;
        for end in 0..2 {
            self.read(end, 65_536)?;
            self.read(end, 1)?;
        }
        for (end, other) in [(0, 1), (1, 0)] {
            let (mine, theirs) = (&self.ends[end], &self.ends[other]);
            assert_eq!(mine.read, theirs.written, "bytes read at end {end}, and written at end {other}");
            assert!(mine.has_end, "end {end} never learns that the stream is over");
        }
        let before = self.frames;
        self.run(END)?;
        assert!(self.frames - before < 100, "{} frames after the end", self.frames - before);
        Ok(())
    }

    fn write(&mut self, end: usize, length: u32) -> Result<(), Refusal> {
        let mine = &self.ends[end];
        if mine.is_shut {
            return Ok(());
        }
        let (fd, data) = (mine.connection, pattern::bytes(mine.written, length as usize));
        let outcome = self.call(end, Call::Send { fd, data, flags: DONTWAIT | NOSIGNAL })?;
        match outcome.result {
            Ok(count) => self.ends[end].written += u32::try_from(count).unwrap_or(0),
            Err(errno) => assert_eq!(errno.to_string(), "EAGAIN", "writing at end {end}"),
        }
        Ok(())
    }

    fn read(&mut self, end: usize, count: usize) -> Result<(), Refusal> {
        let fd = self.ends[end].connection;
        let outcome = self.call(end, Call::Recv { fd, count, flags: DONTWAIT })?;
        let mine = &mut self.ends[end];
        match (outcome.result, outcome.output) {
            (Ok(0), _) => mine.has_end = true,
            (Ok(_), Output::Data(data)) => {
                assert!(!mine.has_end, "end {end} reads behind the end of the stream");
                assert_eq!(
                    data,
                    pattern::bytes(mine.read, data.len()),
                    "what end {end} reads from {} on",
                    mine.read
                );
                mine.read += data.len() as u32;
            }
            (Err(errno), _) => assert_eq!(errno.to_string(), "EAGAIN", "reading at end {end}"),
            (Ok(_), other) => panic!("recv gives {other:?}"),
        }
        Ok(())
    }

    fn shut(&mut self, end: usize) -> Result<(), Refusal> {
        if !std::mem::replace(&mut self.ends[end].is_shut, true) {
            let fd = self.ends[end].connection;
            let outcome = self.call(end, Call::Shutdown { fd, how: SHUT_WR })?;
            assert_eq!(outcome.result, Ok(0), "shutdown at end {end}");
        }
        Ok(())
    }

    /// A call that must succeed.
    fn number(&mut self, end: usize, call: Call) -> Result<i32, Refusal> {
        let result = self.call(end, call)?.result;
        let number = result.map_err(|errno: Errno| Refusal::Broken(errno.to_string()))?;
        i32::try_from(number).map_err(|e| Refusal::Broken(e.to_string()))
    }

    /// A call, which does not block.
    fn call(&mut self, end: usize, call: Call) -> Result<Outcome, Refusal> {
        let id = self.ends[end].stack.submit(call)?;
        let mut events = Vec::new();
        self.ends[end].stack.events(&mut events)?;
        let mut outcome = None;
        for event in events {
            match event {
                Event::Completed { id: of, outcome: of_this, .. } if of == id => outcome = Some(of_this),
                event => self.carry(end, event),
            }
        }
        outcome.ok_or_else(|| Refusal::Broken("a call that does not block waits".to_owned()))
    }

    /// Lets time pass at both ends, and carries what they send.
    fn run(&mut self, time: Duration) -> Result<(), Refusal> {
        let until = self.now + time;
        loop {
            let due = self.ends.iter().filter_map(|end| end.stack.next_deadline()).min();
            let arrival = self.link.iter().map(|frame| frame.0).min();
            let next = due.into_iter().chain(arrival).min().map_or(until, |at| at.max(self.now).min(until));
            self.now = next;
            for end in 0..2 {
                self.ends[end].stack.run_until(next)?;
                self.collect(end)?;
            }
            self.deliver(next)?;
            if next >= until && self.link.iter().all(|frame| frame.0 > until) {
                return Ok(());
            }
        }
    }

    fn collect(&mut self, end: usize) -> Result<(), Refusal> {
        let mut events = Vec::new();
        self.ends[end].stack.events(&mut events)?;
        events.into_iter().for_each(|event| self.carry(end, event));
        Ok(())
    }

    /// Takes a frame of `end` on the link.
    fn carry(&mut self, end: usize, event: Event) {
        let Event::Frame { bytes, .. } = event else { return };
        self.frames += 1;
        assert!(self.frames < STORM, "more than {STORM} frames: a storm");
        let arrival = self.now + LATENCY;
        let number = self.frames as u64 * 2;
        let fate =
            self.fates[end].pop_front().filter(|fate| *fate != Fate::Lost || self.losses[end] < MOST_LOSSES);
        self.losses[end] = if fate == Some(Fate::Lost) { self.losses[end] + 1 } else { 0 };
        match fate {
            Some(Fate::Lost) => return,
            Some(Fate::Late(by)) => return self.link.push((arrival + by, 1 - end, number, bytes)),
            Some(Fate::Doubled) => self.link.push((arrival, 1 - end, number + 1, bytes.clone())),
            None => {}
        }
        self.link.push((arrival, 1 - end, number, bytes));
    }

    fn deliver(&mut self, now: Instant) -> Result<(), Refusal> {
        self.link.sort_by_key(|frame| (frame.0, frame.2));
        while self.link.first().is_some_and(|frame| frame.0 <= now) {
            let (_, end, _, bytes) = self.link.remove(0);
            self.ends[end].stack.inject(InterfaceId(0), &bytes)?;
            self.collect(end)?;
        }
        Ok(())
    }
}
