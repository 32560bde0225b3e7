//! What idle connections of the reference stack cost: memory, and what a segment for one of them costs among so many.

use super::ROUNDS;
use super::cost::cost;
use super::ends::{Reference, transfer};
use super::figures::Measure;
use crate::progress::Progress;

const MANY: usize = 100_000;
const FEW: usize = 10;
/// Connections from one address.
const FROM_ONE: usize = 25_000;
const FIRST_PORT: u16 = 20_000;
/// The most that a connection may take without buffers, in KiB.
const MEMORY: f64 = 2.0;
/// How much more a segment may cost among many connections.
const MORE: f64 = 2.0;
/// Connections that are picked in a round, and the segments that each of them then carries: so many that the CPU time tells
/// of instructions, and not of memory that no cache holds.
const PICKS: usize = 50;
const IN_A_ROW: usize = 100;

/// A hundred thousand connections that nothing happens on.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let mut progress = Progress::new("idle connections and rounds of segments", ROUNDS + 2);
    let mut few = open(FEW)?;
    progress.step();
    let before = resident()?;
    let mut many = open(MANY)?;
    let each = (resident()? - before) / (2 * MANY) as f64;
    progress.step();
    let why =
        format!("resident memory of {MANY} connections without buffers, both ends, by the number of ends");
    let memory = Measure::value("idle connection", "KiB", each, MEMORY, why);
    let mut rounds = Vec::new();
    let mut pick = 1;
    for _ in 0..ROUNDS {
        rounds.push((segments(&mut many, MANY, &mut pick)?, segments(&mut few, FEW, &mut pick)?));
        progress.step();
    }
    let why = format!(
        "CPU of 100 bytes and their ACK, {IN_A_ROW} times on each of {PICKS} connections picked at random; {ROUNDS} rounds"
    );
    let name = format!("segment for one of {MANY} connections");
    Ok(vec![memory, Measure::ratio(name, "µs", &rounds, ("one of 10", MORE), why)])
}

fn open(count: usize) -> Result<Reference, String> {
    let addresses = u8::try_from(count.div_ceil(FROM_ONE)).map_err(|_| "too many connections".to_owned())?;
    let mut ends = Reference::with_addresses(1 << 16, addresses)?;
    for at in 0..count {
        let port = u16::try_from(at % FROM_ONE).map_err(|_| "too many ports".to_owned())?;
        ends.connect_from((at / FROM_ONE) as u8, FIRST_PORT + port)?;
    }
    Ok(ends)
}

/// Microseconds that one takes.
fn segments(ends: &mut Reference, connections: usize, pick: &mut usize) -> Result<f64, String> {
    let all = cost(|| {
        (0..PICKS).try_for_each(|_| {
            // Knuth's linear congruential generator, MMIX's.
            *pick = pick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let connection = (*pick >> 33) % connections;
            (0..IN_A_ROW).try_for_each(|_| transfer(ends, connection, 100, 100))
        })
    })?;
    Ok(all * 1e3 / (PICKS * IN_A_ROW) as f64)
}

/// Resident memory of this process, in KiB.
fn resident() -> Result<f64, String> {
    let status =
        std::fs::read_to_string("/proc/self/status").map_err(|e| format!("/proc/self/status: {e}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    kib.ok_or_else(|| "/proc/self/status does not tell VmRSS".to_owned())
}
