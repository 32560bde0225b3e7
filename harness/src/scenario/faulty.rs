//! Deliberate faults: a sound stack with a mistake around it that stacks have, which whatever looks for mistakes has to find.

use super::operation::Version;
use super::segment::{ACK, Ends, FIN, RST, SYN, Segment};
use crate::sut::{Call, CallId, Capabilities, Event, InterfaceId, Refusal, Setup, StackUnderTest};
use stack::Instant;
use std::fmt;

/// What is wrong: it may alter a frame that arrives, and add to what happened.
pub trait Fault {
    /// A frame arrives.
    fn arrives(&mut self, _frame: &mut Vec<u8>) {}
    /// These are the events since the last time.
    fn happened(&mut self, _events: &mut Vec<Event>, _now: Instant) {}
}

/// Makes a fault that remembers nothing yet.
pub type MakeFault = fn() -> Box<dyn Fault>;

/// Every fault under its name, in the order of their names.
pub const FAULTS: &[(&str, MakeFault)] = &[
    ("acknowledges_too_little", || Box::new(Sends(acknowledge_too_little))),
    ("closed_window", || Box::new(Sends(close_the_window))),
    ("corrupt_text", || Box::new(Sends(corrupt_text))),
    ("deaf_to_fin", || Box::new(Hears(forget_fin))),
    ("output_loop", || Box::new(OutputLoop::default())),
    ("resets_everything", || Box::new(Sends(reset_instead_of_challenge))),
    ("takes_any_acknowledgement", || Box::new(AnyAcknowledgement::default())),
    ("wild_reset", || Box::new(WildReset::default())),
];

/// The fault called `name`.
pub fn fault(name: &str) -> Option<MakeFault> {
    FAULTS.iter().find(|(own, _)| *own == name).map(|(_, make)| *make)
}

/// A stack with a fault, which begins anew with each run.
pub struct Faulty {
    stack: Box<dyn StackUnderTest>,
    make: MakeFault,
    fault: Box<dyn Fault>,
}

impl Faulty {
    /// `stack` with a fault.
    pub fn new(stack: Box<dyn StackUnderTest>, make: MakeFault) -> Faulty {
        Faulty { stack, make, fault: make() }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl StackUnderTest for Faulty {
    fn capabilities(&self) -> &Capabilities {
        self.stack.capabilities()
    }
    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.fault = (self.make)();
        self.stack.start(setup)
    }
    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        let mut frame = frame.to_vec();
        self.fault.arrives(&mut frame);
        self.stack.inject(interface, &frame)
    }
    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        self.stack.submit(call)
    }
    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let before = events.len();
        self.stack.events(events)?;
        let mut new = events.split_off(before);
        self.fault.happened(&mut new, self.stack.now());
        events.append(&mut new);
        Ok(())
    }
    fn now(&self) -> Instant {
        self.stack.now()
    }
    fn next_deadline(&self) -> Option<Instant> {
        self.stack.next_deadline()
    }
    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        self.stack.run_until(until)
    }
}

/// Alters the frames that are sent.
struct Sends(fn(&mut Vec<u8>));

impl Fault for Sends {
    fn happened(&mut self, events: &mut Vec<Event>, _now: Instant) {
        for event in events {
            if let Event::Frame { bytes, .. } = event {
                (self.0)(bytes);
            }
        }
    }
}

/// Alters the segments over IPv4 that arrive.
struct Hears(fn(&mut Segment));

impl Fault for Hears {
    fn arrives(&mut self, frame: &mut Vec<u8>) {
        heard(frame, self.0);
    }
}

/// Alters a segment over IPv4 that arrives.
fn heard(frame: &mut Vec<u8>, alter: impl FnOnce(&mut Segment)) {
    let ends = Ends::of(Version::V4);
    let there = Ends { local: ends.remote, remote: ends.local };
    if let Some(mut segment) = Segment::read(&there, frame) {
        alter(&mut segment);
        *frame = segment.datagram(&ends);
    }
}

/// Alters a segment over IPv4 that is sent.
fn spoken(frame: &mut Vec<u8>, alter: impl FnOnce(&mut Segment)) {
    let ends = Ends::of(Version::V4);
    if let Some(mut segment) = Segment::read(&ends, frame) {
        alter(&mut segment);
        *frame = segment.datagram(&Ends { local: ends.remote, remote: ends.local });
    }
}

