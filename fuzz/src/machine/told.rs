//! What happened in a scenario as a ladder and as a capture.

use harness::report::ladder::ladder;
use harness::report::pcapng::pcapng;
use harness::scenario::operation::Version;
use harness::scenario::{Trace, entries, setup};

/// The exchange of a trace over `version` as a ladder.
pub fn as_ladder(version: Version, trace: &Trace) -> String {
    ladder(&entries(trace, version))
}

/// The exchange of a trace as a capture that other programs read.
pub fn as_capture(version: Version, trace: &Trace) -> Vec<u8> {
    pcapng(&setup(version).interfaces, &entries(trace, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{played, with_stack};

    #[test]
    fn a_trace_is_a_ladder_and_a_capture() {
        let trace = with_stack("tcp_machine", |stack| played(stack, &[0; 24]).trace).unwrap();
        let ladder = as_ladder(Version::V4, &trace);
        assert!(ladder.contains("|--") && ladder.contains("|<-"), "{ladder}");
        assert_eq!(as_capture(Version::V4, &trace)[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    }
}
