//! Linux's settings by name, and what each is in the reference stack's TCP.

use stack::tcp::{Config, CongestionAlgorithm, EcnMode, LossRecovery, SynCookies};
use std::time::Duration;

/// How a value changes the configuration; `None` where the setting has no such value, or the stack none that fits.
type Apply = fn(&mut Config, &str) -> Option<()>;

/// Settings that act, by their names in the kernel's Documentation/networking/ip-sysctl.rst.
const SETTINGS: &[(&str, Apply)] = &[
    ("net.ipv4.tcp_timestamps", |tcp, value| flag(value).map(|on| tcp.timestamps = on)),
    ("net.ipv4.tcp_sack", |tcp, value| flag(value).map(|on| tcp.sack = on)),
    ("net.ipv4.tcp_window_scaling", |tcp, value| flag(value).map(|on| tcp.window_scaling = on)),
    ("net.ipv4.tcp_slow_start_after_idle", |tcp, value| flag(value).map(|on| tcp.slow_start_after_idle = on)),
    ("net.ipv4.tcp_congestion_control", congestion_control),
    ("net.ipv4.tcp_ecn", ecn),
    ("net.ipv4.tcp_recovery", recovery),
    ("net.ipv4.tcp_early_retrans", |tcp, value| {
        let level = number(value).filter(|level| matches!(level, 0 | 3 | 4))?;
        tcp.tail_loss_probe = level > 0;
        Some(())
    }),
    ("net.ipv4.tcp_rmem", receive_memory),
    ("net.ipv4.tcp_wmem", |tcp, value| three(value).map(|[_, buffer, _]| tcp.send_buffer = buffer)),
    ("net.ipv4.tcp_retries1", |tcp, value| number(value).map(|count| tcp.r1 = count)),
    ("net.ipv4.tcp_retries2", |tcp, value| {
        // When the last of that many retransmissions goes out, at the least RTO (retransmits_timed_out()).
        number(value).map(|count| tcp.r2 = backed_off(tcp.rto_min, count, tcp.rto_max))
    }),
    ("net.ipv4.tcp_syn_retries", |tcp, value| {
        number(value).map(|count| tcp.r2_syn = backed_off(tcp.rto_initial, count, tcp.rto_max))
    }),
    ("net.ipv4.tcp_fin_timeout", |tcp, value| {
        number(value).map(|s| tcp.fin_wait_2 = Some(Duration::from_secs(u64::from(s))))
    }),
    ("net.ipv4.tcp_keepalive_time", |tcp, value| seconds(&mut tcp.keepalive.idle, value)),
    ("net.ipv4.tcp_keepalive_intvl", |tcp, value| seconds(&mut tcp.keepalive.interval, value)),
    ("net.ipv4.tcp_keepalive_probes", |tcp, value| number(value).map(|count| tcp.keepalive.probes = count)),
    ("net.ipv4.tcp_syncookies", |tcp, value| {
        tcp.syn_cookies = match number(value)? {
            0 => SynCookies::Never,
            1 => SynCookies::WhenFull,
            2 => SynCookies::Always,
            _ => return None,
        };
        Some(())
    }),
    ("net.ipv4.tcp_min_tso_segs", |tcp, value| number(value).map(|count| tcp.burst_least = count)),
    ("net.ipv4.tcp_fastopen", fast_open),
    ("net.ipv4.tcp_fastopen_key", fast_open_key),
    ("net.ipv4.tcp_max_syn_backlog", |tcp, value| number(value).map(|count| tcp.syn_queue = count as usize)),
    ("net.ipv4.tcp_max_tw_buckets", |tcp, value| {
        number(value).map(|count| tcp.max_time_wait = count as usize)
    }),
];

/// What concerns the way of segments to a device. The stack hands over each segment by itself and at once, and matching
/// joins what a device would have cut: any value holds.
const BELOW: &[&str] = &["net.ipv4.tcp_tso_win_divisor", "ethtool -K"];

/// What the stack always does: settings with the one value that says so.
const ALWAYS: &[(&str, &str)] = &[
    // Of a peer it keeps Fast Open's cookies alone.
    ("net.ipv4.tcp_no_metrics_save", "1"),
    // RFC 2883, and RFC 6675 without its predecessor.
    ("net.ipv4.tcp_dsack", "1"),
    ("net.ipv4.tcp_fack", "0"),
    ("net.ipv4.tcp_reordering", "3"),
    // It has no F-RTO, no path MTU probing and no corking by itself.
    ("net.ipv4.tcp_frto", "0"),
    ("net.ipv4.tcp_fastopen_blackhole_timeout_sec", "0"),
    ("net.ipv4.tcp_mtu_probing", "0"),
    ("net.ipv4.tcp_autocorking", "0"),
    ("net.ipv4.tcp_moderate_rcvbuf", "0"),
];

