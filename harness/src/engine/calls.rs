//! Calls on the stack: made when they are due, compared when they return.

use super::player::Player;
use super::stop::Stop;
use super::timing::{self, Window};
use crate::calls::{self, CallContext, Prepared};
use crate::code::{self, ErrorKind};
use crate::lang::ast::{CallSpec, Event, Shell};
use crate::run::TraceEvent;
use crate::settings;
use crate::sut::{Call, CallId, Capability, Clock, Errno, Outcome, Output, Refusal, Rules};
use stack::Instant;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a call that should not block may take on a real clock.
const CALL_PATIENCE: Duration = Duration::from_secs(1);
/// How long a shell command may take.
const SHELL_PATIENCE: Duration = Duration::from_secs(30);
/// How much of an option's value is asked for, in bytes; `struct tcp_info` is the largest.
const MOST_OF_AN_OPTION: u32 = 512;

/// How the names begin that code knows an option's fields by, the option's level and number, what it is called, and what reads it.
type Beyond = (&'static [&'static str], (i32, i32), &'static str, fn(&[u8]) -> BTreeMap<String, i64>);

/// What code may use beyond TCP_INFO. Each is a call more, so it is made only for code that uses it.
const BEYOND: &[Beyond] = &[
    (&["SK_MEMINFO_"], (libc::SOL_SOCKET, libc::SO_MEMINFO), "SO_MEMINFO", code::memory_variables),
    (
        &["bbr_", "dctcp_", "tcpv_", "tcp_rtt", "tcp_minrtt"],
        (libc::IPPROTO_TCP, libc::TCP_CC_INFO),
        "TCP_CC_INFO",
        code::congestion_variables,
    ),
];

/// A call that may return later.
pub(super) struct Outstanding<'a> {
    id: CallId,
    event: &'a Event,
    spec: &'a CallSpec,
    prepared: Prepared,
    due: Window,
}

impl<'a> Player<'a> {
    /// Makes the call. One that has an end time may return later; any other must return at once.
    pub(super) fn call(&mut self, event: &'a Event, spec: &'a CallSpec) -> Result<(), Stop> {
        let scheduled = timing::due(event.time, self.origin, self.base).map_or(self.base, |(at, _)| at);
        self.wait_for(event)?;
        self.await_calls(self.stack.now())?;
        let prepared = calls::prepare(&mut self.call_context(), spec).map_err(|e| Stop::script(&e))?;
        self.flows.called(&prepared.call);
        self.passive.called(&prepared.call);
        let started = self.stack.now();
        let id = self.submit(event, prepared.call.clone(), calls::describe_call(spec))?;
        match spec.end {
            None => {
                let outcome = self.completion(id, CALL_PATIENCE)?.ok_or_else(|| {
                    let expected = calls::describe(spec);
                    Stop::mismatch(&event.span, "result", expected, "the call blocks".to_owned())
                })?;
                self.returned(event, spec, &prepared, id, started, outcome)?;
            }
            Some((earliest, latest)) => {
                let base = match event.time {
                    crate::lang::ast::EventTime::Absolute(_) => self.origin,
                    _ => scheduled_base(scheduled, event),
                };
                let (from, to) = (base + earliest, base + latest);
                let due = self.tolerance.window(from, to, to.saturating_since(started));
                self.outstanding.push(Outstanding { id, event, spec, prepared, due });
                self.advance(self.stack.now())?;
            }
        }
        self.twin_inject_after(event)
    }

    fn submit(&mut self, event: &Event, call: Call, text: String) -> Result<CallId, Stop> {
        let now = self.stack.now();
        let id = self.stack.submit(call).map_err(|r| Stop::refused(Some(&event.span), r))?;
        self.note(now, TraceEvent::Call { id, text });
        Ok(id)
    }

