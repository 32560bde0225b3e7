//! Second, check the RST bit (RFC 9293 3.10.7.4, RFC 5961 3.2).

use crate::tcp::Error;
use crate::tcp::acceptability::in_window;
use crate::tcp::action::{Action, Flow, end};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::state::State;
use crate::wire::tcp::{Flags, Segment};

pub(crate) fn check_reset(tcb: &ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    if !segment.has(Flags::RST) {
        return Flow::Continue(());
    }
    let exact = segment.seq == tcb.rcv_nxt;
    // A looser first step has judged it by its text, too.
    let is_judged = cx.config.edges_are_inside && tcb.state.is_synchronized();
    if !exact && !is_judged && !in_window(segment.seq, tcb.rcv_nxt, tcb.rcv_wnd) {
        return end(Action::Drop);
    }
    if !exact && cx.config.challenge_acks {
        return end(Action::Challenge);
    }
    end(match tcb.state {
        State::SynReceived if tcb.is_passive() && !tcb.fast_open.opened => Action::ReturnToListen,
        State::SynReceived if tcb.is_passive() => Action::Close(Some(Error::ConnectionReset)),
        State::SynReceived => Action::Close(Some(Error::ConnectionRefused)),
        // What was sent and not acknowledged is lost, which its user is to know.
        State::Closing | State::LastAck if tcb.send.len() > 0 => Action::Close(Some(Error::ConnectionReset)),
        State::Closing | State::LastAck | State::TimeWait => Action::Close(None),
        _ => Action::Close(Some(Error::ConnectionReset)),
    })
}
