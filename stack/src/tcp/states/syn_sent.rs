//! SYN-SENT (RFC 9293 3.10.7.3).

use crate::tcp::Error;
use crate::tcp::ack::Due;
use crate::tcp::action::{Action, Flow, Reset, end};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::options;
use crate::tcp::state::State;
use crate::tcp::steps;
use crate::wire::tcp::{Flags, Segment};

pub(crate) fn segment_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    // First, check the ACK bit.
    let acknowledged = segment.has(Flags::ACK);
    if acknowledged && !(tcb.snd_una < segment.ack && segment.ack <= tcb.snd_nxt) {
        return end(Reset::action(segment));
    }
    if acknowledged && cx.config.check_syn_echo && options::echoes_the_future(tcb, &segment.options, cx.now) {
        return end(Reset::action(segment));
    }
    // Second, check the RST bit.
    if segment.has(Flags::RST) {
        return end(if acknowledged { Action::Close(Some(Error::ConnectionRefused)) } else { Action::Drop });
    }
    // Fourth, check the SYN bit. Fifth, if neither SYN nor RST is set, drop.
    if !segment.has(Flags::SYN) {
        return end(Action::Drop);
    }
    let offered = tcb.offer;
    tcb.synchronize(segment, cx.now);
    if !acknowledged {
        tcb.repeated_offer = cx.config.crossing_repeats_offer.then_some(offered);
        return simultaneous_open(tcb, segment);
    }
    tcb.establish(segment, cx);
    tcb.set_snd_wnd(segment, u32::from(segment.wnd));
    if cx.config.segments_fit_half_window {
        tcb.fit_half_window();
    }
    tcb.ack.owe(Due::Now);
    // Other controls and text are processed from the sixth step on.
    steps::sixth_to_eighth(tcb, cx, &steps::trim_syn(*segment))
}

/// Both ends have sent a SYN (MUST-10): enter SYN-RECEIVED and answer with `<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>`.
/// Text on the peer's SYN is left to be sent again.
fn simultaneous_open(tcb: &mut ControlBlock, segment: &Segment<'_>) -> Flow {
    tcb.state = State::SynReceived;
    // The window of a SYN without ACK has no right edge: what the SYN,ACK offers is the first that has.
    tcb.rcv_wnd = 0;
    tcb.set_snd_wnd(segment, u32::from(segment.wnd));
    tcb.retransmit.first_now = true;
    Flow::Continue(())
}
