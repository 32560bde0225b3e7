//! What it costs to parse and to emit each header, beside smoltcp and etherparse: the same bytes, the same fields, and
//! checksums verified by all three.

use super::ROUNDS;
use super::cost::cost;
use super::figures::{Measure, median};
use crate::progress::Progress;
use std::hint::black_box;

mod icmp;
mod link;
mod network;
mod transport;

/// Headers of one round.
const COUNT: u32 = 200_000;
/// Bytes behind each header.
const PAYLOAD: usize = 64;
/// The ends of all packets.
const ENDS: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [192, 0, 2, 2]);
/// Those of IPv6.
const ENDS6: ([u8; 16], [u8; 16]) = (
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
);

/// Does a thing [`COUNT`] times.
type Work = Box<dyn FnMut()>;

/// One thing that all three do.
struct Contest {
    name: String,
    ours: Work,
    smoltcp: Work,
    etherparse: Work,
}

/// Has `once` done [`COUNT`] times; what it gives is looked at, so that it is not left out.
fn repeated<T>(mut once: impl FnMut() -> T + 'static) -> Work {
    Box::new(move || {
        (0..COUNT).for_each(|_| {
            black_box(once());
        });
    })
}

/// Parse and emit of every header.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let mut contests = link::contests();
    contests.extend(network::contests());
    contests.extend(icmp::contests());
    contests.extend(transport::contests());
    let mut progress = Progress::new("headers", contests.len());
    let mut measures = Vec::new();
    for contest in &mut contests {
        measures.push(held(contest)?);
        progress.step();
    }
    Ok(measures)
}

/// The rounds of a contest, ours beside the faster of the others.
fn held(contest: &mut Contest) -> Result<Measure, String> {
    let time = |work: &mut Work| {
        cost(|| {
            work();
            Ok(())
        })
        .map(|ms| ms * 1e6 / f64::from(COUNT))
    };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((time(&mut contest.ours)?, time(&mut contest.smoltcp)?, time(&mut contest.etherparse)?));
    }
    let of_smoltcp: Vec<_> = rounds.iter().map(|(ours, theirs, _)| (*ours, *theirs)).collect();
    let of_etherparse: Vec<_> = rounds.iter().map(|(ours, _, theirs)| (*ours, *theirs)).collect();
    let others = |rounds: &[(f64, f64)]| median(rounds.iter().map(|(_, theirs)| *theirs).collect());
    let (name, rounds, slower) = match others(&of_smoltcp) <= others(&of_etherparse) {
        true => ("smoltcp", of_smoltcp, ("etherparse", others(&of_etherparse))),
        false => ("etherparse", of_etherparse, ("smoltcp", others(&of_smoltcp))),
    };
    let why = format!("CPU a packet with {PAYLOAD} bytes behind the header; {} {:.1} ns", slower.0, slower.1);
    Ok(Measure::ratio(contest.name.clone(), "ns", &rounds, (name, 1.0), why))
}

/// A payload that no checksum is trivial for.
fn payload() -> Vec<u8> {
    (0..PAYLOAD).map(|at| (at * 37 + 11) as u8).collect()
}
