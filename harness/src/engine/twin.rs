//! Twins: the violation of one requirement, made by the harness on a conforming stack's frames and calls.
//!
//! A case is believed when the twin of each of its requirements makes it fail at the line that decides that requirement.

use super::player::{Captured, Player};
use super::stop::Stop;
use crate::lang::ast::{Action, AlterOperation, Event, Packet, Script, Twin, TwinAction, Value};
use crate::lang::{Error, Span};
use crate::packet;
use crate::run::{Record, Verdict};
use crate::sut::{Errno, InterfaceId, Outcome, Output};

/// A twin on its way through a run.
pub(super) struct TwinState<'a> {
    twin: Option<&'a Twin>,
    /// Which of its actions have found their frame or call.
    applied: Vec<bool>,
}

impl<'a> TwinState<'a> {
    pub(super) fn new(twin: Option<&'a Twin>) -> TwinState<'a> {
        TwinState { twin, applied: vec![false; twin.map_or(0, |t| t.actions.len())] }
    }

    /// The actions that still wait for the line with this label, with their positions.
    fn waiting_for(&self, label: Option<&String>) -> Vec<(usize, &'a TwinAction)> {
        let (Some(twin), Some(label)) = (self.twin, label) else { return Vec::new() };
        let actions = twin.actions.iter().enumerate();
        actions.filter(|(i, action)| !self.applied[*i] && action.label() == label).collect()
    }

    /// A twin that found no frame says nothing about the case: it is an error.
    pub(super) fn check_applied(&self) -> Result<(), Stop> {
        match (self.twin, self.applied.iter().position(|applied| !applied)) {
            (Some(twin), Some(index)) => {
                let text = format!("no frame or call of the line @{} was seen", twin.actions[index].label());
                Err(Stop::script(&Error::new(&twin.span, text).help("the twin changed nothing in this run")))
            }
            _ => Ok(()),
        }
    }
}

impl TwinAction {
    /// The label of the line that it works on.
    pub fn label(&self) -> &String {
        match self {
            TwinAction::Drop(label)
            | TwinAction::Delay(label, _)
            | TwinAction::Duplicate(label)
            | TwinAction::Alter(label, _)
            | TwinAction::Inject(label, _)
            | TwinAction::Swallow(label)
            | TwinAction::Answer(label, ..) => label,
        }
    }
}

impl Player<'_> {
    /// Lets the twin at a frame that the stack sent, if it is one that the line expects. `None`: it is lost.
    pub(super) fn tamper(
        &mut self,
        event: &Event,
        expected: &[&Packet],
        mut frame: Captured,
    ) -> Result<Option<Captured>, Stop> {
        let actions = self.twin.waiting_for(event.label.as_ref());
        if actions.is_empty() || !self.would_match_one(expected, &frame)? {
            return Ok(Some(frame));
        }
        for (index, action) in actions {
            self.twin.applied[index] = true;
            match action {
                TwinAction::Drop(_) => return Ok(None),
                TwinAction::Delay(_, time) => frame.at += *time,
                TwinAction::Duplicate(_) => self.queue.push_front(frame.clone()),
                TwinAction::Alter(_, change) if change.field == "fcs" => {
                    if change.operation != AlterOperation::Set(Value::Bad) {
                        let text = "a check sequence can be `bad` and nothing else";
                        return Err(self.twin_error(&event.span, text.to_owned()));
                    }
                    self.judge_fcs(&packet::fcs::append(&frame.bytes, 1));
                }
                TwinAction::Alter(_, change) => {
                    let medium = self.medium(frame.interface);
                    packet::alter(&mut self.context(), medium, &mut frame.bytes, change)
                        .map_err(|text| self.twin_error(&event.span, text))?;
                }
                TwinAction::Inject(_, injected) => {
                    let bytes = self.build_as_sent(injected)?;
                    let interface = self.interface(injected)?;
                    self.queue.push_front(frame.clone());
                    frame = Captured { interface, bytes, ..frame };
                }
                TwinAction::Swallow(_) | TwinAction::Answer(..) => {
                    let text = "this line expects a frame: there is nothing to swallow or to answer";
                    return Err(self.twin_error(&event.span, text.to_owned()));
                }
            }
        }
        Ok(Some(frame))
    }

