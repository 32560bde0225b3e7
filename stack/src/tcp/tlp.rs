//! The tail loss probe (RFC 8985 7): a segment that draws an ACK long before the retransmission timer would expire.

use super::SeqNumber;
use super::control_block::{Context, ControlBlock};
use super::rack;
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::tcp::Segment;
use core::time::Duration;

/// The probe timeout without a round trip measured (7.2).
const WITHOUT_RTT: Duration = Duration::from_secs(1);

/// The variables of 5.3.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tlp {
    /// TLP.end_seq and TLP.is_retrans of the probe that is under way.
    probe: Option<Probe>,
    /// No round trip was measured since the last probe (7.3).
    unmeasured: bool,
    /// The timer starts anew: new data was sent or acknowledged.
    pub(crate) restart: bool,
    /// A probe is due.
    pub(crate) probe_now: bool,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    end_seq: SeqNumber,
    is_retrans: bool,
}

impl Tlp {
    /// A round trip was measured.
    pub(crate) fn measured(&mut self) {
        self.unmeasured = false;
    }

    /// A probe has been sent.
    pub(crate) fn sent(&mut self, end_seq: SeqNumber, is_retrans: bool) {
        self.probe = Some(Probe { end_seq, is_retrans });
        self.unmeasured = true;
    }

    /// A recovery begins: what was probed is known now.
    pub(crate) fn stop(&mut self) {
        self.probe = None;
    }
}

/// Whether a probe is what comes next and not the retransmission timer (7.2, 7.3).
fn applies(tcb: &ControlBlock) -> bool {
    tcb.uses_rack()
        && !tcb.syn_is_outstanding()
        && tcb.flight.total().segments > 0
        && tcb.flight.sacked().segments == 0
        && tcb.flight.lost().segments == 0
        && !tcb.congestion.is_recovering(tcb.snd_una)
        && tcb.tlp.probe.is_none()
        && !tcb.tlp.unmeasured
}

/// TLP_calc_PTO().
fn timeout(tcb: &ControlBlock, cx: &Context) -> Duration {
    let pto = match tcb.rto.srtt {
        None => WITHOUT_RTT,
        Some(srtt) if tcb.flight.total().segments == 1 => srtt * 2 + cx.config.tlp_ack_delay,
        Some(srtt) => srtt * 2 + cx.config.reorder_slack,
    };
    pto.min(tcb.rto.current())
}

/// Arms the timer for a probe; false where the retransmission timer is the one to run.
pub(crate) fn arm(tcb: &mut ControlBlock, cx: &Context) -> bool {
    let restart = core::mem::take(&mut tcb.tlp.restart);
    if !cx.config.tail_loss_probe || !applies(tcb) {
        tcb.deadlines.stop(Timer::Probe);
        return false;
    }
    let at = cx.now + timeout(tcb, cx);
    match restart {
        true => tcb.deadlines.set(Timer::Probe, at),
        // What stopped a probe may have gone; that alone does not start one.
        false if !tcb.deadlines.is_set(Timer::Probe) => return false,
        false => {}
    }
    tcb.deadlines.stop(Timer::Retransmit);
    true
}

/// TLP_process_ack() (7.4.2).
#[inline(never)]
pub(crate) fn ack_arrives(tcb: &mut ControlBlock, segment: &Segment<'_>, duplicate: bool) {
    let Some(probe) = tcb.tlp.probe.filter(|probe| segment.ack >= probe.end_seq) else { return };
    let dsack = rack::dsack(segment).is_some_and(|block| block.right == probe.end_seq);
    let repaired = probe.is_retrans && !dsack && segment.ack > probe.end_seq;
    let arrived_twice = duplicate && segment.options.sack.is_empty();
    if !probe.is_retrans || dsack || repaired || arrived_twice {
        tcb.tlp.probe = None;
    }
    if repaired {
        tcb.congestion.repaired_by_probe(tcb.snd_una, tcb.snd_nxt);
    }
}

/// The probe timeout is over: a probe goes, and the retransmission timer runs from now on (7.3).
pub(crate) fn timer_expired(tcb: &mut ControlBlock, now: Instant) {
    tcb.tlp.probe_now = true;
    tcb.deadlines.set(Timer::Retransmit, now + tcb.rto.current());
}
