//! Each test runs in a process of its own, as a worker would: a namespace belongs to a thread, and what is left over can be
//! counted afterwards.

mod admin;
mod calls;
mod frames;
mod left;
mod peer;
mod shell;
mod unprivileged;

use frames::{ACK, PSH, Segment};
use harness::sut::{
    Call, Clock, Event, Family, InterfaceId, Medium, Neighbour, Output, Prefix, Rules, SocketAddress,
    StackUnderTest,
};
use libtest_mimic::{Arguments, Failed, Trial};
use peer::Peer;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// Says which test a child process is to run.
const CHILD: &str = "WIREPROOF_SYSTEM_CHILD";

/// Something by which a child's processes can be found.
const MARK: &str = "WIREPROOF_SYSTEM_MARK";

/// A link, what it carries, and whose rules it is made for.
type Wire = (&'static str, Medium, Rules);

const TUN: Wire = ("tun", Medium::Ip, Rules::Ours);
const TUN_OFFLOAD: Wire = ("tun", Medium::Ip, Rules::Packetdrill);
const TAP: Wire = ("tap", Medium::Ethernet, Rules::Ours);
const VETH: Wire = ("veth", Medium::Ethernet, Rules::Ours);
const PNET: Wire = ("pnet:cable", Medium::Ethernet, Rules::Ours);

fn start(family: Family, (link, medium, rules): Wire) -> Peer {
    Peer::start(link, medium, family, rules)
}

fn tcp(family: Family, wire: Wire) {
    let mut peer = start(family, wire);
    let fd = peer.listener();
    let accept = peer.submit(Call::Accept { fd });
    assert!(peer.is_pending(accept), "accept waits for a connection");
    let before = peer.linux.now();
    let iss = peer.handshake();
    let (at, outcome) = peer.completed(accept);
    assert!(at >= before, "accept came back at {at}, the handshake began at {before}");
    assert_eq!(outcome.output, Output::Address(Some((peer.remote, 4000).into()), Vec::new()));
    let fd = outcome.result.expect("a connection") as i32;
    let data = Segment {
        from: 4000,
        to: 8080,
        seq: 1001,
        ack: iss + 1,
        flags: ACK | PSH,
        data: b"question".to_vec(),
    };
    peer.send(frames::TCP, frames::tcp(&data));
    assert_eq!(peer.outcome(Call::Read { fd, count: 100 }).output, Output::Data(b"question".to_vec()));
    assert_eq!(peer.segment().ack, 1009);
    assert_eq!(peer.call(Call::Write { fd, data: b"answer".to_vec() }), 6);
    let answer = peer.segment();
    assert_eq!((answer.seq, &answer.data[..]), (iss.wrapping_add(1), &b"answer"[..]));
}

fn udp(family: Family, wire: Wire) {
    let mut peer = start(family, wire);
    let fd = peer.socket(libc::SOCK_DGRAM);
    let address = SocketAddress::Ip((peer.local, 7).into());
    peer.call(Call::Bind { fd, address });
    let receive = peer.submit(Call::Recvfrom { fd, count: 100, flags: 0 });
    // A wrong checksum must not come through: nothing on the way may vouch for it.
    let bad = frames::udp(4000, 7, b"wrong");
    let datagram = frames::datagram(peer.remote, peer.local, frames::UDP, bad, 6);
    let mut bytes = frames::frame(peer.medium, datagram);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    peer.linux.inject(InterfaceId(0), &bytes).expect("inject");
    peer.send(frames::UDP, frames::udp(4000, 7, b"right"));
    let from = (peer.remote, 4000).into();
    assert_eq!(peer.completed(receive).1.output, Output::Address(Some(from), b"right".to_vec()));
    let echo = Call::Sendto { fd, data: b"right".to_vec(), flags: 0, address: SocketAddress::Ip(from) };
    let before = peer.linux.now();
    assert_eq!(peer.call(echo), 5);
    let (at, bytes) = peer.receive(frames::UDP);
    assert_eq!(&bytes[8..], b"right");
    assert!(before <= at && at <= peer.linux.now(), "sent at {at}, called at {before}");
}

/// A frame is as old as the kernel says, however late the driver looks.
fn stamps(wire: Wire) {
    let mut peer = start(Family::Ipv4, wire);
    let fd = peer.socket(libc::SOCK_DGRAM);
    let address = SocketAddress::Ip((peer.remote, 9).into());
    let before = peer.linux.now();
    for datagram in [&b"first"[..], b"second", b"second", b"third"] {
        peer.call(Call::Sendto { fd, data: datagram.to_vec(), flags: 0, address: address.clone() });
    }
    let after = peer.linux.now();
    std::thread::sleep(Duration::from_millis(300));
    let mut last = before;
    for datagram in [&b"first"[..], b"second", b"second", b"third"] {
        let (at, bytes) = peer.receive(frames::UDP);
        assert_eq!(&bytes[8..], datagram);
        assert!(last <= at && at <= after, "sent at {at}, between {last} and {after}");
        last = at;
    }
}

/// A kernel with nothing to do sends nothing: no router solicitations, no detection of duplicates, no group reports.
fn silence(wire: Wire) {
    let mut peer = start(Family::Ipv6, wire);
    let until = peer.linux.now() + Duration::from_secs(2);
    while peer.linux.now() < until {
        peer.linux.run_until(until).expect("run_until");
        peer.linux.events(&mut peer.events).expect("events");
        assert_eq!(peer.events, [], "nobody asked");
    }
}

/// The kernel's timers fire within what the driver declares of them: a SYN-ACK that nobody answers comes again after a second
/// (RFC 6298 §5.7 with §2.1), and then after two.
fn timers(wire: Wire) {
    let mut peer = start(Family::Ipv4, wire);
    peer.listener();
    let syn = Segment { from: 4000, to: 8080, seq: 1000, flags: frames::SYN, ..Segment::default() };
    peer.send(frames::TCP, frames::tcp(&syn));
    let (mut last, _) = peer.receive(frames::TCP);
    let declared = peer.linux.capabilities().clone();
    let Clock::Real { jitter } = declared.clock else { panic!("a live kernel has the machine's clock") };
    for seconds in [1, 2] {
        let (at, bytes) = peer.receive(frames::TCP);
        assert_eq!(frames::parse_tcp(&bytes).flags, frames::SYN | frames::ACK);
        let timer = Duration::from_secs(seconds);
        let late = at.saturating_since(last).checked_sub(timer);
        let slack = declared.granularity.slack(timer) + jitter;
        assert!(late.is_some_and(|late| late <= slack), "{late:?} after {timer:?}; declared {slack:?}");
        last = at;
    }
}

/// A router between two interfaces.
fn forwarding((link, medium, rules): Wire) {
    let mut peer = Peer::start(link, medium, Family::Ipv4, rules);
    let mut setup = peer::setup(medium, Family::Ipv4, rules);
    let mut second = setup.interfaces[0].clone();
    second.name = "eth1".into();
    second.mac.0[5] = 0x11;
    second.addresses = vec![Prefix { address: "198.51.100.1".parse().expect("address"), length: 24 }];
    setup.interfaces.push(second);
    let address = "198.51.100.2".parse().expect("address");
    setup.neighbours.push(Neighbour { address, mac: frames::REMOTE_MAC, interface: 1 });
    setup.forwarding = true;
    peer.linux.start(&setup).expect("a router");
    peer.local = address;
    peer.send(frames::UDP, frames::udp(4000, 7, b"onwards"));
    let frame = peer.wait("forwarded frame", |event| match event {
        Event::Frame { interface: InterfaceId(1), bytes, .. } => {
            frames::payload(medium, frames::UDP, bytes).map(|_| bytes.clone())
        }
        _ => None,
    });
    assert_eq!(frame[14 + 8], 63, "the time to live went down by one");
    assert_eq!(&frame[..12], &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0x11]);
}