    /// Lets the twin at a frame for the stack. `false`: the stack never sees it.
    pub(super) fn twin_stimulus(
        &mut self,
        event: &Event,
        interface: InterfaceId,
        frame: &mut Vec<u8>,
    ) -> Result<bool, Stop> {
        let mut delivered = true;
        for (index, action) in self.twin.waiting_for(event.label.as_ref()) {
            match action {
                TwinAction::Swallow(_) => delivered = false,
                TwinAction::Alter(_, change) => {
                    let medium = self.medium(interface);
                    packet::alter(&mut self.context(), medium, frame, change)
                        .map_err(|text| self.twin_error(&event.span, text))?;
                }
                TwinAction::Duplicate(_) => self.inject(interface, frame.clone())?,
                TwinAction::Inject(..) => continue,
                _ => {
                    let text =
                        "this line is a stimulus: only alter, swallow, duplicate and inject work on it";
                    return Err(self.twin_error(&event.span, text.to_owned()));
                }
            }
            self.twin.applied[index] = true;
        }
        Ok(delivered)
    }

    /// Frames that the stack seems to send right after a stimulus or a call.
    pub(super) fn twin_inject_after(&mut self, event: &Event) -> Result<(), Stop> {
        for (index, action) in self.twin.waiting_for(event.label.as_ref()) {
            let TwinAction::Inject(_, packet) = action else { continue };
            self.twin.applied[index] = true;
            let bytes = self.build_as_sent(packet)?;
            let interface = self.interface(packet)?;
            let at = self.stack.now();
            self.queue.push_back(Captured { interface, at, bytes, line: self.line, news: false });
        }
        Ok(())
    }

    /// What the call seems to return.
    pub(super) fn twin_answer(&mut self, event: &Event, outcome: Outcome) -> Outcome {
        for (index, action) in self.twin.waiting_for(event.label.as_ref()) {
            let TwinAction::Answer(_, value, errno) = action else { continue };
            self.twin.applied[index] = true;
            let errno = errno.as_deref().and_then(crate::abi::errno);
            return match errno {
                Some(number) => Outcome { result: Err(Errno(number)), output: Output::None },
                None => Outcome { result: Ok(*value), output: outcome.output },
            };
        }
        outcome
    }

    fn build_as_sent(&mut self, packet: &Packet) -> Result<Vec<u8>, Stop> {
        packet::build_outbound(&mut self.context(), packet).map_err(|e| Stop::script(&e))
    }

    fn twin_error(&self, span: &Span, text: String) -> Stop {
        Stop::script(&Error::new(span, format!("the twin cannot be applied here: {text}")))
    }
}

/// The lines at which a twin may make its case fail: the one it names, or else its own line and the first line after it that
/// expects something.
fn deciding_lines(script: &Script, twin: &Twin) -> Vec<usize> {
    let line_of = |label: &String| {
        script.events.iter().find(|e| e.label.as_ref() == Some(label)).map(|e| e.span.line())
    };
    if let Some(label) = &twin.red_at {
        return line_of(label).into_iter().collect();
    }
    let mut lines = Vec::new();
    for action in &twin.actions {
        let Some(index) = script.events.iter().position(|e| e.label.as_ref() == Some(action.label())) else {
            continue;
        };
        lines.push(script.events[index].span.line());
        let next = script.events[index + 1..].iter().find(|e| expects_something(e));
        lines.extend(next.or(script.events.last()).map(|e| e.span.line()));
    }
    lines
}

/// The requirements that a failure at `line` of a case's own file breaks: those whose twins make it fail there.
pub fn decided_at(script: &Script, line: usize) -> Vec<&str> {
    let twins = script.head.iter().flat_map(|head| &head.twins);
    let deciding = twins.filter(|twin| deciding_lines(script, twin).contains(&line));
    let mut found: Vec<&str> = Vec::new();
    for twin in deciding {
        if !found.contains(&twin.requirement.as_str()) {
            found.push(&twin.requirement);
        }
    }
    found
}

fn expects_something(event: &Event) -> bool {
    !matches!(event.action, Action::Inbound(_) | Action::Shell(_) | Action::NewConnection)
}

/// Whether a run with `twin` is red: a `fail` at a line that decides the twin's requirement.
///
/// # Errors
/// Says why it is not.
pub fn is_red(script: &Script, twin: &Twin, record: &Record) -> Result<(), String> {
    let lines = deciding_lines(script, twin);
    match (record.verdict, &record.first_difference) {
        (Verdict::Fail, Some(difference)) if lines.contains(&difference.line) => Ok(()),
        (Verdict::Fail, Some(difference)) => Err(format!(
            "it fails at line {} ({}), not at a line that decides the requirement ({})",
            difference.line,
            difference.field,
            lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
        )),
        (verdict, Some(difference)) => {
            Err(format!("the verdict is {verdict}, at line {}: {}", difference.line, difference.found))
        }
        (verdict, None) => Err(format!("the verdict is {verdict}")),
    }
}
