//! Named settings: those of a setup, and those that a case changes while it runs.

use super::baseline;
use crate::sut::{Outcome, Refusal, Rules, Setup};
use std::io;

const CONGESTION_CONTROL: &str = "ipv4/tcp_congestion_control";

/// The size of the segments that injected TCP segments claim to be merged from: packetdrill's `--mss`.
const GSO: &str = "gso";

/// What [`GSO`] says in `setup`, 0 where it says nothing.
///
/// # Errors
/// [`Refusal::Broken`] where it is no number of 16 bits.
pub(super) fn gso_size(setup: &Setup) -> Result<u16, Refusal> {
    let Some(text) = setup.settings.get(GSO) else { return Ok(0) };
    text.parse().map_err(|_| Refusal::Broken(format!("{GSO}={text}: not a number from 0 to 65535")))
}

/// What a setting's name stands for.
struct Setting {
    name: &'static str,
    paths: &'static [&'static str],
}

/// The settings that a case may change, with the kernel's names for them. `DEV` stands for an interface's name, `*` for
/// every name that there is.
const SETTINGS: &[Setting] = &[
    Setting { name: "cc", paths: &[CONGESTION_CONTROL] },
    Setting {
        name: "ttl",
        paths: &["ipv4/ip_default_ttl", "ipv6/conf/all/hop_limit", "ipv6/conf/default/hop_limit"],
    },
    Setting { name: "error_interval", paths: &["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] },
    Setting { name: "forwarding", paths: &["ipv4/ip_forward", "ipv6/conf/all/forwarding"] },
    Setting { name: "DEV.forwarding", paths: &["ipv4/conf/DEV/forwarding", "ipv6/conf/DEV/forwarding"] },
    // Both the switch for all and that of the interface where the broadcast comes in must be on.
    Setting { name: "directed_broadcasts", paths: &["ipv4/conf/*/bc_forwarding"] },
    Setting { name: "arp_timeout", paths: &["ipv4/neigh/*/base_reachable_time"] },
    Setting { name: "dad_transmits", paths: &["ipv6/conf/*/dad_transmits"] },
    Setting { name: "form_addresses", paths: &["ipv6/conf/*/autoconf"] },
    Setting { name: "source_filter", paths: &["ipv4/conf/all/rp_filter"] },
];

/// A setting's value that stands for values of the kernel's own settings.
struct Choice {
    setting: &'static str,
    value: &'static str,
    sysctls: &'static [(&'static str, &'static str)],
    /// The first release that has it no more.
    until: Option<(u32, u32)>,
}

const ECN: &str = "ipv4/tcp_ecn";
/// Segments are lost by count and not by time (RACK-TLP, RFC 8985), and a time-out is never called spurious (F-RTO, RFC 5682).
const BY_COUNT: [(&str, &str); 3] =
    [("ipv4/tcp_recovery", "0"), ("ipv4/tcp_early_retrans", "0"), ("ipv4/tcp_frto", "0")];

/// What cases ask for beyond [`SETTINGS`], where the kernel has it.
const CHOICES: &[Choice] = &[
    Choice { setting: "ecn", value: "off", sysctls: &[(ECN, "0")], until: None },
    Choice { setting: "ecn", value: "on", sysctls: &[(ECN, "1")], until: None },
    Choice { setting: "ecn", value: "accept", sysctls: &[(ECN, "2")], until: None },
    Choice { setting: "dsack", value: "on", sysctls: &[("ipv4/tcp_dsack", "1")], until: None },
    // Linux 6.17 has removed it; without SACK the count of duplicates remains.
    Choice { setting: "recovery", value: "rfc6675", sysctls: &BY_COUNT, until: Some((6, 17)) },
    Choice {
        setting: "recovery",
        value: "rfc6582",
        sysctls: &[BY_COUNT[0], BY_COUNT[1], BY_COUNT[2], ("ipv4/tcp_sack", "0")],
        until: None,
    },
    Choice {
        setting: "recovery",
        value: "rack",
        sysctls: &[("ipv4/tcp_recovery", "1"), ("ipv4/tcp_early_retrans", "3"), BY_COUNT[2]],
        until: None,
    },
    Choice { setting: "fastopen", value: "on", sysctls: &[("ipv4/tcp_fastopen", "3")], until: None },
    Choice { setting: "fastopen", value: "off", sysctls: &[("ipv4/tcp_fastopen", "0")], until: None },
    Choice { setting: "syncookies", value: "always", sysctls: &[("ipv4/tcp_syncookies", "2")], until: None },
    Choice { setting: "syncookies", value: "never", sysctls: &[("ipv4/tcp_syncookies", "0")], until: None },
    // The kernel's own, since 2.6.39.
    Choice { setting: "iw", value: "rfc6928", sysctls: &[], until: None },
];

/// The choice of that value, where this kernel has it.
fn choice(setting: &str, value: &str) -> Option<&'static Choice> {
    let choice = CHOICES.iter().find(|choice| (choice.setting, choice.value) == (setting, value))?;
    let is_there = choice.until.is_none_or(|until| baseline::release().is_some_and(|own| own < until));
    is_there.then_some(choice)
}

impl Choice {
    fn apply(&self) -> io::Result<()> {
        self.sysctls.iter().try_for_each(|(path, value)| baseline::write(path, value))
    }
}

/// What `autoconf=on` changes once the interfaces are there: what [`baseline`] has turned off is mainline's default again,
/// with RFC 4861's number of solicitations, and the RFCs' MLD interval.
const AUTOCONF: &[(&str, &str)] = &[
    ("accept_dad", "1"),
    ("dad_transmits", "1"),
    ("router_solicitations", "3"),
    ("mldv2_unsolicited_report_interval", "1000"),
    ("autoconf", "1"),
    ("accept_ra", "1"),
];

fn enable_autoconf() -> io::Result<()> {
    for device in baseline::names("ipv6/conf/")? {
        for (name, value) in AUTOCONF {
            baseline::write(&format!("ipv6/conf/{device}/{name}"), value)?;
        }
    }
    Ok(())
}

/// A congestion control that the namespace refuses as its default, and that each TCP socket is given instead.
///
/// A namespace takes only the algorithms that the first one allows to everybody (`tcp_allowed_congestion_control`),
/// whoever asks; a socket takes any from a caller with CAP_NET_ADMIN. Accepted connections have their listener's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BySocket {
    /// What sockets get.
    pub(super) algorithm: String,
    /// The namespace's default as long as the script has not set it: sockets made after that get the script's.
    unchanged: String,
}

