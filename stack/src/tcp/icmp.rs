//! What ICMP tells of a connection (RFC 9293 3.9.2.2), believed only where it quotes a segment that is under way
//! (RFC 5927 4).

use super::control_block::FourTuple;
use super::options;
use super::state::State;
use super::{Connections, Error, SeqNumber};
use crate::time::Instant;
use std::net::SocketAddr;

/// An ICMP error that quotes a TCP segment of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// The source of the quoted segment.
    pub local: SocketAddr,
    /// Its destination.
    pub remote: SocketAddr,
    /// Its sequence number.
    pub sequence: SeqNumber,
    /// What is said of it.
    pub kind: IcmpKind,
}

/// What an ICMP error means to TCP. Source Quench means nothing (RFC 6633) and never gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// Protocol or port unreachable: aborts a connection that is being opened; later it counts as soft, as anyone
    /// could have sent it (RFC 5927 5.2).
    Hard(Error),
    /// Net or host unreachable, source route failed, time exceeded, parameter problem: never aborts (MUST-56).
    Soft(Error),
    /// Fragmentation needed, packet too big: the path's MTU in bytes, IP header included.
    PacketTooBig(u16),
}

/// The least MTU of an IPv4 path (RFC 1191 3).
const MIN_MTU_V4: u16 = 68;
/// The least MTU of an IPv6 path (RFC 8200 5).
const MIN_MTU_V6: u16 = 1280;

impl Connections {
    /// An ICMP error has come for one of our segments; one that fits no connection is ignored.
    pub fn icmp_error(&mut self, now: Instant, error: IcmpError) {
        self.advance(now);
        let tuple = FourTuple { local: error.local, remote: error.remote };
        let Some(id) = self.find(tuple) else { return };
        let Some(tcb) = self.slab.get_mut(id) else { return };
        if !(tcb.snd_una <= error.sequence && error.sequence < tcb.snd_max) {
            return;
        }
        match error.kind {
            IcmpKind::Hard(reason) if tcb.state == State::SynSent => self.close_with(now, id, Some(reason)),
            IcmpKind::Hard(reason) | IcmpKind::Soft(reason) if self.config.soft_errors_end_opening => {
                match tcb.state {
                    State::SynSent | State::SynReceived => self.close_with(now, id, Some(reason)),
                    _ => tcb.soft_error = Some(reason),
                }
            }
            IcmpKind::Hard(reason) | IcmpKind::Soft(reason) => tcb.soft_error = Some(reason),
            IcmpKind::PacketTooBig(mtu) => {
                let least = if tcb.remote.is_ipv4() { MIN_MTU_V4 } else { MIN_MTU_V6 };
                let mtu = mtu.max(least);
                if mtu < tcb.mtu {
                    tcb.shrink_path(mtu, now);
                    if self.config.offer_follows_path {
                        tcb.offer.mss =
                            tcb.offer.mss.min(mtu.saturating_sub(options::fixed_headers(tcb.remote.ip())));
                    }
                    // A SYN with text goes again without it (RFC 7413 4.1.3.1).
                    if tcb.state == State::SynSent && tcb.fast_open.had_text() {
                        tcb.retransmit.first_now = true;
                        self.cookies.refused(now, tcb);
                    }
                    // What did not fit goes again in smaller segments, at once: no congestion is meant (RFC 1191 6.5).
                    if !tcb.syn_is_outstanding() && tcb.flight_size() > 0 {
                        tcb.retransmit.next = Some(tcb.snd_una);
                    }
                    self.flush(now, id);
                }
            }
        }
    }
}
