//! The layer over stacks that smoltcp is not: one that sends without end, one that is always due, one that cannot peek.

use super::connection::Connection;
use super::pace::FRAMES_PER_INSTANT;
use super::*;
use crate::stacks::user_calls::{Status, UserError, in_virtual_time};
use crate::sut::{Family, Rules};
use std::time::Duration;

struct Restless {
    capabilities: Capabilities,
    sends: bool,
    polls: usize,
    inbox: Vec<u8>,
}

impl Restless {
    fn new(sends: bool) -> Restless {
        let capabilities = in_virtual_time("restless", "0", Duration::from_micros(1), &[]);
        Restless { capabilities, sends, polls: 0, inbox: Vec::new() }
    }

    fn started(sends: bool) -> Descriptors<Restless> {
        let mut stack = Descriptors::new(Restless::new(sends));
        stack.start(&setup()).unwrap();
        stack
    }
}

fn setup() -> Setup {
    Setup {
        rules: Rules::Ours,
        family: Family::None,
        interfaces: Vec::new(),
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: Default::default(),
        seed: 0,
    }
}

impl UserCalls for Restless {
    type Tcp = ();
    type Udp = ();

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn start(&mut self, _setup: &Setup) -> Result<(), Refusal> {
        Ok(())
    }
    fn inject(&mut self, _interface: InterfaceId, _frame: &[u8]) {}
    fn poll(&mut self, _now: Instant) {
        self.polls += 1;
    }
    fn transmit(&mut self) -> Option<(InterfaceId, Vec<u8>)> {
        self.sends.then_some((InterfaceId(0), vec![0]))
    }
    fn next_deadline(&mut self, _now: Instant) -> Option<Instant> {
        Some(Instant::ZERO)
    }
    fn open_passive(&mut self, _local: SocketAddr) -> Result<(), UserError> {
        Err(UserError::NoResources)
    }
    fn open_active(&mut self, _local: SocketAddr, _remote: SocketAddr) -> Result<(), UserError> {
        Err(UserError::NoResources)
    }
    fn send(&mut self, _tcp: (), _data: &[u8]) -> usize {
        0
    }
    fn receive(&mut self, _tcp: (), into: &mut [u8]) -> usize {
        let count = into.len().min(self.inbox.len());
        into[..count].copy_from_slice(&self.inbox[..count]);
        self.inbox.drain(..count).count()
    }
    fn close(&mut self, _tcp: ()) {}
    fn abort(&mut self, _tcp: ()) {}
    fn status(&self, _tcp: ()) -> Status {
        Status {
            state: State::Established,
            local: None,
            remote: None,
            readable: self.inbox.len(),
            room: 0,
            error: None,
        }
    }
    fn release(&mut self, _tcp: ()) {}
    fn udp_bind(&mut self, _local: SocketAddr) -> Result<(), UserError> {
        Err(UserError::NoResources)
    }
    fn udp_send(&mut self, _udp: (), _remote: SocketAddr, _data: &[u8]) -> Result<bool, UserError> {
        Ok(false)
    }
    fn udp_receive(&mut self, _udp: ()) -> Option<(SocketAddr, Vec<u8>)> {
        None
    }
    fn udp_release(&mut self, _udp: ()) {}
}

#[test]
fn a_flood_is_cut_and_seen() {
    let mut stack = Restless::started(true);
    stack.run_until(Instant::from_secs(1)).unwrap();
    let mut events = Vec::new();
    stack.events(&mut events).unwrap();
    assert_eq!(events.len(), FRAMES_PER_INSTANT);
    assert!(events.iter().all(|event| event.at() == Instant::ZERO));
    assert_eq!(stack.next_deadline(), None);
    // A new run begins anew.
    stack.start(&setup()).unwrap();
    stack.events(&mut events).unwrap();
    assert_eq!(events.len(), 2 * FRAMES_PER_INSTANT);
}

#[test]
fn a_stack_that_is_always_due_does_not_stop_time() {
    let mut stack = Restless::started(false);
    stack.run_until(Instant::from_secs(10)).unwrap();
    assert_eq!(stack.now(), Instant::from_secs(10));
    assert!(stack.stack.polls < 11_000, "{} polls", stack.stack.polls);
}

/// What a stack without peek has given stays in front of what it gives next.
#[test]
fn peek_without_the_stacks_help() {
    let mut stack = Restless::new(false);
    let any = "0.0.0.0:0".parse().unwrap();
    let mut connection = Connection::new((), any, any, State::Established);
    let mut check = |arrives: &[u8], count, peek, expected: &[u8]| {
        stack.inbox.extend(arrives);
        assert_eq!(connection.read(&mut stack, count, peek).unwrap(), expected);
        connection.readable(&stack)
    };
    check(b"abcd", 2, true, b"ab");
    check(b"", 3, true, b"abc");
    assert_eq!(check(b"ef", 1, false, b"a"), 5);
    assert_eq!(check(b"", 4, false, b"bcde"), 1);
    assert_eq!(check(b"", 9, true, b"f"), 1);
    assert_eq!(check(b"", 9, false, b"f"), 0);
}
