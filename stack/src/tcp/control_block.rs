//! The transmission control block: a connection's variables under the names of RFC 9293 3.3.1.

use super::ack::AckState;
use super::action::Action;
use super::chrono::Chrono;
use super::config::{Config, LossRecovery, SocketOptions};
use super::congestion::Congestion;
use super::ecn::Ecn;
use super::fastopen;
use super::flight::{Delivery, Flight};
use super::keepalive::{self, Keepalive};
use super::options::{self, Offer};
use super::persist::{self, Persist};
use super::rack::{self, Rack};
use super::receive::ReceiveQueue;
use super::retransmit::{self, Retransmission};
use super::rto::RetransmissionTimeout;
use super::scoreboard::Scoreboard;
use super::send::SendQueue;
use super::state::State;
use super::timers::{Deadlines, Timer};
use super::tlp::{self, Tlp};
use super::urgent::OutOfBand;
use super::user_timeout::UserTimeout;
use super::{Error, ListenerId, SeqNumber};
use crate::ip::zone::{with_zone, without_zone, zone};
use crate::time::Instant;
use crate::wire::tcp::Segment;
use crate::wire::tcp_options::SackBlock;
use core::time::Duration;
use std::net::SocketAddr;

/// What every handler is told: the table of defaults and the present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Instant,
}

/// How the connection was opened (RFC 9293 MUST-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By the user.
    Active,
    /// By a SYN that came to this listener.
    Passive(ListenerId),
}

/// The two ends. Link-local addresses have their zone as scope id, so that those of two links are two (RFC 4007 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FourTuple {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

impl FourTuple {
    /// The name of a connection between two ends: IPv6's flow information is no part of it.
    pub(crate) fn named(local: SocketAddr, remote: SocketAddr) -> FourTuple {
        let [local, remote] = [local, remote].map(|end| with_zone(without_zone(end), zone(end)));
        FourTuple { local, remote }
    }
}

/// TS.Recent (RFC 7323 4.3) and when it was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecentTimestamp {
    pub(crate) tsval: u32,
    pub(crate) at: Instant,
}

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct ControlBlock {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) origin: Origin,
    pub(crate) state: State,
    /// Whether a user holds it: a descriptor, or a listener's queue.
    pub(crate) owned: bool,
    /// Whether it stands in the list of connections that have something to send.
    pub(crate) pending: bool,
    pub(crate) options: SocketOptions,

    pub(crate) iss: SeqNumber,
    pub(crate) snd_una: SeqNumber,
    pub(crate) snd_nxt: SeqNumber,
    /// The highest number sent: one after SND.NXT while a zero-window probe's octet is under way, else SND.NXT.
    pub(crate) snd_max: SeqNumber,
    pub(crate) snd_wnd: u32,
    pub(crate) snd_wl1: SeqNumber,
    pub(crate) snd_wl2: SeqNumber,
    /// The end of the last segment that was not full.
    pub(crate) snd_sml: SeqNumber,
    /// SND.UP: the number after the last urgent octet.
    pub(crate) snd_up: Option<SeqNumber>,
    /// MAX.SND.WND (RFC 5961 5.2), Max(SND.WND) (RFC 9293 3.8.6.2.1).
    pub(crate) max_snd_wnd: u32,

    pub(crate) irs: SeqNumber,
    pub(crate) rcv_nxt: SeqNumber,
    pub(crate) rcv_wnd: u32,
    /// RCV.WND may be no wider, as long as so little has come.
    pub(crate) rcv_wnd_most: u32,
    /// RCV.UP: the number after the last urgent octet that the peer told of.
    pub(crate) rcv_up: Option<SeqNumber>,

    pub(crate) offer: Offer,
    /// What our SYN,ACK says instead, where it repeats our SYN.
    pub(crate) repeated_offer: Option<Offer>,
    /// The path's MTU in bytes, IP header included.
    pub(crate) mtu: u16,
    /// The listener's user hears of it once text has come.
    pub(crate) accept_with_text: bool,
    /// Bytes of IP options in every segment.
    pub(crate) ip_options: u16,
    /// What the path was taken for before a report made it smaller, and until when the report counts.
    pub(crate) mtu_before: Option<(u16, Instant)>,
    /// SendMSS: what the peer's SYN said.
    pub(crate) snd_mss: u16,
    /// Snd.Wind.Shift: how far the windows that we receive are shifted.
    pub(crate) snd_wnd_shift: u8,
    /// Rcv.Wind.Shift: how far the windows that we send are shifted.
    pub(crate) rcv_wnd_shift: u8,
    /// Whether SACK may be sent.
    pub(crate) sack: bool,
    pub(crate) ts_offset: u32,
    /// TS.Recent; `None` where timestamps are not in use.
    pub(crate) ts_recent: Option<RecentTimestamp>,
    pub(crate) last_ack_sent: SeqNumber,

    pub(crate) send: SendQueue,
    pub(crate) receive: ReceiveQueue,
    /// Text that came a second time, until an ACK has told of it (RFC 2883).
    pub(crate) duplicate: Option<SackBlock>,
    pub(crate) ack: AckState,
    pub(crate) rto: RetransmissionTimeout,
    pub(crate) retransmit: Retransmission,
    pub(crate) scoreboard: Scoreboard,
    pub(crate) flight: Flight,
    pub(crate) rack: Rack,
    pub(crate) tlp: Tlp,
    pub(crate) persist: Persist,
    pub(crate) keepalive: Keepalive,
    pub(crate) congestion: Congestion,
    pub(crate) ecn: Ecn,
    pub(crate) fast_open: fastopen::State,
    pub(crate) user_timeout: UserTimeout,
    pub(crate) deadlines: Deadlines,
    /// When a segment that occupies sequence space was last sent, probes counted.
    pub(crate) last_sent: Instant,

    pub(crate) out_of_band: OutOfBand,
    pub(crate) chrono: Chrono,
    /// When text last came, and when an ACK did.
    pub(crate) last_received: Instant,
    pub(crate) last_acknowledged: Instant,
    /// Grows with each thing that one who waits is to hear of.
    pub(crate) activity: u64,
    /// The user had more to send than there was room for.
    pub(crate) wants_room: bool,
    /// What ended the connection, until the user is told.
    pub(crate) error: Option<Error>,
    /// What ICMP or R1 told and did not end it.
    pub(crate) soft_error: Option<Error>,
}

