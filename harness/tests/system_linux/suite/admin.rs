//! Administrative calls and settings.

use super::frames::{self, SYN, Segment};
use super::peer::{Peer, setup};
use super::{TAP, TUN, Wire, start};
use harness::sut::{
    Call, Errno, Family, InterfaceId, Medium, Outcome, Output, Prefix, Refusal, Route, Rules, SocketAddress,
    StackUnderTest,
};
use std::net::IpAddr;
use std::time::Duration;

fn prefix(text: &str, length: u8) -> Prefix {
    Prefix { address: text.parse().expect(text), length }
}

fn connect(peer: &mut Peer, to: &str) -> Option<Segment> {
    let fd = peer.socket(libc::SOCK_STREAM);
    let to: IpAddr = to.parse().expect(to);
    peer.events.clear();
    let connect = peer.submit(Call::Connect { fd, address: SocketAddress::Ip((to, 80).into()) });
    peer.linux.run_until(peer.linux.now() + Duration::from_millis(50)).expect("run_until");
    if peer.is_pending(connect) { Some(peer.segment()) } else { None }
}

pub(super) fn administrative_calls() {
    let mut peer = start(Family::Ipv4, TUN);
    let interface = InterfaceId(0);
    assert_eq!(connect(&mut peer, "198.51.100.1"), None, "no route");
    let destination = prefix("198.51.100.0", 24);
    let gateway = Some("192.0.2.2".parse().expect("address"));
    let route = |add| Call::Route { destination, gateway, interface, add };
    assert_eq!(peer.outcome(route(true)), Outcome::value(0));
    assert_eq!(connect(&mut peer, "198.51.100.1").map(|s| s.flags), Some(SYN));
    assert_eq!(peer.outcome(route(false)), Outcome::value(0));
    assert_eq!(peer.outcome(route(false)).result, Err(Errno(libc::ESRCH)));

    let fd = peer.socket(libc::SOCK_DGRAM);
    let second = prefix("192.0.2.77", 24);
    let bind = Call::Bind { fd, address: SocketAddress::Ip((second.address, 7).into()) };
    assert_eq!(peer.outcome(bind.clone()).result, Err(Errno(libc::EADDRNOTAVAIL)));
    assert_eq!(peer.outcome(Call::Address { interface, prefix: second, add: true }), Outcome::value(0));
    assert_eq!(peer.outcome(bind), Outcome::value(0));

    assert_eq!(peer.outcome(Call::Link { interface, up: false }), Outcome::value(0));
    peer.send(frames::UDP, frames::udp(4000, 7, b"lost"));
    assert_eq!(connect(&mut peer, "192.0.2.2"), None, "the link is down");
    assert_eq!(peer.outcome(Call::Link { interface, up: true }), Outcome::value(0));
    assert_eq!(connect(&mut peer, "192.0.2.2").map(|s| s.flags), Some(SYN));
    assert!(matches!(
        peer.linux.submit(Call::Link { interface: InterfaceId(5), up: true }),
        Err(Refusal::Broken(_))
    ));
}

/// What is sent to the link while it is down is lost, and everything works as before once it is up.
pub(super) fn link_down_and_up(wire: Wire) {
    let mut peer = start(Family::Ipv4, wire);
    let interface = InterfaceId(0);
    let fd = peer.socket(libc::SOCK_DGRAM);
    peer.call(Call::Bind { fd, address: SocketAddress::Ip((peer.local, 7).into()) });
    for round in 0..5 {
        peer.call(Call::Link { interface, up: false });
        peer.send(frames::UDP, frames::udp(4000, 7, b"lost"));
        peer.call(Call::Link { interface, up: true });
        // The kernel forgets neighbours when a link goes down.
        peer.send(frames::UDP, frames::udp(4000, 7, &[round]));
        assert_eq!(peer.outcome(Call::Recv { fd, count: 10, flags: 0 }).output, Output::Data(vec![round]));
    }
}

