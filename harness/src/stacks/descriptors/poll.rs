//! poll, with the events that Linux reports.

use super::Descriptors;
use super::dispatch::{Attempt, Stop, with};
use super::table::{Kind, Stream};
use crate::stacks::user_calls::{State, UserCalls};
use crate::sut::{Output, PollFd};

const READ: i16 = libc::POLLIN | libc::POLLRDNORM;
const WRITE: i16 = libc::POLLOUT | libc::POLLWRNORM;
/// What is reported without being asked for.
const ALWAYS: i16 = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;

impl<U: UserCalls> Descriptors<U> {
    pub(super) fn poll(&mut self, fds: &[PollFd]) -> Attempt {
        let mut ready = 0;
        let mut answer = fds.to_vec();
        for entry in &mut answer {
            entry.revents = match entry.fd {
                ..0 => 0,
                fd => self.readiness(fd) & (entry.events | ALWAYS),
            };
            ready += usize::from(entry.revents != 0);
        }
        match ready {
            0 => Err(Stop::Wait),
            _ => with(ready, Output::Poll(answer)),
        }
    }

    fn readiness(&mut self, fd: i32) -> i16 {
        let Ok(socket) = self.table.get(fd) else { return libc::POLLNVAL };
        let when = |condition: bool, events: i16| if condition { events } else { 0 };
        match &mut socket.kind {
            Kind::Stream(Stream::Idle) => WRITE | libc::POLLHUP,
            Kind::Stream(Stream::Listening(listener)) => when(listener.is_ready(), READ),
            Kind::Stream(Stream::Connection(connection)) => {
                let (read, write) = connection.readiness(&self.stack);
                let closed = connection.state == State::Closed;
                let ended = connection.has_ended();
                when(read, READ)
                    | when(write, WRITE)
                    | when(ended, libc::POLLRDHUP)
                    | when(closed || (ended && connection.write_shut), libc::POLLHUP)
                    | when(connection.error.is_some(), libc::POLLERR)
            }
            Kind::Datagram(datagram) => {
                let shut = datagram.read_shut;
                let read = shut || datagram.peek(&mut self.stack).is_some();
                WRITE
                    | when(read, READ)
                    | when(shut, libc::POLLRDHUP)
                    | when(shut && datagram.write_shut, libc::POLLHUP)
            }
        }
    }
}
