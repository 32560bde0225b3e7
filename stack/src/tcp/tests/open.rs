//! Opening (RFC 9293 3.5, 3.10.1, 3.10.7.1 to 3.10.7.3).

use super::peer::{PEER, Peer, STACK, plain};
use crate::tcp::*;
use std::net::SocketAddr;

#[test]
fn passive_open() {
    let mut peer = Peer::listening(plain());
    peer.send("S 0:0(0) win 1000 <mss 500>");
    peer.expect("S. 0:0(0) ack 1 win 65535 <mss 1460>");
    peer.silent();
    assert!(!peer.stack.can_accept(peer.listener.unwrap()));
    peer.send(". 1:1(0) ack 1 win 1000");
    peer.accept();
    peer.state(State::Established);
    assert_eq!(peer.info().snd_mss, 500);
    peer.silent();
}

#[test]
fn active_open() {
    let mut peer = Peer::connecting(plain());
    peer.state(State::SynSent);
    assert!(!peer.stack.readiness(peer.id()).writable);
    peer.send("S. 0:0(0) ack 1 win 1000");
    peer.expect(". 1:1(0) ack 1");
    peer.state(State::Established);
    assert!(peer.stack.readiness(peer.id()).writable);
    assert_eq!(peer.info().snd_mss, 536);
}

