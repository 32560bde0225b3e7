//! A recorded run as a stack: it answers as the recording says, whatever machine this is.
//!
//! What the recording shows between one thing that the stack was given and the next is given out there again. Where the
//! recording has times, each thing comes at its own. Where it has none, because its clock was real, it comes at the end of
//! a wait: a frame that is due between two instants is waited for until the later, which is within what its case allows. Which
//! wait it was, if a case waits several times, the recording does not say: `Schedule` does, and [`play`] finds one.

mod frames;
mod recording;

pub use recording::{Recorded, Recording};

use crate::engine::{self, PlayOptions};
use crate::lang::Error;
use crate::lang::ast::Script;
use crate::packet::{World, fcs};
use crate::run::{Record, Verdict};
use crate::sut::{
    Call, CallId, Capabilities, Capability, Clock, Errno, Event, Family, Granularity, InterfaceId, Outcome,
    Refusal, Setup, StackUnderTest,
};
use frames::{Frames, broken};
use recording::{NEW_DESCRIPTOR, What};
use stack::Instant;
use std::collections::BTreeMap;
use std::time::Duration;

/// The lateness that a real clock's recording may have had, as the live kernel's driver declares it.
const JITTER: Duration = Duration::from_millis(15);
/// Where the granularity of the recorded stack's timers is not known: Linux's, with a tick of CONFIG_HZ=250.
const GRANULARITY: Granularity = Granularity { tick: Duration::from_millis(4), proportion: 0.125 };
/// A tick of a kernel in virtual time.
const TICK: Duration = Duration::from_millis(1);
/// Things that are given out in one wait stand so far apart.
const APART: Duration = Duration::from_micros(1);
/// A wait as long as this has no end that the case names.
const ENDLESS: Duration = Duration::from_secs(1800);
/// More schedules than this are not tried.
const MOST_SCHEDULES: usize = 200;
/// No case waits more often than this for nothing.
const MOST_WAITS: u32 = 8;
/// Descriptors that were recorded without their numbers begin here.
const FIRST_DESCRIPTOR: i64 = 1000;

/// How many waits go by before an entry of the recording is given out; none where it is not mentioned.
type Schedule = BTreeMap<usize, u32>;

/// A stack that does what was recorded.
#[derive(Clone, Debug)]
pub struct Replay {
    capabilities: Capabilities,
    recording: Recording,
    has_times: bool,
    schedule: Schedule,
    frames: Frames,
    now: Instant,
    /// The next entry.
    next: usize,
    /// How many waits have gone by for that entry.
    waited: u32,
    /// The entry that was given out last.
    last: Option<usize>,
    events: Vec<Event>,
    /// Frames have a check sequence, which a recording does not show.
    has_fcs: bool,
    /// The entries of the calls so far, by the numbers that the engine knows them by.
    calls: Vec<usize>,
    descriptors: i64,
}

/// What a stack that was recorded can do: everything, since what it could not do was not recorded.
pub fn capabilities(name: &str, version: &str, times: Recorded) -> Capabilities {
    let (clock, resolution, granularity) = match times {
        Recorded::Exact => (Clock::Virtual, Duration::from_micros(1), Granularity::default()),
        Recorded::Rounded => (Clock::Virtual, TICK, Granularity { tick: TICK, ..GRANULARITY }),
        Recorded::Untimed => (Clock::Real { jitter: JITTER }, Duration::from_nanos(1), GRANULARITY),
    };
    Capabilities {
        name: name.to_owned(),
        version: version.to_owned(),
        has: Capability::ALL.iter().map(|(capability, _)| *capability).collect(),
        clock,
        resolution,
        granularity,
    }
}

/// What came of a recording that was played.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The run.
    pub record: Record,
    /// How many entries were left over when the script passed.
    pub left: usize,
}

/// Plays `recording` of a run of `script` in `family` through the script's matcher, in times with which it comes to
/// `verdict` at a difference in `field` where there are such; otherwise in those in which it comes furthest.
///
/// # Errors
/// Where the script's head says what cannot be.
pub fn play(
    recording: &Recording,
    script: &Script,
    family: Family,
    (verdict, field): (Verdict, Option<&str>),
) -> Result<Replayed, Error> {
    let capabilities = capabilities("replay", "", recording.times());
    let world = engine::world(script, &capabilities, &PlayOptions::new(family))?;
    let attempt = |schedule: &Schedule| {
        let mut stack = Replay::new(recording, &capabilities, world.clone(), schedule.clone());
        let record = engine::play(&mut stack, script, PlayOptions::new(family));
        let found = record.first_difference.as_ref().map(|difference| difference.field.as_str());
        let is_same = record.verdict == verdict && found == field;
        // A run that passed was played to its end, with everything that the stack did in it.
        let left = if record.verdict == Verdict::Pass {
            recording.entries.len().saturating_sub(stack.next)
        } else {
            0
        };
        (Replayed { record, left }, stack.last, is_same && left == 0)
    };
    let mut schedule = Schedule::new();
    let (mut furthest, mut last, is_same) = attempt(&schedule);
    if is_same || recording.times() != Recorded::Untimed {
        return Ok(furthest);
    }
    let mut end_of_furthest = last;
    for _ in 0..MOST_SCHEDULES {
        if !postpone(&mut schedule, last) {
            break;
        }
        let (replayed, end, is_same) = attempt(&schedule);
        if is_same {
            return Ok(replayed);
        }
        if end > end_of_furthest {
            (furthest, end_of_furthest) = (replayed, end);
        }
        last = end;
    }
    Ok(furthest)
}

