//! The receiving side: acceptability, reassembly, delayed ACKs, the window (RFC 9293 3.10.7.4, 3.8.6).

use super::peer::{Peer, plain};
use crate::tcp::*;

#[test]
fn acks_wait_for_company() {
    let mut peer = Peer::established(plain());
    peer.send("P. 1:11(10) ack 1");
    peer.silent();
    assert_eq!(peer.wait_for(". 1:1(0) ack 11"), 200);
    for (first, after) in [(11, 1011), (2011, 3011)] {
        peer.send(&format!(". {first}:{after}(1000) ack 1"));
        peer.silent();
        peer.send(&format!(". {after}:{}(1000) ack 1", after + 1000));
        peer.expect(&format!(". 1:1(0) ack {}", after + 1000));
    }
    peer.send("P. 4011:4021(10) ack 1");
    assert_eq!(peer.write(1, 10), Ok(10));
    peer.expect("P. 1:11(10) ack 4021");
    peer.send(". 4021:4021(0) ack 11");
    peer.wait(1000);
}

#[test]
fn segments_that_come_together_are_acknowledged_together() {
    let mut peer = Peer::established(plain());
    for n in 0..5 {
        peer.send(&format!(". {}:{}(1000) ack 1", 1 + n * 1000, 1001 + n * 1000));
    }
    peer.expect(". 1:1(0) ack 5001");
    peer.silent();
}

#[test]
fn gaps_are_told_and_filled_at_once() {
    let mut peer = Peer::established(plain());
    for first in [101, 301, 101] {
        peer.send(&format!("P. {first}:{}(100) ack 1", first + 100));
        peer.expect(". 1:1(0) ack 1");
    }
    peer.send("P. 1:151(150) ack 1");
    peer.expect(". 1:1(0) ack 201");
    peer.send("F. 401:401(0) ack 1");
    peer.expect(". 1:1(0) ack 201");
    peer.state(State::Established);
    peer.send("P. 201:301(100) ack 1");
    peer.expect(". 1:1(0) ack 402");
    peer.state(State::CloseWait);
    assert_eq!((peer.read(1, 999), peer.read(0, 9)), (Ok(400), Ok(0)));
}

#[test]
fn three_duplicates_are_three_acks() {
    let mut peer = Peer::established(plain());
    for first in [1001, 2001, 3001] {
        peer.send(&format!(". {first}:{}(1000) ack 1", first + 1000));
    }
    for _ in 0..3 {
        peer.expect(". 1:1(0) ack 1");
    }
    peer.silent();
}

#[test]
fn unacceptable_segments_draw_an_ack() {
    let mut peer = Peer::established(plain());
    peer.send("P. 1:101(100) ack 1");
    peer.wait_for(". 1:1(0) ack 101");
    for old in ["P. 1:101(100) ack 1", "P. 1:51(50) ack 1", ". 100:100(0) ack 1", "P. 65636:65637(1) ack 1"] {
        peer.send(old);
        peer.expect(". 1:1(0) ack 101 win 65435");
    }
    peer.send("R 100:100(0)");
    peer.send("R 65636:65636(0)");
    peer.silent();
    peer.send("P. 51:151(100) ack 1");
    assert_eq!(peer.read(1, 999), Ok(150));
    peer.send("P 151:161(10)");
    assert_eq!(peer.read(151, 99), Err(Error::WouldBlock));
}

fn small_buffer() -> Config {
    Config { receive_buffer: 3000, ..plain() }
}

#[test]
fn the_window_closes_and_opens_in_worthwhile_steps() {
    let mut peer = Peer::established(small_buffer());
    peer.send(". 1:1001(1000) ack 1");
    peer.send(". 1001:2001(1000) ack 1");
    peer.expect(". 1:1(0) ack 2001 win 1000");
    peer.send("FP. 2001:4001(2000) ack 1");
    peer.expect(". 1:1(0) ack 3001 win 0");
    peer.state(State::Established);
    for probe in ["P. 3001:3002(1) ack 1", ". 3000:3000(0) ack 1", "F. 3001:3001(0) ack 1"] {
        peer.send(probe);
        peer.expect(". 1:1(0) ack 3001 win 0");
    }
    for n in 0..9 {
        assert_eq!(peer.read(1 + n * 100, 100), Ok(100));
        peer.silent();
    }
    assert_eq!(peer.read(901, 100), Ok(100));
    peer.expect(". 1:1(0) ack 3001 win 1000");
    peer.send("F. 3001:3001(0) ack 1");
    peer.expect(". 1:1(0) ack 3002");
}

