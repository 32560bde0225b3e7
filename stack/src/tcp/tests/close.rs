//! Closing (RFC 9293 3.6, 3.10.4, 3.10.5): every way from ESTABLISHED to CLOSED.

use super::peer::{Peer, plain};
use crate::tcp::*;

const TWO_MSL: u64 = 240_000;

#[test]
fn we_close_first() {
    let mut peer = Peer::established(plain());
    peer.shutdown();
    peer.expect("F. 1:1(0) ack 1");
    peer.state(State::FinWait1);
    peer.send(". 1:1(0) ack 2");
    peer.state(State::FinWait2);
    assert_eq!(peer.write(1, 1), Err(Error::Closing));
    peer.send("P. 1:11(10) ack 2");
    assert_eq!(peer.read(1, 99), Ok(10));
    peer.send("F. 11:11(0) ack 2");
    peer.expect(". 2:2(0) ack 12");
    peer.state(State::TimeWait);
    let ready = peer.stack.readiness(peer.id());
    assert!(ready.hang_up && ready.end_of_stream && ready.readable && !ready.error);
    assert_eq!(peer.read(0, 99), Ok(0));
    peer.wait(TWO_MSL - 1);
    peer.state(State::TimeWait);
    peer.wait(1);
    peer.state(State::Closed);
    assert_eq!(peer.stack.next_deadline(), None);
    peer.send("F. 11:11(0) ack 2");
    peer.expect("R 2:2(0)");
}

#[test]
fn the_peer_closes_first() {
    let mut peer = Peer::established(plain());
    peer.send("FP. 1:11(10) ack 1");
    peer.expect(". 1:1(0) ack 12");
    peer.state(State::CloseWait);
    assert_eq!((peer.read(1, 99), peer.read(0, 99)), (Ok(10), Ok(0)));
    assert_eq!(peer.write(1, 10), Ok(10));
    peer.expect("P. 1:11(10) ack 12");
    peer.send("F. 11:11(0) ack 11");
    peer.expect(". 11:11(0) ack 12");
    peer.shutdown();
    peer.expect("F. 11:11(0) ack 12");
    peer.state(State::LastAck);
    peer.send("F. 11:11(0) ack 11");
    peer.expect(". 12:12(0) ack 12");
    peer.send(". 12:12(0) ack 12");
    peer.state(State::Closed);
    assert_eq!(peer.stack.take_error(peer.id.unwrap()), None);
    peer.send(". 12:12(0) ack 12");
    peer.expect("R 12:12(0)");
}

#[test]
fn both_close_at_once() {
    let mut peer = Peer::established(plain());
    peer.shutdown();
    peer.expect("F. 1:1(0) ack 1");
    peer.send("F. 1:1(0) ack 1");
    peer.expect(". 2:2(0) ack 2");
    peer.state(State::Closing);
    peer.send("F. 1:1(0) ack 1");
    peer.expect(". 2:2(0) ack 2");
    peer.state(State::Closing);
    peer.send(". 2:2(0) ack 2");
    peer.state(State::TimeWait);
    peer.silent();
}

#[test]
fn fin_and_the_ack_of_ours_in_one_segment() {
    let mut peer = Peer::established(plain());
    peer.shutdown();
    peer.expect("F. 1:1(0) ack 1");
    peer.send("F. 1:1(0) ack 2");
    peer.expect(". 2:2(0) ack 2");
    peer.state(State::TimeWait);
}

#[test]
fn a_retransmitted_fin_restarts_time_wait() {
    let mut peer = Peer::established(plain());
    peer.shutdown();
    peer.expect("F. 1:1(0) ack 1");
    peer.send("F. 1:1(0) ack 2");
    peer.expect(". 2:2(0) ack 2");
    peer.wait(TWO_MSL - 1000);
    peer.send("F. 1:1(0) ack 2");
    peer.expect(". 2:2(0) ack 2");
    peer.wait(TWO_MSL - 1);
    peer.state(State::TimeWait);
    peer.wait(1);
    peer.state(State::Closed);
}

#[test]
fn time_wait_gives_way_to_a_newer_syn() {
    let time_wait = || {
        let mut peer = Peer::established(plain());
        peer.shutdown();
        peer.expect("F. 1:1(0) ack 1");
        peer.send("F. 1:1(0) ack 2");
        peer.expect(". 2:2(0) ack 2");
        peer
    };
    let mut peer = time_wait();
    let before = peer.stack_seq(2);
    peer.send("S 2:2(0) win 1000");
    peer.expect("S. 0:0(0) ack 3");
    assert!(peer.stack_seq(0) > before, "the new ISN is not beyond the old sequence numbers");
    peer.send(". 3:3(0) ack 1");
    peer.accept();
    peer.state(State::Established);
    // An old duplicate, which the peer resets: TIME-WAIT has its sockets back (RFC 9293 3.6.1 (2)).
    let mut peer = time_wait();
    peer.send("S 2:2(0) win 1000");
    peer.expect("S. 0:0(0) ack 3");
    peer.send("R 3:3(0)");
    peer.state(State::TimeWait);
    peer.send("R 2:2(0)");
    peer.state(State::Closed);
    let mut peer = time_wait();
    peer.send("S 1:1(0) win 1000");
    peer.silent();
    peer.state(State::TimeWait);
    peer.send("R 2:2(0)");
    peer.state(State::Closed);
}

