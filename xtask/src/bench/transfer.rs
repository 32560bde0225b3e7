//! What the reference stack's TCP costs, beside smoltcp's: bulk transfer, and connections that are opened, used and closed.

use super::ROUNDS;
use super::cost::cost;
use super::ends::{Ends, Reference, Smoltcp, close, transfer};
use super::figures::{Measure, median};
use crate::progress::Progress;
use stack::wire::checksum::checksum;

/// What one round moves, in bytes.
const BULK: usize = 64 << 20;
/// What is sent and received at once.
const CHUNK: usize = 32 << 10;
/// TCP payload of a full segment without options on an MTU of 1500.
const SEGMENT: usize = 1460;
/// The share of the ceiling that is to be reached.
const SHARE: f64 = 0.4;
/// Connections of one round.
const CONNECTIONS: usize = 2_000;

/// Bulk transfer with buffers of 64 KiB and 1 MiB, and short connections.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let mut measures = Vec::new();
    let mut progress = Progress::new("rounds of transfers and connections", 3 * ROUNDS);
    for (size, name) in [(64 << 10, "64 KiB"), (1 << 20, "1 MiB")] {
        let (mut beside, mut ceiling) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let ours = bulk::<Reference>(size)?;
            beside.push((ours, bulk::<Smoltcp>(size)?));
            ceiling.push(copies(size)? / ours);
            progress.step();
        }
        let why = format!(
            "CPU for {} MiB one way on Ethernet, MTU 1500, checksums on; {ROUNDS} rounds",
            BULK >> 20
        );
        let name = format!("bulk transfer, buffers of {name}");
        measures.push(Measure::ratio(name.clone(), "ms", &beside, ("smoltcp", 1.0), why));
        let why = "copy, checksum, checksum, copy of the same bytes in segments, by the CPU of the transfer";
        let (share, name) = (median(ceiling), format!("{name}, share of the ceiling"));
        measures.push(Measure::at_least(name, "", share, SHARE, why.to_owned()));
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((connections::<Reference>()?, connections::<Smoltcp>()?));
        progress.step();
    }
    let why = format!(
        "CPU of one that is opened, carries 100 bytes, is closed and leaves TIME-WAIT; {ROUNDS} rounds of {CONNECTIONS}"
    );
    measures.push(Measure::ratio("short connection", "µs", &rounds, ("smoltcp", 1.0), why));
    Ok(measures)
}

fn bulk<E: Ends>(buffer: usize) -> Result<f64, String> {
    let mut ends = E::new(buffer)?;
    let connection = ends.connect()?;
    transfer(&mut ends, connection, 1 << 20, CHUNK)?;
    cost(|| transfer(&mut ends, connection, BULK, CHUNK))
}

/// What no stack can do without: into the send buffer, summed there, summed again, and out of the receive buffer.
fn copies(buffer: usize) -> Result<f64, String> {
    let source = vec![0x5a_u8; buffer];
    let (mut sending, mut user) = (vec![0; buffer], vec![0; buffer]);
    let mut sum = 0_u64;
    let cost = cost(|| {
        for _ in 0..BULK / buffer {
            sending.copy_from_slice(&source);
            for _ in 0..2 {
                sum += std::hint::black_box(&sending)
                    .chunks(SEGMENT)
                    .map(|segment| u64::from(checksum(segment)))
                    .sum::<u64>();
            }
            user.copy_from_slice(&sending);
        }
        Ok(())
    });
    std::hint::black_box((sum, user));
    cost
}

fn connections<E: Ends>() -> Result<f64, String> {
    let mut ends = E::new(4096)?;
    let once = |ends: &mut E| {
        let connection = ends.connect()?;
        transfer(ends, connection, 100, 100)?;
        close(ends, connection)
    };
    once(&mut ends)?;
    let all = cost(|| (0..CONNECTIONS).try_for_each(|_| once(&mut ends)))?;
    Ok(all * 1e3 / CONNECTIONS as f64)
}
