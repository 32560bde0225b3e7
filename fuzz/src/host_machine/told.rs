//! What happened to a host, for a person to read.

use super::operation::HostCall;
use harness::packet::{Flows, World, describe};
use harness::report::ladder::ladder;
use harness::report::pcapng::pcapng;
use harness::run::{TraceEntry, TraceEvent};
use harness::sut::{CallId, InterfaceId, Setup};
use stack::Instant;

/// A person reads so many lines.
const SHOWN: usize = 80;
/// And keeps so many frames.
const MOST: usize = 10_000;

/// The frames and calls of a run.
#[derive(Debug, Default)]
pub struct Told {
    trace: Vec<TraceEntry>,
    setup: Option<Setup>,
}

impl Told {
    /// The exchange as a ladder, its end where it is long.
    pub fn ladder(&self) -> String {
        ladder(&self.trace[self.trace.len().saturating_sub(SHOWN)..])
    }

    /// The exchange as a capture.
    pub fn capture(&self) -> Vec<u8> {
        let interfaces = self.setup.as_ref().map_or(&[][..], |setup| &setup.interfaces);
        pcapng(interfaces, &self.trace)
    }

    pub(super) fn inbound(&mut self, setup: &Setup, at: Instant, interface: usize, frame: &[u8]) {
        let (medium, text) = self.described(setup, interface, frame);
        let (interface, bytes) = (InterfaceId(interface), frame.to_vec());
        self.add(at, TraceEvent::Inbound { interface, medium, bytes, text });
    }

    pub(super) fn outbound(&mut self, setup: &Setup, at: Instant, interface: usize, frame: &[u8]) {
        let (medium, text) = self.described(setup, interface, frame);
        let (interface, bytes) = (InterfaceId(interface), frame.to_vec());
        self.add(at, TraceEvent::Outbound { interface, medium, bytes, text });
    }

    pub(super) fn call(&mut self, at: Instant, call: HostCall) {
        let id = CallId(self.trace.len() as u64);
        self.add(at, TraceEvent::Call { id, text: format!("{call:?}") });
    }

    fn add(&mut self, at: Instant, what: TraceEvent) {
        self.trace.push(TraceEntry { at, line: None, what });
        if self.trace.len() > MOST {
            self.trace.drain(..MOST / 2);
        }
    }

    fn described(&mut self, setup: &Setup, interface: usize, frame: &[u8]) -> (harness::sut::Medium, String) {
        let setup = self.setup.get_or_insert_with(|| setup.clone());
        let local = setup.interfaces[0].addresses[0].address;
        let world = World {
            setup: setup.clone(),
            local,
            remote: super::world::V4[0].into(),
            hosts: Vec::new(),
            local_port: 0,
            remote_port: 0,
        };
        let medium = setup.interfaces[interface].medium;
        (medium, describe(&world, &Flows::default(), medium, frame))
    }
}
