use super::*;
use crate::stacks::smoltcp::Smoltcp;
use crate::sut::{
    Family, Interface, MacAddress, Medium, Message, Output, PollFd, Prefix, Rules, SocketAddress,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The wire's delay, each way.
const DELAY: Duration = Duration::from_millis(10);
const CLIENT: usize = 0;
const SERVER: usize = 1;

fn setup(index: usize) -> Setup {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let (v4, v6) = [("192.0.2.1", "2001:db8::1"), ("192.0.2.2", "2001:db8::2")][index];
    let addresses =
        vec![Prefix { address: address(v4), length: 24 }, Prefix { address: address(v6), length: 64 }];
    Setup {
        rules: Rules::Ours,
        family: Family::Ipv4,
        interfaces: vec![Interface {
            name: "tun0".into(),
            medium: Medium::Ip,
            mtu: 1500,
            mac: MacAddress([0; 6]),
            addresses,
        }],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: BTreeMap::new(),
        seed: index as u64,
    }
}

/// Two stacks and a wire.
struct Pair {
    stacks: [Descriptors<Smoltcp>; 2],
    flying: VecDeque<(Instant, usize, Vec<u8>)>,
    completed: [BTreeMap<CallId, (Instant, Outcome)>; 2],
    /// Whether the wire loses everything.
    cut: bool,
}

impl Pair {
    fn new() -> Pair {
        let stacks = [CLIENT, SERVER].map(|index| {
            let mut stack = Descriptors::new(Smoltcp::default());
            stack.start(&setup(index)).unwrap();
            stack
        });
        Pair { stacks, flying: VecDeque::new(), completed: Default::default(), cut: false }
    }

    fn collect(&mut self) {
        for (index, stack) in self.stacks.iter_mut().enumerate() {
            let mut events = Vec::new();
            stack.events(&mut events).unwrap();
            for event in events {
                match event {
                    Event::Frame { at, bytes, .. } if !self.cut => {
                        self.flying.push_back((at + DELAY, 1 - index, bytes));
                    }
                    Event::Frame { .. } => {}
                    Event::Completed { id, at, outcome } => {
                        self.completed[index].insert(id, (at, outcome));
                    }
                }
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.stacks[0].now() + time;
        loop {
            self.collect();
            let arrival = self.flying.front().map(|(at, ..)| *at);
            let deadlines = self.stacks.iter().filter_map(|stack| stack.next_deadline());
            let next = deadlines.chain(arrival).chain([until]).min().unwrap();
            for stack in &mut self.stacks {
                stack.run_until(next).unwrap();
            }
            while self.flying.front().is_some_and(|(at, ..)| *at <= next) {
                let (_, to, frame) = self.flying.pop_front().unwrap();
                self.stacks[to].inject(InterfaceId(0), &frame).unwrap();
            }
            if next == until {
                return self.collect();
            }
        }
    }

    fn submit(&mut self, who: usize, call: Call) -> CallId {
        let id = self.stacks[who].submit(call).unwrap();
        self.collect();
        id
    }

    /// A call that completes at once.
    fn now(&mut self, who: usize, call: Call) -> Outcome {
        let id = self.submit(who, call.clone());
        self.completed[who].remove(&id).unwrap_or_else(|| panic!("{call:?} blocks")).1
    }

    /// A call that completes at once, by its number.
    fn result(&mut self, who: usize, call: Call) -> Result<i64, i32> {
        self.now(who, call).result.map_err(|e| e.0)
    }

    /// When a call completed after the beginning, in milliseconds, and its number.
    fn done(&mut self, who: usize, id: CallId) -> Option<(u64, Result<i64, i32>)> {
        let (at, outcome) = self.completed[who].get(&id)?;
        Some((at.as_millis(), outcome.result.map_err(|e| e.0)))
    }

    fn socket(&mut self, who: usize, kind: i32) -> i64 {
        self.result(who, Call::Socket { domain: libc::AF_INET, kind, protocol: 0 }).unwrap()
    }

    /// A listener on descriptor 3 of the server; connections on 4 of the server and 3 of the client.
    fn connected() -> Pair {
        let mut pair = Pair::new();
        assert_eq!(pair.socket(SERVER, libc::SOCK_STREAM), 3);
        assert_eq!(pair.result(SERVER, Call::Bind { fd: 3, address: ip("0.0.0.0:80") }), Ok(0));
        assert_eq!(pair.result(SERVER, Call::Listen { fd: 3, backlog: 1 }), Ok(0));
        let accept = pair.submit(SERVER, Call::Accept { fd: 3 });
        assert_eq!(pair.socket(CLIENT, libc::SOCK_STREAM), 3);
        let connect = pair.submit(CLIENT, Call::Connect { fd: 3, address: ip("192.0.2.2:80") });
        pair.run(Duration::from_millis(100));
        assert_eq!(pair.done(CLIENT, connect), Some((20, Ok(0))));
        assert_eq!(pair.done(SERVER, accept), Some((30, Ok(4))));
        pair
    }
}

fn ip(text: &str) -> SocketAddress {
    SocketAddress::Ip(text.parse().unwrap())
}

fn write(fd: i32, data: &[u8]) -> Call {
    Call::Write { fd, data: data.to_vec() }
}

fn read(fd: i32) -> Call {
    Call::Read { fd, count: 100_000 }
}

fn nonblocking(fd: i32) -> Call {
    Call::Fcntl { fd, command: libc::F_SETFL, argument: i64::from(libc::O_NONBLOCK) }
}

fn data(outcome: Outcome) -> Vec<u8> {
    match outcome.output {
        Output::Data(data) => data,
        other => panic!("{other:?} is not data"),
    }
}

#[test]
fn bytes_and_ends_travel_both_ways() {
    let mut pair = Pair::connected();
    let blocked = pair.submit(SERVER, read(4));
    assert_eq!(pair.result(CLIENT, write(3, b"hello")), Ok(5));
    pair.run(Duration::from_millis(100));
    // The read completes at the instant at which the segment arrives.
    assert_eq!(pair.done(SERVER, blocked), Some((110, Ok(5))));
    assert_eq!(pair.result(SERVER, write(4, b"world!")), Ok(6));
    pair.run(Duration::from_millis(100));
    assert_eq!(data(pair.now(CLIENT, read(3))), b"world!");

    assert_eq!(pair.result(CLIENT, Call::Shutdown { fd: 3, how: libc::SHUT_WR }), Ok(0));
    assert_eq!(pair.result(CLIENT, write(3, b"x")), Err(libc::EPIPE));
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.result(SERVER, read(4)), Ok(0));
    assert_eq!(pair.result(SERVER, write(4, b"late")), Ok(4));
    assert_eq!(pair.result(SERVER, Call::Close { fd: 4 }), Ok(0));
    assert_eq!(pair.result(SERVER, read(4)), Err(libc::EBADF));
    pair.run(Duration::from_millis(100));
    assert_eq!(data(pair.now(CLIENT, read(3))), b"late");
    assert_eq!(pair.result(CLIENT, read(3)), Ok(0));
    assert_eq!(pair.result(CLIENT, Call::Close { fd: 3 }), Ok(0));
    pair.run(Duration::from_secs(120));
    assert!(pair.stacks.iter().all(|stack| stack.lingering.is_empty()));
}

#[test]
fn a_blocking_write_waits_for_room() {
    let mut pair = Pair::connected();
    let big = vec![7; 300_000];
    let id = pair.submit(CLIENT, write(3, &big));
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.done(CLIENT, id), None);
    let mut got = 0;
    for _ in 0..100 {
        let outcome = pair.now(SERVER, Call::Recv { fd: 4, count: 100_000, flags: libc::MSG_DONTWAIT });
        got += outcome.result.unwrap_or(0);
        pair.run(Duration::from_millis(50));
    }
    assert_eq!(got, 300_000);
    assert_eq!(pair.done(CLIENT, id).map(|(_, result)| result), Some(Ok(300_000)));
}

#[test]
fn peek_leaves_and_waitall_collects() {
    let mut pair = Pair::connected();
    let recv = |count, flags| Call::Recv { fd: 4, count, flags };
    let all = pair.submit(SERVER, recv(6, libc::MSG_WAITALL));
    pair.now(CLIENT, write(3, b"abc"));
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.done(SERVER, all), None);
    pair.now(CLIENT, write(3, b"defgh"));
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.done(SERVER, all), Some((160, Ok(6))));
    assert_eq!(data(pair.now(SERVER, recv(9, libc::MSG_PEEK))), b"gh");
    assert_eq!(
        pair.now(SERVER, Call::Ioctl { fd: 4, request: libc::FIONREAD, argument: None }).output,
        Output::Integer(2)
    );
    assert_eq!(
        pair.now(SERVER, Call::Readv { fd: 4, counts: vec![1, 5] }).output,
        Output::Vectors(vec![b"g".to_vec(), b"h".to_vec()])
    );
    assert_eq!(pair.result(SERVER, recv(9, libc::MSG_DONTWAIT)), Err(libc::EAGAIN));
}

