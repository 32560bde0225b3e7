//! The congestion window (RFC 5681) and when fast retransmit and fast recovery move it (RFC 6582).

use super::SeqNumber;
use super::config::{Config, CongestionAlgorithm, InitialWindow, LossRecovery, PrrBound, Reduction};
use super::cubic::{Cubic, Growth};
use super::info::CongestionState;
use super::prr::{self, Prr};
use crate::time::Instant;
use core::time::Duration;

/// What the sender has to do about an ACK besides going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// Nothing.
    None,
    /// Send the first unacknowledged segment again, whatever cwnd says.
    Retransmit,
    /// That, and start the retransmission timer anew (RFC 6582 3.2 step 3, the first partial ACK).
    RetransmitAndRestartTimer,
}

/// An ACK of new data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    /// How many bytes, up to `ack`.
    pub(crate) bytes: u32,
    pub(crate) ack: SeqNumber,
    /// What is still outstanding.
    pub(crate) flight: u32,
    /// It carries ECN-Echo: cwnd does not grow (RFC 3168 6.1.2).
    pub(crate) marked: bool,
    pub(crate) now: Instant,
    /// SRTT.
    pub(crate) rtt: Duration,
}

/// Where loss recovery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    /// Slow start or congestion avoidance.
    None,
    /// Fast recovery until `recover` is acknowledged.
    Fast { partial_seen: bool },
    /// The same by the scoreboard or by RACK: RecoveryPoint is `recover` (RFC 6675 5, RFC 8985 6).
    Sack,
}

/// cwnd, ssthresh and the variables that move them, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    algorithm: CongestionAlgorithm,
    initial_window: InitialWindow,
    /// The number after the initial or the last restart window, while something of it is outstanding; `None` before it
    /// is known.
    first_window: Option<SeqNumber>,
    /// A loss in such a window: the next one is that of RFC 3390 (RFC 6928 2).
    first_window_lost: bool,
    limited_transmit: bool,
    /// L of RFC 3465, in segments.
    slow_start_limit: u32,
    /// Whether slow start asks what was outstanding.
    validate: bool,
    /// The most that was outstanding since `outstanding_since` was sent, in bytes.
    most_outstanding: u32,
    outstanding_since: SeqNumber,
    cwnd: u32,
    ssthresh: u32,
    /// SMSS.
    mss: u32,
    /// Bytes acknowledged since cwnd last grew in congestion avoidance (RFC 5681 3.1, byte counting).
    bytes_acked: u32,
    duplicate_acks: u32,
    /// FlightSize when the first duplicate ACK came: without what limited transmit added (RFC 5681 3.2 step 1).
    flight_before_duplicates: u32,
    /// The highest sequence number sent when recovery was last entered (RFC 6582).
    recover: SeqNumber,
    recovery: Recovery,
    /// What tells of losses.
    recover_by: LossRecovery,
    reduction: Reduction,
    /// The reduction that is under way, if it is not made at once.
    prr: Option<Prr>,
    /// ECN-Echo reduces by PRR, and does so until `reduced` is acknowledged.
    prr_on_ecn: bool,
    echoed: bool,
    /// The retransmission timer has expired, and `recover` is not acknowledged yet.
    timed_out: bool,
    /// Slow start has not ended since.
    after_timeout: bool,
    whole_segments: bool,
    /// What duplicate ACKs told of makes no window grow when it is acknowledged.
    duplicates_deliver: bool,
    /// SND.NXT when cwnd was last reduced, for whatever reason: one reduction a window.
    reduced: SeqNumber,
    /// cwnd was reduced, which the peer of an ECN connection is to be told (RFC 3168 6.1.2).
    pub(crate) cwr_due: bool,
    cubic: Cubic,
}

/// cwnd stays well inside 32 bits.
const MAX_WINDOW: u32 = 1 << 30;

