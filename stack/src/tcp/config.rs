//! What can be chosen: the stack's table of defaults, and what a user sets on one socket.

use crate::wire::tcp_options::OptionLayout;
use core::time::Duration;

/// How large the congestion window is when data transfer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialWindow {
    /// Two to four segments by their size (RFC 5681 3.1, RFC 3390).
    Rfc5681,
    /// min(10*MSS, max(2*MSS, 14600)) (RFC 6928 2).
    Rfc6928,
}

/// How the congestion window grows and by how much it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CongestionAlgorithm {
    /// RFC 5681, with RFC 6582's fast recovery.
    NewReno,
    /// RFC 8312.
    Cubic,
}

/// Whether connections use ECN (RFC 3168).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EcnMode {
    /// Never.
    Off,
    /// Where the peer's SYN asks for it.
    Accept,
    /// Our SYN asks for it too.
    On,
}

/// How losses are repaired where the peer permits SACK; without it RFC 6582 is all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossRecovery {
    /// NewReno: by counting duplicate ACKs (RFC 6582).
    Rfc6582,
    /// By what the peer's SACK options tell (RFC 6675).
    Rfc6675,
    /// By when segments were sent, with a reordering window and a probe of the tail (RFC 8985).
    Rack,
}

/// When SYNs are answered without keeping anything of them (RFC 4987 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynCookies {
    /// Never: SYNs that find no room are dropped.
    Never,
    /// When a listener has as many half-open connections as it may.
    WhenFull,
    /// Always.
    Always,
}

/// How cwnd comes down to ssthresh in a recovery by SACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// At once (RFC 6675 5 step 4.2).
    AtOnce,
    /// In proportion to what is delivered (RFC 6937).
    Prr(PrrBound),
}

/// What bounds RFC 6937 where more was lost than the reduction asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrrBound {
    /// CRB: no more goes than is delivered.
    Conservative,
    /// SSRB: a segment more for each ACK.
    SlowStart,
    /// A segment more for each ACK of new data that tells of no further loss: RFC 9937's rule.
    SlowStartIfGood,
}

/// Which segments carry PSH. Every call counts as pushed (RFC 9293 MUST-60).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// Those that empty the send queue (RFC 9293 3.9.1.2).
    QueueEnd,
    /// Those with the last byte of a call, and the last of several that leave together: Linux sets it on each packet that
    /// it leaves to the device to cut into segments (tcp_mark_push(), __tcp_transmit_skb()).
    CallsAndBursts,
}

/// When the window that reading has opened is told in a segment of its own (RFC 9293 3.8.6 leaves it open).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowUpdate {
    /// When it is two segments or half of the buffer wider.
    TwoSegments,
    /// When it is twice as wide as it was: Linux (__tcp_cleanup_rbuf()).
    Doubled,
}

/// At most `count` in any interval of length `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// When an idle connection is probed, and when it is given up (RFC 9293 3.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepaliveTimes {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between probes.
    pub interval: Duration,
    /// Unanswered probes after which the connection is dropped; at least 2 for MUST-29.
    pub probes: u32,
}

/// TCP Fast Open (RFC 7413): what the host permits where a user asks for it.
#[derive(Clone, Debug)]
pub struct FastOpenConfig {
    /// Active opens may ask for cookies and use them. On.
    pub client: bool,
    /// Listeners may give cookies and take text by them. On.
    pub server: bool,
    /// Active opens put text on a SYN without any cookie, which no RFC has. Off.
    pub client_without_cookie: bool,
    /// Listeners take text without a cookie, which no RFC has. Off.
    pub server_without_cookie: bool,
    /// Listeners do so unasked, up to their backlogs; RFC 7413 4.2 has the user ask for it. Off.
    pub every_listener: bool,
    /// The option under kind 254 is understood, and tried where the other gets no answer; section 9 advises against it.
    /// Off.
    pub experimental: bool,
    /// The key that cookies are made with; `None`: one that follows from the stack's seed.
    pub key: Option<[u8; 16]>,
    /// For how long nothing is tried after a negative response (4.1.3.1). An hour; `None`: negative responses are
    /// forgotten.
    pub retry_after: Option<Duration>,
}

