//! Sockets of two hosts talk to each other.

use crate::common::{Pair, address, config};
use stack::config::Medium;
use stack::socket::{Call, Domain, Errno, How, Kind, PollFd, Value, events, flags};
use std::net::SocketAddr;
use std::time::Duration;

/// A listener on host 2's port 80; host 1 has connected to it. Gives both connections' descriptors.
pub(crate) fn connected(pair: &mut Pair, domain: Domain, listen: &str, connect: &str) -> (i32, i32) {
    let listener = pair.socket(1, domain, Kind::Stream);
    assert_eq!(pair.call(1, Call::Bind { fd: listener, address: address(listen) }), Ok(Value::Done));
    assert_eq!(pair.call(1, Call::Listen { fd: listener, backlog: 5 }), Ok(Value::Done));
    let accept = pair.start(1, Call::Accept { fd: listener, nonblocking: false });
    assert_eq!(pair.result(1, accept), None, "accept waits");
    let client = pair.socket(0, domain, Kind::Stream);
    let connect = pair.start(0, Call::Connect { fd: client, address: address(connect) });
    pair.run(Duration::from_millis(10));
    assert_eq!(pair.result(0, connect), Some(Ok(Value::Done)));
    match pair.result(1, accept) {
        Some(Ok(Value::Accepted(fd, _))) => (client, fd),
        other => panic!("accept: {other:?}"),
    }
}

fn tcp_conversation(medium: Medium, domain: Domain, listen: &str, connect: &str) {
    let mut pair = Pair::new(medium);
    let (client, server) = connected(&mut pair, domain, listen, connect);
    let peer = pair.call(0, Call::Getpeername { fd: client });
    assert_eq!(peer, Ok(Value::Address(address(connect))));
    assert_eq!(pair.call(1, Call::Getsockname { fd: server }), peer);

    let pattern: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
    let sending = pair.start(0, Call::Send { fd: client, data: pattern.clone(), to: None, flags: 0 });
    let mut got = Vec::new();
    while got.len() < pattern.len() {
        pair.run(Duration::from_millis(500));
        got.extend(pair.bytes(1, server));
    }
    assert_eq!(pair.result(0, sending), Some(Ok(Value::Sent(pattern.len()))));
    assert!(got == pattern, "the bytes that were sent");

    assert_eq!(pair.call(0, Call::Close { fd: client }), Ok(Value::Done));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.bytes(1, server), b"", "the end of the stream");
    assert_eq!(pair.call(1, Call::Close { fd: server }), Ok(Value::Done));
    pair.run(Duration::from_secs(300));
    assert!(pair.hosts.iter().all(|host| host.next_deadline().is_none()), "nothing is left");
}

#[test]
fn tcp_over_ipv4_ethernet() {
    tcp_conversation(Medium::Ethernet, Domain::Inet, "0.0.0.0:80", "192.0.2.2:80");
}

#[test]
fn tcp_over_ipv6_ethernet() {
    tcp_conversation(Medium::Ethernet, Domain::Inet6, "[::]:80", "[2001:db8::2]:80");
}

#[test]
fn tcp_over_mapped_addresses_and_bare_ip() {
    tcp_conversation(Medium::Ip, Domain::Inet6, "[::]:80", "[::ffff:192.0.2.2]:80");
}

#[test]
fn tcp_survives_loss() {
    let mut pair = Pair::new(Medium::Ip);
    let (client, server) = connected(&mut pair, Domain::Inet, "0.0.0.0:80", "192.0.2.2:80");
    let mut count = 0;
    pair.lose = Box::new(move |_, _| {
        count += 1;
        count % 7 == 0
    });
    let pattern: Vec<u8> = (0..50_000u32).map(|n| (n / 3) as u8).collect();
    pair.start(0, Call::Send { fd: client, data: pattern.clone(), to: None, flags: 0 });
    let call = Call::Receive { fd: server, room: pattern.len(), flags: flags::MSG_WAITALL };
    let all = pair.start(1, call);
    pair.run(Duration::from_secs(300));
    match pair.result(1, all) {
        Some(Ok(Value::Received(received))) => assert!(received.data == pattern),
        other => panic!("receive: {other:?}"),
    }
}

