//! RACK (RFC 8985 5, 6): a segment is lost when one that was sent sufficiently later has been delivered.

use super::SeqNumber;
use super::control_block::{Context, ControlBlock};
use super::flight::{Delivery, Sent};
use super::options;
use super::prr;
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::tcp::Segment;
use crate::wire::tcp_options::SackBlock;
use core::time::Duration;

/// How long a minimum of the round trip counts (6.2, step 1).
const MIN_RTT_WINDOW: Duration = Duration::from_secs(300);
/// Segments SACKed after which there is no reordering window (3.3.2), and the least degree of reordering.
pub(crate) const DUP_THRESH: u32 = 3;
/// Recoveries without a DSACK after which the window is small again (6.2, step 4).
const REO_WND_PERSIST: u32 = 16;
/// The highest degree of reordering that is told.
const MAX_REORDERING: u32 = 300;

/// The variables of 5.3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rack {
    /// RACK.xmit_ts and RACK.end_seq: the segment sent last of those that are delivered.
    latest: Option<(Instant, SeqNumber)>,
    rtt: Duration,
    min_rtt: Option<(Duration, Instant)>,
    reo_wnd_mult: u32,
    reo_wnd_persist: u32,
    dsack_round: Option<SeqNumber>,
    /// By how many segments the order was off at most; DupThresh where it never was.
    pub(crate) reordering: u32,
    /// How often it was: RACK.reordering_seen.
    pub(crate) reorderings: u32,
}

impl Default for Rack {
    fn default() -> Rack {
        Rack {
            latest: None,
            rtt: Duration::ZERO,
            min_rtt: None,
            reo_wnd_mult: 1,
            reo_wnd_persist: REO_WND_PERSIST,
            dsack_round: None,
            reordering: DUP_THRESH,
            reorderings: 0,
        }
    }
}

impl Rack {
    /// The least round trip of late.
    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt.map(|(rtt, _)| rtt)
    }

    /// Step 1: a round trip was measured.
    pub(crate) fn measured(&mut self, rtt: Duration, now: Instant) {
        let stands = |(least, since): &(Duration, Instant)| {
            *least < rtt && now.saturating_since(*since) < MIN_RTT_WINDOW
        };
        if !self.min_rtt.as_ref().is_some_and(stands) {
            self.min_rtt = Some((rtt, now));
        }
    }

    /// The handshake was a round trip.
    pub(crate) fn began(&mut self, rtt: Duration, now: Instant) {
        self.measured(rtt, now);
        self.rtt = rtt;
    }

    /// RACK_update(), step 2: `sent` has been delivered. `echo` is the round trip by the ACK's timestamp.
    pub(crate) fn delivered(&mut self, sent: &Sent, now: Instant, echo: Option<Duration>) {
        let rtt = now.saturating_since(sent.at);
        if sent.retransmitted {
            // The ACK may be for the first transmission.
            let older = echo.is_some_and(|echo| echo > rtt + Duration::from_millis(1));
            let too_quick = self.min_rtt().is_some_and(|least| rtt < least);
            if older || too_quick {
                return;
            }
        } else {
            self.measured(rtt, now);
        }
        self.rtt = rtt;
        if self.latest.is_none_or(|(xmit_ts, end_seq)| sent.is_after(xmit_ts, end_seq)) {
            self.latest = Some((sent.at, sent.end));
        }
    }

    /// Step 3: what was delivered late was `fack` minus `low` bytes late.
    fn reordered(&mut self, low: SeqNumber, fack: SeqNumber, mss: u32) {
        let degree = fack.saturating_since(low).div_ceil(mss.max(1));
        self.reordering = self.reordering.max(degree.min(MAX_REORDERING));
        self.reorderings = self.reorderings.saturating_add(1);
    }

    /// Step 4, the part that DSACKs and the ends of recoveries decide.
    fn adapt(&mut self, dsack: bool, una: SeqNumber, nxt: SeqNumber) {
        if self.dsack_round.is_some_and(|round| una >= round) {
            self.dsack_round = None;
        }
        if dsack && self.dsack_round.is_none() {
            self.dsack_round = Some(nxt);
            self.reo_wnd_mult = (self.reo_wnd_mult + 1).min(u32::from(u8::MAX));
            self.reo_wnd_persist = REO_WND_PERSIST;
        }
    }

    /// A recovery has ended.
    pub(crate) fn recovered(&mut self) {
        self.reo_wnd_persist = self.reo_wnd_persist.saturating_sub(1);
        if self.reo_wnd_persist == 0 {
            self.reo_wnd_mult = 1;
        }
    }

    /// Step 4: the reordering window.
    fn reo_wnd(&self, in_recovery: bool, sacked: u32, srtt: Duration) -> Duration {
        if self.reorderings == 0 && (in_recovery || sacked >= DUP_THRESH) {
            return Duration::ZERO;
        }
        (self.min_rtt().unwrap_or_default() / 4 * self.reo_wnd_mult).min(srtt)
    }
}

/// What an ACK says about a duplicate (RFC 2883 4, 5): the block before the number that it acknowledges, or inside the
/// second block.
pub(crate) fn dsack(segment: &Segment<'_>) -> Option<SackBlock> {
    let blocks = segment.options.sack.as_slice();
    let first = blocks.first().copied()?;
    let inside = |second: &SackBlock| second.left <= first.left && first.right <= second.right;
    (first.right <= segment.ack || blocks.get(1).is_some_and(inside)).then_some(first)
}

