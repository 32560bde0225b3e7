//! Addresses with prefix lengths, and what kind of address one is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address.
    pub address: IpAddr,
    /// Leading bits that name the network: 0 to 32, or 0 to 128; more means all.
    pub length: u8,
}

impl Cidr {
    /// Whether `address` has the prefix.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                (u32::from(net) ^ u32::from(address)) & self.mask4() == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                (u128::from(net) ^ u128::from(address)) & self.mask6() == 0
            }
            _ => false,
        }
    }

    /// Whether `address` is the network's broadcast address: its host part all ones (RFC 922), or all zeros, the old
    /// form (RFC 1122 3.3.6). Networks of 31 and 32 bits have none (RFC 3021).
    pub fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        let hosts = !self.mask4();
        let host = u32::from(address) & hosts;
        self.length < 31 && self.contains(address.into()) && (host == hosts || host == 0)
    }

    /// The first address with the prefix.
    pub(crate) fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(a) => Ipv4Addr::from(u32::from(a) & self.mask4()).into(),
            IpAddr::V6(a) => Ipv6Addr::from(u128::from(a) & self.mask6()).into(),
        }
    }

    fn mask6(&self) -> u128 {
        u128::MAX.checked_shl(128u32.saturating_sub(self.length.into())).unwrap_or(0)
    }

    fn mask4(&self) -> u32 {
        u32::MAX.checked_shl(32u32.saturating_sub(self.length.into())).unwrap_or(0)
    }
}

/// The solicited-node multicast group of an address (RFC 4291 2.7.1).
pub(crate) fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from(b) << 8 | u16::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cidr: (&str, u8), inside: &[&str], outside: &[&str]) {
        let cidr = Cidr { address: cidr.0.parse().unwrap(), length: cidr.1 };
        inside.iter().for_each(|a| assert!(cidr.contains(a.parse().unwrap()), "{a} in {cidr:?}"));
        outside.iter().for_each(|a| assert!(!cidr.contains(a.parse().unwrap()), "{a} not in {cidr:?}"));
    }

    #[test]
    fn prefixes_of_every_kind() {
        check(("192.0.2.1", 24), &["192.0.2.0", "192.0.2.255"], &["192.0.3.1", "::c000:201"]);
        check(("0.0.0.0", 0), &["255.255.255.255"], &["::"]);
        check(("192.0.2.1", 32), &["192.0.2.1"], &["192.0.2.0"]);
        check(("2001:db8::1", 33), &["2001:db8:7fff::"], &["2001:db8:8000::"]);
        check(("::", 0), &["ffff::"], &["0.0.0.0"]);
        check(("::1", 128), &["::1"], &["::"]);
    }

    #[test]
    fn broadcasts_of_a_subnet() {
        let check = |length, address: &str, expected| {
            let cidr = Cidr { address: [192, 0, 2, 129].into(), length };
            assert_eq!(cidr.is_broadcast(address.parse().unwrap()), expected, "{address}/{length}");
        };
        check(24, "192.0.2.255", true);
        check(24, "192.0.2.0", true);
        check(25, "192.0.2.127", false);
        check(25, "192.0.2.128", true);
        check(31, "192.0.2.129", false);
        check(32, "192.0.2.129", false);
    }

    #[test]
    fn the_example_of_rfc_4291() {
        let address = "4037::01:800:200e:8c6c".parse().unwrap();
        assert_eq!(solicited_node(address), "ff02::1:ff0e:8c6c".parse::<Ipv6Addr>().unwrap());
    }
}
