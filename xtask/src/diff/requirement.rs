//! The requirement that a difference is most likely about, by where it shows: a reader of the case that is made of it begins there.

use harness::scenario::State;

/// Where the first rows that fit are taken: the states (all where none is named), the event or call, and the requirement.
const BY_EVENT: &[(&[State], &str, &str)] = &[
    (&[State::Closed], "syn", "RFC9293-3.10.7.1-1"),
    (&[State::Closed], "no-ack", "RFC9293-3.10.7.1-1"),
    (&[State::Closed], "reset", "RFC9293-3.10.7.1-3"),
    (&[State::Closed], "*", "RFC9293-3.10.7.1-2"),
    (&[State::Listen], "syn", "RFC9293-3.10.7.2-3"),
    (&[State::Listen], "reset", "RFC9293-3.10.7.2-1"),
    (&[State::Listen], "no-ack", "RFC9293-3.10.7.2-5"),
    (&[State::Listen], "close-listener", "RFC9293-3.10.4-1"),
    (&[State::Listen], "ack", "RFC9293-3.10.7.2-2"),
    (&[State::SynSent], "syn", "RFC9293-MUST-10"),
    (&[State::SynSent], "syn-ack", "RFC9293-3.10.7.3-5"),
    (&[State::SynSent], "reset", "RFC9293-3.10.7.3-3"),
    (&[State::SynSent], "reset-inexact", "RFC5961-3.2-4"),
    (&[State::SynSent], "no-ack", "RFC9293-3.10.7.3-7"),
    (&[State::SynSent], "ack", "RFC9293-3.10.7.3-7"),
    (&[State::SynSent], "ack-old", "RFC9293-3.10.7.3-1"),
    (&[State::SynSent], "ack-unsent", "RFC9293-3.10.7.3-1"),
    (&[State::SynSent], "close", "RFC9293-3.10.4-2"),
    (&[State::SynSent], "abort", "RFC9293-3.10.5-2"),
    (&[State::SynReceived], "syn", "RFC9293-3.10.7.4-10"),
    (&[State::SynReceived], "reset", "RFC9293-3.10.7.4-7"),
    (&[State::SynReceived], "ack-old", "RFC9293-3.10.7.4-13"),
    (&[State::SynReceived], "ack-unsent", "RFC9293-3.10.7.4-13"),
    (&[State::SynReceived], "ack", "RFC9293-3.10.7.4-13"),
    (&[State::SynReceived], "ack-new", "RFC9293-3.10.7.4-12"),
    (&[State::SynReceived], "close", "RFC9293-3.10.4-3"),
    (&[State::SynSent, State::SynReceived], "send", "RFC9293-3.10.2-1"),
    (&[State::CloseWait], "send", "RFC9293-3.10.2-3"),
    (&[State::CloseWait], "receive", "RFC9293-3.10.3-1"),
    (&[State::CloseWait], "close", "RFC9293-3.10.4-5"),
    (&[State::CloseWait, State::Closing, State::LastAck, State::TimeWait], "text", "RFC9293-3.10.7.4-23"),
    (
        &[State::CloseWait, State::Closing, State::LastAck, State::TimeWait],
        "text-ahead",
        "RFC9293-3.10.7.4-23",
    ),
    (&[State::CloseWait, State::Closing, State::LastAck], "fin", "RFC9293-3.10.7.4-29"),
    (&[State::Closing, State::LastAck, State::TimeWait], "reset", "RFC9293-3.10.7.4-9"),
    (&[State::TimeWait], "fin", "RFC9293-3.10.7.4-19"),
    (&[State::TimeWait], "syn", "RFC9293-MAY-2"),
    (&[State::TimeWait], "time", "RFC9293-3.10.8-3"),
    (&[], "syn", "RFC5961-4.2-1"),
    (&[], "syn-ack", "RFC5961-4.2-1"),
    (&[], "reset", "RFC9293-3.10.7.4-8"),
    (&[], "reset-inexact", "RFC5961-3.2-3"),
    (&[], "outside", "RFC9293-3.10.7.4-3"),
    (&[], "ack-unsent", "RFC9293-3.10.7.4-14"),
    (&[], "ack-old", "RFC5961-5.2-2"),
    (&[], "no-ack", "RFC9293-3.10.7.4-11"),
    (&[], "fin", "RFC9293-3.10.7.4-24"),
    (&[], "text", "RFC9293-3.10.7.4-5"),
    (&[], "text-ahead", "RFC9293-3.10.7.4-25"),
    (&[], "urgent", "RFC9293-3.10.7.4-20"),
    (&[], "ack-new", "RFC9293-3.10.7.4-16"),
    (&[], "ack", "RFC9293-3.10.7.4-16"),
    (&[], "connect", "RFC9293-3.10.1-1"),
    (&[], "listen", "RFC9293-3.10.7.2-3"),
    (&[], "send", "RFC9293-3.10.2-2"),
    (&[], "receive", "RFC9293-3.10.3-1"),
    (&[], "close", "RFC9293-3.10.4-4"),
    (&[], "shutdown-write", "RFC9293-3.10.4-4"),
    (&[], "shutdown-both", "RFC9293-3.10.4-4"),
    (&[], "close-listener", "RFC9293-3.10.4-1"),
    (&[], "abort", "RFC9293-3.10.5-1"),
    (&[], "time", "RFC9293-3.10.8-2"),
];

/// The requirement, where the field does not say it already.
pub(super) fn of(state: State, event: &str, field: &str) -> &'static str {
    match field {
        "sack" | "options" => return "RFC2018-4-2",
        "echo" => return "RFC7323-4.3-1",
        "time" => return "RFC6298-5-1",
        "window" => return "RFC9293-3.10.7.4-22",
        _ => {}
    }
    let fits = |(states, name, _): &&(&[State], &str, &str)| {
        (states.is_empty() || states.contains(&state)) && (*name == event || *name == "*")
    };
    BY_EVENT.iter().find(fits).map_or("RFC9293-3.10.7.4-3", |(_, _, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::scenario::Event;

    #[test]
    fn every_event_has_a_requirement_of_the_catalogue() {
        let catalogue = cases::catalogue::Catalogue::load().expect("the catalogue");
        let fields = ["sent", "sack", "echo", "time", "window"];
        for (state, _) in State::ALL {
            for (_, event) in Event::ALL {
                for field in fields {
                    let id = of(*state, event, field);
                    assert!(catalogue.get(id).is_some(), "{id}");
                }
            }
        }
    }
}
