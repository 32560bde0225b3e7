//! Congestion control as the peer sees it (RFC 5681, RFC 6582, RFC 3042).

use super::peer::{Peer, plain};
use crate::tcp::*;

/// An established connection with a wide window that has `len` bytes to send.
fn bulk(config: Config, len: u32) -> Peer {
    let mut peer = Peer::listening(config);
    peer.send("S 0:0(0) win 60000 <mss 1000>");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1 win 60000");
    peer.accept();
    assert_eq!(peer.write(1, len), Ok(len as usize));
    peer
}

/// How many full segments the stack sends now, in order from `first` on.
#[track_caller]
fn flight(peer: &mut Peer, first: u32) -> u32 {
    let mut count = 0;
    while let Some(found) = peer.next() {
        let from = first + count * 1000;
        assert!(found.contains(&format!(" {from}:{}(1000)", from + 1000)), "{found}");
        count += 1;
    }
    count
}

#[track_caller]
fn ack(peer: &mut Peer, ack: u32) {
    peer.send(&format!(". 1:1(0) ack {ack} win 60000"));
}

#[test]
fn slow_start_doubles() {
    let mut peer = bulk(plain(), 60_000);
    assert_eq!(flight(&mut peer, 1), 4);
    let mut sent = 4;
    for n in 1..=4 {
        ack(&mut peer, 1 + n * 1000);
        assert_eq!(flight(&mut peer, 1 + sent * 1000), 2);
        sent += 2;
    }
    assert_eq!(peer.info().cwnd, 8000);
}

#[test]
fn three_duplicates_mean_a_loss() {
    let config = Config { initial_window: InitialWindow::Rfc6928, ..plain() };
    let mut peer = bulk(config, 60_000);
    assert_eq!(flight(&mut peer, 1), 10);
    for extra in 0..2 {
        ack(&mut peer, 1);
        assert_eq!(flight(&mut peer, 10_001 + extra * 1000), 1, "limited transmit");
    }
    assert_eq!(peer.info().cwnd, 10_000);
    ack(&mut peer, 1);
    peer.expect(". 1:1001(1000) ack 1");
    peer.silent();
    assert_eq!((peer.info().ssthresh, peer.info().cwnd), (5000, 8000));
    for n in 0..4 {
        ack(&mut peer, 1);
        assert_eq!(peer.info().cwnd, 9000 + n * 1000);
        assert_eq!(flight(&mut peer, 12_001), 0);
    }
    ack(&mut peer, 1);
    assert_eq!(flight(&mut peer, 12_001), 1);
    // A partial ACK: the next hole is filled at once.
    ack(&mut peer, 3001);
    peer.expect(". 3001:4001(1000) ack 1");
    assert_eq!(flight(&mut peer, 13_001), 1);
    // A full one: recovery is over.
    ack(&mut peer, 13_001);
    assert_eq!(peer.info().cwnd, 2000);
    assert_eq!(flight(&mut peer, 14_001), 1);
}

#[test]
fn what_is_not_a_duplicate() {
    let mut peer = bulk(plain(), 60_000);
    flight(&mut peer, 1);
    for n in 0..10 {
        peer.send(&format!(". 1:1(0) ack 1 win {}", 50_000 + n));
        peer.send(&format!("P. {}:{}(1) ack 1 win {}", 1 + n, 2 + n, 50_000 + n));
    }
    while let Some(found) = peer.next() {
        assert!(found.contains("(0)"), "{found}");
    }
    assert_eq!(peer.info().total_retransmits, 0);
}

#[test]
fn an_idle_connection_starts_slowly_again() {
    let mut peer = bulk(plain(), 10_000);
    let mut sent = flight(&mut peer, 1);
    for n in 1..=10 {
        ack(&mut peer, 1 + n * 1000);
        sent += flight(&mut peer, 1 + sent * 1000);
    }
    assert_eq!((sent, peer.info().cwnd), (10, 14_000));
    peer.wait(1001);
    assert_eq!(peer.write(10_001, 20_000), Ok(20_000));
    assert_eq!(flight(&mut peer, 10_001), 4);
}

#[test]
fn forged_duplicates_inflate_within_bounds() {
    let mut peer = bulk(Config { initial_window: InitialWindow::Rfc6928, ..plain() }, 60_000);
    (0..500).for_each(|_| ack(&mut peer, 1));
    while peer.next().is_some() {}
    let info = peer.info();
    assert!(info.cwnd <= info.ssthresh + info.unacked + 1000, "{info:?}");
}