/// The acknowledgement of a segment with text is fifty bytes behind what has arrived.
fn acknowledge_too_little(frame: &mut Vec<u8>) {
    spoken(frame, |segment| {
        if segment.payload.len() > 400 {
            segment.ack = segment.ack.wrapping_sub(50);
        }
    });
}

/// A segment that only acknowledges says that there is no room: a sum of the wrong width, say.
fn close_the_window(frame: &mut Vec<u8>) {
    spoken(frame, |segment| {
        if segment.flags == ACK && segment.payload.is_empty() {
            segment.window = 0;
        }
    });
}

/// One bit of a long segment's text is another one: a copy past the end of a ring, say.
fn corrupt_text(frame: &mut Vec<u8>) {
    spoken(frame, |segment| {
        if segment.payload.len() > 500
            && let Some(last) = segment.payload.last_mut()
        {
            *last ^= 1;
        }
    });
}

/// The peer's FIN is not heard where text comes with it.
fn forget_fin(segment: &mut Segment) {
    if !segment.payload.is_empty() {
        segment.flags &= !FIN;
    }
}

/// What is to be challenged or acknowledged is reset.
fn reset_instead_of_challenge(frame: &mut Vec<u8>) {
    spoken(frame, |segment| {
        if segment.flags == ACK && segment.payload.is_empty() && segment.options.sack.is_empty() {
            segment.flags = RST;
        }
    });
}

/// The segments over IPv4 among some events.
fn sent(events: &[Event]) -> impl Iterator<Item = Segment> {
    let ends = Ends::of(Version::V4);
    events.iter().filter_map(move |event| match event {
        Event::Frame { bytes, .. } => Segment::read(&ends, bytes),
        Event::Completed { .. } => None,
    })
}

/// An acknowledgement of what was never sent counts as one of all that was (RFC 9293 3.10.7.4 has it answered and dropped).
#[derive(Default)]
struct AnyAcknowledgement {
    /// The number behind all that was sent.
    next: Option<u32>,
}

impl Fault for AnyAcknowledgement {
    fn arrives(&mut self, frame: &mut Vec<u8>) {
        let next = self.next;
        heard(frame, |segment| {
            let is_plain = segment.has(ACK) && !segment.has(RST | SYN);
            if let Some(next) = next.filter(|next| is_plain && super::segment::before(*next, segment.ack)) {
                segment.ack = next;
            }
        });
    }

    fn happened(&mut self, events: &mut Vec<Event>, _now: Instant) {
        for segment in sent(events).filter(|segment| !segment.has(RST)) {
            self.next = Some(segment.end());
        }
    }
}

/// Takes a reset for whatever its sequence number is, where RFC 9293 3.10.7.4 asks for one in the window.
#[derive(Default)]
struct WildReset {
    /// RCV.NXT, as the stack's last segment acknowledged it.
    expected: Option<u32>,
}

impl Fault for WildReset {
    fn arrives(&mut self, frame: &mut Vec<u8>) {
        let expected = self.expected;
        heard(frame, |segment| {
            if let Some(expected) = expected.filter(|_| segment.flags & (RST | SYN) == RST) {
                segment.seq = expected;
            }
        });
    }

    fn happened(&mut self, events: &mut Vec<Event>, _now: Instant) {
        for segment in sent(events).filter(|segment| segment.has(ACK) && !segment.has(RST)) {
            self.expected = Some(segment.ack);
        }
    }
}

/// Once it has sent text again it sends it for ever.
#[derive(Default)]
struct OutputLoop {
    /// How far the text goes that was sent.
    sent: Option<u32>,
    last: Option<Vec<u8>>,
}

impl Fault for OutputLoop {
    fn happened(&mut self, events: &mut Vec<Event>, now: Instant) {
        for segment in sent(events).filter(|segment| !segment.payload.is_empty()) {
            if self.sent == Some(segment.end()) && self.last.is_none() {
                self.last = events.iter().rev().find_map(|event| match event {
                    Event::Frame { bytes, .. } => Some(bytes.clone()),
                    Event::Completed { .. } => None,
                });
            }
            self.sent = Some(segment.end());
        }
        events.extend(self.last.iter().map(|bytes| Event::Frame {
            interface: InterfaceId(0),
            at: now,
            bytes: bytes.clone(),
        }));
    }
}
