//! The layer over stacks that misbehave: one that sends without end, one that is always due.

use super::pace::FRAMES_PER_INSTANT;
use super::*;
use crate::stacks::user_calls::{Status, UserError};
use crate::sut::{Clock, Family, Granularity, Rules};
use std::time::Duration;

struct Restless {
    capabilities: Capabilities,
    sends: bool,
    polls: usize,
}

impl Restless {
    fn started(sends: bool) -> Descriptors<Restless> {
        let capabilities = Capabilities {
            name: "restless".to_owned(),
            version: String::new(),
            has: Default::default(),
            clock: Clock::Virtual,
            resolution: Duration::from_micros(1),
            granularity: Granularity::default(),
        };
        let mut stack = Descriptors::new(Restless { capabilities, sends, polls: 0 });
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
    fn receive(&mut self, _tcp: (), _into: &mut [u8]) -> usize {
        0
    }
    fn close(&mut self, _tcp: ()) {}
    fn abort(&mut self, _tcp: ()) {}
    fn status(&self, _tcp: ()) -> Status {
        Status { state: State::Closed, local: None, remote: None, readable: 0, room: 0, error: None }
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
