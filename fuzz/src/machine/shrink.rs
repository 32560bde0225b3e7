//! Inputs with less in them that are the same finding.

use super::found;
use harness::scenario::Violation;
use harness::scenario::record::RECORD;
use harness::sut::StackUnderTest;

/// Leaves out records and makes bytes zero, the tamest choice, as long as the same oracle objects.
///
/// Gives `None` where nothing is found in `data` to begin with.
pub fn shrink(stack: &mut dyn StackUnderTest, target: &str, data: &[u8]) -> Option<(Vec<u8>, Violation)> {
    let mut violation = found(stack, target, data).1?;
    let mut best = data.to_vec();
    best.resize(best.len().next_multiple_of(RECORD), 0);
    loop {
        let before = best.clone();
        // From the end on, since what comes later is less often what others depend on; pieces first, then one by one.
        for size in [16, 4, 1] {
            let mut at = (best.len() / RECORD).saturating_sub(1);
            while at >= 1 {
                let from = at.saturating_sub(size - 1).max(1);
                let mut shorter = best.clone();
                shorter.drain(from * RECORD..(at + 1) * RECORD);
                keep_if_same(stack, target, shorter, &mut best, &mut violation);
                at = from - 1;
                at = at.min((best.len() / RECORD).saturating_sub(1));
            }
        }
        for at in 0..best.len() {
            if best[at] != 0 {
                let mut tamer = best.clone();
                tamer[at] = 0;
                keep_if_same(stack, target, tamer, &mut best, &mut violation);
            }
        }
        if best == before {
            return Some((best, violation));
        }
    }
}

fn keep_if_same(
    stack: &mut dyn StackUnderTest,
    target: &str,
    data: Vec<u8>,
    best: &mut Vec<u8>,
    violation: &mut Violation,
) {
    if let Some(found) = found(stack, target, &data).1.filter(|found| found.oracle == violation.oracle) {
        (*best, *violation) = (data, found);
    }
}
