//! SYN cookies (RFC 4987 3.6, appendix A): a SYN,ACK whose sequence number is all that is kept of a connection request.
//!
//! ```text
//! 5 bits: the time, in steps of 64 s   3 bits: the peer's MSS   24 bits: a MAC of the ends, the peer's ISN and the rest
//! ```
//! Nothing else of the SYN is encoded, so nothing else is agreed on: no window scale, no SACK, no timestamps.

use super::SeqNumber;
use super::config::SynCookies;
use super::control_block::FourTuple;
use super::isn::Secret;
use crate::time::Instant;
use crate::wire::tcp::Segment;
use core::time::Duration;

/// What an MSS is rounded down to.
const SIZES: [u16; 8] = [48, 216, 536, 966, 1220, 1380, 1440, 1460];
/// How long a step lasts.
const STEP: u64 = 64;
/// The steps for which a cookie is good.
const STEPS: u64 = 2;

/// For how long after a cookie was given an ACK may bring it back.
pub(crate) const LIFETIME: Duration = Duration::from_secs(STEP * STEPS);

/// Whether a SYN that finds `waiting` half-open connections, of which there may be `limit`, is answered by a cookie.
pub(crate) fn are_due(mode: SynCookies, waiting: usize, limit: usize) -> bool {
    match mode {
        SynCookies::Never => false,
        SynCookies::WhenFull => waiting >= limit,
        SynCookies::Always => true,
    }
}

/// The sequence number of the SYN,ACK for `syn`, whose MSS is `mss`.
pub(crate) fn make(
    secret: &Secret,
    now: Instant,
    tuple: FourTuple,
    syn: &Segment<'_>,
    mss: u16,
) -> SeqNumber {
    let index = SIZES.iter().rposition(|size| *size <= mss).unwrap_or(0) as u32;
    cookie(secret, step(now), tuple, syn.seq, index)
}

/// The peer's MSS, where `ack` acknowledges a cookie of ours.
pub(crate) fn check(secret: &Secret, now: Instant, tuple: FourTuple, ack: &Segment<'_>) -> Option<u16> {
    let brought = ack.ack - 1;
    let index = brought.0 >> 24 & 7;
    let is_ours = |age| {
        let step = step(now).checked_sub(age);
        step.is_some_and(|step| cookie(secret, step, tuple, ack.seq - 1, index) == brought)
    };
    (0..STEPS).any(is_ours).then(|| SIZES[index as usize])
}

fn step(now: Instant) -> u64 {
    now.as_millis() / 1000 / STEP
}

fn cookie(secret: &Secret, step: u64, tuple: FourTuple, peer_isn: SeqNumber, index: u32) -> SeqNumber {
    let rest = (step as u32 & 31) << 27 | index << 24;
    let bytes = peer_isn.0.to_be_bytes().into_iter().chain(step.to_be_bytes()).chain([index as u8]);
    SeqNumber(rest | secret.mac(tuple.local, tuple.remote, bytes) as u32 & 0x00ff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tcp::Header;
    use std::net::SocketAddr;

    #[test]
    fn a_cookie_is_good_for_its_peer_and_for_a_while() {
        let secret = Secret::new(1);
        let end = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let tuple = |port| FourTuple { local: end(80), remote: end(port) };
        let segment = |seq, ack| Segment { header: Header { seq, ack, ..Header::default() }, payload: &[] };
        let isn = SeqNumber(u32::MAX);
        let made = make(&secret, Instant::from_secs(640), tuple(1), &segment(isn, SeqNumber(0)), 1300);
        let check = |seconds, port, off| {
            check(&secret, Instant::from_secs(seconds), tuple(port), &segment(isn + 1, made + 1 + off))
        };
        assert_eq!([check(640, 1, 0), check(767, 1, 0)], [Some(1220), Some(1220)]);
        assert_eq!([check(768, 1, 0), check(640, 2, 0), check(640, 1, 1), check(0, 1, 0)], [None; 4]);
    }
}
