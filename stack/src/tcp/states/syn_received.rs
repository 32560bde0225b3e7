//! SYN-RECEIVED (RFC 9293 3.10.7.4).

use crate::tcp::action::Flow;
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::steps;
use crate::wire::tcp::{Flags, Segment};

pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    if segment.has(Flags::SYN) && segment.seq == tcb.irs && !segment.has(Flags::ACK) {
        // A SYN that is repeated without ECN-setup takes it back (RFC 3168 6.1.1).
        tcb.ecn.syn_arrived(segment.flags);
    }
    let crossing = is_crossing_syn(tcb, segment);
    let shift = if crossing { 0 } else { tcb.snd_wnd_shift };
    let segment = if crossing { &steps::trim_syn(*segment) } else { segment };
    steps::first_to_fourth(tcb, cx, segment)?;
    steps::check_ack_in_syn_received(tcb, cx, segment, shift)?;
    steps::sixth_to_eighth(tcb, cx, segment)
}

/// In a simultaneous open the peer's SYN comes a second time with its ACK of ours (RFC 9293 3.5, figure 7, line 6):
/// the SYN lies before the window and is trimmed off; the window of that segment is not scaled.
fn is_crossing_syn(tcb: &ControlBlock, segment: &Segment<'_>) -> bool {
    segment.has(Flags::SYN | Flags::ACK) && segment.seq == tcb.irs && !tcb.is_passive()
}
