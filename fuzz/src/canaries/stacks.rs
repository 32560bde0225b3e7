//! The reference stack with mistakes that stacks have, as a wrapper around its adapter.

use crate::input::{checksum, pseudo_header, put16};
use crate::machine::judge;
use harness::scenario::operation::Version;
use harness::scenario::segment::{ACK, Ends, RST, SYN, Segment};
use harness::stacks::reference::Reference;
use harness::sut::{Call, CallId, Capabilities, Event, InterfaceId, Refusal, Setup, StackUnderTest};
use stack::Instant;
use std::cell::RefCell;

/// What is wrong: it may alter a frame that arrives, and add to what happened.
trait Fault {
    /// A frame arrives.
    fn arrives(&mut self, _frame: &mut Vec<u8>) {}
    /// These are the events since the last time.
    fn happened(&mut self, _events: &mut Vec<Event>, _now: Instant) {}
}

struct Faulty<F> {
    stack: Reference,
    fault: F,
}

impl<F: Fault + Default> StackUnderTest for Faulty<F> {
    fn capabilities(&self) -> &Capabilities {
        self.stack.capabilities()
    }
    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.fault = F::default();
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
        self.stack.events(events)?;
        self.fault.happened(events, self.stack.now());
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

/// Takes a reset for whatever its sequence number is, where RFC 9293 3.10.7.4 asks for one in the window.
#[derive(Default)]
struct WildReset {
    /// RCV.NXT, as the stack's last segment acknowledged it.
    expected: Option<u32>,
}

impl Fault for WildReset {
    fn arrives(&mut self, frame: &mut Vec<u8>) {
        let is_v4 = frame.len() >= 40 && frame[0] == 0x45;
        if let Some(expected) = self.expected.filter(|_| is_v4 && frame[33] & (RST | SYN) == RST) {
            frame[24..28].copy_from_slice(&expected.to_be_bytes());
            put16(frame, 36, 0);
            let pseudo = pseudo_header(&[&frame[12..16], &frame[16..20]], 6, frame.len() - 20);
            let sum = checksum(pseudo, &frame[20..]);
            put16(frame, 36, sum);
        }
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

/// One bit of a long segment's text is another one: a copy past the end of a ring, say.
#[derive(Default)]
struct CorruptText;

impl Fault for CorruptText {
    fn happened(&mut self, events: &mut Vec<Event>, _now: Instant) {
        for event in events {
            if let Event::Frame { bytes, .. } = event
                && bytes.len() > 1200
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 1;
            }
        }
    }
}

/// The segments over IPv4 among some events.
fn sent(events: &[Event]) -> impl Iterator<Item = Segment> {
    let ends = Ends::of(Version::V4);
    events.iter().filter_map(move |event| match event {
        Event::Frame { bytes, .. } => Segment::read(&ends, bytes),
        Event::Completed { .. } => None,
    })
}

fn faulty<F: Fault + Default>() -> Faulty<F> {
    Faulty { stack: Reference::default(), fault: F::default() }
}

thread_local! {
    static WILD_RESET: RefCell<Faulty<WildReset>> = RefCell::new(faulty());
    static OUTPUT_LOOP: RefCell<Faulty<OutputLoop>> = RefCell::new(faulty());
    static CORRUPT_TEXT: RefCell<Faulty<CorruptText>> = RefCell::new(faulty());
}

pub(super) fn wild_reset(data: &[u8]) {
    WILD_RESET.with_borrow_mut(|stack| judge(stack, "wild_reset", data));
}

pub(super) fn output_loop(data: &[u8]) {
    OUTPUT_LOOP.with_borrow_mut(|stack| judge(stack, "output_loop", data));
}

pub(super) fn corrupt_text(data: &[u8]) {
    CORRUPT_TEXT.with_borrow_mut(|stack| judge(stack, "corrupt_text", data));
}
