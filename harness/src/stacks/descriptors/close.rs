//! close and shutdown: what ends a connection.

use super::dispatch::{Attempt, fail, value};
use super::table::{Kind, Stream};
use super::{Descriptors, Lingering};
use crate::stacks::user_calls::{State, UserCalls};

impl<U: UserCalls> Descriptors<U> {
    pub(super) fn close(&mut self, fd: i32) -> Attempt {
        let socket = self.table.remove(fd)?;
        match socket.kind {
            Kind::Stream(Stream::Idle) => {}
            Kind::Stream(Stream::Listening(listener)) => {
                for handle in listener.into_handles() {
                    self.stack.abort(handle);
                    self.stack.release(handle);
                }
            }
            Kind::Stream(Stream::Connection(connection)) => {
                let unread = connection.readable(&self.stack) > 0;
                if connection.state == State::Closed {
                    self.stack.release(connection.handle);
                } else if unread || socket.settings.linger == Some(0) {
                    self.stack.abort(connection.handle);
                    self.stack.release(connection.handle);
                } else {
                    if !connection.write_shut {
                        self.stack.close(connection.handle);
                    }
                    let (handle, local) = (connection.handle, connection.local);
                    self.lingering.push(Lingering { handle, local, reuse: socket.settings.reuse });
                }
            }
            Kind::Datagram(datagram) => {
                if let Some(handle) = datagram.handle {
                    self.stack.udp_release(handle);
                }
            }
        }
        value(0)
    }

    pub(super) fn shutdown(&mut self, fd: i32, how: i32) -> Attempt {
        let socket = self.table.get(fd)?;
        let (read, write) = match how {
            libc::SHUT_RD => (true, false),
            libc::SHUT_WR => (false, true),
            libc::SHUT_RDWR => (true, true),
            _ => return fail(libc::EINVAL),
        };
        match &mut socket.kind {
            Kind::Stream(Stream::Idle) => fail(libc::ENOTCONN),
            Kind::Stream(Stream::Listening(_)) if !read => value(0),
            Kind::Stream(stream @ Stream::Listening(_)) => {
                if let Stream::Listening(listener) = std::mem::replace(stream, Stream::Idle) {
                    for handle in listener.into_handles() {
                        self.stack.abort(handle);
                        self.stack.release(handle);
                    }
                }
                value(0)
            }
            Kind::Stream(Stream::Connection(c)) if c.state == State::Closed => fail(libc::ENOTCONN),
            Kind::Stream(Stream::Connection(connection)) => {
                connection.read_shut |= read;
                if write && !connection.write_shut {
                    connection.write_shut = true;
                    self.stack.close(connection.handle);
                }
                value(0)
            }
            Kind::Datagram(datagram) if datagram.peer.is_none() => fail(libc::ENOTCONN),
            Kind::Datagram(datagram) => {
                datagram.read_shut |= read;
                datagram.write_shut |= write;
                value(0)
            }
        }
    }
}
