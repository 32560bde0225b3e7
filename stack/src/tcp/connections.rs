//! All connections and listeners: demultiplexing, what handlers leave to be done, timers, output.

mod reopen;

use super::ack::Due;
use super::action::{Action, Reset};
use super::control_block::{Context, ControlBlock, FourTuple, Opening, Origin};
use super::ecn::NOT_ECT;
use super::fastopen::{self, Answer};
use super::isn::Secret;
use super::listen::Listeners;
use super::options::{self, Offer};
use super::output::Output;
use super::rate_limit::RateLimiter;
use super::sink::{Outgoing, Sink};
use super::slab::Slab;
use super::state::State;
use super::states::{self, listen};
use super::syn_cookies;
use super::timers::TimerQueue;
use super::tuples::Tuples;
use super::window;
use super::{Config, ConnectionId, Error, ListenerId, SeqNumber, SocketOptions};
use crate::ip::zone::with_zone;
use crate::time::Instant;
use crate::wire::Buffer;
use crate::wire::tcp::{Flags, Segment, checksum_is_right};
use crate::wire::tcp_options::Options;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// TCP: every connection and listener of a host. See the module's documentation.
#[derive(Debug)]
pub struct Connections {
    pub(crate) config: Config,
    secret: Secret,
    pub(crate) slab: Slab,
    tuples: Tuples,
    pub(crate) listeners: Listeners,
    timers: TimerQueue,
    sink: Sink,
    /// Connections that have something to send when the output is next taken.
    pending: VecDeque<ConnectionId>,
    /// Connections that entered TIME-WAIT, oldest first; some may have left it.
    time_wait: VecDeque<ConnectionId>,
    /// Half-open connections with the pair of one in TIME-WAIT, which has it back where the peer resets them.
    reopening: BTreeMap<ConnectionId, ConnectionId>,
    challenges: RateLimiter,
    /// A client's Fast Open cookies.
    pub(crate) cookies: fastopen::Cache,
    mtus: BTreeMap<IpAddr, u16>,
    advice: VecDeque<IpAddr>,
    /// Whether the last segment acknowledged something new or brought it.
    progressed: bool,
    /// The present as the last call told it.
    now: Instant,
}

/// Destinations with an MTU of their own, and pieces of advice to IP, that are remembered.
const MAX_DESTINATIONS: usize = 1024;

impl Connections {
    /// No connections. The same `seed` and the same calls give the same segments.
    pub fn new(config: Config, seed: u64) -> Connections {
        Connections {
            config,
            secret: Secret::new(seed),
            slab: Slab::default(),
            tuples: Tuples::new(seed),
            listeners: Listeners::default(),
            timers: TimerQueue::default(),
            sink: Sink::default(),
            pending: VecDeque::new(),
            time_wait: VecDeque::new(),
            reopening: BTreeMap::new(),
            challenges: RateLimiter::default(),
            cookies: fastopen::Cache::default(),
            mtus: BTreeMap::new(),
            advice: VecDeque::new(),
            progressed: false,
            now: Instant::ZERO,
        }
    }

    /// Tells the MTU, in bytes with the IP header, towards `destination`, or with `None` wherever no other was told.
    /// It counts for connections opened from then on, by the user or by a SYN that arrives;
    /// [`Connections::icmp_error`] lowers that of one connection. A bounded number of destinations is remembered.
    pub fn set_mtu(&mut self, destination: Option<IpAddr>, mtu: u16) {
        match destination {
            None => self.config.mtu = mtu,
            Some(address) => {
                self.mtus.insert(address, mtu);
                if self.mtus.len() > MAX_DESTINATIONS {
                    self.mtus.pop_first();
                }
            }
        }
    }

    /// A segment has arrived: TCP header and text. Bad checksums, and addresses that no connection can have, are
    /// dropped without a reply (RFC 9293 MUST-3, MUST-57, MUST-63).
    pub fn segment_arrives(&mut self, now: Instant, src: IpAddr, dst: IpAddr, ecn: u8, bytes: &[u8]) {
        self.segment_arrives_between(now, (&src, &dst), None, ecn, bytes);
    }

