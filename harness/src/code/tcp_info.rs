//! What getsockopt returns about a connection, by the names that `%{ }%` code uses.

use std::collections::BTreeMap;

/// A field of a C structure on x86-64, little-endian.
struct Field {
    /// The first byte of the number that it is in.
    offset: usize,
    /// The width of that number in bytes.
    width: usize,
    /// Its lowest bit there.
    shift: u32,
    /// How many bits it has.
    bits: u32,
    name: &'static str,
}

const fn whole(offset: usize, width: usize, name: &'static str) -> Field {
    Field { offset, width, shift: 0, bits: 8 * width as u32, name }
}

const fn bits(offset: usize, width: usize, shift: u32, bits: u32, name: &'static str) -> Field {
    Field { offset, width, shift, bits, name }
}

/// struct tcp_info, up to the counters of Accurate ECN. `linux/tcp.h`.
const TCP_INFO: &[Field] = &[
    whole(0, 1, "tcpi_state"),
    whole(1, 1, "tcpi_ca_state"),
    whole(2, 1, "tcpi_retransmits"),
    whole(3, 1, "tcpi_probes"),
    whole(4, 1, "tcpi_backoff"),
    whole(5, 1, "tcpi_options"),
    bits(6, 1, 0, 4, "tcpi_snd_wscale"),
    bits(6, 1, 4, 4, "tcpi_rcv_wscale"),
    bits(7, 1, 0, 1, "tcpi_delivery_rate_app_limited"),
    bits(7, 1, 1, 2, "tcpi_fastopen_client_fail"),
    whole(8, 4, "tcpi_rto"),
    whole(12, 4, "tcpi_ato"),
    whole(16, 4, "tcpi_snd_mss"),
    whole(20, 4, "tcpi_rcv_mss"),
    whole(24, 4, "tcpi_unacked"),
    whole(28, 4, "tcpi_sacked"),
    whole(32, 4, "tcpi_lost"),
    whole(36, 4, "tcpi_retrans"),
    whole(40, 4, "tcpi_fackets"),
    whole(44, 4, "tcpi_last_data_sent"),
    whole(48, 4, "tcpi_last_ack_sent"),
    whole(52, 4, "tcpi_last_data_recv"),
    whole(56, 4, "tcpi_last_ack_recv"),
    whole(60, 4, "tcpi_pmtu"),
    whole(64, 4, "tcpi_rcv_ssthresh"),
    whole(68, 4, "tcpi_rtt"),
    whole(72, 4, "tcpi_rttvar"),
    whole(76, 4, "tcpi_snd_ssthresh"),
    whole(80, 4, "tcpi_snd_cwnd"),
    whole(84, 4, "tcpi_advmss"),
    whole(88, 4, "tcpi_reordering"),
    whole(92, 4, "tcpi_rcv_rtt"),
    whole(96, 4, "tcpi_rcv_space"),
    whole(100, 4, "tcpi_total_retrans"),
    whole(104, 8, "tcpi_pacing_rate"),
    whole(112, 8, "tcpi_max_pacing_rate"),
    whole(120, 8, "tcpi_bytes_acked"),
    whole(128, 8, "tcpi_bytes_received"),
    whole(136, 4, "tcpi_segs_out"),
    whole(140, 4, "tcpi_segs_in"),
    whole(144, 4, "tcpi_notsent_bytes"),
    whole(148, 4, "tcpi_min_rtt"),
    whole(152, 4, "tcpi_data_segs_in"),
    whole(156, 4, "tcpi_data_segs_out"),
    whole(160, 8, "tcpi_delivery_rate"),
    whole(168, 8, "tcpi_busy_time"),
    whole(176, 8, "tcpi_rwnd_limited"),
    whole(184, 8, "tcpi_sndbuf_limited"),
    whole(192, 4, "tcpi_delivered"),
    whole(196, 4, "tcpi_delivered_ce"),
    whole(200, 8, "tcpi_bytes_sent"),
    whole(208, 8, "tcpi_bytes_retrans"),
    whole(216, 4, "tcpi_dsack_dups"),
    whole(220, 4, "tcpi_reord_seen"),
    whole(224, 4, "tcpi_rcv_ooopack"),
    whole(228, 4, "tcpi_snd_wnd"),
    whole(232, 4, "tcpi_rcv_wnd"),
    whole(236, 4, "tcpi_rehash"),
    whole(240, 2, "tcpi_total_rto"),
    whole(242, 2, "tcpi_total_rto_recoveries"),
    whole(244, 4, "tcpi_total_rto_time"),
    whole(248, 4, "tcpi_received_ce"),
    whole(252, 4, "tcpi_delivered_e1_bytes"),
    whole(256, 4, "tcpi_delivered_e0_bytes"),
    whole(260, 4, "tcpi_delivered_ce_bytes"),
    whole(264, 4, "tcpi_received_e1_bytes"),
    whole(268, 4, "tcpi_received_e0_bytes"),
    whole(272, 4, "tcpi_received_ce_bytes"),
    bits(276, 4, 0, 2, "tcpi_ecn_mode"),
    bits(276, 4, 2, 2, "tcpi_accecn_opt_seen"),
    bits(276, 4, 4, 4, "tcpi_accecn_fail_mode"),
    bits(276, 4, 8, 24, "tcpi_options2"),
];

