//! Timeouts: the RTO series, Karn, giving up (RFC 6298, RFC 9293 3.8.3), and what ICMP says (3.9.2.2).

use super::peer::{PEER, Peer, STACK, plain};
use crate::tcp::*;
use core::time::Duration;
use std::net::SocketAddr;

#[test]
fn data_is_sent_again_until_r2() {
    let mut peer = Peer::established(plain());
    peer.wait(5000);
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    for seconds in [1, 2, 4, 8, 16, 32, 60] {
        peer.state(State::Established);
        assert_eq!(peer.wait_for("P. 1:101(100) ack 1"), seconds * 1000);
    }
    assert_eq!(peer.stack.take_advice(), Some(PEER));
    assert_eq!(peer.info().soft_error, Some(Error::TimedOut));
    assert_eq!(peer.wait_for("R 101:101(0)"), 60_000);
    peer.state(State::Closed);
    assert_eq!(peer.write(1, 1), Err(Error::TimedOut));
    assert_eq!(peer.write(1, 1), Err(Error::Closing));
}

#[test]
fn syn_is_sent_again_for_three_minutes() {
    let mut peer = Peer::connecting(plain());
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(peer.wait_for("S 0:0(0)"), seconds * 1000);
    }
    peer.wait(60_000);
    peer.state(State::Closed);
    assert_eq!(peer.read(1, 1), Err(Error::TimedOut));
}

#[test]
fn syn_ack_is_sent_again_and_forgotten() {
    let mut peer = Peer::listening(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(peer.wait_for("S. 0:0(0) ack 1"), seconds * 1000);
    }
    peer.wait(60_000);
    assert_eq!(peer.stack.next_deadline(), None);
    peer.send(". 1:1(0) ack 1");
    peer.expect("R 1:1(0)");
}

#[test]
fn a_fin_that_nobody_acknowledges() {
    let mut peer = Peer::established(plain());
    peer.send("F. 1:1(0) ack 1");
    peer.expect(". 1:1(0) ack 2");
    peer.close();
    peer.expect("F. 1:1(0) ack 2");
    for seconds in [1, 2, 4, 8, 16, 32, 60] {
        assert_eq!(peer.wait_for("F. 1:1(0) ack 2"), seconds * 1000);
    }
    peer.wait_for("R 2:2(0)");
    assert_eq!(peer.stack.next_deadline(), None);
}

#[test]
fn the_user_chooses_r2() {
    let mut peer = Peer::established(plain());
    peer.set(SocketOptions { user_timeout: Some(Duration::from_secs(5)), ..SocketOptions::default() });
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    assert_eq!(peer.wait_for("P. 1:101(100) ack 1"), 1000);
    assert_eq!(peer.wait_for("P. 1:101(100) ack 1"), 2000);
    assert_eq!(peer.wait_for("R 101:101(0)"), 2000);
    assert_eq!(peer.read(1, 1), Err(Error::TimedOut));

    let mut peer = Peer::established(plain());
    peer.set(SocketOptions { user_timeout: Some(Duration::MAX), ..SocketOptions::default() });
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    (0..100).for_each(|_| assert!(peer.wait_for("P. 1:101(100) ack 1") <= 60_000));
}

#[test]
fn rto_follows_the_round_trips() {
    let mut peer = Peer::connecting(plain());
    peer.wait(500);
    peer.send("S. 0:0(0) ack 1");
    peer.expect(". 1:1(0) ack 1");
    assert_eq!(peer.info().rto, Duration::from_millis(1500));
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    peer.wait(900);
    peer.send(". 1:1(0) ack 101");
    // RTTVAR = 3/4 * 250 + 1/4 * 400 = 287.5; SRTT = 7/8 * 500 + 1/8 * 900 = 550.
    assert_eq!(peer.info().rto, Duration::from_millis(550 + 1150));
    assert_eq!(peer.write(101, 100), Ok(100));
    peer.expect("P. 101:201(100) ack 1");
    assert_eq!(peer.wait_for("P. 101:201(100) ack 1"), 1700);
    peer.send(". 1:1(0) ack 201");
    // Karn: no sample, and the back-off stays until there is one.
    assert_eq!(peer.info().rto, Duration::from_millis(3400));
    assert_eq!(peer.write(201, 100), Ok(100));
    peer.expect("P. 201:301(100) ack 1");
    peer.send(". 1:1(0) ack 301");
    assert!(peer.info().rto < Duration::from_millis(3400));
}

