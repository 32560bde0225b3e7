//! Scenarios by number: the same number of the same seed is the same scenario on every machine.

use super::operation::{Opening, Operation};
use super::record::{RECORD, Record};
use stack::rng::Rng;

/// The fewest and the most records behind the first.
const LENGTHS: std::ops::Range<u32> = 3..15;

/// The bytes of scenario `number` of `seed`.
///
/// A byte is zero, the tamest choice, about as often as it is anything: most segments of a scenario then are what a peer might
/// send, and differ from that in one thing or two.
pub fn generate(seed: u64, number: u64) -> Vec<u8> {
    drawn(seed, number, &|at, record| {
        if at == 0 { Opening::plain(record) } else { Operation::plain(record) }
    })
}

/// The same with all that [`super::extras`] has: for fuzzing, where no two stacks are compared.
pub fn generate_wild(seed: u64, number: u64) -> Vec<u8> {
    drawn(seed, number, &|_, _| {})
}

/// Draws records; `plain` takes away of each, by its place, what a scenario is not to have.
fn drawn(seed: u64, number: u64, plain: &dyn Fn(u32, &mut Record)) -> Vec<u8> {
    let mut rng = Rng::new(Rng::new(seed).next_u64() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let length = LENGTHS.start + rng.below(LENGTHS.end - LENGTHS.start);
    let mut bytes = Vec::with_capacity(RECORD * (1 + length as usize));
    for at in 0..=length {
        let mut record = Record::default();
        for (field, byte) in record.0.iter_mut().enumerate() {
            // Of the first record every byte counts, of the others mostly what it is.
            let wild = if field < 2 || at == 0 { 7 } else { 3 };
            *byte = if rng.below(8) < wild { rng.next_u64() as u8 } else { 0 };
        }
        plain(at, &mut record);
        if rng.below(8) > 0 {
            if at == 0 { Opening::tame(&mut record) } else { Operation::tame(&mut record) }
        }
        bytes.extend(record.0);
    }
    bytes
}
