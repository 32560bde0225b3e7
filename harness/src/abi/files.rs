//! Names of the calls on descriptors: poll, epoll, fcntl, open, ioctl, splice, capabilities.

use super::Table;

/// poll's events. `asm-generic/poll.h`.
pub(super) const POLL: Table = &[
    ("POLLIN", 0x1),
    ("POLLPRI", 0x2),
    ("POLLOUT", 0x4),
    ("POLLERR", 0x8),
    ("POLLHUP", 0x10),
    ("POLLNVAL", 0x20),
    ("POLLRDNORM", 0x40),
    ("POLLRDBAND", 0x80),
    ("POLLWRNORM", 0x100),
    ("POLLWRBAND", 0x200),
    ("POLLMSG", 0x400),
    ("POLLREMOVE", 0x1000),
    ("POLLRDHUP", 0x2000),
];

/// epoll. `linux/eventpoll.h`.
pub(super) const EPOLL: Table = &[
    ("EPOLLIN", 0x1),
    ("EPOLLPRI", 0x2),
    ("EPOLLOUT", 0x4),
    ("EPOLLERR", 0x8),
    ("EPOLLHUP", 0x10),
    ("EPOLLRDNORM", 0x40),
    ("EPOLLRDBAND", 0x80),
    ("EPOLLWRNORM", 0x100),
    ("EPOLLWRBAND", 0x200),
    ("EPOLLMSG", 0x400),
    ("EPOLLRDHUP", 0x2000),
    ("EPOLLEXCLUSIVE", 0x10000000),
    ("EPOLLWAKEUP", 0x20000000),
    ("EPOLLONESHOT", 0x40000000),
    ("EPOLLET", 0x80000000),
];

/// epoll_ctl's operations. `linux/eventpoll.h`.
pub(super) const EPOLL_OPERATIONS: Table =
    &[("EPOLL_CTL_ADD", 1), ("EPOLL_CTL_DEL", 2), ("EPOLL_CTL_MOD", 3), ("EPOLL_CLOEXEC", 0x80000)];

/// fcntl's commands and what goes with them. `asm-generic/fcntl.h`, `linux/fcntl.h`.
pub(super) const FCNTL: Table = &[
    ("F_DUPFD", 0),
    ("F_GETFD", 1),
    ("F_SETFD", 2),
    ("F_GETFL", 3),
    ("F_SETFL", 4),
    ("F_GETLK", 5),
    ("F_SETLK", 6),
    ("F_SETLKW", 7),
    ("F_SETOWN", 8),
    ("F_GETOWN", 9),
    ("F_SETSIG", 10),
    ("F_GETSIG", 11),
    ("F_GETLK64", 5),
    ("F_SETLK64", 6),
    ("F_SETLKW64", 7),
    ("F_SETLEASE", 1024),
    ("F_GETLEASE", 1025),
    ("F_NOTIFY", 1026),
    ("F_DUPFD_CLOEXEC", 1030),
    ("F_SETPIPE_SZ", 1031),
    ("F_GETPIPE_SZ", 1032),
    ("FD_CLOEXEC", 1),
    ("F_RDLCK", 0),
    ("F_WRLCK", 1),
    ("F_UNLCK", 2),
    ("F_EXLCK", 4),
    ("F_SHLCK", 8),
    ("LOCK_SH", 1),
    ("LOCK_EX", 2),
    ("LOCK_NB", 4),
    ("LOCK_UN", 8),
    ("SEEK_SET", 0),
    ("SEEK_CUR", 1),
    ("SEEK_END", 2),
];

