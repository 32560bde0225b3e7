//! Fifth, check the ACK field (RFC 9293 3.10.7.4, RFC 5961 5.2), with RFC 5681 and RFC 6298 behind it.

use crate::tcp::action::{Action, Flow, Reset, end};
use crate::tcp::config::LossRecovery;
use crate::tcp::congestion::{Acked, Response};
use crate::tcp::control_block::{Context, ControlBlock};
use crate::tcp::flight::Delivery;
use crate::tcp::state::State;
use crate::tcp::steps::sequence::take_timestamp;
use crate::tcp::timers::Timer;
use crate::tcp::{options, prr, rack, tlp};
use crate::wire::tcp::{Flags, Segment};
use crate::wire::tcp_options::SackBlock;

/// SYN-RECEIVED: an ACK of our SYN opens the connection, any other gets `<SEQ=SEG.ACK><CTL=RST>`. `shift` is how far
/// SEG.WND is scaled.
pub(crate) fn check_ack_in_syn_received(
    tcb: &mut ControlBlock,
    cx: &Context,
    segment: &Segment<'_>,
    shift: u8,
) -> Flow {
    if !segment.has(Flags::ACK) {
        return end(Action::Drop);
    }
    if !(tcb.snd_una < segment.ack && segment.ack <= tcb.snd_nxt) {
        return end(Reset::action(segment));
    }
    tcb.establish(segment, cx);
    tcb.set_snd_wnd(segment, u32::from(segment.wnd) << shift);
    if cx.config.segments_fit_half_window {
        tcb.fit_half_window();
    }
    if cx.config.timestamps_taken_late {
        take_timestamp(tcb, cx, segment);
    }
    Flow::Continue(())
}

/// ESTABLISHED, and the part that the later states share with it.
pub(crate) fn check_ack(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) -> Flow {
    if !segment.has(Flags::ACK) {
        return end(Action::Drop);
    }
    let is_old = segment.ack < tcb.snd_una;
    if cx.config.check_old_acks && is_old && segment.ack < tcb.snd_una - reach_of_old_acks(tcb, cx) {
        return end(Action::Challenge);
    }
    if segment.ack > tcb.snd_max {
        let is_answered = cx.config.answer_unsent_acks || tcb.state != State::Established;
        return end(if is_answered { Action::Acknowledge } else { Action::Drop });
    }
    if cx.config.timestamps_taken_late && tcb.snd_una <= segment.ack {
        take_timestamp(tcb, cx, segment);
    }
    // The octet of a zero-window probe was accepted.
    tcb.snd_nxt = tcb.snd_nxt.later(segment.ack);
    let window = u32::from(segment.wnd) << tcb.snd_wnd_shift;
    let marked = tcb.ecn.capable && segment.has(Flags::ECE) && tcb.snd_una <= segment.ack;
    let una = tcb.snd_una;
    tcb.last_acknowledged = cx.now;
    if marked || !says_nothing(tcb, segment) {
        hear_ack(tcb, cx, segment, window, marked);
    }
    if tcb.snd_una <= segment.ack {
        update_window(tcb, cx, segment, window, una < segment.ack);
    }
    Flow::Continue(())
}

/// Whether an ACK tells a sender with nothing under way nothing: that of nearly every segment with text.
fn says_nothing(tcb: &ControlBlock, segment: &Segment<'_>) -> bool {
    let idle = segment.ack == tcb.snd_una && tcb.flight_size() == 0;
    idle && segment.options.sack.is_empty() && !tcb.congestion.is_reducing() && !tcb.uses_rack()
}

