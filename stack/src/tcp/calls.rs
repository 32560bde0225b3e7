//! The user calls of RFC 9293 3.9.1 and 3.10.1 to 3.10.6.

use super::config::Push;
use super::connections::is_unicast;
use super::control_block::{Context, ControlBlock, FourTuple, Origin};
use super::fastopen;
use super::info::peer_has_closed;
use super::listen::Listener;
use super::send::Urging;
use super::state::State;
use super::{ConnectionId, Connections, Error, Info, ListenerId, Readiness, SocketOptions, urgent, window};
use crate::time::Instant;
use std::net::{Ipv4Addr, SocketAddr};

/// What a SEND says besides its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendKind {
    /// More follows at once: a part of a segment can wait for it.
    pub more: bool,
    /// The data ends a record: nothing goes with it in one segment that is sent later.
    pub ends_record: bool,
}

impl Connections {
    /// Passive OPEN: enters LISTEN at `local`, whose address may be unspecified for any, and is taken in any zone where its scope
    /// id names none. At most `backlog` connections wait for accept before further SYNs are dropped.
    ///
    /// # Errors
    /// [`Error::AddressInUse`] where a listener with the same address and port exists.
    pub fn open_passive(
        &mut self,
        local: SocketAddr,
        backlog: usize,
        options: SocketOptions,
    ) -> Result<ListenerId, Error> {
        self.listeners.add(Listener::new(local, backlog, options)).ok_or(Error::AddressInUse)
    }

    /// The next established connection of a listener, which belongs to the caller from now on.
    pub fn accept(&mut self, listener: ListenerId) -> Option<ConnectionId> {
        self.listeners.get_mut(listener)?.ready.pop_front()
    }

    /// Whether [`Connections::accept`] would give a connection.
    pub fn can_accept(&self, listener: ListenerId) -> bool {
        self.listeners.get(listener).is_some_and(|listener| !listener.ready.is_empty())
    }

    /// CLOSE in LISTEN. Connections that nobody has accepted are aborted.
    pub fn close_listener(&mut self, now: Instant, listener: ListenerId) {
        let Some(listener) = self.listeners.remove(listener) else { return };
        for id in listener.pending.into_ids().chain(listener.ready) {
            self.abort(now, id);
        }
    }

    /// Active OPEN: sends a SYN from `local`, whose address and port the caller has chosen. Link-local addresses have the zone
    /// that their scope id names, the interface's number counted from 1 (RFC 4007 6); segments stay in it.
    ///
    /// # Errors
    /// [`Error::InvalidRemote`] for addresses of two families, or ones that cannot be an end of a connection
    /// (MUST-46); [`Error::AddressInUse`] where this connection exists; [`Error::NoResources`].
    pub fn open_active(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        options: SocketOptions,
    ) -> Result<ConnectionId, Error> {
        self.open(now, local, remote, options, None).map(|(id, _)| id)
    }

    /// Active OPEN by Fast Open (RFC 7413): the SYN asks for a cookie or, where there is one, takes as much of `data` as
    /// it may; returns how many bytes. The rest is for [`Connections::send`].
    ///
    /// # Errors
    /// As [`Connections::open_active`].
    pub fn open_active_fast(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        options: SocketOptions,
        data: &[u8],
    ) -> Result<(ConnectionId, usize), Error> {
        self.open(now, local, remote, options, Some(data))
    }

    /// Whether a SYN from `local` to `remote` could carry text.
    pub fn can_open_fast(
        &self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        options: &SocketOptions,
    ) -> bool {
        let cx = Context { config: &self.config, now };
        self.cookies.plan(&cx, FourTuple { local, remote }, options, u16::MAX).room > 0
    }

    /// Forgets what is kept about peers beyond their connections.
    pub fn forget_peers(&mut self) {
        self.cookies.clear();
    }

