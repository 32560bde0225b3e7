//! Network namespaces: whether they can be made here, and entering them.

use super::netlink::Netlink;
use super::os::{Doing, check, owned};
use crate::sut::MacAddress;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// How a network namespace can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With the privileges that the process has.
    Privileged,
    /// As root of a user namespace, which the process enters for good.
    UserNamespace,
}

/// What the machine lets the driver do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// How namespaces are made.
    pub way: Way,
    /// TUN and TAP devices can be made.
    pub tun: bool,
    /// veth pairs can be made, and packet sockets opened.
    pub veth: bool,
}

/// Tries in a child process what this machine allows, and leaves nothing behind.
///
/// # Errors
/// One line on why there can be no run here, and what would help.
pub(super) fn probe() -> Result<Access, String> {
    let privileged = probe_in_child(Way::Privileged);
    let tried = if privileged.is_ok() { privileged } else { probe_in_child(Way::UserNamespace) };
    let access = tried.map_err(|why| {
        format!("no network namespace can be made: {why}; run as root, or allow unprivileged user namespaces")
    })?;
    if !access.tun && !access.veth {
        return Err(
            "network namespaces can be made, but neither TUN devices (/dev/net/tun) nor veth pairs".into()
        );
    }
    Ok(access)
}

/// Runs [`attempt`] in a child, whose answer comes through a pipe as one line.
fn probe_in_child(way: Way) -> Result<Access, String> {
    let mut ends = [0; 2];
    // SAFETY: the array has room for two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }).doing("pipe")?;
    // SAFETY: both descriptors have just been made and are ours alone.
    let [mut read, write] = ends.map(|fd| unsafe { fs::File::from_raw_fd(fd) });
    // SAFETY: the child uses the allocator, which glibc and musl make usable after fork, takes no other lock, and leaves
    // with _exit, so that nothing of the parent's is flushed or dropped twice.
    let child = check(unsafe { libc::fork() }).doing("fork")?;
    if child == 0 {
        answer(&write, way);
    }
    drop(write);
    let mut line = String::new();
    let outcome = read.read_to_string(&mut line).doing("reading the probe's answer");
    // SAFETY: the child is ours, and a null pointer says that its status is not wanted.
    while unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) } < 0 {
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            break;
        }
    }
    outcome?;
    match line.strip_prefix("ok ") {
        Some(what) => Ok(Access { way, tun: what.contains("tun"), veth: what.contains("veth") }),
        None if line.is_empty() => Err("the probe died".into()),
        None => Err(line),
    }
}

/// The child's side of [`probe_in_child`].
fn answer(write: &fs::File, way: Way) -> ! {
    let line = match attempt(way) {
        Ok((tun, veth)) => format!("ok {}{}", if tun { "tun " } else { "" }, if veth { "veth" } else { "" }),
        Err(why) => why,
    };
    // SAFETY: the pointer and the length describe `line`; _exit does not return.
    unsafe {
        libc::write(write.as_raw_fd(), line.as_ptr().cast(), line.len());
        libc::_exit(0)
    }
}

fn attempt(way: Way) -> Result<(bool, bool), String> {
    if way == Way::UserNamespace {
        enter_user_namespace()?;
    }
    // SAFETY: no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) }).doing("unshare(CLONE_NEWNET)")?;
    let tun = super::link::Tun::open("probe0", super::link::Kind::Tun).is_ok();
    let here = current().doing("/proc/self/ns/net")?;
    let pair = Netlink::open().and_then(|mut netlink| {
        netlink.add_veth("probe1", MacAddress([2, 0, 0, 0, 0, 1]), "probe2", here.as_raw_fd())
    });
    // SAFETY: no pointers.
    let packet = owned(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) });
    Ok((tun, pair.is_ok() && packet.is_ok()))
}

/// Makes the process root of a user namespace of its own. It must have one thread, and stays there for good.
pub(super) fn enter_user_namespace() -> Result<(), String> {
    // SAFETY: no pointers; these calls cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    // SAFETY: no pointers.
    let entered = check(unsafe { libc::unshare(libc::CLONE_NEWUSER) });
    entered.map_err(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => "unshare(CLONE_NEWUSER): the process must have one thread only".to_owned(),
        _ => format!("unshare(CLONE_NEWUSER): {error}"),
    })?;
    fs::write("/proc/self/setgroups", "deny").doing("/proc/self/setgroups")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1")).doing("/proc/self/uid_map")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1")).doing("/proc/self/gid_map")
}

/// How often a new namespace is tried for where there are too many.
const TRIES: u32 = 200;

/// Puts the calling thread into a new, empty network namespace.
///
/// Namespaces without users are taken away some time later, so where there are too many it waits for that, for two seconds
/// in all.
pub(super) fn unshare_network() -> io::Result<()> {
    let mut tries = 0;
    loop {
        // SAFETY: no pointers.
        match check(unsafe { libc::unshare(libc::CLONE_NEWNET) }) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && tries < TRIES => tries += 1,
            result => return result.map(drop),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A handle on the calling thread's network namespace.
pub(super) fn current() -> io::Result<OwnedFd> {
    Ok(fs::File::open("/proc/thread-self/ns/net")?.into())
}

/// Puts the calling thread into the network namespace behind `handle`.
pub(super) fn enter(handle: &OwnedFd) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::setns(handle.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// Does something in another network namespace, and comes back.
pub(super) fn within<T>(
    there: &OwnedFd,
    here: &OwnedFd,
    act: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    enter(there).doing("entering a network namespace")?;
    let done = act();
    enter(here).doing("coming back to the run's network namespace")?;
    done
}
