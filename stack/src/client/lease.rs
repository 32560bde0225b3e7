//! What a server's message gives to a client (RFC 2131 4.3.1, RFC 2132).

use crate::ip::Cidr;
use crate::time::Instant;
use crate::wire::dhcpv4::{Message, option};
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

/// RFC 2132 5.1: no link has a smaller MTU.
const LEAST_MTU: u16 = 68;
/// RFC 2132 9.2: for ever.
const INFINITE: u32 = u32::MAX;

/// What is configured besides the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// Leading bits of the address that name its network, where the server says so.
    pub(crate) prefix: Option<u8>,
    /// Default routers, the preferred one first.
    pub(crate) routers: Vec<Ipv4Addr>,
    /// Destinations with a router of their own.
    pub(crate) routes: Vec<(Cidr, Ipv4Addr)>,
    /// Name servers in order of preference.
    pub(crate) name_servers: Vec<IpAddr>,
    /// The domain for names that are not complete.
    pub(crate) domain: Option<String>,
    /// The link's MTU.
    pub(crate) mtu: Option<u16>,
}

/// An address that a server has lent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) address: Ipv4Addr,
    pub(crate) server: Ipv4Addr,
    pub(crate) parameters: Parameters,
    /// When it ends, and when it is to be renewed and rebound before that; `None`: never.
    pub(crate) times: Option<Times>,
}

/// The moments of a lease (RFC 2131 4.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) renew: Instant,
    pub(crate) rebind: Instant,
    pub(crate) end: Instant,
}

impl Parameters {
    pub(crate) fn of(message: &Message) -> Parameters {
        let domain = message.options.get(&option::DOMAIN_NAME);
        Parameters {
            prefix: message.address(option::SUBNET_MASK).and_then(prefix_of),
            routers: message.addresses(option::ROUTER),
            routes: static_routes(&message.addresses(option::STATIC_ROUTES)),
            name_servers: message.addresses(option::DNS).into_iter().map(IpAddr::V4).collect(),
            domain: domain.and_then(|bytes| core::str::from_utf8(bytes).ok()).map(str::to_owned),
            mtu: message.short(option::MTU).filter(|mtu| *mtu >= LEAST_MTU),
        }
    }
}

impl Lease {
    /// The lease that an ACK gives, counted from `asked`, when the request left; `None` where it gives none: no
    /// address of a host, no time. `fuzz` draws a number below the one that it is given.
    pub(crate) fn of(
        message: &Message,
        server: Ipv4Addr,
        asked: Instant,
        fuzz: &mut impl FnMut(Duration) -> Duration,
    ) -> Option<Lease> {
        let address = Some(message.header.yiaddr).filter(|address| is_host(*address))?;
        let times = match message.number(option::LEASE_TIME)? {
            0 => return None,
            INFINITE => None,
            seconds => {
                let wanted = [option::RENEWAL_TIME, option::REBINDING_TIME].map(|code| message.number(code));
                Some(Times::of(asked, seconds, wanted, fuzz))
            }
        };
        Some(Lease { address, server, parameters: Parameters::of(message), times })
    }

    /// The address with its network; of one that the server gives no mask for, with that of its class (RFC 950 2.2).
    pub(crate) fn cidr(&self) -> Cidr {
        let length = self.parameters.prefix.unwrap_or(class_prefix(self.address));
        Cidr { address: self.address.into(), length }
    }

    /// Whether the lease has not ended.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        self.times.is_none_or(|times| now < times.end)
    }
}

impl Times {
    /// RFC 2131 4.4.5: T1 before T2 before the end, 0.5 and 0.875 of the lease where the server says nothing or
    /// something else; both a little earlier by chance, so that clients do not all come at once.
    fn of(
        asked: Instant,
        seconds: u32,
        [t1, t2]: [Option<u32>; 2],
        fuzz: &mut impl FnMut(Duration) -> Duration,
    ) -> Times {
        let whole = Duration::from_secs(seconds.into());
        let said = |seconds: Option<u32>| seconds.map(|s| Duration::from_secs(s.into()));
        let (default_1, default_2) = (whole / 2, whole / 8 * 7);
        let (t1, t2) = match (said(t1).unwrap_or(default_1), said(t2).unwrap_or(default_2)) {
            (t1, t2) if t1 < t2 && t2 < whole => (t1, t2),
            _ => (default_1, default_2),
        };
        let (early_1, early_2) = (fuzz(t1 / 64), fuzz((t2 - t1) / 64));
        Times { renew: asked + (t1 - early_1), rebind: asked + (t2 - early_2), end: asked + whole }
    }
}

/// The prefix of a subnet mask; `None` where its ones are not all in front.
fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    let ones = bits.leading_ones();
    (ones + bits.trailing_zeros() == 32).then(|| u8::try_from(ones).unwrap_or(32))
}

fn class_prefix(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    }
}

/// Whether one host can have the address.
fn is_host(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && first < 224 && !address.is_loopback()
}

/// RFC 2132 5.8: pairs of a destination, which is a host or a network by its class, and its router. 0.0.0.0 is no
/// destination, and an odd address makes the whole list meaningless.
fn static_routes(addresses: &[Ipv4Addr]) -> Vec<(Cidr, Ipv4Addr)> {
    let whole = addresses.len().is_multiple_of(2);
    let pairs = addresses.chunks_exact(2).filter(|pair| whole && !pair[0].is_unspecified());
    pairs
        .map(|pair| {
            let class = class_prefix(pair[0]);
            let is_network = u32::from(pair[0]).checked_shl(class.into()).unwrap_or(0) == 0;
            let length = if is_network { class } else { 32 };
            (Cidr { address: pair[0].into(), length }, pair[1])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let check = |mask: [u8; 4], expected| assert_eq!(prefix_of(mask.into()), expected, "{mask:?}");
        check([255, 255, 255, 192], Some(26));
        check([0; 4], Some(0));
        check([255; 4], Some(32));
        check([255, 0, 255, 0], None);
    }

    #[test]
    fn times_of_a_lease() {
        let check = |t1, t2, expected: [u64; 3]| {
            let times = Times::of(Instant::from_secs(100), 800, [t1, t2], &mut |_| Duration::ZERO);
            let found = [times.renew, times.rebind, times.end];
            assert_eq!(found, expected.map(Instant::from_secs));
        };
        check(None, None, [500, 800, 900]);
        check(Some(100), Some(200), [200, 300, 900]);
        check(Some(100), None, [200, 800, 900]);
        // Out of order: the defaults.
        check(Some(300), Some(200), [500, 800, 900]);
        check(Some(300), Some(800), [500, 800, 900]);
    }

    #[test]
    fn the_fuzz_keeps_the_order() {
        let times = Times::of(Instant::ZERO, 800, [Some(699), Some(700)], &mut |most| most);
        assert!(times.renew < times.rebind && times.rebind < times.end);
    }

    #[test]
    fn routes_of_hosts_and_networks() {
        let a = |text: &str| text.parse::<Ipv4Addr>().unwrap();
        let (net, host, router) = (a("198.51.100.0"), a("203.0.113.9"), a("192.0.2.2"));
        let routes = static_routes(&[net, router, Ipv4Addr::UNSPECIFIED, router, host, router]);
        let found: Vec<_> = routes.iter().map(|(to, via)| (to.address, to.length, *via)).collect();
        assert_eq!(found, [(net.into(), 24, router), (host.into(), 32, router)]);
        assert_eq!(static_routes(&[net, router, host]), []);
    }
}
