//! Plays a scenario on a stack: turns operations into segments and calls, and keeps what the peer knows.
//!
//! The schedule does not depend on the stack: the first operation is due a millisecond after the stack's start, each other one
//! a pause after the one before. So the same scenario gives two stacks the same stimuli at the same times.

use super::extras::{IcmpError, Setting};
use super::operation::{Effect, Operation, Plan, UserCall, What};
use super::peer::Peer;
use super::record::Scenario;
use super::segment::{Ends, Segment};
use super::state::{Event, Inference, State};
use super::trace::{Deed, Happening, Step, Stimulus, Trace};
use super::{calls, setup};
use crate::sut::{self, Call, Errno, InterfaceId, Outcome, Output, Refusal, StackUnderTest};
use stack::Instant;
use std::fmt;
use std::time::Duration;

/// More frames than this in one step are a flood: the longest step is a quarter of an hour, in which a full window of small segments
/// may be sent again some ten times.
pub const FLOOD: usize = 16_384;
/// So often a stack may claim that something is due now, and do nothing.
const STUCK: usize = 1000;
/// Between two operations there is at least this.
const LEAST: Duration = Duration::from_millis(1);

/// Limits on how often a kernel answers what it does not accept, lifted.
const SETTINGS: &[Setting] =
    &[("net.ipv4.tcp_invalid_ratelimit", "0"), ("net.ipv4.tcp_syn_linear_timeouts", "0")];

/// Something that a stack must not do, found by an oracle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The oracle's name.
    pub oracle: &'static str,
    /// The requirement that is broken, where there is one.
    pub requirement: Option<&'static str>,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.oracle, self.found)?;
        self.requirement.map_or(Ok(()), |id| write!(f, " ({id})"))
    }
}

/// Why a scenario was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The stack has no such function, or its adapter failed.
    Refused(Refusal),
    /// An oracle objects.
    Violation(Violation),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Stop {
        Stop::Violation(violation)
    }
}

/// What looks on: told of each step when it is over.
pub trait Watch {
    /// A step is over; `peer` and `stack` are as they are now.
    ///
    /// # Errors
    /// What the stack must not do.
    fn step(&mut self, step: &Step, peer: &Peer, stack: &dyn StackUnderTest) -> Result<(), Violation>;
}

impl Watch for () {
    fn step(&mut self, _: &Step, _: &Peer, _: &dyn StackUnderTest) -> Result<(), Violation> {
        Ok(())
    }
}

/// Plays `scenario` on `stack`, which is started afresh.
///
/// # Errors
/// Where the stack refuses, or `watch` objects.
pub fn drive(
    stack: &mut dyn StackUnderTest,
    scenario: &Scenario,
    watch: &mut dyn Watch,
) -> Result<Trace, Stop> {
    let mut trace = Trace::default();
    play(stack, scenario, watch, &mut trace)?;
    Ok(trace)
}

/// The same, leaving in `trace` what was done by the time of an error.
///
/// # Errors
/// As [`drive`].
pub fn play(
    stack: &mut dyn StackUnderTest,
    scenario: &Scenario,
    watch: &mut dyn Watch,
    trace: &mut Trace,
) -> Result<(), Stop> {
    stack.start(&setup::setup(scenario.opening.version))?;
    let mut driver = Driver::new(stack, scenario, trace);
    driver.settings(scenario.opening.settings)?;
    driver.run(None, &Operation::at_once(What::Wait), watch)?;
    for operation in scenario.opening.operations() {
        driver.run(None, &operation, watch)?;
    }
    for (at, operation) in scenario.operations.iter().enumerate() {
        driver.run(Some(at), operation, watch)?;
    }
    Ok(())
}

struct Driver<'a> {
    stack: &'a mut dyn StackUnderTest,
    ends: Ends,
    peer: Peer,
    inference: Inference,
    sockets: calls::Sockets,
    /// When the next operation is due.
    due: Instant,
    /// The last datagram that the stack sent.
    last_frame: Vec<u8>,
    /// The datagram that the stack is given; kept for its memory.
    given: Vec<u8>,
    trace: &'a mut Trace,
    events: Vec<sut::Event>,
}

