//! Every state against every kind of segment: the reply and the state after it, as one table to read beside RFC 9293
//! 3.10.7. Numbers are relative; RCV.NXT and SND.NXT are those before the segment.

use super::peer::{Peer, plain};
use crate::tcp::*;

/// What leads to a state from ESTABLISHED: `shutdown` is the user's, the rest are segments.
const STATES: [(State, &[&str]); 7] = [
    (State::Established, &[]),
    (State::FinWait1, &["shutdown"]),
    (State::FinWait2, &["shutdown", ". 1:1(0) ack 2"]),
    (State::CloseWait, &["F. 1:1(0) ack 1"]),
    (State::Closing, &["shutdown", "F. 1:1(0) ack 1"]),
    (State::LastAck, &["F. 1:1(0) ack 1", "shutdown"]),
    (State::TimeWait, &["shutdown", "F. 1:1(0) ack 2"]),
];

/// The segments, with `N` for RCV.NXT, `A` for SND.NXT, `U` for SND.UNA.
const SEGMENTS: [(&str, &str); 14] = [
    ("RST, exact", "R N+0"),
    ("RST, in window", "R N+9"),
    ("RST, outside", "R N-1"),
    ("SYN", "S N+9"),
    ("SYN,ACK", "S. N-1 U"),
    ("no flag", "P N+0"),
    ("ACK of nothing new", ". N+0 U"),
    ("ACK of all", ". N+0 A"),
    ("ACK of more", ". N+0 A+1"),
    ("text", "P. N+0 U 10"),
    ("text ahead", "P. N+5 U 10"),
    ("text, old", "P. N-1 U 1"),
    ("FIN", "F. N+0 U"),
    ("FIN and ACK of all", "F. N+0 A"),
];

fn peer_in(script: &[&str]) -> (Peer, u32, u32, u32) {
    let mut peer = Peer::established(plain());
    let (mut rcv_nxt, mut snd_nxt, mut snd_una) = (1, 1, 1);
    for step in script {
        if *step == "shutdown" {
            peer.shutdown();
            snd_nxt = 2;
        } else {
            peer.send(step);
            rcv_nxt += u32::from(step.starts_with('F'));
            snd_una = if step.ends_with('2') { 2 } else { snd_una };
        }
        while peer.next().is_some() {}
    }
    (peer, rcv_nxt, snd_nxt, snd_una)
}

/// Sends a segment of the table and describes what becomes of it.
fn outcome(script: &[&str], segment: &str) -> String {
    let (mut peer, rcv_nxt, snd_nxt, snd_una) = peer_in(script);
    let words: Vec<&str> = segment.split(' ').collect();
    let number = |text: &str, base: u32| base.wrapping_add(text.parse::<i32>().unwrap_or(0) as u32);
    let seq = number(&words[1][1..], rcv_nxt);
    let len = words.get(3).map_or(0, |len| number(len, 0));
    let ack =
        words.get(2).map_or(0, |ack| number(&ack[1..], if ack.starts_with('A') { snd_nxt } else { snd_una }));
    peer.send(&format!("{} {seq}:{}({len}) ack {ack}", words[0], seq + len));
    let reply = peer.next().map_or("-".to_string(), |found| relative(&found, rcv_nxt, snd_nxt));
    peer.silent();
    let delayed =
        peer.stack.next_deadline().is_some_and(|at| at.saturating_since(peer.now).as_millis() == 200);
    let delayed = if delayed { " (delayed ACK)" } else { "" };
    format!("{reply}{delayed} {}", peer.stack.state(peer.id()))
}

/// `R` or `ACK` with what its numbers are.
fn relative(found: &str, rcv_nxt: u32, snd_nxt: u32) -> String {
    if found.starts_with("S. ") {
        return "SYN,ACK of a new connection,".to_string();
    }
    let words: Vec<&str> = found.split(' ').collect();
    let seq: u32 = words[1].split(':').next().and_then(|seq| seq.parse().ok()).unwrap_or(0);
    let seq = if seq == snd_nxt {
        "SND.NXT".to_string()
    } else {
        format!("SND.NXT{:+}", seq as i32 - snd_nxt as i32)
    };
    match words[..] {
        [".", _, "ack", ack, ..] => {
            let ahead = ack.parse::<u32>().unwrap_or(0).wrapping_sub(rcv_nxt);
            let ahead = if ahead == 0 { String::new() } else { format!("+{ahead}") };
            format!("<{seq}><RCV.NXT{ahead}>")
        }
        _ => format!("<{seq}> {}", words[0]),
    }
}

#[test]
fn every_state_against_every_segment() {
    let mut table = String::new();
    for (state, script) in STATES {
        assert_eq!(peer_in(script).0.info().state, state);
        table += &format!("{state}\n");
        for (name, segment) in SEGMENTS {
            table += &format!("  {name:20}{}\n", outcome(script, segment));
        }
    }
    let expected = include_str!("table.txt");
    assert!(table == expected, "the table is now:\n{table}");
}
