//! Every form in which the public scripts write a call: what the stack is asked, and what it may answer.

use super::{Session, failed, with};
use crate::calls::{describe, describe_outcome, prepare};
use crate::sut::{
    Call, Errno, Family, InterfaceId, Message, Outcome, Output, PollFd, Prefix, Rules, SocketAddress,
};
use std::net::SocketAddr;

fn ip(text: &str) -> SocketAddress {
    SocketAddress::Ip(text.parse().unwrap())
}

#[test]
fn sockets_and_addresses_follow_the_family() {
    let rows = [
        (Family::Ipv4, 2, "192.168.0.1:8080", "192.0.2.1:8080"),
        (Family::Ipv6, 10, "[fd3d:a0b:17d6::1]:8080", "[fd3d:fa7b:d17d::1]:8080"),
        (Family::Ipv4MappedIpv6, 10, "[::ffff:192.168.0.1]:8080", "[::ffff:192.0.2.1]:8080"),
    ];
    for (family, domain, local, remote) in rows {
        let mut s = Session::new(Rules::Packetdrill, family);
        let socket = "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3";
        assert_eq!(s.call(socket).unwrap(), Call::Socket { domain, kind: 1, protocol: 6 });
        s.passes(socket, Outcome::value(70));
        let bind = s.call("bind(3, ..., ...) = 0").unwrap();
        assert_eq!(bind, Call::Bind { fd: 70, address: ip(local) });
        let connect = s.call("connect(3, ..., ...) = 0").unwrap();
        assert_eq!(connect, Call::Connect { fd: 70, address: ip(remote) });
        let Call::Sendmsg { message, .. } = s
            .call("sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=0}, MSG_FASTOPEN) = 5")
            .unwrap()
        else {
            panic!("sendmsg")
        };
        assert_eq!(message.name, Some(remote.parse::<SocketAddr>().unwrap()));
    }
}

#[test]
fn written_addresses_are_taken_and_compared() {
    let mut s = Session::ours();
    let bind = |a: &str| {
        format!("bind(4, {{sa_family=AF_INET, sin_port=htons(7), sin_addr=inet_addr(\"{a}\")}}, ...) = 0")
    };
    for (text, expected) in [("0.0.0.0", "0.0.0.0:7"), ("REMOTE", "192.0.2.1:7"), ("10.0.0.1", "10.0.0.1:7")]
    {
        assert_eq!(s.call(&bind(text)).unwrap(), Call::Bind { fd: 104, address: ip(expected) });
    }
    let zoned =
        "bind(4, {sa_family=AF_INET6, sin_port=htons(7), sin_addr=inet_addr(\"fe80::9%eth0\")}, ...) = 0";
    assert_eq!(s.call(zoned).unwrap(), Call::Bind { fd: 104, address: ip("[fe80::9%1]:7") });
    assert_eq!(
        s.call("connect(4, AF_UNSPEC, ...) = 0").unwrap(),
        Call::Connect { fd: 104, address: SocketAddress::Unspecified }
    );
    let peer = |port: u16| with(5, Output::Address(Some(([192, 0, 2, 1], port).into()), Vec::new()));
    let accept =
        "accept(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"REMOTE\")}, ...) = 5";
    s.differs(accept, peer(8081), ("address", "192.0.2.1:8080", "192.0.2.1:8081"));
    // A zone counts where it is written.
    let far = || with(0, Output::Address(Some("[fe80::9%2]:7".parse().unwrap()), Vec::new()));
    let own = zoned.replace("bind", "getsockname");
    s.differs(&own, far(), ("address", "[fe80::9%1]:7", "[fe80::9%2]:7"));
    s.passes(&own.replace("%eth0", ""), far());
    let mut s = Session::ours();
    s.passes(accept, peer(8080));
    s.differs(
        "getsockname(5, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"LOCAL\")}, ...) = 0",
        Outcome::value(0),
        ("address", "192.168.0.1:1", "no address"),
    );
    s.passes("getpeername(5, ..., ...) = 0", Outcome::value(0));
    s.passes(
        "recvfrom(4, ..., 9, 0, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr(\"REMOTE\")}, ...) = 1",
        with(1, Output::Address(Some(([192, 0, 2, 1], 9).into()), vec![0])),
    );
}

