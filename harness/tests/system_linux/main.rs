//! The live kernel as a stack under test: needs root or unprivileged user namespaces, so it runs only where
//! WIREPROOF_SYSTEM=1 says that it should.
//!
//! Each test runs in a process of its own, as a worker would: a namespace belongs to a thread, and what is left over can be
//! counted afterwards.

mod frames;
mod peer;

use frames::{ACK, PSH, Segment};
use harness::sut::{Call, Family, Medium, Output, Rules, StackUnderTest};
use libtest_mimic::{Arguments, Failed, Trial};
use peer::Peer;
use std::process::Command;

/// Says which test a child process is to run.
const CHILD: &str = "WIREPROOF_SYSTEM_CHILD";

/// A link, what it carries, and whose rules it is made for.
type Wire = (&'static str, Medium, Rules);

const TUN: Wire = ("tun", Medium::Ip, Rules::Ours);

fn tcp(family: Family, (link, medium, rules): Wire) {
    let mut peer = Peer::start(link, medium, family, rules);
    let fd = peer.listener();
    let accept = peer.submit(Call::Accept { fd });
    assert!(peer.is_pending(accept), "accept waits for a connection");
    let before = peer.linux.now();
    let iss = peer.handshake();
    let (at, outcome) = peer.completed(accept);
    assert!(at >= before, "accept came back at {at}, the handshake began at {before}");
    assert_eq!(outcome.output, Output::Address(Some((peer.remote, 4000).into()), Vec::new()));
    let fd = outcome.result.expect("a connection") as i32;
    let data = Segment {
        from: 4000,
        to: 8080,
        seq: 1001,
        ack: iss + 1,
        flags: ACK | PSH,
        data: b"question".to_vec(),
    };
    peer.send(frames::TCP, frames::tcp(&data));
    assert_eq!(peer.outcome(Call::Read { fd, count: 100 }).output, Output::Data(b"question".to_vec()));
    assert_eq!(peer.segment().ack, 1009);
    assert_eq!(peer.call(Call::Write { fd, data: b"answer".to_vec() }), 6);
    let answer = peer.segment();
    assert_eq!((answer.seq, &answer.data[..]), (iss.wrapping_add(1), &b"answer"[..]));
}

/// Every test: its name and what it does.
fn tests() -> Vec<(&'static str, fn())> {
    vec![("tcp_tun_ipv4", || tcp(Family::Ipv4, TUN)), ("tcp_tun_ipv6", || tcp(Family::Ipv6, TUN))]
}

/// Runs the test `name` in a child process.
fn run_in_child(name: &str) -> Result<(), Failed> {
    let binary = std::env::current_exe()?;
    let output = Command::new(binary).env(CHILD, name).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{said}", output.status).into())
}

fn main() {
    if let Ok(name) = std::env::var(CHILD) {
        let (_, test) = *tests().iter().find(|(n, _)| *n == name).expect("a test of that name");
        return test();
    }
    let asked = std::env::var("WIREPROOF_SYSTEM").is_ok_and(|v| v == "1");
    let names = tests().into_iter().map(|(name, _)| name).filter(|_| asked);
    let trials = names.map(|name| Trial::test(name, move || run_in_child(name))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