/// The next schedule to try: what came last comes one wait later; where it has waited long enough, what came before it does.
fn postpone(schedule: &mut Schedule, last: Option<usize>) -> bool {
    let Some(mut index) = last else { return false };
    loop {
        let waits = schedule.entry(index).or_default();
        if *waits < MOST_WAITS {
            *waits += 1;
            return true;
        }
        schedule.remove(&index);
        match index.checked_sub(1) {
            Some(before) => index = before,
            None => return false,
        }
    }
}

impl Replay {
    fn new(recording: &Recording, capabilities: &Capabilities, world: World, schedule: Schedule) -> Replay {
        Replay {
            capabilities: capabilities.clone(),
            has_times: recording.times() != Recorded::Untimed,
            recording: recording.clone(),
            schedule,
            frames: Frames::new(world),
            now: Instant::ZERO,
            next: 0,
            waited: 0,
            last: None,
            events: Vec::new(),
            has_fcs: false,
            calls: Vec::new(),
            descriptors: FIRST_DESCRIPTOR,
        }
    }

    /// Gives out the next entry, which is something that the stack did, now.
    fn give(&mut self) -> Result<(), Refusal> {
        let at = self.now;
        let Some(entry) = self.recording.entries.get(self.next) else { return Ok(()) };
        let event = match entry.what.clone() {
            What::Inbound(_) | What::Call(_) => return Ok(()),
            What::Outbound { interface, text } => {
                let bytes = self.frames.make(interface, &text)?;
                let bytes = if self.has_fcs { fcs::append(&bytes, 0) } else { bytes };
                Event::Frame { interface, at, bytes }
            }
            What::Completed { call, outcome } => {
                let number = self.calls.iter().position(|known| *known == call);
                let number = number.ok_or_else(|| broken("a call returns that was not made"))?;
                let outcome = self.with_descriptor(outcome);
                Event::Completed { id: CallId(number as u64), at, outcome }
            }
        };
        self.events.push(event);
        (self.last, self.next, self.waited) = (Some(self.next), self.next + 1, 0);
        Ok(())
    }

    fn with_descriptor(&mut self, outcome: Outcome) -> Outcome {
        if outcome.result != Ok::<_, Errno>(NEW_DESCRIPTOR) {
            return outcome;
        }
        self.descriptors += 1;
        Outcome { result: Ok(self.descriptors), ..outcome }
    }

    /// The recording goes on with something that the stack is given: what it did before, it has done.
    fn stimulus(&mut self) -> Result<What, Refusal> {
        for _ in self.recording.until_stimulus(self.next) {
            self.give()?;
        }
        let given = self.recording.entries.get(self.next).cloned();
        (self.next, self.waited) = (self.next + 1, 0);
        given.map(|entry| entry.what).ok_or_else(|| broken("the case goes on where the recording ends"))
    }

    /// Whether the next thing that the stack was given is a `set` of the case's own, and not a setting of its head.
    fn goes_on_with_set(&self) -> bool {
        let next = self.next + self.recording.until_stimulus(self.next).len();
        let entry = self.recording.entries.get(next);
        entry.is_some_and(|entry| matches!(&entry.what, What::Call(text) if text.starts_with("set(")))
    }

    /// A call that returned at once returns now.
    fn return_at_once(&mut self, call: usize) -> Result<(), Refusal> {
        let Some(entry) = self.recording.entries.get(self.next) else { return Ok(()) };
        match entry.what {
            What::Completed { call: done, .. } if done == call => self.give(),
            _ => Ok(()),
        }
    }

    /// Without times: of a wait until `until`, gives out the next thing at the end.
    fn wait(&mut self, until: Instant) -> Result<(), Refusal> {
        let ahead = self.recording.until_stimulus(self.next).len();
        if ahead == 0 || until <= self.now {
            self.now = self.now.max(until);
            return Ok(());
        }
        if self.waited < self.schedule.get(&self.next).copied().unwrap_or(0) {
            self.waited += 1;
            self.now = until;
            return Ok(());
        }
        let is_endless = until.saturating_since(self.now) > ENDLESS;
        let end = if is_endless { self.now + APART } else { until };
        // What is still to come in this wait finds some of it left.
        let left = APART.saturating_mul(ahead as u32 - 1);
        self.now = self.now.max(Instant::ZERO + end.saturating_since(Instant::ZERO).saturating_sub(left));
        self.give()
    }
}