#[test]
fn mapped_addresses_are_the_ones_they_stand_for() {
    let mut s = Session::new(Rules::Ours, Family::Ipv4MappedIpv6);
    s.passes("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", Outcome::value(3));
    let peer: SocketAddr = "[::ffff:192.0.2.1]:8080".parse().unwrap();
    s.passes(
        "accept(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"REMOTE\")}, ...) = 4",
        with(4, Output::Address(Some(peer), Vec::new())),
    );
}

#[test]
fn results_are_compared() {
    let mut s = Session::ours();
    s.differs(
        "read(4, ..., 9) = 5",
        failed("ECONNRESET"),
        ("result", "5", "-1 ECONNRESET (Connection reset by peer)"),
    );
    s.differs(
        "connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
        failed("ECONNREFUSED"),
        ("errno", "-1 EINPROGRESS (Operation now in progress)", "-1 ECONNREFUSED (Connection refused)"),
    );
    s.differs("listen(3, 1) = -1 EINVAL", Outcome::value(0), ("result", "-1 EINVAL (Invalid argument)", "0"));
    // Upstream may leave the error open.
    s.passes("setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, \"\", 0) = -1 (Invalid Argument)", failed("EINVAL"));
    s.differs("socket(..., SOCK_STREAM, IPPROTO_UDP) = -1", Outcome::value(9), ("result", "-1", "9"));
    s.differs(
        "accept(3, ..., ...) = 5",
        failed("EAGAIN"),
        ("result", "5", "-1 EAGAIN (Resource temporarily unavailable)"),
    );
}

#[test]
fn results_may_be_patterns_and_captures() {
    let mut s = Session::ours();
    s.passes("write(4, ..., 99) = *", Outcome::value(5));
    s.passes("write(4, ..., 99) = 1..20", Outcome::value(20));
    s.differs("write(4, ..., 99) = 1..20", Outcome::value(21), ("result", "1 .. 20", "21"));
    s.passes("write(4, ..., 99) = $n", Outcome::value(17));
    assert_eq!(s.variables.get("n"), Some(&17));
    // A captured descriptor is the script's number, which is the stack's where that is free.
    s.passes("accept(3, ..., ...) = $fd", Outcome::value(9));
    s.passes("accept(3, ..., ...) = $other", Outcome::value(4));
    assert_eq!((s.variables.get("fd"), s.variables.get("other")), (Some(&9), Some(&5)));
    assert_eq!(s.call("close($other) = 0").unwrap(), Call::Close { fd: 4 });
    s.passes(
        "getsockopt(4, SOL_SOCKET, SO_ERROR, [$error], [4]) = 0",
        with(0, Output::Option(vec![110, 0, 0, 0])),
    );
    assert_eq!(s.variables.get("error"), Some(&110));
}

/// Lines on a connection of the stack's number 104 and the calls that they make.
#[test]
fn calls_are_what_the_script_says() {
    let rows = [
        ("read(4, ..., 9) = 9", Call::Read { fd: 104, count: 9 }),
        ("read(4, NULL, 9) = -1 EFAULT", Call::NullBuffer(Box::new(Call::Read { fd: 104, count: 9 }))),
        ("recv(4, ..., 9, MSG_PEEK|MSG_DONTWAIT) = 9", Call::Recv { fd: 104, count: 9, flags: 0x42 }),
        ("recvfrom(4, ..., 9, 0, ..., ...) = 9", Call::Recvfrom { fd: 104, count: 9, flags: 0 }),
        ("readv(4, [{..., 1}, {..., 2}], 2) = 3", Call::Readv { fd: 104, counts: vec![1, 2] }),
        ("send(4, ..., 2, MSG_EOR) = 2", Call::Send { fd: 104, data: vec![0, 1], flags: 0x80 }),
        (
            "sendto(4, ..., 0, 0x20000000, AF_UNSPEC, ...) = -1 EOPNOTSUPP",
            Call::Sendto { fd: 104, data: vec![], flags: 0x2000_0000, address: SocketAddress::Unspecified },
        ),
        ("fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)", Call::Fcntl { fd: 104, command: 3, argument: 0 }),
        ("fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0", Call::Fcntl { fd: 104, command: 4, argument: 0x802 }),
        ("ioctl(4, SIOCINQ, [1000]) = 0", Call::Ioctl { fd: 104, request: 0x541b, argument: Some(0) }),
        ("ioctl(4, FIONBIO, [1]) = 0", Call::Ioctl { fd: 104, request: 0x5421, argument: Some(1) }),
        ("shutdown(4, SHUT_WR) = 0", Call::Shutdown { fd: 104, how: 1 }),
        ("listen(3, 1) = 0", Call::Listen { fd: 103, backlog: 1 }),
        ("open(\"/tmp/testfile\", O_RDONLY) = 5", Call::Open { path: "/tmp/testfile".into(), flags: 0 }),
        ("sendfile(4, 3, [0], 5) = 5", Call::Sendfile { out_fd: 104, in_fd: 103, offset: Some(0), count: 5 }),
        (
            "splice(4, NULL, 3, NULL, 99, 0) = 99",
            Call::Splice { fd_in: 104, off_in: None, fd_out: 103, off_out: None, len: 99, flags: 0 },
        ),
        ("epoll_create(1) = 5", Call::EpollCreate { size: 1 }),
        (
            "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0",
            Call::EpollCtl { epfd: 103, operation: 1, fd: 104, events: 0x8000_0004, data: 104 },
        ),
        (
            "epoll_wait(3, {events=0, ptr=0}, 1, 0) = 0",
            Call::EpollWait { epfd: 103, max_events: 1, timeout_ms: 0 },
        ),
        (
            "poll([{fd=4, events=POLLIN|POLLRDHUP, revents=0}], 1, 100) = 0",
            Call::Poll { fds: vec![PollFd { fd: 104, events: 0x2001, revents: 0 }], timeout_ms: 100 },
        ),
        ("pipe([5, 6]) = 0", Call::Pipe),
        (
            "cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0",
            Call::CapSet { effective: (1 << 41) - 1 - (1 << 12), permitted: (1 << 41) - 1, inheritable: 0 },
        ),
    ];
    for (line, expected) in rows {
        assert_eq!(Session::ours().call(line).unwrap_or_else(|e| panic!("{e}")), expected, "{line}");
    }
}