    fn open(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        options: SocketOptions,
        fast: Option<&[u8]>,
    ) -> Result<(ConnectionId, usize), Error> {
        let ends = [local, remote];
        let usable = ends.iter().all(|end| is_unicast(end.ip()) && end.port() != 0);
        if !usable || local.is_ipv4() != remote.is_ipv4() {
            return Err(Error::InvalidRemote);
        }
        let tuple = FourTuple::named(local, remote);
        if self.find(tuple).is_some() {
            return Err(Error::AddressInUse);
        }
        if self.is_full() {
            return Err(Error::NoResources);
        }
        let opening = self.opening(now, tuple, Origin::Active, options);
        let cx = Context { config: &self.config, now };
        let mut tcb = ControlBlock::new(opening, &cx);
        let mut taken = 0;
        if let Some(data) = fast {
            let plan = self.cookies.plan(&cx, tuple, &tcb.options, tcb.offer.mss);
            taken = tcb.send.push(data, plan.room as usize);
            if taken > 0 {
                tcb.send.mark_push();
            }
            tcb.fast_open = fastopen::State::active(&plan, taken as u32);
        }
        let id = self.add(tuple, tcb);
        self.flush(now, id);
        Ok((id, taken))
    }

    /// SEND: queues as much of `data` as there is room for and sends what may go; returns how many bytes were taken.
    ///
    /// # Errors
    /// The error that ended the connection, once; [`Error::WouldBlock`] where there is no room; [`Error::Closing`]
    /// after the user has closed or the connection has ended; [`Error::NotConnected`].
    pub fn send(&mut self, now: Instant, id: ConnectionId, data: &[u8]) -> Result<usize, Error> {
        self.send_as(now, id, data, SendKind::default())
    }

    /// SEND as `kind` says.
    ///
    /// # Errors
    /// As [`Connections::send`].
    pub fn send_as(
        &mut self,
        now: Instant,
        id: ConnectionId,
        data: &[u8],
        kind: SendKind,
    ) -> Result<usize, Error> {
        let limit = self.send_limit(id);
        let tcb = self.slab.get_mut(id).ok_or(Error::NotConnected)?;
        if let Some(error) = tcb.error.take() {
            return Err(error);
        }
        if !tcb.state.accepts_send() || tcb.send.fin {
            return Err(Error::Closing);
        }
        let count = tcb.send.push(data, limit.min(tcb.queue_limit()));
        if count == 0 && !data.is_empty() {
            tcb.wants_room = true;
            return Err(Error::WouldBlock);
        }
        if count < data.len() {
            tcb.wants_room = true;
        }
        if kind.ends_record && count == data.len() {
            tcb.send.mark_record();
        }
        if self.config.push == Push::CallsAndBursts && !kind.more {
            tcb.send.mark_push();
        }
        if kind.more {
            self.flush_urging(now, id, Urging::More);
        } else {
            self.flush(now, id);
        }
        Ok(count)
    }

    /// SEND with the URGENT flag: the urgent data ends with the last byte taken.
    ///
    /// # Errors
    /// As [`Connections::send`].
    pub fn send_urgent(&mut self, now: Instant, id: ConnectionId, data: &[u8]) -> Result<usize, Error> {
        let limit = self.send_limit(id);
        if let Some(tcb) = self.slab.get_mut(id)
            && tcb.error.is_none()
            && tcb.state.accepts_send()
            && !tcb.send.fin
        {
            let count = data.len().min(limit.saturating_sub(tcb.send.len()));
            if count > 0 {
                tcb.snd_up = Some(tcb.send.data_end() + count as u32);
            }
        }
        self.send(now, id, data)
    }

    fn send_limit(&self, id: ConnectionId) -> usize {
        let limit_of = |tcb: &ControlBlock| tcb.options.send_buffer.unwrap_or(self.config.send_buffer).max(1);
        self.slab.get(id).map_or(1, limit_of)
    }

    /// RECEIVE: copies what has arrived into `buffer` and, unless `peek`, takes it; 0 is the end of the stream.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] where nothing has arrived; the error that ended the connection, once;
    /// [`Error::NotConnected`].
    pub fn receive(
        &mut self,
        now: Instant,
        id: ConnectionId,
        buffer: &mut [u8],
        peek: bool,
    ) -> Result<usize, Error> {
        let tcb = self.slab.get_mut(id).ok_or(Error::NotConnected)?;
        let readable = urgent::readable(tcb, false).min(buffer.len());
        if readable > 0 {
            let count = tcb.receive.read(&mut buffer[..readable], peek);
            if !peek && tcb.state.receives_text() && window::update_is_due(tcb, self.config.window_update) {
                tcb.ack.owe(super::ack::Due::Now);
                self.flush(now, id);
            }
            return Ok(count);
        }
        match tcb.error.take() {
            Some(error) => Err(error),
            None if peer_has_closed(tcb) || tcb.state == State::Closed => Ok(0),
            None => Err(Error::WouldBlock),
        }
    }

