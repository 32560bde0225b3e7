//! The course of a run: events in the order of the script.

mod running;
mod telling;

use super::calls::Outstanding;
use super::stop::Stop;
use super::survey::{Survey, Unasked};
use super::tcp_acks::AckHistory;
use super::timing::{self, Tolerance};
use super::twin::TwinState;
use super::{PacketdrillConfig, PlayOptions, topology};
use crate::calls::Descriptors;
use crate::lang::ast::{Action, Event, EventTime, Expr, Packet, Phase, Script};
use crate::lang::eval::evaluate;
use crate::lang::{self, Span};
use crate::packet::rules::PassiveRules;
use crate::packet::{self, Context, Flows, FrameClass, Timestamps, Variables, World};
use crate::run::{Difference, Record, TraceEntry, TraceEvent, Verdict};
use crate::sut::{
    self, CallId, Capabilities, Capability, Clock, InterfaceId, Medium, Outcome, Refusal, Rules,
    StackUnderTest,
};
use stack::Instant;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long after a tick an upstream script starts, on a clock that counts from a tick.
const INTO_TICK: Duration = Duration::from_micros(250);
/// Repetitions of `for`, over all loops of a run.
const MAX_ITERATIONS: usize = 100_000;

/// A frame that the stack sent and no line has accounted for yet.
#[derive(Clone, Debug)]
pub(super) struct Captured {
    pub interface: InterfaceId,
    pub at: Instant,
    pub bytes: Vec<u8>,
    /// The line that was being played when it was seen.
    pub line: usize,
    /// It acknowledges or offers more than the frame before it on its connection did.
    pub news: bool,
}

/// The state of a run.
pub(super) struct Player<'a> {
    pub stack: &'a mut (dyn StackUnderTest + 'a),
    pub script: &'a Script,
    pub rules: Rules,
    pub config: PacketdrillConfig,
    pub world: World,
    pub variables: Variables,
    pub flows: Flows,
    /// What `%{ }%` code knows: TCP_INFO as last read, and what earlier code has assigned.
    pub code_variables: BTreeMap<String, i64>,
    pub descriptors: Descriptors,
    pub tolerance: Tolerance,
    /// When the script started, on the stack's clock.
    pub origin: Instant,
    /// When the event before happened.
    pub base: Instant,
    /// When the event before that one happened.
    previous_base: Instant,
    /// When the event being played is due by the script, and the one before it, which packetdrill's tolerance counts from.
    scheduled: Option<Instant>,
    pub previously_scheduled: Option<Instant>,
    /// Frames not yet accounted for, in the order in which they were sent.
    pub queue: VecDeque<Captured>,
    /// Calls that have completed and whose result nobody has looked at.
    pub completed: Vec<(CallId, Instant, Outcome)>,
    /// Calls that may return later.
    pub outstanding: Vec<Outstanding<'a>>,
    pub twin: TwinState<'a>,
    pub acks: AckHistory,
    pub trace: Vec<TraceEntry>,
    /// How many entries of the trace say what they will say.
    described: usize,
    observer: Option<&'a mut dyn FnMut(&TraceEntry)>,
    pub passive: PassiveRules,
    violation: Option<Difference>,
    /// Frames on Ethernet end with their check sequence: `with: fcs=on`.
    has_fcs: bool,
    plays_neighbours: bool,
    /// What a stack may send unasked, and the case is about.
    speaks_of: BTreeSet<Unasked>,
    exactly: bool,
    /// Whether the event before was an inbound packet: the next one is then timed from it (packetdrill's anchoring).
    anchored: bool,
    /// The line that is played, and where it stands.
    pub line: usize,
    place: Option<&'a Span>,
    instant: Instant,
    frames_at_instant: usize,
    iterations: usize,
}

pub(super) fn play<'a>(
    stack: &'a mut (dyn StackUnderTest + 'a),
    script: &'a Script,
    options: PlayOptions<'a>,
) -> Record {
    let family = options.family;
    let mut player = match Player::start(stack, script, options) {
        Ok(player) => player,
        Err(stop) => return record(stop, Phase::Opening, Vec::new(), Duration::ZERO, family),
    };
    let mut phase = Phase::Opening;
    let outcome = player.run(&mut phase);
    let virtual_time = player.stack.now().saturating_since(player.origin);
    let violation = player.violation.take();
    let trace = player.finished_trace();
    match (outcome, violation) {
        (Err(stop @ (Stop::Error(_) | Stop::Skip(_))), _) => record(stop, phase, trace, virtual_time, family),
        (Err(stop), None) => record(stop, phase, trace, virtual_time, family),
        (Err(stop), Some(_)) if phase == Phase::Point => record(stop, phase, trace, virtual_time, family),
        (_, Some(rule)) => record(Stop::Mismatch(Box::new(rule)), Phase::Point, trace, virtual_time, family),
        (Ok(()), None) => {
            Record { verdict: Verdict::Pass, first_difference: None, trace, virtual_time, family }
        }
    }
}

