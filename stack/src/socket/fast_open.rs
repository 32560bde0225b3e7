//! Fast Open on sockets (RFC 7413 appendix A): a send that opens the connection, and a connect that waits for one.

use super::Value;
use super::call::{Outcome, flags};
use super::errno::Errno;
use super::table::State;
use crate::host::Host;
use crate::ip::zone::zone;
use crate::time::Instant;
use std::net::SocketAddr;

/// A send as far as it has come.
pub(super) struct Sending<'a> {
    pub(super) data: &'a [u8],
    pub(super) to: Option<SocketAddr>,
    /// [`flags::MSG_FASTOPEN`] goes once it has been obeyed.
    pub(super) flags: &'a mut i32,
    /// Bytes taken so far.
    pub(super) sent: &'a mut usize,
    pub(super) dont_wait: bool,
}

impl Host {
    /// Opens the connection that a send is to open, with as much of the data as its SYN takes. `None` where the send goes
    /// on as any other, now or when the connection is there: [`Sending::flags`] tells that this was done.
    pub(super) fn send_on_syn(
        &mut self,
        now: Instant,
        fd: i32,
        sending: &mut Sending<'_>,
    ) -> Option<Outcome> {
        let asked = *sending.flags & flags::MSG_FASTOPEN != 0;
        let state = match self.sockets.table.get(fd) {
            Ok(socket) => socket.state,
            Err(errno) => return Some(Err(errno)),
        };
        let remote = match (state, sending.to) {
            (State::Deferred(remote), _) => remote,
            _ if !asked => return None,
            _ if !self.tcp.config.fast_open.client => return Some(Err(Errno::EOPNOTSUPP)),
            (State::Idle, Some(remote)) => remote,
            (State::Idle, None) => return Some(Err(Errno::EINVAL)),
            (State::Connecting(_), _) if sending.dont_wait => match self.connect_result(now, fd) {
                Ok(None) => return Some(Err(Errno::EALREADY)),
                Ok(Some(())) => return None,
                Err(errno) => return Some(Err(errno)),
            },
            _ => return None,
        };
        *sending.flags &= !flags::MSG_FASTOPEN;
        match self.open_stream(now, fd, remote, Some(sending.data)) {
            Err(errno) => Some(Err(errno)),
            Ok(taken) => {
                *sending.sent = taken;
                match taken {
                    _ if !sending.dont_wait => None,
                    0 => Some(Err(Errno::EINPROGRESS)),
                    _ => Some(Ok(Value::Sent(taken))),
                }
            }
        }
    }

    /// TCP_FASTOPEN_CONNECT: a connect to `wire` need not send anything yet where the first send can go with the SYN.
    pub(super) fn can_defer(&mut self, now: Instant, fd: i32, wire: SocketAddr) -> Result<bool, Errno> {
        let socket = self.sockets.table.get(fd)?;
        if !socket.options.fast_open_connect || !self.tcp.config.fast_open.client {
            return Ok(false);
        }
        let options = socket.options.for_tcp(socket.domain, &self.tcp.config);
        let remote = self.own_if_unspecified(wire);
        let source = self.net.source_for(remote.ip(), zone(remote)).ok_or(Errno::ENETUNREACH)?;
        Ok(self.tcp.can_open_fast(now, SocketAddr::new(source, 0), remote, &options))
    }
}
