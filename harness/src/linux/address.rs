//! Socket addresses between Rust's types and the kernel's structures.

use crate::sut::SocketAddress;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A socket address as the kernel takes and gives it.
pub(super) struct RawAddress {
    storage: libc::sockaddr_storage,
    /// Bytes of it that mean something, or, for the kernel to fill it in, its room.
    pub(super) length: libc::socklen_t,
    null: bool,
}

impl RawAddress {
    /// Room for any address.
    pub(super) fn room() -> RawAddress {
        RawAddress { storage: zeroed(), length: size::<libc::sockaddr_storage>(), null: false }
    }

    /// A null pointer with a length.
    pub(super) fn null(length: libc::socklen_t) -> RawAddress {
        RawAddress { storage: zeroed(), length, null: true }
    }

    /// An argument of `bind`, `connect` or `sendto`.
    ///
    /// `null_length` is the length that goes with a null pointer: for `sendto` 0, which says that there is no address;
    /// elsewhere an address's length, so that the kernel looks behind the pointer and finds EFAULT.
    pub(super) fn from_argument(address: &SocketAddress, null_length: libc::socklen_t) -> RawAddress {
        match address {
            SocketAddress::Ip(ip) => RawAddress::from_ip(*ip),
            // AF_UNSPEC is 0, and so is the rest.
            SocketAddress::Unspecified => {
                RawAddress { storage: zeroed(), length: size::<libc::sockaddr_in>(), null: false }
            }
            SocketAddress::Null => RawAddress::null(null_length),
        }
    }

    /// An IPv4 or IPv6 address with a port.
    pub(super) fn from_ip(address: SocketAddr) -> RawAddress {
        let mut raw = RawAddress::room();
        match address {
            SocketAddr::V4(v4) => {
                let sin = libc::sockaddr_in {
                    sin_family: family(libc::AF_INET),
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                raw.length = size::<libc::sockaddr_in>();
                // SAFETY: sockaddr_storage is larger than sockaddr_in and at least as aligned.
                unsafe { (&raw mut raw.storage).cast::<libc::sockaddr_in>().write(sin) };
            }
            SocketAddr::V6(v6) => {
                let sin6 = libc::sockaddr_in6 {
                    sin6_family: family(libc::AF_INET6),
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                raw.length = size::<libc::sockaddr_in6>();
                // SAFETY: sockaddr_storage is larger than sockaddr_in6 and at least as aligned.
                unsafe { (&raw mut raw.storage).cast::<libc::sockaddr_in6>().write(sin6) };
            }
        }
        raw
    }

    /// What the kernel reads.
    pub(super) fn as_ptr(&self) -> *const libc::sockaddr {
        if self.null { std::ptr::null() } else { (&raw const self.storage).cast() }
    }

    /// What the kernel writes to.
    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        if self.null { std::ptr::null_mut() } else { (&raw mut self.storage).cast() }
    }

    /// The address that the kernel filled in; `None` where there is none or it is of another family.
    pub(super) fn to_ip(&self) -> Option<SocketAddr> {
        let filled = |wanted: libc::socklen_t| self.length >= wanted;
        match libc::c_int::from(self.storage.ss_family) {
            libc::AF_INET if filled(size::<libc::sockaddr_in>()) => {
                // SAFETY: the family says that a sockaddr_in is there, and storage is large and aligned enough.
                let sin = unsafe { (&raw const self.storage).cast::<libc::sockaddr_in>().read() };
                let ip = Ipv4Addr::from(sin.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddrV4::new(ip, u16::from_be(sin.sin_port)).into())
            }
            libc::AF_INET6 if filled(size::<libc::sockaddr_in6>()) => {
                // SAFETY: as above, for sockaddr_in6.
                let sin6 = unsafe { (&raw const self.storage).cast::<libc::sockaddr_in6>().read() };
                let ip = Ipv6Addr::from(sin6.sin6_addr.s6_addr);
                let port = u16::from_be(sin6.sin6_port);
                Some(SocketAddrV6::new(ip, port, sin6.sin6_flowinfo, sin6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

fn zeroed() -> libc::sockaddr_storage {
    // SAFETY: all-zero bytes are a valid sockaddr_storage.
    unsafe { std::mem::zeroed() }
}

fn family(family: libc::c_int) -> libc::sa_family_t {
    libc::sa_family_t::try_from(family).unwrap_or(0)
}

/// A type's size as a socklen_t.
pub(super) fn size<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}

/// The length that goes with a null pointer where an address is wanted.
pub(super) fn length_for_null() -> libc::socklen_t {
    size::<libc::sockaddr_in>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_went() {
        for text in ["192.0.2.1:80", "[2001:db8::1]:65535", "[::ffff:192.0.2.1]:7", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().expect(text);
            assert_eq!(RawAddress::from_ip(address).to_ip(), Some(address));
        }
    }

    #[test]
    fn null_is_a_null_pointer() {
        let raw = RawAddress::from_argument(&SocketAddress::Null, 16);
        assert!(raw.as_ptr().is_null());
        assert_eq!(raw.length, 16);
        assert!(RawAddress::from_argument(&SocketAddress::Unspecified, 0).to_ip().is_none());
    }
}
