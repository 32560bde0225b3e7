//! Socket options of the levels IPPROTO_IP and IPPROTO_IPV6 (RFC 3493 5, RFC 3542 6.5).

use super::call::Domain;
use super::errno::Errno;
use super::options::Options;
use super::sockopt::{integer, within};
use super::table::Socket;
use crate::config::Config;

const IP_TOS: i32 = 1;
const IP_TTL: i32 = 2;
const IPV6_UNICAST_HOPS: i32 = 16;
const IPV6_V6ONLY: i32 = 26;
/// RFC 3542 11.2.
const IPV6_DONTFRAG: i32 = 62;
const IPV6_TCLASS: i32 = 67;

pub(super) fn get_ip(options: &Options, name: i32, config: &Config) -> Result<Vec<u8>, Errno> {
    let number = match name {
        IP_TOS => i32::from(options.tos),
        IP_TTL => i32::from(options.ttl.unwrap_or(config.ipv4.ttl)),
        _ => return Err(Errno::ENOPROTOOPT),
    };
    Ok(number.to_ne_bytes().to_vec())
}

pub(super) fn set_ip(options: &mut Options, name: i32, value: &[u8]) -> Result<(), Errno> {
    // These take a single byte too.
    let widened = if let [byte] = value { i32::from(*byte).to_ne_bytes().to_vec() } else { value.to_vec() };
    match name {
        IP_TOS => options.tos = integer(&widened)?.to_le_bytes()[0],
        IP_TTL if integer(&widened)? == -1 => options.ttl = None,
        IP_TTL => options.ttl = u8::try_from(within(&widened, 1..=255)?).ok(),
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}

pub(super) fn get_ipv6(socket: &Socket, name: i32, config: &Config) -> Result<Vec<u8>, Errno> {
    let options = &socket.options;
    let number = match name {
        _ if socket.domain == Domain::Inet => return Err(Errno::ENOPROTOOPT),
        IPV6_UNICAST_HOPS => i32::from(options.hop_limit.unwrap_or(config.ipv6.hop_limit)),
        IPV6_V6ONLY => i32::from(options.v6only),
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
        IPV6_DONTFRAG => options.dont_fragment = integer(value)? != 0,
        IPV6_TCLASS if integer(value)? == -1 => options.traffic_class = 0,
        IPV6_TCLASS => options.traffic_class = u8::try_from(within(value, 0..=255)?).unwrap_or(0),
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}
