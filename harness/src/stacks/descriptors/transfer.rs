//! The read and write families.

use super::Descriptors;
use super::datagram::largest;
use super::dispatch::{Attempt, Progress, Stop, fail, refuse, value};
use super::open::address_for;
use super::table::{Kind, Stream};
use crate::stacks::user_calls::UserCalls;
use crate::sut::{Call, Message, Outcome, Output, SocketAddress};
use std::net::SocketAddr;

/// What a read gave.
struct Received {
    data: Vec<u8>,
    from: Option<SocketAddr>,
    /// The length of the datagram, of which `data` may be the beginning.
    full: usize,
}

impl<U: UserCalls> Descriptors<U> {
    /// A call that moves bytes; `None` where `call` is another one.
    pub(super) fn transfer(&mut self, call: &Call, progress: &mut Progress) -> Option<Attempt> {
        let attempt = match call {
            Call::Read { fd, count } => self.receive(*fd, *count, 0, progress).map(plain),
            Call::Readv { fd, counts } => {
                self.receive(*fd, total(counts.iter().copied()), 0, progress).map(|r| vectors(r, counts))
            }
            Call::Recv { fd, count, flags } => {
                self.receive(*fd, *count, *flags, progress).map(|r| counted(r, *flags, Output::Data))
            }
            Call::Recvfrom { fd, count, flags } => self.receive(*fd, *count, *flags, progress).map(|r| {
                let from = r.from;
                counted(r, *flags, |data| Output::Address(from, data))
            }),
            Call::Recvmsg { fd, message, flags } => {
                let room = total(message.iov.iter().map(Vec::len));
                self.receive(*fd, room, *flags, progress).map(|r| filled(r, *flags, message))
            }
            Call::Write { fd, data } => self.send(*fd, data, 0, None, progress),
            Call::Writev { fd, data } => self.send(*fd, &data.concat(), 0, None, progress),
            Call::Send { fd, data, flags } => self.send(*fd, data, *flags, None, progress),
            Call::Sendto { fd, data, flags, address } => {
                self.send(*fd, data, *flags, Some(address), progress)
            }
            Call::Sendmsg { message, .. } if !message.control.is_empty() => refuse("control messages"),
            Call::Sendmsg { fd, message, flags } => self.send(
                *fd,
                &message.iov.concat(),
                *flags,
                message.name.map(SocketAddress::Ip).as_ref(),
                progress,
            ),
            _ => return None,
        };
        Some(attempt)
    }

    fn receive(
        &mut self,
        fd: i32,
        count: usize,
        flags: i32,
        progress: &mut Progress,
    ) -> Result<Received, Stop> {
        let socket = self.table.get(fd)?;
        refuse_flags(flags, libc::MSG_OOB, "urgent")?;
        refuse_flags(flags, libc::MSG_ERRQUEUE, "socket-errors")?;
        let peek = flags & libc::MSG_PEEK != 0;
        match &mut socket.kind {
            Kind::Stream(Stream::Connection(connection)) => {
                refuse_flags(flags, libc::MSG_TRUNC, "MSG_TRUNC on a stream")?;
                // With MSG_PEEK what is there has to do: bytes that stay cannot be added up.
                let blocks = flags & libc::MSG_DONTWAIT == 0 && !socket.nonblocking;
                let all = flags & libc::MSG_WAITALL != 0 && !peek && blocks;
                let wanted = count - progress.read.len().min(count);
                match connection.read(&mut self.stack, wanted, peek) {
                    Ok(data) if all && !data.is_empty() && data.len() < wanted => {
                        progress.read.extend(data);
                        Err(Stop::Wait)
                    }
                    Ok(data) => Ok(stream_data(progress, data)),
                    Err(Stop::Errno(errno)) if !progress.read.is_empty() => {
                        connection.error = Some(errno);
                        Ok(stream_data(progress, Vec::new()))
                    }
                    Err(stop) => Err(stop),
                }
            }
            Kind::Stream(_) => fail(libc::ENOTCONN),
            Kind::Datagram(datagram) => match datagram.receive(&mut self.stack, peek) {
                Err(Stop::Wait) if datagram.read_shut => {
                    Ok(Received { data: Vec::new(), from: None, full: 0 })
                }
                Err(stop) => Err(stop),
                Ok((from, mut data)) => {
                    let full = data.len();
                    data.truncate(count);
                    Ok(Received { data, from: Some(from), full })
                }
            },
        }
    }

