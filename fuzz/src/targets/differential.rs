//! Two stacks, the same scenario: a difference that no class in golden/classes knows is a finding.

use crate::machine::with_stack;
use cases::classes::Classes;
use harness::scenario::operation::{Anchor, Effect, Operation, Plan, What};
use harness::scenario::segment::{FIN, RST, SYN};
use harness::scenario::{Comparison, Divergence, Scenario, Trace, compare, drive};
use std::sync::OnceLock;

/// The stacks, as the target of each names it, and as classes do.
const STACKS: [(&str, &str); 2] = [("tcp_machine", "reference"), ("tcp_machine_smoltcp", "smoltcp")];
/// The most operations: shorter scenarios are tried more often.
const MOST: usize = 32;
/// smoltcp has timestamps only where its user gives it a clock for them, which its adapter does not.
const ALIKE: &[(&str, &str)] = &[("net.ipv4.tcp_timestamps", "0")];

static CLASSES: OnceLock<Result<Classes, String>> = OnceLock::new();

/// `data` is a scenario (see [`harness::scenario`]), for the reference stack and smoltcp.
///
/// # Panics
/// At a difference of no known class, and where the classes cannot be read.
pub fn differential(data: &[u8]) {
    let Some((found, traces)) = divergence(data) else { return };
    if class(&found).is_none() {
        let [(_, first), (_, second)] = STACKS;
        let [mine, theirs] = traces;
        panic!("{found}\n{first}:\n{mine}\n{second}:\n{theirs}");
    }
}

/// The first difference that `data` shows, and the name of the class that knows it.
///
/// # Panics
/// Where the classes cannot be read.
pub fn absorbed(data: &[u8]) -> Option<(Divergence, Option<&'static str>)> {
    let (found, _) = divergence(data)?;
    let class = class(&found);
    Some((found, class))
}

/// The name of the class that knows a difference.
fn class(found: &Divergence) -> Option<&'static str> {
    let classes = match CLASSES.get_or_init(Classes::load) {
        Ok(classes) => classes,
        Err(error) => panic!("{error}"),
    };
    let [(_, first), (_, second)] = STACKS;
    classes.of(first, second, found).map(|at| classes.classes[at].name.as_str())
}

/// The first thing that the stacks do differently.
fn divergence(data: &[u8]) -> Option<(Divergence, [Trace; 2])> {
    let scenario = comparable(Scenario::decode(data));
    let mut played = STACKS.iter().filter_map(|(target, _)| {
        with_stack(target, |stack| {
            let granularity = stack.capabilities().granularity;
            drive(stack, &scenario, &mut ()).ok().map(|trace| (trace, granularity))
        })?
    });
    let (first, second) = (played.next()?, played.next()?);
    match compare(&first.0, &second.0, [first.1, second.1]) {
        Comparison::Different(found) => Some((found, [first.0, second.0])),
        Comparison::Same | Comparison::Raced | Comparison::Apart => None,
    }
}

/// The scenario without what makes the rest of it incomparable, since one of the two is known to do something else then and
/// may show it only later.
fn comparable(mut scenario: Scenario) -> Scenario {
    scenario.opening.settings = ALIKE;
    scenario.opening.offer.timestamps = false;
    scenario.operations.truncate(MOST);
    scenario.operations.retain(is_comparable);
    let is_loss = |operation: &Operation| matches!(operation.what, What::Network(Effect::Lose(_)));
    if let Some(gap) = scenario.operations.iter().position(is_loss) {
        let mut at = 0;
        scenario.operations.retain(|operation| {
            at += 1;
            at <= gap || !has_fin(operation)
        });
    }
    scenario
}

fn has_fin(operation: &Operation) -> bool {
    matches!(operation.what, What::Segment(Plan { flags, .. }) if flags & FIN != 0)
}

/// To smoltcp a segment with more than one of SYN, FIN and RST is none, one with SYN or an old acknowledgement has no text, and one that
/// acknowledges what waits to be sent does so (see its ledger). A FIN ahead of a gap it
/// forgets, which RFC 9293 3.10.7.4 leaves to it.
fn is_comparable(operation: &Operation) -> bool {
    match operation.what {
        What::Segment(Plan { flags, seq, ack, payload, .. }) => {
            let is_one = (flags & (SYN | FIN | RST)).count_ones() <= 1;
            let is_bare = flags & SYN == 0 || payload == 0;
            let is_in_order = flags & FIN == 0 || matches!(seq, (Anchor::Next, ..=0));
            is_one && is_bare && is_in_order && matches!(ack, (Anchor::Next | Anchor::Acked, 0))
        }
        What::Call(_) | What::Network(_) | What::Wait => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::scenario::generate;

    #[test]
    fn generated_scenarios_show_nothing_new() {
        for number in 0..2000 {
            differential(&generate(1, number));
        }
    }
}
