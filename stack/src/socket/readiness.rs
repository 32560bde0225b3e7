//! What poll finds.

use super::call::{PollFd, events};
use super::table::State;
use crate::host::Host;

const READ: i16 = events::POLLIN | events::POLLRDNORM;
const WRITE: i16 = events::POLLOUT | events::POLLWRNORM;

impl Host {
    /// Fills in the events found and says of how many descriptors there are any.
    pub(super) fn poll_descriptors(&self, fds: &mut [PollFd]) -> usize {
        for pollfd in fds.iter_mut().filter(|pollfd| pollfd.fd >= 0) {
            let always = events::POLLERR | events::POLLHUP | events::POLLNVAL;
            pollfd.revents = self.events(pollfd.fd) & (pollfd.events | always);
        }
        fds.iter().filter(|pollfd| pollfd.revents != 0).count()
    }

    pub(super) fn events(&self, fd: i32) -> i16 {
        let Ok(socket) = self.sockets.table.get(fd) else { return events::POLLNVAL };
        let told = socket.without_copy.over(self.acknowledged(fd)) > 0;
        let error = if socket.error.is_some() || told { events::POLLERR } else { 0 };
        let when = |condition: bool, events: i16| if condition { events } else { 0 };
        error
            | match socket.state {
                State::Idle => WRITE | events::POLLHUP,
                State::Deferred(_) => WRITE,
                State::Listening(id) => when(self.tcp.can_accept(id), READ),
                State::Datagram(id) => self.udp.get(id).map_or(0, |udp| {
                    let readable = udp.peek().is_some() || socket.shut_read;
                    let failed = udp.error.is_some() || udp.has_kept_error();
                    WRITE | when(readable, READ) | when(failed, events::POLLERR)
                }),
                State::Connecting(id) | State::Connected(id) => {
                    let found = self.tcp.readiness(id);
                    when(found.urgent, events::POLLPRI)
                        | when(found.readable || socket.shut_read, READ)
                        | when(found.writable || socket.shut_write, WRITE)
                        | when(found.end_of_stream || socket.shut_read, events::POLLRDHUP)
                        | when(found.hang_up, events::POLLHUP)
                        | when(found.error, events::POLLERR)
                }
            }
    }
}