impl BySocket {
    /// Gives a new socket its congestion control. What is no TCP socket refuses, and needs none.
    pub(super) fn apply(&self, outcome: &Outcome) {
        let Ok(fd) = outcome.result else { return };
        if baseline::read(CONGESTION_CONTROL).is_ok_and(|now| now == self.unchanged) {
            set_for_socket(i32::try_from(fd).unwrap_or(-1), &self.algorithm);
        }
    }
}

fn set_for_socket(fd: i32, algorithm: &str) {
    let length = libc::socklen_t::try_from(algorithm.len()).unwrap_or(0);
    // SAFETY: the pointer and the length describe `algorithm`.
    unsafe {
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_CONGESTION, algorithm.as_ptr().cast(), length)
    };
}

/// What cases of the suite start from: the algorithm that the RFCs describe.
const OURS: &str = "reno";
/// What upstream scripts start from in a kernel of the driver's own: mainline's.
const MAINLINES: &str = "cubic";

/// Makes new namespaces begin with [`OURS`]; to be called in the first one.
///
/// # Errors
/// Says that the kernel does not have it.
pub(super) fn inherit_congestion_control() -> Result<(), String> {
    baseline::write(CONGESTION_CONTROL, OURS).map_err(|e| format!("{CONGESTION_CONTROL}={OURS}: {e}"))
}

