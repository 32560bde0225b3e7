//! Addresses as a socket's user says them and as they stand on the wire: an AF_INET6 socket speaks IPv4 through mapped
//! addresses (RFC 3493 3.7).

use super::call::Domain;
use super::errno::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address on the wire of what the user said, still with its zone. `v6only` sockets have no mapped addresses.
pub(super) fn to_wire(domain: Domain, v6only: bool, address: SocketAddr) -> Result<SocketAddr, Errno> {
    match (domain, address.ip()) {
        (Domain::Inet, IpAddr::V4(_)) => Ok(address),
        (Domain::Inet, IpAddr::V6(_)) => Err(Errno::EAFNOSUPPORT),
        // A sockaddr_in is shorter than what an AF_INET6 socket takes.
        (Domain::Inet6, IpAddr::V4(_)) => Err(Errno::EINVAL),
        (Domain::Inet6, IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(_) if v6only => Err(Errno::ENETUNREACH),
            Some(mapped) => Ok(SocketAddr::new(mapped.into(), address.port())),
            None => Ok(address),
        },
    }
}

/// What the user is told of an address on the wire.
pub(super) fn to_user(domain: Domain, address: SocketAddr) -> SocketAddr {
    match (domain, address.ip()) {
        (Domain::Inet6, IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        _ => address,
    }
}

/// The unspecified address of a family.
pub(super) fn any(domain: Domain) -> IpAddr {
    match domain {
        Domain::Inet => Ipv4Addr::UNSPECIFIED.into(),
        Domain::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let check = |domain, v6only, user: &str, wire: Result<&str, Errno>| {
            let wire = wire.map(address);
            assert_eq!(to_wire(domain, v6only, address(user)), wire);
            if let Ok(wire) = wire {
                assert_eq!(to_user(domain, wire), address(user));
            }
        };
        check(Domain::Inet, false, "192.0.2.1:80", Ok("192.0.2.1:80"));
        check(Domain::Inet, false, "[::1]:80", Err(Errno::EAFNOSUPPORT));
        check(Domain::Inet6, false, "192.0.2.1:80", Err(Errno::EINVAL));
        check(Domain::Inet6, false, "[::ffff:192.0.2.1]:80", Ok("192.0.2.1:80"));
        check(Domain::Inet6, true, "[::ffff:192.0.2.1]:80", Err(Errno::ENETUNREACH));
        check(Domain::Inet6, true, "[2001:db8::1]:80", Ok("[2001:db8::1]:80"));
    }
}
