//! Sixth, check the URG bit: RCV.UP <- max(RCV.UP,SEG.UP) (RFC 9293 3.10.7.4, 3.8.5).

use crate::tcp::control_block::ControlBlock;
use crate::tcp::urgent;
use crate::wire::tcp::{Flags, Segment};

/// The urgent pointer counts from SEG.SEQ to the octet after the urgent data (MUST-62).
pub(crate) fn check_urgent(tcb: &mut ControlBlock, segment: &Segment<'_>) {
    if !segment.has(Flags::URG) {
        tcb.rcv_up = tcb.rcv_up.map(|rcv_up| rcv_up.kept_behind(tcb.rcv_nxt));
        return;
    }
    let seg_up = segment.seq + u32::from(segment.up);
    let recent = tcb.rcv_up.map_or(seg_up, |rcv_up| rcv_up.later(seg_up));
    tcb.rcv_up = Some(recent);
    urgent::announced(tcb, recent);
}
