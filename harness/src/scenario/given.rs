//! What was out of the ordinary in what a stack was given, and in what the connection had been through before.

use super::normalise::letters;
use super::operation::UserCall;
use super::segment::{ACK, FIN, RST, SYN, Segment, URG, before};
use super::state::{Event, State};
use super::trace::{Deed, Step, Stimulus};

/// What the last of these steps gave, in words that a class can name, and what came before it that still counts.
///
/// Of a segment: its control bits, then `text`; `urgent`; `bad-option` with a length that cannot be, `option` of an unknown
/// kind; `mss`, `wscale`, `sack` where these are given; `no-ack`, where neither ACK nor RST nor SYN is set; `no-ts`, where the
/// connection has timestamps and this segment has none, and `old-ts`, where its TSval is behind an earlier one.
/// Of a call and a wait: `window 0`, where that is what the peer said last.
/// Of what came before: see [`past`].
pub(super) fn given(steps: &[Step]) -> String {
    let Some((last, before)) = steps.split_last() else { return String::new() };
    let mut words = match &last.stimulus {
        Stimulus::Segment(segment) => of_segment(segment, before),
        _ => is_window_closed(steps).then(|| "window 0".to_owned()).into_iter().collect(),
    };
    words.extend(past(last.state, before).into_iter().map(str::to_owned));
    words.join(" ")
}

/// Whether the peer's window is zero, as RFC 9293 section 3.10.7.4 updates it.
fn is_window_closed(steps: &[Step]) -> bool {
    let mut newest: Option<(u32, u16)> = None;
    for step in steps {
        let Stimulus::Segment(segment) = &step.stimulus else { continue };
        let is_heard = matches!(
            step.event,
            Some(Event::Ack | Event::AckNew | Event::Text | Event::TextAhead | Event::Fin | Event::Urgent)
        );
        let is_opening = step.event == Some(Event::SynAck) && step.state <= State::SynSent;
        let is_newer = newest.is_none_or(|(seq, _)| !before(segment.seq, seq));
        if is_opening || is_heard && is_newer {
            newest = Some((segment.seq, segment.window));
        }
    }
    newest.is_some_and(|(_, window)| window == 0)
}

fn is_old(value: u32, earlier: u32) -> bool {
    before(value, earlier)
}

fn of_segment(segment: &Segment, before: &[Step]) -> Vec<String> {
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
    let marks = marks.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned());
    std::iter::once(letters(segment.flags)).chain(marks).collect()
}

/// What the connection has been through, each in brackets: `(crossed)`, its SYNs have crossed; `(orphan)`, its user has closed it,
/// `(aborted)`, or aborted; `(deaf)`, its user has shut down the receiving side; `(gone)`, what the descriptor stands for
/// has ended before; `(mark)`, urgent data was told of; `(early-fin)`, a FIN came that the stack has not acknowledged; `(long)`, nothing
/// was given to the stack for a minute; `(repeated)`, the stack has sent something again.
fn past(state: State, before: &[Step]) -> Vec<&'static str> {
    let opened = before.iter().rposition(|step| {
        matches!(step.stimulus, Stimulus::Call(UserCall::Accept | UserCall::Connect)) && has_succeeded(step)
    });
    let since = &before[opened.map_or(0, |at| at + 1)..];
    let called = |call: UserCall| since.iter().any(|step| step.stimulus == Stimulus::Call(call));
    let closed = [UserCall::Close, UserCall::Abort].iter().any(|call| called(*call));
    let has_ended = |step: &Step| step.state <= State::Listen;
    let segments = || {
        since.iter().filter_map(|step| match &step.stimulus {
            Stimulus::Segment(segment) => Some((segment, step)),
            _ => None,
        })
    };
    let marks = [
        (is_crossed(before), "(crossed)"),
        (closed && !called(UserCall::Abort), "(orphan)"),
        (called(UserCall::Abort), "(aborted)"),
        (called(UserCall::ShutdownRead) || called(UserCall::ShutdownBoth), "(deaf)"),
        (opened.is_some() && (state <= State::Listen || since.iter().any(has_ended)), "(gone)"),
        (segments().any(|(segment, _)| segment.has(URG)), "(mark)"),
        (segments().any(|(segment, _)| is_unheard_fin(segment, before)), "(early-fin)"),
        (before.last().is_some_and(|step| step.length.as_secs() >= 60), "(long)"),
        (has_repeated(since), "(repeated)"),
    ];
    marks.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect()
}

fn has_succeeded(step: &Step) -> bool {
    let is_begun = |errno: &crate::sut::Errno| errno.0 == libc::EINPROGRESS;
    step.happened.iter().any(|happening| match &happening.what {
        Deed::Returned { result, .. } => result.as_ref().map_or_else(is_begun, |_| true),
        _ => false,
    })
}

fn sent(steps: &[Step]) -> impl DoubleEndedIterator<Item = &Segment> {
    steps.iter().flat_map(|step| &step.happened).filter_map(|happening| match &happening.what {
        Deed::Sent(segment) => Some(segment),
        _ => None,
    })
}

/// The stack's last SYNs: one without ACK, and then one with.
fn is_crossed(steps: &[Step]) -> bool {
    let mut syns = sent(steps).rev().filter(|segment| segment.has(SYN));
    let Some(last) = syns.next().filter(|segment| segment.has(ACK)) else { return false };
    syns.any(|segment| !segment.has(ACK) && segment.seq == last.seq)
}

fn is_unheard_fin(segment: &Segment, steps: &[Step]) -> bool {
    let acknowledged = sent(steps).rev().find(|segment| segment.has(ACK) && !segment.has(RST));
    segment.has(FIN)
        && !segment.has(SYN | RST)
        && acknowledged.is_some_and(|sent| before(sent.ack, segment.end()))
}

pub(super) fn has_repeated(steps: &[Step]) -> bool {
    let mut furthest: Option<u32> = None;
    sent(steps).filter(|segment| segment.length() > 0 && !segment.has(RST)).any(|segment| {
        let again = furthest.is_some_and(|end| before(segment.seq, end));
        furthest = Some(
            furthest
                .map_or(segment.end(), |end| if before(end, segment.end()) { segment.end() } else { end }),
        );
        again
    })
}
