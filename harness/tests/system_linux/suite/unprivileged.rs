//! Without privileges: in a user namespace, whether or not /dev/net/tun is open to users.

use super::{TUN, VETH, Wire};
use harness::linux::{Linux, Way};
use harness::sut::{Family, Medium, Rules};

/// nobody.
const NOBODY: libc::uid_t = 65534;

/// Bare IP datagrams over whatever link there is.
const IP: Wire = ("auto", Medium::Ip, Rules::Packetdrill);

/// Gives up root for good, where the process has it, and plays.
pub(super) fn play() {
    // SAFETY: no pointers; what is refused is noticed by the probe below. A process that has changed its user does not own
    // its files in /proc until it is dumpable again, and could not write its own uid_map.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0, "setgroups");
            assert_eq!(libc::setresgid(NOBODY, NOBODY, NOBODY), 0, "setresgid");
            assert_eq!(libc::setresuid(NOBODY, NOBODY, NOBODY), 0, "setresuid");
            assert_eq!(libc::prctl(libc::PR_SET_DUMPABLE, 1), 0, "PR_SET_DUMPABLE");
        }
    }
    let access =
        Linux::probe().expect("sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces > 0");
    assert_eq!(access.way, Way::UserNamespace);
    // Each driver enters a user namespace inside the one before.
    super::tcp(Family::Ipv4, VETH);
    super::tcp(Family::Ipv6, VETH);
    super::tcp(Family::Ipv4, IP);
    super::udp(Family::Ipv6, IP);
    super::shell::commands_with(VETH);
    if access.tun {
        super::tcp(Family::Ipv4, TUN);
    }
}

/// Where no namespaces may be made the reason is said, and what would help.
pub(super) fn without_namespaces() {
    // SAFETY: no pointers; these cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    // SAFETY: no pointers.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWUSER) }, 0, "a user namespace to be poor in");
    for (file, text) in
        [("setgroups", "deny"), ("uid_map", &format!("0 {uid} 1")), ("gid_map", &format!("0 {gid} 1"))]
    {
        std::fs::write(format!("/proc/self/{file}"), text).expect(file);
    }
    for file in ["max_net_namespaces", "max_user_namespaces"] {
        std::fs::write(format!("/proc/sys/user/{file}"), "0").expect(file);
    }
    let why = Linux::probe().expect_err("no namespace can be made");
    assert!(why.contains("CLONE_NEWUSER") && why.contains("run as root") && !why.contains('\n'), "{why}");
}
