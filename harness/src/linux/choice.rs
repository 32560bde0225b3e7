//! Which kind of link joins the harness and the namespace under test.

use crate::sut::Medium;
use std::fmt;
use std::str::FromStr;

/// What `--link` chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkChoice {
    /// TAP or TUN by the interface's medium; veth where /dev/net/tun is closed.
    #[default]
    Auto,
    /// A TUN device: bare IP datagrams.
    Tun,
    /// A TAP device: Ethernet frames.
    Tap,
    /// A veth pair whose other end the harness holds in a namespace of its own, read through a packet socket.
    Veth,
    /// A veth pair whose other end has this name and is read through libpnet's channel.
    Pnet(String),
}

impl LinkChoice {
    /// Whether an interface with this medium can be made of it.
    pub fn carries(&self, medium: Medium) -> bool {
        match self {
            LinkChoice::Auto => true,
            LinkChoice::Tun => medium == Medium::Ip,
            LinkChoice::Tap | LinkChoice::Veth | LinkChoice::Pnet(_) => medium == Medium::Ethernet,
        }
    }
}

impl FromStr for LinkChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<LinkChoice, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(LinkChoice::Auto),
            None if text == "tun" => Ok(LinkChoice::Tun),
            None if text == "tap" => Ok(LinkChoice::Tap),
            None if text == "veth" => Ok(LinkChoice::Veth),
            // The kernel's limit on names, IFNAMSIZ with its terminating zero.
            Some(("pnet", name)) if (1..16).contains(&name.len()) && !name.contains('/') => {
                Ok(LinkChoice::Pnet(name.to_owned()))
            }
            _ => Err(format!(
                "no link `{text}`: auto, tun, tap, veth or pnet:IFACE (a name of 1 to 15 characters)"
            )),
        }
    }
}

impl fmt::Display for LinkChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkChoice::Auto => f.write_str("auto"),
            LinkChoice::Tun => f.write_str("tun"),
            LinkChoice::Tap => f.write_str("tap"),
            LinkChoice::Veth => f.write_str("veth"),
            LinkChoice::Pnet(name) => write!(f, "pnet:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_they_are_written() {
        for choice in [
            LinkChoice::Auto,
            LinkChoice::Tun,
            LinkChoice::Tap,
            LinkChoice::Veth,
            LinkChoice::Pnet("eth7".into()),
        ] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }

    #[test]
    fn wrong_names_say_what_there_is() {
        for text in ["", "vlan", "pnet", "pnet:", "pnet:a/b", "pnet:sixteen-letters-x", "tun:0"] {
            assert!(text.parse::<LinkChoice>().is_err_and(|e| e.contains("pnet:IFACE")), "{text}");
        }
    }
}