#[test]
fn refusal_and_reset_reach_the_call() {
    let mut pair = Pair::new();
    pair.socket(CLIENT, libc::SOCK_STREAM);
    let connect = pair.submit(CLIENT, Call::Connect { fd: 3, address: ip("192.0.2.2:80") });
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.done(CLIENT, connect), Some((20, Err(libc::ECONNREFUSED))));

    let mut pair = Pair::connected();
    let blocked = pair.submit(CLIENT, read(3));
    let linger = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
    let (level, name) = (libc::SOL_SOCKET, libc::SO_LINGER);
    pair.now(SERVER, Call::Setsockopt { fd: 4, level, name, value: Some(linger), length: 8 });
    pair.now(SERVER, Call::Close { fd: 4 });
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.done(CLIENT, blocked), Some((110, Err(libc::ECONNRESET))));
    assert_eq!(pair.result(CLIENT, read(3)), Ok(0));
    assert_eq!(pair.result(CLIENT, write(3, b"x")), Err(libc::EPIPE));
}

/// A socket that failed to connect can try again, from another port.
#[test]
fn connect_again_after_a_refusal() {
    let mut pair = Pair::new();
    pair.socket(CLIENT, libc::SOCK_STREAM);
    let port_after = |pair: &mut Pair| {
        pair.submit(CLIENT, Call::Connect { fd: 3, address: ip("192.0.2.2:80") });
        let name = pair.now(CLIENT, Call::Getsockname { fd: 3 }).output;
        pair.run(Duration::from_millis(100));
        name
    };
    let (first, second) = (port_after(&mut pair), port_after(&mut pair));
    assert_ne!(first, second);
    let unnamed = Output::Address(Some("0.0.0.0:0".parse().unwrap()), Vec::new());
    assert_eq!(pair.now(CLIENT, Call::Getsockname { fd: 3 }).output, unnamed);
}

