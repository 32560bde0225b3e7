//! Names of the socket interface: families, types, levels, options, message flags.

use super::Table;

/// Address families. `sys/socket.h`.
pub(super) const ADDRESS_FAMILIES: Table = &[
    ("AF_UNSPEC", 0),
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("AF_NETLINK", 16),
    ("AF_PACKET", 17),
    ("PF_UNSPEC", 0),
    ("PF_INET", 2),
    ("PF_INET6", 10),
];

/// Socket types and their flags. `linux/net.h`.
pub(super) const SOCKET_TYPES: Table = &[
    ("SOCK_STREAM", 1),
    ("SOCK_DGRAM", 2),
    ("SOCK_RAW", 3),
    ("SOCK_RDM", 4),
    ("SOCK_SEQPACKET", 5),
    ("SOCK_PACKET", 10),
    ("SOCK_NONBLOCK", 2048),
    ("SOCK_CLOEXEC", 0x80000),
];

/// IP protocol numbers. `linux/in.h`, `linux/in6.h`.
pub(super) const PROTOCOLS: Table = &[
    ("IPPROTO_IP", 0),
    ("IPPROTO_ICMP", 1),
    ("IPPROTO_IGMP", 2),
    ("IPPROTO_IPIP", 4),
    ("IPPROTO_TCP", 6),
    ("IPPROTO_UDP", 17),
    ("IPPROTO_IPV6", 41),
    ("IPPROTO_ROUTING", 43),
    ("IPPROTO_FRAGMENT", 44),
    ("IPPROTO_GRE", 47),
    ("IPPROTO_ESP", 50),
    ("IPPROTO_AH", 51),
    ("IPPROTO_ICMPV6", 58),
    ("IPPROTO_NONE", 59),
    ("IPPROTO_DSTOPTS", 60),
    ("IPPROTO_HOPOPTS", 0),
    ("IPPROTO_SCTP", 132),
    ("IPPROTO_UDPLITE", 136),
    ("IPPROTO_MPLS", 137),
    ("IPPROTO_RAW", 255),
    ("IPPROTO_MPTCP", 262),
];

/// Option levels. `linux/socket.h`.
pub(super) const LEVELS: Table = &[
    ("SOL_SOCKET", 1),
    ("SOL_IP", 0),
    ("SOL_IPV6", 41),
    ("SOL_TCP", 6),
    ("SOL_UDP", 17),
    ("SOL_ICMPV6", 58),
    ("SOL_RAW", 255),
    ("SOL_PACKET", 263),
];

/// Options of level SOL_SOCKET. `asm-generic/socket.h`.
pub(super) const SOCKET_OPTIONS: Table = &[
    ("SO_ACCEPTCONN", 30),
    ("SO_ATTACH_FILTER", 26),
    ("SO_BINDTODEVICE", 25),
    ("SO_BROADCAST", 6),
    ("SO_BSDCOMPAT", 14),
    ("SO_BUSY_POLL", 46),
    ("SO_COOKIE", 57),
    ("SO_DEBUG", 1),
    ("SO_DETACH_FILTER", 27),
    ("SO_DOMAIN", 39),
    ("SO_DONTROUTE", 5),
    ("SO_ERROR", 4),
    ("SO_INCOMING_CPU", 49),
    ("SO_INCOMING_NAPI_ID", 56),
    ("SO_KEEPALIVE", 9),
    ("SO_LINGER", 13),
    ("SO_LOCK_FILTER", 44),
    ("SO_MARK", 36),
    ("SO_MAX_PACING_RATE", 47),
    ("SO_MEMINFO", 55),
    ("SO_NO_CHECK", 11),
    ("SO_NOFCS", 43),
    ("SO_OOBINLINE", 10),
    ("SO_PASSCRED", 16),
    ("SO_PEEK_OFF", 42),
    ("SO_PEERCRED", 17),
    ("SO_PEERNAME", 28),
    ("SO_PEERSEC", 31),
    ("SO_PRIORITY", 12),
    ("SO_PROTOCOL", 38),
    ("SO_RCVBUF", 8),
    ("SO_RCVBUFFORCE", 33),
    ("SO_RCVLOWAT", 18),
    ("SO_RCVTIMEO", 20),
    ("SO_REUSEADDR", 2),
    ("SO_REUSEPORT", 15),
    ("SO_RXQ_OVFL", 40),
    ("SO_SECURITY_AUTHENTICATION", 22),
    ("SO_SECURITY_ENCRYPTION_NETWORK", 24),
    ("SO_SECURITY_ENCRYPTION_TRANSPORT", 23),
    ("SO_SELECT_ERR_QUEUE", 45),
    ("SO_SNDBUF", 7),
    ("SO_SNDBUFFORCE", 32),
    ("SO_SNDLOWAT", 19),
    ("SO_SNDTIMEO", 21),
    ("SO_TIMESTAMP", 29),
    ("SO_TIMESTAMPING", 37),
    ("SO_TIMESTAMPNS", 35),
    ("SO_TXTIME", 61),
    ("SO_TYPE", 3),
    ("SO_WIFI_STATUS", 41),
    ("SO_ZEROCOPY", 60),
];

