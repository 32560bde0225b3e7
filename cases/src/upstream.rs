//! How the two public collections of packetdrill scripts are run: in which families, with which options and defines.
//!
//! Google's is `gtests/net/packetdrill/run_all.py` of google/packetdrill; the kernel's is
//! `tools/testing/selftests/net/packetdrill/ksft_runner.sh`.

use harness::sut::Family;
use std::collections::BTreeMap;
use std::path::Path;

/// Whose runner's defaults apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// Google's.
    Google,
    /// The Linux kernel's.
    Kernel,
}

impl Runner {
    /// The runner for the scripts in `folder`: the kernel's where its `ksft_runner.sh` stands there or above.
    pub fn of(folder: &Path) -> Runner {
        let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let has_runner = absolute.ancestors().any(|a| a.join("ksft_runner.sh").is_file());
        if has_runner { Runner::Kernel } else { Runner::Google }
    }

    /// packetdrill's options for a run, as its command line takes them.
    pub fn options(self, family: Family) -> Vec<String> {
        let addresses: &[&str] = if family.is_ipv6_on_wire() {
            &[
                "--mtu=1520",
                "--local_ip=fd3d:0a0b:17d6::1",
                "--gateway_ip=fd3d:0a0b:17d6:8888::1",
                "--remote_ip=fd3d:fa7b:d17d::1",
            ]
        } else {
            &[
                "--local_ip=192.168.0.1",
                "--gateway_ip=192.168.0.1",
                "--netmask_ip=255.255.0.0",
                "--remote_ip=192.0.2.1",
            ]
        };
        let mut options = vec![format!("--ip_version={family}")];
        options.extend(addresses.iter().map(|o| (*o).to_owned()));
        if self == Runner::Google {
            options.push("--send_omit_free".to_owned());
        }
        options
    }

    /// The symbols that are replaced while a script is read.
    pub fn defines(self, family: Family) -> BTreeMap<String, String> {
        let wire6 = family.is_ipv6_on_wire();
        let api6 = family != Family::Ipv4;
        let pick = |is_ipv6: bool, six: &'static str, four: &'static str| if is_ipv6 { six } else { four };
        let mut defines = vec![
            ("TFO_COOKIE", pick(wire6, "c1d1e9742a47a9bc", "3021b9d889017eeb")),
            ("CMSG_LEVEL_IP", pick(api6, "SOL_IPV6", "SOL_IP")),
            ("CMSG_TYPE_RECVERR", pick(api6, "IPV6_RECVERR", "IP_RECVERR")),
        ];
        match self {
            Runner::Kernel => {
                defines.push(("TFO_COOKIE_ZERO", pick(wire6, "82af1a8f9a205c34", "b7c12350a90dc8f5")))
            }
            Runner::Google if !wire6 => defines.push(("CODE", "host_unreachable")),
            Runner::Google => {}
        }
        defines.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

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

    #[test]
    fn a_mapped_socket_has_ipv6_messages_and_ipv4_addresses() {
        let defines = Runner::Google.defines(Family::Ipv4MappedIpv6);
        assert_eq!(defines["CMSG_LEVEL_IP"], "SOL_IPV6");
        assert_eq!(defines["TFO_COOKIE"], "3021b9d889017eeb");
        assert_eq!(defines["CODE"], "host_unreachable");
        let options = Runner::Google.options(Family::Ipv4MappedIpv6);
        assert_eq!(options[0], "--ip_version=ipv4-mapped-ipv6");
        assert!(options.contains(&"--remote_ip=192.0.2.1".to_owned()));
    }
}
