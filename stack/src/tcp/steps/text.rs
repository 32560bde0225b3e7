//! Seventh, process the segment text (RFC 9293 3.10.7.4).

use crate::tcp::Error;
use crate::tcp::ack::Due;
use crate::tcp::action::{Action, Flow, Reset, end};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::options;
use crate::tcp::receive::Arrival;
use crate::wire::tcp::Segment;

/// Text of so many bytes shows that the peer fills its segments, and that a wider window is worth it (tcp_event_data_recv()).
const TELLING: usize = 128;

/// Delivers the text of a trimmed segment. Text for a user who has closed is answered by a reset, for it is lost
/// (SHLD-3, RFC 2525 2.17).
pub(crate) fn process_text(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    if segment.payload.is_empty() {
        return Flow::Continue(());
    }
    if !tcb.owned {
        let error = Error::ConnectionReset;
        let answer = Reset::for_segment(segment).filter(|_| cx.config.refuse_by_answer);
        return end(answer.map_or(Action::Abort(error), |reset| Action::Refuse(reset, error)));
    }
    if tcb.ecn.data_arrived(segment.flags) {
        tcb.ack.owe(Due::Separately);
    }
    let text = before_fin(tcb, segment);
    // Only the first part that is a duplicate is reported (RFC 2883 4.2).
    let held = tcb.receive.held(segment.seq, segment.seq + text.len() as u32);
    if tcb.duplicate.is_none() {
        tcb.duplicate = held;
    }
    match tcb.receive.insert(tcb.rcv_nxt, segment.seq, text) {
        Arrival::InOrder { advance, filled } => {
            tcb.advance_rcv_nxt(advance);
            let default_mss = u32::from(options::default_mss(tcb.remote.ip()));
            tcb.ack.heard(cx.now);
            tcb.last_received = cx.now;
            tcb.activity += 1;
            if text.len() >= TELLING {
                tcb.rcv_wnd_most = u32::MAX;
            }
            tcb.ack.text_arrived(advance, default_mss, u32::from(tcb.offer.mss), tcb.options.quick_ack);
            if filled {
                tcb.ack.owe(Due::Now);
            }
        }
        // An immediate duplicate ACK tells the peer of the gap (RFC 5681 4.2).
        Arrival::OutOfOrder | Arrival::Refused => tcb.ack.owe(Due::Separately),
    }
    Flow::Continue(())
}

/// Nothing comes after a FIN that is known of.
fn before_fin<'a>(tcb: &ControlBlock, segment: &Segment<'a>) -> &'a [u8] {
    let room = tcb.receive.fin.map_or(usize::MAX, |fin| fin.saturating_since(segment.seq) as usize);
    segment.payload.get(..room).unwrap_or(segment.payload)
}

/// CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT: "This should not occur". The text is acknowledged as not received.
pub(crate) fn ignore_text(tcb: &mut ControlBlock, segment: &Segment<'_>) {
    if !segment.is_empty() {
        tcb.ack.owe(Due::Now);
    }
}