#[test]
fn a_host_talks_to_itself() {
    let mut pair = Pair::new(Medium::Ethernet);
    for target in ["127.0.0.1:80", "192.0.2.1:80"] {
        let listener = pair.socket(0, Domain::Inet, Kind::Stream);
        assert_eq!(
            pair.call(0, Call::Bind { fd: listener, address: address("0.0.0.0:80") }),
            Ok(Value::Done)
        );
        assert_eq!(pair.call(0, Call::Listen { fd: listener, backlog: 1 }), Ok(Value::Done));
        let client = pair.socket(0, Domain::Inet, Kind::Stream);
        assert_eq!(pair.call(0, Call::Connect { fd: client, address: address(target) }), Ok(Value::Done));
        assert_eq!(pair.send(0, client, b"hello"), Ok(Value::Sent(5)));
        let Ok(Value::Accepted(server, _)) = pair.call(0, Call::Accept { fd: listener, nonblocking: false })
        else {
            panic!("nobody to accept");
        };
        assert_eq!(pair.bytes(0, server), b"hello");
        for fd in [client, server, listener] {
            assert_eq!(pair.call(0, Call::Close { fd }), Ok(Value::Done));
        }
        pair.run(Duration::from_secs(300));
    }
    assert_eq!(pair.frames, [], "nothing left the host");
}

#[test]
fn udp_in_both_families_and_larger_than_a_frame() {
    for (domain, any, to) in [
        (Domain::Inet, "0.0.0.0:7", "192.0.2.2:7"),
        (Domain::Inet6, "[::]:7", "[2001:db8::2]:7"),
        (Domain::Inet6, "[::]:7", "[::ffff:192.0.2.2]:7"),
    ] {
        let mut pair = Pair::new(Medium::Ethernet);
        let server = pair.socket(1, domain, Kind::Datagram);
        assert_eq!(pair.call(1, Call::Bind { fd: server, address: address(any) }), Ok(Value::Done));
        let client = pair.socket(0, domain, Kind::Datagram);
        for len in [0, 1, 1472, 1473, 9000, 60_000] {
            let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let call = Call::Send { fd: client, data: data.clone(), to: Some(address(to)), flags: 0 };
            assert_eq!(pair.call(0, call), Ok(Value::Sent(len)));
            let Ok(Value::Received(received)) = pair.receive(1, server) else {
                panic!("{len} bytes to {to}")
            };
            assert!(received.data == data);
            let (from, back) = (received.from, Call::Getsockname { fd: client });
            let Ok(Value::Address(local)) = pair.call(0, back) else { panic!("getsockname") };
            assert_eq!(from.map(|from| from.port()), Some(local.port()));
        }
        assert_eq!(pair.receive(1, server), Err(Errno::EAGAIN));
    }
}