/// Sets `name` for connections opened later; `None` where the stack has no such setting, false where the setting has no
/// such value or the stack none that fits.
pub(super) fn set(tcp: &mut Config, name: &str, value: &str) -> Option<bool> {
    if let Some((_, apply)) = SETTINGS.iter().find(|(known, _)| *known == name) {
        return Some(apply(tcp, value).is_some());
    }
    if BELOW.contains(&name) {
        return Some(true);
    }
    let always = ALWAYS.iter().find(|(known, _)| *known == name)?;
    (always.1 == value).then_some(true)
}

fn number(value: &str) -> Option<u32> {
    value.trim().parse().ok()
}

fn flag(value: &str) -> Option<bool> {
    match number(value)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn seconds(time: &mut Duration, value: &str) -> Option<()> {
    *time = Duration::from_secs(u64::from(number(value)?));
    Some(())
}

/// The least, the first and the largest size of a buffer, in bytes.
fn three(value: &str) -> Option<[usize; 3]> {
    let sizes: Option<Vec<usize>> = value.split_whitespace().map(|size| size.parse().ok()).collect();
    sizes?.try_into().ok()
}

/// tcp_win_from_space() leaves half of a buffer for the window.
fn receive_memory(tcp: &mut Config, value: &str) -> Option<()> {
    let [_, first, largest] = three(value)?;
    (tcp.receive_buffer, tcp.receive_buffer_max) = ((first / 2).max(1), largest);
    Some(())
}

fn congestion_control(tcp: &mut Config, value: &str) -> Option<()> {
    tcp.congestion = match value.trim() {
        "reno" => CongestionAlgorithm::NewReno,
        "cubic" => CongestionAlgorithm::Cubic,
        _ => return None,
    };
    Some(())
}

/// Of its bits the stack has RACK_LOSS_DETECTION.
fn recovery(tcp: &mut Config, value: &str) -> Option<()> {
    tcp.recovery = match number(value)? {
        0 => LossRecovery::Rfc6675,
        1 => LossRecovery::Rack,
        _ => return None,
    };
    Some(())
}

/// The bits of net/tcp.h, TFO_CLIENT_ENABLE and those behind it; others mean nothing.
fn fast_open(tcp: &mut Config, value: &str) -> Option<()> {
    let bits = match value.trim().strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number(value)?,
    };
    let is_set = |bit: u32| bits & bit != 0;
    tcp.fast_open.client = is_set(0x1);
    tcp.fast_open.server = is_set(0x2);
    tcp.fast_open.client_without_cookie = is_set(0x4);
    tcp.fast_open.server_without_cookie = is_set(0x200);
    tcp.fast_open.every_listener = is_set(0x400);
    Some(())
}

/// Four words of 32 bits in hexadecimal, each of which the kernel keeps with its lowest byte first.
fn fast_open_key(tcp: &mut Config, value: &str) -> Option<()> {
    let words: Option<Vec<u32>> =
        value.trim().split('-').map(|word| u32::from_str_radix(word, 16).ok()).collect();
    let bytes: Vec<u8> = words?.into_iter().flat_map(u32::to_le_bytes).collect();
    tcp.fast_open.key = Some(bytes.try_into().ok()?);
    Some(())
}

fn ecn(tcp: &mut Config, value: &str) -> Option<()> {
    tcp.ecn = match number(value)? {
        0 => EcnMode::Off,
        1 => EcnMode::On,
        2 => EcnMode::Accept,
        _ => return None,
    };
    Some(())
}

/// How long `count` time-outs take, of which the first is `first` and each other twice the one before, up to `most`.
fn backed_off(first: Duration, count: u32, most: Duration) -> Duration {
    (0..count.min(255)).fold((Duration::ZERO, first), |(sum, rto), _| (sum + rto, (rto * 2).min(most))).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_act() {
        let mut tcp = Config::linux();
        let mut check = |name: &str, value: &str, expected| {
            assert_eq!(set(&mut tcp, &format!("net.ipv4.{name}"), value), expected, "{name}={value}");
            tcp.clone()
        };
        assert!(!check("tcp_timestamps", "0", Some(true)).timestamps);
        assert_eq!(check("tcp_rmem", "4096 540000 15728640", Some(true)).receive_buffer, 270_000);
        assert_eq!(check("tcp_rmem", "4096", Some(false)).receive_buffer_max, 15_728_640);
        assert_eq!(check("tcp_retries2", "15", Some(true)).r2, Config::linux().r2);
        assert_eq!(check("tcp_syn_retries", "6", Some(true)).r2_syn, Config::linux().r2_syn);
        assert_eq!(check("tcp_ecn", "1", Some(true)).ecn, EcnMode::On);
        check("tcp_congestion_control", "bbr", Some(false));
        assert!(check("tcp_fastopen", "0x402", Some(true)).fast_open.every_listener);
        let key = check("tcp_fastopen_key", "a0bf63f7-ed803d81-cd641d30-cebc4a90", Some(true)).fast_open.key;
        assert_eq!(key.map(|key| key[..5].to_vec()), Some(vec![0xf7, 0x63, 0xbf, 0xa0, 0x81]));
        check("tcp_fastopen_key", "a0bf63f7-ed803d81", Some(false));
        check("tcp_tso_win_divisor", "3", Some(true));
        check("tcp_notsent_lowat", "3", None);
    }
}
