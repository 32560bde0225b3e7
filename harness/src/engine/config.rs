//! How a script is to be played: our defaults, or packetdrill's options for an upstream script.

use crate::lang::ast::ScriptOption;
use crate::sut::Family;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// packetdrill's options, as far as they say how a script is played. Precedence: command line, then the script's own
/// `--options`, then the default.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketdrillConfig {
    /// `--local_ip`: the stack under test.
    pub local_ip: IpAddr,
    /// `--remote_ip`: the peer, perhaps with a prefix length; the whole prefix is routed.
    pub remote_ip: IpAddr,
    /// The remote prefix's length in bits.
    pub remote_prefix: u8,
    /// `--gateway_ip`: through which the peer is reached.
    pub gateway_ip: IpAddr,
    /// `--netmask_ip`, as a prefix length in bits.
    pub local_prefix: u8,
    /// `--bind_port`: what `bind(3, ..., ...)` binds.
    pub bind_port: u16,
    /// `--connect_port`: what `connect(3, ..., ...)` connects to.
    pub connect_port: u16,
    /// `--mtu`, in bytes.
    pub mtu: u16,
    /// `--tolerance_usecs`.
    pub tolerance: Duration,
    /// `--tolerance_percent`, as a proportion.
    pub tolerance_proportion: f64,
    /// `--strict_segments`: outbound segments are not merged.
    pub strict_segments: bool,
    /// `--non_fatal=packet`: mismatches of headers, options, payload and time are warnings.
    pub non_fatal_packet: bool,
    /// `--non_fatal=syscall`.
    pub non_fatal_syscall: bool,
    /// `--tcp_ts_tick_usecs`: microseconds a tick of the stack's timestamp clock; 0 leaves TS val unchecked.
    pub ts_tick_usecs: u64,
    /// `--tcp_ts_ecr_scaled`: an echo of a value that the stack did not send is computed from the first it sent.
    pub ts_ecr_scaled: bool,
    /// `--mss`: the size of the segments that injected ones claim to be merged from; 0 for none.
    pub mss: u16,
    /// `--init_scripts`: files run before the script.
    pub init_scripts: Vec<String>,
    /// Options that concern packetdrill's own workings, and are accepted without effect.
    pub ignored: Vec<String>,
}

/// Options without effect on a run here: they steer packetdrill's own output or its wire mode.
const WITHOUT_EFFECT: &[&str] =
    &["ip_version", "debug", "verbose", "dry_run", "send_omit_free", "speed", "define", "code_command"];

/// What the runners say in every family; in IPv6 they say the MTU, too.
const RUNNER: &[&str] = &["ip_version", "local_ip", "gateway_ip", "netmask_ip", "remote_ip"];