/// open's flags. `asm-generic/fcntl.h`.
pub(super) const OPEN_FLAGS: Table = &[
    ("O_RDONLY", 0x0),
    ("O_WRONLY", 0x1),
    ("O_RDWR", 0x2),
    ("O_ACCMODE", 0x3),
    ("O_CREAT", 0x40),
    ("O_EXCL", 0x80),
    ("O_NOCTTY", 0x100),
    ("O_TRUNC", 0x200),
    ("O_APPEND", 0x400),
    ("O_NONBLOCK", 0x800),
    ("O_NDELAY", 0x800),
    ("O_DSYNC", 0x1000),
    ("O_SYNC", 0x101000),
    ("O_ASYNC", 0x2000),
    ("O_CLOEXEC", 0x80000),
];

/// ioctl's requests. `linux/sockios.h`, `asm-generic/ioctls.h`.
pub(super) const IOCTL: Table = &[
    ("FIONREAD", 0x541b),
    ("FIONBIO", 0x5421),
    ("FIOASYNC", 0x5452),
    ("FIOCLEX", 0x5451),
    ("FIONCLEX", 0x5450),
    ("SIOCINQ", 0x541b),
    ("SIOCOUTQ", 0x5411),
    ("SIOCOUTQNSD", 0x894b),
    ("SIOCATMARK", 0x8905),
    ("SIOCSPGRP", 0x8902),
    ("SIOCGPGRP", 0x8904),
    ("FIOSETOWN", 0x8901),
    ("FIOGETOWN", 0x8903),
    ("SIOCGSTAMP", 0x8906),
    ("SIOCGSTAMPNS", 0x8907),
];

/// splice's flags. `linux/splice.h`.
pub(super) const SPLICE: Table =
    &[("SPLICE_F_MOVE", 1), ("SPLICE_F_NONBLOCK", 2), ("SPLICE_F_MORE", 4), ("SPLICE_F_GIFT", 8)];

/// Linux capabilities. `linux/capability.h`.
pub(super) const CAPABILITIES: Table = &[
    ("CAP_CHOWN", 0),
    ("CAP_DAC_OVERRIDE", 1),
    ("CAP_DAC_READ_SEARCH", 2),
    ("CAP_FOWNER", 3),
    ("CAP_FSETID", 4),
    ("CAP_KILL", 5),
    ("CAP_SETGID", 6),
    ("CAP_SETUID", 7),
    ("CAP_SETPCAP", 8),
    ("CAP_LINUX_IMMUTABLE", 9),
    ("CAP_NET_BIND_SERVICE", 10),
    ("CAP_NET_BROADCAST", 11),
    ("CAP_NET_ADMIN", 12),
    ("CAP_NET_RAW", 13),
    ("CAP_IPC_LOCK", 14),
    ("CAP_IPC_OWNER", 15),
    ("CAP_SYS_MODULE", 16),
    ("CAP_SYS_RAWIO", 17),
    ("CAP_SYS_CHROOT", 18),
    ("CAP_SYS_PTRACE", 19),
    ("CAP_SYS_PACCT", 20),
    ("CAP_SYS_ADMIN", 21),
    ("CAP_SYS_BOOT", 22),
    ("CAP_SYS_NICE", 23),
    ("CAP_SYS_RESOURCE", 24),
    ("CAP_SYS_TIME", 25),
    ("CAP_SYS_TTY_CONFIG", 26),
    ("CAP_MKNOD", 27),
    ("CAP_LEASE", 28),
    ("CAP_AUDIT_WRITE", 29),
    ("CAP_AUDIT_CONTROL", 30),
    ("CAP_SETFCAP", 31),
    ("CAP_MAC_OVERRIDE", 32),
    ("CAP_MAC_ADMIN", 33),
    ("CAP_SYSLOG", 34),
    ("CAP_WAKE_ALARM", 35),
    ("CAP_BLOCK_SUSPEND", 36),
    ("CAP_AUDIT_READ", 37),
];

/// The set that cap_set changes, and what it does there. `sys/capability.h`.
pub(super) const CAPABILITY_SETS: Table =
    &[("CAP_EFFECTIVE", 0), ("CAP_PERMITTED", 1), ("CAP_INHERITABLE", 2), ("CAP_CLEAR", 0), ("CAP_SET", 1)];