/// What an ACK tells of what was sent: that it has arrived, or was lost.
#[inline(never)]
fn hear_ack(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>, window: u32, marked: bool) {
    let una = tcb.snd_una;
    let mut delivery = Delivery::default();
    if una < segment.ack {
        delivery = new_data_acknowledged(tcb, cx, segment, marked);
    } else if !tcb.congestion.uses_scoreboard() && is_duplicate(tcb, segment, window) {
        let response = tcb.congestion.duplicate_ack(segment.ack, tcb.snd_nxt, tcb.flight_size());
        tcb.retransmit.first_now |= response == Response::Retransmit;
    }
    if marked {
        window_is_marked(tcb, cx, segment);
    }
    match tcb.congestion.recovers_by() {
        LossRecovery::Rfc6675 => update_scoreboard(tcb, segment, delivery),
        LossRecovery::Rack => {
            let duplicate = is_duplicate(tcb, segment, window) && una == segment.ack;
            rack::ack_arrives(tcb, cx, segment, delivery);
            tlp::ack_arrives(tcb, segment, duplicate);
        }
        LossRecovery::Rfc6582 => {}
    }
}

/// ECN-Echo: where cwnd cannot be halved any more the retransmission timer makes the sender slower (RFC 3168 6.1.2).
#[cold]
fn window_is_marked(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>) {
    if tcb.congestion.marked(segment.ack, tcb.snd_nxt) {
        let until = cx.now + tcb.rto.current();
        tcb.ecn.held_until = Some(until);
        tcb.deadlines.set(Timer::Retransmit, until);
    }
}

/// How far behind SND.UNA an acknowledgement may be (RFC 5961 5.2).
fn reach_of_old_acks(tcb: &ControlBlock, cx: &Context) -> u32 {
    match cx.config.old_acks_were_sent {
        true => tcb.max_snd_wnd.min(tcb.snd_una.since(tcb.iss + u32::from(tcb.is_passive()))),
        false => tcb.max_snd_wnd,
    }
}

/// Update(), and what follows from it: a duplicate ACK is one that SACKs something new (RFC 6675 2, 5).
fn update_scoreboard(tcb: &mut ControlBlock, segment: &Segment<'_>, acked: Delivery) {
    let blocks = segment.options.sack.as_slice();
    if !blocks.is_empty() || tcb.congestion.is_reducing() {
        scoreboard_changes(tcb, blocks, acked);
    }
}

#[cold]
fn scoreboard_changes(tcb: &mut ControlBlock, blocks: &[SackBlock], acked: Delivery) {
    let ends = (tcb.snd_una, tcb.snd_nxt);
    let sacked = tcb.flight.sack(blocks, ends, |_| ());
    if tcb.scoreboard.update(blocks, tcb.snd_una, tcb.snd_nxt) {
        begin_recovery(tcb);
    }
    if !tcb.congestion.is_reducing() {
        return;
    }
    let pipe = tcb.scoreboard.pipe(tcb.snd_una, tcb.snd_nxt, tcb.eff_snd_mss());
    tcb.congestion.reduce(prr::Ack { delivered: acked.bytes + sacked.bytes, pipe, good: acked.bytes > 0 });
}

/// Where the scoreboard says that the first segment is lost, recovery begins.
fn begin_recovery(tcb: &mut ControlBlock) {
    let lost = tcb.scoreboard.is_lost(tcb.snd_una, tcb.eff_snd_mss());
    let response = tcb.congestion.sacked(tcb.snd_una, tcb.snd_nxt, tcb.flight_size(), lost);
    if response == Response::Retransmit {
        tcb.retransmit.first_now = true;
        tcb.retransmit.next = None;
        tcb.scoreboard.recovery_begun(tcb.snd_una);
    }
}

/// RFC 5681 2: data is outstanding, no text, no SYN or FIN, the greatest ACK so far, the window of last time.
fn is_duplicate(tcb: &ControlBlock, segment: &Segment<'_>, window: u32) -> bool {
    tcb.flight_size() > 0 && segment.is_empty() && segment.ack == tcb.snd_una && window == tcb.snd_wnd
}

