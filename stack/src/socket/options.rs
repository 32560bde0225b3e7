//! What a socket keeps of its options, and what TCP is told of them.

use super::Marks;
use super::call::Domain;
use super::sent_options::SentOptions;
use crate::tcp;
use core::time::Duration;
use std::net::IpAddr;

/// A socket's options; `None` stands for the host's default.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) reuse_address: bool,
    pub(super) broadcast: bool,
    pub(super) v6only: bool,
    /// SO_LINGER: how long close waits; `None`: it does not.
    pub(super) linger: Option<u32>,
    /// Bytes as getsockopt gives them: twice what was set, as Linux has it.
    pub(super) send_buffer: Option<usize>,
    /// Likewise.
    pub(super) receive_buffer: Option<usize>,
    pub(super) keepalive: bool,
    /// Seconds.
    pub(super) keepalive_idle: Option<u32>,
    /// Seconds.
    pub(super) keepalive_interval: Option<u32>,
    pub(super) keepalive_probes: Option<u32>,
    pub(super) nodelay: bool,
    pub(super) cork: bool,
    /// What is queued is to go, for TCP_NODELAY or TCP_CORK was set so.
    pub(super) push_now: bool,
    pub(super) quick_ack: bool,
    /// TCP_INQ: recvmsg tells what is left to read.
    pub(super) tell_left: bool,
    /// SO_ZEROCOPY: sends with MSG_ZEROCOPY are told of when they are done.
    pub(super) zerocopy: bool,
    pub(super) reuse_port: bool,
    /// SO_MARK: nothing here looks at it.
    pub(super) mark: u32,
    /// SO_OOBINLINE.
    pub(super) urgent_in_line: bool,
    pub(super) mss: Option<u16>,
    /// Milliseconds; 0: the default.
    pub(super) user_timeout: u32,
    pub(super) congestion: Option<tcp::CongestionAlgorithm>,
    /// Retransmissions of a SYN.
    pub(super) syn_retries: Option<u32>,
    /// TCP_FASTOPEN: pending requests that a listener allows.
    pub(super) fast_open_queue: Option<u32>,
    pub(super) fast_open_key: Option<[u8; 16]>,
    /// connect leaves the SYN to the first send, where that can go with it.
    pub(super) fast_open_connect: bool,
    pub(super) fast_open_without_cookie: bool,
    /// TCP_NOTSENT_LOWAT; 0: the default, as much as the buffer takes.
    pub(super) unsent_low: u32,
    /// TCP_DEFER_ACCEPT, in seconds; 0: off.
    pub(super) defer_accept: u32,
    pub(super) tos: u8,
    pub(super) ttl: Option<u8>,
    pub(super) traffic_class: u8,
    pub(super) hop_limit: Option<u8>,
    /// IPV6_DONTFRAG: what is too big for the path is refused.
    pub(super) dont_fragment: bool,
    /// UDP_NO_CHECK6_TX and UDP_NO_CHECK6_RX (RFC 6935 5).
    pub(super) sends_unchecked: bool,
    pub(super) takes_unchecked: bool,
    /// IP_OPTIONS.
    pub(super) sent_options: SentOptions,
    /// What recvmsg tells of datagrams besides their bytes.
    pub(super) told: Told,
    /// IP_RECVERR and IPV6_RECVERR: errors are kept with what they quote, and every one is told.
    pub(super) keep_errors: bool,
    /// IP_MTU_DISCOVER.
    pub(super) cutting: Cutting,
    /// SO_NO_CHECK: UDP datagrams over IPv4 go without checksum.
    pub(super) no_checksum: bool,
    /// IP_MULTICAST_TTL.
    pub(super) multicast_ttl: Option<u8>,
    /// IP_MULTICAST_IF.
    pub(super) multicast_interface: Option<usize>,
    /// Groups that the socket has joined, each on an interface.
    pub(super) memberships: Vec<(usize, IpAddr)>,
}

/// Whether a socket's IPv4 datagrams may be cut into fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cutting {
    /// IP_PMTUDISC_WANT: where they are too big for what is known of the path.
    #[default]
    Here,
    /// IP_PMTUDISC_DONT: by everybody, so that nothing is learned of the path.
    Anywhere,
    /// IP_PMTUDISC_DO: by nobody.
    Nowhere,
}

/// What a socket wants to hear of the IPv4 header of what it receives (RFC 1122 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// IP_PKTINFO: the address that it was sent to, and the interface that it came in by.
    pub(super) packet: bool,
    /// IP_RECVTOS.
    pub(super) tos: bool,
    /// IP_RECVTTL.
    pub(super) ttl: bool,
    /// IP_RECVOPTS.
    pub(super) options: bool,
}

impl Options {
    /// What the segments of a connection are to carry in their IP headers.
    pub(super) fn marks(&self) -> Marks {
        let Options { tos, ttl, traffic_class, hop_limit, .. } = *self;
        Marks { tos, ttl, traffic_class, hop_limit, may_be_cut: self.cutting == Cutting::Anywhere }
    }

    /// Whether the IP headers of a connection's segments are other than they would be without them.
    pub(super) fn change_headers(&self) -> bool {
        self.marks() != Marks::default() || !self.sent_options.bytes().is_empty()
    }

    /// The part that TCP keeps; `defaults` are the host's.
    pub(super) fn for_tcp(&self, domain: Domain, defaults: &tcp::Config) -> tcp::SocketOptions {
        let seconds = |own: Option<u32>, default| own.map_or(default, |s| Duration::from_secs(s.into()));
        let keepalive = tcp::KeepaliveTimes {
            idle: seconds(self.keepalive_idle, defaults.keepalive.idle),
            interval: seconds(self.keepalive_interval, defaults.keepalive.interval),
            probes: self.keepalive_probes.unwrap_or(defaults.keepalive.probes),
        };
        tcp::SocketOptions {
            nodelay: self.nodelay,
            cork: self.cork,
            urgent_beside: !self.urgent_in_line,
            reuse_port: self.reuse_port,
            quick_ack: self.quick_ack,
            keepalive: self.keepalive.then_some(keepalive),
            user_timeout: (self.user_timeout > 0).then(|| Duration::from_millis(self.user_timeout.into())),
            send_buffer: self.send_buffer.map(|bytes| bytes / 2),
            receive_buffer: self.receive_buffer.map(|bytes| bytes / 2),
            unsent_low: (self.unsent_low > 0).then_some(self.unsent_low),
            accept_with_text: self.defer_accept > 0,
            mss: self.mss,
            congestion: self.congestion,
            syn_retries: self.syn_retries,
            fast_open_queue: self.fast_open_queue.map(|count| count as usize),
            fast_open_key: self.fast_open_key,
            fast_open_without_cookie: self.fast_open_without_cookie,
            dual_stack: domain == Domain::Inet6 && !self.v6only,
            ..tcp::SocketOptions::default()
        }
    }
}
