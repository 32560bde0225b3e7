//! First, check sequence number; before it, PAWS (RFC 7323 5.3).

use crate::tcp::acceptability::is_acceptable;
use crate::tcp::ack::Due;
use crate::tcp::action::{Action, Flow, end};
use crate::tcp::control_block::{Context, ControlBlock, RecentTimestamp};
use crate::tcp::options;
use crate::wire::tcp::{Flags, Segment};
use crate::wire::tcp_options::SackBlock;

/// A segment from before TS.Recent is acknowledged and dropped, one without a timestamp is dropped (RFC 7323 3.2,
/// 5.3 R1 and R2). RST is exempt.
pub(crate) fn check_timestamps(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    let Some(recent) = tcb.ts_recent else { return Flow::Continue(()) };
    if segment.has(Flags::RST) {
        return Flow::Continue(());
    }
    let Some(timestamps) = segment.options.timestamps else {
        return if cx.config.timestamps_may_lack { Flow::Continue(()) } else { end(Action::Drop) };
    };
    if options::is_old(recent, timestamps.tsval, cx.now) {
        return end(Action::Acknowledge);
    }
    if !cx.config.timestamps_taken_late && is_inside(tcb, cx, segment) {
        take_timestamp(tcb, cx, segment);
    }
    Flow::Continue(())
}

/// R3, for a segment that is accepted: TS.Recent moves if SEG.SEQ <= Last.ACK.sent.
pub(crate) fn take_timestamp(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) {
    let timestamps = segment.options.timestamps.filter(|_| tcb.ts_recent.is_some());
    if let Some(timestamps) = timestamps.filter(|_| segment.seq <= tcb.last_ack_sent) {
        tcb.ts_recent = Some(RecentTimestamp { tsval: timestamps.tsval, at: cx.now });
    }
}

/// Whether a segment lies in the window, as far as is asked for.
pub(crate) fn is_inside(tcb: &ControlBlock, cx: &Context, segment: &Segment<'_>) -> bool {
    match cx.config.edges_are_inside && tcb.state.is_synchronized() {
        true => segment.end() >= tcb.last_ack_sent && segment.seq <= tcb.rcv_nxt + tcb.rcv_wnd,
        false => is_acceptable(segment.seq, segment.len(), tcb.rcv_nxt, tcb.rcv_wnd),
    }
}

/// The four cases. While RCV.WND is zero, a segment that begins at RCV.NXT is refused, but its RST, URG and ACK are
/// heard (MUST-66). Text and FIN do not survive [`trim`].
pub(crate) fn check_sequence(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    if is_inside(tcb, cx, segment) {
        return Flow::Continue(());
    }
    if segment.has(Flags::RST) {
        return if segment.seq == tcb.rcv_nxt { Flow::Continue(()) } else { end(Action::Drop) };
    }
    if tcb.rcv_wnd == 0 && segment.seq == tcb.rcv_nxt {
        // Whoever sent a probe with this number is no blind attacker: a mark on it counts (RFC 3168 6.1.6).
        tcb.ecn.data_arrived(segment.flags);
        tcb.ack.owe(Due::Now);
        return Flow::Continue(());
    }
    note_old_text(tcb, segment);
    end(Action::Acknowledge)
}

/// Text before RCV.NXT has arrived twice (RFC 2883 4).
#[cold]
fn note_old_text(tcb: &mut ControlBlock, segment: &Segment<'_>) {
    let right = (segment.seq + segment.payload.len() as u32).earlier(tcb.rcv_nxt);
    // An empty segment is no text, wherever it lies.
    if segment.seq < right && !segment.payload.is_empty() {
        tcb.duplicate = Some(SackBlock { left: segment.seq, right });
        tcb.ack.owe(Due::Now);
    }
}

/// The part of an acceptable segment that lies in the window: "the idealized segment that begins at RCV.NXT and does
/// not exceed the window", or one that begins later. A peer that exceeds the window is told where it ends.
pub(crate) fn trim<'a>(tcb: &mut ControlBlock, mut segment: Segment<'a>) -> Segment<'a> {
    let old = tcb.rcv_nxt.saturating_since(segment.seq) as usize;
    if old > 0 {
        note_old_text(tcb, &segment);
        if !segment.is_empty() && segment.end() <= tcb.rcv_nxt {
            tcb.ack.owe(Due::Now);
        }
        if old > segment.payload.len() {
            segment.header.flags = segment.flags.without(Flags::FIN);
        }
        segment.payload = segment.payload.get(old..).unwrap_or_default();
        segment.header.seq = tcb.rcv_nxt;
    }
    let room = tcb.rcv_wnd.saturating_sub(segment.seq.since(tcb.rcv_nxt)) as usize;
    if segment.len() as usize > room {
        tcb.ack.owe(Due::Now);
        segment.header.flags = segment.flags.without(Flags::FIN);
        segment.payload = segment.payload.get(..room).unwrap_or(segment.payload);
    }
    segment
}

/// What comes behind a SYN that has been dealt with.
pub(crate) fn trim_syn<'a>(mut segment: Segment<'a>) -> Segment<'a> {
    if segment.has(Flags::SYN) {
        segment.header.flags = segment.flags.without(Flags::SYN);
        segment.header.seq += 1;
    }
    segment
}