/// Duplicate ACKs that are taken for a loss (RFC 5681 3.2).
const DUPLICATE_THRESHOLD: u32 = 3;

impl Congestion {
    /// Before the handshake; [`Congestion::established`] sets the window.
    ///
    /// RFC 6582 3.2 step 1 sets recover to ISS, by which the loss of the very first segment, whose duplicate ACKs
    /// carry ISS+1, would not be repaired; the number before it lets them.
    pub(crate) fn new(config: &Config, iss: SeqNumber) -> Congestion {
        Congestion {
            algorithm: config.congestion,
            initial_window: config.initial_window,
            first_window: None,
            first_window_lost: false,
            limited_transmit: config.limited_transmit,
            slow_start_limit: config.slow_start_limit,
            validate: config.validate_slow_start,
            most_outstanding: 0,
            outstanding_since: iss,
            cwnd: 0,
            ssthresh: MAX_WINDOW,
            mss: 536,
            bytes_acked: 0,
            duplicate_acks: 0,
            flight_before_duplicates: 0,
            recover: iss - 1,
            recovery: Recovery::None,
            recover_by: LossRecovery::Rfc6582,
            reduction: config.reduction,
            prr: None,
            prr_on_ecn: config.reduce_by_prr_on_ecn,
            echoed: false,
            timed_out: false,
            after_timeout: false,
            whole_segments: config.ssthresh_in_segments,
            duplicates_deliver: config.duplicates_deliver,
            reduced: iss,
            cwr_due: false,
            cubic: Cubic::default(),
        }
    }

    /// With the algorithm that the user has chosen, if there is one.
    pub(crate) fn using(mut self, chosen: Option<CongestionAlgorithm>) -> Congestion {
        self.set_algorithm(chosen.unwrap_or(self.algorithm));
        self
    }

    /// The user has chosen another.
    pub(crate) fn set_algorithm(&mut self, algorithm: CongestionAlgorithm) {
        if algorithm != self.algorithm {
            (self.algorithm, self.cubic) = (algorithm, Cubic::default());
        }
    }

    /// The peer permits SACK: losses are found by what it tells from now on.
    pub(crate) fn recover_by(&mut self, recovery: LossRecovery) {
        self.recover_by = recovery;
    }

    /// What tells of losses.
    pub(crate) fn recovers_by(&self) -> LossRecovery {
        self.recover_by
    }

    /// Whether SACK tells of losses.
    pub(crate) fn uses_scoreboard(&self) -> bool {
        self.recover_by != LossRecovery::Rfc6582
    }

    /// Whether a loss is being repaired: fast recovery, or what follows a timeout.
    pub(crate) fn is_recovering(&self, una: SeqNumber) -> bool {
        self.recovery != Recovery::None || (self.timed_out && una <= self.recover)
    }

    /// What it is about.
    pub(crate) fn state(&self, una: SeqNumber) -> CongestionState {
        match self.recovery {
            Recovery::None if self.timed_out && una <= self.recover => CongestionState::Loss,
            Recovery::None if self.echoed => CongestionState::Reduced,
            Recovery::None if self.duplicate_acks > 0 => CongestionState::Disorder,
            Recovery::None => CongestionState::Open,
            Recovery::Fast { .. } | Recovery::Sack => CongestionState::Recovery,
        }
    }

    /// Whether a recovery by the scoreboard is under way.
    pub(crate) fn in_sack_recovery(&self) -> bool {
        self.recovery == Recovery::Sack
    }

    /// `recover`, RecoveryPoint.
    pub(crate) fn recover(&self) -> SeqNumber {
        self.recover
    }

    /// The handshake is over: IW, or one segment where SYN or SYN,ACK was lost (RFC 5681 3.1, RFC 6928 2).
    pub(crate) fn established(&mut self, mss: u32, syn_retransmitted: bool) {
        self.mss = mss.max(1);
        self.cwnd = if syn_retransmitted { self.mss } else { self.initial() };
    }

