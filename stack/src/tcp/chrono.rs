//! What a connection spends its time on, as Linux tells it in TCP_INFO: with data to send, and of that waiting for the
//! peer's window or for the user.

use crate::time::Instant;
use core::time::Duration;

/// What data waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Limit {
    /// There is none.
    #[default]
    Idle,
    /// The network: acknowledgments, the congestion window.
    Network,
    /// The peer's window.
    Window,
    /// The user, who would have more if there were room for it.
    Room,
}

/// The times so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chrono {
    limit: Limit,
    since: Instant,
    /// By the network, the window, the room, in nanoseconds.
    spent: [u64; 3],
}

impl Chrono {
    /// From now on it is `limit`.
    pub(crate) fn turn(&mut self, limit: Limit, now: Instant) {
        if self.limit != limit {
            self.spent = self.until(now);
            (self.limit, self.since) = (limit, now);
        }
    }

    fn until(&self, now: Instant) -> [u64; 3] {
        let mut spent = self.spent;
        if let Some(at) = (self.limit as usize).checked_sub(1) {
            spent[at] += now.as_nanos().saturating_sub(self.since.as_nanos());
        }
        spent
    }

    /// Busy altogether; of that waiting for the window, and for room.
    pub(crate) fn read(&self, now: Instant) -> [Duration; 3] {
        let [network, window, room] = self.until(now).map(Duration::from_nanos);
        [network + window + room, window, room]
    }
}
