//! Negotiation, window scale, timestamps, SACK (RFC 7323, RFC 2018), and TIME-WAIT with timestamps (RFC 6191).

use super::peer::Peer;
use crate::tcp::*;
use core::time::Duration;

const ALL: &str = "mss 1000,wscale 2,sackOK,ts 100 0";

fn with_timestamps() -> Peer {
    let mut peer = Peer::listening(Config::default());
    peer.send(&format!("S 0:0(0) win 1000 <{ALL}>"));
    peer.expect("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 0,sackOK,ts 100>");
    peer.send(". 1:1(0) ack 1 win 2500 <ts 100 0>");
    peer.accept();
    peer
}

#[test]
fn only_what_both_want() {
    let mut peer = Peer::connecting(Config::default());
    peer.send("S. 0:0(0) ack 1 win 1000");
    peer.expect(". 1:1(0) ack 1 win 65535");
    let info = peer.info();
    assert_eq!((info.sack, info.timestamps, info.window_scale, info.snd_wnd), (false, false, None, 1000));
    peer.send("P. 1:11(10) ack 1 win 7 <wscale 7,ts 1 1>");
    assert_eq!(peer.info().snd_wnd, 7);
    let peer = with_timestamps();
    let info = peer.info();
    assert_eq!((info.sack, info.timestamps, info.window_scale), (true, true, Some((2, 0))));
    assert_eq!((info.snd_wnd, info.snd_mss), (10_000, 988));
}

#[test]
fn window_scale() {
    let config = Config { receive_buffer: 1 << 20, timestamps: false, sack: false, ..Config::default() };
    let mut peer = Peer::listening(config);
    peer.send("S 0:0(0) win 1000 <wscale 200>");
    peer.expect("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 4>");
    peer.send(". 1:1(0) ack 1 win 2");
    peer.accept();
    assert_eq!((peer.info().window_scale, peer.info().snd_wnd), (Some((14, 4)), 2 << 14));
    peer.send("F. 1:1(0) ack 1");
    peer.expect(". 1:1(0) ack 2 win 65535");
}

#[test]
fn timestamps_are_echoed_and_checked() {
    let mut peer = with_timestamps();
    peer.send("P. 1:11(10) ack 1 win 2500 <ts 110 0>");
    peer.wait_for(". 1:1(0) ack 11 win 65525 <ts 110>");
    peer.send("P. 21:31(10) ack 1 win 2500 <ts 130 0>");
    peer.expect(". 1:1(0) ack 11 win 65525 <ts 110,sack 21:31>");
    peer.send("P. 11:21(10) ack 1 win 2500 <ts 120 0>");
    peer.expect(". 1:1(0) ack 31 win 65505 <ts 120>");
    peer.send("P. 31:41(10) ack 1 win 2500 <ts 119 0>");
    peer.expect(". 1:1(0) ack 31 win 65505 <ts 120>");
    peer.send("P. 31:41(10) ack 1 win 2500");
    peer.silent();
    assert_eq!(peer.read(1, 99), Ok(30));
    peer.wait(25 * 24 * 3600 * 1000);
    peer.send("P. 31:41(10) ack 1 win 2500 <ts 119 0>");
    assert_eq!(peer.read(31, 99), Ok(10));
    peer.send("R 41:41(0) <ts 1 0>");
    peer.state(State::Closed);
}

#[test]
fn sack_names_the_latest_block_first() {
    let mut peer = with_timestamps();
    let mut blocks: Vec<String> = Vec::new();
    for first in [11, 31, 51, 71] {
        peer.send(&format!("P. {first}:{}(10) ack 1 win 2500 <ts 110 0>", first + 10));
        blocks.insert(0, format!("sack {first}:{}", first + 10));
        blocks.truncate(3);
        peer.expect(&format!(". 1:1(0) ack 1 win 65535 <ts 100,{}>", blocks.join(",")));
    }
    peer.send("P. 21:31(10) ack 1 win 2500 <ts 110 0>");
    peer.expect(". 1:1(0) ack 1 win 65535 <ts 100,sack 11:41,sack 71:81,sack 51:61>");
}

#[test]
fn round_trips_by_timestamps_survive_retransmission() {
    let mut peer = with_timestamps();
    assert_eq!(peer.write(1, 10), Ok(10));
    peer.expect("P. 1:11(10) ack 1");
    peer.wait_for("P. 1:11(10) ack 1");
    let rto = peer.info().rto;
    // The echo of our clock now: TSecr is what the last segment carried.
    let tsval = peer.last_tsval;
    peer.wait(50);
    peer.send(&format!(". 1:1(0) ack 11 win 2500 <ts 120 {tsval}>"));
    assert_eq!((rto, peer.info().rto), (Duration::from_secs(2), Duration::from_secs(1)));
}

#[test]
fn a_reset_for_nobody_echoes_the_timestamp() {
    let mut peer = Peer::new(Config::default());
    peer.send("S 0:0(0) win 1000 <ts 77 0>");
    peer.expect("R. 0:0(0) ack 1 win 0 <ts 77>");
}

