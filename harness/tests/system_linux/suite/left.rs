//! What runs leave behind: nothing.

use super::peer::{Peer, setup};
use super::{TAP, TUN, VETH, Wire, start};
use harness::sut::{Call, Family, SocketAddress, StackUnderTest};
use std::time::{Duration, Instant};

/// What a process has: descriptors, threads, and the interfaces and namespace that it sees.
#[derive(Debug, PartialEq)]
struct Belongings {
    descriptors: usize,
    threads: usize,
    interfaces: Vec<String>,
    namespace: String,
}

impl Belongings {
    fn now() -> Belongings {
        let entries = |path: &str| std::fs::read_dir(path).expect(path).flatten();
        let names = entries("/sys/class/net").map(|e| e.file_name().to_string_lossy().into_owned());
        let mut interfaces: Vec<String> = names.collect();
        interfaces.sort();
        Belongings {
            descriptors: entries("/proc/self/fd").count(),
            threads: entries("/proc/self/task").count(),
            interfaces,
            namespace: std::fs::read_link("/proc/self/ns/net").expect("ns").display().to_string(),
        }
    }

    /// A thread that was joined may be listed for a moment more.
    fn are_back(&self) {
        let start = Instant::now();
        while Belongings::now() != *self {
            assert!(start.elapsed() < Duration::from_secs(3), "{:?} were {self:?}", Belongings::now());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A run with all that could stay: a connection, blocked calls, a command in the background, files.
fn busy(peer: &mut Peer) {
    let fd = peer.listener();
    peer.handshake();
    let connection = peer.call(Call::Accept { fd }) as i32;
    for call in [
        Call::Accept { fd },
        Call::Read { fd: connection, count: 1 },
        Call::Poll { fds: Vec::new(), timeout_ms: -1 },
        Call::Shell { command: "sleep 86398 & echo x >/tmp/x; sleep 86398".into() },
    ] {
        let id = peer.submit(call);
        assert!(peer.is_pending(id));
    }
    peer.call(Call::Pipe);
    let fd = peer.socket(libc::SOCK_STREAM);
    peer.submit(Call::Connect { fd, address: SocketAddress::Ip((peer.remote, 80).into()) });
}

pub(super) fn after_run() {
    for wire in [TUN, TAP, VETH] {
        let before = Belongings::now();
        let mut peer = start(Family::Ipv4, wire);
        for _ in 0..3 {
            busy(&mut peer);
            let begun = Instant::now();
            peer.linux.start(&setup(wire.1, Family::Ipv4, wire.2)).expect("the next run");
            assert!(begun.elapsed() < Duration::from_secs(1), "blocked calls hold nothing up");
            peer.events.clear();
        }
        busy(&mut peer);
        drop(peer);
        before.are_back();
    }
}

pub(super) fn after_panic() {
    let before = Belongings::now();
    let panicked = std::panic::catch_unwind(|| {
        let mut peer = start(Family::Ipv4, TUN);
        busy(&mut peer);
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(panicked.is_err());
    before.are_back();
}

/// Live network namespaces, as the slab allocator counts them: to within a slab or two.
fn namespaces() -> i64 {
    let slabs = std::fs::read_to_string("/proc/slabinfo").expect("/proc/slabinfo is root's to read");
    let line = slabs.lines().find(|l| l.starts_with("net_namespace")).expect("a slab of network namespaces");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

/// Runs that end with a connection whose FIN nobody answers, which would keep their namespaces for minutes.
fn series(wire: Wire, runs: i64) {
    let mut peer = start(Family::Ipv4, wire);
    let before = namespaces();
    let begun = Instant::now();
    for _ in 0..runs {
        peer.linux.start(&setup(wire.1, Family::Ipv4, wire.2)).expect("a run");
        let fd = peer.listener();
        peer.handshake();
        let fd = peer.call(Call::Accept { fd }) as i32;
        peer.call(Call::Write { fd, data: vec![0; 1000] });
        peer.call(Call::Close { fd });
        assert!(!peer.segment().data.is_empty(), "data that nobody will acknowledge");
        peer.events.clear();
    }
    println!("{runs} runs on {}: {:?} each", wire.0, begun.elapsed() / u32::try_from(runs).expect("few"));
    drop(peer);
    let begun = Instant::now();
    while namespaces() > before + runs / 4 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} namespaces, before {before}", namespaces());
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(super) fn pile_up() {
    series(TUN, 300);
    series(VETH, 300);
}
