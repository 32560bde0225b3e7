//! FIN-WAIT-1 (RFC 9293 3.10.7.4).

use crate::tcp::action::Flow;
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::state::State;
use crate::tcp::states::syn_received;
use crate::tcp::steps;
use crate::wire::tcp::Segment;

pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    // Any other acknowledgement meets the rules of this state.
    if tcb.closed_early() && tcb.snd_una < segment.ack && segment.ack <= tcb.snd_nxt {
        return syn_received::segment_arrives(tcb, cx, segment);
    }
    steps::first_to_fourth(tcb, cx, segment)?;
    steps::check_ack(tcb, cx, segment)?;
    // "If the FIN segment is now acknowledged, then enter FIN-WAIT-2 and continue processing in that state."
    if tcb.fin_is_acknowledged() {
        tcb.state = State::FinWait2;
    }
    steps::sixth_to_eighth(tcb, cx, segment)
}