    /// IW.
    fn initial(&self) -> u32 {
        let mss = self.mss;
        let lossy = self.first_window_lost;
        match if lossy { InitialWindow::Rfc5681 } else { self.initial_window } {
            InitialWindow::Rfc5681 if mss > 2190 => 2 * mss,
            InitialWindow::Rfc5681 if mss > 1095 => 3 * mss,
            InitialWindow::Rfc5681 => 4 * mss,
            InitialWindow::Rfc6928 => (10 * mss).min((2 * mss).max(14_600)),
        }
    }

    /// Path MTU discovery has found another segment size: where it is smaller, cwnd keeps its count of segments (RFC 5681 3.1).
    /// Where it is larger, cwnd has still room for one, or nothing would ever go.
    pub(crate) fn set_mss(&mut self, mss: u32) {
        let mss = mss.max(1);
        if mss < self.mss {
            self.cwnd = (u64::from(self.cwnd) * u64::from(mss) / u64::from(self.mss)) as u32;
        }
        self.cwnd = self.cwnd.max(mss);
        self.mss = mss;
    }

    /// cwnd.
    pub(crate) fn cwnd(&self) -> u32 {
        self.cwnd
    }

    /// ssthresh.
    pub(crate) fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    /// Bytes that may be in flight: cwnd, and a segment more for each of the first two duplicate ACKs (RFC 3042).
    pub(crate) fn window(&self) -> u32 {
        let extra = match self.recovery {
            Recovery::None if self.limited_transmit && !self.uses_scoreboard() => {
                self.duplicate_acks.min(DUPLICATE_THRESHOLD - 1)
            }
            _ => 0,
        };
        self.cwnd + extra * self.mss
    }

    /// An ACK of new data has come.
    pub(crate) fn new_data_acknowledged(&mut self, acked: Acked) -> Response {
        let told = if self.duplicates_deliver && !self.uses_scoreboard() { self.duplicate_acks } else { 0 };
        let acked = Acked { bytes: acked.bytes.saturating_sub(told.saturating_mul(self.mss)), ..acked };
        self.duplicate_acks = 0;
        let Acked { bytes, ack, flight, .. } = acked;
        self.first_window = Some(self.first_window.map_or(ack + flight, |end| end.kept_behind(ack)));
        (self.recover, self.reduced) = (self.recover.kept_behind(ack), self.reduced.kept_behind(ack));
        self.timed_out &= ack <= self.recover;
        if self.echoed && ack >= self.reduced {
            self.end_reduction();
        }
        match self.recovery {
            Recovery::None if self.echoed => Response::None,
            Recovery::None => {
                if !acked.marked {
                    self.grow(acked);
                }
                Response::None
            }
            Recovery::Fast { .. } | Recovery::Sack => self.acknowledged_in_recovery(bytes, ack, flight),
        }
    }

    #[cold]
    fn acknowledged_in_recovery(&mut self, bytes: u32, ack: SeqNumber, flight: u32) -> Response {
        match self.recovery {
            Recovery::None => Response::None,
            Recovery::Fast { .. } if ack > self.recover => {
                // A full acknowledgment, option (1), which does not allow a burst.
                self.cwnd = self.ssthresh.min(flight.max(self.mss) + self.mss);
                self.recovery = Recovery::None;
                self.bytes_acked = 0;
                Response::None
            }
            Recovery::Sack => {
                if ack > self.recover {
                    self.recovery = Recovery::None;
                    self.bytes_acked = 0;
                    self.end_reduction();
                }
                Response::None
            }
            Recovery::Fast { partial_seen } => {
                self.cwnd = self.cwnd.saturating_sub(bytes);
                if bytes >= self.mss {
                    self.cwnd += self.mss;
                }
                self.cwnd = self.cwnd.max(self.mss);
                self.recovery = Recovery::Fast { partial_seen: true };
                if partial_seen { Response::Retransmit } else { Response::RetransmitAndRestartTimer }
            }
        }
    }

