//! Shell commands.

use super::peer::Peer;
use super::{TUN, Wire, run_in_child_and, start};
use harness::sut::{Call, Family, Outcome, Output, StackUnderTest};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs a command: its exit status and what it said.
fn shell(peer: &mut Peer, command: &str) -> (i64, String) {
    let outcome = peer.outcome(Call::Shell { command: command.into() });
    let Output::Data(said) = outcome.output else { panic!("a command's output is bytes") };
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    (outcome.result.unwrap_or_else(|e| panic!("{command}: errno {}: {said}", e.0)), said)
}

pub(super) fn commands() {
    commands_with(TUN);
}

pub(super) fn commands_with(wire: Wire) {
    let mut peer = start(Family::Ipv4, wire);
    assert_eq!(shell(&mut peer, "echo out; echo err >&2; exit 3"), (3, "out\nerr".into()));
    assert_eq!(shell(&mut peer, "kill -TERM $$").0, 128 + 15);
    let (_, numbers) = shell(&mut peer, "echo $PPID $PACKETDRILL_PID");
    let id = std::process::id();
    assert_eq!(numbers, format!("{id} {id}"));
    // The command sees the run's interfaces and no others.
    let (_, devices) = shell(&mut peer, "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' ' | sort | xargs");
    assert_eq!(devices, if wire == TUN { "lo tun0" } else { "eth0 lo" });
}

/// A directory that goes away with the value, also where a test fails.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("removal");
    }
}

pub(super) fn own_tmp() {
    let directory = Path::new("/tmp").join(format!("wireproof-system-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("inner")).expect("a directory");
    let _removed = Removed(directory.clone());
    std::fs::write(directory.join("script"), "here").expect("a file");
    let mut peer = start(Family::Ipv4, TUN);
    peer.linux.set_working_directory(directory.join("inner"));
    peer.linux.start(&super::peer::setup(TUN.1, Family::Ipv4, TUN.2)).expect("a run");
    let (_, said) = shell(&mut peer, "cat ../script; echo x >/tmp/wireproof-left; ls /tmp | grep -c left");
    assert_eq!(said, "here1");
    assert_eq!(shell(&mut peer, "cat /tmp/wireproof-left").1, "x", "the next command sees it as well");
    assert!(!Path::new("/tmp/wireproof-left").exists(), "nobody else sees it");
    let cwd = std::env::current_dir().expect("cwd");
    assert_ne!(cwd, directory.join("inner"), "the process itself has not moved");
}

pub(super) fn takes_too_long() {
    let mark = format!("86397.{}", std::process::id());
    let mut peer = start(Family::Ipv4, TUN);
    let id = peer.submit(Call::Shell { command: format!("sleep {mark} & echo begun; sleep {mark}") });
    peer.linux.run_until(peer.linux.now() + Duration::from_secs(9)).expect("run_until");
    assert!(peer.is_pending(id));
    let (at, outcome) = peer.completed(id);
    assert_eq!(outcome.result.map_err(|e| e.0), Err(libc::ETIMEDOUT));
    assert_eq!(outcome.output, Output::Data(b"begun\n".to_vec()));
    assert!((10..12).contains(&at.saturating_since(harness::Instant::ZERO).as_secs()), "killed at {at}");
    wait_until_gone(&mark);
    assert_eq!(shell(&mut peer, "echo again"), (0, "again".into()));
}

pub(super) fn settings() {
    let mut peer = start(Family::Ipv4, TUN);
    let read = "cat /proc/sys/net/ipv4/tcp_syn_retries";
    let before = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("sysctl");
    assert_eq!(shell(&mut peer, "echo 3 >/proc/sys/net/ipv4/tcp_syn_retries").0, 0);
    assert_eq!(shell(&mut peer, read).1, "3");
    let (status, said) = shell(&mut peer, "cat /proc/sys/kernel/pid_max >/proc/sys/kernel/pid_max");
    assert!(status != 0 && said.contains("Read-only"), "{said}");
    peer.linux.stop().expect("the end of the run");
    let after = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("sysctl");
    assert_eq!(after, before, "the machine's own setting");
}

/// Whether a process with `mark` among its arguments runs.
fn runs(mark: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| line.contains(mark))
}

fn wait_until_gone(mark: &str) {
    let start = Instant::now();
    while runs(mark) {
        assert!(start.elapsed() < Duration::from_secs(5), "{mark} still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(super) fn ends_with_run() {
    let mark = format!("86399.{}", std::process::id());
    let mut peer = start(Family::Ipv4, TUN);
    assert_eq!(peer.outcome(Call::Shell { command: format!("sleep {mark} & true") }), {
        Outcome { output: Output::Data(Vec::new()), ..Outcome::value(0) }
    });
    let blocked = peer.submit(Call::Shell { command: format!("sleep {mark}; true") });
    peer.linux.run_until(peer.linux.now() + Duration::from_millis(100)).expect("run_until");
    assert!(peer.is_pending(blocked) && runs(&mark));
    let start = Instant::now();
    peer.linux.stop().expect("the end of the run");
    assert!(start.elapsed() < Duration::from_secs(1), "the run's end waits for no command");
    wait_until_gone(&mark);
}

/// The child starts commands, says so, and is killed without a chance to clean up.
pub(super) fn ends_with_process() {
    let mark = format!("86399.{}", std::process::id());
    let child = run_in_child_and("be_killed", &mark, |child| {
        let start = Instant::now();
        while !runs(&mark) {
            assert!(start.elapsed() < Duration::from_secs(5), "the command never ran");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("a kill");
    });
    assert!(!child.success());
    wait_until_gone(&mark);
}

/// The child of [`ends_with_process`]; the mark is in the environment.
pub(super) fn be_killed() {
    let mark = std::env::var(super::MARK).expect("a mark");
    let mut peer = start(Family::Ipv4, TUN);
    peer.submit(Call::Shell { command: format!("(sleep {mark}; true) & sleep {mark}; true") });
    std::thread::sleep(Duration::from_secs(30));
}