    /// The same by reference: what was just put together waits, where it is moved, for its writing. Link-local addresses are
    /// in the zone of the interface `zone`.
    #[inline(always)]
    pub(crate) fn segment_arrives_between(
        &mut self,
        now: Instant,
        (src, dst): (&IpAddr, &IpAddr),
        zone: Option<usize>,
        ecn: u8,
        bytes: &[u8],
    ) {
        self.advance(now);
        self.progressed = false;
        if !is_unicast(*src) || !is_unicast(*dst) || !checksum_is_right(*src, *dst, bytes) {
            return;
        }
        // A header that lies, an option that does (MUST-7): not a segment.
        let parsed = match self.config.broken_options_end_the_list {
            true => Segment::parse_leniently(bytes),
            false => Segment::parse(bytes),
        };
        // By reference: what was just put together is not moved again.
        let Ok(segment) = &parsed else { return };
        let end = |address: &IpAddr, port| with_zone(SocketAddr::new(*address, port), zone);
        let (local, remote) = (end(dst, segment.destination_port), end(src, segment.source_port));
        let tuple = FourTuple { local, remote };
        match self.tuples.find_again(&tuple) {
            Some(id) => self.deliver(now, id, segment, ecn),
            None => self.segment_for_nobody(now, tuple, segment),
        }
    }

    pub(crate) fn find(&self, tuple: FourTuple) -> Option<ConnectionId> {
        self.tuples.find(&tuple)
    }

    fn deliver(&mut self, now: Instant, id: ConnectionId, segment: &Segment<'_>, ecn: u8) {
        let cx = Context { config: &self.config, now };
        let Some(tcb) = self.slab.get_mut(id) else { return };
        let (before, progress) = (tcb.state, (tcb.snd_una, tcb.rcv_nxt));
        tcb.ecn.arrived = ecn;
        if let Some(seconds) = segment.options.user_timeout {
            tcb.user_timeout.heard(seconds, &self.config);
        }
        let action = states::segment_arrives(tcb, &cx, segment);
        self.progressed = before.is_synchronized() && progress != (tcb.snd_una, tcb.rcv_nxt);
        let after = tcb.state;
        if before == State::SynSent && after.is_synchronized() {
            self.cookies.answered(&cx, tcb, segment);
        }
        // What nearly every segment comes to, and for which nothing is looked up again.
        let is_plain = before == after && !tcb.accept_with_text && tcb.ack.due() != Due::Separately;
        if action == Action::Done && is_plain {
            return enlist(&mut self.pending, id, tcb);
        }
        self.state_changed(id, before, after);
        match action {
            Action::Reopen => self.reopen(now, id, segment),
            Action::ReturnToListen if segment.has(Flags::RST) => self.half_open_is_reset(id),
            action => self.conclude(now, id, action),
        }
    }

    /// Does what a handler or a timer left to be done.
    fn conclude(&mut self, now: Instant, id: ConnectionId, action: Action) {
        let Some(tcb) = self.slab.get(id) else { return };
        match action {
            Action::Drop | Action::Reopen => {}
            Action::Done if tcb.ack.due() == Due::Separately => {
                self.with_output(now, id, |out| out.acknowledge())
            }
            Action::Done => {}
            Action::Acknowledge => self.with_output(now, id, |out| out.acknowledge()),
            Action::Challenge => {
                if self.challenges.permits(self.config.challenge_ack_limit, now) {
                    self.with_output(now, id, |out| out.acknowledge());
                }
            }
            Action::Reset(reset) => self.sink.reset(Some(id), tcb.tuple(), self.echoing(reset)),
            Action::Refuse(reset, error) => {
                self.sink.reset(Some(id), tcb.tuple(), self.echoing(reset));
                return self.close_with(now, id, Some(error));
            }
            Action::Close(error) => return self.close_with(now, id, error),
            Action::Abort(error) => {
                self.with_output(now, id, |out| out.abort());
                return self.close_with(now, id, Some(error));
            }
            Action::ReturnToListen => return self.discard(id),
        }
        self.make_pending(id);
    }

