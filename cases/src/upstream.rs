//! How packetdrill's scripts are run: in which families, with which options and defines.

use crate::suite::Defines;
use harness::engine::PacketdrillConfig;
use harness::lang::ast::Script;
use harness::sut::Family;

/// packetdrill's options, as a user gives them on a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// `-D SYM=value`.
    pub defines: Defines,
    /// Everything else: names without dashes, and values.
    pub options: Vec<(String, Option<String>)>,
}

impl CommandLine {
    /// Reads options in the forms that getopt_long(3) takes: `--name=value`, `--name value`, `-D SYM=value`.
    ///
    /// # Errors
    /// Names the word that is no option, or the option that packetdrill does not have.
    pub fn parse(words: &[String]) -> Result<CommandLine, String> {
        let mut line = CommandLine::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            if let Some(define) = word.strip_prefix("-D").or_else(|| word.strip_prefix("--define=")) {
                let define = if define.is_empty() { words.next().map_or("", String::as_str) } else { define };
                line.define(define)?;
                continue;
            }
            let Some(option) = word.strip_prefix("--") else {
                return Err(format!("{word:?} is no option of packetdrill: they begin with --"));
            };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (option, words.next_if(|next| !next.starts_with('-')).cloned()),
            };
            line.options.push((name.to_owned(), value));
        }
        let plain = PacketdrillConfig::of_runner(Family::Ipv4);
        plain.with_options(&[], &line.options)?;
        Ok(line)
    }

    fn define(&mut self, text: &str) -> Result<(), String> {
        let advice = || format!("-D takes SYMBOL=value, not {text:?}");
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(advice)?;
        self.defines.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// The symbols that the runners of Google's and the kernel's scripts define in `family`.
pub fn defines(family: Family) -> Defines {
    PacketdrillConfig::runner_defines(family)
}

/// The options of the runners in `family`, as packetdrill's command line takes them.
pub fn runner_options(family: Family) -> Vec<String> {
    let config = PacketdrillConfig::of_runner(family);
    let mut options = vec![
        format!("--ip_version={family}"),
        format!("--local_ip={}", config.local_ip),
        format!("--gateway_ip={}", config.gateway_ip),
        format!("--remote_ip={}", config.remote_ip),
    ];
    if config.local_ip.is_ipv6() {
        options.push(format!("--mtu={}", config.mtu));
    } else {
        let mask = u32::MAX << (32 - u32::from(config.local_prefix.clamp(1, 32)));
        options.push(format!("--netmask_ip={}", std::net::Ipv4Addr::from(mask)));
    }
    options
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

/// The families that a script is played in: the one that it asks for with `--ip_version`, which the kernel's runner looks for,
/// or else those of its name.
pub fn families_of(id: &str, script: &Script) -> Vec<Family> {
    let asked = script.options.iter().rfind(|option| option.name == "ip_version");
    let asked = asked.and_then(|option| Family::from_name(option.value.as_deref()?));
    asked.map_or_else(|| families(id).to_vec(), |family| vec![family])
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
    fn runners_name_addresses() {
        let options = runner_options(Family::Ipv4MappedIpv6);
        let expected = ["--ip_version=ipv4-mapped-ipv6", "--local_ip=192.168.0.1"];
        assert_eq!(options[..2], expected);
        assert_eq!(options[4], "--netmask_ip=255.255.0.0");
        assert_eq!(runner_options(Family::Ipv6).len(), 5);
    }

    #[test]
    fn options_in_all_forms_of_getopt() {
        let parse = |line: &str| CommandLine::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let line = parse("--mtu=1400 -D A=1 -DB=2 --define=C=3 --tolerance_usecs 9 --strict_segments")
            .expect("options");
        let option = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        let expected = [
            option("mtu", Some("1400")),
            option("tolerance_usecs", Some("9")),
            option("strict_segments", None),
        ];
        assert_eq!(line.options, expected);
        assert_eq!(line.defines.into_iter().map(|(n, v)| n + &v).collect::<String>(), "A1B2C3");
        for bad in ["mtu", "--mtu=x", "--nosuch", "-D A", "-D"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