/// An ACK has come of which `acked` tells what it acknowledged: RACK's steps, and what follows for the window.
#[inline(never)]
pub(crate) fn ack_arrives(tcb: &mut ControlBlock, cx: &Context, segment: &Segment<'_>, acked: Delivery) {
    let echo = options::echoed_round_trip(tcb, &segment.options, cx.now);
    let ends = (tcb.snd_una, tcb.snd_nxt);
    let rack = &mut tcb.rack;
    let sacked = tcb.flight.sack(segment.options.sack.as_slice(), ends, |sent| {
        rack.delivered(sent, cx.now, echo);
    });
    let mss = tcb.eff_snd_mss();
    for delivery in [acked, sacked] {
        if let (Some(low), Some(fack)) = (delivery.reordered, delivery.fack) {
            tcb.rack.reordered(low, fack, mss);
        }
    }
    tcb.rack.adapt(dsack(segment).is_some(), tcb.snd_una, tcb.snd_nxt);
    let lost = detect_losses(tcb, cx);
    let ack = prr::Ack {
        delivered: acked.bytes + sacked.bytes,
        pipe: tcb.flight.pipe(),
        good: acked.bytes > 0 && lost == 0,
    };
    tcb.congestion.reduce(ack);
}

/// RACK_detect_loss_and_arm_timer(), step 5: marks what is lost, begins a recovery where something is, and starts the timer
/// for what soon may be. How many segments were marked.
pub(crate) fn detect_losses(tcb: &mut ControlBlock, cx: &Context) -> u32 {
    tcb.deadlines.stop(Timer::Reorder);
    let (rack, in_recovery) = (tcb.rack, tcb.congestion.is_recovering(tcb.snd_una));
    let Some((xmit_ts, end_seq)) = rack.latest else { return 0 };
    let srtt = tcb.rto.srtt.unwrap_or(rack.rtt);
    let patience = rack.rtt + rack.reo_wnd(in_recovery, tcb.flight.sacked().segments, srtt);
    let before = |sent: &Sent| !sent.is_after(xmit_ts, end_seq) && sent.end != end_seq;
    let due = |sent: &Sent| sent.at + patience;
    let doubtful = |sent: &&Sent| before(sent) && sent.is_under_way();
    let latest = tcb.flight.doubtful(xmit_ts).filter(doubtful).map(due).max();
    let Some(latest) = latest else { return 0 };
    let lost = tcb.flight.mark_lost(|sent| before(sent) && due(sent) <= cx.now);
    if latest > cx.now {
        tcb.deadlines.set(Timer::Reorder, latest + cx.config.reorder_slack);
    }
    if lost > 0 {
        tcb.begin_rack_recovery();
    }
    lost
}

/// The reordering window of a segment is over (6.2, step 5).
pub(crate) fn timer_expired(tcb: &mut ControlBlock, cx: &Context) {
    let lost = detect_losses(tcb, cx);
    if lost > 0 {
        // The timer stands for the ACK of a segment.
        let delivered = tcb.eff_snd_mss();
        tcb.congestion.reduce(prr::Ack { delivered, pipe: tcb.flight.pipe(), good: false });
    }
}

/// RACK_mark_losses_on_RTO() (6.3): the first segment, and those that were sent a round trip ago.
pub(crate) fn mark_losses_on_rto(tcb: &mut ControlBlock, cx: &Context) {
    let patience = tcb.rack.rtt;
    // A peer that SACKed the first segment and does not acknowledge it has let it go.
    if tcb.flight.first().is_some_and(|first| first.sacked) {
        tcb.flight.forget_sacks();
    }
    let una = tcb.flight.first().map(|first| first.start);
    tcb.flight.mark_lost(|sent| Some(sent.start) == una || sent.at + patience <= cx.now);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_window_grows_by_dsacks_and_is_bounded() {
        let mut rack = Rack::default();
        rack.measured(MS(100), Instant::ZERO);
        let srtt = MS(120);
        let window = |rack: &Rack, recovering, sacked| rack.reo_wnd(recovering, sacked, srtt);
        assert_eq!([window(&rack, false, 1), window(&rack, false, 3)], [MS(25), MS(0)]);
        assert_eq!(window(&rack, true, 1), MS(0));
        rack.reordered(SeqNumber(0), SeqNumber(4000), 1000);
        assert_eq!((window(&rack, true, 9), rack.reordering), (MS(25), 4));
        // One a round trip counts.
        rack.adapt(true, SeqNumber(1), SeqNumber(100));
        rack.adapt(true, SeqNumber(50), SeqNumber(150));
        assert_eq!(window(&rack, true, 9), MS(50));
        for round in 1..9 {
            rack.adapt(true, SeqNumber(100 * round), SeqNumber(100 * round + 100));
        }
        assert_eq!(window(&rack, true, 9), srtt);
        (0..16).for_each(|_| rack.recovered());
        assert_eq!(window(&rack, true, 9), MS(25));
    }

    #[test]
    fn a_minimum_does_not_stand_for_ever() {
        let mut rack = Rack::default();
        rack.measured(MS(10), Instant::ZERO);
        rack.measured(MS(50), Instant::from_secs(299));
        assert_eq!(rack.min_rtt(), Some(MS(10)));
        rack.measured(MS(50), Instant::from_secs(300));
        assert_eq!(rack.min_rtt(), Some(MS(50)));
    }
}