#[test]
fn a_datagram_is_cut_to_the_room_for_it_and_can_be_peeked_at() {
    let mut pair = Pair::new(Medium::Ip);
    let server = pair.socket(1, Domain::Inet, Kind::Datagram);
    pair.call(1, Call::Bind { fd: server, address: address("0.0.0.0:7") }).unwrap();
    let client = pair.socket(0, Domain::Inet, Kind::Datagram);
    pair.call(0, Call::Connect { fd: client, address: address("192.0.2.2:7") }).unwrap();
    pair.send(0, client, b"12345").unwrap();
    for flags in [flags::MSG_PEEK, 0] {
        match pair.call(1, Call::Receive { fd: server, room: 3, flags }) {
            Ok(Value::Received(received)) => assert_eq!((&*received.data, received.length), (&b"123"[..], 5)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pair.receive(1, server), Err(Errno::EAGAIN));
}

#[test]
fn nobody_listens() {
    let mut pair = Pair::new(Medium::Ethernet);
    let fd = pair.socket(0, Domain::Inet, Kind::Stream);
    let connect = Call::Connect { fd, address: address("192.0.2.2:81") };
    assert_eq!(pair.call(0, connect.clone()), Err(Errno::ECONNREFUSED));
    assert_eq!(pair.call(0, connect), Err(Errno::ECONNREFUSED), "the socket can be used again");

    let fd = pair.socket(0, Domain::Inet, Kind::Datagram);
    pair.call(0, Call::Connect { fd, address: address("192.0.2.2:81") }).unwrap();
    pair.send(0, fd, b"anybody?").unwrap();
    assert_eq!(pair.receive(0, fd), Err(Errno::ECONNREFUSED), "the port is unreachable");
    assert_eq!(pair.receive(0, fd), Err(Errno::EAGAIN), "which is told once");
}

#[test]
fn nobody_is_there() {
    let mut pair = Pair::new(Medium::Ethernet);
    let fd = pair.socket(0, Domain::Inet, Kind::Stream);
    let connect = pair.start(0, Call::Connect { fd, address: address("192.0.2.77:80") });
    pair.run(Duration::from_millis(2999));
    assert_eq!(pair.result(0, connect), None);
    pair.run(Duration::from_millis(2));
    assert_eq!(pair.result(0, connect), Some(Err(Errno::EHOSTUNREACH)));
    let no_route = Call::Connect { fd, address: address("198.51.100.1:80") };
    assert_eq!(pair.call(0, no_route), Err(Errno::ENETUNREACH));
}

#[test]
fn connect_without_waiting() {
    let mut pair = Pair::new(Medium::Ip);
    let listener = pair.socket(1, Domain::Inet, Kind::Stream);
    pair.call(1, Call::Bind { fd: listener, address: address("0.0.0.0:80") }).unwrap();
    pair.call(1, Call::Listen { fd: listener, backlog: 1 }).unwrap();
    let fd = pair.socket(0, Domain::Inet, Kind::Stream);
    pair.call(0, Call::SetNonblocking { fd, on: true }).unwrap();
    let connect = Call::Connect { fd, address: address("192.0.2.2:80") };
    pair.lose = Box::new(|_, _| true);
    assert_eq!(pair.call(0, connect.clone()), Err(Errno::EINPROGRESS));
    assert_eq!(pair.call(0, connect.clone()), Err(Errno::EALREADY));
    assert_eq!(pair.send(0, fd, b"x"), Err(Errno::EAGAIN));
    let fds = vec![PollFd { fd, events: events::POLLOUT, revents: 0 }];
    let poll = pair.start(0, Call::Poll { fds, timeout_ms: -1 });
    assert_eq!(pair.result(0, poll), None);
    pair.lose = Box::new(|_, _| false);
    pair.run(Duration::from_secs(2));
    let ready = vec![PollFd { fd, events: events::POLLOUT, revents: events::POLLOUT }];
    assert_eq!(pair.result(0, poll), Some(Ok(Value::Polled(ready))));
    assert_eq!(pair.call(0, connect.clone()), Ok(Value::Done));
    assert_eq!(pair.call(0, connect), Err(Errno::EISCONN));
}

#[test]
fn misuse_gives_the_number_that_posix_names() {
    let mut pair = Pair::new(Medium::Ip);
    let stream = pair.socket(0, Domain::Inet, Kind::Stream);
    let datagram = pair.socket(0, Domain::Inet, Kind::Datagram);
    let receive = |fd| Call::Receive { fd, room: 1, flags: 0 };
    let send = |fd, len: usize| Call::Send { fd, data: vec![0; len], to: None, flags: 0 };
    let bind = |fd, to: &str| Call::Bind { fd, address: address(to) };
    let to = |fd, to: &str| Call::Send { fd, data: vec![0], to: Some(address(to)), flags: 0 };
    let rows: &[(Call, Errno)] = &[
        (receive(99), Errno::EBADF),
        (receive(stream), Errno::ENOTCONN),
        (send(stream, 1), Errno::EPIPE),
        (send(datagram, 1), Errno::EDESTADDRREQ),
        (
            Call::Send { fd: datagram, data: vec![0; 65_508], to: Some(address("192.0.2.2:7")), flags: 0 },
            Errno::EMSGSIZE,
        ),
        (to(datagram, "192.0.2.255:7"), Errno::EACCES),
        (to(datagram, "192.0.2.2:0"), Errno::EINVAL),
        (bind(stream, "192.0.2.9:80"), Errno::EADDRNOTAVAIL),
        (bind(stream, "[::]:80"), Errno::EAFNOSUPPORT),
        (Call::Accept { fd: stream, nonblocking: false }, Errno::EINVAL),
        (Call::Accept { fd: datagram, nonblocking: false }, Errno::EOPNOTSUPP),
        (Call::Listen { fd: datagram, backlog: 1 }, Errno::EOPNOTSUPP),
        (Call::Shutdown { fd: stream, how: How::Both }, Errno::ENOTCONN),
        (Call::Getpeername { fd: stream }, Errno::ENOTCONN),
        (Call::Connect { fd: stream, address: address("224.0.0.1:80") }, Errno::ENETUNREACH),
        (Call::Getsockopt { fd: stream, level: 1, name: 9999, length: 4 }, Errno::ENOPROTOOPT),
        (Call::Setsockopt { fd: stream, level: 1, name: 2, value: vec![1] }, Errno::EINVAL),
        (Call::Setsockopt { fd: datagram, level: 6, name: 1, value: vec![1, 0, 0, 0] }, Errno::ENOPROTOOPT),
    ];
    for (call, errno) in rows {
        assert_eq!(pair.call(0, call.clone()), Err(*errno), "{call:?}");
    }
    pair.call(0, bind(stream, "192.0.2.1:80")).unwrap();
    assert_eq!(pair.call(0, bind(stream, "192.0.2.1:81")), Err(Errno::EINVAL));
    let other = pair.socket(0, Domain::Inet, Kind::Stream);
    assert_eq!(pair.call(0, bind(other, "0.0.0.0:80")), Err(Errno::EADDRINUSE));
}

#[test]
fn descriptors_are_the_lowest_free_ones() {
    let mut pair = Pair::new(Medium::Ip);
    let opened: Vec<i32> = (0..3).map(|_| pair.socket(0, Domain::Inet, Kind::Stream)).collect();
    assert_eq!(opened, [3, 4, 5]);
    pair.call(0, Call::Close { fd: 4 }).unwrap();
    assert_eq!(pair.call(0, Call::Close { fd: 4 }), Err(Errno::EBADF));
    assert_eq!(pair.socket(0, Domain::Inet6, Kind::Datagram), 4);
}

#[test]
fn writing_after_the_end() {
    let mut pair = Pair::new(Medium::Ip);
    let (client, server) = connected(&mut pair, Domain::Inet, "0.0.0.0:80", "192.0.2.2:80");
    pair.call(0, Call::Shutdown { fd: client, how: How::Write }).unwrap();
    assert_eq!(pair.send(0, client, b"x"), Err(Errno::EPIPE));
    assert_eq!(pair.bytes(1, server), b"");
    assert_eq!(pair.send(1, server, b"still"), Ok(Value::Sent(5)));
    assert_eq!(pair.bytes(0, client), b"still");
    // SO_LINGER with no time: close resets.
    let linger = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
    pair.call(1, Call::Setsockopt { fd: server, level: 1, name: 13, value: linger }).unwrap();
    pair.call(1, Call::Close { fd: server }).unwrap();
    assert_eq!(pair.receive(0, client), Err(Errno::ECONNRESET));
    assert_eq!(pair.bytes(0, client), b"");
}

#[test]
fn close_lingers_until_all_is_acknowledged() {
    let mut pair = Pair::new(Medium::Ip);
    let (client, server) = connected(&mut pair, Domain::Inet, "0.0.0.0:80", "192.0.2.2:80");
    let linger = [1i32.to_ne_bytes(), 30i32.to_ne_bytes()].concat();
    pair.call(0, Call::Setsockopt { fd: client, level: 1, name: 13, value: linger }).unwrap();
    pair.lose = Box::new(|_, _| true);
    pair.send(0, client, b"late").unwrap();
    let close = pair.start(0, Call::Close { fd: client });
    pair.run(Duration::from_millis(500));
    assert_eq!(pair.result(0, close), None);
    pair.lose = Box::new(|_, _| false);
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.result(0, close), Some(Ok(Value::Done)));
    assert_eq!(pair.bytes(1, server), b"late");
}

#[test]
fn the_seed_decides_what_is_sent() {
    let frames = |seed: u64| {
        let mut first = config(1, Medium::Ethernet, 1500);
        first.seed = seed;
        let mut pair = Pair::with(first, config(2, Medium::Ethernet, 1500));
        let (client, _) = connected(&mut pair, Domain::Inet, "0.0.0.0:80", "192.0.2.2:80");
        pair.send(0, client, b"data").unwrap();
        pair.frames
    };
    assert!(frames(5) == frames(5));
    assert!(frames(5) != frames(6));
}

#[test]
fn options_read_as_they_were_set() {
    let mut pair = Pair::new(Medium::Ip);
    let fd = pair.socket(0, Domain::Inet6, Kind::Stream);
    let get =
        |pair: &mut Pair, level, name| match pair.call(0, Call::Getsockopt { fd, level, name, length: 4 }) {
            Ok(Value::Option(value)) => i32::from_ne_bytes(value.try_into().expect("four bytes")),
            other => panic!("{level} {name}: {other:?}"),
        };
    // (level, name, first value, set to, then)
    for (level, name, before, set, after) in [
        (1, 2, 0, 1, 1),
        (1, 8, 65_536, 10_000, 20_000),
        (1, 9, 0, 1, 1),
        (0, 2, 64, 3, 3),
        (41, 16, 64, 5, 5),
        (41, 26, 0, 1, 1),
        (6, 1, 0, 1, 1),
        (6, 4, 7200, 60, 60),
        (6, 18, 0, 1234, 1234),
    ] {
        assert_eq!(get(&mut pair, level, name), before, "{level} {name}");
        let value = i32::to_ne_bytes(set).to_vec();
        assert_eq!(pair.call(0, Call::Setsockopt { fd, level, name, value }), Ok(Value::Done));
        assert_eq!(get(&mut pair, level, name), after, "{level} {name}");
    }
    assert_eq!([get(&mut pair, 1, 3), get(&mut pair, 1, 30), get(&mut pair, 1, 39)], [1, 0, 10]);
    let info = pair.call(0, Call::Getsockopt { fd, level: 6, name: 11, length: 500 });
    assert!(matches!(info, Ok(Value::Option(bytes)) if bytes.len() == 224 && bytes[0] == 7));
    let local: SocketAddr = address("[::]:0");
    assert_eq!(pair.call(0, Call::Getsockname { fd }), Ok(Value::Address(local)));
}

#[test]
fn a_socket_is_bound_to_a_link_local_address_in_its_zone() {
    let mut pair = Pair::new(Medium::Ethernet);
    let [first, second] = [0, 1].map(|host| pair.socket(host, Domain::Inet6, Kind::Datagram));
    let bind = |fd, text| Call::Bind { fd, address: address(text) };
    assert_eq!(pair.call(0, bind(first, "[fe80::ff:fe00:1%2]:7")), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(pair.call(0, bind(first, "[fe80::ff:fe00:1%1]:7")), Ok(Value::Done));
    assert_eq!(pair.call(1, bind(second, "[fe80::ff:fe00:2%1]:9")), Ok(Value::Done));
    let own = pair.call(0, Call::Getsockname { fd: first });
    assert_eq!(own, Ok(Value::Address(address("[fe80::ff:fe00:1%1]:7"))));
    let to = Some(address("[fe80::ff:fe00:1]:7"));
    assert_eq!(pair.call(1, Call::Send { fd: second, data: vec![1], to, flags: 0 }), Ok(Value::Sent(1)));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.bytes(0, first), [1]);
}

#[test]
fn a_connection_of_link_local_addresses_is_in_a_zone() {
    let mut pair = Pair::new(Medium::Ethernet);
    let (own, other) = ("[fe80::ff:fe00:1%1]:9", "[fe80::ff:fe00:2%1]:7");
    // Without a zone: in the default one.
    let (client, server) = connected(&mut pair, Domain::Inet6, other, "[fe80::ff:fe00:2]:7");
    let named = Ok(Value::Address(address(other)));
    assert_eq!(pair.call(0, Call::Getpeername { fd: client }), named);
    assert_eq!(pair.call(1, Call::Getsockname { fd: server }), named);
    let fd = pair.socket(0, Domain::Inet6, Kind::Stream);
    assert_eq!(pair.call(0, Call::Bind { fd, address: address(own) }), Ok(Value::Done));
    assert_eq!(pair.call(0, Call::Getsockname { fd }), Ok(Value::Address(address(own))));
    let elsewhere = address("[fe80::ff:fe00:2%2]:7");
    assert_eq!(pair.call(0, Call::Connect { fd, address: elsewhere }), Err(Errno::EINVAL));
    // An address of the host itself, to which a link-local one speaks.
    let listener = pair.socket(0, Domain::Inet6, Kind::Stream);
    assert_eq!(pair.call(0, Call::Bind { fd: listener, address: address("[::]:7") }), Ok(Value::Done));
    assert_eq!(pair.call(0, Call::Listen { fd: listener, backlog: 1 }), Ok(Value::Done));
    let to_itself = Call::Connect { fd, address: address("[2001:db8::1]:7") };
    assert_eq!(pair.call(0, to_itself), Ok(Value::Done));
    // Linux wants the zone.
    let tcp = stack::tcp::Config::linux();
    let linux = stack::Config { tcp, ..config(1, Medium::Ethernet, 1500) };
    let mut pair = Pair::with(linux, config(2, Medium::Ethernet, 1500));
    let fd = pair.socket(0, Domain::Inet6, Kind::Stream);
    let nowhere = address("[fe80::ff:fe00:1]:7");
    assert_eq!(pair.call(0, Call::Bind { fd, address: nowhere }), Err(Errno::EINVAL));
    assert_eq!(pair.call(0, Call::Connect { fd, address: nowhere }), Err(Errno::EINVAL));
}
