//! Sockets for stacks that have none: descriptors, backlog, blocking and errno on top of [`UserCalls`].
//!
//! Nothing that is decided here is the stack's doing, so nothing here may look like a deviation of it:
//! - A listening descriptor always keeps one passive open in LISTEN. POSIX calls the backlog a hint, and here it
//!   only bounds how many connections may be waiting, generously (`listener::PENDING_MAX`).
//! - close() is CLOSE where everything was read and ABORT where bytes are unread or arrive later (RFC 9293 §3.6.1,
//!   SHLD-3), because nobody could ever read them.
//! - Where the stack does not tell why a connection died, it was a RST if that happened while a frame was worked on,
//!   and a timeout if it happened as time passed; nothing else ends a connection that the user does not.
//! - What cannot be done with user calls is refused when the call is submitted, and the run is a skip.

mod announce;
mod close;
mod connection;
mod datagram;
mod dispatch;
mod listener;
mod open;
mod options;
mod pace;
mod poll;
mod ports;
mod table;
mod transfer;

#[cfg(test)]
mod mock_tests;
#[cfg(test)]
mod tests;

use super::user_calls::{State, UserCalls};
use crate::sut::{
    Call, CallId, Capabilities, Capability, Event, InterfaceId, Outcome, Refusal, Setup, StackUnderTest,
};
use dispatch::Running;
use pace::Pace;
use ports::Ports;
use stack::Instant;
use std::net::{IpAddr, SocketAddr};
use table::{Kind, Stream, Table};

/// What makes the stack do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A frame arrived, or a call was made.
    Event,
    /// Time has passed.
    Timer,
}

/// A connection that no descriptor names any more, until the stack is done with it.
struct Lingering<T> {
    handle: T,
    local: SocketAddr,
    reuse: bool,
}

/// A stack with user calls, as a stack under test with sockets, on a virtual clock.
pub struct Descriptors<U: UserCalls> {
    stack: U,
    capabilities: Capabilities,
    now: Instant,
    deadline: Option<Instant>,
    table: Table<U>,
    lingering: Vec<Lingering<U::Tcp>>,
    waiting: Vec<Running>,
    events: Vec<Event>,
    ports: Ports,
    local_addresses: Vec<IpAddr>,
    /// The stack may get addresses that are not in the setup: from a router or a DHCP server.
    gets_addresses: bool,
    pace: Pace,
    next_call: u64,
}

impl<U: UserCalls> Descriptors<U> {
    /// Wraps `stack`, which `start` will configure.
    pub fn new(stack: U) -> Descriptors<U> {
        let mut capabilities = stack.capabilities().clone();
        capabilities.has.insert(Capability::Poll);
        Descriptors {
            stack,
            capabilities,
            now: Instant::ZERO,
            deadline: None,
            table: Table::new(),
            lingering: Vec::new(),
            waiting: Vec::new(),
            events: Vec::new(),
            ports: Ports::new(0),
            local_addresses: Vec::new(),
            gets_addresses: false,
            pace: Pace::default(),
            next_call: 0,
        }
    }

    /// Lets the stack and the blocked calls do all that they can do at this instant.
    fn settle(&mut self, cause: Cause) {
        while !self.pace.is_flooded() {
            self.stack.poll(self.now);
            let sent = self.collect_frames();
            let acted = self.observe(cause);
            let completed = self.resume();
            if !(sent || acted || completed) {
                break;
            }
        }
        let stack = match self.pace.is_flooded() {
            true => None,
            false => self.stack.next_deadline(self.now).map(|due| self.pace.next(self.now, due)),
        };
        self.deadline = stack.into_iter().chain(self.waiting.iter().filter_map(|r| r.deadline)).min();
    }

    fn collect_frames(&mut self) -> bool {
        let before = self.events.len();
        while !self.pace.is_flooded() {
            let Some((interface, bytes)) = self.stack.transmit() else { break };
            self.pace.frame(self.now);
            self.events.push(Event::Frame { interface, at: self.now, bytes });
        }
        self.events.len() > before
    }

    /// Looks at every connection; tells whether that led to a user call.
    fn observe(&mut self, cause: Cause) -> bool {
        let mut acted = false;
        for socket in self.table.iter_mut() {
            match &mut socket.kind {
                Kind::Stream(Stream::Connection(connection)) => connection.observe(&self.stack, cause),
                Kind::Stream(Stream::Listening(listener)) => {
                    acted |= listener.observe(&mut self.stack, &socket.settings, cause);
                }
                Kind::Stream(Stream::Idle) | Kind::Datagram(_) => {}
            }
        }
        let stack = &mut self.stack;
        self.lingering.retain(|lingering| {
            let status = stack.status(lingering.handle);
            let over = status.state == State::Closed;
            if !over && status.readable > 0 {
                stack.abort(lingering.handle);
                acted = true;
            }
            if over {
                stack.release(lingering.handle);
            }
            !over
        });
        acted
    }

    /// Lets every blocked call try again, in the order in which they were made.
    fn resume(&mut self) -> bool {
        let mut completed = false;
        for mut running in std::mem::take(&mut self.waiting) {
            match self.step(&mut running) {
                Some(outcome) => {
                    self.complete(running.id, outcome);
                    completed = true;
                }
                None => self.waiting.push(running),
            }
        }
        completed
    }

    fn complete(&mut self, id: CallId, outcome: Outcome) {
        self.events.push(Event::Completed { id, at: self.now, outcome });
    }
}

impl<U: UserCalls> StackUnderTest for Descriptors<U> {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.stack.start(setup)?;
        self.now = Instant::ZERO;
        self.table = Table::new();
        self.lingering.clear();
        self.waiting.clear();
        self.events.clear();
        self.ports = Ports::new(setup.seed);
        self.local_addresses =
            setup.interfaces.iter().flat_map(|i| &i.addresses).map(|p| p.address).collect();
        self.gets_addresses = setup.settings.contains_key("autoconf")
            || setup.interfaces.iter().any(|interface| interface.addresses.is_empty());
        self.pace = Pace::default();
        self.next_call = 0;
        if U::LEARNS_NEIGHBOURS {
            for (interface, frame) in announce::announcements(setup) {
                self.stack.inject(interface, &frame);
            }
        }
        self.settle(Cause::Event);
        Ok(())
    }

    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        if !self.pace.is_flooded() {
            self.stack.inject(interface, frame);
            self.settle(Cause::Event);
        }
        Ok(())
    }

    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        let id = CallId(self.next_call);
        let mut running = Running::new(id, call, self.now);
        let outcome = self.first_step(&mut running)?;
        self.next_call += 1;
        match outcome {
            Some(outcome) => self.complete(id, outcome),
            None => self.waiting.push(running),
        }
        self.settle(Cause::Event);
        Ok(id)
    }

    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        // To change places moves no event.
        match events.is_empty() {
            true => std::mem::swap(events, &mut self.events),
            false => events.append(&mut self.events),
        }
        self.pace.drained();
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        while let Some(due) = self.deadline.filter(|due| *due <= until && !self.pace.is_flooded()) {
            self.now = self.now.max(due);
            self.settle(Cause::Timer);
        }
        self.now = self.now.max(until);
        Ok(())
    }
}
