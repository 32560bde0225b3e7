//! TCP Fast Open (RFC 7413): cookies, what a client remembers of servers, and what a listener makes of a SYN.

use super::config::{FastOpenConfig, SocketOptions};
use super::control_block::{Context, ControlBlock, FourTuple};
use super::isn::{octets, siphash};
use super::{options, steps, window};
use crate::time::Instant;
use crate::wire::tcp::{Flags, Segment};
use crate::wire::tcp_options::{Cookie, FastOpen, MAX_LEN};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Servers, and failed attempts, that are remembered.
const MAX_REMEMBERED: usize = 1024;

/// Where one connection stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Goes on our first SYN or SYN,ACK, and on no repeated one (4.2.1, 4.2.2).
    pub(crate) option: Option<FastOpen>,
    /// Bytes of text that go on our first SYN.
    pub(crate) text: u32,
    /// The option that our SYN has carried, or a SYN with text and without one.
    tried: Option<Tried>,
    /// FastOpened (4.2): data goes both ways before the handshake is over.
    pub(crate) opened: bool,
    /// Text on a SYN was taken: the peer's by us, or ours by the peer.
    pub(crate) accepted: bool,
}

/// What an active open has tried.
#[derive(Clone, Copy, Debug)]
struct Tried {
    option: Option<FastOpen>,
    text: u32,
}

impl State {
    /// An active open by `plan` with `text` bytes on its SYN.
    pub(crate) fn active(plan: &Plan, text: u32) -> State {
        let tried = (plan.option.is_some() || text > 0).then_some(Tried { option: plan.option, text });
        State { option: plan.option, text, tried, ..State::default() }
    }

    /// The SYN or SYN,ACK has been sent: a repeated one has neither text nor option.
    pub(crate) fn sent(&mut self) {
        (self.option, self.text) = (None, 0);
    }

    /// Whether our SYN carried text.
    pub(crate) fn had_text(&self) -> bool {
        self.tried.is_some_and(|tried| tried.text > 0)
    }
}

/// What an active open may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The SYN's option: a cookie, or a request for one.
    pub(crate) option: Option<FastOpen>,
    /// How much text the SYN may carry, in bytes.
    pub(crate) room: u32,
}

/// Whether the experimental option is worth a try, after the one of RFC 7413 got no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Experiment {
    #[default]
    NotYet,
    Next,
    Done,
}

/// What is known of one server.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    cookie: Option<FastOpen>,
    mss: u16,
    experiment: Experiment,
}

/// A client's cookies, by its own and the server's address (4.1.3).
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    servers: BTreeMap<(IpAddr, IpAddr), Server>,
    /// Negative responses, with when they came (4.1.3.1).
    refusals: BTreeMap<(IpAddr, SocketAddr), Instant>,
}

