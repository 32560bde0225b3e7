//! What happened to a host, for a person to read.

use super::case;
use harness::packet::{Flows, describe};
use harness::report::ladder::ladder;
use harness::report::pcapng::pcapng;
use harness::run::{TraceEntry, TraceEvent};
use harness::scenario::case::Head;
use harness::sut::{Call, CallId, InterfaceId, Setup};
use stack::Instant;

/// A person reads so many lines.
const SHOWN: usize = 80;
/// Of each line as much.
const WIDTH: usize = 120;
/// And keeps so many frames.
const MOST: usize = 10_000;

/// The frames and calls of a run.
#[derive(Debug, Default)]
pub struct Told {
    trace: Vec<TraceEntry>,
    /// What of it is the first host's, in the words of a case or, where there are none, nothing.
    own: Vec<(Instant, case::Deed)>,
    setup: Option<Setup>,
}

impl Told {
    /// The exchange as a ladder, its end where it is long.
    pub fn ladder(&self) -> String {
        ladder(&self.trace[self.trace.len().saturating_sub(SHOWN)..])
    }

    /// What was done to the first host as the text of a case, which expects what it did then; `None` where there is nothing, or a
    /// case has no words for it.
    pub fn case(&self, head: &Head) -> Option<String> {
        case::write(head, self.setup.as_ref()?, &self.own)
    }

    /// The exchange as a capture.
    pub fn capture(&self) -> Vec<u8> {
        let interfaces = self.setup.as_ref().map_or(&[][..], |setup| &setup.interfaces);
        pcapng(interfaces, &self.trace)
    }

    /// Host `node` is given a frame.
    pub(super) fn inbound(
        &mut self,
        node: usize,
        setup: &Setup,
        at: Instant,
        interface: usize,
        frame: &[u8],
    ) {
        let (medium, text) = self.described(setup, interface, frame);
        let bytes = frame.to_vec();
        self.own(node, at, || case::Deed::Given { interface, bytes: bytes.clone() });
        let interface = InterfaceId(interface);
        self.add(at, TraceEvent::Inbound { interface, medium, bytes, text });
    }

    /// Host `node` has sent a frame.
    pub(super) fn outbound(
        &mut self,
        node: usize,
        setup: &Setup,
        at: Instant,
        interface: usize,
        frame: &[u8],
    ) {
        let (medium, text) = self.described(setup, interface, frame);
        let bytes = frame.to_vec();
        self.own(node, at, || case::Deed::Sent { interface, bytes: bytes.clone() });
        let interface = InterfaceId(interface);
        self.add(at, TraceEvent::Outbound { interface, medium, bytes, text });
    }

    /// A deed of the first host's, which alone a case is written of.
    fn own(&mut self, node: usize, at: Instant, deed: impl FnOnce() -> case::Deed) {
        if node == 0 {
            self.own.push((at, deed()));
        }
    }

    /// The first host's user or administrator makes a call.
    pub(super) fn call(&mut self, at: Instant, call: &Call) {
        self.own.push((at, case::Deed::Called(call.clone())));
        let id = CallId(self.trace.len() as u64);
        let text: String = format!("{call:?}").chars().take(WIDTH).collect();
        self.add(at, TraceEvent::Call { id, text });
    }

    fn add(&mut self, at: Instant, what: TraceEvent) {
        self.trace.push(TraceEntry { at, line: None, what });
        if self.trace.len() > MOST {
            self.trace.drain(..MOST / 2);
        }
    }

    fn described(&mut self, setup: &Setup, interface: usize, frame: &[u8]) -> (harness::sut::Medium, String) {
        let setup = self.setup.get_or_insert_with(|| setup.clone());
        let world = case::world(setup);
        let medium = setup.interfaces[interface].medium;
        (medium, describe(&world, &Flows::default(), medium, frame))
    }
}