/// Every test: its name and what it does.
fn tests() -> Vec<(&'static str, fn())> {
    use Family::{Ipv4, Ipv6};
    vec![
        ("tcp_tun_ipv4", || tcp(Ipv4, TUN)),
        ("tcp_tun_ipv6", || tcp(Ipv6, TUN)),
        ("tcp_tun_offload_ipv4", || tcp(Ipv4, TUN_OFFLOAD)),
        ("tcp_tun_offload_ipv6", || tcp(Ipv6, TUN_OFFLOAD)),
        ("tcp_tap_ipv4", || tcp(Ipv4, TAP)),
        ("tcp_tap_ipv6", || tcp(Ipv6, TAP)),
        ("tcp_veth_ipv4", || tcp(Ipv4, VETH)),
        ("tcp_veth_ipv6", || tcp(Ipv6, VETH)),
        ("tcp_pnet_ipv4", || tcp(Ipv4, PNET)),
        ("tcp_pnet_ipv6", || tcp(Ipv6, PNET)),
        ("udp_tun", || udp(Ipv4, TUN)),
        ("udp_tun_offload", || udp(Ipv6, TUN_OFFLOAD)),
        ("udp_tap", || udp(Ipv6, TAP)),
        ("udp_veth", || udp(Ipv4, VETH)),
        ("udp_pnet", || udp(Ipv6, PNET)),
        ("forwarding_tap", || forwarding(TAP)),
        ("forwarding_veth", || forwarding(VETH)),
        ("upstream_addresses", admin::upstream_addresses),
        ("stamps_tun", || stamps(TUN)),
        ("stamps_tun_offload", || stamps(TUN_OFFLOAD)),
        ("stamps_tap", || stamps(TAP)),
        ("stamps_veth", || stamps(VETH)),
        ("stamps_pnet", || stamps(PNET)),
        ("timers_tun", || timers(TUN)),
        ("timers_veth", || timers(VETH)),
        ("silence_tun", || silence(TUN)),
        ("silence_tap", || silence(TAP)),
        ("silence_veth", || silence(VETH)),
        ("link_down_and_up_tap", || admin::link_down_and_up(TAP)),
        ("link_down_and_up_veth", || admin::link_down_and_up(VETH)),
        ("link_down_and_up_pnet", || admin::link_down_and_up(PNET)),
        ("calls_with_options_and_control_messages", calls::options_and_control),
        ("calls_on_readiness", calls::readiness),
        ("calls_between_descriptors", calls::between_descriptors),
        ("calls_without_a_copy", calls::zerocopy),
        ("calls_with_wrong_arguments", calls::wrong_arguments),
        ("calls_with_fewer_capabilities", calls::capabilities),
        ("shell_commands", shell::commands),
        ("shell_sees_its_own_tmp", shell::own_tmp),
        ("shell_cannot_reach_the_machine", shell::settings),
        ("shell_is_killed_when_it_takes_too_long", shell::takes_too_long),
        ("shell_ends_with_the_run", shell::ends_with_run),
        ("shell_ends_with_the_process", shell::ends_with_process),
        ("administrative_calls", admin::administrative_calls),
        ("settings", admin::settings),
        ("nothing_is_left_after_a_run", left::after_run),
        ("nothing_is_left_after_a_panic", left::after_panic),
        ("runs_do_not_pile_up", left::pile_up),
        ("unprivileged", unprivileged::play),
        ("no_namespaces_and_why", unprivileged::without_namespaces),
    ]
}

