//! TIME-WAIT (RFC 9293 3.10.7.4, 3.6.1, RFC 6191).

use crate::tcp::action::{Action, Flow, end};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::steps;
use crate::wire::tcp::{Flags, Segment};

pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    let new_request = segment.has(Flags::SYN) && !segment.has(Flags::ACK) && !segment.has(Flags::RST);
    if new_request && cx.config.reuse_time_wait {
        return end(if may_reopen(tcb, cx, segment) { Action::Reopen } else { Action::Drop });
    }
    // A retransmitted FIN lies before the window; whatever the first step says of it, 2 MSL begin anew.
    if segment.has(Flags::FIN) && segment.end() == tcb.rcv_nxt && !segment.has(Flags::RST) {
        tcb.enter_time_wait(cx);
    }
    steps::first_to_fourth(tcb, cx, segment)?;
    steps::check_ack(tcb, cx, segment)?;
    steps::ignore_text(tcb, segment);
    Flow::Continue(())
}

/// Whether the SYN is surely newer than anything of this connection (RFC 6191 2): by its timestamp, or by its
/// sequence number where timestamps do not tell.
fn may_reopen(tcb: &ControlBlock, cx: &Context, syn: &Segment<'_>) -> bool {
    let newer_seq = syn.seq >= tcb.rcv_nxt;
    let timestamps = syn.options.timestamps.filter(|_| cx.config.timestamps);
    match (tcb.ts_recent, timestamps) {
        (Some(recent), Some(new)) if new.tsval == recent.tsval => newer_seq,
        (Some(recent), Some(new)) => (new.tsval.wrapping_sub(recent.tsval) as i32) > 0,
        (None, Some(_)) => true,
        (_, None) => newer_seq,
    }
}
