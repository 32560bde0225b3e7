//! From a call to the function that makes it, and from what that gave to an outcome.

use super::Descriptors;
use crate::stacks::user_calls::{Lookup, LookupFailed, UserCalls};
use crate::sut::{Call, CallId, Errno, Outcome, Output, Refusal};
use stack::Instant;
use std::time::Duration;

/// Why a call did not succeed at this moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It failed.
    Errno(i32),
    /// It has to wait; a non-blocking call fails instead.
    Wait,
    /// This layer cannot make it; the name is that of a capability where there is one.
    Refuse(String),
}

/// What an attempt at a call gives.
pub(super) type Attempt = Result<Outcome, Stop>;

/// How far a call that blocks has come.
#[derive(Default)]
pub(super) struct Progress {
    /// connect has begun.
    pub(super) begun: bool,
    /// The lookup that getaddrinfo has begun.
    lookup: Option<usize>,
    /// Bytes that a write has handed over.
    pub(super) written: usize,
    /// Bytes that a read with MSG_WAITALL has collected.
    pub(super) read: Vec<u8>,
}

/// A call that has not completed.
pub(super) struct Running {
    pub(super) id: CallId,
    pub(super) call: Call,
    pub(super) progress: Progress,
    /// When it gives up.
    pub(super) deadline: Option<Instant>,
}

impl Running {
    pub(super) fn new(id: CallId, call: Call, now: Instant) -> Running {
        let deadline = match &call {
            Call::Poll { timeout_ms, .. } => {
                u64::try_from(*timeout_ms).ok().map(|timeout| now + Duration::from_millis(timeout))
            }
            _ => None,
        };
        Running { id, call, progress: Progress::default(), deadline }
    }
}

