//! Calls that are made without a thread of their own.
//!
//! In a kernel that runs for the driver alone each system call costs a process switch of its host, and a call through a thread
//! costs seven. So a call that cannot wait is made where it is; whether one can is asked of the kernel first.

use super::executor::{Perform, Shared};
use super::os::{check, wait_readable};
use super::syscalls;
use crate::sut::{Call, Outcome};

/// A write of so many bytes fits into what a socket with default buffers has left while it calls itself writable.
const SMALL: usize = 2048;

/// Makes calls on the driver's own thread.
pub(super) struct Prompt {
    perform: Perform,
    /// A close may wait until everything was sent.
    lingers: bool,
    /// A socket that calls itself writable may still not take a small write at once.
    is_tight: bool,
}

impl Prompt {
    /// `perform` is what the threads of the run do.
    pub(super) fn new(perform: Perform) -> Prompt {
        Prompt { perform, lingers: false, is_tight: false }
    }

    /// Settings were made that decide when a write waits.
    pub(super) fn expect_tight_buffers(&mut self) {
        self.is_tight = true;
    }

    /// Makes the call, if it is certain that it does not wait.
    pub(super) fn try_call(&mut self, call: &Call, shared: &Shared) -> Option<Outcome> {
        if let Call::Setsockopt { level, name, .. } = call {
            let option = (*level, *name);
            self.lingers |= option == (libc::SOL_SOCKET, libc::SO_LINGER);
            self.is_tight |= TIGHTENING.contains(&option);
        }
        // Capabilities belong to a thread, and the driver's own are to stay.
        let has_capabilities = matches!(call, Call::CapSet { .. }) || shared.capabilities().is_some();
        if has_capabilities || syscalls::lends_memory(call) || self.may_wait(call, shared) {
            return None;
        }
        Some((self.perform)(call, shared))
    }

    fn may_wait(&self, call: &Call, shared: &Shared) -> bool {
        let readable = |fd: &i32| is_ready(shared.descriptors.kernel(*fd), libc::POLLIN);
        let writable = |fd: &i32, len: usize| {
            let fits = len <= SMALL && !self.is_tight;
            let fd = shared.descriptors.kernel(*fd);
            if fits { is_ready(fd, libc::POLLOUT) } else { is_nonblocking(fd) }
        };
        let waits_for_all = |flags: &i32| flags & libc::MSG_WAITALL != 0;
        let waits_never = |flags: &i32| flags & libc::MSG_DONTWAIT != 0;
        !match call {
            Call::Accept { fd } | Call::Read { fd, .. } | Call::Readv { fd, .. } => readable(fd),
            Call::Recv { fd, flags, .. }
            | Call::Recvfrom { fd, flags, .. }
            | Call::Recvmsg { fd, flags, .. } => {
                waits_never(flags) || (!waits_for_all(flags) && readable(fd))
            }
            Call::Write { fd, data } => writable(fd, data.len()),
            Call::Send { fd, data, flags } => waits_never(flags) || writable(fd, data.len()),
            Call::Connect { fd, .. } => is_nonblocking(shared.descriptors.kernel(*fd)),
            Call::Close { .. } => !self.lingers,
            Call::Poll { timeout_ms, .. } | Call::EpollWait { timeout_ms, .. } => *timeout_ms == 0,
            call => !syscalls::may_block(call),
        }
    }
}

/// Options that make writes wait earlier than they would.
const TIGHTENING: [(i32, i32); 3] = [
    (libc::SOL_SOCKET, libc::SO_SNDBUF),
    (libc::SOL_SOCKET, libc::SO_SNDBUFFORCE),
    (libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT),
];

/// Whether a call on `fd` that waits for `events` would return at once.
fn is_ready(fd: i32, events: i16) -> bool {
    let mut fds = vec![libc::pollfd { fd, events, revents: 0 }];
    let asked = wait_readable(&mut fds, Some(0));
    (asked.is_ok() && fds.iter().any(|fd| fd.revents != 0)) || is_nonblocking(fd)
}

fn is_nonblocking(fd: i32) -> bool {
    // SAFETY: no pointers.
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL) });
    // A descriptor that is not open has its error at once.
    flags.is_ok_and(|flags| flags & libc::O_NONBLOCK != 0)
}
