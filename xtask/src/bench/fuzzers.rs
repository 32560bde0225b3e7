//! What an input costs: headers beside the same work on smoltcp and beside nothing, and operations of state machines.

use super::cost::cost;
use super::figures::Measure;
use super::scratch::Scratch;
use crate::fuzz::{play_optimised, rate};
use crate::programs::root;
use crate::progress::Progress;
use std::path::Path;
use std::process::{Command, Stdio};

/// Fewer rounds than elsewhere: each runs every header's work.
const ROUNDS: usize = 3;
/// Inputs in a round.
const INPUTS: u32 = 1_000_000;
/// Headers whose parse and emit are compared.
const HEADERS: &[&str] = &["arp", "icmpv4", "ipv4", "ipv6", "tcp", "udp"];
/// How many times the empty target's cost the TCP header may have.
const MOST_OF_EMPTY: f64 = 4.0;
/// What an operation on the reference stack may cost, in proportion to smoltcp.
const MOST_OF_SMOLTCP: f64 = 1.0 / 1.5;

/// What an operation on smoltcp may cost in nanoseconds: a million of them a second.
const MOST_ON_SMOLTCP: f64 = 1000.0;

/// Takes turns with all of it.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let scratch = Scratch::new()?;
    let program = rate()?;
    let mut progress = Progress::new("rounds of headers", ROUNDS);
    let mut rounds = vec![Vec::new(); HEADERS.len() + 1];
    for _ in 0..ROUNDS {
        let empty = nanoseconds(&program, "empty", &scratch)?;
        for (header, rounds) in HEADERS.iter().zip(&mut rounds) {
            let ours = nanoseconds(&program, header, &scratch)?;
            let theirs = nanoseconds(&program, &format!("{header}_smoltcp"), &scratch)?;
            rounds.push((ours, theirs));
        }
        let tcp = nanoseconds(&program, "tcp", &scratch)?;
        rounds[HEADERS.len()].push((tcp, empty));
        progress.step();
    }
    let why = format!(
        "libFuzzer with a fixed seed, no sanitizer, {INPUTS} inputs from the header's seeds, user and system time; \
         parse, emit, compare; {ROUNDS} rounds"
    );
    let mut measures: Vec<Measure> = HEADERS
        .iter()
        .zip(&rounds)
        .map(|(header, rounds)| {
            let name = format!("an input of the header {header}");
            Measure::ratio(name, "ns", rounds, ("smoltcp", 1.0), why.clone())
        })
        .collect();
    let name = "an input of the header tcp";
    measures.push(Measure::ratio(name, "ns", &rounds[HEADERS.len()], ("nothing", MOST_OF_EMPTY), why));
    measures.extend(operations()?);
    Ok(measures)
}

/// The cost of an input in libFuzzer.
fn nanoseconds(program: &Path, work: &str, scratch: &Scratch) -> Result<f64, String> {
    let corpus = scratch.path.join(work);
    std::fs::create_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
    let header = work.strip_suffix("_smoltcp").unwrap_or(work);
    let seeds = root().join("fuzz/seeds").join(header);
    let milliseconds = cost(|| {
        let mut command = Command::new(program);
        command.env("WIREPROOF_RATE", work).arg(format!("-runs={INPUTS}"));
        command.args(["-seed=1", "-max_len=128"]).arg(&corpus);
        command.args(Some(seeds).filter(|folder| folder.is_dir()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().map_err(|e| format!("{} cannot be started: {e}", program.display()))?;
        if status.success() { Ok(()) } else { Err(format!("the rate of {work} ended with {status}")) }
    })?;
    Ok(milliseconds * 1e6 / f64::from(INPUTS))
}

/// Nanoseconds of an operation of the same scenarios on both stacks, with every oracle on.
fn operations() -> Result<[Measure; 2], String> {
    let program = play_optimised()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let on = |target| -> Result<f64, String> {
            let mut command = Command::new(&program);
            let output = command.args(["rate", target]).output();
            let output = output.map_err(|e| format!("{} cannot be started: {e}", program.display()))?;
            let text = String::from_utf8_lossy(&output.stdout);
            text.trim()
                .parse()
                .map_err(|_| format!("the rate of {target}: {}", String::from_utf8_lossy(&output.stderr)))
        };
        rounds.push((on("tcp_machine")?, on("tcp_machine_smoltcp")?));
    }
    let why = format!(
        "generated scenarios, oracles on, release build, without the checks of fuzzing; {ROUNDS} rounds"
    );
    let slowest = rounds.iter().map(|(_, theirs)| *theirs).fold(0.0, f64::max);
    let on_smoltcp = "an operation of the state machine on smoltcp";
    Ok([
        Measure::value(on_smoltcp, "ns", slowest, MOST_ON_SMOLTCP, why.clone()),
        Measure::ratio("an operation of the state machine", "ns", &rounds, ("smoltcp", MOST_OF_SMOLTCP), why),
    ])
}