    /// What is due of this connection is sent when the output is taken.
    fn make_pending(&mut self, id: ConnectionId) {
        if let Some(tcb) = self.slab.get_mut(id) {
            enlist(&mut self.pending, id, tcb);
        }
    }

    /// Keeps the listener's queues and the list of TIME-WAIT connections in step with a connection's state.
    fn state_changed(&mut self, id: ConnectionId, before: State, after: State) {
        let Some(tcb) = self.slab.get_mut(id) else { return };
        let waited = tcb.accept_with_text;
        tcb.accept_with_text &= tcb.receive.readable() == 0 && tcb.receive.fin.is_none();
        let is_open = waited || (before == State::SynReceived && after != before);
        if is_open && !tcb.accept_with_text {
            self.handshake_is_over(id);
        }
        if is_open && let Some(former) = self.reopening.remove(&id) {
            self.close_with(self.now, former, None);
        }
        if after == State::TimeWait && before != after {
            self.time_wait.push_back(id);
            self.bound_time_wait();
        }
    }

    fn handshake_is_over(&mut self, id: ConnectionId) {
        let Some(Origin::Passive(listener)) = self.slab.get(id).map(|tcb| tcb.origin) else { return };
        if let Some(listener) = self.listeners.get_mut(listener) {
            listener.fast.remove(&id);
            if listener.pending.remove(id) {
                listener.offer(id);
            }
        }
    }

    /// The oldest leave TIME-WAIT early where there are too many.
    fn bound_time_wait(&mut self) {
        while self.time_wait.len() > self.config.max_time_wait {
            let Some(oldest) = self.time_wait.pop_front() else { return };
            if self.state(oldest) == State::TimeWait {
                self.close_with(self.now, oldest, None);
            }
        }
    }

    /// RFC 9293 3.10.7.1 and 3.10.7.2.
    fn segment_for_nobody(&mut self, now: Instant, tuple: FourTuple, segment: &Segment<'_>) {
        let action = match self.listeners.find(tuple) {
            None => states::closed::segment_arrives(segment),
            Some(listener) => match listen::segment_arrives(&self.config, segment) {
                listen::Verdict::Not(_) if self.open_by_cookie(now, listener, tuple, segment) => return,
                listen::Verdict::Not(action) => action,
                listen::Verdict::Open => return self.open_from(now, listener, tuple, segment, None),
            },
        };
        if let Action::Reset(reset) = action {
            self.sink.reset(None, tuple, self.echoing(reset));
        }
    }

    fn echoing(&self, reset: Reset) -> Reset {
        Reset { echo: reset.echo.filter(|_| self.config.reset_echoes_timestamp), ..reset }
    }

    /// A SYN to a listener: a connection in SYN-RECEIVED whose SYN,ACK is due. `above` is the highest sequence number
    /// that an earlier incarnation has sent.
    fn open_from(
        &mut self,
        now: Instant,
        listener_id: ListenerId,
        tuple: FourTuple,
        syn: &Segment<'_>,
        above: Option<SeqNumber>,
    ) {
        let Some(listener) = self.listeners.get(listener_id) else { return };
        if self.is_full() || syn.source_port == 0 || listener.is_backlogged() {
            return;
        }
        let (limit, waiting) = (self.config.syn_queue, listener.pending.len());
        if syn_cookies::are_due(self.config.syn_cookies, waiting, limit) {
            return self.answer_by_cookie(now, listener_id, tuple, syn);
        }
        if waiting >= limit {
            return;
        }
        let options = listener.options.clone();
        let mut opening = self.opening(now, tuple, Origin::Passive(listener_id), options);
        if let Some(above) = above.filter(|above| opening.iss <= *above) {
            opening.iss = above + 1; // RFC 9293 3.6.1 (1)
        }
        let mut tcb = ControlBlock::new(opening, &Context { config: &self.config, now });
        tcb.state = State::SynReceived;
        tcb.synchronize(syn, now);
        tcb.set_snd_wnd(syn, u32::from(syn.wnd));
        let opened = self.open_fast(now, listener_id, &mut tcb, syn);
        let id = self.add(tuple, tcb);
        let Some(listener) = self.listeners.get_mut(listener_id) else { return };
        if opened {
            listener.fast.insert(id);
            listener.offer(id);
        } else {
            listener.pending.insert(id);
        }
    }

