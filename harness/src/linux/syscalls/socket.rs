//! Calls that make, connect and name sockets.

use super::{Descriptors, outcome, plain};
use crate::linux::address::{RawAddress, length_for_null};
use crate::sut::{Outcome, Output, SocketAddress};

/// socket(2), closed on exec: a script's shell commands must not inherit it.
pub(super) fn socket(fds: &Descriptors, domain: i32, kind: i32, protocol: i32) -> Outcome {
    // SAFETY: no pointers.
    plain(fds.opened(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) }))
}

/// bind(2).
pub(super) fn bind(fd: i32, address: &SocketAddress) -> Outcome {
    let raw = RawAddress::from_argument(address, length_for_null());
    // SAFETY: `raw` outlives the call and its length is that of what is behind the pointer, or the pointer is null.
    plain(i64::from(unsafe { libc::bind(fd, raw.as_ptr(), raw.length) }))
}

/// connect(2).
pub(super) fn connect(fd: i32, address: &SocketAddress) -> Outcome {
    let raw = RawAddress::from_argument(address, length_for_null());
    // SAFETY: as for bind.
    plain(i64::from(unsafe { libc::connect(fd, raw.as_ptr(), raw.length) }))
}

/// listen(2).
pub(super) fn listen(fd: i32, backlog: i32) -> Outcome {
    // SAFETY: no pointers.
    plain(i64::from(unsafe { libc::listen(fd, backlog) }))
}

/// accept(2), which also tells the peer's address.
pub(super) fn accept(fds: &Descriptors, fd: i32) -> Outcome {
    let mut raw = RawAddress::room();
    let mut length = raw.length;
    // SAFETY: `raw` has room for `length` bytes, and both outlive the call.
    let returned =
        unsafe { libc::accept4(fds.kernel(fd), raw.as_mut_ptr(), &raw mut length, libc::SOCK_CLOEXEC) };
    outcome(fds.opened(returned), |_| {
        raw.length = length;
        Output::Address(raw.to_ip(), Vec::new())
    })
}

/// shutdown(2).
pub(super) fn shutdown(fd: i32, how: i32) -> Outcome {
    // SAFETY: no pointers.
    plain(i64::from(unsafe { libc::shutdown(fd, how) }))
}

/// The signature of getsockname and getpeername.
type Name = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

/// getsockname(2) or getpeername(2).
pub(super) fn name(fd: i32, call: Name) -> Outcome {
    let mut raw = RawAddress::room();
    let mut length = raw.length;
    // SAFETY: `raw` has room for `length` bytes, and both outlive the call.
    let returned = unsafe { call(fd, raw.as_mut_ptr(), &raw mut length) };
    outcome(i64::from(returned), |_| {
        raw.length = length;
        Output::Address(raw.to_ip(), Vec::new())
    })
}