/// What a new control block is made from.
pub(crate) struct Opening {
    pub(crate) tuple: FourTuple,
    pub(crate) origin: Origin,
    pub(crate) options: SocketOptions,
    pub(crate) iss: SeqNumber,
    pub(crate) ts_offset: u32,
    pub(crate) mtu: u16,
}

impl ControlBlock {
    /// A connection in SYN-SENT whose SYN is due (RFC 9293 3.10.1).
    pub(crate) fn new(opening: Opening, cx: &Context) -> ControlBlock {
        let Opening { tuple, origin, options, iss, ts_offset, mtu } = opening;
        let config = cx.config;
        let buffer = options.receive_buffer.unwrap_or(config.receive_buffer);
        ControlBlock {
            local: tuple.local,
            remote: tuple.remote,
            origin,
            state: State::SynSent,
            owned: true,
            pending: false,
            iss,
            snd_una: iss,
            snd_nxt: iss,
            snd_max: iss,
            snd_wnd: 0,
            snd_wl1: SeqNumber(0),
            snd_wl2: SeqNumber(0),
            snd_sml: iss,
            snd_up: None,
            max_snd_wnd: 0,
            irs: SeqNumber(0),
            rcv_nxt: SeqNumber(0),
            rcv_wnd: 0,
            rcv_wnd_most: u32::MAX,
            rcv_up: None,
            offer: Offer::new(config, &options, tuple.remote.ip(), mtu),
            repeated_offer: None,
            mtu,
            accept_with_text: options.accept_with_text && matches!(origin, Origin::Passive(_)),
            ip_options: 0,
            mtu_before: None,
            snd_mss: options::default_mss(tuple.remote.ip()),
            snd_wnd_shift: 0,
            rcv_wnd_shift: 0,
            sack: false,
            ts_offset,
            ts_recent: None,
            last_ack_sent: SeqNumber(0),
            send: SendQueue::new(iss + 1),
            receive: ReceiveQueue::new(buffer, config.max_ranges),
            duplicate: None,
            ack: AckState::new(config.quick_acks),
            rto: RetransmissionTimeout::new(config),
            retransmit: Retransmission { first_now: true, ..Retransmission::default() },
            scoreboard: Scoreboard::default(),
            flight: Flight::default(),
            rack: Rack::default(),
            tlp: Tlp::default(),
            persist: Persist::default(),
            keepalive: Keepalive::default(),
            congestion: Congestion::new(config, iss).using(options.congestion),
            ecn: Ecn::new(config.ecn),
            fast_open: fastopen::State::default(),
            user_timeout: UserTimeout::new(config, &options),
            deadlines: Deadlines::default(),
            last_sent: cx.now,
            out_of_band: OutOfBand::default(),
            chrono: Chrono::default(),
            last_received: cx.now,
            last_acknowledged: cx.now,
            activity: 0,
            wants_room: false,
            error: None,
            soft_error: None,
            options,
        }
    }

