//! Echo requests of applications on ping sockets, and what comes back about them (RFC 1122 3.2.2.6, RFC 4443 4.1).

use crate::common::Pair;
use stack::config::Medium;
use stack::socket::{Call, Domain, Errno, Kind, Outcome, Received, Value, flags};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const DATA: &[u8] = b"come back as you are";
/// Longer than it takes to find out that nobody has an address.
const PATIENCE: Duration = Duration::from_secs(4);
const SOL_IP: i32 = 0;
const IP_RECVERR: i32 = 11;
const SOL_IPV6: i32 = 41;
const IPV6_RECVERR: i32 = 25;
const EHOSTUNREACH: u8 = 113;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A message of this type with sequence number 7; the identifier is the stack's to choose.
fn message(kind: u8, data: &[u8]) -> Vec<u8> {
    [&[kind, 0, 0, 0, 0, 0, 0, 7], data].concat()
}

/// Host 1 pings on a socket that keeps errors; once all that can happen has happened, the socket, and how the send ended.
fn ping(pair: &mut Pair, to: IpAddr, data: &[u8]) -> (i32, Outcome) {
    let (domain, level, name, request) = match to {
        IpAddr::V4(_) => (Domain::Inet, SOL_IP, IP_RECVERR, 8),
        IpAddr::V6(_) => (Domain::Inet6, SOL_IPV6, IPV6_RECVERR, 128),
    };
    let fd = pair.socket(0, domain, Kind::Ping);
    let value = 1i32.to_ne_bytes().to_vec();
    assert_eq!(pair.call(0, Call::Setsockopt { fd, level, name, value }), Ok(Value::Done));
    let (data, to) = (message(request, data), Some(SocketAddr::new(to, 0)));
    let sent = pair.call(0, Call::Send { fd, data, to, flags: 0 });
    pair.run(PATIENCE);
    (fd, sent)
}

/// Who answered, and with what; type and code, what follows the sum and the identifier.
fn answer(outcome: Outcome) -> (IpAddr, Vec<u8>) {
    match outcome {
        Ok(Value::Received(Received { data, from: Some(from), .. })) => {
            (from.ip(), [&data[..2], &data[6..]].concat())
        }
        other => panic!("receive: {other:?}"),
    }
}

#[test]
fn a_neighbour_answers_and_so_does_the_host_itself() {
    for address in ["192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:db8::1"] {
        let (mut pair, to) = (Pair::new(Medium::Ethernet), ip(address));
        let (fd, sent) = ping(&mut pair, to, DATA);
        assert_eq!(sent, Ok(Value::Sent(8 + DATA.len())), "{address}");
        let reply = if to.is_ipv4() { 0 } else { 129 };
        let expected = [&[reply, 0, 0, 7], DATA].concat();
        assert_eq!(answer(pair.receive(0, fd)), (to, expected), "{address}");
        assert_eq!(pair.receive(0, fd), Err(Errno::EAGAIN), "{address}: once");
    }
}

/// What the error queue tells: errno, origin, type and code, the offender, and what was quoted.
#[track_caller]
fn check_missed(to: &str, error: [u8; 4], offender: &str) {
    let mut pair = Pair::new(Medium::Ethernet);
    let (fd, _) = ping(&mut pair, ip(to), DATA);
    let kept = pair.call(0, Call::Receive { fd, room: 100, flags: flags::MSG_ERRQUEUE });
    let Ok(Value::Received(Received { data, control, .. })) = kept else { panic!("{to}: {kept:?}") };
    let control = &control[0].2;
    let address = if to.contains(':') { &control[24..40] } else { &control[20..24] };
    let expected = match ip(offender) {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    assert_eq!(([control[0], control[4], control[5], control[6]], address), (error, &expected[..]), "{to}");
    assert_eq!(&data[8..], DATA, "{to}: the request is quoted");
}

#[test]
fn who_is_not_there_is_missed() {
    check_missed("192.0.2.9", [EHOSTUNREACH, 2, 3, 1], "192.0.2.1");
    check_missed("2001:db8::9", [EHOSTUNREACH, 3, 1, 3], "2001:db8::1");
    let (_, sent) = ping(&mut Pair::new(Medium::Ethernet), ip("198.51.100.1"), DATA);
    assert_eq!(sent, Err(Errno::ENETUNREACH));
}

#[test]
fn a_reply_goes_to_the_socket_that_asked() {
    let mut pair = Pair::new(Medium::Ip);
    let long = vec![7; 3000];
    let (first, _) = ping(&mut pair, ip("192.0.2.2"), DATA);
    let (second, _) = ping(&mut pair, ip("192.0.2.2"), &long);
    let expected = |data: &[u8]| (ip("192.0.2.2"), [&[0, 0, 0, 7], data].concat());
    assert_eq!(answer(pair.receive(0, second)), expected(&long), "put together from fragments");
    assert_eq!(answer(pair.receive(0, first)), expected(DATA));
}
