//! What a connection sends: the choice of the next segment, its header, and the timers that follow from it.

use super::ack::Due;
use super::chrono::Limit;
use super::config::Push;
use super::control_block::{Context, ControlBlock};
use super::ecn::{ECT_0, NOT_ECT};
use super::send::{Occasion, Urging, segment_size};
use super::sink::Sink;
use super::state::State;
use super::timers::Timer;
use super::{ConnectionId, SeqNumber, keepalive, options, persist, tlp, window};
use crate::wire::tcp::{Flags, Header};
use crate::wire::tcp_options::Options;

/// The output side of one connection, for the time of a call.
pub(crate) struct Output<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) tcb: &'a mut ControlBlock,
    pub(crate) cx: Context<'a>,
    pub(crate) sink: &'a mut Sink,
}

impl Output<'_> {
    /// Sends all that is due and may go, and sets the timers.
    pub(crate) fn transmit(&mut self) {
        match self.tcb.state {
            State::Closed | State::Listen => return,
            State::SynSent => self.transmit_syn(),
            State::SynReceived if !self.tcb.fast_open.opened => self.transmit_syn(),
            state if state == State::SynReceived || self.tcb.closed_early() => {
                self.transmit_syn();
                self.transmit_new();
            }
            _ if self.is_repairing() => self.transmit_repairing(),
            _ => self.transmit_new(),
        }
        if self.tcb.ack.due() >= Due::Now && self.tcb.state != State::SynSent {
            self.acknowledge();
        }
        self.arm_timers();
        self.tcb.chrono.turn(self.limit(), self.cx.now);
    }

    /// Whether anything but new text may be due: what goes again, and probes.
    fn is_repairing(&self) -> bool {
        let tcb = &*self.tcb;
        let again =
            tcb.retransmit.first_now || tcb.retransmit.first_lost_now || tcb.retransmit.next.is_some();
        let lost = tcb.flight.lost().segments > 0 || tcb.congestion.in_sack_recovery();
        again || lost || tcb.tlp.probe_now || tcb.persist.probe_now || tcb.keepalive.probe_now
    }

    #[cold]
    fn transmit_repairing(&mut self) {
        self.transmit_again();
        if self.tcb.uses_rack() {
            self.transmit_lost_by_rack();
            self.transmit_new();
            self.probe_the_tail();
        } else {
            self.transmit_lost();
            self.transmit_new();
            self.transmit_in_doubt();
        }
        self.transmit_probes();
    }

    /// What text waits for.
    fn limit(&self) -> Limit {
        let tcb = &*self.tcb;
        let unsent = tcb.unsent();
        let usable = (tcb.text_una() + tcb.snd_wnd).saturating_since(tcb.snd_nxt);
        match (unsent, tcb.snd_nxt > tcb.text_una()) {
            (0, false) => Limit::Idle,
            (0, true) if tcb.wants_room => Limit::Room,
            (0, true) => Limit::Network,
            _ if usable < unsent.min(options::room_for_text(tcb)) => Limit::Window,
            _ => Limit::Network,
        }
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    pub(crate) fn acknowledge(&mut self) {
        self.emit(self.tcb.snd_nxt, 0, Flags::ACK);
    }

    /// `<SEQ=SND.NXT><CTL=RST>` (RFC 9293 3.10.5), with ACK where the configuration says so.
    pub(crate) fn abort(&mut self) {
        let ack = if self.cx.config.abort_with_ack { Flags::ACK } else { Flags::default() };
        self.emit(self.tcb.snd_nxt, 0, Flags::RST | ack);
    }

    fn transmit_syn(&mut self) {
        if core::mem::take(&mut self.tcb.retransmit.first_now) {
            let first = self.tcb.retransmit.count == 0;
            let flags = match self.tcb.state {
                State::SynSent => self.tcb.ecn.of_syn(first),
                _ => self.tcb.ecn.of_syn_ack() | Flags::ACK,
            };
            let text = if self.tcb.state == State::SynSent { self.tcb.fast_open.text } else { 0 };
            self.send(self.tcb.iss, text, Flags::SYN | flags);
            self.tcb.fast_open.sent();
        }
    }

    /// Fast retransmit, and what a timeout made lost.
    fn transmit_again(&mut self) {
        if core::mem::take(&mut self.tcb.retransmit.first_now) {
            let end = self.send_again_from(self.tcb.snd_una);
            if self.tcb.congestion.in_sack_recovery() {
                self.tcb.scoreboard.recovery_begun(end);
            }
        }
        while let Some(next) = self.tcb.retransmit.next {
            // SACKed since the timeout: delivered (RFC 6675 5.1).
            let next = self.tcb.scoreboard.skip(next.later(self.tcb.snd_una));
            let ahead = next.since(self.tcb.snd_una) - self.tcb.scoreboard.sacked_before(next);
            if next >= self.tcb.snd_nxt {
                self.tcb.retransmit.next = None;
            } else if ahead > 0 && ahead + self.tcb.eff_snd_mss() > self.tcb.congestion.cwnd() {
                break;
            } else {
                let end = self.send_again_from(next);
                if end == next {
                    break;
                }
                self.tcb.retransmit.next = Some(end);
            }
        }
    }

    /// What RACK says is lost (RFC 8985 6.2), as far as cwnd lets it go.
    fn transmit_lost_by_rack(&mut self) {
        loop {
            let mss = self.tcb.eff_snd_mss();
            let first = core::mem::take(&mut self.tcb.retransmit.first_lost_now);
            let room = (self.tcb.room_in_recovery() / mss).max(u32::from(first));
            let Some((mut next, end, count)) = self.tcb.flight.next_lost(room).filter(|_| room > 0) else {
                return;
            };
            while next < end {
                let last = end.saturating_since(next) <= options::room_for_text(self.tcb);
                let together = last && count > 1 && self.cx.config.push == Push::CallsAndBursts;
                let flags = if together { Flags::PSH } else { Flags::default() };
                let sent = self.send_again(next, end.since(next), flags);
                if sent == next {
                    return;
                }
                next = sent;
            }
        }
    }

    /// The tail loss probe: new data where there is some and the peer's window has room, else the last segment again (RFC
    /// 8985 7.3).
    fn probe_the_tail(&mut self) {
        if !core::mem::take(&mut self.tcb.tlp.probe_now) {
            return;
        }
        let tcb = &*self.tcb;
        let usable = (tcb.snd_una + tcb.snd_wnd).saturating_since(tcb.snd_nxt);
        let room = options::room_for_text(tcb);
        let fresh = tcb.unsent().min(usable).min(room);
        let again = match tcb.flight.last() {
            _ if fresh > 0 => {
                self.tcb.flight.next_burst();
                self.send(self.tcb.snd_nxt, fresh, Flags::ACK);
                false
            }
            Some(last) => {
                // Where it was longer than what goes now, its end.
                let start = last.start.later(last.end.earlier(tcb.send.data_end()) - room);
                if self.send_again(start, last.end.since(start), Flags::default()) == start {
                    return;
                }
                true
            }
            None => return,
        };
        self.tcb.tlp.restart = false;
        self.tcb.tlp.sent(self.tcb.snd_nxt, again);
    }

    /// What the scoreboard says is lost: NextSeg() (1) of RFC 6675 4.
    fn transmit_lost(&mut self) {
        while self.tcb.congestion.in_sack_recovery() && self.tcb.room_in_recovery() > 0 {
            let next = self.tcb.scoreboard.next_lost(self.tcb.snd_una, self.tcb.eff_snd_mss());
            if !next.is_some_and(|next| self.send_hole(next)) {
                break;
            }
        }
    }

    /// With room left and no new data to fill it: holes that may yet be filled, NextSeg() (3), then the last segment,
    /// once, to keep the ACKs coming (4).
    fn transmit_in_doubt(&mut self) {
        while self.tcb.congestion.in_sack_recovery() && self.tcb.room_in_recovery() > 0 {
            let (una, nxt, mss) = (self.tcb.snd_una, self.tcb.snd_nxt, self.tcb.eff_snd_mss());
            if let Some(next) = self.tcb.scoreboard.next_hole(una) {
                if !self.send_hole(next) {
                    break;
                }
                continue;
            }
            if let Some(last) = self.tcb.scoreboard.rescue(una, nxt, mss) {
                self.send_again_from(last);
                self.tcb.scoreboard.rescued(self.tcb.congestion.recover());
            }
            break;
        }
    }

    /// Sends a segment again in recovery; false where the peer's window does not reach it.
    fn send_hole(&mut self, seq: SeqNumber) -> bool {
        let end = self.send_again_from(seq);
        self.tcb.scoreboard.retransmitted(end);
        end != seq
    }

    /// Sends one segment of what was sent before, from `seq`, inside the window that the peer offers now (RFC 9293
    /// SHLD-16); returns the number after it, or `seq` where the window does not reach it.
    fn send_again_from(&mut self, seq: SeqNumber) -> SeqNumber {
        let hole = self.tcb.scoreboard.hole_at(seq).unwrap_or(u32::MAX);
        self.send_again(seq, hole, Flags::default())
    }

    /// The same, of at most `most` bytes, with `flags` besides those that are due.
    fn send_again(&mut self, seq: SeqNumber, most: u32, flags: Flags) -> SeqNumber {
        let tcb = &*self.tcb;
        let text_sent = tcb.snd_nxt.earlier(tcb.send.data_end()).saturating_since(seq);
        let whole = text_sent.min(options::room_for_text(tcb)).min(most);
        let len = self.window_for_repetition(seq, whole).min(whole);
        let fin = tcb.send.fin && tcb.snd_nxt == tcb.send.end() && seq + len == tcb.send.data_end();
        if len == 0 && !fin {
            return seq;
        }
        self.send(seq, len, flags | if fin { Flags::ACK | Flags::FIN } else { Flags::ACK });
        seq + len + u32::from(fin)
    }

    /// How much of `whole` bytes from `seq` on, which were in the window when they were sent first, may go again. A window
    /// that scaling has rounded down, and the first repetition, let all of them go (RFC 7323 2.4).
    fn window_for_repetition(&self, seq: SeqNumber, whole: u32) -> u32 {
        let tcb = &*self.tcb;
        let usable = (tcb.snd_una + tcb.snd_wnd).saturating_since(seq);
        let rounded = whole.saturating_sub(usable) < 1 << tcb.snd_wnd_shift;
        let lenient = tcb.snd_wnd_shift > 0 && usable > 0 && (rounded || tcb.retransmit.count <= 1);
        if lenient { whole } else { usable }
    }

    /// New text, as far as window, congestion window, Nagle and silly window avoidance let it go, then FIN.
    fn transmit_new(&mut self) {
        if self.cx.config.slow_start_after_idle
            && self.tcb.flight_size() == 0
            && self.cx.now.saturating_since(self.tcb.last_sent) > self.tcb.rto.current()
        {
            self.tcb.congestion.restart_after_idle();
        }
        let (mut sent, mut burst, mut left) = (0, 0, 0);
        while self.tcb.retransmit.next.is_none() && self.tcb.ecn.held_at(self.cx.now).is_none() {
            let fin_is_due = self.tcb.fin_is_unsent();
            let unsent = self.tcb.unsent();
            if unsent == 0 {
                if fin_is_due {
                    self.send(self.tcb.snd_nxt, 0, Flags::FIN | Flags::ACK);
                }
                break;
            }
            let size = self.new_segment_size(unsent, 0);
            if size == 0 {
                break;
            }
            if left == 0 {
                self.tcb.flight.next_burst();
                (burst, left) = (0, self.burst_segments());
            }
            (sent, burst, left) = (sent + 1, burst + 1, left - 1);
            let fin = fin_is_due && size == unsent;
            let mut flags = if fin { Flags::ACK | Flags::FIN } else { Flags::ACK };
            let forced = self.tcb.persist.overridden && self.cx.config.push == Push::CallsAndBursts;
            if forced || burst > 1 && (left == 0 || self.new_segment_size(unsent, size) == 0) {
                flags |= Flags::PSH;
            }
            self.send(self.tcb.snd_nxt, size, flags);
        }
        if sent > 0 {
            self.tcb.congestion.sent(self.tcb.snd_una, self.tcb.snd_nxt);
        }
        self.tcb.persist.overridden = false;
    }

    /// How many segments leave as one packet for the device to cut: Linux lets a packet have what is sent in about a
    /// millisecond, two segments at least and half of cwnd at most (tcp_tso_autosize(), tcp_cwnd_test()).
    fn burst_segments(&self) -> u32 {
        if self.cx.config.push == Push::QueueEnd {
            return 1;
        }
        let (tcb, mss) = (&*self.tcb, self.tcb.eff_snd_mss());
        let (cwnd, ssthresh) = (tcb.congestion.cwnd(), tcb.congestion.ssthresh());
        let percent = if cwnd < ssthresh / 2 { 200 } else { 120 };
        let srtt = tcb.rto.srtt.filter(|srtt| !srtt.is_zero());
        let by_rate = srtt.map_or(u64::MAX, |srtt| {
            u64::from(cwnd) * percent * 10_000 / srtt.as_micros().max(1) as u64 / 1024 / u64::from(mss)
        });
        let room = tcb.allowed_by_congestion() / mss;
        by_rate.max(u64::from(self.cx.config.burst_least)).min(u64::from((cwnd / mss / 2).min(room).max(1)))
            as u32
    }

    /// The size of the segment `ahead` bytes behind SND.NXT, were it sent now; 0 for none.
    fn new_segment_size(&self, unsent: u32, ahead: u32) -> u32 {
        let tcb = &*self.tcb;
        let idle = tcb.snd_nxt == tcb.text_una() && ahead == 0;
        let seq = tcb.snd_nxt + ahead;
        let usable = (tcb.text_una() + tcb.snd_wnd).saturating_since(seq);
        // What ends a record waits for nothing: no more data will come that could fill the segment.
        let record = tcb.send.record_end(seq).map(|end| end.since(seq));
        let corked =
            || tcb.send.urging == Urging::More || (tcb.options.cork && tcb.send.urging != Urging::All);
        // Of a full segment nobody asks what a small one may do.
        let full = record.unwrap_or(unsent - ahead).min(usable) >= tcb.eff_snd_mss();
        let size = segment_size(Occasion {
            queued: record.unwrap_or(unsent - ahead),
            usable,
            mss: options::room_for_text(tcb),
            max_snd_wnd: tcb.max_snd_wnd,
            small_permitted: !full
                && (record.is_some()
                    || tcb.send.urging == Urging::All
                    || (!corked() && (idle || self.nagle_permits()))),
            closing: tcb.send.fin,
            overridden: tcb.persist.overridden,
        });
        let allowed = tcb.allowed_by_congestion().saturating_sub(ahead);
        if size <= allowed { size } else { 0 }
    }

    /// Whether Nagle lets a small segment go while data is out.
    fn nagle_permits(&self) -> bool {
        let (tcb, config) = (&*self.tcb, self.cx.config);
        tcb.options.nodelay || !config.nagle || (config.nagle_by_last_small && tcb.snd_sml <= tcb.text_una())
    }

    /// Zero-window and keep-alive probes.
    fn transmit_probes(&mut self) {
        if core::mem::take(&mut self.tcb.persist.probe_now) && self.tcb.snd_wnd == 0 {
            self.probe_zero_window();
        }
        if core::mem::take(&mut self.tcb.keepalive.probe_now) {
            self.emit(self.tcb.snd_nxt - 1, 0, Flags::ACK);
        }
    }

    /// One octet of new data, or of old where some is outstanding, or FIN (RFC 9293 3.8.6.1). SND.NXT stays, so that
    /// our ACKs remain acceptable to a peer whose window is zero.
    fn probe_zero_window(&mut self) {
        let tcb = &*self.tcb;
        let seq = tcb.snd_una;
        let text = u32::from(tcb.send.data_end() > seq);
        let fin = text == 0 && tcb.send.fin;
        if text == 0 && !fin {
            return;
        }
        let fresh = tcb.snd_nxt == seq;
        if fresh && text == 1 {
            self.tcb.snd_max = self.tcb.snd_max.later(seq + 1);
            self.tcb.last_sent = self.cx.now;
            self.emit(seq, 1, Flags::ACK);
        } else {
            self.send(seq, text, if fin { Flags::ACK | Flags::FIN } else { Flags::ACK });
        }
    }

    /// Sends a segment that occupies sequence space, and keeps the books of it.
    fn send(&mut self, seq: SeqNumber, len: u32, flags: Flags) {
        let controls = u32::from(flags.contains(Flags::SYN)) + u32::from(flags.contains(Flags::FIN));
        let end = seq + len + controls;
        let fresh = len > 0 && seq >= self.tcb.snd_max;
        let small = len < options::room_for_text(self.tcb);
        if fresh {
            self.tcb.ack.text_sent(self.cx.now);
        }
        if fresh && self.tcb.ecn.capable {
            // New data alone: its loss will be noticed (RFC 3168 5.2, 6.1.2, 6.1.5).
            let reduced = core::mem::take(&mut self.tcb.congestion.cwr_due);
            self.emit_marked(seq, len, if reduced { flags | Flags::CWR } else { flags }, ECT_0);
        } else {
            self.emit(seq, len, flags);
        }
        let (tcb, now) = (&mut *self.tcb, self.cx.now);
        if end > tcb.snd_nxt && seq >= tcb.snd_max {
            // Whoever takes the text of a SYN or does not acknowledges the SYN.
            tcb.rto.sent(if flags.contains(Flags::SYN) { seq + 1 } else { end }, now);
        } else {
            tcb.retransmit.total += 1;
            tcb.rto.retransmitted();
        }
        let text = if flags.contains(Flags::SYN) { seq + 1 } else { seq };
        tcb.flight.sent(text, end, now);
        tcb.congestion.transmitted(end.since(text));
        if fresh && small && !flags.contains(Flags::SYN) {
            tcb.snd_sml = tcb.snd_sml.later(end);
        }
        tcb.tlp.restart |= fresh || flags.contains(Flags::FIN);
        tcb.snd_nxt = tcb.snd_nxt.later(end);
        tcb.snd_max = tcb.snd_max.later(end);
        tcb.last_sent = now;
        if flags.contains(Flags::FIN) && tcb.state == State::CloseWait {
            tcb.state = State::LastAck;
        }
    }

    /// Writes a segment that is not ECN-capable.
    fn emit(&mut self, seq: SeqNumber, len: u32, flags: Flags) {
        self.emit_marked(seq, len, flags, NOT_ECT);
    }

    /// Writes a segment. Whatever carries ACK settles what is owed.
    fn emit_marked(&mut self, seq: SeqNumber, len: u32, mut flags: Flags, ecn: u8) {
        let tcb = &mut *self.tcb;
        if flags.contains(Flags::ACK) && !flags.contains(Flags::SYN) && !flags.contains(Flags::RST) {
            flags |= tcb.ecn.of_ack();
        }
        let told =
            if flags.contains(Flags::RST) { None } else { tcb.user_timeout.told(flags.contains(Flags::SYN)) };
        let wnd = match flags.contains(Flags::SYN) {
            true => window::announce_in_syn(tcb, self.cx.config),
            false => window::announce(tcb),
        };
        let (head, tail) = tcb.send.text(seq, len);
        let mut buffer = self.sink.buffer(len);
        buffer.append(head);
        buffer.append(tail);
        let pushed = match self.cx.config.push {
            Push::QueueEnd => seq + len == tcb.send.data_end(),
            Push::CallsAndBursts => tcb.send.is_pushed(seq, seq + len),
        };
        if len > 0 && pushed && !flags.contains(Flags::SYN) {
            flags |= Flags::PSH;
        }
        let urgent = tcb.snd_up.map_or(0, |snd_up| snd_up.saturating_since(seq));
        if urgent > 0 && !flags.contains(Flags::SYN) && !flags.contains(Flags::RST) {
            flags |= Flags::URG;
        }
        let up = if flags.contains(Flags::URG) { u16::try_from(urgent).unwrap_or(u16::MAX) } else { 0 };
        let acknowledges = flags.contains(Flags::ACK);
        let ack = if acknowledges { tcb.rcv_nxt } else { SeqNumber(0) };
        let (source_port, destination_port) = (tcb.local.port(), tcb.remote.port());
        let (tuple, options) = (tcb.tuple(), Options::default());
        let header = Header { source_port, destination_port, seq, ack, flags, wnd, up, options };
        match options::timestamps_alone(tcb, flags, self.cx.now).filter(|_| told.is_none()) {
            Some(timestamps) => {
                self.sink.push_with_timestamps(self.id, tuple, ecn, (&header, timestamps), buffer)
            }
            None => {
                let options = options::of_segment(tcb, flags, told, self.cx.now);
                self.sink.push(Some(self.id), tuple, ecn, &Header { options, ..header }, buffer);
            }
        }
        if acknowledges {
            tcb.ack.sent();
            tcb.last_ack_sent = ack;
            tcb.duplicate = None;
            tcb.deadlines.stop(Timer::DelayedAck);
        }
    }

    /// Exactly one of the retransmission and the persist timer runs while something waits for the peer.
    fn arm_timers(&mut self) {
        if let Some(until) = self.tcb.ecn.held_at(self.cx.now)
            && self.tcb.flight_size() == 0
            && (self.tcb.unsent() > 0 || self.tcb.fin_is_unsent())
        {
            // What paces the sender is the timer, which an ACK of all that was out has stopped.
            self.tcb.deadlines.set(Timer::Retransmit, until);
            return self.arm_other_timers();
        }
        let (tcb, cx) = (&mut *self.tcb, self.cx);
        let outstanding = tcb.flight_size() > 0;
        let waiting = tcb.unsent() > 0;
        let closed_window = !tcb.syn_is_outstanding() && tcb.snd_wnd == 0;
        if (outstanding || waiting) && closed_window {
            tcb.deadlines.stop(Timer::Retransmit);
            persist::start_timer(tcb, &cx);
        } else if outstanding {
            tcb.deadlines.stop(Timer::Persist);
            if !tlp::arm(tcb, &cx) {
                tcb.deadlines.start(Timer::Retransmit, cx.now + tcb.rto.current());
            }
        } else if waiting && tcb.state >= State::Established {
            let patience = cx.config.sws_override.unwrap_or(tcb.rto.base());
            tcb.deadlines.start(Timer::Persist, cx.now + patience);
        } else {
            tcb.deadlines.stop(Timer::Retransmit);
            tcb.deadlines.stop(Timer::Persist);
        }
        if !outstanding || closed_window {
            tcb.deadlines.stop(Timer::Probe);
            tcb.deadlines.stop(Timer::Reorder);
        }
        if outstanding || (waiting && closed_window) {
            tcb.retransmit.since.get_or_insert(cx.now);
        }
        self.arm_other_timers();
    }

    fn arm_other_timers(&mut self) {
        let (tcb, cx) = (&mut *self.tcb, self.cx);
        match (tcb.patience(), tcb.retransmit.since) {
            (Some(timeout), Some(since)) => tcb.deadlines.set(Timer::UserTimeout, since + timeout),
            _ => tcb.deadlines.stop(Timer::UserTimeout),
        }
        match tcb.ack.due() {
            Due::Delayed => tcb.deadlines.start(Timer::DelayedAck, cx.now + cx.config.delayed_ack),
            _ => tcb.deadlines.stop(Timer::DelayedAck),
        }
        match cx.config.fin_wait_2 {
            Some(limit) if tcb.state == State::FinWait2 && !tcb.owned => {
                tcb.deadlines.start(Timer::FinWait2, cx.now + limit);
            }
            _ => tcb.deadlines.stop(Timer::FinWait2),
        }
        keepalive::arm(tcb);
    }
}
