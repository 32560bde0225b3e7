//! The sending side: segmentation, Nagle, silly windows, probes, keep-alive (RFC 9293 3.7, 3.8).

use super::peer::{Peer, plain};
use crate::tcp::*;
use core::time::Duration;

/// No congestion window in the way.
fn open_window() -> Config {
    Config { initial_window: InitialWindow::Rfc6928, ..plain() }
}

#[test]
fn push_is_on_the_last_segment() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 2500), Ok(2500));
    peer.expect(". 1:1001(1000) ack 1");
    peer.expect(". 1001:2001(1000) ack 1");
    peer.silent();
    peer.send(". 1:1(0) ack 2001");
    peer.expect("P. 2001:2501(500) ack 1");
}

#[test]
fn nagle_and_nodelay() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 1), Ok(1));
    peer.expect("P. 1:2(1) ack 1");
    assert_eq!((peer.write(2, 1), peer.write(3, 1)), (Ok(1), Ok(1)));
    peer.silent();
    peer.send(". 1:1(0) ack 2");
    peer.expect("P. 2:4(2) ack 1");
    assert_eq!(peer.write(4, 1), Ok(1));
    peer.silent();
    peer.set(SocketOptions { nodelay: true, ..SocketOptions::default() });
    peer.expect("P. 4:5(1) ack 1");
    assert_eq!(peer.write(5, 1), Ok(1));
    peer.expect("P. 5:6(1) ack 1");
}

#[test]
fn a_small_window_is_not_filled_by_small_segments() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    peer.send(". 1:1(0) ack 101 win 10");
    assert_eq!(peer.write(101, 100), Ok(100));
    peer.silent();
    assert_eq!(peer.wait_for(". 101:111(10) ack 1"), 500);
    peer.send(". 1:1(0) ack 111 win 5000");
    peer.expect("P. 111:201(90) ack 1");
}

#[test]
fn half_of_a_small_window_is_worth_a_segment() {
    let mut peer = Peer::listening(plain());
    peer.send("S 0:0(0) win 400 <mss 1000>");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1 win 400");
    peer.accept();
    assert_eq!(peer.write(1, 1000), Ok(1000));
    peer.expect(". 1:401(400) ack 1");
    peer.send(". 1:1(0) ack 401 win 199");
    peer.silent();
    peer.send(". 1:1(0) ack 401 win 200");
    peer.expect(". 401:601(200) ack 1");
}

#[test]
fn zero_window_probes() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    peer.send(". 1:1(0) ack 101 win 0");
    assert_eq!(peer.write(101, 100), Ok(100));
    peer.silent();
    let mut interval = 1000;
    for _ in 0..20 {
        assert_eq!(peer.wait_for(". 101:102(1) ack 1"), interval);
        peer.send(". 1:1(0) ack 101 win 0");
        peer.silent();
        interval = (interval * 2).min(60_000);
    }
    peer.state(State::Established);
    peer.send(". 1:1(0) ack 101 win 1000");
    peer.expect("P. 101:201(100) ack 1");
}

#[test]
fn an_accepted_probe_counts() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    peer.send(". 1:1(0) ack 101 win 0");
    assert_eq!(peer.write(101, 100), Ok(100));
    peer.wait_for(". 101:102(1) ack 1");
    peer.send(". 1:1(0) ack 102 win 1000");
    peer.expect("P. 102:201(99) ack 1");
}

#[test]
fn probes_that_nobody_answers_end_the_connection() {
    let mut peer = Peer::established(plain());
    peer.send(". 1:1(0) ack 1 win 0");
    assert_eq!(peer.write(1, 100), Ok(100));
    let mut total = 0;
    for _ in 0..7 {
        total += peer.wait_for(". 1:2(1) ack 1");
    }
    assert_eq!(total, 123_000);
    assert_eq!(peer.wait_for("R 1:1(0)"), 60_000);
    peer.state(State::Closed);
    assert_eq!(peer.read(1, 1), Err(Error::TimedOut));
}

#[test]
fn a_shrunken_window_is_respected() {
    let mut peer = Peer::established(open_window());
    assert_eq!(peer.write(1, 4000), Ok(4000));
    for first in [1, 1001, 2001] {
        peer.expect(&format!(". {first}:{}(1000) ack 1", first + 1000));
    }
    peer.expect("P. 3001:4001(1000) ack 1");
    peer.send(". 1:1(0) ack 1001 win 500");
    assert_eq!(peer.write(4001, 1000), Ok(1000));
    peer.silent();
    peer.wait_for(". 1001:1501(500) ack 1");
    peer.send(". 1:1(0) ack 1501 win 0");
    peer.silent();
    peer.wait_for(". 1501:1502(1) ack 1");
    peer.send(". 1:1(0) ack 1501 win 10000");
    peer.expect(". 1501:2501(1000) ack 1");
}

