//! Deliberate faults: faulty copies and wrappers, so that `stack` itself stays clean. A campaign that does not find each
//! of them in the time that Cargo.toml sets for it fails, so a fuzzer that has gone blind is noticed.

mod parsers;
mod stacks;

use crate::Target;

/// Every canary under its name in Cargo.toml, in the order of their names.
pub const CANARIES: &[Target] = &[
    ("corrupt_text", stacks::corrupt_text),
    ("option_without_progress", parsers::option_without_progress),
    ("output_loop", stacks::output_loop),
    ("quote_of_a_short_datagram", parsers::quote_of_a_short_datagram),
    ("trusted_length", parsers::trusted_length),
    ("wild_reset", stacks::wild_reset),
];

/// The canary called `name`.
pub fn canary(name: &str) -> Option<fn(&[u8])> {
    CANARIES.iter().find(|(own, _)| *own == name).map(|(_, run)| *run)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no fault of a canary's is found by none: a campaign's find is the fault.
    #[test]
    fn canaries_are_silent_where_nothing_is_wrong() {
        for (name, run) in CANARIES {
            for input in [&[][..], &[0; 16], &[1; 40]] {
                assert!(std::panic::catch_unwind(|| run(input)).is_ok(), "{name}: {input:02x?}");
            }
        }
    }

    #[test]
    fn every_canary_has_its_time_in_the_manifest() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let manifest = std::fs::read_to_string(path).unwrap();
        let (_, section) = manifest.split_once("[package.metadata.canaries]\n").unwrap();
        let lines = section.lines().take_while(|line| !line.is_empty());
        let named: Vec<&str> = lines.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
        let own: Vec<&str> = CANARIES.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, own);
    }
}
