//! The first difference between two stacks' traces of one scenario.

use super::given::given;
use super::normalise::{Deeds, Sent, call_name};
use super::operation::UserCall;
use super::segment::{ACK, RST, SYN, before};
use super::state::{Event, State};
use super::trace::{Deed, Step, Stimulus, Trace};
use crate::sut::Granularity;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// How far apart things that happen at once may be.
const AT_ONCE: Duration = Duration::from_micros(900);
/// No timer whose lateness matters is longer: TCP's own end at two minutes, and what is proportional beyond that is not TCP's.
const LONGEST_TIMER: Duration = Duration::from_secs(120);

/// The first thing that two stacks did differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// The operation's place in the scenario; `None` in the opening.
    pub operation: Option<usize>,
    /// The state before, as inferred on the first stack.
    pub state: State,
    /// What happened to the connection, or the call that was made.
    pub event: String,
    /// What was out of the ordinary in the segment that came, or the call's name.
    pub given: String,
    /// What differs: `sent` (one sent something where the other was silent), or a field: `flags`, `seq`, `ack`, `length`, `window`,
    /// `text` (what was sent is not what the user gave), `options`, `sack`, `urgent`, `echo`, `time`, `result`, `count` (of bytes that a call moved), `data`, `foreign`.
    pub field: String,
    /// What the first stack did, `nothing` where it was silent.
    pub first: String,
    /// What the second did.
    pub second: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { state, event, given, field, first, second, .. } = self;
        write!(f, "{state} {event} [{given}] {field}: {first} | {second}")
    }
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The stacks did the same.
    Same,
    /// Up to a timer of theirs that, within the granularity, fires before a stimulus on one and after it on the other: from there
    /// on they were not given the same.
    Raced,
    /// Up to a segment that hangs on where a window ends: it lies elsewhere relative to the connection, or inside one stack's window
    /// and outside of the other's. What a stack offers is its own affair, and from there on they were not given the same.
    Apart,
    /// They did not.
    Different(Divergence),
}

/// Compares the traces that two stacks with these granularities left.
pub fn compare(first: &Trace, second: &Trace, granularities: [Granularity; 2]) -> Comparison {
    let slack = |timer: Duration| granularities.iter().map(|g| g.slack(timer)).max().unwrap_or_default();
    let mut is_same = true;
    for (at, (a, b)) in first.steps.iter().zip(&second.steps).enumerate() {
        is_same &= is_given_alike(a, b);
        let (mine, theirs) = (Deeds::of(a), Deeds::of(b));
        match difference(a, b, &mine, &theirs, &slack) {
            None => {}
            Some(Found::Race) => return Comparison::Raced,
            Some(Found::Field { .. }) if !is_same || is_between_edges([first, second], at) => {
                return Comparison::Apart;
            }
            Some(Found::Field { field, first: x, second: y }) => {
                let (operation, state) = (a.operation, a.state);
                let (event, given) = (event(a), given(&first.steps[..=at]));
                let divergence = Divergence { operation, state, event, given, field, first: x, second: y };
                return Comparison::Different(divergence);
            }
        }
    }
    Comparison::Same
}

/// Whether both were given the same, numbers being relative to the connection.
fn is_given_alike(a: &Step, b: &Step) -> bool {
    let (Stimulus::Segment(x), Stimulus::Segment(y)) = (&a.stimulus, &b.stimulus) else { return true };
    let (stacks, peers) = (b.bases.0.wrapping_sub(a.bases.0), b.bases.1.wrapping_sub(a.bases.1));
    let acknowledges = x.has(ACK) && a.bases.0 != 0 && b.bases.0 != 0;
    y.seq.wrapping_sub(x.seq) == peers && (!acknowledges || y.ack.wrapping_sub(x.ack) == stacks)
}