#[test]
fn simultaneous_open() {
    let mut peer = Peer::connecting(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.state(State::SynReceived);
    peer.send("S. 0:0(0) ack 1 win 1000");
    peer.state(State::Established);
    peer.silent();
}

#[test]
fn simultaneous_open_by_a_plain_ack() {
    let mut peer = Peer::connecting(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1 win 1000");
    peer.state(State::Established);
}

#[test]
fn nobody_listens() {
    let mut peer = Peer::new(plain());
    peer.send("SF 0:10(10) win 1000");
    peer.expect("R. 0:0(0) ack 12");
    peer.send("S. 5:5(0) ack 7 win 1000");
    peer.expect("R 7:7(0)");
    peer.send("R 0:0(0)");
    peer.send("R. 0:0(0) ack 9");
    peer.silent();
}

#[test]
fn listen_takes_only_syn() {
    let mut peer = Peer::listening(plain());
    peer.send("R 0:0(0)");
    peer.send("F 0:0(0)");
    peer.send("P 0:10(10)");
    peer.silent();
    peer.send("S. 0:0(0) ack 5");
    peer.expect("R 5:5(0)");
    peer.send("F. 0:0(0) ack 6");
    peer.expect("R 6:6(0)");
}

#[test]
fn syn_sent_checks_ack_and_rst() {
    let mut peer = Peer::connecting(plain());
    for ack in [0, 2] {
        peer.send(&format!("S. 0:0(0) ack {ack}"));
        peer.expect(&format!("R {ack}:{ack}(0)"));
        peer.send(&format!("R. 0:0(0) ack {ack}"));
    }
    peer.send("R 0:0(0)");
    peer.send(". 0:0(0) ack 1");
    peer.send("F 0:0(0)");
    peer.silent();
    peer.state(State::SynSent);
    peer.send("R. 0:0(0) ack 1");
    peer.state(State::Closed);
    let id = peer.id();
    assert_eq!(peer.stack.take_error(id), Some(Error::ConnectionRefused));
    assert_eq!(peer.stack.next_deadline(), None);
}

#[test]
fn text_and_fin_on_the_syn_ack() {
    let mut peer = Peer::connecting(plain());
    peer.send("SF. 0:10(10) ack 1 win 1000");
    peer.expect(". 1:1(0) ack 12");
    peer.state(State::CloseWait);
    assert_eq!((peer.read(0, 99), peer.read(0, 99)), (Ok(10), Ok(0)));
}

#[test]
fn text_on_a_syn_to_a_listener_comes_again() {
    let mut peer = Peer::listening(plain());
    peer.send("S 0:10(10) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send("P. 1:11(10) ack 1 win 1000");
    peer.accept();
    assert_eq!(peer.read(1, 99), Ok(10));
}

#[test]
fn syn_received_returns_to_listen() {
    for ends in ["R 1:1(0)", "S 1:1(0)"] {
        let mut peer = Peer::listening(plain());
        peer.send("S 0:0(0) win 1000");
        peer.expect("S. 0:0(0) ack 1");
        peer.send(ends);
        peer.silent();
        assert_eq!(peer.stack.next_deadline(), None);
        peer.send("S 100:100(0) win 1000");
        peer.expect("S. 0:0(0) ack 101");
    }
}

#[test]
fn syn_received_after_an_active_open_is_refused() {
    let mut peer = Peer::connecting(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send("R 1:1(0)");
    peer.state(State::Closed);
    assert_eq!(peer.read(0, 1), Err(Error::ConnectionRefused));
}

#[test]
fn syn_received_resets_a_wrong_ack_and_stays() {
    let mut peer = Peer::listening(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 2");
    peer.expect("R 2:2(0)");
    peer.send(". 1:1(0)".replace(". ", "P ").as_str());
    peer.silent();
    peer.send("F. 1:11(10) ack 1 win 1000");
    peer.expect(". 1:1(0) ack 12");
    peer.accept();
    peer.state(State::CloseWait);
}

#[test]
fn data_and_close_before_the_handshake_is_over_wait_for_it() {
    let mut peer = Peer::connecting(plain());
    assert_eq!(peer.write(1, 10), Ok(10));
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.shutdown();
    peer.silent();
    peer.send(". 1:1(0) ack 1 win 1000");
    peer.expect("FP. 1:11(10) ack 1");
    peer.state(State::FinWait1);
}

#[test]
fn close_and_abort_in_syn_sent_send_nothing() {
    for abort in [true, false] {
        let mut peer = Peer::connecting(plain());
        let id = peer.id();
        if abort {
            peer.stack.abort(peer.now, id)
        } else {
            peer.close()
        }
        peer.silent();
        assert_eq!(peer.stack.next_deadline(), None);
        peer.send("S. 0:0(0) ack 1");
        peer.expect("R 1:1(0)");
    }
}

#[test]
fn endpoints_are_checked() {
    let mut peer = Peer::connecting(plain());
    assert!(peer.stack.contains("192.0.2.1:80".parse().unwrap(), "192.0.2.2:4000".parse().unwrap()));
    let states: Vec<State> = peer.stack.connections().map(|(_, _, _, state)| state).collect();
    assert_eq!(states, [State::SynSent]);
    let mut open = |local: &str, remote: &str| {
        let ends = [local, remote].map(|end| end.parse::<SocketAddr>().unwrap());
        peer.stack.open_active(peer.now, ends[0], ends[1], SocketOptions::default()).err()
    };
    assert_eq!(open("192.0.2.1:80", "192.0.2.2:4000"), Some(Error::AddressInUse));
    for remote in ["224.0.0.1:1", "255.255.255.255:1", "0.0.0.0:1", "192.0.2.2:0", "[2001:db8::1]:1"] {
        assert_eq!(open("192.0.2.1:80", remote), Some(Error::InvalidRemote), "{remote}");
    }
}

#[test]
fn the_backlog_is_a_bound() {
    let mut peer = Peer::new(plain());
    let local = SocketAddr::new(STACK, 80);
    let listener = peer.stack.open_passive(local, 1, SocketOptions::default()).unwrap();
    assert_eq!(peer.stack.open_passive(local, 1, SocketOptions::default()), Err(Error::AddressInUse));
    peer.listener = Some(listener);
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1");
    peer.port += 1;
    peer.send("S 0:0(0) win 1000");
    peer.silent();
    peer.accept();
    assert_eq!(peer.stack.endpoints(peer.id()), (local, SocketAddr::new(PEER, 4000)));
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
}

#[test]
fn a_closed_listener_takes_its_connections_along() {
    let mut peer = Peer::listening(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.stack.close_listener(peer.now, peer.listener.unwrap());
    peer.expect("R 1:1(0)");
    peer.send(". 1:1(0) ack 1");
    peer.expect("R 1:1(0)");
    assert_eq!(peer.stack.next_deadline(), None);
}

#[test]
fn broadcast_and_multicast_get_no_answer() {
    use crate::wire::tcp::{Flags, Header};
    let mut peer = Peer::listening(plain());
    for (src, dst) in [
        ("192.0.2.2", "255.255.255.255"),
        ("192.0.2.2", "224.0.0.1"),
        ("2001:db8::2", "ff02::1"),
        ("0.0.0.0", "192.0.2.1"),
        ("224.0.0.1", "192.0.2.1"),
        ("255.255.255.255", "192.0.2.1"),
    ] {
        let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
        let syn = Header { source_port: 4000, destination_port: 80, flags: Flags::SYN, ..Header::default() };
        let mut buffer = crate::wire::Buffer::new();
        syn.emit(src, dst, &mut buffer);
        peer.stack.segment_arrives(peer.now, src, dst, 0, &buffer);
        peer.silent();
    }
}

#[test]
fn a_listener_that_waits_for_text() {
    let mut peer = Peer::listening(plain());
    let listener = peer.listener.unwrap();
    peer.stack.listener_options_mut(listener).unwrap().accept_with_text = true;
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1 win 1000");
    assert!(!peer.stack.can_accept(listener));
    peer.send("P. 1:11(10) ack 1 win 1000");
    assert!(peer.stack.can_accept(listener));
    peer.accept();
    assert_eq!(peer.read(1, 100), Ok(10));
}

#[test]
fn a_reset_before_the_text_leaves_nothing() {
    let mut peer = Peer::listening(plain());
    let listener = peer.listener.unwrap();
    peer.stack.listener_options_mut(listener).unwrap().accept_with_text = true;
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1 win 1000");
    peer.send("R 1:1(0)");
    assert!(!peer.stack.can_accept(listener));
    assert_eq!(peer.stack.connections().count(), 0);
}

#[test]
fn close_while_the_syns_cross_sends_the_fin_at_once() {
    let mut peer = Peer::connecting(plain());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.shutdown();
    peer.expect("F. 1:1(0) ack 1");
    peer.send(". 1:1(0) ack 2 win 1000");
    peer.state(State::FinWait2);
    peer.silent();
}
