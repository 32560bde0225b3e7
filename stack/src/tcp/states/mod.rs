//! SEGMENT ARRIVES: one handler per state (RFC 9293 3.10.7).

pub(crate) mod close_wait;
pub(crate) mod closed;
pub(crate) mod closing;
pub(crate) mod established;
pub(crate) mod fin_wait_1;
pub(crate) mod fin_wait_2;
pub(crate) mod last_ack;
pub(crate) mod listen;
pub(crate) mod syn_received;
pub(crate) mod syn_sent;
pub(crate) mod time_wait;

use super::action::{Action, Flow};
use super::control_block::{Context, ControlBlock};
use super::state::State;
use crate::wire::tcp::Segment;

/// Hands a segment to the handler of the connection's state, and says what is left to do.
pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Action {
    tcb.keepalive.heard(cx.now);
    let handler = match tcb.state {
        State::Closed => return closed::segment_arrives(segment),
        // A listener is not a connection; `listen` handles what comes to it.
        State::Listen => return Action::Drop,
        State::SynSent => syn_sent::segment_arrives,
        State::SynReceived => syn_received::segment_arrives,
        State::Established => established::segment_arrives,
        State::FinWait1 => fin_wait_1::segment_arrives,
        State::FinWait2 => fin_wait_2::segment_arrives,
        State::CloseWait => close_wait::segment_arrives,
        State::Closing => closing::segment_arrives,
        State::LastAck => last_ack::segment_arrives,
        State::TimeWait => time_wait::segment_arrives,
    };
    match handler(tcb, cx, segment) {
        Flow::Continue(()) => Action::Done,
        Flow::Break(action) => action,
    }
}
