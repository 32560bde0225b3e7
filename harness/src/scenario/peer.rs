//! The peer's end of the connection: its own numbers, and what it has seen of the stack's.

use super::operation::{Anchor, Opening, OptionsPlan, Plan};
use super::segment::{ACK, FIN, Options, RST, SYN, Segment, before};
use super::state::State;
use crate::packet::pattern;

/// The value of the peer's timestamp clock when a scenario begins; it counts milliseconds.
const CLOCK: u32 = 0x0100_0000;
/// A scale that is larger counts as this (RFC 7323 section 2.3).
const LARGEST_SCALE: u8 = 14;

/// What the peer knows.
#[derive(Clone, Debug)]
pub struct Peer {
    opening: Opening,
    /// The number of its SYN.
    pub iss: u32,
    /// The next number that it would use.
    pub snd_nxt: u32,
    /// The first of its numbers that the stack has not acknowledged.
    pub snd_una: u32,
    /// The number that the stack waits for, acknowledged or not, as far as can be told from outside.
    pub expected: u32,
    /// The right edge of the stack's window.
    pub edge: u32,
    /// Behind its FIN, once that is sent: the last one until the stack has acknowledged one, which then stands.
    pub fin: Option<u32>,
    /// The stack has acknowledged the FIN: it is no longer looked for one, nor is text taken (RFC 9293 section 3.10.7.4).
    has_ended: bool,
    /// What was sent ends at several places, so where the stack takes the end to be cannot be told.
    pub contradicts: bool,
    /// Behind all text that was sent.
    text_end: u32,
    /// The number of the stack's SYN, once that was seen.
    pub stack_iss: Option<u32>,
    /// The number behind all that the stack has sent.
    pub stack_nxt: u32,
    /// The first of the stack's numbers that the peer has not acknowledged.
    pub stack_una: u32,
    /// The furthest right edge that the peer's windows have had, scaled.
    pub stack_edge: u32,
    /// The furthest that the stack may think that edge to be: an acknowledgement whose window is not taken over, because its
    /// segment is an old one, moves the edge of the window before (RFC 9293 section 3.10.7.4, SND.WND counts from SND.UNA).
    pub stack_room: u32,
    largest_window: u32,
    /// The scale of the stack's windows, where both ends offered one.
    pub stack_scale: u8,
    /// The scale of the peer's windows, where both ends offered one.
    pub scale: u8,
    /// The scales that the SYNs offered: the stack's and the peer's.
    offered: (Option<u8>, Option<u8>),
    /// The latest TSval of the peer's own.
    pub ts_latest: Option<u32>,
    /// The last TSval of the stack, where timestamps are in use.
    pub ts_recent: Option<u32>,
    /// What was lost and not sent again, in order.
    pub lost: Vec<(u32, u16)>,
    /// The Fast Open option with the cookie that the stack gave last.
    cookie: Option<Vec<u8>>,
}

impl Peer {
    /// A peer that has not said anything.
    pub fn new(opening: &Opening) -> Peer {
        let iss = opening.iss;
        Peer {
            opening: *opening,
            iss,
            snd_nxt: iss,
            snd_una: iss,
            expected: iss,
            edge: iss,
            fin: None,
            has_ended: false,
            contradicts: false,
            text_end: iss.wrapping_add(1),
            stack_iss: None,
            stack_nxt: 0,
            stack_una: 0,
            stack_edge: 0,
            stack_room: 0,
            largest_window: 0,
            stack_scale: 0,
            scale: 0,
            offered: (None, None),
            ts_latest: None,
            ts_recent: None,
            lost: Vec::new(),
            cookie: None,
        }
    }

    /// The segment that a plan means now, at `millis` milliseconds of the peer's clock.
    pub fn resolve(&self, plan: &Plan, millis: u32) -> Segment {
        let own = |anchor| match anchor {
            Anchor::Next => self.snd_nxt,
            Anchor::Acked => self.snd_una,
            Anchor::Edge => self.edge,
            Anchor::First => self.iss,
        };
        let stacks = |anchor| match anchor {
            Anchor::Next => self.stack_nxt,
            Anchor::Acked => self.stack_una,
            Anchor::Edge => self.stack_edge,
            Anchor::First => self.stack_iss.unwrap_or(0),
        };
        let number = |base: u32, distance: i64| base.wrapping_add(distance as u32);
        let seq = number(own(plan.seq.0), plan.seq.1);
        // Behind a SYN the stream begins.
        let start = if plan.flags & SYN == 0 { seq } else { self.iss.wrapping_add(1) };
        let payload = self.text(start, plan.payload);
        let mut segment = Segment {
            seq,
            ack: if plan.flags & ACK == 0 { 0 } else { number(stacks(plan.ack.0), plan.ack.1) },
            flags: plan.flags,
            window: plan.window.unwrap_or(self.opening.window),
            urgent: plan.urgent,
            options: self.options(plan, CLOCK.wrapping_add(millis)),
            payload,
            ecn: 0,
        };
        plan.extra.add(&mut segment, self.cookie.as_deref(), (self.stack_una, self.stack_nxt));
        segment
    }