    /// The outcome of `id`, waited for at most `patience` on a real clock and not at all on a virtual one.
    fn completion(&mut self, id: CallId, patience: Duration) -> Result<Option<(Instant, Outcome)>, Stop> {
        let now = self.stack.now();
        let until = match self.stack.capabilities().clock {
            Clock::Virtual => now,
            Clock::Real { .. } => now + patience,
        };
        self.run_while(until, |player| player.completed.iter().any(|(done, ..)| *done == id))?;
        Ok(self.take_completion(id))
    }

    fn take_completion(&mut self, id: CallId) -> Option<(Instant, Outcome)> {
        let index = self.completed.iter().position(|(done, ..)| *done == id)?;
        let (_, at, outcome) = self.completed.remove(index);
        Some((at, outcome))
    }

    /// Compares what the call returned with what it must return.
    fn returned(
        &mut self,
        event: &Event,
        spec: &CallSpec,
        prepared: &Prepared,
        id: CallId,
        at: Instant,
        (completed, outcome): (Instant, Outcome),
    ) -> Result<(), Stop> {
        let outcome = self.twin_answer(event, outcome);
        let text = calls::describe_outcome(prepared, &outcome);
        self.note(at.max(completed), TraceEvent::Completed { id, text, outcome: outcome.clone() });
        let compared =
            calls::check(&mut self.call_context(), spec, prepared, &outcome).map_err(|e| Stop::script(&e))?;
        match compared {
            Ok(()) => Ok(()),
            Err(_) if self.lacks_option(&prepared.call, &outcome) => {
                Err(Stop::skip(format!("the socket option in {}", calls::describe(spec))))
            }
            Err(_) if self.config.non_fatal_syscall => Ok(()),
            Err(mismatch) => Err(Stop::differs(&event.span, mismatch)),
        }
    }

    /// Whether an upstream script, which was written for Linux, asks another stack for a socket option that it does not have.
    fn lacks_option(&self, call: &Call, outcome: &Outcome) -> bool {
        let is_linux = self.stack.capabilities().has(Capability::Shell);
        let is_option = matches!(call, Call::Setsockopt { .. } | Call::Getsockopt { .. });
        let is_unknown = matches!(outcome.result, Err(Errno(libc::ENOPROTOOPT)));
        self.rules == Rules::Packetdrill && !is_linux && is_option && is_unknown
    }

    /// Looks at calls that have returned meanwhile.
    pub(super) fn settle_calls(&mut self) -> Result<(), Stop> {
        let mut index = 0;
        while index < self.outstanding.len() {
            let Some(result) = self.take_completion(self.outstanding[index].id) else {
                index += 1;
                continue;
            };
            let call = self.outstanding.remove(index);
            let at = result.0;
            self.returned(call.event, call.spec, &call.prepared, call.id, at, result)?;
            if !call.due.contains(at) {
                let expected = format!(
                    "{} returns between {} and {}",
                    call.spec.name,
                    self.since_start(call.due.earliest),
                    self.since_start(call.due.latest)
                );
                return Err(Stop::mismatch(&call.event.span, "time", expected, self.since_start(at)));
            }
        }
        Ok(())
    }

    /// Waits for the calls that must have returned by `by`; packetdrill, for all of them, before it makes the next.
    pub(super) fn await_calls(&mut self, by: Instant) -> Result<(), Stop> {
        let all = self.rules == Rules::Packetdrill;
        while let Some(call) = self.outstanding.iter().find(|call| all || call.due.earliest <= by) {
            let (id, latest) = (call.id, call.due.latest);
            self.run_while(latest, |player| player.outstanding.iter().all(|call| call.id != id))?;
            if let Some(call) = self.outstanding.iter().find(|call| call.id == id) {
                let expected =
                    format!("{} returns until {}", call.spec.name, self.since_start(call.due.latest));
                return Err(Stop::mismatch(&call.event.span, "time", expected, "it still blocks".to_owned()));
            }
        }
        Ok(())
    }