/// How to shut down. `sys/socket.h`.
pub(super) const SHUTDOWN: Table = &[("SHUT_RD", 0), ("SHUT_WR", 1), ("SHUT_RDWR", 2)];

/// Flags of send and receive. `linux/socket.h`.
pub(super) const MESSAGE_FLAGS: Table = &[
    ("MSG_OOB", 0x1),
    ("MSG_PEEK", 0x2),
    ("MSG_DONTROUTE", 0x4),
    ("MSG_CTRUNC", 0x8),
    ("MSG_PROBE", 0x10),
    ("MSG_TRUNC", 0x20),
    ("MSG_DONTWAIT", 0x40),
    ("MSG_EOR", 0x80),
    ("MSG_WAITALL", 0x100),
    ("MSG_FIN", 0x200),
    ("MSG_SYN", 0x400),
    ("MSG_CONFIRM", 0x800),
    ("MSG_RST", 0x1000),
    ("MSG_ERRQUEUE", 0x2000),
    ("MSG_NOSIGNAL", 0x4000),
    ("MSG_MORE", 0x8000),
    ("MSG_WAITFORONE", 0x10000),
    ("MSG_BATCH", 0x40000),
    ("MSG_ZEROCOPY", 0x4000000),
    ("MSG_FASTOPEN", 0x20000000),
    ("MSG_CMSG_CLOEXEC", 0x40000000),
];

/// Origins and codes of the error queue. `linux/errqueue.h`.
pub(super) const ERROR_ORIGINS: Table = &[
    ("SO_EE_ORIGIN_NONE", 0),
    ("SO_EE_ORIGIN_LOCAL", 1),
    ("SO_EE_ORIGIN_ICMP", 2),
    ("SO_EE_ORIGIN_ICMP6", 3),
    ("SO_EE_ORIGIN_TXSTATUS", 4),
    ("SO_EE_ORIGIN_TIMESTAMPING", 4),
    ("SO_EE_ORIGIN_ZEROCOPY", 5),
    ("SO_EE_ORIGIN_TXTIME", 6),
    ("SO_EE_CODE_ZEROCOPY_COPIED", 1),
];

/// Time stamps of packets. `linux/net_tstamp.h`.
pub(super) const TIMESTAMPING: Table = &[
    ("SOF_TIMESTAMPING_TX_HARDWARE", 0x1),
    ("SOF_TIMESTAMPING_TX_SOFTWARE", 0x2),
    ("SOF_TIMESTAMPING_RX_HARDWARE", 0x4),
    ("SOF_TIMESTAMPING_RX_SOFTWARE", 0x8),
    ("SOF_TIMESTAMPING_SOFTWARE", 0x10),
    ("SOF_TIMESTAMPING_SYS_HARDWARE", 0x20),
    ("SOF_TIMESTAMPING_RAW_HARDWARE", 0x40),
    ("SOF_TIMESTAMPING_OPT_ID", 0x80),
    ("SOF_TIMESTAMPING_TX_SCHED", 0x100),
    ("SOF_TIMESTAMPING_TX_ACK", 0x200),
    ("SOF_TIMESTAMPING_OPT_CMSG", 0x400),
    ("SOF_TIMESTAMPING_OPT_TSONLY", 0x800),
    ("SOF_TIMESTAMPING_OPT_STATS", 0x1000),
    ("SOF_TIMESTAMPING_OPT_PKTINFO", 0x2000),
    ("SOF_TIMESTAMPING_OPT_TX_SWHW", 0x4000),
    ("SOF_TIMESTAMPING_BIND_PHC", 0x8000),
    ("SOF_TIMESTAMPING_OPT_ID_TCP", 0x10000),
];

/// Types of control messages. `asm-generic/socket.h`, `linux/errqueue.h`.
pub(super) const CONTROL_MESSAGES: Table = &[
    ("SCM_RIGHTS", 1),
    ("SCM_CREDENTIALS", 2),
    ("SCM_TIMESTAMP", 29),
    ("SCM_TIMESTAMPNS", 35),
    ("SCM_TIMESTAMPING", 37),
    ("SCM_TIMESTAMPING_OPT_STATS", 54),
    ("SCM_TSTAMP_SND", 0),
    ("SCM_TSTAMP_SCHED", 1),
    ("SCM_TSTAMP_ACK", 2),
    ("SCM_TXTIME", 61),
];