    /// A SYN that finds no room (RFC 4987 3.6): its data, and all options but MSS, are as if they had not been there.
    fn answer_by_cookie(&mut self, now: Instant, listener: ListenerId, tuple: FourTuple, syn: &Segment<'_>) {
        let Some(listener) = self.listeners.get_mut(listener) else { return };
        listener.cookies_until = Some(now + syn_cookies::LIFETIME);
        let options = listener.options.clone();
        let buffer = options.receive_buffer.unwrap_or(self.config.receive_buffer);
        let opening = self.opening(now, tuple, Origin::Active, options);
        let offer = Offer::new(&self.config, &opening.options, tuple.remote.ip(), opening.mtu);
        let mss = syn.options.mss.unwrap_or(options::default_mss(tuple.remote.ip()));
        let seq = syn_cookies::make(&self.secret, now, tuple, syn, mss);
        let room = u32::try_from(buffer).unwrap_or(u32::MAX);
        let window = window::first(room, offer.mss, &self.config);
        self.sink.answer_syn(tuple, seq, syn.seq + 1, offer.mss, window);
    }

    /// Whether an ACK in LISTEN brings a cookie back: a connection is opened then as the SYN would have had it, and the
    /// ACK is for that.
    fn open_by_cookie(
        &mut self,
        now: Instant,
        listener_id: ListenerId,
        tuple: FourTuple,
        ack: &Segment<'_>,
    ) -> bool {
        let Some(listener) = self.listeners.get_mut(listener_id) else { return false };
        let expected = listener.cookies_until.is_some_and(|until| now < until);
        let plain = ack.has(Flags::ACK) && !ack.has(Flags::SYN) && !ack.has(Flags::RST);
        let room = !listener.is_backlogged() && self.slab.len() < self.config.max_connections;
        if !expected || !plain || !room {
            return false;
        }
        let Some(mss) = syn_cookies::check(&self.secret, now, tuple, ack) else { return false };
        let options = listener.options.clone();
        let opening =
            Opening { iss: ack.ack - 1, ..self.opening(now, tuple, Origin::Passive(listener_id), options) };
        let mut tcb = ControlBlock::new(opening, &Context { config: &self.config, now });
        let mut syn = Segment { header: ack.header, payload: &[] };
        (syn.header.seq, syn.header.flags) = (ack.seq - 1, Flags::SYN);
        syn.header.options = Options { mss: Some(mss), ..Options::default() };
        tcb.synchronize(&syn, now);
        tcb.set_snd_wnd(&syn, u32::from(syn.wnd));
        window::announce_in_syn(&mut tcb, &self.config);
        tcb.state = State::SynReceived;
        (tcb.snd_nxt, tcb.snd_max) = (tcb.iss + 1, tcb.iss + 1);
        tcb.retransmit.first_now = false;
        let id = self.add(tuple, tcb);
        if let Some(listener) = self.listeners.get_mut(listener_id) {
            listener.pending.insert(id);
        }
        self.deliver(now, id, ack, NOT_ECT);
        true
    }

    /// The server's side of Fast Open: whether the connection can be accepted already.
    fn open_fast(
        &self,
        now: Instant,
        listener: ListenerId,
        tcb: &mut ControlBlock,
        syn: &Segment<'_>,
    ) -> bool {
        let Some(listener) = self.listeners.get(listener) else { return false };
        let tuple = tcb.tuple();
        let (config, room) = (&self.config.fast_open, (listener.fast.len(), listener.backlog()));
        let key = self.secret.cookie_key();
        match fastopen::answer(config, &listener.options, tuple, syn, room, key) {
            Answer::Plain => {}
            Answer::Cookie(option) => tcb.fast_open.option = Some(option),
            Answer::Open => fastopen::open(tcb, &Context { config: &self.config, now }, syn),
        }
        tcb.fast_open.opened
    }