/// A port in TIME-WAIT can be bound where SO_REUSEADDR is set, or once TIME-WAIT is over.
#[test]
fn reuse_of_a_port_in_time_wait() {
    for (reuse, wait, expected) in [(0i32, 1, Err(libc::EADDRINUSE)), (1, 1, Ok(0)), (0, 240, Ok(0))] {
        let mut pair = Pair::connected();
        let set = |fd| {
            let (level, name, value) =
                (libc::SOL_SOCKET, libc::SO_REUSEADDR, Some(reuse.to_ne_bytes().to_vec()));
            Call::Setsockopt { fd, level, name, value, length: 4 }
        };
        for call in [Call::Close { fd: 3 }, set(4), Call::Close { fd: 4 }] {
            assert_eq!(pair.result(SERVER, call), Ok(0));
        }
        pair.run(Duration::from_millis(100));
        pair.now(CLIENT, Call::Close { fd: 3 });
        pair.run(Duration::from_secs(wait));
        pair.socket(SERVER, libc::SOCK_STREAM);
        pair.now(SERVER, set(3));
        assert_eq!(pair.result(SERVER, Call::Bind { fd: 3, address: ip("0.0.0.0:80") }), expected);
    }
}

/// As on Linux, a reset behind the peer's FIN leaves the end of the stream to the reader and EPIPE to the writer.
#[test]
fn reset_behind_a_fin() {
    let mut pair = Pair::connected();
    pair.now(CLIENT, Call::Close { fd: 3 });
    pair.run(Duration::from_millis(50));
    // The peer has closed, so bytes for it make it abort.
    assert_eq!(pair.result(SERVER, write(4, b"too late")), Ok(8));
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.result(SERVER, read(4)), Ok(0));
    assert_eq!(pair.result(SERVER, write(4, b"x")), Err(libc::EPIPE));
}

