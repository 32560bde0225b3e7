//! Seeds that no case has: frames that are damaged, bytes for targets that make values or events of them, and connections in
//! which much is under way. Drawn by number, so that they are the same on every machine.

use super::Seeds;
use harness::scenario::{generate_flow, generate_wild};
use stack::rng::Rng;

/// So many inputs of a header are damaged ones.
const DAMAGED: u32 = 400;
/// The targets whose inputs are choices or events and nothing else; with how many there are, and how long they are at most.
const CHOICES: [(&str, u32, u32); 6] = [
    ("buffer", 300, 40),
    ("ipv4_fragments", 300, 200),
    ("ipv6_fragments", 300, 200),
    ("tcp_pair", 200, 200),
    ("values", 1500, 500),
    ("vlan", 100, 60),
];
/// So many scenarios are drawn byte by byte: most of what one can do is done by some of them.
const WILD: u64 = 6000;
/// So many have the stack send much.
const FLOWS: u64 = 3000;

/// A generator of its own for each target.
fn rng(target: &str) -> Rng {
    Rng::new(target.bytes().fold(0, |seed, byte| seed.wrapping_mul(31) + u64::from(byte)))
}

fn bytes(rng: &mut Rng, length: u32) -> Vec<u8> {
    (0..length).map(|_| rng.next_u64() as u8).collect()
}

/// Inputs of the headers that there are seeds of: one of these cut off, or with a byte or two that are anything. A scenario cannot be
/// damaged.
pub(super) fn damaged(seeds: &mut Seeds) {
    for (target, inputs) in seeds.iter_mut().filter(|(target, _)| !super::MACHINES.contains(target)) {
        let whole: Vec<Vec<u8>> = inputs.iter().filter(|input| !input.is_empty()).cloned().collect();
        let mut rng = rng(target);
        for _ in 0..DAMAGED.min(DAMAGED * whole.len() as u32) {
            let mut input = whole[rng.below(whole.len() as u32) as usize].clone();
            damage(&mut rng, &mut input);
            inputs.insert(input);
        }
    }
}

fn damage(rng: &mut Rng, input: &mut Vec<u8>) {
    match rng.below(4) {
        0 => input.truncate(rng.below(input.len() as u32) as usize),
        times => {
            for _ in 0..times.min(2) {
                // Near the beginning is the header.
                let reach = if rng.below(4) == 0 { input.len() as u32 } else { (input.len() as u32).min(48) };
                let value = [0, 1, 0xff, rng.next_u64() as u8][rng.below(4) as usize];
                input[rng.below(reach) as usize] = value;
            }
        }
    }
}

/// Inputs for targets that no frame is an input of.
pub(super) fn choices(seeds: &mut Seeds) {
    for (target, count, most) in CHOICES {
        let mut rng = rng(target);
        for _ in 0..count {
            let length = 1 + rng.below(most);
            seeds.entry(target).or_default().insert(bytes(&mut rng, length));
        }
    }
    // The commands of IEEE 802.2, behind addresses and a length that is set right.
    for dsap in [0, 0xaa, 0x42] {
        for ssap in [0, 1, 0x42] {
            for control in [0xaf, 0xbf, 0xe3, 0xf3, 3] {
                let frame = [&[1][..], &[0; 14], &[dsap, ssap, control, 1, 2, 3]].concat();
                seeds.entry("snap").or_default().insert(frame);
            }
        }
    }
}

/// Scenarios for the state machines. How much is under way is each stack's own affair, so it is nothing to compare.
pub(super) fn scenarios(seeds: &mut Seeds) {
    for target in super::MACHINES {
        let own = seeds.entry(target).or_default();
        own.extend((0..WILD).map(|number| generate_wild(1, number)));
        if target != "differential" {
            own.extend((0..FLOWS).map(|number| generate_flow(1, number)));
        }
    }
}