fn record(
    stop: Stop,
    phase: Phase,
    trace: Vec<TraceEntry>,
    virtual_time: Duration,
    family: sut::Family,
) -> Record {
    let (verdict, difference) = match stop {
        Stop::Mismatch(d) if phase == Phase::Opening => (Verdict::Inconclusive, d),
        Stop::Mismatch(d) | Stop::Misbehaves(d) => (Verdict::Fail, d),
        Stop::Skip(d) => (Verdict::Skip, d),
        Stop::Error(d) => (Verdict::Error, d),
    };
    Record { verdict, first_difference: Some(*difference), trace, virtual_time, family }
}

/// What a script is played by: our rules or packetdrill's, and what follows from them.
struct Terms {
    rules: Rules,
    config: PacketdrillConfig,
    world: World,
    tolerance: Tolerance,
}

impl Terms {
    fn of(
        script: &Script,
        options: &PlayOptions<'_>,
        capabilities: &Capabilities,
        survey: &Survey,
    ) -> Result<Terms, Stop> {
        let (family, seed) = (options.family, options.seed);
        let Some(head) = &script.head else {
            let config = options.packetdrill.clone();
            let config = config.with_options(&script.options, &options.command_line).map_err(|found| {
                let field = "script".into();
                Stop::Error(Box::new(Difference { field, found, ..Difference::default() }))
            })?;
            let world = topology::of_packetdrill(&config, family, seed);
            let tolerance = Tolerance::packetdrill(&config);
            return Ok(Terms { rules: Rules::Packetdrill, config, world, tolerance });
        };
        for need in &head.needs {
            let capability = Capability::from_name(&need.value).ok_or_else(|| {
                let error = format!("there is no capability called '{}'", need.value);
                Stop::script(&lang::Error::new(&need.span, error))
            })?;
            require(capabilities, capability)?;
        }
        let world = topology::of_case(head, family, capabilities, survey, seed);
        Ok(Terms {
            rules: Rules::Ours,
            config: options.packetdrill.clone(),
            world: world.map_err(|e| Stop::script(&e))?,
            tolerance: Tolerance::Declared(capabilities.clone()),
        })
    }
}