#[test]
fn a_window_shrunk_to_zero_reopens() {
    for probed in [false, true] {
        let mut peer = Peer::established(plain());
        assert_eq!(peer.write(1, 2000), Ok(2000));
        peer.expect(". 1:1001(1000) ack 1");
        peer.expect("P. 1001:2001(1000) ack 1");
        peer.send(". 1:1(0) ack 1 win 0");
        peer.silent();
        if probed {
            assert_eq!(peer.wait_for(". 1:2(1) ack 1"), 1000);
        }
        peer.send(". 1:1(0) ack 1 win 10000");
        if !probed {
            peer.silent();
            peer.wait_for(". 1:1001(1000) ack 1");
            continue;
        }
        peer.expect(". 1:1001(1000) ack 1");
        peer.expect("P. 1001:2001(1000) ack 1");
    }
}

#[test]
fn old_segments_do_not_set_the_window() {
    let mut peer = Peer::established(plain());
    peer.send("P. 1:11(10) ack 1 win 5000");
    peer.send(". 11:11(0) ack 1 win 6000");
    peer.send("P. 1:21(20) ack 1 win 100");
    assert_eq!(peer.info().snd_wnd, 6000);
}

#[test]
fn the_send_buffer_is_a_bound() {
    let mut peer = Peer::established(plain());
    peer.set(SocketOptions { send_buffer: Some(5000), ..SocketOptions::default() });
    assert_eq!(peer.write(1, 6000), Ok(5000));
    assert_eq!(peer.write(5001, 1), Err(Error::WouldBlock));
    assert!(!peer.stack.readiness(peer.id()).writable);
    while peer.next().is_some() {}
    peer.send(". 1:1(0) ack 1001");
    assert!(peer.stack.readiness(peer.id()).writable);
    assert_eq!(peer.write(5001, 6000), Ok(1000));
}

#[test]
fn keepalive() {
    let times = KeepaliveTimes { idle: Duration::from_secs(10), interval: Duration::from_secs(2), probes: 3 };
    let mut peer = Peer::established(plain());
    peer.wait(3 * 3600 * 1000);
    peer.set(SocketOptions { keepalive: Some(times), ..SocketOptions::default() });
    assert_eq!(peer.wait_for(". 0:0(0) ack 1"), 0);
    peer.send(". 1:1(0) ack 1");
    assert_eq!(peer.wait_for(". 0:0(0) ack 1"), 10_000);
    assert_eq!(peer.wait_for(". 0:0(0) ack 1"), 2_000);
    peer.send(". 1:1(0) ack 1");
    peer.wait(5_000);
    peer.send("P. 1:11(10) ack 1");
    peer.wait_for(". 1:1(0) ack 11");
    assert_eq!(peer.wait_for(". 0:0(0) ack 11"), 9_800);
    assert_eq!(peer.wait_for(". 0:0(0) ack 11"), 2_000);
    assert_eq!(peer.wait_for(". 0:0(0) ack 11"), 2_000);
    assert_eq!(peer.wait_for("R 1:1(0)"), 2_000);
    assert_eq!(peer.read(1, 99), Err(Error::TimedOut));
}

#[test]
fn a_keepalive_probe_is_answered() {
    let mut peer = Peer::established(plain());
    peer.send(". 0:0(0) ack 1");
    peer.expect(". 1:1(0) ack 1");
    peer.send(". 0:1(1) ack 1");
    peer.expect(". 1:1(0) ack 1");
    assert_eq!(peer.read(1, 1), Err(Error::WouldBlock));
}

#[test]
fn keepalive_is_patient() {
    let times =
        KeepaliveTimes { idle: Duration::from_millis(100), interval: Duration::from_millis(100), probes: 1 };
    let mut peer = Peer::established(plain());
    peer.set(SocketOptions { keepalive: Some(times), ..SocketOptions::default() });
    // Not while something is outstanding (MUST-26).
    assert_eq!(peer.write(1, 10), Ok(10));
    peer.expect("P. 1:11(10) ack 1");
    peer.wait(999);
    peer.send(". 1:1(0) ack 11");
    // Never dead after one probe (MUST-29).
    peer.wait_for(". 10:10(0) ack 1");
    peer.wait_for(". 10:10(0) ack 1");
    peer.wait_for("R 11:11(0)");
}

#[test]
fn no_more_is_queued_than_the_user_wants_unsent() {
    let mut peer = Peer::established(open_window());
    peer.set(SocketOptions { unsent_low: Some(500), ..SocketOptions::default() });
    assert!(peer.stack.readiness(peer.id()).writable);
    let taken = peer.write(1, 60_000).unwrap();
    assert_eq!(taken, 10_500);
    assert!(!peer.stack.readiness(peer.id()).writable);
    while peer.next().is_some() {}
    peer.send(". 1:1(0) ack 10001");
    while peer.next().is_some() {}
    assert!(peer.stack.readiness(peer.id()).writable);
}
