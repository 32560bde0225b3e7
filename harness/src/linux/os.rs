//! Return values of system calls as results, and the few calls that every part here uses.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Turns a return value of -1 into the error that `errno` names.
pub(super) fn check(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Takes ownership of a descriptor that a system call has just returned.
pub(super) fn owned(returned: libc::c_int) -> io::Result<OwnedFd> {
    let fd = check(returned)?;
    // SAFETY: the caller hands over the return value of a call that made a new descriptor; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Says what was being done when an operation failed.
pub(super) trait Doing<T> {
    /// The error's text with `what` in front.
    fn doing(self, what: &str) -> Result<T, String>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: &str) -> Result<T, String> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

/// An ioctl whose argument is a structure that the kernel reads and may fill in.
pub(super) fn ioctl_struct<T>(fd: RawFd, request: libc::Ioctl, argument: &mut T) -> io::Result<()> {
    // SAFETY: each caller pairs `request` with the structure that the kernel expects for it, and the reference is
    // valid and exclusive for the length of the call.
    check(unsafe { libc::ioctl(fd, request, std::ptr::from_mut(argument)) }).map(drop)
}

/// Sets a socket option from a plain value.
pub(super) fn set_option<T: Copy>(fd: RawFd, level: i32, name: i32, value: T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), length) }).map(drop)
}

/// Waits until one of `fds` is readable or `timeout_ns` has passed; `None` waits without end. A signal ends it too.
pub(super) fn wait_readable(fds: &mut Vec<libc::pollfd>, timeout_ns: Option<u64>) -> io::Result<()> {
    let timeout = timeout_ns.map(|ns| libc::timespec {
        tv_sec: libc::time_t::try_from(ns / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(ns % 1_000_000_000).unwrap_or(0),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let count = libc::nfds_t::try_from(fds.len()).unwrap_or(0);
    // SAFETY: the array is `count` elements long and ours for the length of the call; the timeout is null or valid.
    let returned = unsafe { libc::ppoll(fds.as_mut_ptr(), count, timeout, std::ptr::null()) };
    match check(returned) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// What becomes readable when a child of this process that is not yet reaped ends.
pub(super) fn pidfd(child: u32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    let returned = unsafe { libc::syscall(libc::SYS_pidfd_open, child, 0) };
    owned(libc::c_int::try_from(returned).unwrap_or(-1))
}

/// An element for [`wait_readable`].
pub(super) fn readable(fd: RawFd) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}