fn new_data_acknowledged(
    tcb: &mut ControlBlock,
    cx: &Context,
    segment: &Segment<'_>,
    marked: bool,
) -> Delivery {
    let was_recovering = tcb.congestion.is_recovering(tcb.snd_una);
    let bytes = segment.ack.since(tcb.snd_una);
    let echoed = options::echoed_round_trip(tcb, &segment.options, cx.now);
    tcb.snd_una = segment.ack;
    tcb.send.acknowledge(segment.ack);
    room_was_made(tcb, cx);
    tcb.scoreboard.acknowledge(segment.ack);
    tcb.snd_up = tcb.snd_up.filter(|snd_up| *snd_up > segment.ack);
    let delivery = tcb.flight_acknowledged(segment.ack, segment, cx);
    tcb.tlp.restart = true;
    if tcb.rto.acknowledged(segment.ack, cx.now, echoed).is_some() {
        tcb.tlp.measured();
    }
    let outstanding = tcb.flight_size() > 0;
    let response = tcb.congestion.new_data_acknowledged(Acked {
        // What was SACKed before has made the window grow, or shrink less, then.
        bytes: if tcb.uses_rack() { delivery.bytes } else { bytes },
        ack: segment.ack,
        flight: tcb.flight_size(),
        marked,
        now: cx.now,
        rtt: tcb.rto.srtt.unwrap_or_default(),
    });
    tcb.retransmit.first_now = response != Response::None && outstanding;
    tcb.retransmit.progress(cx.now, outstanding);
    tcb.soft_error = None;
    // RFC 6298 5.2 and 5.3; later partial ACKs of a fast recovery leave the timer alone (RFC 6582 4).
    if !outstanding {
        tcb.deadlines.stop(Timer::Retransmit);
    } else if response != Response::Retransmit {
        tcb.deadlines.set(Timer::Retransmit, cx.now + tcb.rto.current());
    }
    if was_recovering && !tcb.congestion.is_recovering(tcb.snd_una) {
        tcb.rack.recovered();
    }
    delivery
}

/// A user who waits for room hears of it once a third of the buffer is free, as of Linux (sk_stream_write_space()).
fn room_was_made(tcb: &mut ControlBlock, cx: &Context) {
    let limit = tcb.options.send_buffer.unwrap_or(cx.config.send_buffer);
    if tcb.wants_room && tcb.send.len() <= limit / 3 * 2 {
        tcb.wants_room = false;
        tcb.activity += 1;
    }
}

/// If SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK), the segment is no older than the last one
/// that set the window. `advanced`: it acknowledges something new.
fn update_window(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>, window: u32, advanced: bool) {
    let newer = tcb.snd_wl1 < segment.seq || (tcb.snd_wl1 == segment.seq && tcb.snd_wl2 <= segment.ack);
    let shrinks = tcb.snd_wl1 == segment.seq && !advanced && (1..tcb.snd_wnd).contains(&window);
    if newer && !(shrinks && cx.config.window_shrinks_late) {
        let was_closed = tcb.snd_wnd == 0;
        tcb.set_snd_wnd(segment, window);
        if was_closed && window > 0 {
            window_opened(tcb, cx);
        }
    }
    if tcb.snd_wnd == 0 && tcb.retransmit.since.is_some() {
        // The peer lives and keeps its window closed, as it may for ever (MUST-37).
        tcb.retransmit.since = Some(cx.now);
    }
}

/// Probing ends. What was outstanding when the peer shrank its window to zero, and still is after an RTO and a probe,
/// was refused and goes again at once; before that, it has its RTO to be acknowledged (RFC 6298 5).
#[cold]
fn window_opened(tcb: &mut ControlBlock, cx: &Context) {
    let outstanding = tcb.flight_size() > 0;
    if outstanding && tcb.persist.probes > 0 {
        tcb.retransmit.next = Some(tcb.snd_una);
    }
    tcb.persist.stop();
    tcb.deadlines.stop(Timer::Persist);
    tcb.retransmit.progress(cx.now, outstanding);
}
