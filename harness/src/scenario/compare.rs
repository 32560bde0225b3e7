//! The first difference between two stacks' traces of one scenario.

use super::normalise::{Deeds, Sent, call_name};
use super::segment::{ACK, RST, SYN, URG};
use super::state::{Event, State};
use super::trace::{Deed, Step, Stimulus, Trace};
use crate::sut::Granularity;
use std::fmt;
use std::time::Duration;

/// How far apart things that happen at once may be.
const AT_ONCE: Duration = Duration::from_micros(900);
/// No timer whose lateness matters is longer: TCP's own end at two minutes, and what is proportional beyond that is not TCP's.
const LONGEST_TIMER: Duration = Duration::from_secs(120);

/// The first thing that two stacks did differently.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// `options`, `sack`, `urgent`, `echo`, `time`, `result`, `data`, `foreign`, `flow`.
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
    /// They did not.
    Different(Divergence),
}

/// Compares the traces that two stacks with these granularities left.
pub fn compare(first: &Trace, second: &Trace, granularities: [Granularity; 2]) -> Comparison {
    let slack = |timer: Duration| granularities.iter().map(|g| g.slack(timer)).max().unwrap_or_default();
    for (at, (a, b)) in first.steps.iter().zip(&second.steps).enumerate() {
        let (mine, theirs) = (Deeds::of(a), Deeds::of(b));
        match difference(a, b, &mine, &theirs, &slack) {
            None => {}
            Some(Found::Race) => return Comparison::Raced,
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

/// What happened in a step, by its name in a class.
fn event(step: &Step) -> String {
    match (&step.stimulus, step.event) {
        (Stimulus::Call(call), _) => call_name(*call).to_owned(),
        (_, Some(event)) => event.name().to_owned(),
        _ => Event::Time.name().to_owned(),
    }
}

/// The segment that the last of these steps gave, by its flags and whatever else matters: `text`; `urgent`; `bad-option` with a length
/// that cannot be, `option` of an unknown kind; `mss`, `wscale`, `sack` where these are given; `no-ack`, where neither ACK nor RST nor SYN is set; `no-ts`, where the connection
/// has timestamps and this segment has none, and `old-ts`, where its TSval is behind an earlier one. Of calls and waits: `window 0`,
/// where that is what the peer said last.
fn given(steps: &[Step]) -> String {
    let Some((Step { stimulus: Stimulus::Segment(segment), .. }, before)) = steps.split_last() else {
        let windows = steps.iter().rev().find_map(|step| match &step.stimulus {
            Stimulus::Segment(segment) if segment.has(ACK) => Some(segment.window),
            _ => None,
        });
        return if windows == Some(0) { "window 0".to_owned() } else { String::new() };
    };
    let o = &segment.options;
    let is_odd = |raw: &[u8]| raw.get(1).is_none_or(|length| usize::from(*length) != raw.len());
    let value = |step: &Step| match &step.stimulus {
        Stimulus::Segment(earlier) => earlier.options.timestamps.map(|(value, _)| value),
        _ => None,
    };
    let mut sent = before.iter().rev().flat_map(|step| step.happened.iter().rev());
    let has_timestamps = sent.find_map(|happening| match &happening.what {
        Deed::Sent(s) if !s.has(RST) => Some(s.options.timestamps.is_some()),
        _ => None,
    });
    let is_old = |value: u32, earlier: u32| (value.wrapping_sub(earlier) as i32) < 0;
    let latest = before.iter().filter_map(value).reduce(|a, b| if is_old(a, b) { b } else { a });
    let marks = [
        (!segment.payload.is_empty(), "text"),
        (segment.has(URG), "urgent"),
        (!o.raw.is_empty() && is_odd(&o.raw), "bad-option"),
        (!o.raw.is_empty() && !is_odd(&o.raw), "option"),
        (o.mss.is_some(), "mss"),
        (o.scale.is_some(), "wscale"),
        (!o.sack.is_empty(), "sack"),
        (!segment.has(ACK | RST | SYN), "no-ack"),
        (has_timestamps == Some(true) && o.timestamps.is_none(), "no-ts"),
        (o.timestamps.zip(latest).is_some_and(|((value, _), latest)| is_old(value, latest)), "old-ts"),
    ];
    let marks = marks.iter().filter(|(is, _)| *is).map(|(_, name)| *name);
    let flags = super::normalise::letters(segment.flags);
    std::iter::once(flags.as_str()).chain(marks).collect::<Vec<_>>().join(" ")
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
    if let Some(found) = results(mine, theirs) {
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
fn results(mine: &Deeds, theirs: &Deeds) -> Option<Found> {
    let text = |result: &Option<(Result<i64, crate::sut::Errno>, Vec<u8>)>| match result {
        None => "no call".to_owned(),
        Some((Ok(value), _)) => value.to_string(),
        Some((Err(errno), _)) => errno.to_string(),
    };
    let (first, second) = (text(&mine.returned), text(&theirs.returned));
    if first != second {
        return field("result", first, second);
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