/// Whether the segment of a step lies inside one stack's window and outside of the other's, by what they announced.
fn is_between_edges(traces: [&Trace; 2], at: usize) -> bool {
    let edges = traces.map(|trace| edge(trace.steps.get(..at).unwrap_or_default()));
    let ([Some(a), Some(b)], Some(step)) = (edges, traces[0].steps.get(at)) else { return false };
    let Stimulus::Segment(segment) = &step.stimulus else { return false };
    let relative = |number: u32| number.wrapping_sub(step.bases.1);
    let (nearer, farther) = if before(a, b) { (a, b) } else { (b, a) };
    a != b && !before(relative(segment.end()), nearer) && !before(farther, relative(segment.seq))
}

/// The right edge of the window that the stack announced last, relative to the peer's SYN.
fn edge(steps: &[Step]) -> Option<u32> {
    let mut offered = None;
    let mut edge = None;
    for step in steps {
        if let Stimulus::Segment(given) = &step.stimulus
            && given.has(SYN)
        {
            offered = given.options.scale;
        }
        let sent = step.happened.iter().filter_map(|happening| match &happening.what {
            Deed::Sent(segment) if segment.has(ACK) && !segment.has(RST) => Some((segment, happening.bases)),
            _ => None,
        });
        for (segment, bases) in sent {
            let scale = own_scale(steps).filter(|_| offered.is_some() && !segment.has(SYN)).unwrap_or(0);
            let window = u32::from(segment.window) << scale.min(14);
            edge = Some(segment.ack.wrapping_add(window).wrapping_sub(bases.1));
        }
    }
    edge
}

/// The scale that the stack's SYN offers.
fn own_scale(steps: &[Step]) -> Option<u8> {
    let mut syns =
        steps.iter().flat_map(|step| &step.happened).filter_map(|happening| match &happening.what {
            Deed::Sent(segment) if segment.has(SYN) => Some(segment),
            _ => None,
        });
    syns.next_back()?.options.scale
}

/// What happened in a step, by its name in a class.
fn event(step: &Step) -> String {
    match (&step.stimulus, step.event) {
        (Stimulus::Call(call), _) => call_name(*call).to_owned(),
        (_, Some(event)) => event.name().to_owned(),
        _ => Event::Time.name().to_owned(),
    }
}

enum Found {
    /// A timer's granularity decides on which side of the step's end something falls.
    Race,
    Field {
        field: String,
        first: String,
        second: String,
    },
}

fn field(name: &str, first: impl fmt::Display, second: impl fmt::Display) -> Option<Found> {
    Some(Found::Field { field: name.to_owned(), first: first.to_string(), second: second.to_string() })
}

fn difference(
    a: &Step,
    b: &Step,
    mine: &Deeds,
    theirs: &Deeds,
    slack: &dyn Fn(Duration) -> Duration,
) -> Option<Found> {
    let call = match a.stimulus {
        Stimulus::Call(call) => Some(call),
        _ => None,
    };
    if let Some(found) = results(call, mine, theirs) {
        return Some(found);
    }
    let longest = mine.sent.len().max(theirs.sent.len());
    for index in 0..longest {
        match (mine.sent.get(index), theirs.sent.get(index)) {
            (Some(x), Some(y)) => {
                if let Some(found) = segments(a, x, y, slack) {
                    return Some(found);
                }
            }
            (Some(x), None) => return one_sided(a, x, slack, |x| (x, "nothing".to_owned())),
            (None, Some(y)) => return one_sided(b, y, slack, |y| ("nothing".to_owned(), y)),
            (None, None) => {}
        }
    }
    (mine.foreign.len() != theirs.foreign.len())
        .then(|| field("foreign", mine.foreign.len(), theirs.foreign.len()))?
}

