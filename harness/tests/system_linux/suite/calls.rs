//! System calls beyond those of a plain conversation.

use super::frames::{self, ACK, PSH, Segment};
use super::peer::Peer;
use super::{TUN, TUN_OFFLOAD, Wire, start};
use harness::sut::{Call, Errno, Family, Message, Outcome, Output, PollFd, SocketAddress, StackUnderTest};
use std::time::Duration;

/// A connection, with the kernel's initial sequence number.
fn connected() -> (Peer, i32, u32) {
    connected_over(TUN)
}

fn connected_over(wire: Wire) -> (Peer, i32, u32) {
    let mut peer = start(Family::Ipv4, wire);
    let fd = peer.listener();
    let iss = peer.handshake();
    let fd = peer.call(Call::Accept { fd }) as i32;
    (peer, fd, iss)
}

fn send_data(peer: &mut Peer, iss: u32, seq: u32, data: &[u8]) {
    let flags = ACK | PSH;
    let segment = Segment { from: 4000, to: 8080, seq, ack: iss.wrapping_add(1), flags, data: data.to_vec() };
    peer.send(frames::TCP, frames::tcp(&segment));
}

pub(super) fn options_and_control() {
    let (mut peer, fd, _) = connected();
    let get = |name, length| Call::Getsockopt { fd, level: libc::IPPROTO_TCP, name, length };
    let info = peer.outcome(get(libc::TCP_INFO, 104));
    // tcpi_state is the first byte, and TCP_ESTABLISHED is 1.
    assert!(
        matches!(info.output, Output::Option(ref bytes) if bytes.len() == 104 && bytes[0] == 1),
        "{info:?}"
    );
    let value = Some(1i32.to_ne_bytes().to_vec());
    let set = Call::Setsockopt { fd, level: libc::IPPROTO_TCP, name: libc::TCP_NODELAY, value, length: 4 };
    assert_eq!(peer.outcome(set), Outcome::value(0));
    assert_eq!(peer.outcome(get(libc::TCP_NODELAY, 4)).output, Output::Option(1i32.to_ne_bytes().to_vec()));

    let fd = peer.socket(libc::SOCK_DGRAM);
    peer.call(Call::Bind { fd, address: SocketAddress::Ip((peer.local, 7).into()) });
    let value = Some(1i32.to_ne_bytes().to_vec());
    peer.call(Call::Setsockopt { fd, level: libc::IPPROTO_IP, name: libc::IP_RECVTTL, value, length: 4 });
    peer.send(frames::UDP, frames::udp(4000, 7, b"12345"));
    let message = Message { iov: vec![vec![0; 2], vec![0; 10]], control_len: 256, ..Message::default() };
    let Output::Message(got) = peer.outcome(Call::Recvmsg { fd, message, flags: 0 }).output else {
        panic!("recvmsg gives a message");
    };
    assert_eq!(got.iov, [b"12".to_vec(), b"345".to_vec()]);
    assert_eq!(got.name, Some((peer.remote, 4000).into()));
    assert_eq!(got.control, [(libc::IPPROTO_IP, libc::IP_TTL, 64i32.to_ne_bytes().to_vec())]);

    let message = Message {
        name: Some((peer.remote, 9).into()),
        iov: vec![b"ab".to_vec(), b"c".to_vec()],
        control: vec![(libc::IPPROTO_IP, libc::IP_TTL, 9i32.to_ne_bytes().to_vec())],
        ..Message::default()
    };
    assert_eq!(peer.call(Call::Sendmsg { fd, message, flags: 0 }), 3);
    assert_eq!(peer.receive(frames::UDP).1[8..], *b"abc");
}

pub(super) fn readiness() {
    let (mut peer, fd, iss) = connected();
    let started = peer.linux.now();
    let asked = PollFd { fd, events: libc::POLLIN, revents: 0 };
    let poll = peer.submit(Call::Poll { fds: vec![asked], timeout_ms: 50 });
    let (at, outcome) = peer.completed(poll);
    let waited = at.saturating_since(started);
    assert_eq!(outcome.result, Ok(0));
    assert!((Duration::from_millis(50)..Duration::from_millis(500)).contains(&waited), "{waited:?}");

    let epfd = peer.call(Call::EpollCreate { size: 1 }) as i32;
    let operation = libc::EPOLL_CTL_ADD;
    peer.call(Call::EpollCtl { epfd, operation, fd, events: libc::EPOLLIN as u32, data: 77 });
    let wait = peer.submit(Call::EpollWait { epfd, max_events: 8, timeout_ms: -1 });
    assert!(peer.is_pending(wait), "nothing is there to read");
    send_data(&mut peer, iss, 1001, b"now");
    assert_eq!(peer.completed(wait).1.output, Output::Epoll(vec![(libc::EPOLLIN as u32, 77)]));
    let outcome = peer.outcome(Call::Poll { fds: vec![asked], timeout_ms: 0 });
    assert_eq!(outcome.output, Output::Poll(vec![PollFd { revents: libc::POLLIN, ..asked }]));
    // FIONREAD, which is SIOCINQ.
    let queued = peer.outcome(Call::Ioctl { fd, request: libc::FIONREAD, argument: None });
    assert_eq!(queued.output, Output::Integer(3));
}

