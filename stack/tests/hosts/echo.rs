//! Echo requests of applications, and what comes back about them (RFC 1122 3.2.2.6, RFC 4443 4.1).

use crate::common::Pair;
use stack::config::Medium;
use stack::icmp::{EchoRequest, Echoed, Reported};
use stack::socket::{Errno, Outcome, Value};
use std::net::IpAddr;
use std::time::Duration;

const DATA: &[u8] = b"come back as you are";
const TIMEOUT: Duration = Duration::from_secs(4);

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn request(to: &str) -> EchoRequest {
    EchoRequest { destination: ip(to), hop_limit: None, data: DATA.to_vec(), timeout: TIMEOUT }
}

/// What host 1 hears of a request to `to` on Ethernet, once all that can happen has happened.
#[track_caller]
fn check(to: &str, expected: Outcome) {
    let mut pair = Pair::new(Medium::Ethernet);
    let call = pair.hosts[0].echo(pair.now, request(to));
    pair.run(TIMEOUT);
    assert_eq!(pair.result(0, call), Some(expected), "{to}");
}

fn reply(from: &str) -> Outcome {
    Ok(Value::Echoed(Echoed::Reply { from: ip(from), data: DATA.to_vec() }))
}

fn error(from: &str, error: Reported) -> Outcome {
    Ok(Value::Echoed(Echoed::Error { from: ip(from), error }))
}

#[test]
fn a_neighbour_answers_and_so_does_the_host_itself() {
    for address in ["192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:db8::1"] {
        check(address, reply(address));
    }
}

#[test]
fn who_is_not_there_is_missed() {
    check("192.0.2.9", error("192.0.2.1", Reported::NoNeighbour));
    check("2001:db8::9", error("2001:db8::1", Reported::NoNeighbour));
    check("198.51.100.1", Err(Errno::ENETUNREACH));
}

#[test]
fn what_is_lost_is_silence_and_what_comes_too_late_is_nobodys() {
    let mut pair = Pair::new(Medium::Ip);
    pair.lose = Box::new(|from, _| from == 1);
    let call = pair.hosts[0].echo(pair.now, request("192.0.2.2"));
    pair.run(TIMEOUT);
    assert_eq!(pair.result(0, call), Some(Ok(Value::Echoed(Echoed::Silence))));
    // The answer that was lost, and one for which nobody ever asked.
    let late = pair.frames.iter().find(|(_, from, _)| *from == 1).expect("an answer").2.clone();
    pair.hosts[0].receive(pair.now, 0, &late);
    assert_eq!(pair.hosts[0].completions(), []);
}

#[test]
fn a_reply_goes_to_the_request_that_it_is_for() {
    let mut pair = Pair::new(Medium::Ip);
    let other = EchoRequest { data: vec![7; 3000], ..request("192.0.2.2") };
    let calls = [request("2001:db8::2"), other].map(|request| pair.hosts[0].echo(pair.now, request));
    pair.run(Duration::ZERO);
    let [six, four] = calls.map(|call| pair.result(0, call));
    assert_eq!(six, Some(reply("2001:db8::2")));
    let whole = Echoed::Reply { from: ip("192.0.2.2"), data: vec![7; 3000] };
    assert_eq!(four, Some(Ok(Value::Echoed(whole))), "put together from fragments");
}

#[test]
fn requests_that_wait_are_bounded() {
    let mut pair = Pair::new(Medium::Ip);
    pair.lose = Box::new(|_, _| true);
    let calls: Vec<_> = (0..300).map(|_| pair.hosts[0].echo(pair.now, request("192.0.2.2"))).collect();
    pair.run(Duration::ZERO);
    let refused = calls.iter().filter(|call| pair.result(0, **call) == Some(Err(Errno::ENOBUFS)));
    assert_eq!(refused.count(), 300 - 256);
}
