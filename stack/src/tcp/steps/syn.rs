//! Fourth, check the SYN bit (RFC 9293 3.10.7.4, RFC 5961 4.2).

use crate::tcp::Error;
use crate::tcp::action::{Action, Flow, end};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::state::State;
use crate::wire::tcp::{Flags, Segment};

pub(crate) fn check_syn(tcb: &ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    if !segment.has(Flags::SYN) {
        return Flow::Continue(());
    }
    end(match tcb.state {
        State::SynReceived if tcb.is_passive() && !tcb.fast_open.opened => Action::ReturnToListen,
        _ if cx.config.challenge_acks => Action::Challenge,
        _ => Action::Abort(Error::ConnectionReset),
    })
}
