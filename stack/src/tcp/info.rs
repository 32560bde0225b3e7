//! What a user can ask about a connection (RFC 9293 3.9.1.5, STATUS).

use super::control_block::ControlBlock;
use super::state::State;
use super::{Connections, Error};
use crate::time::Instant;
use core::time::Duration;
use std::net::SocketAddr;

/// What a call would meet now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A receive would not wait: there is text, the end of the stream, or an error.
    pub readable: bool,
    /// A send would not wait: there is room, or an error.
    pub writable: bool,
    /// Neither direction is open any more.
    pub hang_up: bool,
    /// An error waits to be taken.
    pub error: bool,
    /// The peer has sent all it will send.
    pub end_of_stream: bool,
    /// Urgent data is announced that has not been read.
    pub urgent: bool,
}

/// What the congestion control is about, as Linux names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CongestionState {
    /// All is well.
    Open,
    /// Duplicate ACKs or SACKs have come.
    Disorder,
    /// cwnd is being reduced because of ECN.
    Reduced,
    /// Fast recovery.
    Recovery,
    /// The retransmission timer has expired.
    Loss,
}

/// A connection's inner state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The state.
    pub state: State,
    /// Smoothed round-trip time; `None` before the first sample.
    pub srtt: Option<Duration>,
    /// Round-trip time variation.
    pub rttvar: Duration,
    /// The retransmission timeout, back-off included.
    pub rto: Duration,
    /// The congestion window, in bytes.
    pub cwnd: u32,
    /// The slow start threshold, in bytes.
    pub ssthresh: u32,
    /// Eff.snd.MSS, in bytes.
    pub snd_mss: u32,
    /// The MSS that we announced, in bytes.
    pub rcv_mss: u32,
    /// Bytes sent and not acknowledged, SYN and FIN counted.
    pub unacked: u32,
    /// Bytes queued and not yet sent.
    pub unsent: u32,
    /// The peer's window, in bytes.
    pub snd_wnd: u32,
    /// Our window, in bytes.
    pub rcv_wnd: u32,
    /// How often the timer has expired since the peer last acknowledged something new.
    pub retransmits: u32,
    /// Segments sent again since the connection began.
    pub total_retransmits: u64,
    /// Zero-window probes since the window closed.
    pub probes: u32,
    /// Whether SACK, timestamps and window scaling are in use.
    pub sack: bool,
    /// Timestamps.
    pub timestamps: bool,
    /// Snd.Wind.Shift and Rcv.Wind.Shift; `None` without scaling.
    pub window_scale: Option<(u8, u8)>,
    /// Bytes of urgent data still to be read (RFC 9293 MUST-33).
    pub urgent_left: u32,
    /// How long there was data under way or to be sent; of that, how long the peer's window held it back, and how long
    /// the user had more than there was room for.
    pub busy: [Duration; 3],
    /// How long ago text was sent, text came, an ACK came.
    pub since: [Duration; 3],
    /// What the congestion control is about.
    pub congestion: CongestionState,
    /// Segments under way, by what is known of each: all, SACKed, lost, sent again.
    pub segments: [u32; 4],
    /// Segments delivered since the connection began, the SYN counted.
    pub delivered: u64,
    /// The degree of reordering, in segments, and how often it was seen (RFC 8985 6.2).
    pub reordering: (u32, u32),
    /// The least round trip of late.
    pub min_rtt: Option<Duration>,
    /// Whether text on a SYN was taken (RFC 7413).
    pub syn_data: bool,
    /// What ICMP or R1 told without ending the connection.
    pub soft_error: Option<Error>,
}

