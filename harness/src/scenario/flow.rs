//! Scenarios by number in which much is under way: the stack sends as much as it may, and the peer's acknowledgements tell of what
//! was lost, doubled, marked and overtaken. What is drawn byte by byte hardly ever gets there.

use super::extras::{CWR, ECE, Extra, ExtraCall};
use super::operation::{self, Anchor, Operation, OptionsPlan, Plan, Start, UserCall, What};
use super::record::Record;
use super::segment::{ACK, SYN};
use stack::rng::Rng;
use std::time::Duration;

/// The fewest and the most operations.
const LENGTHS: std::ops::Range<u32> = 12..48;

const SENDS: &[UserCall] = &[
    UserCall::Send(40_000),
    UserCall::Send(40_000),
    UserCall::Send(5000),
    UserCall::Send(1000),
    UserCall::Send(100),
    UserCall::Extra(ExtraCall::Record(700)),
    UserCall::Extra(ExtraCall::More(500)),
    UserCall::Extra(ExtraCall::Info),
    UserCall::Extra(ExtraCall::Congestion("cubic")),
    UserCall::Extra(ExtraCall::Congestion("reno")),
    UserCall::Receive(10_000),
];
/// What is acknowledged: mostly nothing new, or little of much.
const ACKS: &[(Anchor, i64)] = &[
    (Anchor::Acked, 0),
    (Anchor::Acked, 0),
    (Anchor::Acked, 0),
    (Anchor::Acked, 100),
    (Anchor::Acked, 1000),
    (Anchor::Acked, 1000),
    (Anchor::Acked, 1460),
    (Anchor::Acked, 5000),
    (Anchor::Next, -1000),
    (Anchor::Next, -1460),
    (Anchor::Next, 0),
    (Anchor::Next, 0),
];
const TOLD: &[Extra] = &[
    Extra::None,
    Extra::None,
    Extra::Beyond(1000),
    Extra::Beyond(1000),
    Extra::Beyond(3000),
    Extra::Blocks(1000),
    Extra::Blocks(100),
    Extra::Again,
    Extra::Flags(ECE),
    Extra::Marked,
];
const BLOCKS: &[OptionsPlan] = &[
    OptionsPlan::Usual,
    OptionsPlan::Usual,
    OptionsPlan::Usual,
    OptionsPlan::Sack(1000, 1000),
    OptionsPlan::Sack(0, 1000),
    OptionsPlan::Sack(-1000, 500),
];
const WINDOWS: &[Option<u16>] = &[None, None, None, None, None, Some(5000), Some(65_535), Some(0)];
const TEXTS: &[u16] = &[0, 0, 0, 0, 0, 0, 100, 1000];
/// Milliseconds: within a round trip, and as long as timers are.
const PAUSES: &[u64] = &[1, 1, 1, 10, 10, 60, 300];
const WAITS: &[u64] = &[10, 50, 100, 250, 600, 1100, 3300, 7000];

/// The bytes of scenario `number` of `seed`.
pub fn generate_flow(seed: u64, number: u64) -> Vec<u8> {
    let mut rng = Rng::new(Rng::new(seed).next_u64() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let start = pick(&mut rng, &[Start::Established, Start::Connected, Start::CloseWait, Start::Listen]);
    let mut records = vec![opening(&mut rng, start)];
    let mut say = |operation: Operation| records.extend(operation.encode());
    if start == Start::Listen {
        handshake().into_iter().for_each(&mut say);
    }
    for _ in 0..LENGTHS.start + rng.below(LENGTHS.end - LENGTHS.start) {
        let pause = Duration::from_millis(pick(&mut rng, PAUSES));
        say(match rng.below(16) {
            0..=3 => Operation { what: What::Call(pick(&mut rng, SENDS)), pause },
            4 => Operation { what: What::Wait, pause: Duration::from_millis(pick(&mut rng, WAITS)) },
            5 => Operation::decode(&Record(std::array::from_fn(|_| rng.next_u64() as u8))),
            _ => Operation { what: What::Segment(acknowledgement(&mut rng)), pause },
        });
    }
    records.into_iter().flat_map(|record| record.0).collect()
}

fn pick<T: Copy>(rng: &mut Rng, table: &[T]) -> T {
    table[rng.below(table.len() as u32) as usize]
}

/// Any offer and any settings, but a window that lets much be under way.
fn opening(rng: &mut Rng, start: Start) -> Record {
    let mut record = Record::default();
    // It is there.
    let _ = record.say(0, operation::STARTS, &start);
    for at in 2..=5 {
        record.0[at] = rng.next_u64() as u8;
    }
    let _ = record.say(6, operation::WINDOWS, &pick(rng, &[65_535, 65_535, 30_000, 5000]));
    if rng.below(2) == 0 {
        record.0[7] = rng.next_u64() as u8;
    }
    record
}

/// A handshake that agrees on ECN, where the host does (RFC 3168 section 6.1.1).
fn handshake() -> [Operation; 3] {
    let segment = |flags, extra| Operation::at_once(What::Segment(Plan { flags, extra, ..Plan::PLAIN }));
    let accept = Operation::at_once(What::Call(UserCall::Accept));
    [segment(SYN, Extra::Flags(ECE | CWR)), segment(ACK, Extra::None), accept]
}

fn acknowledgement(rng: &mut Rng) -> Plan {
    let extra = pick(rng, TOLD);
    Plan {
        ack: pick(rng, ACKS),
        window: pick(rng, WINDOWS),
        options: if extra == Extra::None { pick(rng, BLOCKS) } else { OptionsPlan::Usual },
        payload: pick(rng, TEXTS),
        extra,
        ..Plan::PLAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Scenario, drive};
    use crate::stacks::reference::Reference;

    /// Nothing that is drawn is missing from the tables, and the first hundred get to where something is sent again.
    #[test]
    fn flows_lose_segments() {
        for table in [SENDS, &[UserCall::Accept]] {
            let said = |call: &UserCall| Operation::at_once(What::Call(*call)).encode().is_some();
            assert!(table.iter().all(said));
        }
        let mut rng = Rng::new(1);
        for _ in 0..1000 {
            let plan = acknowledgement(&mut rng);
            assert!(Operation::at_once(What::Segment(plan)).encode().is_some(), "{plan:?}");
        }
        let repeats = (0..100).filter(|number| {
            let scenario = Scenario::decode(&generate_flow(1, *number));
            let trace = drive(&mut Reference::linux(), &scenario, &mut ()).unwrap_or_default();
            crate::scenario::given::has_repeated(&trace.steps)
        });
        assert!(repeats.count() > 30);
    }
}
