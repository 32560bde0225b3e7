//! What of a trace says something about the protocol, free of what a stack may choose.

use super::operation::UserCall;
use super::segment::{ACK, FIN, PSH, RST, SYN, Segment, URG};
use super::trace::{Deed, Happening, Step, Stimulus};
use crate::packet::pattern;
use crate::sut::Errno;
use std::fmt;
use std::time::Duration;

/// Something that the stack did, in terms that hold for every stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deeds {
    /// The segments, in the order of time.
    pub sent: Vec<Sent>,
    /// What the call returned.
    pub returned: Option<(Result<i64, Errno>, Vec<u8>)>,
    /// Frames that are no segments of the connection.
    pub foreign: Vec<Vec<u8>>,
}

/// A segment with numbers that are relative to the connection's first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// How long after the step's beginning.
    pub after: Duration,
    /// The control bits without PSH, which a stack may set where it likes.
    pub flags: u8,
    /// Its sequence number, relative to the stack's SYN; that of a reset without ACK, which the peer's ACK gives, too.
    pub seq: i64,
    /// Its acknowledgement number relative to the peer's SYN, where it has one; none in a reset that acknowledges the very segment
    /// which it answers.
    pub ack: Option<i64>,
    /// How many bytes of text.
    pub length: usize,
    /// Whether its text is the user's, as far as that was looked at.
    pub is_true: bool,
    /// Whether its window is open.
    pub window: Window,
    /// Its options by name.
    pub options: Vec<&'static str>,
    /// SACK blocks relative to the peer's SYN.
    pub sack: Vec<(i64, i64)>,
    /// Where urgent data ends behind the sequence number, where there is some.
    pub urgent: Option<u16>,
    /// The timestamp that it echoes, relative to the peer's clock at the scenario's start.
    pub echo: Option<u32>,
}

/// The part of a window that matters to the other end's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Nothing may be sent.
    Closed,
    /// Something may.
    Open,
}

impl Sent {
    fn of(segment: &Segment, happening: &Happening, step: &Step) -> Sent {
        let (stack, peer) = happening.bases;
        let relative = |number: u32, base: u32| i64::from(number.wrapping_sub(base) as i32);
        let o = &segment.options;
        let present = [
            (o.mss.is_some(), "mss"),
            (o.scale.is_some(), "wscale"),
            (o.sack_permitted, "sackOK"),
            (o.timestamps.is_some(), "TS"),
            (!o.sack.is_empty(), "sack"),
            (!o.raw.is_empty(), "raw"),
        ];
        // A reset that has no acknowledgement to take its number from begins at zero.
        let is_absolute = segment.has(RST) && segment.seq == 0;
        // Which segment that was may depend on the stack's window.
        let acknowledges_it =
            is_absolute && matches!(&step.stimulus, Stimulus::Segment(given) if given.end() == segment.ack);
        Sent {
            after: happening.at.saturating_since(step.at),
            flags: segment.flags & !PSH,
            seq: if is_absolute { 0 } else { relative(segment.seq, stack) },
            ack: segment.has(ACK).then(|| relative(segment.ack, peer)).filter(|_| !acknowledges_it),
            length: segment.payload.len(),
            is_true: is_true(segment, stack),
            window: if segment.window == 0 { Window::Closed } else { Window::Open },
            options: present.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect(),
            sack: o.sack.iter().map(|(a, b)| (relative(*a, peer), relative(*b, peer))).collect(),
            urgent: segment.has(URG).then_some(segment.urgent),
            echo: o.timestamps.map(|(_, echo)| echo),
        }
    }

    /// Its control bits, and a plus where there is text.
    fn kind(&self) -> String {
        let mut kind = letters(self.flags);
        if self.length > 0 {
            kind.push('+');
        }
        kind
    }