    /// What every new connection begins with.
    pub(crate) fn opening(
        &self,
        now: Instant,
        tuple: FourTuple,
        origin: Origin,
        options: SocketOptions,
    ) -> Opening {
        Opening {
            tuple,
            origin,
            options,
            iss: self.secret.isn(now, tuple.local, tuple.remote),
            ts_offset: self.secret.timestamp_offset(tuple.local, tuple.remote),
            mtu: self.mtus.get(&tuple.remote.ip()).copied().unwrap_or(self.config.mtu),
        }
    }

    pub(crate) fn add(&mut self, tuple: FourTuple, tcb: ControlBlock) -> ConnectionId {
        let id = self.slab.insert(tcb);
        self.tuples.insert(tuple, id);
        self.make_pending(id);
        id
    }

    /// CLOSED. The control block stays for its owner to learn why, and goes where it has none.
    pub(crate) fn close_with(&mut self, now: Instant, id: ConnectionId, error: Option<Error>) {
        self.now = now;
        let Some(tcb) = self.slab.get_mut(id) else { return };
        let before = tcb.state;
        if before == State::SynSent && error.is_some() && tcb.owned {
            self.cookies.refused(now, tcb);
        }
        tcb.enter_closed(error, &self.config);
        self.timers.reschedule(id, &mut tcb.deadlines);
        let (tuple, owned, unheard) = (tcb.tuple(), tcb.owned, tcb.accept_with_text);
        self.tuples.remove(tuple, id);
        if before == State::SynReceived || unheard {
            self.forget_half_open(id);
        }
        if !owned {
            self.slab.remove(id);
        }
        if let Some(former) = self.reopening.remove(&id) {
            self.close_with(now, former, None);
        }
    }

    /// A connection that never came to be, or whose owner has gone, vanishes.
    pub(crate) fn discard(&mut self, id: ConnectionId) {
        if let Some(tcb) = self.slab.get_mut(id) {
            tcb.owned = false;
        }
        self.close_with(self.now, id, None);
    }

    /// A passive connection that failed before it was established belongs to nobody.
    fn forget_half_open(&mut self, id: ConnectionId) {
        let Some(tcb) = self.slab.get_mut(id) else { return };
        let Origin::Passive(listener) = tcb.origin else { return };
        if let Some(listener) = self.listeners.get_mut(listener) {
            listener.fast.remove(&id);
            if listener.pending.remove(id) {
                self.slab.remove(id);
            }
        }
    }

    /// Sends what is due of one connection and updates its place among the timers.
    pub(crate) fn flush(&mut self, now: Instant, id: ConnectionId) {
        self.now = now;
        self.with_output(now, id, |out| {
            out.tcb.pending = false;
            out.transmit();
        });
    }

