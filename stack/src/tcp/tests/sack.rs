//! Loss recovery by SACK (RFC 6675), and reports of duplicates (RFC 2883).

use super::peer::Peer;
use crate::tcp::*;

fn config() -> Config {
    let initial_window = InitialWindow::Rfc6928;
    Config { window_scaling: false, timestamps: false, initial_window, ..Config::default() }
}

/// Ten segments of 1000 bytes are out, of `len` bytes that are to be sent.
fn ten_out(config: Config, len: u32) -> Peer {
    let mut peer = Peer::listening(config);
    peer.send("S 0:0(0) win 60000 <mss 1000,sackOK>");
    peer.expect("S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK>");
    peer.send(". 1:1(0) ack 1 win 60000");
    peer.accept();
    assert_eq!(peer.write(1, len), Ok(len as usize));
    check(&mut peer, &[1, 1001, 2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001]);
    peer
}

/// The first numbers of the segments that the stack sends now.
#[track_caller]
fn check(peer: &mut Peer, expected: &[u32]) {
    let mut found = Vec::new();
    while let Some(segment) = peer.next() {
        let first = segment.split([' ', ':']).nth(1).unwrap();
        found.push(first.parse::<u32>().unwrap());
    }
    assert_eq!(found, expected);
}

#[track_caller]
fn sack(peer: &mut Peer, ack: u32, blocks: &str, expected: &[u32]) {
    peer.send(&format!(". 1:1(0) ack {ack} win 60000 <{blocks}>"));
    check(peer, expected);
}

#[test]
fn holes_are_filled_as_the_pipe_drains() {
    let mut peer = ten_out(config(), 30_000);
    // Segments 1, 3 and 5 are lost. Limited transmit on the first two, then recovery.
    sack(&mut peer, 1, "sack 1001:2001", &[10_001]);
    sack(&mut peer, 1, "sack 3001:4001,sack 1001:2001", &[11_001]);
    sack(&mut peer, 1, "sack 5001:6001,sack 3001:4001,sack 1001:2001", &[1]);
    assert_eq!((peer.info().ssthresh, peer.info().cwnd), (5000, 5000));
    // pipe: six of the twelve segments are neither SACKed nor lost, and one was sent again.
    sack(&mut peer, 1, "sack 5001:7001,sack 3001:4001,sack 1001:2001", &[]);
    sack(&mut peer, 1, "sack 5001:8001,sack 3001:4001,sack 1001:2001", &[]);
    sack(&mut peer, 1, "sack 5001:9001,sack 3001:4001,sack 1001:2001", &[2001]);
    sack(&mut peer, 1, "sack 5001:10001,sack 3001:4001,sack 1001:2001", &[4001]);
    // A partial ACK sends nothing by itself; the room that it makes does.
    sack(&mut peer, 2001, "sack 5001:10001,sack 3001:4001", &[12_001]);
    assert_eq!(peer.info().cwnd, 5000);
    // What was out when it began is acknowledged: recovery is over, cwnd stays.
    sack(&mut peer, 12_001, "", &[13_001, 14_001, 15_001, 16_001]);
    assert_eq!(peer.info().total_retransmits, 3);
    assert_eq!(peer.info().cwnd, 5000);
}

#[test]
fn duplicates_without_news_mean_nothing() {
    let mut peer = ten_out(config(), 30_000);
    for _ in 0..5 {
        sack(&mut peer, 1, "", &[]);
        sack(&mut peer, 1, "sack 1:1001", &[]);
        sack(&mut peer, 1, "sack 90001:91001", &[]);
    }
    sack(&mut peer, 1, "sack 1001:2001", &[10_001]);
    (0..5).for_each(|_| sack(&mut peer, 1, "sack 1001:2001", &[]));
    assert_eq!(peer.info().total_retransmits, 0);
}

#[test]
fn a_count_is_enough_for_small_pieces() {
    let mut peer = ten_out(config(), 10_000);
    sack(&mut peer, 1, "sack 9001:9101", &[]);
    sack(&mut peer, 1, "sack 9001:9201", &[]);
    sack(&mut peer, 1, "sack 9001:9301", &[1]);
}

#[test]
fn a_lost_tail_is_rescued_once() {
    let mut peer = ten_out(config(), 10_000);
    // 1 and the last two are lost, and there is no new data.
    sack(&mut peer, 1, "sack 1001:4001", &[1]);
    sack(&mut peer, 1, "sack 1001:8001", &[]);
    sack(&mut peer, 8001, "", &[9001]);
    sack(&mut peer, 8001, "", &[]);
}

#[test]
fn a_timeout_forgets_and_learns_again() {
    let mut peer = ten_out(config(), 10_000);
    sack(&mut peer, 1, "sack 1001:3001", &[]);
    peer.wait_for(". 1:1001(1000) ack 1");
    // No recovery before what was out is acknowledged, but what is SACKed again is not sent again.
    sack(&mut peer, 1001, "sack 2001:7001", &[1001, 7001]);
    sack(&mut peer, 2001, "sack 2001:7001,sack 9001:10001", &[8001]);
    sack(&mut peer, 10_001, "", &[]);
    assert_eq!(peer.info().total_retransmits, 4);
}

#[test]
fn newreno_where_it_is_chosen() {
    let mut peer = ten_out(Config { recovery: LossRecovery::Rfc6582, ..config() }, 10_000);
    sack(&mut peer, 1, "sack 1001:4001", &[]);
    sack(&mut peer, 1, "sack 1001:5001", &[]);
    sack(&mut peer, 1, "sack 1001:6001", &[1]);
}

#[test]
fn duplicates_are_reported_once() {
    let mut peer = Peer::listening(config());
    peer.send("S 0:0(0) win 60000 <mss 1000,sackOK>");
    peer.expect("S. 0:0(0) ack 1");
    peer.send("P. 1:501(500) ack 1");
    peer.accept();
    peer.wait_for(". 1:1(0) ack 501 win 65035");
    peer.send("P. 1:501(500) ack 1");
    peer.expect(". 1:1(0) ack 501 win 65035 <sack 1:501>");
    // Above a hole, with the block that holds it behind it.
    peer.send("P. 1001:1501(500) ack 1");
    peer.expect(". 1:1(0) ack 501 win 65035 <sack 1001:1501>");
    peer.send("P. 1501:2001(500) ack 1");
    peer.expect(". 1:1(0) ack 501 win 65035 <sack 1001:2001>");
    peer.send("P. 1501:2001(500) ack 1");
    peer.expect(". 1:1(0) ack 501 win 65035 <sack 1501:2001,sack 1001:2001>");
    // In part.
    peer.send("P. 401:601(200) ack 1");
    peer.expect(". 1:1(0) ack 601 win 64935 <sack 401:501,sack 1001:2001>");
    peer.send("P. 601:1101(500) ack 1");
    peer.expect(". 1:1(0) ack 2001 win 63535 <sack 1001:1101>");
    peer.send("P. 2001:2501(500) ack 1");
    peer.wait_for(". 1:1(0) ack 2501 win 63035");
}
