//! Which transitions of the state machine inputs reach: pairs of a state and an event that is possible in it.
//!
//! libFuzzer keeps an input that reaches code which none before reached. [`mark`] gives each pair code of its own, so it
//! keeps those that reach a new pair as well.

use harness::scenario::{Event, State, Trace, possible_pairs};
use std::collections::BTreeSet;
use std::hint::black_box;

/// Events, of which there are no more than this.
const EVENTS: usize = 24;

/// A function for each pair, which does nothing but be there.
#[inline(never)]
fn here<const STATE: usize, const EVENT: usize>() {
    black_box(STATE * EVENTS + EVENT);
}

macro_rules! row {
    ($state:literal) => {
        row!($state; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23)
    };
    ($state:literal; $($event:literal)*) => { [$(here::<$state, $event>),*] };
}

const MARKS: [[fn(); EVENTS]; 11] =
    [row!(0), row!(1), row!(2), row!(3), row!(4), row!(5), row!(6), row!(7), row!(8), row!(9), row!(10)];

/// Marks what a trace saw.
pub fn mark(trace: &Trace) {
    for step in &trace.steps {
        let state = State::ALL.iter().position(|(state, _)| *state == step.state);
        let event = step.event.and_then(|seen| Event::ALL.iter().position(|(event, _)| *event == seen));
        if let Some(here) = state.zip(event).and_then(|(state, event)| MARKS.get(state)?.get(event)) {
            here();
        }
    }
}

/// The transitions that some inputs saw.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<(State, Event)>);

impl Seen {
    /// Takes those of a trace in.
    pub fn take(&mut self, trace: &Trace) {
        self.0.extend(trace.pairs());
    }

    /// How many of how many, and the names of the others.
    pub fn told(&self) -> (usize, usize, Vec<String>) {
        let all: Vec<(State, Event)> = possible_pairs().collect();
        let missing = all.iter().filter(|pair| !self.0.contains(pair));
        let names = missing.map(|(state, event)| format!("{state} {event}")).collect();
        (self.0.len(), all.len(), names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_mark() {
        assert_eq!(MARKS.len(), State::ALL.len());
        assert!(Event::ALL.len() <= EVENTS);
        let (seen, all, missing) = Seen::default().told();
        assert_eq!((seen, missing.len()), (0, all));
    }
}