/// RFC 9293 §3.6.1, SHLD-3: what nobody will read is answered with a RST.
#[test]
fn close_with_unread_bytes_resets() {
    let mut pair = Pair::connected();
    pair.now(CLIENT, write(3, b"unread"));
    pair.run(Duration::from_millis(50));
    pair.now(SERVER, Call::Close { fd: 4 });
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.result(CLIENT, read(3)), Err(libc::ECONNRESET));
}

#[test]
fn nonblocking_connect_tells_by_poll_and_so_error() {
    for (port, expected, errno) in
        [(80, libc::POLLOUT, 0), (81, libc::POLLOUT | libc::POLLERR | libc::POLLHUP, libc::ECONNREFUSED)]
    {
        let mut pair = Pair::connected();
        assert_eq!(pair.socket(CLIENT, libc::SOCK_STREAM | libc::SOCK_NONBLOCK), 4);
        let connect = Call::Connect { fd: 4, address: ip(&format!("192.0.2.2:{port}")) };
        assert_eq!(pair.result(CLIENT, connect.clone()), Err(libc::EINPROGRESS));
        assert_eq!(pair.result(CLIENT, connect), Err(libc::EALREADY));
        let events = libc::POLLOUT;
        let poll = pair
            .submit(CLIENT, Call::Poll { fds: vec![PollFd { fd: 4, events, revents: 0 }], timeout_ms: 1000 });
        pair.run(Duration::from_millis(100));
        assert_eq!(pair.done(CLIENT, poll), Some((120, Ok(1))));
        let Output::Poll(fds) = &pair.completed[CLIENT][&poll].1.output else { panic!("no poll output") };
        assert_eq!(fds[0].revents, expected);
        let (level, name) = (libc::SOL_SOCKET, libc::SO_ERROR);
        let outcome = pair.now(CLIENT, Call::Getsockopt { fd: 4, level, name, length: 4 });
        assert_eq!(outcome.output, Output::Option(errno.to_ne_bytes().to_vec()));
    }
}

#[test]
fn poll_times_out_at_its_instant() {
    let mut pair = Pair::connected();
    let fds = vec![PollFd { fd: 3, events: libc::POLLIN, revents: 0 }];
    let id = pair.submit(CLIENT, Call::Poll { fds, timeout_ms: 250 });
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.done(CLIENT, id), Some((350, Ok(0))));
}

#[test]
fn accept_gives_connections_in_the_order_of_their_handshakes() {
    let mut pair = Pair::connected();
    for fd in 4..20 {
        assert_eq!(pair.socket(CLIENT, libc::SOCK_STREAM), fd);
        pair.submit(CLIENT, Call::Connect { fd: fd as i32, address: ip("192.0.2.2:80") });
    }
    pair.run(Duration::from_millis(100));
    for fd in 4..20 {
        let Output::Address(own, _) = pair.now(CLIENT, Call::Getsockname { fd }).output else {
            panic!("no address")
        };
        let outcome = pair.now(SERVER, Call::Accept { fd: 3 });
        assert_eq!(outcome.output, Output::Address(own, Vec::new()));
    }
}

