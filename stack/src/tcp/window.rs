//! The window that we offer (RFC 9293 3.8.6): silly window avoidance, never shrunk, scaled (RFC 7323 2.3).

use super::config::{Config, WindowUpdate};
use super::control_block::ControlBlock;

/// RCV.WND as it can be once the reduction is worth it: the right edge moves only if it moves by
/// min(RCV.BUFF / 2, Eff.snd.MSS) (RFC 9293 3.8.6.2.2), and never to the left.
fn wanted(tcb: &ControlBlock) -> u32 {
    let most = 65_535 << tcb.rcv_wnd_shift;
    let possible = tcb.receive.free().min(most).min(tcb.rcv_wnd_most);
    let least_step = (tcb.receive.limit() / 2).min(tcb.eff_snd_mss());
    if possible.saturating_sub(tcb.rcv_wnd) >= least_step { possible } else { tcb.rcv_wnd }
}

/// Advances RCV.WND if it is worth it, and returns the window field of a segment without SYN.
///
/// Scaling rounds down. What is announced may so fall short of RCV.WND, by less than one unit of scale; RCV.WND
/// itself, by which segments are accepted, keeps the edge (RFC 7323 2.4).
pub(crate) fn announce(tcb: &mut ControlBlock) -> u16 {
    tcb.rcv_wnd = wanted(tcb);
    u16::try_from(tcb.rcv_wnd >> tcb.rcv_wnd_shift).unwrap_or(u16::MAX)
}

/// The first window that a buffer with so much room offers for segments of that length.
pub(crate) fn first(room: u32, segment: u16, config: &Config) -> u16 {
    let window = u16::try_from(room).unwrap_or(u16::MAX);
    let rest = if window > segment { window % segment.max(1) } else { 0 };
    if config.window_in_segments { window - rest } else { window }
}

/// The window field of a SYN, which is never scaled (RFC 7323 2.2).
pub(crate) fn announce_in_syn(tcb: &mut ControlBlock, config: &Config) -> u16 {
    let timestamps = if tcb.ts_recent.is_some() { 12 } else { 0 };
    let window = first(tcb.receive.free(), tcb.offer.mss.saturating_sub(timestamps), config);
    // A SYN,ACK that is sent again may offer another segment size, but no smaller window than before (SHLD-14).
    let window = window.max(u16::try_from(tcb.rcv_wnd).unwrap_or(u16::MAX));
    if config.window_in_segments {
        tcb.rcv_wnd_most = u32::from(window);
    }
    tcb.rcv_wnd = tcb.rcv_wnd.max(u32::from(window));
    window
}

/// Whether reading has opened the window so far that the peer should be told without waiting for a reason to send:
/// as far as `rule` says, or at all where it could not send a full segment.
pub(crate) fn update_is_due(tcb: &ControlBlock, rule: WindowUpdate) -> bool {
    let step = wanted(tcb).saturating_sub(tcb.rcv_wnd);
    let mss = tcb.eff_snd_mss();
    let enough = match rule {
        WindowUpdate::TwoSegments => step >= 2 * mss || step >= tcb.receive.limit() / 2,
        WindowUpdate::Doubled => step >= tcb.rcv_wnd,
    };
    step > 0 && (enough || tcb.rcv_wnd < mss)
}
