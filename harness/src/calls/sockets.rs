//! The calls that make, name, connect and end sockets.

use super::address::Side;
use super::arguments::Arguments;
use super::descriptors::{Descriptor, Kind};
use super::outcome::Expect;
use super::signatures::Planned;
use crate::lang::Error;
use crate::lang::ast::Argument;
use crate::sut::{Call, SocketAddress};

const SOCK_STREAM: i32 = 1;
const SOCK_DGRAM: i32 = 2;
/// SOCK_NONBLOCK and SOCK_CLOEXEC stand above the type.
const SOCK_TYPE_MASK: i32 = 0xf;
const IPPROTO_ICMP: i32 = 1;
const IPPROTO_ICMPV6: i32 = 58;

pub(super) fn socket(a: &Arguments<'_>) -> Planned {
    let domain = match a.at(0) {
        Argument::Ellipsis => a.default_domain(),
        _ => a.int(0)?,
    };
    let (kind, protocol) = (a.int(1)?, a.int(2)?);
    let what = match (kind & SOCK_TYPE_MASK, protocol) {
        (SOCK_STREAM, _) => Kind::Stream,
        (SOCK_DGRAM, IPPROTO_ICMP | IPPROTO_ICMPV6) => Kind::Ping,
        (SOCK_DGRAM, _) => Kind::Datagram,
        _ => Kind::Raw,
    };
    Ok((Call::Socket { domain, kind, protocol }, Expect::Descriptor(Descriptor::new(what, domain))))
}

/// The address family of the socket at argument 0.
pub(super) fn domain_of(a: &Arguments<'_>) -> Result<i32, Error> {
    Ok(a.descriptor(0)?.map_or_else(|| a.default_domain(), |d| d.domain))
}

pub(super) fn bind(a: &Arguments<'_>) -> Planned {
    let fd = a.fd(0)?;
    let address = a.address(1, Side::Local, domain_of(a)?)?;
    a.ellipsis(2)?;
    Ok((Call::Bind { fd, address }, Expect::Number))
}

pub(super) fn listen(a: &Arguments<'_>) -> Planned {
    let call = Call::Listen { fd: a.fd(0)?, backlog: a.int(1)? };
    Ok((call, Expect::Listening { fd: a.int(0)? }))
}

pub(super) fn accept(a: &Arguments<'_>) -> Planned {
    let fd = a.fd(0)?;
    let address = a.expected_address(1)?;
    a.ellipsis(2)?;
    // The new descriptor is what the listener is, with streams that begin at 0.
    let (kind, domain) = a.descriptor(0)?.map_or((Kind::Stream, a.default_domain()), |d| (d.kind, d.domain));
    Ok((Call::Accept { fd }, Expect::Accepted { like: Descriptor::new(kind, domain), address }))
}

pub(super) fn connect(a: &Arguments<'_>) -> Planned {
    let fd = a.fd(0)?;
    let address = a.address(1, Side::Remote, domain_of(a)?)?;
    a.ellipsis(2)?;
    let expect = match address {
        SocketAddress::Unspecified => Expect::Dissolved { fd: a.int(0)? },
        SocketAddress::Ip(_) | SocketAddress::Null => Expect::Number,
    };
    Ok((Call::Connect { fd, address }, expect))
}

pub(super) fn close(a: &Arguments<'_>) -> Planned {
    Ok((Call::Close { fd: a.fd(0)? }, Expect::Closed { fd: a.int(0)? }))
}

pub(super) fn shutdown(a: &Arguments<'_>) -> Planned {
    Ok((Call::Shutdown { fd: a.fd(0)?, how: a.int(1)? }, Expect::Number))
}

pub(super) fn getsockname(a: &Arguments<'_>) -> Planned {
    let expected = a.expected_address(1)?;
    a.ellipsis(2)?;
    Ok((Call::Getsockname { fd: a.fd(0)? }, Expect::Address(expected)))
}

pub(super) fn getpeername(a: &Arguments<'_>) -> Planned {
    let expected = a.expected_address(1)?;
    a.ellipsis(2)?;
    Ok((Call::Getpeername { fd: a.fd(0)? }, Expect::Address(expected)))
}
