//! Groups that a case joins: each by a socket of its own, which leaves when it is closed.

use super::os::owned;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};

/// What was joined, on which interface.
#[derive(Default)]
pub(super) struct Memberships(Vec<(u32, IpAddr, OwnedFd)>);

impl Memberships {
    /// Joins or leaves `group` on the interface with this index.
    pub(super) fn change(&mut self, index: u32, group: IpAddr, join: bool) -> io::Result<()> {
        if join {
            let socket = joined(index, group)?;
            self.0.push((index, group, socket));
            return Ok(());
        }
        let known = self.0.iter().position(|(i, g, _)| (*i, *g) == (index, group));
        let known = known.ok_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL))?;
        self.0.remove(known);
        Ok(())
    }
}

fn joined(index: u32, group: IpAddr) -> io::Result<OwnedFd> {
    let family = if group.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    // SAFETY: no pointers.
    let socket = owned(unsafe { libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    match group {
        IpAddr::V4(group) => {
            let address = |a: Ipv4Addr| libc::in_addr { s_addr: u32::from(a).to_be() };
            let request = libc::ip_mreqn {
                imr_multiaddr: address(group),
                imr_address: address(Ipv4Addr::UNSPECIFIED),
                imr_ifindex: i32::try_from(index).unwrap_or(0),
            };
            set(&socket, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)?;
        }
        IpAddr::V6(group) => {
            let ipv6mr_multiaddr = libc::in6_addr { s6_addr: group.octets() };
            let request = libc::ipv6_mreq { ipv6mr_multiaddr, ipv6mr_interface: index };
            set(&socket, libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP, &request)?;
        }
    }
    Ok(socket)
}

fn set<T>(socket: &OwnedFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer and the length describe `value`.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const *value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