    /// The peer's stream from `seq` on: the pattern, the first byte of which is behind the SYN.
    fn text(&self, seq: u32, length: u16) -> Vec<u8> {
        let offset = seq.wrapping_sub(self.iss.wrapping_add(1));
        pattern::bytes(offset, usize::from(length))
    }

    fn options(&self, plan: &Plan, clock: u32) -> Options {
        let offer = &self.opening.offer;
        let is_syn = plan.flags & SYN != 0;
        let timestamps = if is_syn && offer.timestamps {
            Some((clock, self.ts_recent.filter(|_| plan.flags & ACK != 0).unwrap_or(0)))
        } else {
            self.ts_recent.filter(|_| offer.timestamps).map(|recent| (clock, recent))
        };
        let mut options = Options { timestamps, ..Options::default() };
        if is_syn {
            options.mss = offer.mss;
            options.scale = offer.scale;
            options.sack_permitted = offer.sack;
        }
        let off = |value: u32, by: i32| value.wrapping_add(by as u32);
        match plan.options {
            OptionsPlan::Usual => {}
            OptionsPlan::None => return Options::default(),
            OptionsPlan::Timestamp(by) => options.timestamps = timestamps.map(|(v, e)| (off(v, by), e)),
            OptionsPlan::Echo(by) => options.timestamps = timestamps.map(|(v, e)| (v, off(e, by))),
            OptionsPlan::Sack(from, length) => {
                let start = off(self.stack_una, from);
                options.sack = vec![(start, start.wrapping_add(length))];
            }
            OptionsPlan::Mss(mss) => options.mss = Some(mss),
            OptionsPlan::Scale(scale) => options.scale = Some(scale),
            OptionsPlan::Raw(bytes) => options.raw = bytes.to_vec(),
        }
        options
    }

    /// Takes note of a segment that the peer sends while the stack is in `state`.
    pub fn sent(&mut self, segment: &Segment, state: State) {
        if segment.has(SYN) {
            // In SYN-RECEIVED the numbers are agreed on, and another SYN does not change them.
            if !state.has_window() {
                (self.iss, self.snd_nxt) = (segment.seq, segment.end());
                self.fin = segment.has(FIN).then(|| segment.end());
                self.expected = segment.end();
                (self.has_ended, self.contradicts) = (false, false);
                self.text_end = text_end(segment);
                self.lost.clear();
                self.offered.1 = segment.options.scale;
                self.agree();
            }
        } else if !segment.has(RST) {
            if !self.has_ended {
                self.ends(segment);
            }
            if !self.has_ended && self.is_in_order(segment) && self.is_heard(segment) {
                self.expected = segment.end();
            }
            if segment.seq == self.snd_nxt {
                self.snd_nxt = segment.end();
            }
        }
        let later = |value: u32, latest: u32| if before(latest, value) { value } else { latest };
        if let Some((value, _)) = segment.options.timestamps {
            let latest = self.ts_latest.filter(|_| !segment.has(SYN) || state.has_window());
            self.ts_latest = Some(latest.map_or(value, |latest| later(value, latest)));
        }
        if segment.has(ACK) && !segment.has(RST) {
            self.acknowledged(segment);
        }
    }

    /// Takes note of where a segment says that the stream ends, and of where it can no longer end.
    fn ends(&mut self, segment: &Segment) {
        let text = text_end(segment);
        if !segment.payload.is_empty() {
            self.contradicts |= self.fin.is_some_and(|fin| !before(text, fin));
            self.text_end = if before(self.text_end, text) { text } else { self.text_end };
        }
        let may_be_taken = segment.seq == self.snd_nxt
            || before(self.expected, segment.end()) && !before(self.edge, segment.seq);
        if segment.has(FIN) && may_be_taken {
            let is_other = self.fin.is_some_and(|fin| fin != segment.end());
            self.contradicts |= is_other || before(text, self.text_end);
            self.fin = Some(segment.end());
        }
    }

    /// Whether the stack looks beyond a segment's acknowledgement: it drops one that has none, or one of what it never sent.
    fn is_heard(&self, segment: &Segment) -> bool {
        let is_behind = before(segment.ack, self.stack_una.wrapping_sub(self.largest_window));
        segment.has(ACK) && !before(self.stack_nxt, segment.ack) && !is_behind && !self.is_stale(segment)
    }

