//! Programs that end with whoever started them, together with everything that they have started.
//!
//! The program is the first of a PID namespace of its own, so the kernel kills what is left in there when it is over. Between it and
//! this process stands one that only waits: whichever of the two above it dies, the kernel tells the one below (PR_SET_PDEATHSIG).

use crate::linux::os::{Doing, check};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Starts a program from the calling thread, whose end is its end. Its exit status is 128 and the signal's number where one
/// killed it.
///
/// # Errors
/// Names the program that cannot be started.
pub(super) fn spawn(command: &mut Command) -> Result<Child, String> {
    let parent = std::process::id();
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(move || divide(parent)) };
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().doing(&name)
}

fn die_with_parent() -> io::Result<()> {
    // SAFETY: this prctl takes numbers alone.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) }).map(drop)
}

/// What the starting thread does not want to be interrupted by must reach the program all the same.
fn unblock_signals() -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid sigset_t, which sigemptyset then makes the empty one; nobody asks for the mask before.
    check(unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut())
    })
    .map(drop)
}

/// Becomes two processes: the one that waits never comes back from here, the other is first in a PID namespace.
fn divide(parent: u32) -> io::Result<()> {
    die_with_parent()?;
    unblock_signals()?;
    // SAFETY: no pointers; this cannot fail.
    if u32::try_from(unsafe { libc::getppid() }) != Ok(parent) {
        // It died before it was listened for.
        return Err(io::ErrorKind::NotFound.into());
    }
    let flags = libc::CLONE_NEWPID | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and with no stack this is fork; the child is a copy with one thread.
    let made = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match libc::pid_t::try_from(made) {
        Ok(0) => die_with_parent(),
        Ok(child @ 1..) => wait_for(child),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Waits for the child and ends as it did.
fn wait_for(child: libc::pid_t) -> ! {
    let mut status = 0;
    // SAFETY: the descriptors are this process's copies; the pointer is to a local; _exit does not return.
    unsafe {
        // Somebody waits for the end of the pipe on which a failing exec is told of.
        libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0);
        while libc::waitpid(child, &raw mut status, 0) < 0 && *libc::__errno_location() == libc::EINTR {}
        libc::_exit(if libc::WIFEXITED(status) {
            libc::WEXITSTATUS(status)
        } else {
            128 + libc::WTERMSIG(status)
        })
    }
}
