//! The reference stack's results in the harness's form.

use crate::sut::{Errno, Message, Outcome, Output, PollFd};
use stack::client::{Found, LookupError};
use stack::socket::{self, Received, Value, flags as message_flags};

/// struct cmsghdr on a machine of 64 bits.
const CONTROL_HEADER: usize = 16;

/// How the result of a call is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the value itself is.
    Plain,
    /// read, recv: the bytes.
    Data { flags: i32 },
    /// readv: the bytes of each vector.
    Vectors { counts: Vec<usize> },
    /// recvfrom: the sender and the bytes.
    From { flags: i32 },
    /// recvmsg: all that there is.
    Message { counts: Vec<usize>, flags: i32, room: usize },
}

impl Form {
    /// The outcome as the harness knows it.
    pub(super) fn tell(self, outcome: socket::Outcome) -> Outcome {
        match outcome {
            Ok(Value::Received(received)) => self.received(received),
            Ok(value) => plain(value),
            Err(errno) => Outcome { result: Err(Errno(errno.number())), output: Output::None },
        }
    }

    fn received(self, received: Received) -> Outcome {
        let (result, output) = match self {
            Form::Plain => (number(received.data.len()), Output::Data(received.data)),
            Form::Data { flags } => (length(&received, flags), Output::Data(received.data)),
            Form::Vectors { counts } => {
                (number(received.data.len()), Output::Vectors(scatter(&received.data, &counts)))
            }
            Form::From { flags } => (length(&received, flags), Output::Address(received.from, received.data)),
            Form::Message { counts, flags, room } => {
                let truncated = received.length > received.data.len();
                let space = |data: &[u8]| CONTROL_HEADER + data.len().next_multiple_of(8);
                let needed: usize = received.control.iter().map(|(_, _, data)| space(data)).sum();
                let fits = needed <= room;
                let message = Message {
                    name: received.from,
                    iov: scatter(&received.data, &counts),
                    flags: received.flags
                        | if truncated { message_flags::MSG_TRUNC } else { 0 }
                        | if fits { 0 } else { libc::MSG_CTRUNC },
                    control: if fits { received.control.clone() } else { Vec::new() },
                    ..Message::default()
                };
                (length(&received, flags), Output::Message(message))
            }
        };
        Outcome { result: Ok(result), output }
    }
}

fn plain(value: Value) -> Outcome {
    let with = |number, output| Outcome { result: Ok(number), output };
    match value {
        Value::Descriptor(fd) => Outcome::value(fd.into()),
        Value::Accepted(fd, peer) => with(fd.into(), Output::Address(Some(peer), Vec::new())),
        Value::Sent(count) => Outcome::value(number(count)),
        Value::Address(address) => with(0, Output::Address(Some(address), Vec::new())),
        Value::Option(bytes) => with(0, Output::Option(bytes)),
        Value::Count(count) => with(0, Output::Integer(number(count))),
        // fcntl F_GETFL alone gives a flag; a socket is open for reading and writing.
        Value::Flag(nonblocking) => {
            Outcome::value(i64::from(libc::O_RDWR | if nonblocking { libc::O_NONBLOCK } else { 0 }))
        }
        Value::Epolled(found) => with(number(found.len()), Output::Epoll(found)),
        Value::Polled(fds) => {
            let theirs = |p: socket::PollFd| PollFd { fd: p.fd, events: p.events, revents: p.revents };
            let fds: Vec<PollFd> = fds.into_iter().map(theirs).collect();
            with(number(fds.iter().filter(|p| p.revents != 0).count()), Output::Poll(fds))
        }
        Value::Looked(Ok(Found::Addresses(addresses))) => with(0, Output::Addresses(addresses)),
        Value::Looked(Ok(Found::Name(name))) => with(0, Output::Name(name)),
        Value::Looked(Err(error)) => Outcome::value(lookup_error(error)),
        _ => Outcome::value(0),
    }
}

/// What getaddrinfo and getnameinfo return.
fn lookup_error(error: LookupError) -> i64 {
    i64::from(match error {
        LookupError::NoName => libc::EAI_NONAME,
        LookupError::NoData => libc::EAI_NODATA,
        LookupError::Again => libc::EAI_AGAIN,
        LookupError::Fail => libc::EAI_FAIL,
    })
}

/// What a receiving call returns: with MSG_TRUNC the datagram's own length.
fn length(received: &Received, flags: i32) -> i64 {
    let whole = flags & message_flags::MSG_TRUNC != 0;
    number(if whole { received.length } else { received.data.len() })
}

fn scatter(mut data: &[u8], counts: &[usize]) -> Vec<Vec<u8>> {
    let mut vectors = Vec::new();
    for count in counts {
        let (vector, rest) = data.split_at((*count).min(data.len()));
        vectors.push(vector.to_vec());
        data = rest;
    }
    vectors
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
