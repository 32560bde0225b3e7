//! Socket options of the levels IPPROTO_IP and IPPROTO_IPV6 (RFC 1122 3.4, RFC 3493 5, RFC 3542 6.5).

use super::call::Domain;
use super::errno::Errno;
use super::options::{Cutting, Options, Told};
use super::sent_options::SentOptions;
use super::sockopt::{integer, within};
use super::table::Socket;
use crate::config::Config;
use crate::host::Host;
use crate::time::Instant;
use std::net::IpAddr;

pub(super) const IP_TOS: i32 = 1;
pub(super) const IP_TTL: i32 = 2;
const IP_OPTIONS: i32 = 4;
pub(super) const IP_RECVOPTS: i32 = 6;
pub(super) const IP_PKTINFO: i32 = 8;
const IP_MTU_DISCOVER: i32 = 10;
pub(super) const IP_RECVERR: i32 = 11;
const IP_RECVTTL: i32 = 12;
const IP_RECVTOS: i32 = 13;
const IP_MTU: i32 = 14;
const IP_MULTICAST_IF: i32 = 32;
const IP_MULTICAST_TTL: i32 = 33;
const IP_ADD_MEMBERSHIP: i32 = 35;
const IP_DROP_MEMBERSHIP: i32 = 36;
const IP_PMTUDISC_DONT: i32 = 0;
const IP_PMTUDISC_WANT: i32 = 1;
const IP_PMTUDISC_DO: i32 = 2;
const IPV6_UNICAST_HOPS: i32 = 16;
pub(super) const IPV6_RECVERR: i32 = 25;
const IPV6_V6ONLY: i32 = 26;
/// RFC 3542 11.2.
const IPV6_DONTFRAG: i32 = 62;
const IPV6_TCLASS: i32 = 67;

impl Host {
    /// getsockopt with SOL_IP.
    pub(super) fn get_ip_option(&self, now: Instant, fd: i32, name: i32) -> Result<Vec<u8>, Errno> {
        match name {
            IP_MTU => {
                // Linux knows a path only where there is a peer.
                let remote = self.peer_of(fd).ok_or(Errno::ENOTCONN)?;
                Ok(i32::from(self.net.mtu_towards(now, remote, None)).to_ne_bytes().to_vec())
            }
            _ => get_ip(&self.sockets.table.get(fd)?.options, name, &self.net.config),
        }
    }

    /// setsockopt with SOL_IP.
    pub(super) fn set_ip_option(
        &mut self,
        now: Instant,
        fd: i32,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        match name {
            IP_ADD_MEMBERSHIP => self.set_membership_of(now, fd, value, true),
            IP_DROP_MEMBERSHIP => self.set_membership_of(now, fd, value, false),
            IP_MULTICAST_IF => self.set_multicast_interface(fd, value),
            _ => set_ip(&mut self.sockets.table.get_mut(fd)?.options, name, value),
        }
    }

    fn peer_of(&self, fd: i32) -> Option<IpAddr> {
        self.peer_address(fd).ok().map(|peer| match peer.ip() {
            IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(ip.into(), IpAddr::V4),
            ip => ip,
        })
    }
}

fn get_ip(options: &Options, name: i32, config: &Config) -> Result<Vec<u8>, Errno> {
    let number = match name {
        IP_OPTIONS => return Ok(options.sent_options.bytes().to_vec()),
        IP_TOS => i32::from(options.tos),
        IP_TTL => i32::from(options.ttl.unwrap_or(config.ipv4.ttl)),
        IP_RECVERR => i32::from(options.keep_errors),
        IP_MTU_DISCOVER => match options.cutting {
            Cutting::Here => IP_PMTUDISC_WANT,
            Cutting::Anywhere => IP_PMTUDISC_DONT,
            Cutting::Nowhere => IP_PMTUDISC_DO,
        },
        IP_MULTICAST_TTL => i32::from(options.multicast_ttl.unwrap_or(1)),
        name => i32::from(*told(&mut options.told.clone(), name).ok_or(Errno::ENOPROTOOPT)?),
    };
    Ok(number.to_ne_bytes().to_vec())
}