    pub(crate) fn with_output(&mut self, now: Instant, id: ConnectionId, send: impl FnOnce(&mut Output<'_>)) {
        let Some(tcb) = self.slab.get_mut(id) else { return };
        tcb.forget_old_report(now);
        let cx = Context { config: &self.config, now };
        send(&mut Output { id, tcb, cx, sink: &mut self.sink });
        if core::mem::take(&mut tcb.retransmit.advise_ip) && self.advice.len() < MAX_DESTINATIONS {
            self.advice.push_back(tcb.remote.ip());
        }
        self.timers.reschedule(id, &mut tcb.deadlines);
    }

    /// What an earlier instant has left to send is of that instant.
    pub(crate) fn advance(&mut self, now: Instant) {
        if now > self.now {
            self.flush_pending();
        }
        self.now = now;
    }

    /// Lets all timers that have expired by `now` do their work.
    pub fn poll(&mut self, now: Instant) {
        self.advance(now);
        self.flush_pending();
        while let Some((at, id)) = self.timers.next()
            && at <= now
        {
            self.timer_expired(now, id);
        }
    }

    fn timer_expired(&mut self, now: Instant, id: ConnectionId) {
        let cx = Context { config: &self.config, now };
        let Some(tcb) = self.slab.get_mut(id) else { return };
        let action = tcb.deadlines.take_expired(now).map(|timer| tcb.timer_expired(timer, &cx));
        self.timers.reschedule(id, &mut tcb.deadlines);
        self.conclude(now, id, action.unwrap_or(Action::Done));
        self.flush_pending();
    }

    fn flush_pending(&mut self) {
        while self.flush_next() {}
    }

    /// Flushes the first pending connection; false where there is none.
    fn flush_next(&mut self) -> bool {
        let Some(id) = self.pending.pop_front() else { return false };
        // What was due may have gone with something else.
        if self.slab.get(id).is_some_and(|tcb| tcb.pending) {
            self.flush(self.now, id);
        }
        true
    }

    /// When [`Connections::poll`] has something to do next.
    pub fn next_deadline(&self) -> Option<Instant> {
        let pending = (!self.pending.is_empty()).then_some(self.now);
        pending.or(self.timers.next().map(|(at, _)| at))
    }

    /// Segments that are ready, in the order of [`Connections::take_output`], to be given back to
    /// [`Connections::outputs_are_sent`]: taken together, none of them has to be moved.
    pub(crate) fn take_outputs(&mut self) -> Option<Vec<Outgoing>> {
        while self.sink.queue.is_empty() && self.flush_next() {}
        (!self.sink.queue.is_empty()).then(|| core::mem::take(&mut self.sink.queue).into())
    }

    /// Keeps the memory of a queue of segments for those to come.
    pub(crate) fn outputs_are_sent(&mut self, mut segments: Vec<Outgoing>) {
        segments.clear();
        if self.sink.queue.is_empty() {
            self.sink.queue = segments.into();
        }
    }

    /// The next segment to send, of the present that the last call told; take until there is none.
    pub fn take_output(&mut self) -> Option<Outgoing> {
        while self.sink.queue.is_empty() && self.flush_next() {}
        self.sink.queue.pop_front()
    }

    /// Whether [`Connections::take_output`] has nothing to give.
    pub(crate) fn is_silent(&self) -> bool {
        self.sink.queue.is_empty() && self.pending.is_empty()
    }

    /// Takes back the memory of a segment that is not needed any more.
    #[inline]
    pub fn recycle(&mut self, buffer: Buffer) {
        self.sink.recycle(buffer);
    }

    /// Whether segments are formed and not yet taken.
    #[cfg(test)]
    pub(crate) fn has_output(&self) -> bool {
        !self.sink.queue.is_empty()
    }

    /// A destination that R1 says has become doubtful: IP should look for another gateway (RFC 9293 3.8.3).
    pub fn take_advice(&mut self) -> Option<IpAddr> {
        self.advice.pop_front()
    }

    /// Whether the last segment that arrived shows that what was sent reaches its sender: it acknowledged something new, or
    /// brought new data, which answers an acknowledgement (RFC 4861 7.3.1).
    pub fn has_progressed(&self) -> bool {
        self.progressed
    }

    /// Whether there is no room for another connection.
    pub(crate) fn is_full(&self) -> bool {
        self.slab.len() >= self.config.max_connections
    }
}

/// Puts a connection into the list of those that have something to send, where it is not there already.
fn enlist(pending: &mut VecDeque<ConnectionId>, id: ConnectionId, tcb: &mut ControlBlock) {
    if !core::mem::replace(&mut tcb.pending, true) {
        pending.push_back(id);
    }
}

/// Whether an address can be one end of a connection. Broadcasts of a subnet are the host's to know.
pub(crate) fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || broadcast)
}

impl Connections {
    /// Whether a connection has the local socket `local`; an unspecified address stands for any.
    pub fn is_local_in_use(&self, local: SocketAddr) -> bool {
        self.tuples.has_local(local)
    }
}