/// A call that succeeded.
pub(super) fn value(value: usize) -> Attempt {
    Ok(Outcome::value(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// A call that succeeded and gave something.
pub(super) fn with(value: usize, output: Output) -> Attempt {
    Ok(Outcome { result: Ok(i64::try_from(value).unwrap_or(i64::MAX)), output })
}

/// A call that failed.
pub(super) fn fail<T>(errno: i32) -> Result<T, Stop> {
    Err(Stop::Errno(errno))
}

/// A call that cannot be made here.
pub(super) fn refuse<T>(what: &str) -> Result<T, Stop> {
    Err(Stop::Refuse(what.to_owned()))
}

impl<U: UserCalls> Descriptors<U> {
    /// Makes a call for the first time; `None` where it blocks.
    pub(super) fn first_step(&mut self, running: &mut Running) -> Result<Option<Outcome>, Refusal> {
        match self.attempt(&running.call, &mut running.progress) {
            Ok(outcome) => Ok(Some(outcome)),
            Err(Stop::Errno(errno)) => Ok(Some(ended(&running.progress, errno))),
            Err(Stop::Refuse(what)) => Err(Refusal::Unsupported(what)),
            Err(Stop::Wait) if self.may_block(&running.call) => Ok(self.expired(running)),
            Err(Stop::Wait) if matches!(running.call, Call::Connect { .. }) => {
                Ok(Some(Outcome::error(libc::EINPROGRESS)))
            }
            Err(Stop::Wait) => Ok(Some(ended(&running.progress, libc::EAGAIN))),
        }
    }

    /// Makes a call again that has blocked; `None` where it still does.
    pub(super) fn step(&mut self, running: &mut Running) -> Option<Outcome> {
        match self.attempt(&running.call, &mut running.progress) {
            Ok(outcome) => Some(outcome),
            Err(Stop::Errno(errno)) => Some(ended(&running.progress, errno)),
            Err(Stop::Wait) => self.expired(running),
            // What is refused is refused when it is submitted.
            Err(Stop::Refuse(_)) => Some(Outcome::error(libc::ENOSYS)),
        }
    }

    fn expired(&self, running: &Running) -> Option<Outcome> {
        running.deadline.filter(|deadline| *deadline <= self.now)?;
        match &running.call {
            Call::Poll { fds, .. } => Some(Outcome { result: Ok(0), output: Output::Poll(fds.clone()) }),
            _ => Some(ended(&running.progress, libc::EAGAIN)),
        }
    }

    fn may_block(&mut self, call: &Call) -> bool {
        match blocking_of(call) {
            Some((fd, flags)) => {
                flags & libc::MSG_DONTWAIT == 0 && self.table.get(fd).is_ok_and(|socket| !socket.nonblocking)
            }
            None => true,
        }
    }

    fn attempt(&mut self, call: &Call, progress: &mut Progress) -> Attempt {
        match call {
            Call::Socket { domain, kind, protocol } => self.socket(*domain, *kind, *protocol),
            Call::Bind { fd, address } => self.bind(*fd, address),
            Call::Listen { fd, .. } => self.listen(*fd),
            Call::Accept { fd } => self.accept(*fd),
            Call::Connect { fd, address } => self.connect(*fd, address, progress),
            Call::Close { fd } => self.close(*fd),
            Call::Shutdown { fd, how } => self.shutdown(*fd, *how),
            Call::Getsockname { fd } => self.getsockname(*fd),
            Call::Getpeername { fd } => self.getpeername(*fd),
            Call::Fcntl { fd, command, argument } => self.fcntl(*fd, *command, *argument),
            Call::Ioctl { fd, request, argument } => self.ioctl(*fd, *request, *argument),
            Call::Getsockopt { fd, level, name, length } => self.getsockopt(*fd, *level, *name, *length),
            Call::Setsockopt { fd, level, name, value, length } => {
                self.setsockopt(*fd, *level, *name, value.as_deref(), *length)
            }
            Call::Poll { fds, .. } => self.poll(fds),
            Call::Dhcp { interface, command } => {
                self.stack.dhcp(*interface, *command).map_err(refused).and_then(|()| value(0))
            }
            Call::Getaddrinfo { name, family } => self.look_up(name, *family, progress),
            _ => match self.transfer(call, progress) {
                Some(attempt) => attempt,
                None => refuse(unserved(call)),
            },
        }
    }
}

impl<U: UserCalls> Descriptors<U> {
    /// getaddrinfo. What a stack does not tell of a failure is EAI_FAIL.
    fn look_up(&mut self, name: &str, family: i32, progress: &mut Progress) -> Attempt {
        let under_way = match progress.lookup {
            Some(lookup) => lookup,
            None => match self.stack.look_up(name, family == libc::AF_INET6).map_err(refused)? {
                Lookup::UnderWay(lookup) => *progress.lookup.insert(lookup),
                Lookup::NoName => return Ok(Outcome::value(libc::EAI_NONAME.into())),
            },
        };
        match self.stack.looked_up(under_way) {
            None => Err(Stop::Wait),
            Some(Ok(addresses)) => with(0, Output::Addresses(addresses)),
            Some(Err(LookupFailed)) => Ok(Outcome::value(libc::EAI_FAIL.into())),
        }
    }
}

fn refused(refusal: Refusal) -> Stop {
    match refusal {
        Refusal::Unsupported(what) | Refusal::Broken(what) => Stop::Refuse(what),
    }
}

/// What a call gives that ends with `errno`: what it has moved before, if anything.
fn ended(progress: &Progress, errno: i32) -> Outcome {
    match progress.written {
        0 => Outcome { result: Err(Errno(errno)), output: Output::None },
        written => Outcome::value(i64::try_from(written).unwrap_or(i64::MAX)),
    }
}

/// The descriptor and the flags of a call that may block on one descriptor.
fn blocking_of(call: &Call) -> Option<(i32, i32)> {
    match call {
        Call::Accept { fd }
        | Call::Connect { fd, .. }
        | Call::Read { fd, .. }
        | Call::Readv { fd, .. }
        | Call::Write { fd, .. }
        | Call::Writev { fd, .. } => Some((*fd, 0)),
        Call::Recv { fd, flags, .. }
        | Call::Recvfrom { fd, flags, .. }
        | Call::Recvmsg { fd, flags, .. }
        | Call::Send { fd, flags, .. }
        | Call::Sendto { fd, flags, .. }
        | Call::Sendmsg { fd, flags, .. } => Some((*fd, *flags)),
        _ => None,
    }
}

/// The name of what a call needs that user calls do not give.
fn unserved(call: &Call) -> &'static str {
    match call {
        Call::EpollCreate { .. } | Call::EpollCtl { .. } | Call::EpollWait { .. } => "epoll",
        Call::Open { .. } | Call::Sendfile { .. } | Call::Pipe | Call::Splice { .. } => "files and pipes",
        Call::CapSet { .. } => "process capabilities",
        Call::Shell { .. } => "shell",
        Call::Link { .. } => "link up and down",
        Call::Address { .. } => "changing addresses",
        Call::Route { .. } => "changing routes",
        Call::Group { .. } => "groups",
        Call::Set { .. } => "changing settings",
        _ => "this call",
    }
}