#[test]
fn administration() {
    let prefix = |text: &str, length| Prefix { address: text.parse().unwrap(), length };
    let interface = InterfaceId(0);
    let (destination, gateway) = (prefix("198.51.100.0", 24), "192.0.2.1".parse().ok());
    let rows = [
        ("link(eth0, down) = 0", Call::Link { interface, up: false }),
        (
            "address(eth0, add, \"192.0.2.7/24\") = 0",
            Call::Address { interface, prefix: prefix("192.0.2.7", 24), add: true },
        ),
        (
            "route(add, \"198.51.100.0/24\", REMOTE) = 0",
            Call::Route { destination, gateway, interface, add: true },
        ),
        (
            "route(remove, \"198.51.100.0/24\", NULL, eth0) = 0",
            Call::Route { destination, gateway: None, interface, add: false },
        ),
        ("set(ttl, 3) = 0", Call::Set { name: "ttl".into(), value: "3".into() }),
        ("set(\"net.cc\", reno) = 0", Call::Set { name: "net.cc".into(), value: "reno".into() }),
    ];
    for (line, expected) in rows {
        assert_eq!(Session::ours().call(line).unwrap_or_else(|e| panic!("{e}")), expected, "{line}");
    }
}

#[test]
fn options_are_laid_out_as_in_c() {
    let rows: [(&str, Option<&[u8]>, u32); 10] = [
        ("SOL_SOCKET, SO_REUSEADDR, [1], 4", Some(&[1, 0, 0, 0]), 4),
        ("SOL_IP, IP_TOS, [4], 1", Some(&[4, 0, 0, 0]), 1),
        ("SOL_TCP, TCP_NOTSENT_LOWAT, [0xffffffff], 4", Some(&[255; 4]), 4),
        ("SOL_SOCKET, SO_MAX_PACING_RATE, [5], 8", Some(&[5, 0, 0, 0, 0, 0, 0, 0]), 8),
        ("SOL_SOCKET, SO_LINGER, {onoff=1, linger=2}, 8", Some(&[1, 0, 0, 0, 2, 0, 0, 0]), 8),
        ("SOL_TCP, TCP_CONGESTION, \"reno\", 4", Some(b"reno"), 4),
        ("SOL_TCP, TCP_FASTOPEN_KEY, \"\", 0", Some(b""), 0),
        ("SOL_TCP, TCP_MD5SIG, ..., 3", Some(&[0; 3]), 3),
        ("SOL_TCP, TCP_NODELAY, NULL, 4", None, 4),
        (
            "SOL_IP, IP_ADD_MEMBERSHIP, {inet_addr(\"224.0.0.9\"), inet_addr(\"LOCAL\")}, 8",
            Some(&[224, 0, 0, 9, 192, 168, 0, 1]),
            8,
        ),
    ];
    for (arguments, value, length) in rows {
        let call = Session::upstream().call(&format!("setsockopt(4, {arguments}) = 0"));
        let Ok(Call::Setsockopt { value: found, length: found_length, .. }) = call else {
            panic!("{call:?}")
        };
        assert_eq!((found.as_deref(), found_length), (value, length), "{arguments}");
    }
}

