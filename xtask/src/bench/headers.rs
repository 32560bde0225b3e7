//! What it costs to parse and to emit each header, beside smoltcp and etherparse: the same bytes, the same fields and the
//! same checks, checksums among them, which is itself checked before anything is measured.
//!
//! What is parsed and what is said are hidden from the compiler, and all that is found and written is looked at. Where one
//! of them lacks a check that the others have, it is made beside it.

use super::ROUNDS;
use super::cost::cost;
use super::figures::{Measure, median};
use crate::progress::Progress;
use std::fmt::Debug;
use std::hint::black_box;

mod icmp;
mod link;
mod network;
mod transport;

/// Headers of one round.
const COUNT: u32 = 500_000;
/// Bytes behind each header.
const PAYLOAD: usize = 64;
/// Bytes that the longest packet fits in.
const ROOM: usize = 128;
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
    name: &'static str,
    ours: Work,
    smoltcp: Work,
    etherparse: Work,
}

/// A packet from the first byte of a cache line on: where it stands must not decide a contest.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Packet {
    bytes: [u8; ROOM],
    len: usize,
}

impl Packet {
    fn new(packet: &[u8]) -> Packet {
        let mut bytes = [0; ROOM];
        bytes[..packet.len()].copy_from_slice(packet);
        Packet { bytes, len: packet.len() }
    }
}

/// All three parse `bytes`, and are to find the same fields: those that each of them has. None may find any where there is
/// one of `wrong`, a place and what stands there, or where the last byte is missing.
///
/// # Errors
/// One of them finds something else, or does not check what the others do: then their times say nothing.
fn parsing<T: Debug + PartialEq + 'static>(
    name: &'static str,
    bytes: &[u8],
    wrong: &[(usize, u8)],
    ours: impl Fn(&[u8]) -> Option<T> + 'static,
    smoltcp: impl Fn(&[u8]) -> Option<T> + 'static,
    etherparse: impl Fn(&[u8]) -> Option<T> + 'static,
) -> Result<Contest, String> {
    let found = [ours(bytes), smoltcp(bytes), etherparse(bytes)];
    if found[0].is_none() || found.iter().any(|fields| *fields != found[0]) {
        return Err(format!("{name}: what stack, smoltcp and etherparse find is not the same: {found:?}"));
    }
    let altered = wrong.iter().map(|(at, value)| {
        let mut altered = bytes.to_vec();
        altered[*at] = *value;
        altered
    });
    for wrong in altered.chain([bytes[..bytes.len() - 1].to_vec()]) {
        let found = [ours(&wrong), smoltcp(&wrong), etherparse(&wrong)];
        if found.iter().any(Option::is_some) {
            return Err(format!(
                "{name}: one of stack, smoltcp and etherparse takes {wrong:02x?}: {found:?}"
            ));
        }
    }
    let packet = Packet::new(bytes);
    Ok(Contest {
        name,
        ours: repeated(move || ours(black_box(&packet.bytes[..packet.len]))),
        smoltcp: repeated(move || smoltcp(black_box(&packet.bytes[..packet.len]))),
        etherparse: repeated(move || etherparse(black_box(&packet.bytes[..packet.len]))),
    })
}

/// All three write a header of `len` bytes before a payload that stands in its place already. Its first `same` bytes are
/// the same for all: all of them, where none may choose an order of options.
///
/// # Errors
/// They write different bytes: then their times say nothing.
fn emitting(
    name: &'static str,
    (len, same): (usize, usize),
    mut ours: impl FnMut(&mut [u8]) + 'static,
    mut smoltcp: impl FnMut(&mut [u8]) + 'static,
    mut etherparse: impl FnMut(&mut [u8]) + 'static,
) -> Result<Contest, String> {
    let place = [vec![0xaa; len], payload()].concat();
    let mut written = [place.clone(), place.clone(), place.clone()];
    ours(&mut written[0]);
    smoltcp(&mut written[1]);
    etherparse(&mut written[2]);
    if written.iter().any(|bytes| bytes[..same] != written[0][..same] || bytes[len..] != payload()) {
        return Err(format!(
            "{name}: what stack, smoltcp and etherparse write is not the same: {written:02x?}"
        ));
    }
    let [mut a, mut b, mut c] = [Packet::new(&place); 3];
    Ok(Contest {
        name,
        ours: repeated(move || ours(black_box(&mut a.bytes[..a.len]))),
        smoltcp: repeated(move || smoltcp(black_box(&mut b.bytes[..b.len]))),
        etherparse: repeated(move || etherparse(black_box(&mut c.bytes[..c.len]))),
    })
}

/// What writes a header at its place before a payload.
fn before<const N: usize>(mut write: impl FnMut(&mut [u8; N], &[u8])) -> impl FnMut(&mut [u8]) {
    move |bytes| {
        if let Some((place, payload)) = bytes.split_first_chunk_mut() {
            write(place, payload);
        }
    }
}

/// Has `once` done [`COUNT`] times; what it gives is looked at, so that it is not left out.
fn repeated<T>(mut once: impl FnMut() -> T + 'static) -> Work {
    Box::new(move || {
        (0..COUNT).for_each(|_| {
            black_box(once());
        });
    })
}

/// All contests.
fn contests() -> Result<Vec<Contest>, String> {
    let parts = [link::contests(), network::contests(), icmp::contests(), transport::contests()];
    parts.into_iter().flatten().collect()
}

/// Parse and emit of every header.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let mut contests = contests()?;
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
    Ok(Measure::ratio(contest.name, "ns", &rounds, (name, 1.0), why))
}

/// A payload that no checksum is trivial for.
fn payload() -> Vec<u8> {
    (0..PAYLOAD).map(|at| (at * 37 + 11) as u8).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_three_do_the_same() {
        assert_eq!(super::contests().map(|contests| contests.len()), Ok(16));
    }
}