impl PacketdrillConfig {
    /// The configuration that the kernel's and Google's runners use in `family`.
    pub fn of_runner(family: Family) -> PacketdrillConfig {
        let v6 = family.is_ipv6_on_wire();
        let (local, remote, gateway) = if v6 {
            ("fd3d:0a0b:17d6::1", "fd3d:fa7b:d17d::1", "fd3d:0a0b:17d6:8888::1")
        } else {
            ("192.168.0.1", "192.0.2.1", "192.168.0.1")
        };
        let parse = |text: &str| text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        PacketdrillConfig {
            local_ip: parse(local),
            remote_ip: parse(remote),
            remote_prefix: if v6 { 128 } else { 32 },
            gateway_ip: parse(gateway),
            // packetdrill has no option for the length in IPv6; the runners' gateway is on link because of it.
            local_prefix: if v6 { 48 } else { 16 },
            bind_port: 8080,
            connect_port: 8080,
            mtu: if v6 { 1520 } else { 1500 },
            tolerance: Duration::from_micros(4000),
            tolerance_proportion: 0.125,
            strict_segments: false,
            non_fatal_packet: false,
            non_fatal_syscall: false,
            ts_tick_usecs: 0,
            ts_ecr_scaled: false,
            mss: 0,
            init_scripts: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// The symbols that the runners define in `family`, for [`crate::lang::Options::defines`].
    pub fn runner_defines(family: Family) -> BTreeMap<String, String> {
        let v6_sockets = family != Family::Ipv4;
        let cookies = match family.is_ipv6_on_wire() {
            true => ("c1d1e9742a47a9bc", "82af1a8f9a205c34"),
            false => ("3021b9d889017eeb", "b7c12350a90dc8f5"),
        };
        let mut defines = vec![
            ("TFO_COOKIE", cookies.0),
            ("TFO_COOKIE_ZERO", cookies.1),
            ("CMSG_LEVEL_IP", if v6_sockets { "SOL_IPV6" } else { "SOL_IP" }),
            ("CMSG_TYPE_RECVERR", if v6_sockets { "IPV6_RECVERR" } else { "IP_RECVERR" }),
        ];
        if !family.is_ipv6_on_wire() {
            defines.push(("CODE", "host_unreachable"));
        }
        defines.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Takes over one option.
    ///
    /// # Errors
    /// Says what is wrong with the value, or that there is no such option.
    pub fn apply(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let text = value.unwrap_or_default();
        match name {
            "local_ip" => self.local_ip = address(name, text)?,
            "gateway_ip" => self.gateway_ip = address(name, text)?,
            "remote_ip" => {
                let (ip, length) = text.split_once('/').map_or((text, None), |(ip, l)| (ip, Some(l)));
                self.remote_ip = address(name, ip)?;
                self.remote_prefix = match length {
                    Some(length) => number(name, length)?,
                    None => full_length(self.remote_ip),
                };
            }
            "netmask_ip" => self.local_prefix = netmask(text)?,
            "bind_port" => self.bind_port = number(name, text)?,
            "connect_port" => self.connect_port = number(name, text)?,
            "mtu" => self.mtu = number(name, text)?,
            "tolerance_usecs" => self.tolerance = Duration::from_micros(number(name, text)?),
            "tolerance_percent" => self.tolerance_proportion = number::<f64>(name, text)? / 100.0,
            "strict_segments" => self.strict_segments = true,
            "tcp_ts_tick_usecs" => self.ts_tick_usecs = number(name, text)?,
            "tcp_ts_ecr_scaled" => self.ts_ecr_scaled = true,
            "mss" => self.mss = number(name, text)?,
            "init_scripts" => self.init_scripts = text.split(',').map(str::to_owned).collect(),
            "non_fatal" => return self.non_fatal(text),
            _ if WITHOUT_EFFECT.contains(&name) => self.ignored.push(name.to_owned()),
            _ => return Err(format!("--{name} is not an option of packetdrill that can be played here")),
        }
        Ok(())
    }

    fn non_fatal(&mut self, kinds: &str) -> Result<(), String> {
        for kind in kinds.split(',') {
            match kind {
                "packet" => self.non_fatal_packet = true,
                "syscall" => self.non_fatal_syscall = true,
                other => return Err(format!("--non_fatal takes packet and syscall, not '{other}'")),
            }
        }
        Ok(())
    }

    /// Takes over the options of a script, then those of the command line, which go first.
    ///
    /// # Errors
    /// As [`PacketdrillConfig::apply`].
    pub fn with_options(
        mut self,
        script: &[ScriptOption],
        command_line: &[(String, Option<String>)],
    ) -> Result<Self, String> {
        // The runners name these on packetdrill's command line, which goes before the script.
        let of_runner = |name: &str| RUNNER.contains(&name) || (name == "mtu" && self.local_ip.is_ipv6());
        let left: Vec<&ScriptOption> = script.iter().filter(|option| !of_runner(&option.name)).collect();
        for option in left {
            self.apply(&option.name, option.value.as_deref())?;
        }
        for (name, value) in command_line {
            self.apply(name, value.as_deref())?;
        }
        Ok(self)
    }
}

fn address(name: &str, text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("--{name} takes an IP address, not '{text}'"))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("--{name} takes a number in range, not '{text}'"))
}

fn full_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn netmask(text: &str) -> Result<u8, String> {
    let mask: std::net::Ipv4Addr =
        text.parse().map_err(|_| format!("--netmask_ip takes a netmask, not '{text}'"))?;
    let bits = u32::from(mask);
    match bits.leading_ones() + bits.trailing_zeros() {
        32.. => Ok(bits.leading_ones() as u8),
        _ => Err(format!("{text} is no netmask: its ones are not contiguous")),
    }
}