    /// Runs a shell command in the stack's own system, or, on a stack in memory, does what its settings say.
    pub(super) fn shell(&mut self, shell: &'a Shell) -> Result<(), Stop> {
        let span = &shell.span;
        if self.stack.capabilities().has(Capability::Shell) {
            let call = Call::Shell { command: shell.command.clone() };
            let id = self.stack.submit(call).map_err(|r| Stop::refused(Some(span), r))?;
            let outcome = self.completion(id, SHELL_PATIENCE)?.map(|(_, outcome)| outcome.result);
            self.base = self.stack.now();
            return match outcome {
                Some(Ok(0)) => Ok(()),
                Some(result) => {
                    Err(Stop::mismatch(span, "shell", "exit status 0".into(), format!("{result:?}")))
                }
                None => Err(Stop::mismatch(span, "shell", "an end".into(), "the command still runs".into())),
            };
        }
        let settings = settings::parse_command(&shell.command)
            .map_err(|unknown| Stop::skip(format!("the command '{}'", unknown.command)))?;
        for setting in settings {
            let name = setting.name.clone();
            let call = Call::Set { name: setting.name, value: setting.value };
            let done = match self.stack.submit(call) {
                Ok(id) => self.completion(id, CALL_PATIENCE)?.is_some_and(|(_, o)| o.result.is_ok()),
                Err(Refusal::Unsupported(_)) => false,
                Err(broken) => return Err(Stop::refused(Some(span), broken)),
            };
            if !done && !setting.optional {
                return Err(Stop::skip(format!("the setting {name}")));
            }
        }
        Ok(())
    }

    /// `%{ … }%`: assertions on the TCP_INFO of the socket under test.
    pub(super) fn code(&mut self, event: &Event, text: &str) -> Result<(), Stop> {
        let Some(fd) = self.descriptors.under_test() else {
            let error = "there is no socket yet whose TCP_INFO could be looked at";
            return Err(Stop::script(&crate::lang::Error::new(&event.span, error)));
        };
        match self.option(event, fd, (libc::IPPROTO_TCP, libc::TCP_INFO), "TCP_INFO")? {
            Ok(info) => self.code_variables.extend(code::tcp_info_variables(&info)),
            Err(found) => {
                return Err(Stop::mismatch(&event.span, "result", "TCP_INFO".to_owned(), found));
            }
        }
        for (names, option, name, read) in BEYOND {
            if names.iter().any(|name| text.contains(name))
                && let Ok(bytes) = self.option(event, fd, *option, name)?
            {
                self.code_variables.extend(read(&bytes));
            }
        }
        code::evaluate(text, &mut self.code_variables).map_err(|error| match error.kind {
            ErrorKind::Assertion => {
                Stop::mismatch(&event.span, "code", text.trim().to_owned(), error.message)
            }
            ErrorKind::Unsupported => Stop::skip(error.message),
            ErrorKind::Syntax => Stop::script(&crate::lang::Error::new(&event.span, error.message)),
        })
    }

    /// What `getsockopt` returns of an option, given by level and number; or what came instead.
    fn option(
        &mut self,
        event: &Event,
        fd: i32,
        (level, name): (i32, i32),
        shown: &str,
    ) -> Result<Result<Vec<u8>, String>, Stop> {
        let call = Call::Getsockopt { fd, level, name, length: MOST_OF_AN_OPTION };
        let id = self.submit(event, call, format!("getsockopt({shown})"))?;
        Ok(match self.completion(id, CALL_PATIENCE)? {
            Some((_, Outcome { result: Ok(_), output: Output::Option(bytes) })) => Ok(bytes),
            Some((_, other)) => Err(format!("{:?}", other.result)),
            None => Err("the call blocks".to_owned()),
        })
    }

    fn call_context(&mut self) -> CallContext<'_> {
        CallContext {
            rules: self.rules,
            world: &self.world,
            variables: &mut self.variables,
            descriptors: &mut self.descriptors,
        }
    }
}

/// The event before a relative event: its end time counts from there as its start does.
fn scheduled_base(scheduled: Instant, event: &Event) -> Instant {
    match event.time {
        crate::lang::ast::EventTime::Relative(after) => scheduled - after,
        _ => scheduled,
    }
}
