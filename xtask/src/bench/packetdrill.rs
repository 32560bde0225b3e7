//! One script on the live kernel, here and on packetdrill.

use super::ROUNDS;
use super::cost::cost;
use super::figures::Measure;
use super::scratch::Scratch;
use crate::packetdrill;
use crate::pool::Pool;
use crate::programs::{find, require};
use crate::progress::Progress;
use crate::protocol::{Job, Session, Wants};
use crate::selftest::pool;
use cases::suite::Tree;
use harness::run::Verdict;
use harness::sut::Family;
use std::path::Path;

/// The proportion of packetdrill's CPU time that a run may take.
const MOST: f64 = 0.2;
/// The script's name without extension.
const CASE: &str = "exchange";
/// A short exchange in packetdrill's language, with waits in it so that busy waiting shows.
const SCRIPT: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1460,nop,nop,sackOK>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+.1 < P. 1:1001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1001
+0 read(4, ..., 2000) = 1000
+.1 write(4, ..., 500) = 500
+0 > P. 1:501(500) ack 1001
+.1 < . 1001:1001(0) ack 501 win 32792
+0 close(4) = 0
+0 > F. 501:501(0) ack 1001
+.1 < F. 1001:1001(0) ack 502 win 32792
+0 > . 502:502(0) ack 1002
";

/// Ours, start-up and parent included, and packetdrill, the namespace around it not counted, take turns.
pub(super) fn measure(program: &Path) -> Result<Measure, String> {
    let program = program.canonicalize().map_err(|e| format!("{}: {e}", program.display()))?;
    let needed = [("unshare", "util-linux"), ("ip", "iproute2"), ("ifconfig", "net-tools")];
    require(&needed)?;
    let nothing = find("true").ok_or("true is missing: apt-get install coreutils")?;
    let scratch = Scratch::new()?;
    let script = scratch.path.join(format!("{CASE}.pkt"));
    std::fs::write(&script, SCRIPT).map_err(|e| format!("{}: {e}", script.display()))?;
    let pool = ours(&scratch)?;
    let mut rounds = Vec::new();
    let mut progress = Progress::new("rounds beside packetdrill", ROUNDS);
    for _ in 0..ROUNDS {
        let own = cost(|| play(&pool))?;
        let around = cost(|| play_theirs(&nothing, &script))?;
        let theirs = cost(|| play_theirs(&program, &script))?;
        rounds.push((own, (theirs - around).max(f64::EPSILON)));
        progress.step();
    }
    let why = format!(
        "one script with 0.5 s of waiting, user and system time of all processes, worker start-up included; \
         packetdrill without the cost of its namespace; {ROUNDS} rounds"
    );
    let name = "CPU of one packetdrill script on linux";
    Ok(Measure::ratio(name, "ms", &rounds, ("packetdrill", MOST), why))
}

fn ours(scratch: &Scratch) -> Result<Pool, String> {
    let mut pool = pool("linux")?;
    pool.session = Session::new("linux", &Tree::at(&scratch.path));
    pool.workers = 1;
    pool.greet().map_err(|reason| format!("stack linux: {reason}"))?;
    Ok(pool)
}

/// Plays the script here, in a worker of its own.
fn play(pool: &Pool) -> Result<(), String> {
    let (case, wants) = (CASE.to_owned(), Wants::default());
    let job = Job { run: 0, case, family: Family::Ipv4, seed: 1, twin: None, wants };
    let answer = pool.play(vec![job], &mut |_| {}).pop().ok_or("the run was lost")?;
    match answer.verdict {
        Verdict::Pass => Ok(()),
        verdict => Err(format!("the script ends with {verdict} here: {:?}", answer.difference)),
    }
}

/// Runs a program with packetdrill's arguments in a network namespace of its own.
fn play_theirs(program: &Path, script: &Path) -> Result<(), String> {
    let mut command = packetdrill::command(program, script, Family::Ipv4, &[])?;
    let status = command.status().map_err(|e| format!("unshare cannot be started: {e}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} does not pass the script: {status}", program.display())),
    }
}
