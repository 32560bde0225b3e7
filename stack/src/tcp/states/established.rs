//! ESTABLISHED (RFC 9293 3.10.7.4).

use crate::tcp::action::Flow;
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::steps;
use crate::wire::tcp::Segment;

pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    steps::first_to_fourth(tcb, cx, segment)?;
    steps::check_ack(tcb, cx, segment)?;
    steps::sixth_to_eighth(tcb, cx, segment)
}