    fn send(
        &mut self,
        fd: i32,
        data: &[u8],
        flags: i32,
        to: Option<&SocketAddress>,
        progress: &mut Progress,
    ) -> Attempt {
        let socket = self.table.get(fd)?;
        refuse_flags(flags, libc::MSG_OOB, "urgent")?;
        refuse_flags(flags, libc::MSG_MORE, "MSG_MORE")?;
        refuse_flags(flags, libc::MSG_FASTOPEN, "TCP Fast Open")?;
        refuse_flags(flags, libc::MSG_ZEROCOPY, "MSG_ZEROCOPY")?;
        match &mut socket.kind {
            // Linux looks at the address of neither: what counts is whether there is a connection.
            Kind::Stream(Stream::Connection(connection)) => {
                let rest = data.get(progress.written..).unwrap_or_default();
                match connection.write(&mut self.stack, rest) {
                    Ok(sent) => progress.written += sent,
                    // The call tells what it has moved; the error waits for the next one.
                    Err(Stop::Errno(errno)) if progress.written > 0 => {
                        connection.error = Some(errno).filter(|errno| *errno != libc::EPIPE);
                        return value(progress.written);
                    }
                    Err(stop) => return Err(stop),
                }
                match progress.written < data.len() {
                    true => Err(Stop::Wait),
                    false => value(data.len()),
                }
            }
            Kind::Stream(_) => fail(libc::EPIPE),
            Kind::Datagram(_) => self.send_datagram(fd, data, to),
        }
    }

    fn send_datagram(&mut self, fd: i32, data: &[u8], to: Option<&SocketAddress>) -> Attempt {
        let socket = self.table.get(fd)?;
        let Kind::Datagram(datagram) = &socket.kind else { return fail(libc::EINVAL) };
        let (peer, shut) = (datagram.peer, datagram.write_shut);
        let remote = match to {
            None | Some(SocketAddress::Null | SocketAddress::Unspecified) => {
                peer.ok_or(Stop::Errno(libc::EDESTADDRREQ))?
            }
            Some(address) => address_for(socket, address)?,
        };
        if data.len() > largest(socket.v6) {
            return fail(libc::EMSGSIZE);
        }
        if shut {
            return fail(libc::EPIPE);
        }
        if remote.port() == 0 {
            return fail(libc::EINVAL);
        }
        if is_limited_broadcast(remote) && !socket.settings.broadcast {
            return fail(libc::EACCES);
        }
        self.bound(fd)?;
        if let Kind::Datagram(datagram) = &mut self.table.get(fd)?.kind {
            datagram.send(&mut self.stack, remote, data)?;
        }
        value(data.len())
    }
}

fn is_limited_broadcast(remote: SocketAddr) -> bool {
    matches!(remote, SocketAddr::V4(v4) if v4.ip().is_broadcast())
}

fn refuse_flags(flags: i32, flag: i32, name: &str) -> Result<(), Stop> {
    if flags & flag == 0 { Ok(()) } else { refuse(name) }
}

fn total(counts: impl Iterator<Item = usize>) -> usize {
    counts.fold(0, usize::saturating_add)
}

fn stream_data(progress: &mut Progress, more: Vec<u8>) -> Received {
    let mut data = std::mem::take(&mut progress.read);
    data.extend(more);
    Received { full: data.len(), data, from: None }
}

fn plain(received: Received) -> Outcome {
    counted(received, 0, Output::Data)
}

/// The number is that of the bytes given; with MSG_TRUNC that of the datagram.
fn counted(received: Received, flags: i32, output: impl FnOnce(Vec<u8>) -> Output) -> Outcome {
    let count = if flags & libc::MSG_TRUNC != 0 { received.full } else { received.data.len() };
    Outcome { result: Ok(i64::try_from(count).unwrap_or(i64::MAX)), output: output(received.data) }
}

fn split(data: &[u8], counts: impl Iterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut rest = data;
    let mut vectors = Vec::new();
    for count in counts {
        let (head, tail) = rest.split_at(count.min(rest.len()));
        vectors.push(head.to_vec());
        rest = tail;
    }
    vectors
}

fn vectors(received: Received, counts: &[usize]) -> Outcome {
    counted(received, 0, |data| Output::Vectors(split(&data, counts.iter().copied())))
}

fn filled(received: Received, flags: i32, message: &Message) -> Outcome {
    let truncated = if received.full > received.data.len() { libc::MSG_TRUNC } else { 0 };
    let name = received.from;
    counted(received, flags, |data| {
        Output::Message(Message {
            name,
            iov: split(&data, message.iov.iter().map(Vec::len)),
            control: Vec::new(),
            control_len: 0,
            flags: truncated,
        })
    })
}