    /// The urgent octet, out of the stream's order.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] where it is announced and has not come; [`Error::NotConnected`] where there is none to be
    /// had.
    pub fn receive_urgent(&mut self, id: ConnectionId, peek: bool) -> Result<u8, Error> {
        let tcb = self.slab.get_mut(id).ok_or(Error::NotConnected)?;
        urgent::take(tcb, peek).ok_or(Error::NotConnected)?.ok_or(Error::WouldBlock)
    }

    /// Whether the next octet to be read is the urgent one.
    pub fn is_at_mark(&self, id: ConnectionId) -> bool {
        self.slab.get(id).is_some_and(urgent::is_at_mark)
    }

    /// CLOSE of the sending direction: a FIN follows what is queued; receiving goes on.
    pub fn shutdown_send(&mut self, now: Instant, id: ConnectionId) {
        if self.config.shutdown_waits_for_handshake
            && let Some(tcb) = self.slab.get_mut(id)
            && tcb.state == State::SynReceived
        {
            tcb.send.fin = true;
            return;
        }
        if self.queue_fin(now, id) {
            self.flush(now, id);
        }
    }

    /// A FIN follows what is queued; false where there is nothing to follow any more, or a FIN does already.
    fn queue_fin(&mut self, now: Instant, id: ConnectionId) -> bool {
        let Some(tcb) = self.slab.get_mut(id) else { return false };
        match tcb.state {
            State::SynSent => {
                self.close_with(now, id, None);
                return false;
            }
            State::SynReceived => tcb.close_before_established(),
            // LAST-ACK begins with the FIN.
            State::CloseWait => tcb.send.fin = true,
            State::Established => {
                tcb.send.fin = true;
                tcb.state = State::FinWait1;
            }
            _ => return false,
        }
        true
    }

    /// The user gives the connection up: it ends by itself, and `id` names nothing any more. Unread text is lost, which
    /// a reset tells the peer (SHLD-3, RFC 2525 2.17).
    pub fn close(&mut self, now: Instant, id: ConnectionId) {
        let Some(tcb) = self.slab.get_mut(id) else { return };
        let unread = tcb.receive.readable() > 0 && tcb.state != State::TimeWait;
        if unread {
            return self.abort(now, id);
        }
        tcb.owned = false;
        if tcb.state == State::Closed {
            return self.discard(id);
        }
        self.queue_fin(now, id);
        self.flush(now, id);
    }

    /// ABORT: a reset where the peer knows of the connection, and CLOSED; `id` names nothing any more.
    pub fn abort(&mut self, now: Instant, id: ConnectionId) {
        let Some(tcb) = self.slab.get_mut(id) else { return };
        tcb.owned = false;
        let known = matches!(
            tcb.state,
            State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait
        );
        if known {
            self.with_output(now, id, |out| out.abort());
        }
        self.close_with(now, id, Some(Error::ConnectionReset));
    }

    /// STATUS: the state; CLOSED where there is no such connection.
    pub fn state(&self, id: ConnectionId) -> State {
        self.slab.get(id).map_or(State::Closed, |tcb| tcb.state)
    }

    /// A number that grows whenever something happens that one who waits for the connection is to hear of.
    pub fn activity(&self, id: ConnectionId) -> u64 {
        self.slab.get(id).map_or(0, |tcb| tcb.activity)
    }

    /// The same of a listener: a number that grows with each connection that can be accepted.
    pub fn arrivals(&self, listener: ListenerId) -> u64 {
        self.listeners.get(listener).map_or(0, |listener| listener.arrivals)
    }

    /// Bytes that can be read.
    pub fn readable_bytes(&self, id: ConnectionId) -> usize {
        self.slab.get(id).map_or(0, |tcb| tcb.receive.readable())
    }

    /// How many bytes the user has ever sent, and how many of them are acknowledged.
    pub fn progress(&self, id: ConnectionId) -> (u64, u64) {
        self.slab
            .get(id)
            .map_or((0, 0), |tcb| (tcb.send.acknowledged() + tcb.send.len() as u64, tcb.send.acknowledged()))
    }