impl StackUnderTest for Replay {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.has_fcs = fcs::is_carried(setup);
        Ok(())
    }

    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        match self.stimulus()? {
            What::Inbound(text) => {
                let frame = if self.has_fcs { fcs::strip(frame) } else { frame };
                self.frames.received(interface, frame, &text)
            }
            _ => Err(broken("the case sends a frame where the recording has a call")),
        }
    }

    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        let id = CallId(self.calls.len() as u64);
        if matches!(call, Call::Shell { .. })
            || (matches!(call, Call::Set { .. }) && !self.goes_on_with_set())
        {
            // Not in the recording, which begins behind them.
            self.calls.push(usize::MAX);
            self.events.push(Event::Completed { id, at: self.now, outcome: Outcome::value(0) });
            return Ok(id);
        }
        let What::Call(_) = self.stimulus()? else {
            return Err(broken("the case makes a call where the recording has a frame"));
        };
        let entry = self.next - 1;
        self.calls.push(entry);
        self.frames.called(&call);
        self.return_at_once(entry)?;
        Ok(id)
    }

    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        events.append(&mut self.events);
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn next_deadline(&self) -> Option<Instant> {
        let entry = self.recording.entries.get(self.next).filter(|entry| !entry.what.is_stimulus())?;
        entry.at
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        if !self.events.is_empty() {
            return Ok(());
        }
        if !self.has_times {
            return self.wait(until);
        }
        while let Some(at) = self.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.give()?;
        }
        self.now = self.now.max(until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{FileSystem, Options, parse};
    use std::path::Path;

    const CASE: &str = "//! A case.\n//! requires: RFC9293-MUST-1\n\
        +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
        +0 bind(3, ..., ...) = 0\n\
        +0 listen(3, 1) = 0\n\
        +0 < S 700:700(0) win 1000 <mss 1460>\n\
        +0 > S. 0:0(0) ack 701 <...>\n\
        nothing for .5s\n\
        +0~+1 > S. 0:0(0) ack 701 <...>\n\
        +0 < . 701:701(0) ack 1 win 1000\n\
        +0 accept(3, ..., ...) = 4\n\
        +0...0.1 read(4, ..., 10) = 5\n\
        +.1 < P. 701:706(5) ack 1 win 1000\n";

    const RECORDING: &str = "socket(..., SOCK_STREAM, IPPROTO_TCP) = fd\n\
        bind(3, ..., ...) = 0\n\
        listen(3, 1) = 0\n\
        < S 700:700(0) win 1000 <mss 1460>\n\
        > S. 0:0(0) ack 701 win 64240 <mss 1460>\n\
        > S. 0:0(0) ack 701 win 64240 <mss 1460>\n\
        < . 701:701(0) ack 1 win 1000\n\
        accept(3, ..., ...) = fd\n\
        read(4, ..., 10) ...\n\
        < P. 701:706(5) ack 1 win 1000\n\
        read(4, ..., 10) = 5 : pattern 0 (5)\n";

    fn check(change: (&str, &str), verdict: Verdict, field: &str) {
        let options = Options { defines: BTreeMap::new(), loader: &FileSystem, suite: None };
        let script = parse(Path::new("case"), CASE.to_owned(), &options).expect("a case");
        assert!(RECORDING.contains(change.0));
        let recording = Recording::parse(&RECORDING.replacen(change.0, change.1, 1)).expect("a recording");
        let replayed = play(&recording, &script, Family::Ipv6, (Verdict::Pass, None)).expect("a world");
        let difference = replayed.record.first_difference.unwrap_or_default();
        assert_eq!((replayed.record.verdict, &*difference.field), (verdict, field), "{difference:?}");
        assert_eq!(replayed.left, 0);
    }

    #[test]
    fn a_recording_without_times_comes_to_its_verdict_and_a_changed_one_does_not() {
        let answer = "> S. 0:0(0) ack 701 win 64240 <mss 1460>\n";
        check(("", ""), Verdict::Pass, "");
        check((answer, ""), Verdict::Fail, "frame");
        check((answer, &answer.repeat(2)), Verdict::Fail, "frame");
        check((answer, &answer.replace("701", "702")), Verdict::Fail, "tcp.ack");
        check(("pattern 0", "pattern 1"), Verdict::Fail, "data");
        check(("listen(3, 1) = 0", "listen(3, 1) = -1 EINVAL (Invalid argument)"), Verdict::Fail, "result");
        check(("bind(3, ..., ...) = 0\n", "< . 1:1(0)\n"), Verdict::Error, "adapter");
    }
}
