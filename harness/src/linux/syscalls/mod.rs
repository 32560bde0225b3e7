//! Every call of a script as the real system call.

mod descriptors;
mod event;
mod io;
mod message;
mod null;
mod option;
mod socket;

pub(super) use descriptors::Descriptors;
pub(super) use message::stamp_by;

use crate::sut::{Call, Errno, Outcome, Output};

/// The most that one buffer of a call holds: larger counts are cut, as the kernel may do with any count.
const LARGEST_BUFFER: usize = 16 << 20;

/// Whether a call may have to wait for a packet, a timer or another call.
pub(super) fn may_block(call: &Call) -> bool {
    !matches!(
        call,
        Call::Socket { .. }
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Shutdown { .. }
            | Call::Fcntl { .. }
            | Call::Ioctl { .. }
            | Call::Getsockopt { .. }
            | Call::Setsockopt { .. }
            | Call::Getsockname { .. }
            | Call::Getpeername { .. }
            | Call::Pipe
            | Call::EpollCreate { .. }
            | Call::EpollCtl { .. }
            | Call::CapSet { .. }
    )
}

/// Whether a call neither waits nor has anything sent.
pub(super) fn is_silent(call: &Call) -> bool {
    !may_block(call) && !matches!(call, Call::Shutdown { .. } | Call::Setsockopt { .. } | Call::Ioctl { .. })
        || matches!(call, Call::Setsockopt { level: libc::SOL_SOCKET, .. })
}

/// Whether the kernel goes on reading a call's bytes after the call has returned.
pub(super) fn lends_memory(call: &Call) -> bool {
    match call {
        Call::Send { flags, .. } | Call::Sendto { flags, .. } | Call::Sendmsg { flags, .. } => {
            flags & libc::MSG_ZEROCOPY != 0
        }
        _ => false,
    }
}

/// Makes a call on the calling thread and returns when it has completed; `None` where it is no system call.
pub(super) fn execute(call: &Call, fds: &Descriptors) -> Option<Outcome> {
    use Call::*;
    Some(match call {
        Socket { domain, kind, protocol } => socket::socket(fds, *domain, *kind, *protocol),
        Bind { fd, address } => socket::bind(fds.kernel(*fd), address),
        Listen { fd, backlog } => socket::listen(fds.kernel(*fd), *backlog),
        Accept { fd } => socket::accept(fds, *fd),
        Connect { fd, address } => socket::connect(fds.kernel(*fd), address),
        Shutdown { fd, how } => socket::shutdown(fds.kernel(*fd), *how),
        Getsockname { fd } => socket::name(fds.kernel(*fd), libc::getsockname),
        Getpeername { fd } => socket::name(fds.kernel(*fd), libc::getpeername),
        Read { fd, count } => io::read(fds.kernel(*fd), *count),
        Readv { fd, counts } => io::readv(fds.kernel(*fd), counts),
        Recv { fd, count, flags } => io::recv(fds.kernel(*fd), *count, *flags),
        Recvfrom { fd, count, flags } => io::recvfrom(fds.kernel(*fd), *count, *flags),
        Write { fd, data } => io::write(fds.kernel(*fd), data),
        Writev { fd, data } => io::writev(fds.kernel(*fd), data),
        Send { fd, data, flags } => io::send(fds.kernel(*fd), data, *flags),
        Sendto { fd, data, flags, address } => io::sendto(fds.kernel(*fd), data, *flags, address),
        Sendmsg { fd, message, flags } => message::sendmsg(fds.kernel(*fd), message, *flags),
        Recvmsg { fd, message, flags } => message::recvmsg(fds.kernel(*fd), message, *flags),
        Sendfile { out_fd, in_fd, offset, count } => {
            io::sendfile(fds.kernel(*out_fd), fds.kernel(*in_fd), *offset, *count)
        }
        Splice { fd_in, off_in, fd_out, off_out, len, flags } => {
            io::splice((fds.kernel(*fd_in), *off_in), (fds.kernel(*fd_out), *off_out), *len, *flags)
        }
        Pipe => descriptors::pipe(fds),
        Open { path, flags } => descriptors::open(fds, path, *flags),
        Close { fd } => descriptors::close(fds, *fd),
        Fcntl { fd, command, argument } => descriptors::fcntl(fds, *fd, *command, *argument),
        Ioctl { fd, request, argument } => option::ioctl(fds.kernel(*fd), *request, *argument),
        Getsockopt { fd, level, name, length } => option::getsockopt(fds.kernel(*fd), *level, *name, *length),
        Setsockopt { fd, level, name, value, length } => {
            option::setsockopt(fds.kernel(*fd), *level, *name, value.as_deref(), *length)
        }
        CapSet { effective, permitted, inheritable } => option::capset(*effective, *permitted, *inheritable),
        Poll { fds: array, timeout_ms } => event::poll(fds, array, *timeout_ms),
        EpollCreate { size } => event::epoll_create(fds, *size),
        EpollCtl { epfd, operation, fd, events, data } => {
            event::epoll_ctl((fds.kernel(*epfd), fds.kernel(*fd)), *operation, *events, *data)
        }
        EpollWait { epfd, max_events, timeout_ms } => {
            event::epoll_wait(fds.kernel(*epfd), *max_events, *timeout_ms)
        }
        NullBuffer(call) => null::execute(call, fds),
        Shell { .. } | Link { .. } | Address { .. } | Route { .. } | Group { .. } | Set { .. } => {
            return None;
        }
        // Nothing of the kernel's.
        Dhcp { .. } | Getaddrinfo { .. } | Getnameinfo { .. } | Reboot => return None,
    })
}

/// What a system call that returned `returned` gave, with `output` where it succeeded.
fn outcome(returned: i64, output: impl FnOnce(usize) -> Output) -> Outcome {
    match usize::try_from(returned) {
        Ok(count) => Outcome { result: Ok(returned), output: output(count) },
        Err(_) => last_error(),
    }
}

/// What a system call without output gave.
fn plain(returned: i64) -> Outcome {
    outcome(returned, |_| Output::None)
}

/// The calling thread's errno as a result. To be called before anything else can change it.
fn last_error() -> Outcome {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    Outcome { result: Err(Errno(errno)), output: Output::None }
}

/// A buffer of zeros for a call that asks for `count` bytes.
fn buffer(count: usize) -> Vec<u8> {
    vec![0; count.min(LARGEST_BUFFER)]
}
