//! SEGMENT ARRIVES in the synchronised states, step by step as RFC 9293 3.10.7.4 counts them.
//!
//! Each step looks at the segment and the control block and either goes on or ends with an [`super::action::Action`].
//! The third step, security, does not exist on the Internet of today.

mod ack;
mod fin;
mod reset;
mod sequence;
mod syn;
mod text;
mod urgent;

pub(crate) use ack::{check_ack, check_ack_in_syn_received};
pub(crate) use fin::check_fin;
pub(crate) use reset::check_reset;
pub(crate) use sequence::{check_sequence, check_timestamps, trim_syn};
pub(crate) use syn::check_syn;
pub(crate) use text::{ignore_text, process_text};
pub(crate) use urgent::check_urgent;

use self::sequence::trim;
use super::action::Flow;
use super::control_block::{Context, ControlBlock};
use crate::wire::tcp::Segment;

/// PAWS, then first to fourth: what all synchronised states have in common.
pub(crate) fn first_to_fourth(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    check_timestamps(tcb, cx, segment)?;
    check_sequence(tcb, cx, segment)?;
    check_reset(tcb, cx, segment)?;
    check_syn(tcb, cx, segment)
}

/// Sixth to eighth: what a state that receives text does with the part of a segment that lies in the window.
pub(crate) fn sixth_to_eighth(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    check_urgent(tcb, segment);
    let segment = trim(tcb, *segment);
    process_text(tcb, cx, &segment)?;
    check_fin(tcb, cx, &segment);
    Flow::Continue(())
}