    /// Its name among all connections.
    pub(crate) fn tuple(&self) -> FourTuple {
        FourTuple { local: self.local, remote: self.remote }
    }

    /// The peer's SYN has come: RCV.NXT, IRS and what it offers.
    pub(crate) fn synchronize(&mut self, syn: &Segment<'_>, now: Instant) {
        self.irs = syn.seq;
        self.rcv_nxt = syn.seq + 1;
        self.last_ack_sent = self.rcv_nxt;
        options::negotiate(self, &syn.options, now);
        self.ecn.syn_arrived(syn.flags);
    }

    /// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK. The window of a SYN is not scaled.
    pub(crate) fn set_snd_wnd(&mut self, segment: &Segment<'_>, window: u32) {
        self.snd_wnd = window;
        self.snd_wl1 = segment.seq;
        self.snd_wl2 = segment.ack;
        self.max_snd_wnd = self.max_snd_wnd.max(window);
    }

    /// Segments are to fit the window that the peer has begun with, two at a time where it is wide enough.
    pub(crate) fn fit_half_window(&mut self) {
        const SMALLEST_SEGMENT: u32 = 68 - 20;
        const NARROW: u32 = 536;
        let window = self.max_snd_wnd;
        let most = if window > NARROW { window / 2 } else { window };
        let options = if self.ts_recent.is_some() { 12 } else { 0 };
        if most > 0 && self.eff_snd_mss() > most {
            let mss = most.max(SMALLEST_SEGMENT - options) + options;
            self.snd_mss = u16::try_from(mss).unwrap_or(u16::MAX);
            self.congestion.set_mss(self.eff_snd_mss());
        }
    }

    /// Our SYN is acknowledged: data transfer begins.
    pub(crate) fn establish(&mut self, segment: &Segment<'_>, cx: &Context) {
        let echoed = options::echoed_round_trip(self, &segment.options, cx.now);
        self.snd_una = segment.ack;
        self.send.acknowledge(segment.ack);
        self.flight.acknowledge(segment.ack, |_| ());
        // A SYN counts as one segment with its text.
        if self.fast_open.opened || segment.ack == self.iss + 1 {
            self.flight.syn_delivered();
        }
        if let Some(rtt) = self.rto.acknowledged(segment.ack, cx.now, echoed) {
            self.rack.began(rtt, cx.now);
        }
        self.rto.established(self.retransmit.syn_lost, cx.config.rto_after_syn_loss);
        self.activity += 1;
        self.last_received = cx.now;
        if !self.fast_open.opened {
            self.begin_transfer(cx);
            self.fast_open.accepted = self.fast_open.had_text() && segment.ack == self.snd_nxt;
            // Text on our SYN that the peer has not taken goes with the ACK (RFC 7413 4.2.2).
            let again = self.fast_open.had_text() && segment.ack < self.snd_nxt;
            self.retransmit.next = again.then_some(segment.ack);
        }
        self.retransmit.progress(cx.now, self.flight_size() > 0);
        self.retransmit.first_now = false;
        self.deadlines.stop(Timer::Retransmit);
        // A CLOSE that came earlier was queued until now (3.10.4).
        self.state = match self.send.fin {
            true if self.fin_is_acknowledged() => State::FinWait2,
            true => State::FinWait1,
            false => State::Established,
        };
    }

    /// The congestion window as it is when data may flow.
    pub(crate) fn begin_transfer(&mut self, cx: &Context) {
        self.congestion.established(self.eff_snd_mss(), self.retransmit.syn_lost);
        if self.sack {
            self.congestion.recover_by(cx.config.recovery);
        }
    }