/// Applies a setup's settings in the calling thread's namespace, which has inherited [`OURS`] where the kernel is the driver's own.
///
/// # Errors
/// [`Refusal::Unsupported`] with the setting that this kernel, or this driver, does not have.
pub(super) fn apply(setup: &Setup, inherits: bool) -> Result<Option<BySocket>, Refusal> {
    for (name, value) in &setup.settings {
        if name == "cc" || (name == GSO && setup.rules == Rules::Packetdrill) {
            continue;
        }
        if (name.as_str(), value.as_str()) == ("autoconf", "on") {
            enable_autoconf().map_err(|error| Refusal::Broken(format!("autoconf: {error}")))?;
            continue;
        }
        let unsupported = || Refusal::Unsupported(format!("{name}={value}"));
        choice(name, value).ok_or_else(unsupported)?.apply().map_err(|_| unsupported())?;
    }
    let asked = setup.settings.get("cc");
    let algorithm = match (asked, setup.rules, inherits) {
        (Some(asked), ..) => asked.as_str(),
        (None, Rules::Ours, true) => return Ok(None),
        (None, Rules::Ours, false) => OURS,
        (None, Rules::Packetdrill, true) => MAINLINES,
        // Upstream scripts choose themselves. Where the kernel does not let them, packetdrill plays them with what
        // there is, and so does this driver: its verdicts are to be packetdrill's.
        (None, Rules::Packetdrill, false) => return Ok(None),
    };
    let refused = match baseline::write(CONGESTION_CONTROL, algorithm) {
        Ok(()) => return Ok(None),
        Err(error) => Refusal::Unsupported(format!("cc={algorithm} ({error})")),
    };
    if !takes_by_socket(algorithm) {
        return if asked.is_some() { Err(refused) } else { Ok(None) };
    }
    let unchanged = baseline::read(CONGESTION_CONTROL).map_err(|e| Refusal::Broken(e.to_string()))?;
    Ok(Some(BySocket { algorithm: algorithm.to_owned(), unchanged }))
}

/// Whether a socket of this namespace can be given the algorithm.
fn takes_by_socket(algorithm: &str) -> bool {
    let flags = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let Ok(fd) = super::os::owned(unsafe { libc::socket(libc::AF_INET, flags, 0) }) else { return false };
    let fd = std::os::fd::AsRawFd::as_raw_fd(&fd);
    let length = libc::socklen_t::try_from(algorithm.len()).unwrap_or(0);
    // SAFETY: the pointer and the length describe `algorithm`.
    unsafe {
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_CONGESTION, algorithm.as_ptr().cast(), length) == 0
    }
}

/// Changes a setting while a run goes on.
///
/// # Errors
/// [`Refusal::Unsupported`] where there is no setting of that name.
pub(super) fn change(name: &str, value: &str, before: &mut Before) -> Result<io::Result<()>, Refusal> {
    if let Some(choice) = choice(name, value) {
        return Ok(choice.apply());
    }
    let (device, general) = match name.split_once('.') {
        Some((device, rest)) if !rest.contains('.') && device.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            (device, format!("DEV.{rest}"))
        }
        _ => ("", name.to_owned()),
    };
    let Some(setting) = SETTINGS.iter().find(|s| s.name == general) else {
        return change_sysctl(name, value, before);
    };
    let paths = setting.paths.iter().map(|path| path.replace("DEV", device));
    Ok(paths.into_iter().try_for_each(|path| match path.split_once('*') {
        None => baseline::write(&path, value),
        Some((folder, below)) => baseline::names(folder)?
            .iter()
            .try_for_each(|name| baseline::write(&format!("{folder}{name}{below}"), value)),
    }))
}

/// The values that settings had before they were changed, by path, oldest first.
pub(super) type Before = Vec<(String, String)>;

/// What a script's last command does, which puts back what an earlier one changed.
const RESTORE: &str = "sysctl restore";

/// Changes a setting that has the kernel's own name, `net.ipv4.tcp_ecn` say: what a command would do in a kernel without
/// commands. The run's namespace has settings of its own, so nothing else is changed.
fn change_sysctl(name: &str, value: &str, before: &mut Before) -> Result<io::Result<()>, Refusal> {
    if name == RESTORE {
        let mut values = std::mem::take(before).into_iter().rev();
        return Ok(values.try_for_each(|(path, value)| baseline::write(&path, &value)));
    }
    let unsupported = || Refusal::Unsupported(format!("setting {name}"));
    let below = name.strip_prefix("net.").ok_or_else(unsupported)?;
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if !below.split('.').all(is_plain) {
        return Err(unsupported());
    }
    let path = below.replace('.', "/");
    let old = baseline::read(&path);
    match baseline::write(&path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unsupported()),
        done => {
            before.extend(old.ok().map(|old| (path, old)));
            Ok(done)
        }
    }
}