/// The structures of TCP_CC_INFO: BBR's, DCTCP's and Vegas's lie over each other. `linux/inet_diag.h`. The last two
/// names of Vegas lack a letter in packetdrill, too.
const TCP_CC_INFO: &[&[Field]] = &[
    &[
        whole(0, 4, "bbr_bw_lo"),
        whole(4, 4, "bbr_bw_hi"),
        whole(0, 8, "bbr_bw"),
        whole(8, 4, "bbr_min_rtt"),
        whole(12, 4, "bbr_pacing_gain"),
        whole(16, 4, "bbr_cwnd_gain"),
    ],
    &[
        whole(0, 2, "dctcp_enabled"),
        whole(2, 2, "dctcp_ce_state"),
        whole(4, 4, "dctcp_alpha"),
        whole(8, 4, "dctcp_ab_ecn"),
        whole(12, 4, "dctcp_ab_tot"),
    ],
    &[
        whole(0, 4, "tcpv_enabled"),
        whole(4, 4, "tcpv_rttcnt"),
        whole(8, 4, "tcp_rtt"),
        whole(12, 4, "tcp_minrtt"),
    ],
];

/// The array of SO_MEMINFO. `linux/sock_diag.h`.
const SO_MEMINFO: &[Field] = &[
    whole(0, 4, "SK_MEMINFO_RMEM_ALLOC"),
    whole(4, 4, "SK_MEMINFO_RCVBUF"),
    whole(8, 4, "SK_MEMINFO_WMEM_ALLOC"),
    whole(12, 4, "SK_MEMINFO_SNDBUF"),
    whole(16, 4, "SK_MEMINFO_FWD_ALLOC"),
    whole(20, 4, "SK_MEMINFO_WMEM_QUEUED"),
    whole(24, 4, "SK_MEMINFO_OPTMEM"),
    whole(28, 4, "SK_MEMINFO_BACKLOG"),
    whole(32, 4, "SK_MEMINFO_DROPS"),
];

/// Names of the values of `tcpi_ca_state` and of the bits of `tcpi_options`. `linux/tcp.h`.
const CONSTANTS: &[(&str, i64)] = &[
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    ("TCPI_OPT_TIMESTAMPS", 1),
    ("TCPI_OPT_SACK", 2),
    ("TCPI_OPT_WSCALE", 4),
    ("TCPI_OPT_ECN", 8),
    ("TCPI_OPT_ECN_SEEN", 16),
    ("TCPI_OPT_SYN_DATA", 32),
    ("TCPI_OPT_USEC_TS", 64),
    ("TCPI_OPT_TFO_CHILD", 128),
    ("True", 1),
    ("False", 0),
];

/// The value of a name that is always there: a state of TCP, a bit of `tcpi_options`.
pub(super) fn constant(name: &str) -> Option<i64> {
    let own = CONSTANTS.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    own.or_else(|| name.starts_with("TCP_").then(|| crate::abi::symbol(name)).flatten())
}