#[test]
fn datagrams() {
    let mut pair = Pair::new();
    pair.socket(SERVER, libc::SOCK_DGRAM);
    pair.now(SERVER, Call::Bind { fd: 3, address: ip("0.0.0.0:7") });
    let blocked = pair.submit(SERVER, Call::Recvfrom { fd: 3, count: 3, flags: libc::MSG_TRUNC });
    pair.socket(CLIENT, libc::SOCK_DGRAM);
    pair.now(CLIENT, Call::Bind { fd: 3, address: ip("192.0.2.1:4000") });
    let big = vec![1; 4000];
    for payload in [b"hello".to_vec(), big.clone()] {
        let sent = payload.len() as i64;
        let call = Call::Sendto { fd: 3, data: payload, flags: 0, address: ip("192.0.2.2:7") };
        assert_eq!(pair.result(CLIENT, call), Ok(sent));
    }
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.done(SERVER, blocked), Some((10, Ok(5))));
    let from = "192.0.2.1:4000".parse().unwrap();
    assert_eq!(pair.completed[SERVER][&blocked].1.output, Output::Address(Some(from), b"hel".to_vec()));
    // 4000 bytes travel in three fragments.
    let message = Message { iov: vec![vec![0; 1000], vec![0; 4000]], ..Message::default() };
    let outcome = pair.now(SERVER, Call::Recvmsg { fd: 3, message, flags: 0 });
    let iov = vec![big[..1000].to_vec(), big[1000..].to_vec()];
    assert_eq!(outcome.output, Output::Message(Message { name: Some(from), iov, ..Message::default() }));
}