impl<'a> Player<'a> {
    fn start(
        stack: &'a mut (dyn StackUnderTest + 'a),
        script: &'a Script,
        options: PlayOptions<'a>,
    ) -> Result<Player<'a>, Stop> {
        let survey = Survey::of(script, options.family);
        let capabilities = stack.capabilities().clone();
        let Terms { rules, config, world, tolerance } = Terms::of(script, &options, &capabilities, &survey)?;
        for need in &survey.needs {
            require(&capabilities, *need)?;
        }
        stack.start(&world.setup).map_err(|refusal| Stop::refused(None, refusal))?;
        let now = stack.now();
        let has_fcs = packet::fcs::is_carried(&world.setup);
        Ok(Player {
            passive: PassiveRules::new(&world, rules, rules == Rules::Packetdrill),
            flows: Flows::default(),
            code_variables: BTreeMap::new(),
            stack,
            script,
            rules,
            config,
            world,
            variables: Variables::new(),
            descriptors: Descriptors::default(),
            tolerance,
            origin: now,
            base: now,
            previous_base: now,
            scheduled: None,
            previously_scheduled: None,
            queue: VecDeque::new(),
            completed: Vec::new(),
            outstanding: Vec::new(),
            twin: TwinState::new(options.twin),
            acks: AckHistory::default(),
            trace: Vec::new(),
            described: 0,
            observer: options.observer,
            violation: None,
            has_fcs,
            plays_neighbours: !survey.speaks_of_resolution,
            speaks_of: survey.speaks_of,
            exactly: script.head.as_ref().is_some_and(|head| head.exactly),
            anchored: false,
            line: 0,
            place: None,
            instant: now,
            frames_at_instant: 0,
            iterations: 0,
        })
    }

    /// Plays everything; `phase` follows the line being played.
    fn run(&mut self, phase: &mut Phase) -> Result<(), Stop> {
        let script = self.script;
        if let Some(init) = &script.init {
            self.shell(init)?;
        }
        self.origin = self.begin()?;
        self.base = self.origin;
        self.descriptors.timing.start = self.origin;
        if self.rules == Rules::Packetdrill {
            self.descriptors.timing.tolerance = self.config.tolerance;
        }
        let played = self.events(&script.events, phase).and_then(|()| self.finish(phase));
        match &script.cleanup {
            // A failed run stays failed whatever the clean-up does.
            Some(cleanup) => played.and(self.shell(cleanup)),
            None => played,
        }
    }

    /// When the script starts: now. An upstream script on a real clock starts a little after a tick of the kernel, as
    /// packetdrill starts it: with timers of one or two ticks, the phase decides whether its tolerance is kept.
    fn begin(&mut self) -> Result<Instant, Stop> {
        let (now, tick) = (self.stack.now(), self.stack.capabilities().granularity.tick);
        let is_real = matches!(self.stack.capabilities().clock, Clock::Real { .. });
        if self.rules == Rules::Ours || !is_real || tick.is_zero() {
            return Ok(now);
        }
        let ticks = now.as_nanos() / u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX);
        let start = Instant::ZERO + tick * u32::try_from(ticks + 1).unwrap_or(u32::MAX) + INTO_TICK;
        self.advance(start)?;
        Ok(start)
    }

    fn events(&mut self, events: &'a [Event], phase: &mut Phase) -> Result<(), Stop> {
        for event in events {
            *phase = event.phase;
            self.line = event.span.line();
            self.place = Some(&event.span);
            let base = self.base;
            self.event(event, phase)?;
            if takes_time(&event.action) {
                self.previous_base = base;
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &'a Event, phase: &mut Phase) -> Result<(), Stop> {
        let follows_inbound = std::mem::take(&mut self.anchored);
        let is_anchored = follows_inbound && matches!(event.action, Action::Inbound(_));
        if self.rules == Rules::Packetdrill {
            self.schedule(event, is_anchored);
        }
        match &event.action {
            Action::Inbound(packet) => self.inbound(event, packet, follows_inbound),
            Action::Outbound(packet) => self.expect(event, packet),
            Action::Maybe(packet) => self.expect_perhaps(event, packet),
            Action::AnyOrder(packets) => self.expect_any_order(event, packets),
            Action::OneOf(alternatives) => self.expect_one_of(event, alternatives),
            Action::Call(call) => self.call(event, call),
            Action::Shell(command) => {
                self.wait_for(event)?;
                self.shell(command)
            }
            Action::Code(code) => {
                self.wait_for(event)?;
                self.code(event, code)
            }
            Action::Assert(expr) => self.assert(event, expr),
            Action::NothingFor(micros) => {
                let micros = u64::try_from(self.value(micros, event)?).unwrap_or(0);
                self.nothing_until(event, self.base + Duration::from_micros(micros))
            }
            Action::Elapsed(name) => {
                let micros = self.base.saturating_since(self.previous_base).as_micros();
                self.variables.insert(name.clone(), i64::try_from(micros).unwrap_or(i64::MAX));
                Ok(())
            }
            Action::NothingUntil(time) => {
                let (at, _) = timing::due(*time, self.origin, self.base).unwrap_or((self.base, self.base));
                self.nothing_until(event, at)
            }
            Action::NewConnection => {
                self.settle_trace();
                self.flows.new_connection();
                Ok(())
            }
            Action::For { variable, from, to, body } => {
                let range = self.value(from, event)?..=self.value(to, event)?;
                self.repeat(event, variable, range, body, phase)
            }
        }
    }

    fn repeat(
        &mut self,
        event: &'a Event,
        variable: &str,
        range: RangeInclusive<i64>,
        body: &'a [Event],
        phase: &mut Phase,
    ) -> Result<(), Stop> {
        for value in range {
            self.iterations += 1;
            if self.iterations > MAX_ITERATIONS {
                let text = format!("more than {MAX_ITERATIONS} repetitions in one run");
                return Err(Stop::script(&lang::Error::new(&event.span, text)));
            }
            self.variables.insert(variable.to_owned(), value);
            self.events(body, phase)?;
        }
        Ok(())
    }

    /// packetdrill's anchoring: a relative event counts from now, an inbound packet that follows one from that one.
    fn schedule(&mut self, event: &Event, is_anchored: bool) {
        if !is_anchored {
            self.base = self.stack.now();
        }
        let due = timing::due(event.time, self.origin, self.base).map_or(self.base, |(from, _)| from);
        self.previously_scheduled = self.scheduled.replace(due);
        let tolerance = self.tolerance.window(self.origin, self.origin, due.saturating_since(self.origin));
        self.flows.set_timestamps(Timestamps {
            tick: Duration::from_micros(self.config.ts_tick_usecs),
            ecr_scaled: self.config.ts_ecr_scaled,
            tolerance: tolerance.latest.saturating_since(self.origin),
        });
    }

    /// Lets time pass until the event is due. Time does not go back: in ours, what is due in the past happens now; an
    /// upstream script that is late fails. How late the machine woke us is not the script's fault.
    pub(super) fn wait_for(&mut self, event: &Event) -> Result<(), Stop> {
        let due = timing::due(event.time, self.origin, self.base);
        let (at, end) = due.unwrap_or((self.base, self.base));
        if let (Rules::Packetdrill, Some(_), Some(before)) = (self.rules, due, self.previously_scheduled) {
            let window = self.tolerance.window(at, end, at.saturating_since(before));
            let now = self.stack.now();
            if now > window.latest {
                let expected = format!("until {}", self.since_start(window.latest));
                return Err(Stop::mismatch(&event.span, "time", expected, self.since_start(now)));
            }
        }
        self.advance(at)?;
        if self.rules == Rules::Ours || event.time != EventTime::Untimed {
            self.base = self.base.max(self.stack.now());
        }
        Ok(())
    }

    fn inbound(&mut self, event: &Event, packet: &Packet, follows_inbound: bool) -> Result<(), Stop> {
        let scheduled = timing::due(event.time, self.origin, self.base).map_or(self.base, |(at, _)| at);
        self.wait_for(event)?;
        self.settle_trace_before(packet);
        let mut frame = self.build(packet)?;
        let interface = self.interface(packet)?;
        let delivered = self.twin_stimulus(event, interface, &mut frame)?;
        let is_bad = packet::fcs::is_bad(packet);
        if is_bad && !self.has_fcs {
            let error = lang::Error::new(&packet.span, "no frame of this case has a check sequence");
            return Err(Stop::script(&error.help("`with: fcs=on` in the head gives them one")));
        }
        if delivered {
            self.inject_frame(interface, frame, is_bad)?;
        }
        self.twin_inject_after(event)?;
        // Consecutive inbound packets are timed from when they were due, so that lateness does not add up.
        if follows_inbound || self.rules == Rules::Packetdrill {
            self.base = scheduled.max(self.origin);
        }
        self.anchored = true;
        Ok(())
    }

    fn nothing_until(&mut self, event: &Event, until: Instant) -> Result<(), Stop> {
        self.twin_inject_after(event)?;
        self.advance(until)?;
        self.base = self.base.max(until);
        self.nothing_left(&event.span)
    }

    /// Every frame that the stack has sent so far must be accounted for or tolerated.
    fn nothing_left(&mut self, span: &Span) -> Result<(), Stop> {
        while let Some(frame) = self.queue.pop_front() {
            if self.is_tolerated(&frame) {
                continue;
            }
            let text = self.describe(&frame);
            let mut stop = Stop::mismatch(
                span,
                "frame",
                "no frame that is not mentioned".to_owned(),
                format!("{text} at {}", self.since_start(frame.at)),
            );
            if let Stop::Mismatch(difference) = &mut stop {
                difference.note = format!("sent while line {} was played", frame.line);
            }
            return Err(stop);
        }
        Ok(())
    }

    /// After the last line: what is still to come must come, and nothing else may.
    fn finish(&mut self, phase: &mut Phase) -> Result<(), Stop> {
        self.await_calls(Instant::FAR_FUTURE)?;
        let Some(last) = self.script.events.last() else { return Ok(()) };
        *phase = last.phase;
        self.twin.check_applied()?;
        if self.rules == Rules::Packetdrill {
            return Ok(());
        }
        let until = self.tolerance.window(self.base, self.base, Duration::ZERO).latest;
        self.advance(until)?;
        self.nothing_left(&last.span)
    }

    fn assert(&mut self, event: &Event, expr: &Expr) -> Result<(), Stop> {
        self.advance(self.stack.now())?;
        match self.value(expr, event)? {
            0 => {
                let known: Vec<String> = self.variables.iter().map(|(n, v)| format!("${n} = {v}")).collect();
                let text = event.span.text().to_owned();
                Err(Stop::mismatch(&event.span, "assert", text, known.join(", ")))
            }
            _ => Ok(()),
        }
    }

    fn value(&self, expr: &Expr, event: &Event) -> Result<i64, Stop> {
        evaluate(expr, &self.variables).map_err(|e| Stop::script(&lang::Error::new(&event.span, e)))
    }

    /// Whether a frame that no line mentions is one that a stack may send at any time: what tests an address, looks for
    /// routers or tells of groups, and pure ACKs.
    pub(super) fn is_tolerated(&self, frame: &Captured) -> bool {
        if self.exactly || self.rules != Rules::Ours {
            return false;
        }
        match packet::classify(&self.world, self.medium(frame.interface), &frame.bytes) {
            FrameClass::AddressClaim => self.plays_neighbours,
            FrameClass::DuplicateAddressDetection => true,
            FrameClass::NeighbourSolicitation => !self.speaks_of.contains(&Unasked::NeighbourSolicitation),
            FrameClass::RouterSolicitation => !self.speaks_of.contains(&Unasked::RouterSolicitation),
            FrameClass::Igmp => !self.speaks_of.contains(&Unasked::Igmp),
            FrameClass::Mld => !self.speaks_of.contains(&Unasked::Mld),
            FrameClass::PureAck => frame.news,
            FrameClass::AddressResolution | FrameClass::Other => false,
        }
    }

    pub(super) fn context(&mut self) -> Context<'_> {
        Context {
            rules: self.rules,
            world: &self.world,
            variables: &mut self.variables,
            flows: &mut self.flows,
        }
    }

    pub(super) fn build(&mut self, packet: &Packet) -> Result<Vec<u8>, Stop> {
        packet::build(&mut self.context(), packet).map_err(|e| Stop::script(&e))
    }

    pub(super) fn interface(&self, packet: &Packet) -> Result<InterfaceId, Stop> {
        let Some(name) = &packet.interface else { return Ok(InterfaceId(0)) };
        let found = self.world.setup.interfaces.iter().position(|i| i.name == *name);
        found.map(InterfaceId).ok_or_else(|| {
            let text = format!("there is no interface called '{name}'");
            Stop::script(&lang::Error::new(&packet.span, text))
        })
    }

    pub(super) fn medium(&self, interface: InterfaceId) -> Medium {
        self.world.setup.interfaces.get(interface.0).map_or(Medium::Ethernet, |i| i.medium)
    }

    pub(super) fn describe(&self, frame: &Captured) -> String {
        packet::describe(&self.world, &self.flows, self.medium(frame.interface), &frame.bytes)
    }

    pub(super) fn since_start(&self, at: Instant) -> String {
        Instant::from_nanos(at.saturating_since(self.origin).as_nanos() as u64).to_string()
    }

    pub(super) fn note(&mut self, at: Instant, what: TraceEvent) {
        let at = Instant::from_nanos(at.saturating_since(self.origin).as_nanos() as u64);
        let entry = TraceEntry { at, line: Some(self.line).filter(|l| *l > 0), what };
        if let Some(observer) = &mut self.observer {
            let mut told = entry.clone();
            if let TraceEvent::Inbound { medium, bytes, text, .. } = &mut told.what {
                *text = packet::describe(&self.world, &self.flows, *medium, bytes);
            }
            observer(&told);
        }
        self.trace.push(entry);
    }

    fn refused(&self, refusal: Refusal) -> Stop {
        Stop::refused(None, refusal)
    }
}

/// Whether an action is an event that `elapsed` counts between.
fn takes_time(action: &Action) -> bool {
    !matches!(action, Action::Elapsed(_) | Action::Assert(_) | Action::NewConnection | Action::For { .. })
}

fn require(stack: &sut::Capabilities, capability: Capability) -> Result<(), Stop> {
    match stack.has(capability) {
        true => Ok(()),
        false => Err(Stop::skip(format!("{} has no {}", stack.name, capability.name()))),
    }
}