    /// Whether losses are found by RACK, which needs SACK (RFC 8985 4).
    pub(crate) fn uses_rack(&self) -> bool {
        self.congestion.recovers_by() == LossRecovery::Rack
    }

    /// RACK has found losses: a recovery begins, unless one is under way.
    pub(crate) fn begin_rack_recovery(&mut self) {
        let (una, nxt) = (self.snd_una, self.snd_nxt);
        if self.congestion.begin_rack(una, nxt, self.flight_size()) {
            self.tlp.stop();
            self.retransmit.first_lost_now = true;
        }
    }

    /// Everything before `ack` has arrived: the books of what is under way.
    pub(crate) fn flight_acknowledged(
        &mut self,
        ack: SeqNumber,
        segment: &Segment<'_>,
        cx: &Context,
    ) -> Delivery {
        let echo = options::echoed_round_trip(self, &segment.options, cx.now);
        let rack = &mut self.rack;
        self.flight.acknowledge(ack, |sent| rack.delivered(sent, cx.now, echo))
    }

    /// For how long what was sent may stay unacknowledged, where somebody has said so; an agreement with the peer counts
    /// once the connection is synchronised (RFC 5482 3.3).
    pub(crate) fn patience(&self) -> Option<core::time::Duration> {
        let agreed = self.user_timeout.agreed().filter(|_| self.state.is_synchronized());
        self.options.user_timeout.or(agreed)
    }

    pub(crate) fn is_passive(&self) -> bool {
        matches!(self.origin, Origin::Passive(_))
    }

    /// Whether our SYN is not yet acknowledged.
    pub(crate) fn syn_is_outstanding(&self) -> bool {
        self.snd_una == self.iss
    }

    /// FlightSize: sent and not acknowledged, SYN and FIN counted.
    pub(crate) fn flight_size(&self) -> u32 {
        self.snd_nxt.saturating_since(self.snd_una)
    }

    /// The first sequence number of text, or of FIN, that is not acknowledged.
    pub(crate) fn text_una(&self) -> SeqNumber {
        self.snd_una.later(self.send.base())
    }

    /// How many bytes of new data the congestion window lets go.
    pub(crate) fn allowed_by_congestion(&self) -> u32 {
        let congestion = &self.congestion;
        if congestion.in_sack_recovery() {
            return self.room_in_recovery();
        }
        if self.uses_rack() {
            return congestion.cwnd().saturating_sub(self.flight.pipe());
        }
        if congestion.uses_scoreboard() && congestion.limited_transmit() && !self.scoreboard.is_empty() {
            // RFC 6675 5 step 3. What counts as lost is counted here all the same, for a timeout has sent it again.
            return congestion.room(self.flight_size() - self.scoreboard.sacked_before(self.snd_nxt));
        }
        (self.text_una() + congestion.window()).saturating_since(self.snd_nxt)
    }

    /// cwnd - pipe, if it is a segment or more (RFC 6675 5 step C).
    pub(crate) fn room_in_recovery(&self) -> u32 {
        let pipe = if self.uses_rack() {
            self.flight.pipe()
        } else {
            self.scoreboard.pipe(self.snd_una, self.snd_nxt, self.eff_snd_mss())
        };
        self.congestion.room(pipe)
    }

    /// How much may be queued so that no more than `unsent_low` waits behind what the windows let go now.
    pub(crate) fn queue_limit(&self) -> usize {
        let Some(low) = self.options.unsent_low else { return usize::MAX };
        let window = (self.text_una() + self.snd_wnd).saturating_since(self.snd_nxt);
        let out = self.snd_nxt.saturating_since(self.send.base());
        let more = window.min(self.allowed_by_congestion()).saturating_add(low);
        (out as usize).saturating_add(more as usize)
    }

    /// Bytes queued behind SND.NXT.
    pub(crate) fn unsent(&self) -> u32 {
        self.send.data_end().saturating_since(self.snd_nxt)
    }

    /// CLOSE in SYN-RECEIVED: where there is nothing to send the FIN goes at once, else it is queued until ESTABLISHED
    /// (RFC 9293 3.10.4).
    pub(crate) fn close_before_established(&mut self) {
        self.send.fin = true;
        if self.send.data_end() == self.iss + 1 && !self.fast_open.opened {
            self.state = State::FinWait1;
        }
    }

