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
            Kind::Stream(Stream::Listening(listener)) => abort_all(&mut self.stack, listener.into_handles()),
            Kind::Stream(Stream::Connection(connection)) => {
                let unread = connection.readable(&self.stack) > 0;
                if connection.state == State::Closed {
                    self.stack.release(connection.handle);
                } else if unread || socket.settings.linger == Some(0) {
                    abort_all(&mut self.stack, [connection.handle]);
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
            Kind::Stream(Stream::Listening(_)) => self.disconnect(fd),
            Kind::Stream(Stream::Connection(c)) if c.state == State::SynSent => self.disconnect(fd),
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

    /// Makes a stream socket one that neither listens nor is connected, as connect with AF_UNSPEC does, and shutdown on
    /// what is not connected yet.
    pub(super) fn disconnect(&mut self, fd: i32) -> Attempt {
        let socket = self.table.get(fd)?;
        let before = std::mem::replace(&mut socket.kind, Kind::Stream(Stream::Idle));
        socket.disconnect();
        match before {
            Kind::Stream(Stream::Listening(listener)) => abort_all(&mut self.stack, listener.into_handles()),
            Kind::Stream(Stream::Connection(connection)) => abort_all(&mut self.stack, [connection.handle]),
            Kind::Stream(Stream::Idle) | Kind::Datagram(_) => {}
        }
        value(0)
    }
}

fn abort_all<U: UserCalls>(stack: &mut U, handles: impl IntoIterator<Item = U::Tcp>) {
    for handle in handles {
        stack.abort(handle);
        stack.release(handle);
    }
}
