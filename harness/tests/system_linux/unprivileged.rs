//! Without privileges: in a user namespace, whether or not /dev/net/tun is open to users.

use crate::{TUN, VETH, Wire};
use harness::linux::{Linux, Way};
use harness::sut::{Family, Medium, Rules};

/// nobody.
const NOBODY: libc::uid_t = 65534;

/// Bare IP datagrams over whatever link there is.
const IP: Wire = ("auto", Medium::Ip, Rules::Packetdrill);

/// Gives up root for good, where the process has it, and plays.
pub fn play() {
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
    crate::tcp(Family::Ipv4, VETH);
    crate::tcp(Family::Ipv6, VETH);
    crate::tcp(Family::Ipv4, IP);
    crate::udp(Family::Ipv6, IP);
    crate::shell::commands_with(VETH);
    if access.tun {
        crate::tcp(Family::Ipv4, TUN);
    }
}