impl FastOpenConfig {
    /// What RFC 7413 says.
    const RFC: FastOpenConfig = FastOpenConfig {
        client: true,
        server: true,
        client_without_cookie: false,
        server_without_cookie: false,
        every_listener: false,
        experimental: false,
        key: None,
        retry_after: Some(Duration::from_secs(3600)),
    };
}

/// The defaults of all connections. [`Config::default`] is the profile `rfc`: what the RFCs say, where they say it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes that a user can queue before the peer has acknowledged any. 64 KiB.
    pub send_buffer: usize,
    /// Bytes held for the user: RCV.BUFF (RFC 9293 3.8.6.2.2). 64 KiB, which needs no window scaling.
    pub receive_buffer: usize,
    /// The MTU where [`super::Connections::set_mtu`] was not told of any. 1500 bytes, Ethernet's.
    pub mtu: u16,
    /// The most that the receive buffer may be made later, which the window scale is chosen for; less than
    /// `receive_buffer` counts as that. 0.
    pub receive_buffer_max: usize,
    /// Order and padding of a SYN's options. [`OptionLayout::Aligned`].
    pub option_layout: OptionLayout,
    /// Offer window scaling (RFC 7323 2.2). On.
    pub window_scaling: bool,
    /// Offer timestamps (RFC 7323 3.2). On.
    pub timestamps: bool,
    /// Offer SACK (RFC 2018 2). On.
    pub sack: bool,
    /// RTO before the first sample (RFC 6298 2.1). 1 s.
    pub rto_initial: Duration,
    /// The least RTO (RFC 6298 2.4). 1 s.
    pub rto_min: Duration,
    /// The most that back-off makes of it (RFC 6298 2.5, at least 60 s). 60 s.
    pub rto_max: Duration,
    /// RTO at the start of data transfer where the SYN was retransmitted (RFC 6298 5.7). 3 s.
    pub rto_after_syn_loss: Duration,
    /// The clock granularity G (RFC 6298 2). 1 ms.
    pub granularity: Duration,
    /// Retransmissions of a segment after which the user and IP are told (RFC 9293 3.8.3, R1 at least 3). 3.
    pub r1: u32,
    /// How long data is retransmitted before the connection is closed (RFC 9293 3.8.3, R2 at least 100 s). 100 s.
    pub r2: Duration,
    /// The same for SYN (RFC 9293 MUST-23, at least 3 minutes). 180 s.
    pub r2_syn: Duration,
    /// The initial congestion window. [`InitialWindow::Rfc5681`].
    pub initial_window: InitialWindow,
    /// Congestion control. NewReno.
    pub congestion: CongestionAlgorithm,
    /// How many segments an ACK in slow start adds to cwnd at most (RFC 5681 3.1, RFC 3465's L). 1.
    pub slow_start_limit: u32,
    /// cwnd grows in slow start only as long as it is less than twice what was outstanding of late, so that a sender
    /// who has little to send does not collect a window that was never tried. Off.
    pub validate_slow_start: bool,
    /// Loss recovery with SACK. [`LossRecovery::Rfc6675`].
    pub recovery: LossRecovery,
    /// How cwnd is reduced. [`Reduction::AtOnce`].
    pub reduction: Reduction,
    /// Whether an ECN-Echo reduces cwnd that way, too, and not at once. Off.
    pub reduce_by_prr_on_ecn: bool,
    /// ssthresh is a whole number of segments. Off.
    pub ssthresh_in_segments: bool,
    /// What RACK's timer and the tail loss probe wait longer than RFC 8985 says. 0.
    pub reorder_slack: Duration,
    /// Probe the tail where losses are found by RACK (RFC 8985 7). On.
    pub tail_loss_probe: bool,
    /// TLP.max_ack_delay (RFC 8985 7.2). 0.2 s, as `delayed_ack`.
    pub tlp_ack_delay: Duration,
    /// ECN. [`EcnMode::Accept`].
    pub ecn: EcnMode,
    /// TCP Fast Open.
    pub fast_open: FastOpenConfig,
    /// What the user has not read stays readable after a reset; RFC 9293 3.10.7.4 flushes it. Off.
    pub unread_survives_reset: bool,
    /// Send new data on the first two duplicate ACKs (RFC 3042, RFC 5681 3.2 step 1). On.
    pub limited_transmit: bool,
    /// How long an ACK waits for company (RFC 9293 MUST-40, less than 500 ms). 200 ms.
    pub delayed_ack: Duration,
    /// The first segments of text that are acknowledged at once, each, so that the peer's slow start is fed. 0.
    pub quick_acks: u32,
    /// cwnd is cut to the restart window when nothing was sent for longer than RTO (RFC 5681 4.1). On.
    pub slow_start_after_idle: bool,
    /// When reading sends an ACK. [`WindowUpdate::TwoSegments`].
    pub window_update: WindowUpdate,
    /// The MSS that a SYN offers is no more than the path takes. RFC 9293 3.7.1 has it tell what can be received. Off.
    pub offer_follows_path: bool,
    /// Text for a user who has closed is reset as for a connection that is not there, and not as by ABORT. Off.
    pub refuse_by_answer: bool,
    /// The least number of segments that leave as one burst, where [`Push::CallsAndBursts`] counts. 2.
    pub burst_least: u32,
    /// A reset echoes the timestamp of what it answers (RFC 7323 5.2). On.
    pub reset_echoes_timestamp: bool,
    /// A connection that is given up tells the peer by a reset. On; RFC 9293 3.10.8 deletes the TCB and sends nothing.
    pub reset_on_timeout: bool,
    /// In slow start an ACK counts what duplicate ACKs told of before as delivered by those. Off.
    pub duplicates_deliver: bool,
    /// A SYN,ACK that echoes a timestamp which no SYN of ours had is reset, as one that acknowledges the wrong number. Off.
    pub check_syn_echo: bool,
    /// Text without a timestamp is taken where timestamps are in use; RFC 7323 3.2 has it dropped. Off.
    pub timestamps_may_lack: bool,
    /// A SYN with FIN opens a connection in LISTEN, the FIN being left to be sent again (RFC 9293 3.10.7.2). On.
    pub syn_fin_opens: bool,
    /// In ESTABLISHED an acknowledgement of what was never sent is answered, as RFC 9293 3.10.7.4 has it. On.
    pub answer_unsent_acks: bool,
    /// An old acknowledgement is taken only where that much was acknowledged before; RFC 5961 5.2 has the largest window alone
    /// as the bound. Off.
    pub old_acks_were_sent: bool,
    /// A segment is in the window where it ends at the last acknowledgement or behind it and begins at the right edge or before it;
    /// RFC 9293 3.10.7.4 has it begin or end inside. Off.
    pub edges_are_inside: bool,
    /// TS.Recent moves behind the fifth step; RFC 7323 4.3 has it move in the first. Off.
    pub timestamps_taken_late: bool,
    /// Where SYNs cross, the SYN,ACK offers what the SYN has offered; RFC 7323 2.2 has it offer what the peer's SYN does too. Off.
    pub crossing_repeats_offer: bool,
    /// Where SYNs have crossed a shutdown waits for the end of the handshake; RFC 9293 3.10.4 has the FIN go at once. Off.
    pub shutdown_waits_for_handshake: bool,
    /// Soft errors that ICMP tells of end a connection that is being opened; RFC 9293 MUST-56 forbids it. Off.
    pub soft_errors_end_opening: bool,
    /// A window that is offered is a whole number of segments at first, and the rest of the buffer is offered once text has come;
    /// RFC 9293 3.8.6.2.2 has all of it offered. Off.
    pub window_in_segments: bool,
    /// No segment is longer than half of the window that the peer's handshake offers, if that is more than 536 bytes, or than all
    /// of it; RFC 9293 3.8.6.2.1 judges by the largest window as it goes. Off.
    pub segments_fit_half_window: bool,
    /// A window that is smaller than the one before is taken with new text or a new acknowledgement only, unless it is zero; RFC
    /// 9293 3.10.7.4 takes it with any segment that is no older. Off.
    pub window_shrinks_late: bool,
    /// An option whose length cannot be ends the options, and the segment counts; RFC 9293 MUST-7 leaves open what is done about
    /// it. Off: the segment is dropped.
    pub broken_options_end_the_list: bool,
    /// Where PSH stands. [`Push::QueueEnd`].
    pub push: Push,
    /// The reset of ABORT carries ACK; RFC 9293 3.10.5 has none. Off.
    pub abort_with_ack: bool,
    /// Hold small segments while data is unacknowledged (RFC 9293 3.7.4). On; a socket's `nodelay` overrides it.
    pub nagle: bool,
    /// Nagle holds a small segment only while another small one is unacknowledged (Minshall's rule). Off.
    pub nagle_by_last_small: bool,
    /// When data that silly window avoidance holds back is sent anyway (RFC 9293 3.8.6.2.1, 0.1 to 1 s). 500 ms;
    /// `None`: RTO.
    pub sws_override: Option<Duration>,
    /// The longest interval between zero-window probes (RFC 9293 3.8.6.1 leaves it open). 60 s.
    pub persist_max: Duration,
    /// Maximum segment lifetime (RFC 9293 3.4.2). 2 minutes; TIME-WAIT lasts twice that.
    pub msl: Duration,
    /// How long a connection that nobody owns waits in FIN-WAIT-2; no RFC says, `None` is forever. 4 minutes.
    pub fin_wait_2: Option<Duration>,
    /// Keep-alive where a socket asks for it (RFC 9293 MUST-28, at least 2 hours). 2 h, 75 s, 9 probes.
    pub keepalive: KeepaliveTimes,
    /// Answer a SYN and an inexact RST in the window by a challenge ACK (RFC 5961 3.2, 4.2). On; off is RFC 793.
    pub challenge_acks: bool,
    /// Bound on challenge ACKs of all connections together (RFC 5961 7). Its example: 10 in 5 seconds.
    pub challenge_ack_limit: Option<RateLimit>,
    /// Drop segments whose ACK is older than SND.UNA - MAX.SND.WND (RFC 5961 5.2, MAY-12). On.
    pub check_old_acks: bool,
    /// Let a SYN take over a connection in TIME-WAIT (RFC 9293 MAY-2, RFC 6191). On.
    pub reuse_time_wait: bool,
    /// Let TIME-WAIT go on where that SYN was an old duplicate and is reset (RFC 9293 3.6.1 (2)). On.
    pub time_wait_comes_back: bool,
    /// Let the default zone stand for that of a link-local address which names none (RFC 4007 6), in bind and connect. On.
    pub default_zone: bool,
    /// Separate ranges of out-of-order data held per connection. 32.
    pub max_ranges: usize,
    /// Half-open connections per listener (RFC 4987). 256.
    pub syn_queue: usize,
    /// What happens to further ones. [`SynCookies::WhenFull`].
    pub syn_cookies: SynCookies,
    /// Tell the user timeout in an option, and hear the peer's (RFC 5482 3, ENABLED). Off.
    pub user_timeout_option: bool,
    /// ADV_UTO where the user has not said one (RFC 5482 3 leaves it open). 5 minutes, the user timeout of RFC 9293
    /// 3.9.1.1.
    pub user_timeout_advertised: Duration,
    /// L_LIMIT and U_LIMIT (RFC 5482 3.1, at least 100 s). 100 s and an hour.
    pub user_timeout_limits: [Duration; 2],
    /// Connections in TIME-WAIT; the oldest goes when there are more. 4096.
    pub max_time_wait: usize,
    /// Connections altogether. 65536.
    pub max_connections: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            send_buffer: 65_536,
            receive_buffer: 65_536,
            mtu: 1500,
            receive_buffer_max: 0,
            option_layout: OptionLayout::Aligned,
            window_scaling: true,
            timestamps: true,
            sack: true,
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_secs(1),
            rto_max: Duration::from_secs(60),
            rto_after_syn_loss: Duration::from_secs(3),
            granularity: Duration::from_millis(1),
            r1: 3,
            r2: Duration::from_secs(100),
            r2_syn: Duration::from_secs(180),
            initial_window: InitialWindow::Rfc5681,
            congestion: CongestionAlgorithm::NewReno,
            slow_start_limit: 1,
            validate_slow_start: false,
            recovery: LossRecovery::Rfc6675,
            reduction: Reduction::AtOnce,
            reduce_by_prr_on_ecn: false,
            ssthresh_in_segments: false,
            reorder_slack: Duration::ZERO,
            tail_loss_probe: true,
            tlp_ack_delay: Duration::from_millis(200),
            ecn: EcnMode::Accept,
            fast_open: FastOpenConfig::RFC,
            unread_survives_reset: false,
            limited_transmit: true,
            delayed_ack: Duration::from_millis(200),
            quick_acks: 0,
            window_update: WindowUpdate::TwoSegments,
            offer_follows_path: false,
            refuse_by_answer: false,
            burst_least: 2,
            reset_echoes_timestamp: true,
            reset_on_timeout: true,
            duplicates_deliver: false,
            check_syn_echo: false,
            timestamps_may_lack: false,
            syn_fin_opens: true,
            answer_unsent_acks: true,
            old_acks_were_sent: false,
            edges_are_inside: false,
            timestamps_taken_late: false,
            crossing_repeats_offer: false,
            shutdown_waits_for_handshake: false,
            window_in_segments: false,
            segments_fit_half_window: false,
            window_shrinks_late: false,
            broken_options_end_the_list: false,
            soft_errors_end_opening: false,
            push: Push::QueueEnd,
            abort_with_ack: false,
            slow_start_after_idle: true,
            nagle: true,
            nagle_by_last_small: false,
            sws_override: Some(Duration::from_millis(500)),
            persist_max: Duration::from_secs(60),
            msl: Duration::from_secs(120),
            fin_wait_2: Some(Duration::from_secs(240)),
            keepalive: KeepaliveTimes {
                idle: Duration::from_secs(7200),
                interval: Duration::from_secs(75),
                probes: 9,
            },
            challenge_acks: true,
            challenge_ack_limit: Some(RateLimit { count: 10, per: Duration::from_secs(5) }),
            check_old_acks: true,
            reuse_time_wait: true,
            time_wait_comes_back: true,
            default_zone: true,
            max_ranges: 32,
            syn_queue: 256,
            syn_cookies: SynCookies::WhenFull,
            user_timeout_option: false,
            user_timeout_advertised: Duration::from_secs(300),
            user_timeout_limits: [Duration::from_secs(100), Duration::from_secs(3600)],
            max_time_wait: 4096,
            max_connections: 65_536,
        }
    }
}

