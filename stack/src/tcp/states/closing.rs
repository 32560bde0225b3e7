//! CLOSING (RFC 9293 3.10.7.4).

use crate::tcp::action::{Action, Flow, end};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::steps;
use crate::wire::tcp::Segment;

pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    steps::first_to_fourth(tcb, cx, segment)?;
    steps::check_ack(tcb, cx, segment)?;
    steps::ignore_text(tcb, segment);
    if tcb.fin_is_acknowledged() {
        tcb.enter_time_wait(cx);
        return end(Action::Done);
    }
    Flow::Continue(())
}