    /// What is outstanding now, from `snd_una` to `snd_nxt`; the most of a round trip is kept.
    pub(crate) fn sent(&mut self, snd_una: SeqNumber, snd_nxt: SeqNumber) {
        let outstanding = snd_nxt.saturating_since(snd_una);
        if snd_una >= self.outstanding_since || outstanding > self.most_outstanding {
            (self.most_outstanding, self.outstanding_since) = (outstanding, snd_nxt);
        }
    }

    /// RFC 5681 3.1: slow start by min(N, SMSS) for each ACK, congestion avoidance by SMSS for each cwnd of bytes.
    fn grow(&mut self, acked: Acked) {
        let Acked { bytes, now, rtt, .. } = acked;
        self.after_timeout &= self.cwnd < self.ssthresh;
        match self.algorithm {
            _ if self.cwnd < self.ssthresh => {
                // RFC 3465 2.3: what follows a timeout is slow start with L = 1, for it may acknowledge what was delivered
                // before; a limit of more than two segments is none of that RFC's.
                let cautious = self.after_timeout && self.slow_start_limit <= 2;
                let limit = if cautious { 1 } else { self.slow_start_limit };
                let wide_enough = self.validate && self.cwnd >= self.most_outstanding.saturating_mul(2);
                if !wide_enough {
                    let step = bytes.min(self.mss.saturating_mul(limit));
                    // Whatever the limit, slow start ends at ssthresh (3.1).
                    let left = (self.ssthresh - self.cwnd).max(self.mss);
                    self.cwnd += step.min(left);
                }
            }
            CongestionAlgorithm::NewReno => {
                self.bytes_acked = self.bytes_acked.saturating_add(bytes);
                if self.bytes_acked >= self.cwnd {
                    self.bytes_acked -= self.cwnd;
                    self.cwnd += self.mss;
                }
            }
            CongestionAlgorithm::Cubic => {
                let growth = Growth { acked: bytes, cwnd: self.cwnd, mss: self.mss, now, rtt };
                self.cwnd = self.cwnd.saturating_add(self.cubic.grow(growth));
            }
        }
        self.cwnd = self.cwnd.min(MAX_WINDOW);
    }

    /// A duplicate ACK of `ack`, with `flight` bytes outstanding up to `snd_nxt` (RFC 5681 3.2, RFC 6582 3.2).
    #[cold]
    pub(crate) fn duplicate_ack(&mut self, ack: SeqNumber, snd_nxt: SeqNumber, flight: u32) -> Response {
        if self.recovery != Recovery::None {
            // Step 4; bounded, as forged duplicates would inflate it without end (MAY of RFC 5681 3.2).
            self.cwnd = (self.cwnd + self.mss).min(self.ssthresh + flight + self.mss).min(MAX_WINDOW);
            return Response::None;
        }
        self.duplicate_acks = self.duplicate_acks.saturating_add(1);
        if self.duplicate_acks == 1 {
            self.flight_before_duplicates = flight;
        }
        // The third, and only where the ACK covers more than recover: ack - 1 > recover.
        if self.duplicate_acks != DUPLICATE_THRESHOLD || ack <= self.recover + 1 {
            return Response::None;
        }
        self.note_loss(ack);
        self.lower_ssthresh(ack, snd_nxt, self.flight_before_duplicates);
        self.cwnd = self.ssthresh + DUPLICATE_THRESHOLD * self.mss;
        self.recover = snd_nxt - 1;
        self.recovery = Recovery::Fast { partial_seen: false };
        Response::Retransmit
    }

