//! Explicit congestion notification (RFC 3168 6.1).

use super::peer::{Peer, plain};
use crate::tcp::*;

const CE: u8 = 3;

fn capable() -> Peer {
    let mut peer = Peer::listening(Config { initial_window: InitialWindow::Rfc6928, ..plain() });
    peer.send("SEW 0:0(0) win 60000 <mss 1000>");
    peer.expect("SE. 0:0(0) ack 1");
    assert_eq!(peer.last_ecn, 0);
    peer.send(". 1:1(0) ack 1 win 60000");
    peer.accept();
    peer
}

/// The flags and ECN fields of what the stack sends now.
fn sent(peer: &mut Peer) -> Vec<String> {
    let mut sent = Vec::new();
    while let Some(segment) = peer.next() {
        let flags = segment.split(' ').next().unwrap_or_default();
        sent.push(format!("{flags} {}", peer.last_ecn));
    }
    sent
}

#[test]
fn asking() {
    let mut peer = Peer::new(Config { ecn: EcnMode::On, ..plain() });
    let (local, remote) = ("192.0.2.1:80".parse().unwrap(), "192.0.2.2:4000".parse().unwrap());
    peer.id = peer.stack.open_active(peer.now, local, remote, SocketOptions::default()).ok();
    let first = sent(&mut peer);
    assert!(first[0].contains('E') && first[0].contains('W') && first[0].ends_with(" 0"), "{first:?}");
    // Repeated, it does not ask.
    peer.wait_for("S 0:0(0) win");
}

#[test]
fn a_mark_is_echoed_until_the_peer_has_heard() {
    let mut peer = capable();
    peer.ecn = CE;
    peer.send("P. 1:101(100) ack 1");
    peer.ecn = 2;
    peer.expect("E. 1:1(0) ack 101");
    peer.send("P. 101:201(100) ack 1");
    peer.wait_for("E. 1:1(0) ack 201");
    peer.send("PW. 201:301(100) ack 1");
    peer.wait_for(". 1:1(0) ack 301");
    peer.ecn = CE;
    peer.send("PW. 301:401(100) ack 1");
    peer.expect("E. 1:1(0) ack 401");
    // Out of the window it is nothing.
    peer.ecn = 2;
    peer.send("PW. 401:501(100) ack 1");
    peer.wait_for(". 1:1(0) ack 501");
    peer.ecn = CE;
    peer.send("P. 401:501(100) ack 1");
    peer.expect(". 1:1(0) ack 501");
}

#[test]
fn an_echo_halves_the_window_once() {
    let mut peer = capable();
    assert_eq!(peer.write(1, 40_000), Ok(40_000));
    assert_eq!(sent(&mut peer), [". 2"; 10]);
    peer.send(".E 1:1(0) ack 1001 win 60000");
    peer.send(".E 1:1(0) ack 2001 win 60000");
    assert_eq!((peer.info().cwnd, peer.info().ssthresh), (5000, 5000));
    peer.send(".E 1:1(0) ack 8001 win 60000");
    assert_eq!(sent(&mut peer), ["W. 2", ". 2", ". 2"]);
    // A retransmission is neither capable nor does it carry CWR.
    peer.send(". 1:1(0) ack 9001 win 60000");
    sent(&mut peer);
    (0..3).for_each(|_| peer.send(". 1:1(0) ack 9001 win 60000"));
    assert!(sent(&mut peer).contains(&". 0".to_string()));
}

#[test]
fn below_one_segment_the_timer_paces() {
    let mut peer = capable();
    assert_eq!(peer.write(1, 40_000), Ok(40_000));
    sent(&mut peer);
    peer.send(".E 1:1(0) ack 10001 win 60000");
    let mut acked = 10_001;
    for flight in [5, 2, 1] {
        assert_eq!(sent(&mut peer).len(), flight);
        acked += flight as u32 * 1000;
        peer.send(&format!(".E 1:1(0) ack {acked} win 60000"));
    }
    peer.silent();
    assert_eq!(peer.wait_for("W. 18001:19001(1000) ack 1"), 1000);
    assert_eq!((peer.info().cwnd, peer.info().total_retransmits), (1000, 0));
}

#[test]
fn without_agreement_nothing_is_marked() {
    for syn in ["SE", "SW", "S"] {
        let mut peer = Peer::listening(plain());
        peer.send(&format!("{syn} 0:0(0) win 60000 <mss 1000>"));
        peer.expect("S. 0:0(0) ack 1");
        peer.ecn = CE;
        peer.send("P. 1:101(100) ack 1 win 60000");
        peer.accept();
        peer.wait_for(". 1:1(0) ack 101");
        assert_eq!(peer.write(1, 1000), Ok(1000));
        assert_eq!(sent(&mut peer), ["P. 0"]);
    }
}