#[test]
fn a_lost_syn_makes_rto_three_seconds() {
    let mut peer = Peer::connecting(plain());
    peer.wait_for("S 0:0(0)");
    peer.send("S. 0:0(0) ack 1 <mss 1000>");
    peer.expect(". 1:1(0) ack 1");
    assert_eq!((peer.info().rto, peer.info().cwnd), (Duration::from_secs(3), 1000));
}

#[test]
fn an_ack_restarts_the_timer_for_what_is_left() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 2000), Ok(2000));
    peer.expect(". 1:1001(1000) ack 1");
    peer.expect("P. 1001:2001(1000) ack 1");
    peer.wait(900);
    peer.send(". 1:1(0) ack 1001");
    assert!(peer.wait_for("P. 1001:2001(1000) ack 1") >= 1000);
}

#[test]
fn after_a_timeout_everything_goes_again_in_slow_start() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 4000), Ok(4000));
    while peer.next().is_some() {}
    assert_eq!(peer.wait_for(". 1:1001(1000) ack 1"), 1000);
    peer.silent();
    peer.send(". 1:1(0) ack 1001");
    peer.expect(". 1001:2001(1000) ack 1");
    peer.expect(". 2001:3001(1000) ack 1");
    peer.silent();
    peer.send(". 1:1(0) ack 4001");
    peer.silent();
    assert_eq!(peer.info().unacked, 0);
}

fn icmp(peer: &mut Peer, offset: u32, kind: IcmpKind) {
    let (local, remote) = (SocketAddr::new(STACK, 80), SocketAddr::new(PEER, 4000));
    let sequence = peer.stack_seq(offset);
    peer.stack.icmp_error(peer.now, IcmpError { local, remote, sequence, kind });
}

#[test]
fn hard_errors_end_an_open_and_nothing_else() {
    let refused = IcmpKind::Hard(Error::ConnectionRefused);
    let mut peer = Peer::connecting(plain());
    icmp(&mut peer, 1, refused);
    peer.state(State::SynSent);
    icmp(&mut peer, 0, refused);
    peer.state(State::Closed);
    assert_eq!(peer.read(1, 1), Err(Error::ConnectionRefused));

    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 10), Ok(10));
    icmp(&mut peer, 1, refused);
    icmp(&mut peer, 11, IcmpKind::Soft(Error::HostUnreachable));
    peer.state(State::Established);
    let id = peer.id();
    assert_eq!(peer.stack.take_error(id), Some(Error::ConnectionRefused));
}

#[test]
fn soft_errors_name_the_reason_of_a_timeout() {
    let mut peer = Peer::connecting(plain());
    icmp(&mut peer, 0, IcmpKind::Soft(Error::HostUnreachable));
    peer.state(State::SynSent);
    (0..8).for_each(|_| assert!(peer.wait_for("S 0:0(0)") > 0));
    peer.wait(60_000);
    assert_eq!(peer.read(1, 1), Err(Error::HostUnreachable));
}

#[test]
fn a_smaller_path_mtu_makes_smaller_segments() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 2000), Ok(2000));
    while peer.next().is_some() {}
    icmp(&mut peer, 1001, IcmpKind::PacketTooBig(640));
    for first in [1, 601, 1201] {
        peer.expect(&format!(". {first}:{}(600) ack 1", first + 600));
    }
    peer.expect("P. 1801:2001(200) ack 1");
    icmp(&mut peer, 1, IcmpKind::PacketTooBig(9000));
    assert_eq!(peer.info().snd_mss, 600);
}

#[test]
fn soft_errors_can_be_hidden() {
    let mut peer = Peer::connecting(plain());
    peer.set(SocketOptions { hide_soft_errors: true, ..SocketOptions::default() });
    icmp(&mut peer, 0, IcmpKind::Soft(Error::HostUnreachable));
    let id = peer.id();
    assert_eq!(peer.stack.take_error(id), None);
}
