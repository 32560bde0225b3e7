//! What the two ends agree on in their SYNs: MSS, window scale, SACK, timestamps (RFC 9293 3.7.1, RFC 7323, RFC 2018).

use super::config::{Config, MIN_MSS, SocketOptions};
use super::control_block::{ControlBlock, RecentTimestamp};
use crate::time::Instant;
use crate::wire::tcp::Flags;
use crate::wire::tcp_options::{OptionLayout, Options, SackBlocks, Timestamps};
use core::time::Duration;
use std::net::IpAddr;

/// The largest shift that may be used (RFC 7323 2.3).
const MAX_SHIFT: u8 = 14;

/// Bytes of a SACK option, aligned to 32 bits, without its blocks, and of each block (RFC 2018 3).
const SACK_HEAD: u32 = 4;
const SACK_BLOCK: u32 = 8;

/// TS.Recent is worth nothing when it is older (RFC 7323 5.5).
const RECENT_LIFETIME: Duration = Duration::from_secs(24 * 24 * 3600);

/// What our SYN says; in a SYN,ACK what of it the peer's SYN said too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) mss: u16,
    pub(crate) window_scale: Option<u8>,
    pub(crate) sack: bool,
    pub(crate) timestamps: bool,
    pub(crate) layout: OptionLayout,
}

impl Offer {
    /// What `config` and the user let us offer to `remote` over a path of `mtu` bytes.
    pub(crate) fn new(config: &Config, user: &SocketOptions, remote: IpAddr, mtu: u16) -> Offer {
        let buffer = user.receive_buffer.unwrap_or(config.receive_buffer);
        let mss = mtu.saturating_sub(fixed_headers(remote)).max(MIN_MSS);
        Offer {
            mss: user.mss.map_or(mss, |limit| mss.min(limit.max(MIN_MSS))),
            window_scale: config.window_scaling.then(|| shift_for(buffer.max(config.receive_buffer_max))),
            sack: config.sack,
            timestamps: config.timestamps,
            layout: config.option_layout,
        }
    }
}

/// Bytes of IP and TCP header without options.
pub(crate) fn fixed_headers(remote: IpAddr) -> u16 {
    if remote.is_ipv4() { 40 } else { 60 }
}

/// The MSS where the peer's SYN has no such option (RFC 9293 MUST-15).
pub(crate) fn default_mss(remote: IpAddr) -> u16 {
    if remote.is_ipv4() { 536 } else { 1220 }
}

/// The least shift that lets the window field express `buffer`; the 65536th byte is not worth one.
fn shift_for(buffer: usize) -> u8 {
    (0..MAX_SHIFT).find(|shift| buffer <= 65_536 << shift).unwrap_or(MAX_SHIFT)
}

/// The peer's SYN or SYN,ACK has come: only what both sides say is in force.
pub(crate) fn negotiate(tcb: &mut ControlBlock, peer: &Options, now: Instant) {
    tcb.snd_mss = peer.mss.unwrap_or(default_mss(tcb.remote.ip())).max(MIN_MSS);
    if let Some(limit) = tcb.options.mss {
        tcb.snd_mss = tcb.snd_mss.min(limit.max(MIN_MSS));
    }
    tcb.offer.window_scale = tcb.offer.window_scale.filter(|_| peer.window_scale.is_some());
    tcb.rcv_wnd_shift = tcb.offer.window_scale.unwrap_or(0);
    let peer_shift = peer.window_scale.filter(|_| tcb.offer.window_scale.is_some());
    tcb.snd_wnd_shift = peer_shift.unwrap_or(0).min(MAX_SHIFT);
    tcb.offer.sack &= peer.sack_permitted;
    tcb.sack = tcb.offer.sack;
    tcb.offer.timestamps &= peer.timestamps.is_some();
    let recent = peer.timestamps.filter(|_| tcb.offer.timestamps);
    tcb.ts_recent = recent.map(|timestamps| RecentTimestamp { tsval: timestamps.tsval, at: now });
}

/// How many SACK blocks a segment tells of that is sent now: as many as there are and fit behind the other options (RFC 2018
/// 3), and in a segment with text (RFC 9293 MUST-16).
fn sack_blocks_due(tcb: &ControlBlock) -> u32 {
    let held = tcb.receive.ranges_held() + usize::from(tcb.duplicate.is_some());
    if !tcb.sack || held == 0 {
        return 0;
    }
    let most = if tcb.ts_recent.is_some() { 3 } else { 4 };
    let fit = tcb.eff_snd_mss().saturating_sub(SACK_HEAD + 1) / SACK_BLOCK;
    u32::try_from(held).unwrap_or(u32::MAX).min(most).min(fit)
}

/// The most text that a segment takes which is sent now: the blocks go with all acknowledgements that do not cover what is
/// held (RFC 2018 4), and what they take is not for text (RFC 9293 3.7.1).
pub(crate) fn room_for_text(tcb: &ControlBlock) -> u32 {
    match sack_blocks_due(tcb) {
        0 => tcb.eff_snd_mss(),
        blocks => tcb.eff_snd_mss() - SACK_HEAD - SACK_BLOCK * blocks,
    }
}

