//! The calls that scripts can make, with the form of each.

use super::arguments::Arguments;
use super::outcome::Expect;
use super::{administration, files, message, options, readiness, sockets, transfer};
use crate::lang::Error;
use crate::sut::Call;

/// What a call is for the stack and for the comparison of its outcome.
pub(super) type Planned = Result<(Call, Expect), Error>;

/// A call that scripts can make.
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// How it is written, with the names of its arguments.
    pub form: &'static str,
    /// The least number of arguments.
    pub least: usize,
    /// The greatest number of arguments.
    pub most: usize,
    pub(super) plan: fn(&Arguments<'_>) -> Planned,
}

/// The call named `name`.
pub(super) fn find(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|s| s.name == name)
}

const fn exact(
    name: &'static str,
    count: usize,
    form: &'static str,
    plan: fn(&Arguments<'_>) -> Planned,
) -> Signature {
    Signature { name, form, least: count, most: count, plan }
}

const fn ranged(
    name: &'static str,
    least: usize,
    most: usize,
    form: &'static str,
    plan: fn(&Arguments<'_>) -> Planned,
) -> Signature {
    Signature { name, form, least, most, plan }
}

/// Every call, system calls first, then the administrative calls of our cases.
pub const SIGNATURES: &[Signature] = &[
    exact("socket", 3, "socket(..., SOCK_STREAM, IPPROTO_TCP) = FD", sockets::socket),
    exact("bind", 3, "bind(FD, ..., ...) = 0", sockets::bind),
    exact("listen", 2, "listen(FD, BACKLOG) = 0", sockets::listen),
    exact("accept", 3, "accept(FD, ..., ...) = NEW_FD", sockets::accept),
    exact("connect", 3, "connect(FD, ..., ...) = 0", sockets::connect),
    exact("close", 1, "close(FD) = 0", sockets::close),
    exact("shutdown", 2, "shutdown(FD, SHUT_WR) = 0", sockets::shutdown),
    exact("getsockname", 3, "getsockname(FD, {sa_family = …}, ...) = 0", sockets::getsockname),
    exact("getpeername", 3, "getpeername(FD, {sa_family = …}, ...) = 0", sockets::getpeername),
    exact("read", 3, "read(FD, ..., COUNT) = COUNT", transfer::read),
    exact("readv", 3, "readv(FD, [{..., LENGTH}, …], N) = COUNT", transfer::readv),
    exact("recv", 4, "recv(FD, ..., COUNT, FLAGS) = COUNT", transfer::recv),
    exact("recvfrom", 6, "recvfrom(FD, ..., COUNT, FLAGS, ..., ...) = COUNT", transfer::recvfrom),
    exact("write", 3, "write(FD, ..., COUNT) = COUNT", transfer::write),
    exact("writev", 3, "writev(FD, [{..., LENGTH}, …], N) = COUNT", transfer::writev),
    exact("send", 4, "send(FD, ..., COUNT, FLAGS) = COUNT", transfer::send),
    exact("sendto", 6, "sendto(FD, ..., COUNT, FLAGS, ..., ...) = COUNT", transfer::sendto),
    exact("icmp_sendto", 6, "icmp_sendto(FD, ..., COUNT, FLAGS, ..., ...) = COUNT", transfer::icmp_sendto),
    exact(
        "sendmsg",
        3,
        "sendmsg(FD, {msg_name(...)=..., msg_iov(N)=[…], msg_flags=0}, FLAGS) = COUNT",
        message::sendmsg,
    ),
    exact(
        "recvmsg",
        3,
        "recvmsg(FD, {msg_name(...)=..., msg_iov(N)=[…], msg_flags=0}, FLAGS) = COUNT",
        message::recvmsg,
    ),
    ranged("fcntl", 2, 3, "fcntl(FD, COMMAND[, ARGUMENT]) = RESULT", options::fcntl),
    ranged("ioctl", 2, 3, "ioctl(FD, REQUEST[, [VALUE]]) = 0", options::ioctl),
    exact("getsockopt", 5, "getsockopt(FD, LEVEL, NAME, [VALUE], [LENGTH]) = 0", options::getsockopt),
    exact("setsockopt", 5, "setsockopt(FD, LEVEL, NAME, [VALUE], LENGTH) = 0", options::setsockopt),
    exact(
        "poll",
        3,
        "poll([{fd=FD, events=POLLIN, revents=POLLIN}, …], N, TIMEOUT) = READY",
        readiness::poll,
    ),
    exact("epoll_create", 1, "epoll_create(SIZE) = FD", readiness::epoll_create),
    exact(
        "epoll_ctl",
        4,
        "epoll_ctl(EPFD, EPOLL_CTL_ADD, FD, {events=EPOLLIN, fd=FD}) = 0",
        readiness::epoll_ctl,
    ),
    exact(
        "epoll_wait",
        4,
        "epoll_wait(EPFD, {events=EPOLLIN, fd=FD}, MAX_EVENTS, TIMEOUT) = READY",
        readiness::epoll_wait,
    ),
    exact("open", 2, "open(\"PATH\", FLAGS) = FD", files::open),
    exact("sendfile", 4, "sendfile(OUT_FD, IN_FD, [OFFSET], COUNT) = COUNT", files::sendfile),
    exact("pipe", 1, "pipe([READ_FD, WRITE_FD]) = 0", files::pipe),
    exact("splice", 6, "splice(FD_IN, NULL, FD_OUT, NULL, LENGTH, FLAGS) = COUNT", files::splice),
    exact("cap_set", 3, "cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0", files::cap_set),
    exact("link", 2, "link(eth0, up|down) = 0", administration::link),
    exact("address", 3, "address(eth0, add|remove, \"192.0.2.7/24\") = 0", administration::address),
    ranged("route", 3, 4, "route(add|remove, \"198.51.100.0/24\", VIA[, eth0]) = 0", administration::route),
    exact("group", 3, "group(eth0, join|leave, \"239.1.1.1\") = 0", administration::group),
    exact("dhcp", 2, "dhcp(eth0, start|stop|release|renew|inform) = 0", administration::dhcp),
    exact(
        "getaddrinfo",
        3,
        "getaddrinfo(\"NAME\", AF_INET, [\"ADDRESS\", …]) = 0 or EAI_…",
        administration::getaddrinfo,
    ),
    exact("getnameinfo", 2, "getnameinfo(\"ADDRESS\", [\"NAME\"]) = 0 or EAI_…", administration::getnameinfo),
    exact("reboot", 0, "reboot() = 0", administration::reboot),
    exact("set", 2, "set(NAME, VALUE) = 0", administration::set),
];
