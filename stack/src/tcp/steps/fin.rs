//! Eighth, check the FIN bit (RFC 9293 3.10.7.4).

use crate::tcp::ack::Due;
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::state::State;
use crate::wire::tcp::{Flags, Segment};

/// Remembers where the FIN stands, and takes it once all text before it has come.
pub(crate) fn check_fin(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) {
    if segment.has(Flags::FIN) {
        let at = segment.seq + segment.payload.len() as u32;
        let fin = *tcb.receive.fin.get_or_insert(at);
        if fin != tcb.rcv_nxt {
            tcb.ack.owe(Due::Separately);
        }
    }
    if tcb.receive.fin != Some(tcb.rcv_nxt) {
        return;
    }
    tcb.advance_rcv_nxt(1);
    tcb.activity += 1;
    tcb.ack.owe(Due::Now);
    match tcb.state {
        State::SynReceived | State::Established => tcb.state = State::CloseWait,
        // That our FIN is not acknowledged is sure: the fifth step would have gone to FIN-WAIT-2.
        State::FinWait1 => tcb.state = State::Closing,
        State::FinWait2 => tcb.enter_time_wait(cx),
        _ => {}
    }
}