    /// An ACK of `ack` has SACKed something new, with `flight` bytes outstanding up to `snd_nxt`; `lost` where the
    /// scoreboard says that the first of them is (RFC 6675 5).
    pub(crate) fn sacked(&mut self, ack: SeqNumber, snd_nxt: SeqNumber, flight: u32, lost: bool) -> Response {
        if self.recovery != Recovery::None {
            return Response::None;
        }
        self.duplicate_acks = self.duplicate_acks.saturating_add(1);
        if self.duplicate_acks == 1 {
            self.flight_before_duplicates = flight;
        }
        let loss = lost || self.duplicate_acks >= DUPLICATE_THRESHOLD;
        // After a timeout nothing is begun before RecoveryPoint is acknowledged (5.1): ack - 1 >= recover.
        if !loss || ack <= self.recover {
            return Response::None;
        }
        self.begin_sack(ack, snd_nxt, (self.flight_before_duplicates, flight));
        Response::Retransmit
    }

    /// RACK has found a loss in the `flight` bytes from `ack` to `snd_nxt`. True where a recovery begins: not inside one,
    /// nor before what a timeout made lost is repaired.
    pub(crate) fn begin_rack(&mut self, ack: SeqNumber, snd_nxt: SeqNumber, flight: u32) -> bool {
        let begins = !self.is_recovering(ack);
        if begins {
            self.begin_sack(ack, snd_nxt, (flight, flight));
        }
        begins
    }

    /// `before` is what was outstanding when the first sign of a loss came, `flight` what is now.
    fn begin_sack(&mut self, ack: SeqNumber, snd_nxt: SeqNumber, (before, flight): (u32, u32)) {
        self.note_loss(ack);
        self.lower_ssthresh(ack, snd_nxt, before);
        (self.recover, self.recovery, self.echoed) = (snd_nxt - 1, Recovery::Sack, false);
        self.begin_reduction(flight);
    }

    fn begin_reduction(&mut self, flight: u32) {
        match self.reduction {
            Reduction::AtOnce => self.cwnd = self.ssthresh,
            // RecoverFS; Linux takes cwnd for it, which limited transmit does not add to.
            Reduction::Prr(PrrBound::SlowStartIfGood) => {
                self.prr = Some(Prr::new(self.cwnd, PrrBound::SlowStartIfGood));
            }
            Reduction::Prr(bound) => self.prr = Some(Prr::new(flight, bound)),
        }
    }

    /// cwnd is where the reduction was to bring it (RFC 6937 3).
    fn end_reduction(&mut self) {
        if self.prr.take().is_some() {
            self.cwnd = self.ssthresh;
        }
        self.echoed = false;
    }

    /// Whether a reduction by PRR is under way.
    pub(crate) fn is_reducing(&self) -> bool {
        self.prr.is_some()
    }

    /// An ACK in a reduction by PRR: cwnd is what is in the network, and what may follow it.
    pub(crate) fn reduce(&mut self, ack: prr::Ack) {
        let good = ack.good && !self.echoed;
        if let Some(prr) = self.prr.as_mut().filter(|_| ack.delivered > 0) {
            let count = prr.acknowledged(prr::Ack { good, ..ack }, self.ssthresh, self.mss);
            self.cwnd = ack.pipe + count;
        }
    }

    /// `bytes` have been sent, new or again.
    pub(crate) fn transmitted(&mut self, bytes: u32) {
        if let Some(prr) = &mut self.prr {
            prr.sent(bytes);
        }
    }

    /// A loss was repaired by a probe, with nothing outstanding before `ack` any more: a recovery that is over as it begins
    /// (RFC 8985 7.4.2).
    pub(crate) fn repaired_by_probe(&mut self, ack: SeqNumber, snd_nxt: SeqNumber) {
        if !self.is_recovering(ack) {
            self.lower_ssthresh(ack, snd_nxt, self.cwnd);
            self.cwnd = self.cwnd.min(self.ssthresh);
        }
    }

    /// After a timeout one segment may go beside the `pipe` bytes that are not known to be lost (RFC 8985 6.3).
    pub(crate) fn let_one_go(&mut self, pipe: u32) {
        self.cwnd = pipe + self.mss;
    }

