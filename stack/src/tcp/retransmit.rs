//! Retransmission: what is sent again when, and when to give up (RFC 9293 3.8.1, 3.8.3, RFC 6298 5).

use super::action::Action;
use super::control_block::{Context, ControlBlock};
use super::rack;
use super::state::State;
use super::timers::Timer;
use super::{Error, SeqNumber};
use crate::time::Instant;

/// What is known about the segment at SND.UNA and what follows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retransmission {
    /// How often the timer has expired since SND.UNA last moved.
    pub(crate) count: u32,
    /// Since when we wait for a sign that the peer gets what we send; `None` where nothing is under way.
    pub(crate) since: Option<Instant>,
    /// Send the first unacknowledged segment, whatever the congestion window says: the SYN, or fast retransmit.
    pub(crate) first_now: bool,
    /// Send the first segment that is lost, whatever the congestion window says: a recovery begins (RFC 6675 5 step 4.3).
    pub(crate) first_lost_now: bool,
    /// After a timeout everything from SND.UNA counts as lost and goes again from here, as cwnd allows.
    pub(crate) next: Option<SeqNumber>,
    /// Whether a SYN or SYN,ACK timed out (RFC 6298 5.7, RFC 5681 3.1).
    pub(crate) syn_lost: bool,
    /// Segments sent again since the connection began.
    pub(crate) total: u64,
    /// R1 was reached: IP should look for another way (RFC 9293 MUST-20 b).
    pub(crate) advise_ip: bool,
}

impl Retransmission {
    /// The peer got something new at `now`; `outstanding` where more is under way.
    pub(crate) fn progress(&mut self, now: Instant, outstanding: bool) {
        self.count = 0;
        self.since = outstanding.then_some(now);
    }
}

/// RFC 6298 5.4 to 5.7.
pub(crate) fn timer_expired(tcb: &mut ControlBlock, cx: &Context) -> Action {
    let syn = tcb.syn_is_outstanding();
    if tcb.ecn.held_until.take().is_some() && tcb.flight_size() == 0 {
        return Action::Done;
    }
    if let Some(retries) = tcb.options.syn_retries.filter(|_| syn)
        && tcb.retransmit.count >= retries
    {
        return give_up(tcb, cx);
    }
    if tcb.patience().is_none() {
        let r2 = if syn { cx.config.r2_syn } else { cx.config.r2 };
        if has_waited(tcb, r2) {
            return give_up(tcb, cx);
        }
    }
    if syn {
        tcb.retransmit.syn_lost = true;
        tcb.retransmit.first_now = true;
    } else {
        let first = tcb.retransmit.count == 0;
        tcb.congestion.timeout(tcb.flight_size(), tcb.snd_nxt, first);
        tcb.retransmit.first_now = false;
        if tcb.uses_rack() {
            tcb.tlp.stop();
            rack::mark_losses_on_rto(tcb, cx);
            tcb.congestion.let_one_go(tcb.flight.pipe());
        } else {
            tcb.scoreboard.clear();
            tcb.flight.forget_sacks();
            tcb.flight.mark_lost(|_| true);
            tcb.retransmit.next = Some(tcb.snd_una);
        }
    }
    tcb.retransmit.count += 1;
    if tcb.retransmit.count == cx.config.r1 {
        tcb.retransmit.advise_ip = true;
        tcb.soft_error.get_or_insert(Error::TimedOut);
    }
    tcb.rto.back_off();
    tcb.rto.retransmitted();
    tcb.deadlines.set(Timer::Retransmit, cx.now + tcb.rto.current());
    Action::Done
}

/// Whether the peer has been silent for so long that the last transmission came `limit` or more after the first one:
/// the segment was retransmitted for that long, and what was sent last had its time to be answered.
pub(crate) fn has_waited(tcb: &ControlBlock, limit: core::time::Duration) -> bool {
    tcb.retransmit.since.is_some_and(|since| tcb.last_sent.saturating_since(since) >= limit)
}

/// R2 or the user timeout: the reason is what ICMP said, if it said something (RFC 1122 4.2.3.9).
pub(crate) fn give_up(tcb: &ControlBlock, cx: &Context) -> Action {
    let error = tcb.soft_error.unwrap_or(Error::TimedOut);
    match tcb.state {
        State::SynSent => Action::Close(Some(error)),
        State::SynReceived if tcb.is_passive() && !tcb.fast_open.opened => Action::ReturnToListen,
        _ if cx.config.reset_on_timeout => Action::Abort(error),
        _ => Action::Close(Some(error)),
    }
}
