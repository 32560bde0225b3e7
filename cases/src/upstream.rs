//! In which families the public packetdrill scripts are run.

use harness::sut::Family;

/// The families that a script is meant for, which its name says: `*v6` is for IPv6 alone, `*v4` not for it.
pub fn families(id: &str) -> &'static [Family] {
    let all = &[Family::Ipv4, Family::Ipv6, Family::Ipv4MappedIpv6];
    match id {
        _ if id.ends_with("v6") => &all[1..2],
        _ if id.ends_with("v4") => &[Family::Ipv4, Family::Ipv4MappedIpv6],
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_name() {
        assert_eq!(families("tcp/sack/a").len(), 3);
        assert_eq!(families("tcp/mtu_probe/basic-v6"), [Family::Ipv6]);
        assert_eq!(families("tcp/mtu_probe/basic-v4"), [Family::Ipv4, Family::Ipv4MappedIpv6]);
    }
}
