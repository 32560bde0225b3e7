//! Keep-alive probes (RFC 9293 3.8.4).

use super::Error;
use super::action::Action;
use super::config::KeepaliveTimes;
use super::control_block::{Context, ControlBlock};
use super::state::State;
use super::timers::Timer;
use crate::time::Instant;

/// What keep-alive remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keepalive {
    /// When the peer was last heard, or a probe last sent.
    last: Instant,
    /// Probes without an answer.
    unanswered: u32,
    /// A probe is due.
    pub(crate) probe_now: bool,
}

impl Keepalive {
    /// A segment of this connection has arrived.
    pub(crate) fn heard(&mut self, now: Instant) {
        *self = Keepalive { last: now, unanswered: 0, probe_now: false };
    }
}

/// The user's times, where probes may be sent at all: in an open connection with nothing under way (MUST-26).
fn applies(tcb: &ControlBlock) -> Option<KeepaliveTimes> {
    let open = matches!(tcb.state, State::Established | State::CloseWait | State::FinWait2);
    let idle = tcb.snd_una == tcb.snd_nxt && tcb.unsent() == 0;
    tcb.options.keepalive.filter(|_| open && idle)
}

/// Sets the timer as things stand.
pub(crate) fn arm(tcb: &mut ControlBlock) {
    match applies(tcb) {
        Some(times) => {
            let wait = if tcb.keepalive.unanswered == 0 { times.idle } else { times.interval };
            tcb.deadlines.set(Timer::Keepalive, tcb.keepalive.last + wait);
        }
        None => tcb.deadlines.stop(Timer::Keepalive),
    }
}

/// Sends the next probe, or gives up after as many as the user allows: never after one (MUST-29).
pub(crate) fn timer_expired(tcb: &mut ControlBlock, cx: &Context) -> Action {
    let Some(times) = applies(tcb) else { return Action::Done };
    if tcb.keepalive.unanswered >= times.probes.max(2) {
        return Action::Abort(tcb.soft_error.unwrap_or(Error::TimedOut));
    }
    tcb.keepalive = Keepalive { last: cx.now, unanswered: tcb.keepalive.unanswered + 1, probe_now: true };
    Action::Done
}