impl Config {
    /// The profile `linux`: what a stock kernel of version 6.12 does where the RFCs leave it open or it differs from them.
    /// Each value has the name of its sysctl, or of the constant in the kernel's include/net/tcp.h.
    pub fn linux() -> Config {
        Config {
            // What tcp_sndbuf_expand() makes of tcp_wmem[1] for TCP_INIT_CWND segments of Ethernet's size and more to come.
            send_buffer: 87_040,
            // tcp_rmem[1] is 131072, half of which tcp_win_from_space() leaves for the window.
            receive_buffer: 65_536,
            // tcp_rmem[2]: 32 MiB at most, by the machine's memory; 6 MiB on a small one.
            receive_buffer_max: 6 << 20,
            // tcp_challenge_ack_limit is INT_MAX.
            challenge_ack_limit: None,
            // tcp_options_write().
            option_layout: OptionLayout::Packed,
            // TCP_RTO_MIN bounds the part that the variation has in RTO (tcp_rtt_estimator()), which is G's place.
            rto_min: Duration::from_millis(200),
            granularity: Duration::from_millis(200),
            // TCP_RTO_MAX.
            rto_max: Duration::from_secs(120),
            // TCP_TIMEOUT_FALLBACK.
            rto_after_syn_loss: Duration::from_secs(3),
            // tcp_retries1.
            r1: 3,
            // tcp_retries2 is 15: with RTO at its least, the last goes out after 804.6 s, and 120 s later all is over.
            r2: Duration::from_millis(804_600),
            // tcp_syn_retries is 6: the last goes out after 63 s.
            r2_syn: Duration::from_secs(63),
            // TCP_INIT_CWND is 10.
            initial_window: InitialWindow::Rfc6928,
            // tcp_congestion_control.
            congestion: CongestionAlgorithm::Cubic,
            // tcp_slow_start() adds whatever is acknowledged, where tcp_is_cwnd_limited().
            slow_start_limit: u32::MAX,
            validate_slow_start: true,
            // tcp_recovery is 1, tcp_early_retrans 3.
            recovery: LossRecovery::Rack,
            // tcp_cwnd_reduction(), in TCP_CA_CWR as well; ssthresh is counted in segments.
            reduction: Reduction::Prr(PrrBound::SlowStartIfGood),
            reduce_by_prr_on_ecn: true,
            ssthresh_in_segments: true,
            // TCP_TIMEOUT_MIN_US is two ticks of a millisecond.
            reorder_slack: Duration::from_millis(2),
            // tcp_schedule_loss_probe() adds tcp_rto_min().
            tlp_ack_delay: Duration::from_millis(200),
            // tcp_ecn is 2.
            ecn: EcnMode::Accept,
            // tcp_fastopen is 1; the experimental option is tried by tcp_fastopen_cache_set(), which keeps no failures.
            fast_open: FastOpenConfig {
                server: false,
                experimental: true,
                retry_after: None,
                ..FastOpenConfig::RFC
            },
            // tcp_reset() leaves the receive queue alone.
            unread_survives_reset: true,
            // TCP_DELACK_MIN.
            delayed_ack: Duration::from_millis(40),
            // TCP_MAX_QUICKACKS.
            quick_acks: 16,
            window_update: WindowUpdate::Doubled,
            // tcp_minshall_check().
            nagle_by_last_small: true,
            // tcp_check_probe_timer().
            sws_override: None,
            // tcp_advertise_mss() asks the route.
            offer_follows_path: true,
            // tcp_rcv_state_process(), TCP_ABORT_ON_DATA.
            refuse_by_answer: true,
            // tcp_v4_send_reset() writes no timestamps.
            reset_echoes_timestamp: false,
            // tcp_write_err().
            reset_on_timeout: false,
            // tcp_clean_rtx_queue() and tcp_add_reno_sack() keep tp->delivered.
            duplicates_deliver: true,
            // tcp_rcv_synsent_state_process().
            check_syn_echo: true,
            // tcp_v4_rcv(): TCP_TW_SYN ends it.
            time_wait_comes_back: false,
            // __inet6_bind() and tcp_v6_connect() refuse it.
            default_zone: false,
            // tcp_validate_incoming() asks PAWS of those that have one.
            timestamps_may_lack: true,
            // tcp_rcv_state_process().
            syn_fin_opens: false,
            // tcp_ack(): SKB_DROP_REASON_TCP_ACK_UNSENT_DATA.
            answer_unsent_acks: false,
            // tcp_ack() bounds it by tp->bytes_acked.
            old_acks_were_sent: true,
            // tcp_sequence().
            edges_are_inside: true,
            // tcp_replace_ts_recent().
            timestamps_taken_late: true,
            // tcp_send_synack().
            crossing_repeats_offer: true,
            // tcp_shutdown() and the end of TCP_SYN_RECV in tcp_rcv_state_process().
            shutdown_waits_for_handshake: true,
            // tcp_select_initial_window() and rcv_ssthresh.
            window_in_segments: true,
            // tcp_bound_to_half_wnd().
            segments_fit_half_window: true,
            // tcp_may_update_window().
            window_shrinks_late: true,
            // tcp_parse_options().
            broken_options_end_the_list: true,
            // tcp_v4_err() and tcp_req_err().
            soft_errors_end_opening: true,
            push: Push::CallsAndBursts,
            // tcp_send_active_reset().
            abort_with_ack: true,
            // TCP_TIMEWAIT_LEN is 60 s.
            msl: Duration::from_secs(30),
            // tcp_fin_timeout.
            fin_wait_2: Some(Duration::from_secs(60)),
            // TCP_RTO_MAX bounds the probe timer as well.
            persist_max: Duration::from_secs(120),
            ..Config::default()
        }
    }
}

