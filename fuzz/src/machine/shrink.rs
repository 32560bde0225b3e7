//! Inputs with less in them that are the same finding, and what a person reads of them.

use super::{found, with_stack};
use harness::scenario::case::{self, Head};
use harness::scenario::{Scenario, Violation, shrink as smaller};
use harness::sut::StackUnderTest;

/// So often the stack is asked at most.
const BUDGET: usize = 20_000;

/// Leaves out records and makes bytes zero, the tamest choice, as long as the same oracle objects.
///
/// Gives `None` where nothing is found in `data` to begin with.
pub fn shrink(stack: &mut dyn StackUnderTest, target: &str, data: &[u8]) -> Option<(Vec<u8>, Violation)> {
    let oracle = found(stack, target, data).1?.oracle;
    let mut shows = |data: &[u8]| found(stack, target, data).1.is_some_and(|found| found.oracle == oracle);
    let best = smaller(data, BUDGET, &mut shows);
    let violation = found(stack, target, &best).1?;
    Some((best, violation))
}

/// The text of a case that does what `data` does and expects what the reference stack does then.
pub fn case(target: &str, data: &[u8], violation: &Violation) -> Option<String> {
    let mut scenario = Scenario::decode(data);
    let mut trace = with_stack("tcp_machine", |stack| found(stack, "tcp_machine", data).0)?;
    // Without what the end of every scenario adds: it is no part of what was found.
    let operations = scenario.operations.len();
    trace.steps.retain(|step| step.operation.is_none_or(|operation| operation < operations));
    scenario.operations.truncate(operations);
    let about = vec![format!("Found by fuzzing {target}: {}.", violation.found)];
    let requirement = violation.requirement.unwrap_or("RFC9293-3.10.7.4-1").to_owned();
    Some(case::write(&Head { about, requirement }, &scenario, &trace))
}