#[test]
fn time_wait_and_timestamps() {
    let cases = [
        ("S 1:1(0) win 1000 <ts 131 0>", true),
        ("S 1:1(0) win 1000 <ts 130 0>", false),
        ("S 2:2(0) win 1000 <ts 130 0>", true),
        ("S 2:2(0) win 1000 <ts 129 0>", false),
        ("S 2:2(0) win 1000", true),
        ("S 1:1(0) win 1000", false),
    ];
    for (syn, accepted) in cases {
        let mut peer = with_timestamps();
        peer.shutdown();
        peer.expect("F. 1:1(0) ack 1");
        peer.send("F. 1:1(0) ack 2 win 2500 <ts 130 0>");
        peer.expect(". 2:2(0) ack 2");
        peer.send(syn);
        assert_eq!(peer.next().is_some_and(|found| found.starts_with("S. ")), accepted, "{syn}");
    }
}

#[test]
fn time_wait_without_timestamps_takes_a_syn_with_them() {
    let mut peer = Peer::listening(Config::default());
    peer.send("S 0:0(0) win 1000");
    peer.expect("S. 0:0(0) ack 1");
    peer.send(". 1:1(0) ack 1 win 1000");
    peer.accept();
    peer.shutdown();
    peer.expect("F. 1:1(0) ack 1");
    peer.send("F. 1:1(0) ack 2");
    peer.expect(". 2:2(0) ack 2");
    peer.send("S 1:1(0) win 1000 <ts 5 0>");
    peer.expect("S. 0:0(0) ack 2");
}

#[test]
fn an_echo_that_is_none_is_no_sample() {
    for wrong in [1000, u32::MAX - 1_000_000] {
        let mut peer = with_timestamps();
        let srtt = peer.info().srtt;
        assert_eq!(peer.write(1, 10), Ok(10));
        peer.expect("P. 1:11(10) ack 1");
        peer.wait_for("P. 1:11(10) ack 1");
        let tsecr = peer.last_tsval.wrapping_add(wrong);
        peer.send(&format!(". 1:1(0) ack 11 win 2500 <ts 120 {tsecr}>"));
        assert_eq!((peer.info().unacked, peer.info().srtt), (0, srtt));
    }
}

#[test]
fn text_leaves_room_for_the_sack_blocks() {
    let mut peer = with_timestamps();
    for first in [11, 31] {
        peer.send(&format!("P. {first}:{}(10) ack 1 win 2500 <ts 110 0>", first + 10));
        assert!(peer.next().is_some());
    }
    assert_eq!(peer.write(1, 2 * 968), Ok(2 * 968));
    peer.expect(". 1:969(968) ack 1 win 65535 <ts 100,sack 31:41,sack 11:21>");
    peer.send(". 1:1(0) ack 969 win 2500 <ts 100 0>");
    peer.expect("P. 969:1937(968) ack 1 win 65535 <ts 100,sack 31:41,sack 11:21>");
}

#[test]
fn the_user_bounds_the_mss() {
    let mut peer = Peer::listening(super::peer::plain());
    peer.stack.listener_options_mut(peer.listener.unwrap()).unwrap().mss = Some(700);
    peer.send("S 0:0(0) win 10000 <mss 1000>");
    peer.expect("S. 0:0(0) ack 1 win 65535 <mss 700>");
    peer.send(". 1:1(0) ack 1 win 10000");
    peer.accept();
    assert_eq!(peer.info().snd_mss, 700);
}

#[test]
fn the_mtu_bounds_the_mss() {
    let mut peer = Peer::listening(super::peer::plain());
    peer.stack.set_mtu(None, 1400);
    peer.stack.set_mtu(Some(super::peer::PEER), 1000);
    peer.send("S 0:0(0) win 10000 <mss 5000>");
    peer.expect("S. 0:0(0) ack 1 win 65535 <mss 960>");
    peer.send(". 1:1(0) ack 1 win 10000");
    peer.accept();
    assert_eq!(peer.info().snd_mss, 960);
}

#[test]
fn crossing_syns_scale_only_where_both_offer() {
    let config = Config { receive_buffer: 1 << 20, timestamps: false, sack: false, ..Config::default() };
    for (option, scale) in [("mss 1000", None), ("mss 1000,wscale 3", Some((3, 4)))] {
        let mut peer = Peer::connecting(config.clone());
        peer.send(&format!("S 0:0(0) win 1000 <{option}>"));
        assert!(peer.next().is_some_and(|found| found.contains("wscale") == scale.is_some()), "{option}");
        peer.send(". 1:1(0) ack 1 win 1000");
        assert_eq!(peer.info().window_scale, scale, "{option}");
        assert_eq!(peer.info().snd_wnd, 1000 << scale.map_or(0, |(snd, _)| snd), "{option}");
    }
}