/// What a user sets on one socket. `None` is what [`Config`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Send small segments at once: Nagle off (RFC 9293 MUST-17).
    pub nodelay: bool,
    /// Send nothing but full segments, until this is taken back.
    pub cork: bool,
    /// Acknowledge at once: no delayed ACKs.
    pub quick_ack: bool,
    /// Probe when idle, and how (RFC 9293 MUST-24, MUST-25: off by default).
    pub keepalive: Option<KeepaliveTimes>,
    /// R2 for this connection, `Duration::MAX` for infinity (RFC 9293 MUST-21).
    pub user_timeout: Option<Duration>,
    /// Bytes of send buffer.
    pub send_buffer: Option<usize>,
    /// The user may queue more while fewer bytes than that wait to be sent (Linux's TCP_NOTSENT_LOWAT).
    pub unsent_low: Option<u32>,
    /// A listener's connections can be accepted once text has come (Linux's TCP_DEFER_ACCEPT).
    pub accept_with_text: bool,
    /// Bytes of receive buffer; counts when the connection is opened.
    pub receive_buffer: Option<usize>,
    /// An upper bound on the segments sent and offered to receive, in bytes of payload; at least 48.
    pub mss: Option<u16>,
    /// Congestion control.
    pub congestion: Option<CongestionAlgorithm>,
    /// Listeners share an address with others that say so too; connections are spread over them.
    pub reuse_port: bool,
    /// A listener on `::` takes IPv4 connections too.
    pub dual_stack: bool,
    /// The last octet of urgent data is read beside the stream, and not in it (RFC 6093 3.1).
    pub urgent_beside: bool,
    /// Keep soft errors to itself (RFC 9293 SHLD-20).
    pub hide_soft_errors: bool,
    /// Retransmissions of a SYN before the open fails, in place of [`Config::r2_syn`].
    pub syn_retries: Option<u32>,
    /// PendingFastOpenRequests that a listener allows (RFC 7413 4.2); 0: Fast Open is off.
    pub fast_open_queue: Option<usize>,
    /// A listener's own key.
    pub fast_open_key: Option<[u8; 16]>,
    /// Fast Open without cookies.
    pub fast_open_without_cookie: bool,
}

/// The least MSS that a user can set or a peer impose: a smaller one would turn a window into a flood of headers.
pub(crate) const MIN_MSS: u16 = 48;