    /// What may be sent while `pipe` bytes seem to be in the network: nothing where it is less than a segment.
    pub(crate) fn room(&self, pipe: u32) -> u32 {
        let room = self.cwnd.saturating_sub(pipe);
        if room >= self.mss { room } else { 0 }
    }

    /// Whether new data may be sent on duplicate ACKs (RFC 3042).
    pub(crate) fn limited_transmit(&self) -> bool {
        self.limited_transmit
    }

    /// A loss in what is outstanding from `ack` to `snd_nxt`, unless cwnd was reduced for this window already (RFC 3168
    /// 6.1.2).
    fn lower_ssthresh(&mut self, ack: SeqNumber, snd_nxt: SeqNumber, flight: u32) {
        if ack >= self.reduced {
            self.ssthresh = self.ssthresh_after_loss(flight);
            self.reduced = snd_nxt;
            self.cwr_due = true;
        }
    }

    /// Equation (4) of RFC 5681, or RFC 8312 4.5.
    fn ssthresh_after_loss(&mut self, flight: u32) -> u32 {
        match self.algorithm {
            CongestionAlgorithm::NewReno => self.whole((flight / 2).max(2 * self.mss)),
            CongestionAlgorithm::Cubic => {
                let cut = self.cubic.cut(self.cwnd, self.mss);
                self.whole(cut)
            }
        }
    }

    fn whole(&self, bytes: u32) -> u32 {
        if self.whole_segments { bytes - bytes % self.mss } else { bytes }
    }

    /// An ACK of `ack` carries ECN-Echo: as for a loss, once for each window of data (RFC 3168 6.1.2). True where cwnd
    /// was one segment, so that the sender must become slower than that.
    pub(crate) fn marked(&mut self, ack: SeqNumber, snd_nxt: SeqNumber) -> bool {
        // Before something of what followed the reduction is acknowledged the peer has not seen CWR.
        if ack <= self.reduced || self.recovery != Recovery::None {
            return false;
        }
        let least = self.cwnd < 2 * self.mss;
        self.lower_ssthresh(ack, snd_nxt, self.cwnd);
        self.bytes_acked = 0;
        if self.prr_on_ecn {
            self.echoed = true;
            self.begin_reduction(self.cwnd);
            return least;
        }
        self.cwnd = match self.algorithm {
            CongestionAlgorithm::NewReno => (self.cwnd / 2).max(self.mss),
            CongestionAlgorithm::Cubic => (self.cwnd / 10 * 7).max(self.mss),
        };
        least
    }

    /// The retransmission timer has expired; `first` where it is the first time for this segment.
    pub(crate) fn timeout(&mut self, flight: u32, snd_nxt: SeqNumber, first: bool) {
        self.note_loss(snd_nxt - flight);
        if first {
            let limited = if self.duplicate_acks > 0 { self.flight_before_duplicates } else { flight };
            self.ssthresh = self.ssthresh_after_loss(limited.min(flight));
        }
        self.cubic.timeout();
        self.cwnd = self.mss;
        self.recover = snd_nxt - 1;
        self.reduced = snd_nxt;
        self.cwr_due = true;
        self.recovery = Recovery::None;
        (self.prr, self.echoed, self.timed_out, self.after_timeout) = (None, false, true, true);
        self.duplicate_acks = 0;
        self.bytes_acked = 0;
    }

    /// Nothing has been sent for longer than RTO: RW = min(IW, cwnd) (RFC 5681 4.1).
    pub(crate) fn restart_after_idle(&mut self) {
        self.cwnd = self.cwnd.min(self.initial());
        self.first_window = None;
    }

    /// A loss was noticed while `ack` was the highest number acknowledged.
    fn note_loss(&mut self, ack: SeqNumber) {
        self.first_window_lost |= self.first_window.is_none_or(|end| ack < end);
    }
}

#[cfg(test)]
mod tests;