impl<'a> Driver<'a> {
    fn new(stack: &'a mut dyn StackUnderTest, scenario: &Scenario, trace: &'a mut Trace) -> Driver<'a> {
        let due = stack.now() + LEAST;
        let due = Instant::from_millis(due.as_millis());
        // A swap has two steps, and the opening some.
        trace.steps.reserve(scenario.operations.len() + 8);
        Driver {
            stack,
            ends: Ends::of(scenario.opening.version),
            peer: Peer::new(&scenario.opening),
            inference: Inference::default(),
            sockets: calls::Sockets::new(Ends::of(scenario.opening.version)),
            due,
            last_frame: Vec::new(),
            given: Vec::new(),
            trace,
            events: Vec::new(),
        }
    }

    /// Makes settings that say how often something is done, where the stack has them: what it is that is done is compared.
    fn settings(&mut self, of_scenario: &[Setting]) -> Result<(), Stop> {
        for (name, value) in SETTINGS.iter().chain(of_scenario) {
            let (name, value) = ((*name).to_owned(), (*value).to_owned());
            match self.stack.submit(Call::Set { name, value }) {
                Ok(_) | Err(Refusal::Unsupported(_)) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        self.stack.events(&mut self.events)?;
        self.events.clear();
        Ok(())
    }

    fn millis(&self) -> u32 {
        self.due.as_millis() as u32
    }

    fn run(&mut self, at: Option<usize>, operation: &Operation, watch: &mut dyn Watch) -> Result<(), Stop> {
        match operation.what {
            What::Segment(plan) => self.segment(at, &plan, operation.pause, watch),
            What::Call(call) => self.call(at, call, operation.pause, watch),
            What::Wait => self.wait(at, operation.pause, watch),
            What::Network(effect) => self.effect(at, effect, operation.pause, watch),
        }
    }

    fn effect(
        &mut self,
        at: Option<usize>,
        effect: Effect,
        pause: Duration,
        watch: &mut dyn Watch,
    ) -> Result<(), Stop> {
        match effect {
            Effect::Lose(length) => {
                self.peer.lose(length);
                self.wait(at, pause, watch)
            }
            Effect::Icmp(error) => self.icmp(at, error, pause, watch),
            Effect::Duplicate => match self.last_segment() {
                Some(segment) => self.arrive(at, segment, pause, watch),
                None => self.wait(at, pause, watch),
            },
            Effect::Repair => match self.peer.repair(self.millis()) {
                Some(segment) => self.arrive(at, segment, pause, watch),
                None => self.wait(at, pause, watch),
            },
            Effect::Swap(length) => {
                let [second, first] = self.peer.swapped(length, self.millis());
                let behind = second.end();
                self.arrive(at, second, LEAST, watch)?;
                self.arrive(at, first, pause, watch)?;
                self.peer.snd_nxt = behind;
                Ok(())
            }
        }
    }

    fn segment(
        &mut self,
        at: Option<usize>,
        plan: &Plan,
        pause: Duration,
        watch: &mut dyn Watch,
    ) -> Result<(), Stop> {
        let segment = self.peer.resolve(plan, self.millis());
        self.arrive(at, segment, pause, watch)
    }

    /// The stack is given a segment.
    fn arrive(
        &mut self,
        at: Option<usize>,
        segment: Segment,
        pause: Duration,
        watch: &mut dyn Watch,
    ) -> Result<(), Stop> {
        let event = Event::of_segment(&segment, &self.peer, self.inference.state);
        segment.write(&self.ends, &mut self.given);
        let state = self.inference.state;
        self.peer.sent(&segment, state);
        self.inference.given(&segment, event, &self.peer);
        self.open_step(at, Stimulus::Segment(segment), (state, Some(event)), pause);
        self.stack.inject(InterfaceId(0), &self.given)?;
        self.close_step(watch)
    }

    /// What the peer sent last.
    fn last_segment(&self) -> Option<Segment> {
        self.trace.steps.iter().rev().find_map(|step| match &step.stimulus {
            Stimulus::Segment(segment) => Some(segment.clone()),
            _ => None,
        })
    }

    /// The stack is told of an error about what it sent last.
    fn icmp(
        &mut self,
        at: Option<usize>,
        error: IcmpError,
        pause: Duration,
        watch: &mut dyn Watch,
    ) -> Result<(), Stop> {
        if self.last_frame.is_empty() {
            return self.wait(at, pause, watch);
        }
        let frame = error.datagram(&self.ends, &self.last_frame);
        self.open_step(at, Stimulus::Icmp(error), (self.inference.state, None), pause);
        self.stack.inject(InterfaceId(0), &frame)?;
        self.close_step(watch)
    }

    fn wait(&mut self, at: Option<usize>, pause: Duration, watch: &mut dyn Watch) -> Result<(), Stop> {
        self.open_step(at, Stimulus::Time, (self.inference.state, Some(Event::Time)), pause);
        self.close_step(watch)
    }

    /// A call, and what leads to it: only the call itself is in the trace. Where there is no socket for it, time passes.
    fn call(
        &mut self,
        at: Option<usize>,
        call: UserCall,
        pause: Duration,
        watch: &mut dyn Watch,
    ) -> Result<(), Stop> {
        let Some(plan) = self.sockets.plan(call) else { return self.wait(at, pause, watch) };
        let before = (self.inference.state, Event::of_call(call));
        self.open_step(at, Stimulus::Call(call), before, pause);
        let mut last = Outcome::error(libc::EAGAIN);
        for step in plan.into_iter().flatten() {
            let Some(submitted) = step.call(&self.sockets, &last) else { break };
            last = self.submit(submitted, &step)?;
            self.sockets.returned(&step, &last);
        }
        self.inference.called(call, last.result.is_ok());
        self.close_step(watch)
    }

    /// Makes a call, which completes at once since no socket blocks.
    fn submit(&mut self, call: Call, step: &calls::SystemCall) -> Result<Outcome, Stop> {
        let id = match self.stack.submit(call) {
            // An option that a stack lacks is no reason to leave the rest of the scenario.
            Err(Refusal::Unsupported(_)) => return Ok(Outcome::error(libc::ENOSYS)),
            submitted => submitted?,
        };
        let mut outcome = None;
        for _ in 0..STUCK {
            self.stack.events(&mut self.events)?;
            let mut events = std::mem::take(&mut self.events);
            for event in events.drain(..) {
                match event {
                    sut::Event::Completed { id: of, at, outcome: of_this } if of == id => {
                        outcome = Some((at, of_this));
                    }
                    event => self.note(event)?,
                }
            }
            self.events = events;
            if outcome.is_some() {
                break;
            }
            self.stack.run_until(self.stack.now() + Duration::from_micros(10))?;
        }
        let Some((at, mut outcome)) = outcome else {
            return Err(
                self.broken("stuck", "a call on a socket that does not block never returned".to_owned())
            );
        };
        if step.is_telling() || outcome.result.is_err() {
            let result = told(&outcome, step);
            let data = match std::mem::take(&mut outcome.output) {
                Output::Data(data) => data,
                _ => Vec::new(),
            };
            self.happened(at, Deed::Returned { result, data });
        }
        Ok(outcome)
    }

    fn bases(&self) -> (u32, u32) {
        (self.peer.stack_iss.unwrap_or(0), self.peer.iss)
    }

    fn open_step(
        &mut self,
        operation: Option<usize>,
        stimulus: Stimulus,
        (state, event): (State, Option<Event>),
        pause: Duration,
    ) {
        let (at, length) = (self.due, pause.max(LEAST));
        let bases = self.bases();
        self.due += length;
        self.trace.steps.push(Step {
            operation,
            at,
            length,
            stimulus,
            bases,
            state,
            event,
            happened: Vec::new(),
        });
    }

    /// Lets the stack run until the next operation is due.
    fn close_step(&mut self, watch: &mut dyn Watch) -> Result<(), Stop> {
        let length = self.trace.steps.last().map_or(LEAST, |step| step.length);
        self.run_until(self.due)?;
        self.inference.passed(length);
        match self.trace.steps.last() {
            Some(step) => Ok(watch.step(step, &self.peer, self.stack)?),
            None => Ok(()),
        }
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Stop> {
        let mut idle = 0;
        loop {
            let before = self.stack.now();
            self.stack.run_until(until)?;
            self.stack.events(&mut self.events)?;
            let is_quiet = self.events.is_empty();
            let mut events = std::mem::take(&mut self.events);
            for event in events.drain(..) {
                self.note(event)?;
            }
            self.events = events;
            if is_quiet && self.stack.now() >= until {
                return Ok(());
            }
            idle = if is_quiet && self.stack.now() == before { idle + 1 } else { 0 };
            if idle > STUCK {
                return Err(self.broken("stuck", format!("its clock stays at {before}")));
            }
        }
    }

    /// Takes note of what the stack did.
    fn note(&mut self, event: sut::Event) -> Result<(), Stop> {
        // A call that no one waits for any more is of no interest.
        let sut::Event::Frame { at, bytes, .. } = event else { return Ok(()) };
        match Segment::read(&self.ends, &bytes) {
            Some(segment) => {
                self.peer.received(&segment);
                self.inference.sent(&segment, &self.peer);
                self.happened(at, Deed::Sent(segment));
                self.last_frame = bytes;
            }
            None => self.happened(at, Deed::Foreign(bytes)),
        }
        match self.trace.steps.last() {
            Some(step) if step.happened.len() > FLOOD => {
                Err(self.broken("flood", format!("more than {FLOOD} frames in one step")))
            }
            _ => Ok(()),
        }
    }

    fn happened(&mut self, at: Instant, what: Deed) {
        let bases = self.bases();
        if let Some(step) = self.trace.steps.last_mut() {
            step.happened.push(Happening { at, what, bases });
        }
    }

    fn broken(&self, oracle: &'static str, found: String) -> Stop {
        Stop::Violation(Violation { oracle, requirement: None, found })
    }
}

/// A call's number or error; what it brought may say more than its number.
fn told(outcome: &Outcome, step: &calls::SystemCall) -> Result<i64, Errno> {
    match &outcome.output {
        // Which descriptor it is says nothing.
        _ if *step == calls::SystemCall::Accept => outcome.result.map(|_| 0),
        // SO_ERROR.
        Output::Option(value) => {
            Ok(value.get(..4).and_then(|v| v.try_into().ok()).map_or(0, |v| i64::from(i32::from_ne_bytes(v))))
        }
        _ => outcome.result,
    }
}