#[test]
fn a_closed_window_still_hears_ack_and_rst() {
    let mut peer = Peer::established(small_buffer());
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    peer.send("P. 1:3001(3000) ack 1");
    peer.expect(". 101:101(0) ack 3001 win 0");
    peer.send("P. 3001:3011(10) ack 101 win 5000");
    peer.expect(". 101:101(0) ack 3001 win 0");
    assert_eq!((peer.info().unacked, peer.info().snd_wnd), (0, 5000));
    peer.send("R 3001:3001(0)");
    assert_eq!(peer.read(1, 1), Err(Error::ConnectionReset));
}

#[test]
fn urgent_data() {
    let mut peer = Peer::established(plain());
    peer.send("PU. 1:11(10) ack 1 win 10000 urg 20");
    assert_eq!(peer.info().urgent_left, 20);
    peer.send("PU. 11:16(5) ack 1 win 10000 urg 5");
    assert_eq!(peer.info().urgent_left, 20);
    assert_eq!(peer.read(1, 15), Ok(15));
    assert!(peer.stack.readiness(peer.id()).urgent);
    peer.send("P. 16:26(10) ack 1");
    assert_eq!(peer.read(16, 99), Ok(10));
    assert!(!peer.stack.readiness(peer.id()).urgent);
    let id = peer.id();
    while peer.next().is_some() {}
    assert_eq!(peer.stack.send_urgent(peer.now, id, &[1, 2, 3]), Ok(3));
    peer.expect("PU. 1:4(3) ack 26 win 65510 urg 3");
}

#[test]
fn peeking_leaves_the_text() {
    let mut peer = Peer::established(plain());
    peer.send("P. 1:11(10) ack 1");
    let id = peer.id();
    let mut buffer = [0; 4];
    assert_eq!(peer.stack.receive(peer.now, id, &mut buffer, true), Ok(4));
    assert_eq!(peer.read(1, 99), Ok(10));
}

#[test]
fn bad_checksums_and_lying_options_are_dropped() {
    let mut peer = Peer::listening(plain());
    let bytes = [15, 160, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0];
    let (src, dst) = (super::peer::PEER, super::peer::STACK);
    peer.stack.segment_arrives(peer.now, src, dst, 0, &bytes);
    for len in 0..20 {
        peer.stack.segment_arrives(peer.now, src, dst, 0, &bytes[..len]);
    }
    peer.silent();
}

#[test]
fn the_delay_counts_from_the_segments_own_instant() {
    let mut peer = Peer::established(plain());
    peer.send("P. 1:11(10) ack 1");
    // The host did not ask for output at that instant.
    peer.now += core::time::Duration::from_millis(150);
    peer.send("P. 11:21(10) ack 1");
    assert_eq!(peer.wait_for(". 1:1(0) ack 21"), 50);
}

#[test]
fn reading_two_segments_is_worth_a_window_update() {
    // The buffer is a byte larger than what the window field can say.
    let mut peer = Peer::established(plain());
    for first in [1, 1001, 2001, 3001] {
        peer.send(&format!(". {first}:{}(1000) ack 1", first + 1000));
    }
    peer.expect(". 1:1(0) ack 4001 win 61535");
    assert_eq!(peer.read(1, 1998), Ok(1998));
    peer.silent();
    assert_eq!(peer.read(1999, 1), Ok(1));
    peer.expect(". 1:1(0) ack 4001 win 63535");
}

#[test]
fn nothing_comes_after_a_fin() {
    let mut peer = Peer::established(plain());
    peer.send("F. 21:21(0) ack 1");
    peer.expect(". 1:1(0) ack 1");
    peer.send("P. 1:31(30) ack 1");
    peer.expect(". 1:1(0) ack 22");
    assert_eq!((peer.read(1, 99), peer.read(0, 99)), (Ok(20), Ok(0)));
}