#[test]
fn connections_in_time_wait_are_bounded() {
    let mut peer = Peer::listening(Config { max_time_wait: 2, ..plain() });
    for _ in 0..3 {
        peer.send("S 0:0(0)");
        peer.expect("S. 0:0(0) ack 1");
        peer.send(". 1:1(0) ack 1");
        peer.accept();
        peer.shutdown();
        peer.expect("F. 1:1(0) ack 1");
        peer.send("F. 1:1(0) ack 2");
        peer.expect(". 2:2(0) ack 2");
        peer.state(State::TimeWait);
        peer.port += 1;
    }
    for (port, known) in [(4000, false), (4001, true), (4002, true)] {
        peer.port = port;
        peer.send("F. 1:1(0) ack 2");
        let found = peer.next().unwrap_or_default();
        assert_eq!(found.starts_with(". "), known, "{port}: {found}");
    }
}

#[test]
fn queued_data_goes_before_the_fin() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 5000), Ok(5000));
    peer.close();
    for first in [1, 1001, 2001] {
        peer.expect(&format!(". {first}:{}(1000) ack 1", first + 1000));
    }
    peer.expect(". 3001:4001(1000) ack 1");
    peer.silent();
    peer.send(". 1:1(0) ack 4001");
    peer.expect("FP. 4001:5001(1000) ack 1");
    peer.send("F. 1:1(0) ack 5002");
    peer.expect(". 5002:5002(0) ack 2");
    peer.wait(TWO_MSL);
    peer.send("F. 1:1(0) ack 5002");
    peer.expect("R 5002:5002(0)");
}

#[test]
fn unread_text_makes_close_a_reset() {
    let mut peer = Peer::established(plain());
    peer.send("P. 1:11(10) ack 1");
    peer.close();
    peer.expect("R 1:1(0)");
    peer.silent();
    assert_eq!(peer.stack.next_deadline(), None);
}

#[test]
fn text_after_close_is_reset() {
    let mut peer = Peer::established(plain());
    peer.close();
    peer.expect("F. 1:1(0) ack 1");
    peer.send("P. 1:11(10) ack 2");
    peer.expect("R 2:2(0)");
    assert_eq!(peer.stack.next_deadline(), None);
}

#[test]
fn nobody_waits_for_ever_in_fin_wait_2() {
    let mut peer = Peer::established(plain());
    peer.close();
    peer.expect("F. 1:1(0) ack 1");
    peer.send(". 1:1(0) ack 2");
    peer.silent();
    peer.wait(240_000);
    assert_eq!(peer.stack.next_deadline(), None);
    peer.send("F. 1:1(0) ack 2");
    peer.expect("R 2:2(0)");
}

#[test]
fn abort_resets_at_snd_nxt() {
    let mut peer = Peer::established(plain());
    assert_eq!(peer.write(1, 100), Ok(100));
    let id = peer.id();
    peer.expect("P. 1:101(100) ack 1");
    peer.stack.abort(peer.now, id);
    peer.expect("R 101:101(0)");
    peer.silent();
    assert_eq!(peer.stack.next_deadline(), None);
}

#[test]
fn a_reset_in_each_state() {
    let steps: [(&[&str], State, Option<Error>); 6] = [
        (&[], State::Established, Some(Error::ConnectionReset)),
        (&["F. 1:1(0) ack 1"], State::CloseWait, Some(Error::ConnectionReset)),
        (&["shut"], State::FinWait1, Some(Error::ConnectionReset)),
        (&["shut", ". 1:1(0) ack 2"], State::FinWait2, Some(Error::ConnectionReset)),
        (&["shut", "F. 1:1(0) ack 1"], State::Closing, None),
        (&["F. 1:1(0) ack 1", "shut"], State::LastAck, None),
    ];
    for (script, state, error) in steps {
        let mut peer = Peer::established(plain());
        let mut rcv_nxt = 1;
        for step in script {
            if *step == "shut" {
                peer.shutdown()
            } else {
                peer.send(step)
            }
            rcv_nxt += u32::from(step.starts_with('F'));
            while peer.next().is_some() {}
        }
        peer.state(state);
        peer.send(&format!("R {rcv_nxt}:{rcv_nxt}(0)"));
        peer.state(State::Closed);
        let id = peer.id();
        assert_eq!(peer.stack.take_error(id), error, "{state}");
        peer.silent();
    }
}
