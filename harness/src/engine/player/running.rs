//! The stack runs: time passes, frames and results come.

use super::{Captured, Player};
use crate::engine::stop::{self, Stop};
use crate::packet::{self, FrameClass, fcs};
use crate::run::{Difference, TraceEntry, TraceEvent};
use crate::sut::{self, InterfaceId, Medium, Rules};
use stack::Instant;

/// More frames than this at one instant are a flood: no case provokes a hundredth of it.
const FLOOD_FRAMES: usize = 10_000;
/// A stack whose deadline stays in the past for so many steps makes no progress.
const STUCK_STEPS: usize = 10_000;

impl Player<'_> {
    pub(in crate::engine) fn inject(&mut self, interface: InterfaceId, frame: Vec<u8>) -> Result<(), Stop> {
        self.inject_frame(interface, frame, false)
    }

    /// `is_damaged`: the frame has a wrong check sequence, and the stack should not see it.
    pub(super) fn inject_frame(
        &mut self,
        interface: InterfaceId,
        frame: Vec<u8>,
        is_damaged: bool,
    ) -> Result<(), Stop> {
        let medium = self.medium(interface);
        if !is_damaged {
            self.passive.inbound(medium, &frame);
        }
        let what = TraceEvent::Inbound { interface, medium, bytes: frame, text: String::new() };
        self.note(self.stack.now(), what);
        let Some(TraceEntry { what: TraceEvent::Inbound { bytes, .. }, .. }) = self.trace.last() else {
            return Ok(());
        };
        let injected = match self.has_fcs && medium == Medium::Ethernet {
            true => self.stack.inject(interface, &fcs::append(bytes, is_damaged.into())),
            false => self.stack.inject(interface, bytes),
        };
        injected.map_err(|r| self.refused(r))?;
        self.advance(self.stack.now())
    }

    /// A frame of the stack without its check sequence, which must be right where there is one.
    fn without_fcs(&mut self, medium: Medium, frame: Vec<u8>) -> Vec<u8> {
        if self.has_fcs && medium == Medium::Ethernet {
            self.judge_fcs(&frame);
            return fcs::strip(&frame).to_vec();
        }
        frame
    }

    /// Judges a frame with its check sequence.
    pub(in crate::engine) fn judge_fcs(&mut self, frame: &[u8]) {
        let Some((expected, found)) = fcs::wrong(frame) else { return };
        let place = self.place.map(stop::at).unwrap_or_default();
        self.violation.get_or_insert_with(|| Difference {
            field: "rule frame-check-sequence".to_owned(),
            expected,
            found,
            requirement: Some("RFC1042-frame-format-6".to_owned()),
            ..place
        });
    }

    /// Lets the stack run until `until` and takes note of what it does.
    pub(in crate::engine) fn advance(&mut self, until: Instant) -> Result<(), Stop> {
        self.run_while(until, |_| false)
    }

    /// Lets the stack run until `until`, or until `done` after something happened.
    pub(in crate::engine) fn run_while(
        &mut self,
        until: Instant,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<(), Stop> {
        let mut stuck = 0;
        loop {
            let now = self.stack.now();
            let next = self.stack.next_deadline().map_or(until, |deadline| deadline.min(until)).max(now);
            self.stack.run_until(next).map_err(|r| self.refused(r))?;
            let happened = self.drain()?;
            if done(self) {
                return Ok(());
            }
            let passed = self.stack.now() > now;
            stuck = if passed || happened { 0 } else { stuck + 1 };
            if !happened && self.stack.now() >= until {
                return Ok(());
            }
            if stuck > STUCK_STEPS {
                return Err(self.misbehaves(
                    "hang",
                    format!("its next deadline stays at {} while time stands still", self.since_start(next)),
                ));
            }
        }
    }

    /// Takes the stack's events over. Says whether there were any.
    fn drain(&mut self) -> Result<bool, Stop> {
        let mut events = Vec::new();
        self.stack.events(&mut events).map_err(|r| self.refused(r))?;
        let happened = !events.is_empty();
        for event in events {
            match event {
                sut::Event::Frame { interface, at, bytes } => self.sent(interface, at, bytes)?,
                sut::Event::Completed { id, at, outcome } => self.completed.push((id, at, outcome)),
            }
        }
        self.settle_calls()?;
        Ok(happened)
    }

    /// The stack sent a frame: the rules see it, the neighbours answer it, or it waits for the line that expects it.
    fn sent(&mut self, interface: InterfaceId, at: Instant, bytes: Vec<u8>) -> Result<(), Stop> {
        self.guard_against_flood(at)?;
        let medium = self.medium(interface);
        let bytes = self.without_fcs(medium, bytes);
        for violation in self.passive.outbound(medium, &bytes) {
            let place = self.place.map(stop::at).unwrap_or_default();
            self.violation.get_or_insert_with(|| Difference {
                field: format!("rule {}", violation.rule),
                expected: violation.expected,
                found: violation.found,
                requirement: Some(violation.requirement.to_owned()),
                ..place
            });
        }
        let what = TraceEvent::Outbound { interface, medium, bytes: bytes.clone(), text: String::new() };
        self.note(at, what);
        let frame =
            Captured { news: self.acks.is_news(medium, &bytes), interface, at, bytes, line: self.line };
        if self.rules == Rules::Packetdrill {
            self.queue.push_back(frame);
            return Ok(());
        }
        if self.plays_neighbours
            && let Some(answer) = packet::neighbours::answer(&self.world, interface.0, &frame.bytes)
        {
            return self.inject(interface, answer);
        }
        let class = packet::classify(&self.world, medium, &frame.bytes);
        let resolves = matches!(class, FrameClass::AddressResolution | FrameClass::NeighbourSolicitation);
        if !resolves || !self.plays_neighbours {
            self.queue.push_back(frame);
        }
        Ok(())
    }

    fn guard_against_flood(&mut self, at: Instant) -> Result<(), Stop> {
        if at > self.instant {
            self.instant = at;
            self.frames_at_instant = 0;
        }
        self.frames_at_instant += 1;
        if self.frames_at_instant <= FLOOD_FRAMES {
            return Ok(());
        }
        Err(self.misbehaves("flood", format!("more than {FLOOD_FRAMES} frames at {}", self.since_start(at))))
    }

    fn misbehaves(&self, field: &str, found: String) -> Stop {
        Stop::Misbehaves(Box::new(Difference {
            line: self.line,
            field: field.to_owned(),
            expected: "a bounded answer".to_owned(),
            found,
            note: self.trace.iter().rev().find_map(last_stimulus).unwrap_or_default(),
            ..Difference::default()
        }))
    }
}

fn last_stimulus(entry: &TraceEntry) -> Option<String> {
    match &entry.what {
        TraceEvent::Inbound { bytes, .. } => Some(format!("the last frame before it: {}", hex(bytes))),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