fn set_ip(options: &mut Options, name: i32, value: &[u8]) -> Result<(), Errno> {
    // These take a single byte too.
    let widened = if let [byte] = value { i32::from(*byte).to_ne_bytes().to_vec() } else { value.to_vec() };
    match name {
        IP_OPTIONS => options.sent_options = SentOptions::new(value)?,
        IP_TOS => options.tos = integer(&widened)?.to_le_bytes()[0],
        IP_TTL if integer(&widened)? == -1 => options.ttl = None,
        IP_TTL => options.ttl = u8::try_from(within(&widened, 1..=255)?).ok(),
        IP_RECVERR => options.keep_errors = integer(&widened)? != 0,
        IP_MTU_DISCOVER => {
            options.cutting = match integer(&widened)? {
                IP_PMTUDISC_DONT => Cutting::Anywhere,
                IP_PMTUDISC_WANT => Cutting::Here,
                IP_PMTUDISC_DO => Cutting::Nowhere,
                _ => return Err(Errno::EINVAL),
            };
        }
        IP_MULTICAST_TTL if integer(&widened)? == -1 => options.multicast_ttl = None,
        IP_MULTICAST_TTL => options.multicast_ttl = u8::try_from(within(&widened, 0..=255)?).ok(),
        name => {
            *told(&mut options.told, name).ok_or(Errno::ENOPROTOOPT)? = integer(&widened)? != 0;
        }
    }
    Ok(())
}

/// The switch behind an option's name.
fn told(told: &mut Told, name: i32) -> Option<&mut bool> {
    match name {
        IP_RECVOPTS => Some(&mut told.options),
        IP_PKTINFO => Some(&mut told.packet),
        IP_RECVTTL => Some(&mut told.ttl),
        IP_RECVTOS => Some(&mut told.tos),
        _ => None,
    }
}

pub(super) fn get_ipv6(socket: &Socket, name: i32, config: &Config) -> Result<Vec<u8>, Errno> {
    let options = &socket.options;
    let number = match name {
        _ if socket.domain == Domain::Inet => return Err(Errno::ENOPROTOOPT),
        IPV6_UNICAST_HOPS => i32::from(options.hop_limit.unwrap_or(config.ipv6.hop_limit)),
        IPV6_V6ONLY => i32::from(options.v6only),
        IPV6_RECVERR => i32::from(options.keep_errors),
        IPV6_DONTFRAG => i32::from(options.dont_fragment),
        IPV6_TCLASS => i32::from(options.traffic_class),
        _ => return Err(Errno::ENOPROTOOPT),
    };
    Ok(number.to_ne_bytes().to_vec())
}

pub(super) fn set_ipv6(socket: &mut Socket, name: i32, value: &[u8]) -> Result<(), Errno> {
    let bound = socket.local.is_some();
    let options = &mut socket.options;
    match name {
        _ if socket.domain == Domain::Inet => return Err(Errno::ENOPROTOOPT),
        IPV6_UNICAST_HOPS if integer(value)? == -1 => options.hop_limit = None,
        // 0 would never leave the host.
        IPV6_UNICAST_HOPS => options.hop_limit = u8::try_from(within(value, 0..=255)?.max(1)).ok(),
        // RFC 3493 5.3: before bind alone.
        IPV6_V6ONLY if bound => return Err(Errno::EINVAL),
        IPV6_V6ONLY => options.v6only = integer(value)? != 0,
        IPV6_RECVERR => options.keep_errors = integer(value)? != 0,
        IPV6_DONTFRAG => options.dont_fragment = integer(value)? != 0,
        IPV6_TCLASS if integer(value)? == -1 => options.traffic_class = 0,
        IPV6_TCLASS => options.traffic_class = u8::try_from(within(value, 0..=255)?).unwrap_or(0),
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}
