//! The view of the file system that a run's shell commands have.
//!
//! /tmp is a file system of the run's own, which is gone with it; of the kernel's settings only those of the network
//! namespace can be changed. Scripts pass files from one command to the next through /tmp, so the view lasts as long as the run.

use super::os::{Doing, check};
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Room for a run's files in /tmp.
const TMP_OPTIONS: &CStr = c"size=64m,mode=1777";

/// Gives the calling thread a view of its own, in which `directory` is the working directory.
///
/// A directory below /tmp stays where it is: what lies directly under /tmp on the way to it is mounted again, read-only
/// where that is allowed.
pub(super) fn enter(directory: Option<&Path>) -> Result<(), String> {
    let directory = match directory {
        Some(directory) => directory.to_owned(),
        None => std::env::current_dir().doing("the working directory")?,
    };
    let shown = directory.display().to_string();
    let directory = fs::canonicalize(directory).doing(&shown)?;
    // SAFETY: no pointers. Only this thread is concerned: its root and working directory become its own as well.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) }).doing("unshare(CLONE_NEWNS)")?;
    // Opened only now: a handle from outside cannot be mounted inside.
    let before = open_path(&directory).doing(&shown)?;
    let kept = match top_below_tmp(&directory) {
        Some(top) => Some((open_path(&top).doing(&shown)?, top)),
        None => None,
    };
    mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE, None).doing("making mounts private")?;
    mount(Some(c"tmpfs"), c"/tmp", Some(c"tmpfs"), libc::MS_NOSUID | libc::MS_NODEV, Some(TMP_OPTIONS))
        .doing("tmpfs on /tmp")?;
    if let Some((handle, top)) = kept {
        mount_again(&handle, &top).doing(&shown)?;
    }
    protect_settings()?;
    // /tmp itself has been hidden, but a handle on it still leads there.
    // SAFETY: no pointers.
    check(unsafe { libc::fchdir(before.as_raw_fd()) }).doing(&shown)?;
    if directory != Path::new("/tmp") {
        std::env::set_current_dir(&directory).doing(&shown)?;
    }
    Ok(())
}

/// The directory directly under /tmp in which `directory` is, or which it is.
fn top_below_tmp(directory: &Path) -> Option<PathBuf> {
    let below = directory.strip_prefix("/tmp").ok()?;
    Some(Path::new("/tmp").join(below.components().next()?))
}

fn open_path(path: &Path) -> io::Result<OwnedFd> {
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    Ok(fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?.into())
}

fn mount_again(handle: &OwnedFd, at: &Path) -> io::Result<()> {
    fs::create_dir(at)?;
    let from = CString::new(format!("/proc/self/fd/{}", handle.as_raw_fd()))?;
    let to = CString::new(at.as_os_str().as_bytes())?;
    mount(Some(&from), &to, None, libc::MS_BIND, None)?;
    // In a user namespace this may be refused where the original mount has options that must stay.
    let _ = mount(None, &to, None, libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY, None);
    Ok(())
}

/// Makes /proc/sys read-only but for net/, which is that of the calling thread's network namespace.
fn protect_settings() -> Result<(), String> {
    let same = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    let sys = c"/proc/sys";
    match mount(Some(sys), sys, None, libc::MS_BIND, None) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.doing("/proc/sys")?,
    }
    let net = c"/proc/sys/net";
    mount(Some(net), net, None, libc::MS_BIND, None).doing("/proc/sys/net")?;
    mount(None, sys, None, libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY | same, None)
        .doing("making /proc/sys read-only")
}

fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    options: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: every pointer is null or to a terminated string that outlives the call.
    let returned = unsafe {
        libc::mount(pointer(source), target.as_ptr(), pointer(kind), flags, pointer(options).cast())
    };
    check(returned).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_directly_under_tmp_is_kept() {
        for (directory, top) in [
            ("/tmp/a/b/c", Some("/tmp/a")),
            ("/tmp/a", Some("/tmp/a")),
            ("/tmp", None),
            ("/tmpx/a", None),
            ("/home/a", None),
        ] {
            assert_eq!(top_below_tmp(Path::new(directory)), top.map(PathBuf::from), "{directory}");
        }
    }
}
