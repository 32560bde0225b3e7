//! Blind attacks (RFC 5961): reset, SYN, data injection, and the bound on challenge ACKs.

use super::peer::{Peer, plain};
use crate::tcp::*;
use core::time::Duration;

#[test]
fn a_reset_must_be_exact() {
    let mut peer = Peer::established(plain());
    for seq in [0, 65_536, 2_000_000_000] {
        peer.send(&format!("R {seq}:{seq}(0)"));
        peer.silent();
    }
    for seq in [2, 65_535] {
        peer.send(&format!("R {seq}:{seq}(0)"));
        peer.expect(". 1:1(0) ack 1");
    }
    peer.state(State::Established);
    peer.send("R 1:11(10)");
    peer.state(State::Closed);
    assert_eq!(peer.read(1, 1), Err(Error::ConnectionReset));
}

#[test]
fn a_syn_draws_a_challenge() {
    let mut peer = Peer::established(plain());
    for syn in ["S 1:1(0)", "S 0:0(0)", "S. 500:500(0) ack 1", "S 2000000000:2000000000(0)"] {
        peer.send(syn);
        peer.expect(". 1:1(0) ack 1");
    }
    peer.state(State::Established);
    // A peer that has forgotten the connection resets it by that.
    peer.send("R 1:1(0)");
    peer.state(State::Closed);
    peer.send("S 7:7(0)");
    peer.expect("S. 0:0(0) ack 8");
}

#[test]
fn text_needs_a_plausible_ack() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 100), Ok(100));
    peer.expect("P. 1:101(100) ack 1");
    peer.send(". 1:1(0) ack 101");
    for ack in [102, 2_000_000_000, u32::MAX - 9_999] {
        peer.send(&format!("P. 1:11(10) ack {ack}"));
        peer.expect(". 101:101(0) ack 1");
    }
    assert_eq!(peer.read(1, 1), Err(Error::WouldBlock));
    peer.send("P. 1:11(10) ack 1");
    assert_eq!(peer.read(1, 99), Ok(10));
}

#[test]
fn challenges_can_be_bounded() {
    let limit = RateLimit { count: 2, per: Duration::from_secs(1) };
    let mut peer = Peer::established(Config { challenge_ack_limit: Some(limit), ..plain() });
    for round in 0..2 {
        for n in 0..10 {
            peer.send("R 5:5(0)");
            assert_eq!(peer.next().is_some(), n < 2, "round {round}");
        }
        peer.wait(1000);
    }
}

#[test]
fn without_challenges_it_is_rfc_793() {
    let config = Config { challenge_acks: false, ..plain() };
    let mut peer = Peer::established(config.clone());
    peer.send("R 5:5(0)");
    peer.state(State::Closed);
    let mut peer = Peer::established(config);
    peer.send("S 5:5(0)");
    peer.expect("R 1:1(0)");
    peer.state(State::Closed);
}

/// SYNs from many ports, which nobody follows up: half-open connections are as many as the configuration says, and the old
/// connection goes on.
#[test]
fn a_flood_of_syns_is_bounded() {
    for cookies in [SynCookies::Never, SynCookies::WhenFull] {
        let config = Config { syn_queue: 20, syn_cookies: cookies, ..plain() };
        let mut peer = Peer::established(config);
        let own = peer.port;
        for port in 10_000..12_000 {
            peer.port = port;
            peer.send("S 0:0(0) win 10000 <mss 1000>");
            while peer.stack.take_output().is_some() {}
        }
        assert_eq!(peer.stack.slab.len(), 21, "{cookies:?}");
        peer.port = own;
        peer.send("P. 1:11(10) ack 1 win 10000");
        assert_eq!(peer.read(1, 99), Ok(10));
        let until = peer.now + Duration::from_secs(600);
        while let Some(at) = peer.stack.next_deadline().filter(|at| *at <= until) {
            peer.stack.poll(peer.now.max(at));
            while peer.stack.take_output().is_some() {}
        }
        assert_eq!(peer.stack.slab.len(), 1, "what nobody follows up goes, {cookies:?}");
    }
}

/// Octets with a gap before each: ranges are as many as the configuration says, and the window is not written beyond.
#[test]
fn a_flood_of_gaps_is_bounded() {
    let config = Config { max_ranges: 8, receive_buffer: 4096, ..plain() };
    let mut peer = Peer::established(config);
    for seq in (3..9_000).step_by(2) {
        peer.send(&format!(". {seq}:{}(1) ack 1 win 10000", seq + 1));
        while peer.stack.take_output().is_some() {}
    }
    let tcb = peer.stack.slab.get(peer.id()).expect("the connection goes on");
    assert!(tcb.receive.memory() <= 4096 + 8 * 64, "{} bytes", tcb.receive.memory());
    peer.send(". 1:21(20) ack 1 win 10000");
    assert_eq!(peer.read(1, 99), Ok(20));
}
