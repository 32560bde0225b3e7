//! The groups that sockets join (RFC 1112 6.1, RFC 1122 3.3.7): IP_ADD_MEMBERSHIP and IP_DROP_MEMBERSHIP.

use super::errno::Errno;
use super::options::Options;
use crate::host::Host;
use crate::time::Instant;
use std::net::{IpAddr, Ipv4Addr};

/// The groups that a socket may be in at once, as Linux has it.
const MOST: usize = 20;

impl Host {
    /// `value` is a struct ip_mreq or ip_mreqn: a group, and an address or the number of an interface.
    pub(super) fn set_membership_of(
        &mut self,
        now: Instant,
        fd: i32,
        value: &[u8],
        join: bool,
    ) -> Result<(), Errno> {
        let group = IpAddr::V4(address(value, 0)?);
        if !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        let interface = self.interface_of(value, group)?;
        let memberships = &mut self.sockets.table.get_mut(fd)?.options.memberships;
        let place = memberships.iter().position(|known| *known == (interface, group));
        match (join, place) {
            (true, Some(_)) => return Err(Errno::EADDRINUSE),
            (true, None) if memberships.len() >= MOST => return Err(Errno::ENOBUFS),
            (true, None) => memberships.push((interface, group)),
            (false, Some(place)) => drop(memberships.swap_remove(place)),
            (false, None) => return Err(Errno::EADDRNOTAVAIL),
        }
        self.set_membership(now, interface, group, join);
        Ok(())
    }

    /// The interface that a struct names behind its group; where it does not, the one that datagrams to the group leave by.
    fn interface_of(&self, value: &[u8], group: IpAddr) -> Result<usize, Errno> {
        let named = match value.get(8..12) {
            Some(number) => i32::from_ne_bytes([number[0], number[1], number[2], number[3]]),
            None => 0,
        };
        if named > 0 {
            let interface = usize::try_from(named).map_or(usize::MAX, |named| named - 1);
            return (interface < self.net.interfaces.len()).then_some(interface).ok_or(Errno::ENODEV);
        }
        match address(value, 4)? {
            own if !own.is_unspecified() => self.net.owner_of(own.into()).ok_or(Errno::ENODEV),
            _ => self.net.route(group, None).map(|hop| hop.interface).ok_or(Errno::ENODEV),
        }
    }

    /// IP_MULTICAST_IF: the interface that has this address; with 0.0.0.0, whatever the routes say.
    pub(super) fn set_multicast_interface(&mut self, fd: i32, value: &[u8]) -> Result<(), Errno> {
        let own = address(value, 0)?;
        let interface = match own.is_unspecified() {
            true => None,
            false => Some(self.net.owner_of(own.into()).ok_or(Errno::EADDRNOTAVAIL)?),
        };
        self.sockets.table.get_mut(fd)?.options.multicast_interface = interface;
        Ok(())
    }

    /// A socket that is closed leaves its groups.
    pub(super) fn leave_groups(&mut self, now: Instant, options: &Options) {
        for (interface, group) in &options.memberships {
            self.set_membership(now, *interface, *group, false);
        }
    }
}

fn address(value: &[u8], at: usize) -> Result<Ipv4Addr, Errno> {
    match value.get(at..at + 4) {
        Some([a, b, c, d]) => Ok(Ipv4Addr::new(*a, *b, *c, *d)),
        _ => Err(Errno::EINVAL),
    }
}