    /// FIN-WAIT-1 with a SYN,ACK that the peer has not acknowledged.
    pub(crate) fn closed_early(&self) -> bool {
        self.state == State::FinWait1 && self.syn_is_outstanding()
    }

    /// Whether our FIN is still to be sent, on a connection on which it may be.
    pub(crate) fn fin_is_unsent(&self) -> bool {
        self.state.is_synchronized() && self.send.fin && self.snd_nxt <= self.send.data_end()
    }

    /// Whether our FIN has been sent and acknowledged.
    pub(crate) fn fin_is_acknowledged(&self) -> bool {
        self.send.fin && self.snd_una == self.send.end()
    }

    /// SMSS: the most text in a segment, by the peer's MSS and the path's MTU, less the options that every segment
    /// carries (RFC 9293 3.7.1, MUST-16).
    pub(crate) fn eff_snd_mss(&self) -> u32 {
        let path = self.mtu.saturating_sub(options::fixed_headers(self.remote.ip()) + self.ip_options);
        let timestamps = if self.ts_recent.is_some() { 12 } else { 0 };
        u32::from(self.snd_mss.min(path).saturating_sub(timestamps).max(1))
    }

    /// A report about the path has come: segments get smaller, for ten minutes (RFC 1191 6.3, RFC 8201 5.3).
    pub(crate) fn shrink_path(&mut self, mtu: u16, now: Instant) {
        const LIFETIME: Duration = Duration::from_secs(600);
        let before = self.mtu_before.map_or(self.mtu, |(before, _)| before);
        self.mtu_before = Some((before, now + LIFETIME));
        self.mtu = mtu;
        self.congestion.set_mss(self.eff_snd_mss());
    }

    /// When a report is old enough, larger segments are tried again; nothing is sent because of that.
    pub(crate) fn forget_old_report(&mut self, now: Instant) {
        if let Some((before, _)) = self.mtu_before.take_if(|(_, until)| now >= *until) {
            self.mtu = before;
            self.congestion.set_mss(self.eff_snd_mss());
        }
    }

    /// RCV.NXT moves over `count` numbers; the right edge of the window stays.
    pub(crate) fn advance_rcv_nxt(&mut self, count: u32) {
        self.rcv_nxt += count;
        self.rcv_wnd = self.rcv_wnd.saturating_sub(count);
    }

    /// TIME-WAIT begins or begins anew: the 2 MSL timer runs, the others do not.
    pub(crate) fn enter_time_wait(&mut self, cx: &Context) {
        self.state = State::TimeWait;
        self.retransmit.progress(cx.now, false);
        self.retransmit.next = None;
        self.deadlines.stop_all();
        self.deadlines.set(Timer::TimeWait, cx.now + cx.config.msl.saturating_mul(2));
        // Nothing will be sent any more, and nothing taken: these connections are many, and are to be small.
        self.send.flush();
        self.receive.give_back();
    }

    /// CLOSED: queues are flushed, nothing runs any more. What the user has not read is lost if there is an error.
    pub(crate) fn enter_closed(&mut self, error: Option<Error>, config: &Config) {
        self.activity += 1;
        self.state = State::Closed;
        self.deadlines.stop_all();
        self.send.flush();
        if error.is_some() {
            if !config.unread_survives_reset {
                self.receive.flush();
            }
            self.error = error;
        }
    }

    /// A timer of this connection has expired.
    pub(crate) fn timer_expired(&mut self, timer: Timer, cx: &Context) -> Action {
        match timer {
            Timer::Retransmit => retransmit::timer_expired(self, cx),
            Timer::Persist => persist::timer_expired(self, cx),
            Timer::Keepalive => keepalive::timer_expired(self, cx),
            Timer::DelayedAck => {
                self.ack.owe(super::ack::Due::Now);
                self.ack.delay_is_over();
                Action::Done
            }
            Timer::TimeWait | Timer::FinWait2 => Action::Close(None),
            Timer::UserTimeout => retransmit::give_up(self, cx),
            Timer::Reorder => {
                rack::timer_expired(self, cx);
                Action::Done
            }
            Timer::Probe => {
                tlp::timer_expired(self, cx.now);
                Action::Done
            }
        }
    }
}