/// What calls returned.
fn results(call: Option<UserCall>, mine: &Deeds, theirs: &Deeds) -> Option<Found> {
    let text = |result: &Option<(Result<i64, crate::sut::Errno>, Vec<u8>)>| match result {
        None => "no call".to_owned(),
        Some((Ok(value), _)) => value.to_string(),
        Some((Err(errno), _)) => errno.to_string(),
    };
    let (first, second) = (text(&mine.returned), text(&theirs.returned));
    let has_moved =
        |deeds: &Deeds| deeds.returned.as_ref().is_some_and(|(result, _)| result.is_ok_and(|n| n > 0));
    if first != second {
        let moves = matches!(call, Some(UserCall::Send(_) | UserCall::Receive(_)));
        let name = if moves && has_moved(mine) && has_moved(theirs) { "count" } else { "result" };
        return field(name, first, second);
    }
    let data = |deeds: &Deeds| deeds.returned.as_ref().map(|(_, data)| data.clone());
    (data(mine) != data(theirs)).then(|| field("data", "what was sent", "something else"))?
}

/// How late a timer may be that fired so long after a step's beginning; when it was set is not known.
fn late(step: &Step, sent: &Sent, slack: &dyn Fn(Duration) -> Duration) -> Duration {
    let since_start = step.at.saturating_since(stack::Instant::ZERO) + sent.after;
    slack(since_start.min(LONGEST_TIMER)) + AT_ONCE
}

/// One stack sent something that the other did not, or not yet.
fn one_sided(
    step: &Step,
    sent: &Sent,
    slack: &dyn Fn(Duration) -> Duration,
    told: impl Fn(String) -> (String, String),
) -> Option<Found> {
    let margin = late(step, sent, slack);
    let is_timer = sent.after > AT_ONCE || matches!(step.stimulus, Stimulus::Time);
    let is_near_end = sent.after + margin >= step.length;
    let is_near_start = sent.after <= margin;
    if is_timer && (is_near_end || (is_near_start && step.length > AT_ONCE * 2)) && sent.after > AT_ONCE {
        return Some(Found::Race);
    }
    let (first, second) = told(sent.to_string());
    field("sent", first, second)
}

fn segments(step: &Step, x: &Sent, y: &Sent, slack: &dyn Fn(Duration) -> Duration) -> Option<Found> {
    let name = |same: bool, name| (!same).then_some(name);
    let differs = name(x.flags == y.flags, "flags")
        .or(name(x.seq == y.seq, "seq"))
        .or(name(x.ack == y.ack, "ack"))
        .or(name(x.length == y.length, "length"))
        .or(name(x.options == y.options, "options"))
        .or(name(x.sack == y.sack, "sack"))
        .or(name(x.window == y.window, "window"))
        .or(name(x.is_true == y.is_true, "text"))
        .or(name(x.urgent == y.urgent, "urgent"))
        .or(name(x.echo == y.echo, "echo"));
    if let Some(name) = differs {
        return field(name, x, y);
    }
    let apart = x.after.max(y.after) - x.after.min(y.after);
    (apart > late(step, x, slack)).then(|| field("time", x, y))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::drive::drive;
    use crate::scenario::generate::generate;
    use crate::scenario::record::Scenario;
    use crate::stacks::reference::Reference;
    use crate::sut::StackUnderTest;

    /// What comes of comparing two stacks on a scenario.
    fn check(first: &mut Reference, second: &mut Reference, number: u64) -> Comparison {
        let scenario = Scenario::decode(&generate(1, number));
        let granularities = [first.capabilities().granularity, second.capabilities().granularity];
        let [first, second] =
            [first, second].map(|stack| drive(stack, &scenario, &mut ()).expect("it is played"));
        compare(&first, &second, granularities)
    }

    #[test]
    fn a_stack_does_what_it_does() {
        let (mut one, mut other) = (Reference::default(), Reference::default());
        for number in 0..300 {
            assert_eq!(check(&mut one, &mut other, number), Comparison::Same, "scenario {number}");
        }
    }

    #[test]
    fn profiles_differ_by_name() {
        let found = (0..300).find_map(|number| {
            match check(&mut Reference::default(), &mut Reference::linux(), number) {
                Comparison::Different(found) if found.event == "abort" => Some(found),
                _ => None,
            }
        });
        let found = found.expect("an abort");
        assert_eq!(found.field, "flags");
        assert!(found.first.starts_with("R ") && found.second.starts_with("R. "), "{found}");
    }
}
