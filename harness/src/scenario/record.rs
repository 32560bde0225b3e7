//! A scenario as bytes: records of a fixed length, each of which means the same wherever it stands.
//!
//! Any bytes are a scenario. The first record says how the connection begins ([`Opening`]); each one behind it is an
//! [`Operation`]. To remove a record leaves the meaning of the others alone, and a byte that is zero is the tamest choice
//! that this byte has, so a fuzzer cuts and a shrinker simplifies without knowing what the bytes mean.

use super::operation::{Opening, Operation};

/// The length of a record in bytes.
pub const RECORD: usize = 12;

/// The most operations of a scenario: what stands behind them is ignored.
pub const MOST_OPERATIONS: usize = 256;

/// One record; missing bytes are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record(pub [u8; RECORD]);

impl Record {
    /// The entry of `table` that the byte at `at` chooses.
    pub(super) fn choose<T: Copy>(&self, at: usize, table: &[T]) -> T {
        table[usize::from(self.0[at]) % table.len()]
    }

    /// Lets the byte at `at` choose `entry` of `table`; `None` where that is not there.
    pub(super) fn say<T: PartialEq>(&mut self, at: usize, table: &[T], entry: &T) -> Option<()> {
        let place = table.iter().position(|own| own == entry)?;
        self.0[at] = u8::try_from(place).ok()?;
        Some(())
    }

    /// The bit `bit` of the byte at `at`.
    pub(super) fn bit(&self, at: usize, bit: u8) -> bool {
        self.0[at] >> bit & 1 != 0
    }
}

/// How a connection begins, and what is done then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// How it begins.
    pub opening: Opening,
    /// What is done.
    pub operations: Vec<Operation>,
}

impl Scenario {
    /// Reads any bytes.
    pub fn decode(bytes: &[u8]) -> Scenario {
        let mut records = records(bytes);
        let opening = Opening::decode(&records.next().unwrap_or_default());
        let operations = records.take(MOST_OPERATIONS).map(|record| Operation::decode(&record));
        Scenario { opening, operations: operations.collect() }
    }
}

/// Cuts bytes into records.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = Record> + '_ {
    bytes.chunks(RECORD).map(|chunk| {
        let mut record = Record::default();
        record.0[..chunk.len()].copy_from_slice(chunk);
        record
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_a_scenario_and_records_are_independent() {
        let bytes: Vec<u8> = (0..=255).cycle().map(|b: u8| b.wrapping_mul(37)).take(12 * 9 + 5).collect();
        let whole = Scenario::decode(&bytes);
        assert_eq!(whole.operations.len(), 9);
        let mut cut = bytes.clone();
        cut.drain(3 * RECORD..4 * RECORD);
        let cut = Scenario::decode(&cut);
        let mut expected = whole.clone();
        expected.operations.remove(2);
        assert_eq!(cut, expected);
        assert_eq!(Scenario::decode(&[]).operations, []);
    }
}
