//! Zero-window probes (RFC 9293 3.8.6.1), and the override of silly window avoidance (3.8.6.2.1), on one timer.

use super::action::Action;
use super::control_block::{Context, ControlBlock};
use super::retransmit;
use super::rto::doubled;
use super::timers::Timer;

/// Where probing stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Persist {
    /// Probes sent since the window closed.
    pub(crate) probes: u32,
    /// A probe is due.
    pub(crate) probe_now: bool,
    /// The override timeout has occurred: send what the window allows, however small.
    pub(crate) overridden: bool,
}

impl Persist {
    /// The window is open.
    pub(crate) fn stop(&mut self) {
        *self = Persist { overridden: self.overridden, ..Persist::default() };
    }
}

/// Starts the timer for the next probe: RTO after the window closed, then at growing intervals (SHLD-29, SHLD-30).
pub(crate) fn start_timer(tcb: &mut ControlBlock, cx: &Context) {
    let interval = doubled(tcb.rto.base(), tcb.persist.probes, cx.config.persist_max.max(tcb.rto.base()));
    tcb.deadlines.start(Timer::Persist, cx.now + interval);
}

/// A connection whose probes are answered lives for ever (MUST-37); one whose probes are not ends as by R2.
pub(crate) fn timer_expired(tcb: &mut ControlBlock, cx: &Context) -> Action {
    if tcb.snd_wnd > 0 {
        tcb.persist.overridden = true;
        return Action::Done;
    }
    if tcb.patience().is_none() && retransmit::has_waited(tcb, cx.config.r2) {
        return retransmit::give_up(tcb, cx);
    }
    tcb.persist.probes = tcb.persist.probes.saturating_add(1);
    tcb.persist.probe_now = true;
    Action::Done
}