    /// Whether the handshake was ever completed.
    pub fn was_open(&self, id: ConnectionId) -> bool {
        self.slab.get(id).is_some_and(|tcb| !tcb.syn_is_outstanding())
    }

    /// What a call would meet now.
    pub fn readiness(&self, id: ConnectionId) -> Readiness {
        let limit = self.send_limit(id);
        self.slab.get(id).map_or(Readiness::default(), |tcb| Readiness::of(tcb, limit))
    }

    /// The error that ended the connection, or else a soft one, unless the user does not want these; once.
    pub fn take_error(&mut self, id: ConnectionId) -> Option<Error> {
        let tcb = self.slab.get_mut(id)?;
        let soft = !tcb.options.hide_soft_errors;
        tcb.error.take().or_else(|| tcb.soft_error.take().filter(|_| soft))
    }

    /// Local and remote endpoint; unspecified where there is no such connection.
    pub fn endpoints(&self, id: ConnectionId) -> (SocketAddr, SocketAddr) {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        self.slab.get(id).map_or((nowhere, nowhere), |tcb| (tcb.local, tcb.remote))
    }

    /// Whether a connection between these ends exists, be it in TIME-WAIT: what a chooser of ports asks.
    pub fn contains(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.find(FourTuple::named(local, remote)).is_some()
    }

    /// Every connection with its local and remote endpoint, as netstat shows them, in no meaningful order that is the
    /// same in every run.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, SocketAddr, SocketAddr, State)> {
        self.slab.iter().map(|(id, tcb)| (id, tcb.local, tcb.remote, tcb.state))
    }

    /// What the user has set.
    pub fn options(&self, id: ConnectionId) -> Option<&SocketOptions> {
        self.slab.get(id).map(|tcb| &tcb.options)
    }

    /// Sets options, which count at once: data that Nagle held back goes, keep-alive starts or stops.
    pub fn set_options(&mut self, now: Instant, id: ConnectionId, options: SocketOptions) {
        if let Some(tcb) = self.slab.get_mut(id) {
            tcb.congestion.set_algorithm(options.congestion.unwrap_or(self.config.congestion));
            tcb.user_timeout.chosen(options.user_timeout);
            tcb.options = options;
            self.flush(now, id);
        }
    }

    /// Sends what is queued, however small the last segment is and whatever holds it back but the windows.
    pub fn push(&mut self, now: Instant, id: ConnectionId) {
        self.flush_urging(now, id, Urging::All);
    }

    fn flush_urging(&mut self, now: Instant, id: ConnectionId, urging: Urging) {
        let urge = |connections: &mut Connections, urging| {
            if let Some(tcb) = connections.slab.get_mut(id) {
                tcb.send.urging = urging;
            }
        };
        urge(self, urging);
        self.flush(now, id);
        urge(self, Urging::Normal);
    }

    /// Every segment of a connection has so many bytes of IP options, which leave less for text (RFC 9293 MUST-16).
    pub(crate) fn carry_ip_options(&mut self, id: ConnectionId, len: usize) {
        if let Some(tcb) = self.slab.get_mut(id) {
            tcb.ip_options = u16::try_from(len).unwrap_or(0);
            tcb.congestion.set_mss(tcb.eff_snd_mss());
        }
    }

    /// The connection between these ends, if the peer has opened it.
    pub(crate) fn opened_by_peer(&self, local: SocketAddr, remote: SocketAddr) -> Option<ConnectionId> {
        let id = self.find(FourTuple { local, remote })?;
        self.slab.get(id).filter(|tcb| tcb.is_passive()).map(|_| id)
    }

    /// Whether `id` still names a connection.
    pub(crate) fn exists(&self, id: ConnectionId) -> bool {
        self.slab.get(id).is_some()
    }

    /// What a listener's connections inherit.
    pub fn listener_options_mut(&mut self, id: ListenerId) -> Option<&mut SocketOptions> {
        self.listeners.get_mut(id).map(|listener| &mut listener.options)
    }

    /// STATUS: everything else.
    pub fn info(&self, now: Instant, id: ConnectionId) -> Option<Info> {
        self.slab.get(id).map(|tcb| Info::of(tcb, now))
    }
}
