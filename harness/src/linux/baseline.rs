//! The settings that every run starts from, as data.
//!
//! A new network namespace takes some of its settings from the host's first one: whatever an administrator or a
//! distribution set there would decide verdicts. These are set to what an untouched mainline kernel has, or to what makes a
//! run quiet and repeatable; everything else is the kernel's own default and is left alone.

use std::fs;
use std::io;

/// One setting below /proc/sys/net.
pub(super) struct Sysctl {
    /// Its path below /proc/sys/net; `DEV` stands for the interface's name.
    pub(super) path: &'static str,
    /// Its value.
    pub(super) value: &'static str,
    /// Why it is set.
    pub(super) why: &'static str,
}

const fn sysctl(path: &'static str, value: &'static str, why: &'static str) -> Sysctl {
    Sysctl { path, value, why }
}

const INHERITED: &str = "IPv4 devices inherit the first namespace's value: mainline's default";
const QUIET: &str = "a run has no router and no second host: nothing may be sent that no case asked for";

/// Set in every new namespace: what none takes over from the first one.
pub(super) const OWN: &[Sysctl] = &[sysctl(
    "ipv4/ping_group_range",
    "0 0",
    "distributions allow ping sockets to everybody, mainline to nobody",
)];

/// Set in every new namespace, before its interfaces are made.
pub(super) const NAMESPACE: &[Sysctl] = &[
    sysctl(
        "ipv4/conf/all/rp_filter",
        "0",
        "distributions turn it on; a case's sources may come from anywhere",
    ),
    sysctl("ipv4/conf/default/rp_filter", "0", INHERITED),
    sysctl("ipv4/conf/all/accept_redirects", "1", INHERITED),
    sysctl("ipv4/conf/default/accept_redirects", "1", INHERITED),
    sysctl("ipv4/conf/all/secure_redirects", "1", INHERITED),
    sysctl("ipv4/conf/default/secure_redirects", "1", INHERITED),
    sysctl("ipv4/conf/all/send_redirects", "1", INHERITED),
    sysctl("ipv4/conf/default/send_redirects", "1", INHERITED),
    sysctl("ipv4/conf/all/accept_source_route", "0", INHERITED),
    sysctl("ipv4/conf/default/accept_source_route", "1", INHERITED),
    sysctl("ipv4/conf/all/log_martians", "0", INHERITED),
    sysctl("ipv4/conf/default/log_martians", "0", INHERITED),
    sysctl("ipv4/conf/all/arp_ignore", "0", INHERITED),
    sysctl("ipv4/conf/default/arp_ignore", "0", INHERITED),
    sysctl("ipv4/conf/all/arp_announce", "0", INHERITED),
    sysctl("ipv4/conf/default/arp_announce", "0", INHERITED),
    sysctl("ipv4/conf/all/arp_filter", "0", INHERITED),
    sysctl("ipv4/conf/default/arp_filter", "0", INHERITED),
    sysctl("ipv4/conf/default/arp_accept", "0", INHERITED),
    sysctl("ipv4/conf/default/proxy_arp", "0", INHERITED),
    sysctl("ipv4/conf/default/promote_secondaries", "0", "systemd sets it: mainline's default"),
    sysctl("ipv4/conf/default/forwarding", "0", INHERITED),
    sysctl(
        "ipv4/tcp_rmem",
        "4096 131072 6291456",
        "inherited, and mainline's grows with the machine's memory",
    ),
    sysctl(
        "ipv4/tcp_wmem",
        "4096 16384 4194304",
        "inherited, and mainline's grows with the machine's memory",
    ),
    sysctl("ipv6/conf/default/disable_ipv6", "0", "inherited where core/devconf_inherit_init_net says so"),
    sysctl("ipv6/conf/default/accept_dad", "0", "an address must be usable at once"),
    sysctl("ipv6/conf/default/dad_transmits", "0", QUIET),
    sysctl("ipv6/conf/default/router_solicitations", "0", QUIET),
    sysctl(
        "ipv6/conf/default/mldv2_unsolicited_report_interval",
        "1",
        "group reports end before the run begins",
    ),
    sysctl("ipv6/conf/default/autoconf", "0", "addresses are those of the setup"),
    sysctl("ipv6/conf/default/use_tempaddr", "0", "addresses are those of the setup"),
    sysctl("ipv6/conf/default/accept_ra", "0", "routes are those of the setup"),
    sysctl("ipv6/conf/default/hop_limit", "64", "inherited where core/devconf_inherit_init_net says so"),
];