impl Cache {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Cache::default();
    }

    /// What an active open to `tuple.remote` may do that announces an MSS of `mss` bytes.
    pub(crate) fn plan(&self, cx: &Context, tuple: FourTuple, user: &SocketOptions, mss: u16) -> Plan {
        let config = &cx.config.fast_open;
        if !config.client || self.is_refused(config, tuple, cx.now) {
            return Plan::default();
        }
        let known = self.servers.get(&(tuple.local.ip(), tuple.remote.ip())).copied();
        // Options take what they need; what they leave of the 40 bytes is for middleboxes that add some.
        let room = |known: u16| u32::from(mss.min(known)).saturating_sub(MAX_LEN as u32);
        if config.client_without_cookie || user.fast_open_without_cookie {
            return Plan { option: None, room: room(known.map_or(mss, |server| server.mss)) };
        }
        let known = known.unwrap_or_default();
        if let Some(option) = known.cookie {
            return Plan { option: Some(option), room: room(known.mss) };
        }
        let experimental = known.experiment == Experiment::Next;
        Plan { option: Some(FastOpen { experimental, ..FastOpen::default() }), room: 0 }
    }

    fn is_refused(&self, config: &FastOpenConfig, tuple: FourTuple, now: Instant) -> bool {
        let since = self.refusals.get(&(tuple.local.ip(), tuple.remote)).zip(config.retry_after);
        since.is_some_and(|(since, pause)| now.saturating_since(*since) < pause)
    }

    /// The SYN,ACK of `tcb` has come: cookie and MSS are updated, a negative response is remembered.
    pub(crate) fn answered(&mut self, cx: &Context, tcb: &ControlBlock, syn_ack: &Segment<'_>) {
        let Some(tried) = tcb.fast_open.tried else { return };
        let repeated = tcb.retransmit.syn_lost;
        let refused = tried.text > 0 && syn_ack.ack == tcb.iss + 1;
        let key = (tcb.local.ip(), tcb.remote.ip());
        let server = self.servers.entry(key).or_default();
        server.mss = syn_ack.options.mss.unwrap_or(options::default_mss(tcb.remote.ip()));
        let given = syn_ack.options.fast_open.filter(|option| !option.cookie.is_empty());
        match (tried.option, given) {
            (Some(_), Some(given)) if cx.config.fast_open.experimental || !given.experimental => {
                server.cookie = Some(given)
            }
            // No cookie for a request: perhaps the server knows the experimental option alone.
            (Some(asked), None) if tried.text == 0 && !repeated && cx.config.fast_open.experimental => {
                let next = if asked.experimental { Experiment::Done } else { Experiment::Next };
                server.experiment = server.experiment.max(next);
            }
            _ => {}
        }
        if self.servers.len() > MAX_REMEMBERED {
            self.servers.pop_first();
        }
        // A SYN,ACK for a repeated, plain SYN: the first, or its answer, was lost on purpose perhaps (4.2.2).
        if refused || (repeated && given.is_none()) {
            self.refused(cx.now, tcb);
        }
    }

    /// Whatever has become of it, the attempt of `tcb` has failed (4.1.3.1).
    pub(crate) fn refused(&mut self, now: Instant, tcb: &ControlBlock) {
        if tcb.fast_open.tried.is_some() {
            self.refusals.insert((tcb.local.ip(), tcb.remote), now);
            if self.refusals.len() > MAX_REMEMBERED {
                self.refusals.pop_first();
            }
        }
    }
}

/// What a listener does about a SYN besides answering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: a handshake like any other.
    Plain,
    /// It gives this cookie.
    Cookie(FastOpen),
    /// It takes the SYN's text.
    Open,
}

/// What a listener with `options` makes of a SYN while `pending` connections that it opened fast wait for the end of
/// their handshakes; `limit` where the user has not set one, and `key` likewise (4.2.2).
pub(crate) fn answer(
    config: &FastOpenConfig,
    options: &SocketOptions,
    tuple: FourTuple,
    syn: &Segment<'_>,
    (pending, limit): (usize, usize),
    key: [u8; 16],
) -> Answer {
    let limit = options.fast_open_queue.unwrap_or(if config.every_listener { limit } else { 0 });
    let asked = syn.options.fast_open.filter(|option| config.experimental || !option.experimental);
    if !config.server || pending >= limit || (asked.is_none() && syn.payload.is_empty()) {
        return Answer::Plain;
    }
    if config.server_without_cookie || options.fast_open_without_cookie {
        return Answer::Open;
    }
    let Some(asked) = asked else { return Answer::Plain };
    let right = cookie(options.fast_open_key.or(config.key).unwrap_or(key), tuple);
    if asked.cookie == right {
        return Answer::Open;
    }
    Answer::Cookie(FastOpen { cookie: right, ..asked })
}

/// The cookie for the client `tuple.remote`: a MAC of both addresses (4.1.2).
fn cookie(key: [u8; 16], tuple: FourTuple) -> Cookie {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
    let addresses = octets(tuple.remote.ip()).chain(octets(tuple.local.ip()));
    let mac = siphash([word(&key[..8]), word(&key[8..])], addresses);
    Cookie::new(&mac.to_le_bytes()).unwrap_or_default()
}

/// Takes the text of a SYN whose cookie is right; from now on data goes both ways (4.2.2, server, steps 4 and 6).
pub(crate) fn open(tcb: &mut ControlBlock, cx: &Context, syn: &Segment<'_>) {
    tcb.fast_open.opened = true;
    tcb.fast_open.accepted = !syn.payload.is_empty();
    tcb.begin_transfer(cx);
    window::announce_in_syn(tcb, cx.config);
    let mut text = steps::trim_syn(*syn);
    // A FIN comes again, once there is a connection that it can close.
    text.header.flags = text.flags.without(Flags::FIN);
    // Text for a connection that is new cannot fail to be taken.
    let _done = steps::sixth_to_eighth(tcb, cx, &text);
}