/// The timestamps of a segment with `flags` that has no other options: of nearly every one.
#[inline]
pub(crate) fn timestamps_alone(tcb: &ControlBlock, flags: Flags, now: Instant) -> Option<Timestamps> {
    let recent = tcb.ts_recent.filter(|_| !flags.contains(Flags::SYN) && sack_blocks_due(tcb) == 0)?;
    Some(Timestamps { tsval: tsval(tcb, now), tsecr: recent.tsval })
}

/// The options of a segment with `flags` that is sent now and tells a user timeout, in seconds, where there is one to tell.
#[inline(never)]
pub(crate) fn of_segment(tcb: &ControlBlock, flags: Flags, told: Option<u32>, now: Instant) -> Options {
    let options =
        if flags.contains(Flags::SYN) { of_syn(tcb, now) } else { of_synchronized(tcb, flags, now) };
    told.map_or(options, |seconds| telling(options, seconds))
}

fn of_synchronized(tcb: &ControlBlock, flags: Flags, now: Instant) -> Options {
    let timestamps = tcb.ts_recent.map(|recent| Timestamps { tsval: tsval(tcb, now), tsecr: recent.tsval });
    let sack = match sack_blocks_due(tcb) {
        blocks @ 1.. if !flags.contains(Flags::RST) => sack_blocks(tcb, blocks),
        _ => SackBlocks::default(),
    };
    Options { timestamps, sack, ..Options::default() }
}

fn of_syn(tcb: &ControlBlock, now: Instant) -> Options {
    let echo = tcb.ts_recent.map_or(0, |recent| recent.tsval);
    let offer = tcb.repeated_offer.unwrap_or(tcb.offer);
    let timestamps = Timestamps { tsval: tsval(tcb, now), tsecr: echo };
    let mut options = Options {
        mss: Some(offer.mss),
        window_scale: offer.window_scale,
        sack_permitted: offer.sack,
        timestamps: offer.timestamps.then_some(timestamps),
        fast_open: tcb.fast_open.option,
        layout: offer.layout,
        ..Options::default()
    };
    if !options.have_room() {
        options.layout = OptionLayout::Packed;
    }
    options
}

/// With a user timeout besides. Text on a SYN needs its cookie; the timeout is told again behind it.
fn telling(options: Options, seconds: u32) -> Options {
    let told = Options { user_timeout: Some(seconds), ..options };
    if told.have_room() { told } else { options }
}

fn sack_blocks(tcb: &ControlBlock, count: u32) -> SackBlocks {
    let mut blocks = tcb.receive.sack_blocks(tcb.duplicate);
    blocks.truncate(count as usize);
    blocks
}

/// Our timestamp clock: milliseconds, from an offset of the connection's own (RFC 7323 5.4, 7).
pub(crate) fn tsval(tcb: &ControlBlock, now: Instant) -> u32 {
    tcb.ts_offset.wrapping_add(now.as_millis() as u32)
}

/// The round trip that an acceptable ACK's TSecr tells (RFC 7323 4.1).
pub(crate) fn echoed_round_trip(tcb: &ControlBlock, options: &Options, now: Instant) -> Option<Duration> {
    tcb.ts_recent?;
    let elapsed = tsval(tcb, now).wrapping_sub(options.timestamps?.tsecr);
    // An echo from the future, or one older than any segment lives, is not one of ours.
    (elapsed < 600_000).then(|| Duration::from_millis(u64::from(elapsed)))
}

/// Whether the answer to our SYN echoes a timestamp that none of our SYNs can have had.
pub(crate) fn echoes_the_future(tcb: &ControlBlock, answer: &Options, now: Instant) -> bool {
    let (first, last) = (tsval(tcb, tcb.retransmit.since.unwrap_or(now)), tsval(tcb, now));
    let echo = answer.timestamps.filter(|_| tcb.offer.timestamps).map(|timestamps| timestamps.tsecr);
    echo.is_some_and(|tsecr| tsecr.wrapping_sub(first) > last.wrapping_sub(first))
}

/// PAWS: whether SEG.TSval is before TS.Recent, which is valid (RFC 7323 5.3 R1).
pub(crate) fn is_old(recent: RecentTimestamp, tsval: u32, now: Instant) -> bool {
    (tsval.wrapping_sub(recent.tsval) as i32) < 0 && now.saturating_since(recent.at) < RECENT_LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts() {
        let shifts = [0, 65_535, 65_536, 65_537, 1 << 20, 1 << 30, usize::MAX].map(shift_for);
        assert_eq!(shifts, [0, 0, 0, 1, 4, 14, 14]);
    }

    #[test]
    fn old_timestamps() {
        let recent = RecentTimestamp { tsval: 5, at: Instant::ZERO };
        let later = Instant::ZERO + RECENT_LIFETIME;
        assert!(is_old(recent, 4, Instant::ZERO) && is_old(recent, u32::MAX, Instant::ZERO));
        assert!(!is_old(recent, 5, Instant::ZERO) && !is_old(recent, 1 << 30, Instant::ZERO));
        assert!(!is_old(recent, 4, later));
    }
}