pub(super) fn between_descriptors() {
    let (mut peer, fd, _) = connected();
    peer.call(Call::Shell { command: "printf 0123456789 >/tmp/digits".into() });
    let file = peer.call(Call::Open { path: "/tmp/digits".into(), flags: libc::O_RDONLY }) as i32;
    assert_eq!(peer.call(Call::Sendfile { out_fd: fd, in_fd: file, offset: Some(2), count: 5 }), 5);
    assert_eq!(peer.segment().data, b"23456");

    // Nagle's algorithm would keep the next small segment back.
    let value = Some(1i32.to_ne_bytes().to_vec());
    peer.call(Call::Setsockopt { fd, level: libc::IPPROTO_TCP, name: libc::TCP_NODELAY, value, length: 4 });
    let Output::Descriptors(read, write) = peer.outcome(Call::Pipe).output else { panic!("two descriptors") };
    assert_eq!(peer.call(Call::Write { fd: write, data: b"spliced".to_vec() }), 7);
    let splice = Call::Splice { fd_in: read, off_in: None, fd_out: fd, off_out: None, len: 7, flags: 0 };
    assert_eq!(peer.call(splice), 7);
    assert_eq!(peer.segment().data, b"spliced");
    let copy = peer.call(Call::Fcntl { fd: read, command: libc::F_DUPFD, argument: 100 }) as i32;
    assert!(copy >= 100);
    peer.call(Call::Writev { fd: write, data: vec![b"ab".to_vec(), b"cd".to_vec()] });
    let vectors = peer.outcome(Call::Readv { fd: copy, counts: vec![3, 3] }).output;
    assert_eq!(vectors, Output::Vectors(vec![b"abc".to_vec(), b"d".to_vec()]));
}

/// What was sent without a copy is sent again unchanged, whatever has become of the caller's memory.
pub(super) fn zerocopy() {
    // The kernel copies all the same where the device cannot gather.
    let (mut peer, fd, _) = connected_over(TUN_OFFLOAD);
    let value = Some(1i32.to_ne_bytes().to_vec());
    peer.call(Call::Setsockopt { fd, level: libc::SOL_SOCKET, name: libc::SO_ZEROCOPY, value, length: 4 });
    let data = vec![0xa5; 500];
    assert_eq!(peer.call(Call::Send { fd, data: data.clone(), flags: libc::MSG_ZEROCOPY }), 500);
    for _ in 0..50 {
        peer.outcome(Call::Send { fd: -1, data: vec![0x5a; 500], flags: 0 });
    }
    assert_eq!(peer.segment().data, data);
    assert_eq!(peer.segment().data, data, "retransmitted");
}

pub(super) fn wrong_arguments() {
    let (mut peer, fd, _) = connected();
    let mut refused = |call: Call, errno| {
        let shown = format!("{call:?}");
        assert_eq!(peer.outcome(call).result, Err(Errno(errno)), "{shown}");
    };
    // The harness's own descriptors are not the script's.
    for fd in [0, 1, 2, 3, 4, 5, 100_000, -1] {
        refused(Call::Close { fd }, libc::EBADF);
        refused(Call::Fcntl { fd, command: libc::F_GETFD, argument: 0 }, libc::EBADF);
    }
    refused(Call::Connect { fd, address: SocketAddress::Null }, libc::EFAULT);
    refused(Call::Bind { fd, address: SocketAddress::Null }, libc::EFAULT);
    let level = libc::IPPROTO_TCP;
    let name = libc::TCP_NODELAY;
    refused(Call::Setsockopt { fd, level, name, value: None, length: 4 }, libc::EFAULT);
    refused(Call::Setsockopt { fd, level, name, value: Some(vec![1]), length: 1 }, libc::EINVAL);
    refused(Call::Getsockopt { fd, level, name, length: u32::MAX }, libc::EINVAL);
    refused(Call::EpollCreate { size: 0 }, libc::EINVAL);
    refused(Call::Socket { domain: 99, kind: libc::SOCK_STREAM, protocol: 0 }, libc::EAFNOSUPPORT);
    let gone = PollFd { fd: 1, events: libc::POLLIN, revents: 0 };
    let polled = peer.outcome(Call::Poll { fds: vec![gone], timeout_ms: 0 });
    assert_eq!(polled.output, Output::Poll(vec![PollFd { revents: libc::POLLNVAL, ..gone }]));
}

pub(super) fn capabilities() {
    let (mut peer, fd, _) = connected();
    let value = Some(7i32.to_ne_bytes().to_vec());
    let mark = Call::Setsockopt { fd, level: libc::SOL_SOCKET, name: libc::SO_MARK, value, length: 4 };
    assert_eq!(peer.outcome(mark.clone()), Outcome::value(0));
    assert_eq!(peer.outcome(Call::CapSet { effective: 0, permitted: 0, inheritable: 0 }), Outcome::value(0));
    // A call that blocks meanwhile makes the next one run on another thread, which has to have lost them as well.
    let blocked = peer.submit(Call::Read { fd, count: 1 });
    assert_eq!(peer.outcome(mark), Outcome::error(libc::EPERM));
    assert!(peer.is_pending(blocked));
}