/// What children do that are no tests.
const HELPERS: &[(&str, fn())] = &[("be_killed", shell::be_killed)];

/// Runs a helper in a child process, does something meanwhile, and tells how the child ended.
fn run_in_child_and(name: &str, mark: &str, meanwhile: impl FnOnce(&mut Child)) -> ExitStatus {
    let binary = std::env::current_exe().expect("this program");
    let mut child = Command::new(binary).env(CHILD, name).env(MARK, mark).spawn().expect("a child");
    meanwhile(&mut child);
    child.wait().expect("its status")
}

/// Runs the test `name` in a child process.
fn run_in_child(name: &str) -> Result<(), Failed> {
    let binary = std::env::current_exe()?;
    let output = Command::new(binary).env(CHILD, name).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{said}", output.status).into())
}

/// Runs the tests, or the one of them that this process was started for.
pub(super) fn main() {
    if let Ok(name) = std::env::var(CHILD) {
        let tests = tests();
        let mut known = tests.iter().chain(HELPERS);
        let (_, test) = known.find(|(n, _)| *n == name).expect("a test of that name");
        return test();
    }
    let asked = std::env::var("WIREPROOF_SYSTEM").is_ok_and(|v| v == "1");
    let names = tests().into_iter().map(|(name, _)| name).filter(|_| asked);
    let trials = names.map(|name| Trial::test(name, move || run_in_child(name))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