#[test]
fn options_that_come_back_are_compared() {
    let option = |bytes: &[u8]| with(0, Output::Option(bytes.to_vec()));
    let mut s = Session::upstream();
    s.passes("getsockopt(4, SOL_TCP, TCP_MAXSEG, [1100], [4]) = 0", option(&[0x4c, 4, 0, 0]));
    s.passes("getsockopt(4, SOL_TCP, TCP_NOTSENT_LOWAT, [0xffffffff], [4]) = 0", option(&[255; 4]));
    s.passes("getsockopt(4, SOL_TCP, TCP_NOTSENT_LOWAT, [-1], [4]) = 0", option(&[255; 4]));
    s.passes("getsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\"..., [4]) = 0", option(b"reno\0\0\0\0"));
    s.passes(
        "getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=2}, [8]) = 0",
        option(&[1, 0, 0, 0, 2, 0, 0, 0]),
    );
    s.passes("getsockopt(4, SOL_TCP, TCP_INFO, ..., [3]) = 0", option(&[9, 9, 9]));
    s.differs(
        "getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
        option(&[104, 0, 0, 0]),
        ("option", "0", "104"),
    );
    s.differs("getsockopt(4, SOL_IP, IP_TOS, [0], [4]) = 0", option(&[0]), ("optlen", "4", "1"));
    s.differs(
        "getsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\", [4]) = 0",
        option(b"rena"),
        ("option", "0x6f at offset 3", "0x61 at offset 3"),
    );
    s.passes("ioctl(4, SIOCINQ, [1000]) = 0", with(0, Output::Integer(1000)));
    s.differs("ioctl(4, SIOCINQ, [1000]) = 0", with(0, Output::Integer(999)), ("ioctl", "1000", "999"));
    s.passes("fcntl(4, F_DUPFD, 0) = 8", Outcome::value(108));
    assert_eq!(s.call("close(8) = 0").unwrap(), Call::Close { fd: 108 });
}

#[test]
fn readiness_is_compared() {
    let polled = |revents| with(1, Output::Poll(vec![PollFd { fd: 104, events: 5, revents }]));
    let poll = "poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN|POLLOUT}], 1, 1000) = 1";
    let mut s = Session::upstream();
    s.passes(poll, polled(5));
    s.differs(poll, polled(4), ("revents[0]", "POLLIN|POLLOUT", "POLLOUT"));
    s.passes("epoll_create(1) = 5", Outcome::value(105));
    let wait = "epoll_wait(5, {events=EPOLLIN|EPOLLOUT, fd=4}, 1, 0) = 1";
    s.passes(wait, with(1, Output::Epoll(vec![(5, 104)])));
    s.differs(wait, with(1, Output::Epoll(vec![(1, 104)])), ("events[0]", "EPOLLIN|EPOLLOUT", "EPOLLIN"));
    s.differs(wait, with(1, Output::Epoll(vec![(5, 103)])), ("data[0]", "104", "103"));
    s.passes("epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0", with(0, Output::Epoll(Vec::new())));
    s.passes("pipe([7, 8]) = 0", with(0, Output::Descriptors(21, 22)));
    s.passes("splice(4, NULL, 8, NULL, 99, 0) = 99", Outcome::value(99));
    assert_eq!(s.call("close(8) = 0").unwrap(), Call::Close { fd: 22 });
}

/// struct sock_extended_err with the socket address behind it, as recvmsg brings it at level SOL_IP.
fn extended_error(errno: u8, origin: u8, info: u8, data: u8) -> (i32, i32, Vec<u8>) {
    let mut bytes = vec![0; 32];
    (bytes[0], bytes[4], bytes[8], bytes[12]) = (errno, origin, info, data);
    (0, 11, bytes)
}

