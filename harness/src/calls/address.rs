//! Socket addresses in arguments: written out, or `...` for the ones that the run has by default.

use super::administration::interface_called;
use super::arguments::Arguments;
use crate::abi;
use crate::lang::Error;
use crate::lang::ast::{Argument, Expr};
use crate::suggest;
use crate::sut::{Family, SocketAddress};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

const AF_UNSPEC: i64 = 0;
const AF_INET: i64 = 2;
const AF_INET6: i64 = 10;

/// Which address `...` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// LOCAL and the local port: bind.
    Local,
    /// REMOTE and the remote port: connect, sendto.
    Remote,
}

impl Arguments<'_> {
    /// The domain of `socket(..., …)`: that of the run's family.
    pub(super) fn default_domain(&self) -> i32 {
        match self.world.setup.family {
            Family::Ipv4 | Family::None => AF_INET as i32,
            Family::Ipv6 | Family::Ipv4MappedIpv6 => AF_INET6 as i32,
        }
    }

    /// The address argument at `index` of a call on a socket of address family `domain`.
    pub(super) fn address(&self, index: usize, side: Side, domain: i32) -> Result<SocketAddress, Error> {
        match self.at(index) {
            Argument::Ellipsis => Ok(SocketAddress::Ip(self.default_address(side, domain))),
            Argument::SockAddr { family, port, address } => {
                self.written_address(family, port, address, domain).map(SocketAddress::Ip)
            }
            Argument::Word(word) if word == "NULL" => Ok(SocketAddress::Null),
            other => match self.value(other)? {
                AF_UNSPEC => Ok(SocketAddress::Unspecified),
                AF_INET => Ok(SocketAddress::Ip((Ipv4Addr::UNSPECIFIED, 0).into())),
                AF_INET6 => Ok(SocketAddress::Ip((Ipv6Addr::UNSPECIFIED, 0).into())),
                _ => Err(self.wrong(index, "`...`, an address in braces, AF_UNSPEC or NULL")),
            },
        }
    }

    /// The run's own address or its peer's, as a socket of this family has them.
    pub(super) fn default_address(&self, side: Side, domain: i32) -> SocketAddr {
        let (address, port) = match side {
            Side::Local => (self.world.local, self.world.local_port),
            Side::Remote => (self.world.remote, self.world.remote_port),
        };
        SocketAddr::new(mapped(address, domain), port)
    }

    /// An address that comes back, to compare with: `...` is none.
    pub(super) fn expected_address(&self, index: usize) -> Result<Option<SocketAddr>, Error> {
        match self.at(index) {
            Argument::Ellipsis => Ok(None),
            Argument::SockAddr { family, port, address } => {
                self.written_address(family, port, address, AF_INET as i32).map(Some)
            }
            _ => Err(self.wrong(index, "`...` or an address in braces")),
        }
    }

    fn written_address(
        &self,
        family: &str,
        port: &Expr,
        address: &str,
        domain: i32,
    ) -> Result<SocketAddr, Error> {
        let port = self.expr(port)?;
        let port =
            u16::try_from(port).map_err(|_| self.error(format!("{port} is not a port: 0 to 65535 are")))?;
        if !matches!(abi::symbol(family), Some(AF_INET | AF_INET6)) {
            let error =
                Error::new(&self.span_of(family), format!("`{family}` is no family of addresses here"));
            return Err(error.help("AF_INET and AF_INET6 are"));
        }
        let (address, zone) = self.zone(address)?;
        let found = self.world.address(address).ok_or_else(|| {
            let error = Error::new(&self.span_of(address), format!("`{address}` is not an address"));
            let hosts = self.world.hosts.iter().map(|h| h.name.as_str());
            let known: Vec<&str> = ["LOCAL", "REMOTE"].into_iter().chain(hosts).collect();
            match suggest::nearest(address, known.iter().copied()) {
                Some(name) => error.help(format!("did you mean `{name}`?")),
                None => error.help(format!("names are {}", known.join(", "))),
            }
        })?;
        let in_family = if self.world.setup.family == Family::Ipv6 { as_ipv6(found) } else { found };
        Ok(match mapped(in_family, domain) {
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, zone).into(),
            ip => SocketAddr::new(ip, port),
        })
    }

    /// What `ADDRESS%INTERFACE` means: the address and its zone, which is the interface's number counted from 1; 0 is the
    /// default zone.
    fn zone<'a>(&self, address: &'a str) -> Result<(&'a str, u32), Error> {
        let Some((text, interface)) = address.split_once('%') else { return Ok((address, 0)) };
        let zone = interface_called(self, interface)?.0 + 1;
        Ok((text, u32::try_from(zone).unwrap_or(u32::MAX)))
    }
}

/// Addresses that exist in both families: a script that writes them for IPv4 means the same in an IPv6 run.
fn as_ipv6(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::LOCALHOST) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}

/// An IPv4 address as an AF_INET6 socket has it (RFC 4291 section 2.5.5.2).
fn mapped(address: IpAddr, domain: i32) -> IpAddr {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) if i64::from(domain) == AF_INET6 => {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        }
        IpAddr::V4(v4) if i64::from(domain) == AF_INET6 => IpAddr::V6(v4.to_ipv6_mapped()),
        other => other,
    }
}

/// Two addresses as they are compared: a mapped one is the IPv4 address that it stands for, and a zone counts where it is
/// wanted.
pub(super) fn comparable(wanted: SocketAddr, found: SocketAddr) -> [SocketAddr; 2] {
    let zone = |address| if let SocketAddr::V6(v6) = address { v6.scope_id() } else { 0 };
    let has_zone = zone(wanted) != 0;
    [wanted, found].map(|address| match address.ip().to_canonical() {
        IpAddr::V6(ip) if has_zone => SocketAddrV6::new(ip, address.port(), 0, zone(address)).into(),
        ip => SocketAddr::new(ip, address.port()),
    })
}
