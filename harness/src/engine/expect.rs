//! What the stack must send: one packet, perhaps one, some in any order, one exchange of several.

use super::player::{Captured, Player};
use super::stop::Stop;
use super::timing::{self, Window};
use crate::lang::ast::{Event, EventTime, Packet};
use crate::packet::{self, Mismatch};
use crate::sut::Rules;
use stack::Instant;
use std::time::Duration;

/// How much longer than due packetdrill waits for a frame before it gives up.
const PACKETDRILL_PATIENCE: Duration = Duration::from_secs(2);
/// How long a frame without a time (`*`) is waited for.
const ANY_TIME_PATIENCE: Duration = Duration::from_secs(3600);

/// When an expected frame may come.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// When it must have left the stack; `None` where any time will do.
    window: Option<Window>,
    /// How long it is waited for.
    patience: Instant,
}

impl Player<'_> {
    /// `> …`: the next frame that needs mention must be this one, in time.
    pub(super) fn expect(&mut self, event: &Event, packet: &Packet) -> Result<(), Stop> {
        let due = self.due(event);
        loop {
            let Some(frame) = self.next_frame(due.patience)? else {
                return Err(self.missing(event, packet));
            };
            let Some(frame) = self.tamper(event, &[packet], frame)? else { continue };
            let Some(at) = self.accept(event, packet, frame, due)? else { continue };
            return self.on_time(event, due, at);
        }
    }

    /// Takes `frame` for what `packet` expects, joined with what follows where that is allowed. `None` where it is an
    /// acknowledgement that needs no mention; otherwise when it was sent.
    fn accept(
        &mut self,
        event: &Event,
        packet: &Packet,
        mut frame: Captured,
        due: Due,
    ) -> Result<Option<Instant>, Stop> {
        let first = match self.matches(packet, &frame)? {
            Ok(()) => return Ok(Some(frame.at)),
            Err(mismatch) => mismatch,
        };
        if self.is_tolerated(&frame) {
            return Ok(None);
        }
        let medium = self.medium(frame.interface);
        let payload = |bytes: &[u8]| packet::dissect(medium, bytes).payload().len();
        let (expected, first_length) = (packet::payload_length(packet), payload(&frame.bytes));
        while self.rules == Rules::Packetdrill && !self.config.strict_segments {
            // What is not longer than what is there cannot become what is expected.
            if expected.is_some_and(|expected| expected <= payload(&frame.bytes)) {
                break;
            }
            let Some(next) = self.next_frame(due.patience)? else { break };
            // The SYN of a socket before shows another port: what was taken for the beginning is forgotten.
            let ends = |bytes: &[u8]| packet::tcp_summary(medium, bytes).map(|s| (s.local, s.remote));
            if ends(&frame.bytes) != ends(&next.bytes) {
                return self.accept(event, packet, next, due);
            }
            if !packet::merge(medium, &mut frame.bytes, &next.bytes) {
                self.queue.push_front(next);
                break;
            }
            frame.at = next.at;
            if self.matches(packet, &frame)?.is_ok() {
                return Ok(Some(frame.at));
            }
            // A larger segment is cut into equal ones, but for the last.
            if payload(&next.bytes) != first_length {
                break;
            }
        }
        let mut stop = Stop::differs(&event.span, first);
        if let Stop::Mismatch(difference) = &mut stop {
            difference.note =
                format!("the frame: {} at {}", self.describe(&frame), self.since_start(frame.at));
        }
        Err(stop)
    }

    /// `maybe > …`: until the time given the frame may come.
    pub(super) fn expect_perhaps(&mut self, event: &Event, packet: &Packet) -> Result<(), Stop> {
        let due = self.due(event);
        while let Some(frame) = self.next_frame(due.patience)? {
            let Some(frame) = self.tamper(event, &[packet], frame)? else { continue };
            if self.matches(packet, &frame)?.is_ok() {
                self.base = frame.at;
                return Ok(());
            }
            if !self.is_tolerated(&frame) {
                self.queue.push_front(frame);
                return Ok(());
            }
        }
        self.base = self.base.max(due.window.map_or(due.patience, |w| w.latest));
        Ok(())
    }

    /// `any order { … }`: each of these, in whatever order.
    pub(super) fn expect_any_order(&mut self, event: &Event, packets: &[Packet]) -> Result<(), Stop> {
        let due = self.due(event);
        let mut missing: Vec<&Packet> = packets.iter().collect();
        while let Some(first) = missing.first().copied() {
            let Some(frame) = self.next_frame(due.patience)? else {
                return Err(self.missing(event, first));
            };
            let Some(frame) = self.tamper(event, &missing, frame)? else { continue };
            let mut found = None;
            for (index, packet) in missing.iter().enumerate() {
                if self.matches(packet, &frame)?.is_ok() {
                    found = Some(index);
                    break;
                }
            }
            match found {
                Some(index) => {
                    missing.remove(index);
                    self.on_time(event, due, frame.at)?;
                }
                None if self.is_tolerated(&frame) => {}
                None => return Err(self.unexpected(event, &frame, "one of the packets of the group")),
            }
        }
        Ok(())
    }

    /// `one of { … }`: exactly one of these exchanges; an empty one means silence.
    pub(super) fn expect_one_of(&mut self, event: &Event, alternatives: &[Vec<Packet>]) -> Result<(), Stop> {
        let due = self.due(event);
        let mut alive: Vec<&Vec<Packet>> = alternatives.iter().collect();
        let mut length = 0;
        loop {
            let complete = alive.iter().any(|packets| packets.len() == length);
            if complete && alive.iter().all(|packets| packets.len() == length) {
                return Ok(());
            }
            let Some(frame) = self.next_frame(due.patience)? else {
                return match (complete, alive.first().and_then(|packets| packets.get(length))) {
                    (true, _) => {
                        self.base = self.base.max(due.window.map_or(due.patience, |w| w.latest));
                        Ok(())
                    }
                    (false, Some(packet)) => Err(self.missing(event, packet)),
                    (false, None) => Ok(()),
                };
            };
            let expected: Vec<&Packet> = alive.iter().filter_map(|packets| packets.get(length)).collect();
            let Some(frame) = self.tamper(event, &expected, frame)? else { continue };
            let mut matching = Vec::new();
            for packets in &alive {
                if let Some(packet) = packets.get(length)
                    && self.would_match(packet, &frame)?
                {
                    matching.push(*packets);
                }
            }
            match matching.first().and_then(|packets| packets.get(length)) {
                Some(packet) => {
                    let _ = self.matches(packet, &frame)?;
                    self.on_time(event, due, frame.at)?;
                    alive = matching;
                    length += 1;
                }
                None if self.is_tolerated(&frame) => {}
                None if complete => {
                    self.queue.push_front(frame);
                    return Ok(());
                }
                None => return Err(self.unexpected(event, &frame, "one of the alternatives")),
            }
        }
    }

    /// The next frame that waits or comes until `limit`.
    fn next_frame(&mut self, limit: Instant) -> Result<Option<Captured>, Stop> {
        loop {
            if self.queue.is_empty() {
                self.run_while(limit, |player| !player.queue.is_empty())?;
            }
            match self.queue.pop_front() {
                Some(frame) if !self.concerns(&frame) => {}
                next => return Ok(next),
            }
        }
    }

    /// Whether the frame is one that the script speaks of; upstream's tool sees only those of the socket under test.
    fn concerns(&self, frame: &Captured) -> bool {
        self.flows.concerns(&self.world, self.medium(frame.interface), &frame.bytes)
    }

    fn due(&self, event: &Event) -> Due {
        let Some((from, to)) = timing::due(event.time, self.origin, self.base) else {
            return Due { window: None, patience: self.stack.now() + ANY_TIME_PATIENCE };
        };
        let gap = match self.rules {
            Rules::Ours => to.saturating_since(self.base),
            Rules::Packetdrill => {
                self.previously_scheduled.map_or(Duration::ZERO, |b| from.saturating_since(b))
            }
        };
        let window = self.tolerance.window(from, to, gap);
        let patience = match self.rules {
            Rules::Ours => window.latest,
            Rules::Packetdrill => to + PACKETDRILL_PATIENCE,
        };
        Due { window: Some(window), patience: patience.max(self.stack.now()) }
    }

    /// Whether the frame came in time; it is the event before for what follows.
    fn on_time(&mut self, event: &Event, due: Due, at: Instant) -> Result<(), Stop> {
        let base = self.base;
        self.base = match self.rules {
            Rules::Ours => self.base.max(at),
            Rules::Packetdrill => self.stack.now(),
        };
        let Some(window) = due.window else { return Ok(()) };
        if window.contains(at) || self.config.non_fatal_packet {
            return Ok(());
        }
        let since = |instant: Instant| match event.time {
            EventTime::Relative(_) | EventTime::RelativeRange(..) if instant >= base => {
                format!("+{:.6}", instant.saturating_since(base).as_secs_f64())
            }
            _ => self.since_start(instant),
        };
        let expected = format!("between {} and {}", since(window.earliest), since(window.latest));
        Err(Stop::mismatch(&event.span, "time", expected, since(at)))
    }

    /// Compares, and takes captures and sequence bases over where it matches.
    pub(super) fn matches(
        &mut self,
        packet: &Packet,
        frame: &Captured,
    ) -> Result<Result<(), Mismatch>, Stop> {
        let interface = self.interface(packet)?;
        if packet.interface.is_some() && interface != frame.interface {
            let name = |index: usize| {
                self.world.setup.interfaces.get(index).map(|i| i.name.clone()).unwrap_or_default()
            };
            let (expected, found) = (name(interface.0), name(frame.interface.0));
            return Ok(Err(Mismatch { field: "interface".to_owned(), expected, found }));
        }
        let medium = self.medium(frame.interface);
        packet::matches(&mut self.context(), packet, medium, &frame.bytes).map_err(|e| Stop::script(&e))
    }

    /// Whether `frame` would match, without taking anything over.
    pub(super) fn would_match(&mut self, packet: &Packet, frame: &Captured) -> Result<bool, Stop> {
        let (variables, flows) = (self.variables.clone(), self.flows.clone());
        let matched = self.matches(packet, frame)?.is_ok();
        (self.variables, self.flows) = (variables, flows);
        Ok(matched)
    }

    /// Whether `frame` would match one of `packets`.
    pub(super) fn would_match_one(&mut self, packets: &[&Packet], frame: &Captured) -> Result<bool, Stop> {
        for packet in packets {
            if self.would_match(packet, frame)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn missing(&self, event: &Event, packet: &Packet) -> Stop {
        let waited = format!("no frame until {}", self.since_start(self.stack.now()));
        Stop::mismatch(&event.span, "frame", packet.span.text().to_owned(), waited)
    }

    fn unexpected(&self, event: &Event, frame: &Captured, expected: &str) -> Stop {
        let found = format!("{} at {}", self.describe(frame), self.since_start(frame.at));
        Stop::mismatch(&event.span, "frame", expected.to_owned(), found)
    }
}