/// Wrong calls and what Linux says to them: 3 is a fresh stream socket, 4 a fresh datagram socket, 5 a listener, 6 a
/// connection, 7 an IPv6 stream socket.
#[test]
fn misuse() {
    use libc::{
        AF_INET, AF_INET6, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, EDESTADDRREQ, EFAULT,
        EINVAL, EISCONN,
    };
    use libc::{
        EACCES, EMSGSIZE, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPIPE, EPROTONOSUPPORT, ESOCKTNOSUPPORT,
        IPPROTO_TCP, IPPROTO_UDP,
    };
    use libc::{MSG_DONTWAIT, SHUT_RD, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM};
    use libc::{SO_LINGER, SO_REUSEADDR, SO_TYPE, SOL_SOCKET, TCP_NODELAY};
    let v6 = || ip("[2001:db8::2]:80");
    let v4 = || ip("192.0.2.2:80");
    let socket = |domain, kind, protocol| Call::Socket { domain, kind, protocol };
    let option = |fd, level, name, value: Option<i32>, length| Call::Setsockopt {
        fd,
        level,
        name,
        value: value.map(|v| v.to_ne_bytes().to_vec()),
        length,
    };
    let rows = vec![
        (socket(77, SOCK_STREAM, 0), EAFNOSUPPORT),
        (socket(AF_INET, 99, 0), EINVAL),
        (socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT),
        (socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT),
        (Call::Close { fd: 99 }, EBADF),
        (Call::Bind { fd: 3, address: SocketAddress::Null }, EFAULT),
        (Call::Bind { fd: 3, address: SocketAddress::Unspecified }, EAFNOSUPPORT),
        (Call::Bind { fd: 3, address: v6() }, EAFNOSUPPORT),
        (Call::Bind { fd: 7, address: v4() }, EINVAL),
        (Call::Bind { fd: 3, address: ip("203.0.113.1:80") }, EADDRNOTAVAIL),
        (Call::Bind { fd: 3, address: ip("0.0.0.0:80") }, EADDRINUSE),
        (Call::Bind { fd: 5, address: ip("0.0.0.0:81") }, EINVAL),
        (Call::Listen { fd: 4, backlog: 1 }, EOPNOTSUPP),
        (Call::Listen { fd: 6, backlog: 1 }, EINVAL),
        (Call::Accept { fd: 3 }, EINVAL),
        (Call::Accept { fd: 4 }, EOPNOTSUPP),
        (Call::Accept { fd: 5 }, EAGAIN),
        (Call::Connect { fd: 3, address: SocketAddress::Null }, EFAULT),
        (Call::Connect { fd: 3, address: v6() }, EAFNOSUPPORT),
        (Call::Connect { fd: 5, address: v4() }, EISCONN),
        (Call::Connect { fd: 6, address: v4() }, EISCONN),
        (read(3), ENOTCONN),
        (read(5), ENOTCONN),
        (read(6), EAGAIN),
        (read(99), EBADF),
        (Call::Recv { fd: 4, count: 1, flags: MSG_DONTWAIT }, EAGAIN),
        (write(3, b"x"), EPIPE),
        (write(5, b"x"), EPIPE),
        (write(4, b"x"), EDESTADDRREQ),
        (Call::Sendto { fd: 4, data: vec![0; 65_508], flags: 0, address: v4() }, EMSGSIZE),
        (Call::Sendto { fd: 4, data: vec![], flags: 0, address: v6() }, EAFNOSUPPORT),
        (Call::Sendto { fd: 4, data: vec![], flags: 0, address: ip("255.255.255.255:7") }, EACCES),
        (Call::Shutdown { fd: 3, how: SHUT_RD }, ENOTCONN),
        (Call::Shutdown { fd: 4, how: SHUT_RD }, ENOTCONN),
        (Call::Shutdown { fd: 6, how: 3 }, EINVAL),
        (Call::Getpeername { fd: 3 }, ENOTCONN),
        (Call::Getpeername { fd: 5 }, ENOTCONN),
        (Call::Fcntl { fd: 3, command: 9999, argument: 0 }, EINVAL),
        (option(3, SOL_SOCKET, SO_REUSEADDR, Some(1), 3), EINVAL),
        (option(3, SOL_SOCKET, SO_REUSEADDR, None, 4), EFAULT),
        (option(3, SOL_SOCKET, SO_LINGER, Some(1), 4), EINVAL),
        (option(3, SOL_SOCKET, SO_TYPE, Some(1), 4), ENOPROTOOPT),
        (Call::Getsockopt { fd: 4, level: IPPROTO_TCP, name: TCP_NODELAY, length: 4 }, EOPNOTSUPP),
    ];
    let mut pair = Pair::new();
    pair.socket(SERVER, SOCK_STREAM);
    pair.now(SERVER, Call::Bind { fd: 3, address: ip("0.0.0.0:80") });
    pair.now(SERVER, Call::Listen { fd: 3, backlog: 1 });
    pair.socket(CLIENT, SOCK_STREAM);
    pair.socket(CLIENT, SOCK_DGRAM);
    pair.socket(CLIENT, SOCK_STREAM | SOCK_NONBLOCK);
    pair.now(CLIENT, Call::Bind { fd: 5, address: ip("0.0.0.0:80") });
    pair.now(CLIENT, Call::Listen { fd: 5, backlog: 1 });
    pair.socket(CLIENT, SOCK_STREAM);
    pair.submit(CLIENT, Call::Connect { fd: 6, address: v4() });
    pair.run(Duration::from_millis(100));
    pair.now(CLIENT, nonblocking(6));
    pair.now(CLIENT, socket(AF_INET6, SOCK_STREAM, 0));
    for (call, errno) in rows {
        assert_eq!(pair.result(CLIENT, call.clone()), Err(errno), "{call:?}");
    }
}

