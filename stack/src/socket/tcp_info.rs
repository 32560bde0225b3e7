//! TCP_INFO: Linux's `struct tcp_info` up to `tcpi_reord_seen`. What the stack does not count is 0.
//!
//! ```text
//!  0 state  1 ca_state  2 retransmits  3 probes  4 backoff  5 options  6 snd_wscale:4 rcv_wscale:4  7 flags
//!  8 rto (µs)  12 ato (µs)  16 snd_mss  20 rcv_mss
//! 24 unacked  28 sacked  32 lost  36 retrans  40 fackets                                        (segments)
//! 44 last_data_sent  48 last_ack_sent  52 last_data_recv  56 last_ack_recv                      (ms)
//! 60 pmtu  64 rcv_ssthresh  68 rtt (µs)  72 rttvar (µs)  76 snd_ssthresh  80 snd_cwnd (segments)
//! 84 advmss  88 reordering  92 rcv_rtt (µs)  96 rcv_space  100 total_retrans
//! 104 pacing_rate  112 max_pacing_rate  120 bytes_acked  128 bytes_received                     (64 bits each)
//! 136 segs_out  140 segs_in  144 notsent_bytes  148 min_rtt (µs)  152 data_segs_in  156 data_segs_out
//! 160 delivery_rate  168 busy_time (µs)  176 rwnd_limited (µs)  184 sndbuf_limited (µs)          (64 bits each)
//! 192 delivered  196 delivered_ce  200 bytes_sent  208 bytes_retrans (64 bits each)  216 dsack_dups  220 reord_seen
//! ```

use super::table::State as SocketState;
use crate::tcp::{CongestionState, Info, State};
use core::time::Duration;

const LEN: usize = 224;
/// What Linux says for a threshold that has not been set.
const INFINITE_SSTHRESH: u32 = 0x7fff_ffff;

/// The structure in the machine's byte order.
pub(super) fn bytes(socket: &SocketState, info: Option<&Info>) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    let Some(info) = info else {
        let listening = matches!(socket, SocketState::Listening(_));
        bytes[0] = number(if listening { State::Listen } else { State::Closed });
        return bytes;
    };
    bytes[0] = number(info.state);
    bytes[1] = match info.congestion {
        CongestionState::Open => 0,
        CongestionState::Disorder => 1,
        CongestionState::Reduced => 2,
        CongestionState::Recovery => 3,
        CongestionState::Loss => 4,
    };
    bytes[2] = u8::try_from(info.retransmits).unwrap_or(u8::MAX);
    bytes[3] = u8::try_from(info.probes).unwrap_or(u8::MAX);
    bytes[5] = u8::from(info.timestamps)
        | u8::from(info.sack) << 1
        | u8::from(info.window_scale.is_some()) << 2
        | u8::from(info.syn_data) << 5;
    let (snd, rcv) = info.window_scale.unwrap_or((0, 0));
    bytes[6] = snd & 0xf | rcv << 4;
    let segments = |bytes: u32| bytes.div_ceil(info.snd_mss.max(1));
    let threshold = match info.ssthresh {
        ssthresh if ssthresh >= INFINITE_SSTHRESH => INFINITE_SSTHRESH,
        ssthresh => segments(ssthresh),
    };
    let words = [
        (8, micros(info.rto)),
        (16, info.snd_mss),
        (20, info.rcv_mss),
        (24, if info.segments[0] == 0 { segments(info.unacked) } else { info.segments[0] }),
        (28, info.segments[1]),
        (32, info.segments[2]),
        (36, info.segments[3]),
        (44, millis(info.since[0])),
        (52, millis(info.since[1])),
        (56, millis(info.since[2])),
        (68, info.srtt.map_or(0, micros)),
        (72, micros(info.rttvar)),
        (76, threshold),
        (80, info.cwnd / info.snd_mss.max(1)),
        (84, info.rcv_mss),
        (88, info.reordering.0),
        (96, info.rcv_wnd),
        (100, u32::try_from(info.total_retransmits).unwrap_or(u32::MAX)),
        (144, info.unsent),
        (148, info.min_rtt.map_or(u32::MAX, micros)),
        (192, u32::try_from(info.delivered).unwrap_or(u32::MAX)),
        (220, info.reordering.1),
    ];
    for (at, word) in words {
        bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }
    for (at, time) in [(168, info.busy[0]), (176, info.busy[1]), (184, info.busy[2])] {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        bytes[at..at + 8].copy_from_slice(&micros.to_ne_bytes());
    }
    bytes
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// Linux's number of a state.
fn number(state: State) -> u8 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait => 6,
        State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Listen => 10,
        State::Closing => 11,
    }
}