impl Info {
    pub(crate) fn of(tcb: &ControlBlock, now: Instant) -> Info {
        Info {
            state: tcb.state,
            srtt: tcb.rto.srtt,
            rttvar: tcb.rto.rttvar,
            rto: tcb.rto.current(),
            cwnd: tcb.congestion.cwnd(),
            ssthresh: tcb.congestion.ssthresh(),
            snd_mss: tcb.eff_snd_mss(),
            rcv_mss: u32::from(tcb.offer.mss),
            unacked: tcb.flight_size(),
            unsent: tcb.unsent(),
            snd_wnd: tcb.snd_wnd,
            rcv_wnd: tcb.rcv_wnd,
            retransmits: tcb.retransmit.count,
            total_retransmits: tcb.retransmit.total,
            probes: tcb.persist.probes,
            sack: tcb.sack,
            timestamps: tcb.ts_recent.is_some(),
            window_scale: tcb.offer.window_scale.map(|_| (tcb.snd_wnd_shift, tcb.rcv_wnd_shift)),
            urgent_left: urgent_left(tcb),
            busy: tcb.chrono.read(now),
            since: [tcb.last_sent, tcb.last_received, tcb.last_acknowledged]
                .map(|then| now.saturating_since(then)),
            congestion: congestion_state(tcb),
            segments: [tcb.flight.total(), tcb.flight.sacked(), tcb.flight.lost(), tcb.flight.again()]
                .map(|count| count.segments),
            delivered: tcb.flight.delivered(),
            reordering: (tcb.rack.reordering, tcb.rack.reorderings),
            min_rtt: tcb.rack.min_rtt(),
            syn_data: tcb.fast_open.accepted,
            soft_error: tcb.soft_error,
        }
    }
}

/// A listener or a connection as a table of sockets shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queues {
    pub(crate) state: State,
    pub(crate) local: SocketAddr,
    pub(crate) remote: Option<SocketAddr>,
    /// Bytes to be read; of a listener, connections to be accepted.
    pub(crate) receive: usize,
    /// Bytes that are not acknowledged; of a listener, its backlog.
    pub(crate) send: usize,
}

impl Connections {
    /// Every listener and every connection, in no meaningful order that is the same in every run.
    pub(crate) fn queues(&self) -> impl Iterator<Item = Queues> {
        let listeners = self.listeners.iter().map(|listener| Queues {
            state: State::Listen,
            local: listener.local,
            remote: None,
            receive: listener.ready.len(),
            send: listener.backlog(),
        });
        let connections = self.slab.iter().map(|(_, tcb)| Queues {
            state: tcb.state,
            local: tcb.local,
            remote: Some(tcb.remote),
            receive: tcb.receive.readable(),
            send: tcb.send.len(),
        });
        listeners.chain(connections.filter(|queues| queues.state != State::Closed))
    }
}

impl Readiness {
    pub(crate) fn of(tcb: &ControlBlock, send_limit: usize) -> Readiness {
        let closed = tcb.state == State::Closed;
        let end_of_stream = closed || peer_has_closed(tcb);
        let sending = tcb.state.accepts_send() && !tcb.send.fin;
        let open = tcb.state.is_synchronized() || tcb.fast_open.opened;
        let room = tcb.send.len() < send_limit
            && tcb.options.unsent_low.is_none_or(|low| tcb.unsent() < low.div_ceil(2));
        Readiness {
            readable: tcb.receive.readable() > 0 || end_of_stream,
            writable: closed || (open && (!sending || room)),
            hang_up: closed || (end_of_stream && tcb.send.fin),
            error: tcb.error.is_some(),
            end_of_stream,
            urgent: urgent_left(tcb) > 0,
        }
    }
}

fn congestion_state(tcb: &ControlBlock) -> CongestionState {
    match tcb.congestion.state(tcb.snd_una) {
        CongestionState::Open if tcb.flight.sacked().segments > 0 => CongestionState::Disorder,
        state => state,
    }
}

/// Whether the peer's FIN has been taken.
pub(crate) fn peer_has_closed(tcb: &ControlBlock) -> bool {
    tcb.receive.fin.is_some_and(|fin| fin < tcb.rcv_nxt)
}

/// RCV.UP less what the user has read.
fn urgent_left(tcb: &ControlBlock) -> u32 {
    let read = tcb.rcv_nxt - tcb.receive.readable() as u32;
    tcb.rcv_up.map_or(0, |rcv_up| rcv_up.saturating_since(read))
}