/// Whether some kernel has a field of this name.
pub(super) fn is_field(name: &str) -> bool {
    let cc = TCP_CC_INFO.iter().flat_map(|f| f.iter());
    TCP_INFO.iter().chain(cc).chain(SO_MEMINFO).any(|f| f.name == name)
}

/// Every name that code can use, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TCP_INFO.iter().map(|f| f.name).chain(CONSTANTS.iter().map(|(name, _)| *name))
}

/// The fields of a struct tcp_info as Linux on x86-64 lays it out, from what `getsockopt(…, TCP_INFO)` returned.
/// Fields past its end are absent; a 64-bit number that does not fit is the largest that does.
pub fn tcp_info_variables(bytes: &[u8]) -> BTreeMap<String, i64> {
    read(TCP_INFO, bytes)
}

/// The fields of what `getsockopt(…, TCP_CC_INFO)` returned, by the names of each algorithm that has so many bytes.
pub fn congestion_variables(bytes: &[u8]) -> BTreeMap<String, i64> {
    let whole = |fields: &&&[Field]| fields.iter().all(|f| f.offset + f.width <= bytes.len());
    TCP_CC_INFO.iter().filter(whole).flat_map(|fields| read(fields, bytes)).collect()
}

/// The fields of what `getsockopt(…, SO_MEMINFO)` returned.
pub fn memory_variables(bytes: &[u8]) -> BTreeMap<String, i64> {
    read(SO_MEMINFO, bytes)
}

fn read(fields: &[Field], bytes: &[u8]) -> BTreeMap<String, i64> {
    let value = |field: &Field| {
        let raw = bytes.get(field.offset..field.offset + field.width)?;
        let number = raw.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let mask = if field.bits >= 64 { u64::MAX } else { (1 << field.bits) - 1 };
        Some((field.name.to_string(), i64::try_from(number >> field.shift & mask).unwrap_or(i64::MAX)))
    };
    fields.iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_the_kernel_has_them() {
        // tcpi_total_retrans ends the structure of Linux 2.6; the offsets are those of offsetof.
        let mut bytes = vec![0; 280];
        bytes[0] = 1;
        bytes[6] = 0x87;
        bytes[7] = 5;
        bytes[80] = 10;
        bytes[100] = 3;
        bytes[104..112].fill(0xff);
        bytes[200] = 7;
        bytes[276..280].copy_from_slice(&[0b1001_0110, 1, 0, 0]);
        let values = tcp_info_variables(&bytes);
        let expected = [
            ("tcpi_state", 1),
            ("tcpi_snd_wscale", 7),
            ("tcpi_rcv_wscale", 8),
            ("tcpi_delivery_rate_app_limited", 1),
            ("tcpi_fastopen_client_fail", 2),
            ("tcpi_snd_cwnd", 10),
            ("tcpi_total_retrans", 3),
            ("tcpi_pacing_rate", i64::MAX),
            ("tcpi_bytes_sent", 7),
            ("tcpi_ecn_mode", 2),
            ("tcpi_accecn_opt_seen", 1),
            ("tcpi_accecn_fail_mode", 9),
            ("tcpi_options2", 1),
        ];
        for (name, value) in expected {
            assert_eq!(values.get(name), Some(&value), "{name}");
        }
    }

    #[test]
    fn fields_past_the_end_are_absent() {
        let values = tcp_info_variables(&[0; 104]);
        assert!(values.contains_key("tcpi_total_retrans"));
        assert!(!values.contains_key("tcpi_pacing_rate"));
        assert!(tcp_info_variables(&[]).is_empty());
    }

    #[test]
    fn congestion_information_has_the_names_of_whatever_fits() {
        let mut bytes = [0; 20];
        (bytes[0], bytes[4]) = (2, 1);
        let values = congestion_variables(&bytes);
        assert_eq!((values["bbr_bw"], values["dctcp_enabled"], values["dctcp_alpha"]), ((1 << 32) + 2, 2, 1));
        let values = congestion_variables(&bytes[..16]);
        assert!(!values.contains_key("bbr_bw") && values.contains_key("tcp_minrtt"));
        assert_eq!(memory_variables(&bytes)["SK_MEMINFO_RCVBUF"], 1);
    }
}
