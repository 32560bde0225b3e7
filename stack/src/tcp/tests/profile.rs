//! What the profile `linux` does otherwise than the RFCs' defaults.

use super::peer::Peer;
use crate::tcp::*;

fn linux() -> Config {
    Config { timestamps: false, sack: false, ..Config::linux() }
}

/// An accepted connection, peer's window 10000 and MSS 1000.
fn established() -> Peer {
    let mut peer = Peer::listening(linux());
    peer.send("S 0:0(0) win 65000 <mss 1000,wscale 0>");
    peer.expect("S. 0:0(0) ack 1 win 64240 <mss 1460,wscale 7>");
    peer.send(". 1:1(0) ack 1 win 65000");
    peer.accept();
    peer.silent();
    peer
}

#[test]
fn the_first_segments_are_acknowledged_at_once() {
    let mut peer = established();
    for n in 0..16 {
        let first = 1 + 10 * n;
        peer.send(&format!("P. {first}:{}(10) ack 1 win 65000", first + 10));
        peer.expect(&format!(". 1:1(0) ack {}", first + 10));
    }
    peer.send("P. 161:171(10) ack 1 win 65000");
    assert_eq!(peer.wait_for(". 1:1(0) ack 171"), 40);
}

#[test]
fn push_ends_calls_and_bursts() {
    let mut peer = established();
    assert_eq!(peer.write(1, 12_000), Ok(12_000));
    // Half of cwnd is a burst.
    for n in 0..10 {
        let push = if n % 5 == 4 { "P" } else { "" };
        peer.expect(&format!("{push}. {}:{}(1000) ack 1", 1 + n * 1000, 1001 + n * 1000));
    }
    peer.send(". 1:1(0) ack 1001 win 65000");
    peer.expect(". 10001:11001(1000) ack 1");
    peer.expect("P. 11001:12001(1000) ack 1");
    peer.send(". 1:1(0) ack 12001 win 65000");
    assert_eq!((peer.write(12_001, 1000), peer.write(13_001, 1000)), (Ok(1000), Ok(1000)));
    peer.expect("P. 12001:13001(1000) ack 1");
    peer.expect("P. 13001:14001(1000) ack 1");
}

#[test]
fn slow_start_counts_bytes_and_stops_where_nobody_needs_more() {
    let mut peer = established();
    let segments = |peer: &Peer| peer.info().cwnd / 1000;
    assert_eq!(peer.write(1, 6000), Ok(6000));
    while peer.next().is_some() {}
    peer.send(". 1:1(0) ack 2001 win 65000");
    assert_eq!(segments(&peer), 12);
    peer.send(". 1:1(0) ack 4001 win 65000");
    assert_eq!(segments(&peer), 12);
}

#[test]
fn the_least_timeout_is_added_to_the_round_trip() {
    let mut peer = established();
    assert_eq!(peer.write(1, 10), Ok(10));
    peer.expect("P. 1:11(10) ack 1");
    peer.wait(100);
    peer.send(". 1:1(0) ack 11 win 65000");
    assert_eq!(peer.write(11, 10), Ok(10));
    peer.expect("P. 11:21(10) ack 1");
    let waited = peer.wait_for("P. 11:21(10) ack 1");
    assert!((200..400).contains(&waited), "{waited}");
}

#[test]
fn segments_fit_half_of_the_first_window() {
    let mut peer = Peer::listening(linux());
    peer.send("S 0:0(0) win 1000 <mss 1460>");
    peer.expect("S. 0:0(0) ack 1 win 64240 <mss 1460>");
    peer.send(". 1:1(0) ack 1 win 1000");
    peer.accept();
    assert_eq!(peer.write(1, 1000), Ok(1000));
    peer.expect(". 1:501(500) ack 1");
    peer.expect("P. 501:1001(500) ack 1");
}

#[test]
fn smaller_windows_come_with_something_new() {
    let mut peer = established();
    peer.send(". 1:1(0) ack 1 win 1000");
    assert_eq!(peer.write(1, 2000), Ok(2000));
    peer.expect(". 1:1001(1000) ack 1");
    peer.expect("P. 1001:2001(1000) ack 1");
}

#[test]
fn an_echo_of_nothing_that_was_sent_is_reset() {
    let mut peer = Peer::connecting(Config::linux());
    let tsval = peer.last_tsval;
    peer.wait(5);
    peer.send(&format!("S. 0:0(0) ack 1 win 65000 <mss 1000,ts 7 {}>", tsval.wrapping_sub(1)));
    peer.expect("R 1:1(0)");
    peer.send(&format!("S. 0:0(0) ack 1 win 65000 <mss 1000,ts 7 {tsval}>"));
    peer.expect(". 1:1(0) ack 1");
}