    /// Whether its timestamp is behind one that was sent before (RFC 7323 section 5).
    pub(super) fn is_stale(&self, segment: &Segment) -> bool {
        let own = segment.options.timestamps.filter(|_| self.ts_recent.is_some());
        own.zip(self.ts_latest).is_some_and(|((value, _), latest)| before(value, latest))
    }

    /// Whether a segment brings what the stack waits for.
    fn is_in_order(&self, segment: &Segment) -> bool {
        !before(self.expected, segment.seq) && before(self.expected, segment.end())
    }

    fn acknowledged(&mut self, segment: &Segment) {
        let shift = if segment.has(SYN) { 0 } else { self.scale };
        if before(self.stack_nxt, segment.ack) {
            return;
        }
        let window = u32::from(segment.window) << shift;
        self.largest_window = self.largest_window.max(window);
        let later = |one: u32, other: u32| if before(one, other) { other } else { one };
        self.stack_edge = later(self.stack_edge, segment.ack.wrapping_add(window));
        self.stack_room = later(self.stack_room, segment.ack.wrapping_add(self.largest_window));
        if before(self.stack_una, segment.ack) {
            self.stack_una = segment.ack;
        }
    }

    /// Takes note of a segment that the stack has sent.
    pub fn received(&mut self, segment: &Segment) {
        if segment.has(RST) {
            return;
        }
        if segment.has(SYN) {
            self.opened(segment);
        } else if before(self.stack_nxt, segment.end()) {
            self.stack_nxt = segment.end();
        }
        if segment.has(ACK) {
            if before(self.snd_una, segment.ack) || segment.has(SYN) {
                self.snd_una = segment.ack;
            }
            // Whatever it is that the stack acknowledges: it waits for what is behind.
            self.expected = segment.ack;
            self.has_ended |= self.fin == Some(segment.ack);
            let shift = if segment.has(SYN) { 0 } else { self.stack_scale };
            self.edge = segment.ack.wrapping_add(u32::from(segment.window) << shift);
        }
        if let Some((value, _)) = segment.options.timestamps {
            self.ts_recent = Some(value);
        }
    }

    /// The stack's SYN: a connection begins, if it is not the same SYN again.
    fn opened(&mut self, segment: &Segment) {
        if self.stack_iss != Some(segment.seq) {
            self.stack_iss = Some(segment.seq);
            (self.stack_nxt, self.stack_una) = (segment.end(), segment.seq);
            // Until the peer says more its window is that of its SYN.
            self.largest_window = self.opening.window.into();
            self.stack_edge = segment.end().wrapping_add(self.largest_window);
            self.stack_room = self.stack_edge;
            self.ts_recent = None;
        }
        if let [34, length, ..] = segment.options.raw.as_slice()
            && *length > 2
        {
            self.cookie = Some(segment.options.raw.clone());
        }
        // With Fast Open text of the SYN may be acknowledged (RFC 7413 4.2.2).
        let is_of_syn = segment.ack.wrapping_sub(self.iss).wrapping_sub(1)
            <= self.snd_nxt.wrapping_sub(self.iss).wrapping_sub(1);
        if segment.has(ACK) && !is_of_syn {
            (self.iss, self.snd_nxt) = (segment.ack.wrapping_sub(1), segment.ack);
            self.expected = segment.ack;
        }
        self.offered.0 = segment.options.scale;
        self.agree();
    }

    /// RFC 7323 section 2.2: both ends scale, or none.
    fn agree(&mut self) {
        let (stacks, own) = self.offered.0.zip(self.offered.1).unwrap_or((0, 0));
        (self.stack_scale, self.scale) = (stacks.min(LARGEST_SCALE), own.min(LARGEST_SCALE));
    }

    /// `length` bytes of the peer's stream are lost on the way.
    pub fn lose(&mut self, length: u16) {
        self.lost.push((self.snd_nxt, length));
        self.snd_nxt = self.snd_nxt.wrapping_add(u32::from(length));
    }

    /// Plain segments with `length` bytes each, the second first.
    pub fn swapped(&self, length: u16, millis: u32) -> [Segment; 2] {
        let at = |distance| Plan { payload: length, seq: (Anchor::Next, distance), ..Plan::PLAIN };
        [i64::from(length), 0].map(|distance| self.resolve(&at(distance), millis))
    }

    /// The segment that brings the first bytes that were lost.
    pub fn repair(&mut self, millis: u32) -> Option<Segment> {
        if self.lost.is_empty() {
            return None;
        }
        let (seq, length) = self.lost.remove(0);
        let distance = i64::from(seq.wrapping_sub(self.snd_nxt) as i32);
        Some(self.resolve(&Plan { payload: length, seq: (Anchor::Next, distance), ..Plan::PLAIN }, millis))
    }
}

/// Behind a segment's text.
fn text_end(segment: &Segment) -> u32 {
    segment.end().wrapping_sub(u32::from(segment.has(FIN)))
}