/// What user calls cannot give is refused by name, and nothing has happened then.
#[test]
fn refusals() {
    let mut pair = Pair::connected();
    let check = |pair: &mut Pair, call: Call, name: &str| {
        assert_eq!(pair.stacks[CLIENT].submit(call), Err(Refusal::Unsupported(name.to_owned())));
    };
    let send = |flags| Call::Send { fd: 3, data: vec![0], flags };
    check(&mut pair, send(libc::MSG_OOB), "urgent");
    check(&mut pair, Call::Shell { command: "true".into() }, "shell");
    check(&mut pair, Call::Pipe, "files and pipes");
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
    check(&mut pair, Call::Getsockopt { fd: 3, level, name, length: 4 }, "tcp-info");
    let domain = libc::AF_INET6;
    assert_eq!(pair.result(CLIENT, Call::Socket { domain, kind: libc::SOCK_STREAM, protocol: 0 }), Ok(4));
    check(&mut pair, Call::Connect { fd: 4, address: ip("[::ffff:192.0.2.2]:80") }, "mapped-addresses");
    assert_eq!(pair.socket(CLIENT, libc::SOCK_DGRAM), 5);
    assert_eq!(pair.result(CLIENT, Call::Connect { fd: 5, address: ip("192.0.2.2:80") }), Ok(0));
    check(&mut pair, Call::Getsockname { fd: 5 }, "the name of a connected datagram socket");
}

/// A stack that does not tell why a connection ended: what ends it as time passes is a timeout.
#[test]
fn the_user_timeout_ends_a_call_with_etimedout() {
    let mut pair = Pair::connected();
    let (level, name, value) =
        (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, Some(5000i32.to_ne_bytes().to_vec()));
    pair.now(CLIENT, Call::Setsockopt { fd: 3, level, name, value, length: 4 });
    pair.cut = true;
    pair.now(CLIENT, write(3, b"lost"));
    let id = pair.submit(CLIENT, read(3));
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.done(CLIENT, id), Some((5100, Err(libc::ETIMEDOUT))));
}

/// Nothing is made up while the stack keeps trying.
#[test]
fn a_silent_peer_leaves_the_call_blocked() {
    let mut pair = Pair::connected();
    pair.cut = true;
    pair.now(CLIENT, write(3, b"lost"));
    let id = pair.submit(CLIENT, read(3));
    pair.run(Duration::from_secs(3600));
    assert_eq!(pair.done(CLIENT, id), None);
}

/// Two applications that call whatever comes to mind: nothing panics, and every call that completes does so once.
#[test]
fn no_sequence_of_calls_panics() {
    let mut pair = Pair::connected();
    let mut random = 1u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    for _ in 0..20_000 {
        let who = below(2) as usize;
        let fd = 2 + below(8) as i32;
        let flags = [0, libc::MSG_DONTWAIT, libc::MSG_PEEK, libc::MSG_WAITALL][below(4) as usize];
        let address = ip(&format!("192.0.2.{}:{}", 1 + below(2), 80 + below(3)));
        let call = match below(12) {
            0 => Call::Socket { domain: libc::AF_INET, kind: 1 + below(2) as i32, protocol: 0 },
            1 => Call::Bind { fd, address },
            2 => Call::Listen { fd, backlog: 1 },
            3 => Call::Accept { fd },
            4 => Call::Connect {
                fd,
                address: if below(8) == 0 { SocketAddress::Unspecified } else { address },
            },
            5 => Call::Recv { fd, count: below(5000) as usize, flags },
            6 => Call::Write { fd, data: vec![0; below(5000) as usize] },
            7 => Call::Sendto { fd, data: vec![0; below(5000) as usize], flags: 0, address },
            8 => Call::Shutdown { fd, how: below(4) as i32 },
            9 => Call::Close { fd },
            10 => nonblocking(fd),
            _ => Call::Poll {
                fds: vec![PollFd { fd, events: -1, revents: 0 }],
                timeout_ms: below(50) as i32 - 1,
            },
        };
        let _skipped = pair.stacks[who].submit(call).is_err();
        pair.run(Duration::from_millis(below(20)));
    }
    let calls = pair.stacks.iter().map(|stack| stack.next_call as usize).sum::<usize>();
    let completed = pair.completed.iter().map(BTreeMap::len).sum::<usize>();
    let waiting = pair.stacks.iter().map(|stack| stack.waiting.len()).sum::<usize>();
    // `connected` makes calls too, some of which its checks take out of the map.
    assert!(
        completed + waiting <= calls && completed + waiting + 10 > calls,
        "{completed} + {waiting} of {calls}"
    );
}
