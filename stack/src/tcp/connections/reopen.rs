//! A SYN in TIME-WAIT, and the way back (RFC 9293 3.6.1, MAY-2).

use super::Connections;
use crate::tcp::ConnectionId;
use crate::tcp::action::Action;
use crate::tcp::control_block::ControlBlock;
use crate::tcp::state::State;
use crate::time::Instant;
use crate::wire::tcp::Segment;

impl Connections {
    /// A SYN takes over from TIME-WAIT, where somebody listens, for good once the handshake is over (RFC 9293 3.6.1); else it
    /// is a stray SYN like any other.
    pub(super) fn reopen(&mut self, now: Instant, id: ConnectionId, syn: &Segment<'_>) {
        let Some((tuple, above)) = self.slab.get(id).map(|tcb| (tcb.tuple(), tcb.snd_max)) else { return };
        let Some(listener) = self.listeners.find(tuple) else {
            return self.conclude(now, id, Action::Challenge);
        };
        if self.is_full() || !self.config.time_wait_comes_back {
            self.close_with(now, id, None);
        }
        self.open_from(now, listener, tuple, syn, Some(above));
        if self.state(id) != State::TimeWait {
            return;
        }
        match self.find(tuple).filter(|opened| *opened != id) {
            Some(opened) => drop(self.reopening.insert(opened, id)),
            // The SYN was answered with a cookie, or not at all.
            None => self.close_with(now, id, None),
        }
    }

    /// The peer resets a half-open connection. Where that came from TIME-WAIT its SYN was an old duplicate, and TIME-WAIT goes on
    /// (RFC 9293 3.6.1 (2)).
    pub(super) fn half_open_is_reset(&mut self, id: ConnectionId) {
        let (former, tuple) = (self.reopening.remove(&id), self.slab.get(id).map(ControlBlock::tuple));
        self.discard(id);
        let former = former.filter(|former| self.state(*former) == State::TimeWait);
        if let Some((tuple, former)) = tuple.zip(former) {
            self.tuples.insert(tuple, former);
        }
    }
}
