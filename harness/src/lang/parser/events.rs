//! Events: labels, times, and what happens.

use super::super::ast::{Action, Event, EventTime, Phase};
use super::super::include::Includes;
use super::super::lexer::Kind;
use super::super::source::{Error, Span};
use super::{Parser, Result, Rules};
use std::time::Duration;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
}

impl Parser {
    /// Events up to the end of the file. Everything above the last `---` is the opening.
    pub(in super::super) fn events(&mut self, includes: &mut Includes<'_>) -> Result<Vec<Event>> {
        let mut events: Vec<Event> = Vec::new();
        let mut opening = 0;
        let mut clock = Clock::new(self.rules);
        loop {
            match self.kind() {
                Kind::Separator if self.rules == Rules::Included => {
                    let help = "everything in an included file is an opening";
                    return Err(Error::new(&self.here(), "`---` belongs into the case").help(help));
                }
                Kind::Separator => {
                    self.advance();
                    opening = events.len();
                }
                Kind::End => break,
                Kind::Shell => break,
                Kind::Word if self.at_word("include") && self.ours() => {
                    let first = events.len();
                    self.include(includes, &mut events)?;
                    for event in &events[first..] {
                        clock.pass(event)?;
                    }
                }
                _ => {
                    let event = self.event()?;
                    clock.pass(&event)?;
                    events.push(event);
                }
            }
        }
        for event in &mut events[..opening] {
            event.phase = Phase::Opening;
        }
        if events.is_empty() && self.rules != Rules::Included {
            return Err(self.misplaced("an event, which begins with its time"));
        }
        Ok(events)
    }

    /// One event: `[@label] time action`, or a statement that takes no time.
    pub(super) fn event(&mut self) -> Result<Event> {
        let start = self.here();
        let label = self.label()?;
        let (time, action) = match self.untimed_statement()? {
            Some(action) => (EventTime::Untimed, action),
            None => {
                let time = self.event_time()?;
                (time, self.action()?)
            }
        };
        let span = self.span_from(&start);
        self.check_time(time, &action, &span)?;
        let phase = if self.rules == Rules::Included { Phase::Opening } else { Phase::Point };
        Ok(Event { label, time, action, phase, span })
    }

    fn label(&mut self) -> Result<Option<String>> {
        if !self.at('@') {
            return Ok(None);
        }
        self.extension("a label")?;
        let start = self.here();
        self.advance();
        let name = self.word("the label's name behind `@`")?;
        if !self.labels.insert(name.clone()) {
            let help = "each label names one event, so that a twin knows which";
            return Err(
                Error::new(&self.span_from(&start), format!("there is another `@{name}` above")).help(help)
            );
        }
        Ok(Some(name))
    }

    fn event_time(&mut self) -> Result<EventTime> {
        let what = "an event, which begins with its time";
        let start = self.here();
        let time = match self.kind() {
            Kind::Punct('*') => {
                self.advance();
                return Ok(EventTime::Any);
            }
            Kind::Punct('+') => {
                self.advance();
                let first = self.seconds("a time in seconds behind `+`")?;
                if !self.eat('~') {
                    return Ok(EventTime::Relative(first));
                }
                if !self.eat('+') {
                    return Err(self.unexpected("`+`, since the range began with one"));
                }
                EventTime::RelativeRange(first, self.seconds("the end of the time range")?)
            }
            Kind::Int(_) | Kind::Decimal => {
                let first = self.seconds(what)?;
                if !self.eat('~') {
                    return self.absolute(first, &start);
                }
                self.absolute(first, &start)?;
                EventTime::AbsoluteRange(first, self.seconds("the end of the time range")?)
            }
            _ => return Err(self.not_an_event(what)),
        };
        if let EventTime::AbsoluteRange(first, last) | EventTime::RelativeRange(first, last) = time
            && last < first
        {
            return Err(Error::new(&self.span_from(&start), "this time range is backwards"));
        }
        Ok(time)
    }

    fn absolute(&self, time: Duration, start: &Span) -> Result<EventTime> {
        if self.rules == Rules::Included {
            let help = "write `+TIME`, the time since the event before";
            return Err(Error::new(start, "an included file holds no absolute times").help(help));
        }
        Ok(EventTime::Absolute(time))
    }