const NEIGHBOUR: &str = "neighbour parameters are copied from the first namespace: mainline's default";

/// Set for every interface once it is there.
pub(super) const INTERFACE: &[Sysctl] = &[
    sysctl("ipv4/neigh/DEV/base_reachable_time_ms", "30000", NEIGHBOUR),
    sysctl("ipv4/neigh/DEV/retrans_time_ms", "1000", NEIGHBOUR),
    sysctl("ipv4/neigh/DEV/delay_first_probe_time", "5", NEIGHBOUR),
    sysctl("ipv4/neigh/DEV/gc_stale_time", "60", NEIGHBOUR),
    sysctl("ipv4/neigh/DEV/mcast_solicit", "3", NEIGHBOUR),
    sysctl("ipv4/neigh/DEV/ucast_solicit", "3", NEIGHBOUR),
    sysctl("ipv4/neigh/DEV/app_solicit", "0", NEIGHBOUR),
    sysctl("ipv6/neigh/DEV/base_reachable_time_ms", "30000", NEIGHBOUR),
    sysctl("ipv6/neigh/DEV/retrans_time_ms", "1000", NEIGHBOUR),
    sysctl("ipv6/neigh/DEV/delay_first_probe_time", "5", NEIGHBOUR),
    sysctl("ipv6/neigh/DEV/mcast_solicit", "3", NEIGHBOUR),
    sysctl("ipv6/neigh/DEV/ucast_solicit", "3", NEIGHBOUR),
    sysctl("ipv6/neigh/DEV/app_solicit", "0", NEIGHBOUR),
];

/// Set in the namespace that holds the harness's ends of veth pairs: it must never answer by itself.
pub(super) const PEER: &[Sysctl] = &[
    sysctl("ipv6/conf/all/disable_ipv6", "1", "the harness's end must not speak"),
    sysctl("ipv6/conf/default/disable_ipv6", "1", "the harness's end must not speak"),
];

/// Where a namespace's settings are.
pub(super) const ROOT: &str = "/proc/sys/net";

/// Applies a table in the calling thread's namespace. Settings that this kernel lacks are left out: it has no such
/// function to be set.
///
/// # Errors
/// Names the setting that was refused.
pub(super) fn apply(table: &[Sysctl], device: &str) -> Result<(), String> {
    for setting in table {
        let path = setting.path.replace("DEV", device);
        match write(&path, setting.value) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("{ROOT}/{path} = {} ({}): {error}", setting.value, setting.why));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes one setting of the calling thread's namespace.
pub(super) fn write(path: &str, value: &str) -> io::Result<()> {
    fs::write(format!("{ROOT}/{path}"), value)
}

/// Makes the calling thread's namespace a router, or a host.
pub(super) fn set_forwarding(on: bool) -> Result<(), String> {
    for path in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        write(path, if on { "1" } else { "0" }).map_err(|error| format!("{ROOT}/{path}: {error}"))?;
    }
    Ok(())
}

/// What a folder of settings holds, in order.
pub(super) fn names(folder: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(format!("{ROOT}/{folder}"))?;
    let names: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    let mut names: Vec<String> = names?.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// Reads a file of one line.
pub(super) fn read_absolute(path: &str) -> io::Result<String> {
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

/// Major and minor number of the running kernel, as far as it can be told.
pub(super) fn release() -> Option<(u32, u32)> {
    numbers(&read_absolute("/proc/sys/kernel/osrelease").ok()?)
}

fn numbers(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Reads one setting of the calling thread's namespace.
pub(super) fn read(path: &str) -> io::Result<String> {
    read_absolute(&format!("{ROOT}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_release_begins_with_two_numbers() {
        for (release, expected) in
            [("6.12.117-oracle", Some((6, 12))), ("7.2-rc1", Some((7, 2))), ("6", None), ("", None)]
        {
            assert_eq!(numbers(release), expected, "{release}");
        }
    }

    #[test]
    fn no_setting_is_there_twice() {
        for table in [OWN, NAMESPACE, INTERFACE, PEER] {
            let paths: BTreeSet<_> = table.iter().map(|s| s.path).collect();
            assert_eq!(paths.len(), table.len());
        }
    }
}