#[test]
fn control_messages_are_compared() {
    let line = "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=MSG_ERRQUEUE|MSG_TRUNC, msg_control=[ \
        {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0,scm_nsec=20000000}}, \
        {cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=SO_EE_ORIGIN_TIMESTAMPING, \
        ee_type=0, ee_code=0, ee_info=SCM_TSTAMP_ACK, ee_data=9}} ]}, MSG_ERRQUEUE) = 0";
    let stamped = |nanos: u32| {
        let mut bytes = vec![0; 48];
        bytes[8..12].copy_from_slice(&nanos.to_le_bytes());
        (1, 37, bytes)
    };
    let message =
        |control: Vec<_>, flags| with(0, Output::Message(Message { control, flags, ..Message::default() }));
    let mut s = Session::upstream();
    let Ok(Call::Recvmsg { message: asked, flags: 0x2000, .. }) = s.call(line) else { panic!("recvmsg") };
    assert_eq!(asked.control_len, 64 + 48);
    s.passes(line, message(vec![stamped(22_000_000), extended_error(42, 4, 2, 9)], 0x2020));
    let stamp = stamped(20_000_000);
    s.differs(
        line,
        message(vec![stamp.clone(), extended_error(42, 4, 2, 8)], 0x2020),
        ("cmsg[1].ee_data", "9", "8"),
    );
    s.differs(line, message(vec![stamp], 0x2020), ("msg_control", "2 messages", "1 messages"));
    s.differs(
        line,
        message(vec![stamped(30_000_000)], 0x2020),
        ("cmsg[0].cmsg_data.scm_timestamp", "20ms", "30ms"),
    );
    s.differs(line, message(Vec::new(), 0x2000), ("msg_flags", "MSG_TRUNC|MSG_ERRQUEUE", "MSG_ERRQUEUE"));
    s.passes(
        "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0, \
         msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=9000}]}, 0) = 1000",
        with(
            1000,
            Output::Message(Message { control: vec![(6, 36, vec![0x28, 0x23, 0, 0])], ..Message::default() }),
        ),
    );
    s.passes(
        "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=MSG_ERRQUEUE, msg_control=[]}, MSG_ERRQUEUE) \
         = -1 EAGAIN (Resource temporarily unavailable)",
        failed("EAGAIN"),
    );
}

#[test]
fn statistics_are_compared() {
    let line = "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=0, msg_control=[ \
        {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data=[TCP_NLA_BUSY=10000, \
        TCP_NLA_SND_CWND=10, TCP_NLA_CA_STATE=...]} ]}, MSG_ERRQUEUE) = 0";
    let message = |busy: u16, cwnd: u8| {
        let mut bytes =
            vec![12, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 8, 0, cwnd, 0, 0, 0, 5, 0, 14, 0, 3, 0, 0, 0];
        bytes[4..6].copy_from_slice(&busy.to_le_bytes());
        with(0, Output::Message(Message { control: vec![(1, 54, bytes)], ..Message::default() }))
    };
    let mut s = Session::upstream();
    s.passes(line, message(13_000, 10));
    s.differs(line, message(15_000, 10), ("cmsg[0].TCP_NLA_BUSY", "10000", "15000"));
    s.differs(line, message(10_000, 9), ("cmsg[0].TCP_NLA_SND_CWND", "10", "9"));
}

#[test]
fn a_call_is_described_on_one_line() {
    let mut s = Session::ours();
    for line in [
        "read(4, ..., 10) = 10",
        "connect(4, ..., ...) = -1 ETIMEDOUT (Connection timed out)",
        "setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
        "poll([{fd=4, events=POLLIN|POLLOUT, revents=0}], 1, 0) = 0",
        "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=0}, MSG_MORE) = 5",
        "write(4, \"a\\x00\", 2) = 1 .. 2",
    ] {
        let spec = super::script::parse(&line.replace(" .. ", ".."));
        assert_eq!(describe(&spec), line);
        let prepared = prepare(&mut s.cx(), &spec).unwrap();
        let (call, _) = line.split_once(" = ").unwrap();
        assert_eq!(describe_outcome(&prepared, &Outcome::value(3)), format!("{call} = 3"));
        let refused = Outcome { result: Err(Errno(111)), output: Output::None };
        let expected = format!("{call} = -1 ECONNREFUSED (Connection refused)");
        assert_eq!(describe_outcome(&prepared, &refused), expected);
    }
}

#[test]
fn upstream_may_accept_twice_into_one_number() {
    let mut s = Session::upstream();
    s.passes("accept(3, ..., ...) = 4", Outcome::value(205));
    assert_eq!(s.call("close(4) = 0").unwrap(), Call::Close { fd: 205 });
    assert!(Session::ours().call("accept(3, ..., ...) = 4").is_err());
}