    /// What to say where no event begins: often the time is missing.
    fn not_an_event(&self, what: &str) -> Error {
        let error = self.misplaced(what);
        match self.kind() {
            Kind::Option => error.help("options stand at the top, before everything else"),
            Kind::Word if self.ours() => {
                let text = &self.token().text;
                match crate::suggest::nearest(text, super::statements::UNTIMED.iter().copied()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("for one that follows at once, write `+0` in front"),
                }
            }
            Kind::Word | Kind::Punct('<' | '>') => {
                error.help("for one that follows at once, write `+0` in front")
            }
            Kind::Punct('-') => Error::new(&self.here(), "negative time"),
            _ => error,
        }
    }

    fn action(&mut self) -> Result<Action> {
        if let Some(shell) = self.shell() {
            return Ok(Action::Shell(shell));
        }
        // Before packets: `maybe >` is no interface.
        if let Some(action) = self.timed_statement()? {
            return Ok(action);
        }
        match self.kind() {
            Kind::Code => Ok(Action::Code(self.advance().text)),
            _ if self.at_direction() => self.packet_action(),
            Kind::Ellipsis | Kind::Word => Ok(Action::Call(self.call()?)),
            _ => Err(self.unexpected("what happens then: `<` or `>` and a packet, or a call")),
        }
    }

    fn packet_action(&mut self) -> Result<Action> {
        let (direction, packet) = self.directed_packet()?;
        Ok(match direction {
            Direction::Inbound => Action::Inbound(packet),
            Direction::Outbound => Action::Outbound(packet),
        })
    }

    /// packetdrill's rules about which events may have which times, and ours about blocking calls.
    fn check_time(&self, time: EventTime, action: &Action, span: &Span) -> Result<()> {
        let outbound =
            matches!(action, Action::Outbound(_) | Action::Maybe(_) | Action::AnyOrder(_) | Action::OneOf(_));
        match time {
            EventTime::Any if !outbound => Err(Error::new(span, "the time `*` is only for outbound packets")
                .help(
                    "a stimulus happens when the script says; only what the stack sends may come at any time",
                )),
            EventTime::AbsoluteRange(..) | EventTime::RelativeRange(..) if !outbound => {
                Err(Error::new(span, "a time range is only for outbound packets"))
            }
            EventTime::Absolute(begin) | EventTime::Relative(begin) => match action {
                Action::Call(call) if self.ours() && call.end.is_some_and(|(end, _)| end < begin) => {
                    Err(Error::new(span, "the call returns before it is made")
                        .help("both times count from the same instant: `+1...1.5` takes half a second"))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// Follows the times of a script, to see whether one goes backwards.
struct Clock {
    rules: Rules,
    first: bool,
    /// The earliest that the next event can be, where that is known.
    earliest: Option<Duration>,
}

impl Clock {
    fn new(rules: Rules) -> Clock {
        Clock { rules, first: true, earliest: Some(Duration::ZERO) }
    }

    fn pass(&mut self, event: &Event) -> Result<()> {
        if self.rules == Rules::Upstream && self.first && starts_late(event.time) {
            let help = "packetdrill's scripts begin at `0` or `+0`";
            return Err(Error::new(&event.span, "the first event is not at time 0").help(help));
        }
        self.first = false;
        match event.time {
            EventTime::Absolute(time) | EventTime::AbsoluteRange(time, _) => {
                if self.earliest.is_some_and(|earliest| time < earliest) {
                    return Err(self.backwards(event, time));
                }
                self.earliest = Some(time);
            }
            // packetdrill compares absolute times with absolute times only.
            EventTime::Relative(_) | EventTime::RelativeRange(..) | EventTime::Any
                if self.rules == Rules::Upstream =>
            {
                self.earliest = None;
            }
            EventTime::Relative(gap) | EventTime::RelativeRange(gap, _) => {
                self.earliest = self.earliest.map(|earliest| earliest.saturating_add(gap));
            }
            EventTime::Any | EventTime::Untimed => {}
        }
        Ok(())
    }

    fn backwards(&self, event: &Event, time: Duration) -> Error {
        let earliest = self.earliest.unwrap_or_default().as_secs_f64();
        let message = format!("time goes backwards, from {earliest} to {}", time.as_secs_f64());
        Error::new(&event.span, message).help("`+TIME` counts from the event before")
    }
}

fn starts_late(time: EventTime) -> bool {
    match time {
        EventTime::Absolute(t) | EventTime::Relative(t) => !t.is_zero(),
        EventTime::AbsoluteRange(t, _) | EventTime::RelativeRange(t, _) => !t.is_zero(),
        EventTime::Any | EventTime::Untimed => false,
    }
}