    /// Joins `next` where it continues this one at about the same time: how text is cut is the stack's affair.
    fn join(&mut self, next: &Sent) -> bool {
        let alike = (self.flags | next.flags) & (SYN | RST) == 0
            && self.flags & FIN == 0
            && self.urgent == next.urgent;
        let continues = self.length > 0 && (next.length > 0 || next.flags & FIN != 0);
        let at_once = next.after.saturating_sub(self.after) < Duration::from_millis(1);
        if !alike
            || !continues
            || !at_once
            || self.seq + self.length as i64 != next.seq
            || self.ack != next.ack
        {
            return false;
        }
        self.length += next.length;
        self.is_true &= next.is_true;
        self.flags |= next.flags;
        true
    }

    /// Whether it only acknowledges.
    pub fn is_pure_ack(&self) -> bool {
        self.flags == ACK && self.length == 0
    }
}

impl Deeds {
    /// What the stack did in a step, text that left together in one piece.
    pub fn of(step: &Step) -> Deeds {
        let mut deeds = Deeds::apart(step);
        let mut joined: Vec<Sent> = Vec::with_capacity(deeds.sent.len());
        for next in std::mem::take(&mut deeds.sent) {
            if !joined.last_mut().is_some_and(|last| last.join(&next)) {
                joined.push(next);
            }
        }
        Deeds { sent: joined, ..deeds }
    }

    /// The same, each segment by itself.
    pub fn apart(step: &Step) -> Deeds {
        let mut deeds = Deeds { sent: Vec::new(), returned: None, foreign: Vec::new() };
        for happening in &step.happened {
            match &happening.what {
                Deed::Sent(segment) => {
                    deeds.sent.push(Sent::of(segment, happening, step));
                }
                Deed::Foreign(bytes) => deeds.foreign.push(bytes.clone()),
                Deed::Returned { result, data } => deeds.returned = Some((*result, data.clone())),
            }
        }
        deeds
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.seq + self.length as i64;
        write!(f, "{} {}:{end}({})", self.kind(), self.seq, self.length)?;
        if let Some(ack) = self.ack {
            write!(f, " ack {ack}")?;
        }
        write!(f, " win {:?} <{}> after {} us", self.window, self.options.join(","), self.after.as_micros())?;
        if let Some(echo) = self.echo {
            write!(f, " ecr {echo}")?;
        }
        for (start, end) in &self.sack {
            write!(f, " sack {start}:{end}")?;
        }
        Ok(())
    }
}

/// Whether the text of a segment is the pattern that the user sends, which begins behind the SYN.
fn is_true(segment: &Segment, iss: u32) -> bool {
    let offset = segment.seq.wrapping_sub(iss.wrapping_add(1));
    pattern::is_at(offset, &segment.payload)
}

/// How a call is written in a class.
pub fn call_name(call: UserCall) -> &'static str {
    match call {
        UserCall::Send(_) => "send",
        UserCall::Receive(_) => "receive",
        UserCall::ShutdownWrite => "shutdown-write",
        UserCall::ShutdownRead => "shutdown-read",
        UserCall::ShutdownBoth => "shutdown-both",
        UserCall::Close => "close",
        UserCall::CloseListener => "close-listener",
        UserCall::Accept => "accept",
        UserCall::Listen => "listen",
        UserCall::Connect => "connect",
        UserCall::Abort => "abort",
        UserCall::Nodelay => "nodelay",
        UserCall::ReceiveBuffer(_) => "receive-buffer",
        UserCall::Keepalive => "keepalive",
        UserCall::TakeError => "take-error",
        UserCall::Extra(_) => "extra",
    }
}

/// Control bits in letters, a dash for none.
pub fn letters(flags: u8) -> String {
    let table = [(SYN, 'S'), (FIN, 'F'), (RST, 'R'), (PSH, 'P'), (URG, 'U'), (ACK, '.')];
    let letters: String =
        table.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, letter)| *letter).collect();
    if letters.is_empty() { "-".to_owned() } else { letters }
}