/// The addresses that the kernel's runner gives packetdrill: the gateway is the stack's own address in IPv4.
pub(super) fn upstream_addresses() {
    let mut setup = setup(Medium::Ip, Family::Ipv4, Rules::Packetdrill);
    setup.interfaces[0].addresses = vec![prefix("192.168.0.1", 16), prefix("fd3d:a0b:17d6::1", 48)];
    let route = |to: &str, length, via: &str| Route {
        destination: prefix(to, length),
        gateway: Some(via.parse().expect(via)),
        interface: 0,
    };
    setup.routes =
        vec![route("192.0.2.1", 32, "192.168.0.1"), route("fd3d:fa7b:d17d::1", 128, "fd3d:a0b:17d6:8888::1")];
    let mut peer = start(Family::Ipv4, TUN);
    peer.linux.start(&setup).expect("upstream's addresses");
    // The first command of every script does this, and must succeed; tc is not everywhere.
    let command = "if command -v tc; then tc qdisc add dev tun0 root pfifo; fi".into();
    assert_eq!(peer.call(Call::Shell { command }), 0);
    assert_eq!(connect(&mut peer, "192.0.2.1").map(|s| s.flags), Some(SYN));
    peer.local = "fd3d:a0b:17d6::1".parse().expect("address");
    assert_eq!(connect(&mut peer, "fd3d:fa7b:d17d::1").map(|s| s.flags), Some(SYN));
    setup.settings.insert("gso".into(), "1000".into());
    peer.linux.start(&setup).expect("packetdrill's --mss");
    assert_eq!(connect(&mut peer, "fd3d:fa7b:d17d::1").map(|s| s.flags), Some(SYN));
}

fn congestion_control(peer: &mut Peer) -> String {
    let fd = peer.socket(libc::SOCK_STREAM);
    let name = libc::TCP_CONGESTION;
    let outcome = peer.outcome(Call::Getsockopt { fd, level: libc::IPPROTO_TCP, name, length: 16 });
    let Output::Option(bytes) = outcome.output else { panic!("{outcome:?}") };
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
}

pub(super) fn settings() {
    let mut peer = start(Family::Ipv4, TUN);
    assert_eq!(congestion_control(&mut peer), "reno");
    let mut wanted = setup(Medium::Ip, Family::Ipv4, Rules::Ours);
    wanted.settings.insert("cc".into(), "cubic".into());
    peer.linux.start(&wanted).expect("cubic");
    assert_eq!(congestion_control(&mut peer), "cubic");
    peer.linux.start(&setup(Medium::Ip, Family::Ipv4, Rules::Packetdrill)).expect("a run");
    let hosts_own = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").expect("readable");
    assert_eq!(
        congestion_control(&mut peer),
        hosts_own.trim(),
        "packetdrill plays scripts with what there is"
    );

    let mut refused = |name: &str, value: &str| {
        let mut setup = setup(Medium::Ip, Family::Ipv4, Rules::Ours);
        setup.settings.insert(name.into(), value.into());
        match peer.linux.start(&setup) {
            Err(Refusal::Unsupported(what)) => assert!(what.starts_with(name), "{what}"),
            other => panic!("{name}={value}: {other:?}"),
        }
        // A refused start leaves no run, and the next one works.
        assert!(matches!(peer.linux.submit(Call::Pipe), Err(Refusal::Broken(_))));
    };
    refused("cc", "no-such-algorithm");
    refused("iw", "rfc5681");

    peer.linux.start(&setup(Medium::Ip, Family::Ipv4, Rules::Ours)).expect("a run");
    assert_eq!(peer.outcome(Call::Set { name: "ttl".into(), value: "3".into() }), Outcome::value(0));
    connect(&mut peer, "192.0.2.2");
    let unknown = peer.linux.submit(Call::Set { name: "colour".into(), value: "3".into() });
    assert!(matches!(unknown, Err(Refusal::Unsupported(what)) if what.contains("colour")));
    let other_medium = start(Family::Ipv4, TAP).linux.start(&setup(Medium::Ip, Family::Ipv4, Rules::Ours));
    assert!(matches!(other_medium, Err(Refusal::Unsupported(what)) if what.contains("ip-medium")));
}
