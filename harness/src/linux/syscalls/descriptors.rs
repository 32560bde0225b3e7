//! The descriptors of a run, and the calls that make and close them.

use super::{outcome, plain};
use crate::sut::{Outcome, Output};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

/// The descriptors that a run's calls have opened.
///
/// A script may name any number. Those that it did not open may be the harness's own, so the kernel is given a number that
/// cannot be open instead, and says EBADF by itself.
#[derive(Debug, Default)]
pub(in crate::linux) struct Descriptors {
    open: Mutex<BTreeSet<i32>>,
}

/// A descriptor that no process can have.
const NEVER_OPEN: i32 = i32::MAX;

impl Descriptors {
    fn set(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the kernel is given for the script's `fd`.
    pub(in crate::linux) fn kernel(&self, fd: i32) -> i32 {
        if fd < 0 || self.set().contains(&fd) { fd } else { NEVER_OPEN }
    }

    /// Notes what a call that opens a descriptor returned, and hands it on.
    pub(super) fn opened(&self, returned: i32) -> i64 {
        if returned >= 0 {
            self.set().insert(returned);
        }
        i64::from(returned)
    }

    /// Those open now.
    pub(in crate::linux) fn list(&self) -> Vec<i32> {
        self.set().iter().copied().collect()
    }

    /// Closes all of them. TCP connections are reset at once, since an orphan that goes on sending its FIN would keep
    /// the run's namespace alive for minutes.
    pub(in crate::linux) fn close_all(&self) {
        let reset = libc::linger { l_onoff: 1, l_linger: 0 };
        for fd in std::mem::take(&mut *self.set()) {
            // What is no socket refuses, which is as good.
            let _ = crate::linux::os::set_option(fd, libc::SOL_SOCKET, libc::SO_LINGER, reset);
            // SAFETY: the descriptor was opened by this run and is in nobody else's hands; it has just left the set.
            unsafe { libc::close(fd) };
        }
    }
}

/// pipe(2).
pub(super) fn pipe(fds: &Descriptors) -> Outcome {
    let mut ends = [0; 2];
    // SAFETY: the array has room for two descriptors.
    let returned = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    outcome(i64::from(returned), |_| {
        let [read, write] = ends.map(|fd| fds.opened(fd));
        Output::Descriptors(i32::try_from(read).unwrap_or(-1), i32::try_from(write).unwrap_or(-1))
    })
}

/// open(2), with mode 0644.
pub(super) fn open(fds: &Descriptors, path: &str, flags: i32) -> Outcome {
    let Ok(path) = CString::new(path) else { return Outcome::error(libc::EINVAL) };
    // SAFETY: the path is terminated and outlives the call; the mode is passed as the variadic argument it is.
    plain(fds.opened(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o644 as libc::c_uint) }))
}

/// close(2). The descriptor leaves the run's set before the kernel can give its number to anybody else.
pub(super) fn close(fds: &Descriptors, fd: i32) -> Outcome {
    let kernel = if fds.set().remove(&fd) { fd } else { fds.kernel(fd) };
    // SAFETY: the descriptor is the run's own, or one that is not open.
    plain(i64::from(unsafe { libc::close(kernel) }))
}

/// fcntl(2) with an integer argument. Commands that take a pointer find EFAULT or EINVAL behind it.
pub(super) fn fcntl(fds: &Descriptors, fd: i32, command: i32, argument: i64) -> Outcome {
    const INTEGER: [i32; 6] =
        [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];
    // A number taken for a pointer by a command that we do not know could let the kernel write to our memory.
    let argument = if INTEGER.contains(&command) { argument } else { 0 };
    // SAFETY: the commands listed take no pointer; any other is given a null one.
    let returned = unsafe { libc::fcntl(fds.kernel(fd), command, argument) };
    if matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC) {
        fds.opened(returned);
    }
    plain(i64::from(returned))
}
