//! Makes a scenario small: first fewer records, then tamer ones, as long as it still shows what it is to show.

use super::record::RECORD;

/// The smallest bytes found that `shows` still says yes to, asking it at most `budget` times. `bytes` itself is taken to show it.
pub fn shrink(bytes: &[u8], budget: usize, shows: &mut dyn FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut best = bytes.to_vec();
    best.resize(best.len().next_multiple_of(RECORD), 0);
    let mut left = budget;
    let mut ask = |candidate: &[u8]| {
        left = left.checked_sub(1)?;
        Some(shows(candidate))
    };
    loop {
        let before = best.clone();
        if fewer_records(&mut best, &mut ask).and_then(|()| tamer_bytes(&mut best, &mut ask)).is_none() {
            return best;
        }
        if best == before {
            return best;
        }
    }
}

/// Says whether a candidate still shows it; `None` where nothing may be asked any more.
type Ask<'a> = &'a mut dyn FnMut(&[u8]) -> Option<bool>;

/// Takes away runs of records behind the first: halves, quarters, …, single ones, from the end.
fn fewer_records(best: &mut Vec<u8>, ask: Ask<'_>) -> Option<()> {
    let mut size = (best.len() / RECORD).saturating_sub(1);
    while size > 0 {
        let mut end = best.len();
        while end > RECORD {
            let start = end.saturating_sub(size * RECORD).max(RECORD);
            let mut candidate = best.clone();
            candidate.drain(start..end);
            if ask(&candidate)? {
                *best = candidate;
            }
            end = start.min(best.len());
        }
        size /= 2;
    }
    Some(())
}

/// Makes bytes zero: whole records but for what they are, then each byte.
fn tamer_bytes(best: &mut Vec<u8>, ask: Ask<'_>) -> Option<()> {
    for start in (0..best.len()).step_by(RECORD) {
        let mut candidate = best.clone();
        candidate[start + 2..start + RECORD].fill(0);
        if candidate != *best && ask(&candidate)? {
            *best = candidate;
            continue;
        }
        for at in start..start + RECORD {
            let mut candidate = best.clone();
            candidate[at] = 0;
            if best[at] != 0 && ask(&candidate)? {
                *best = candidate;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_left() {
        let bytes: Vec<u8> = (1..=RECORD as u8 * 9).collect();
        // Two records matter, and of the second one byte.
        let mut shows = |b: &[u8]| {
            let at = |value: u8| b.iter().position(|x| *x == value);
            at(13).zip(at(65)).is_some_and(|(first, second)| first < second)
        };
        let small = shrink(&bytes, 10_000, &mut shows);
        assert_eq!(small.len(), 3 * RECORD);
        assert_eq!(small.iter().filter(|b| **b != 0).count(), 2);
        assert!(shows(&small));
        assert_eq!(shrink(&bytes, 0, &mut |_| true).len(), bytes.len());
    }
}
