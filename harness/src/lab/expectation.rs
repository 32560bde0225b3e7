//! What nodes of a lab do, and what they find.

use std::fmt;

/// Something that a node does, and what it finds.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The node.
    pub from: &'static str,
    /// The address that it looks for.
    pub to: &'static str,
    /// What it finds.
    pub finds: Expected,
}

/// How a node looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// One echo request.
    Ping,
    /// Requests with growing hop limits.
    Trace,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The address answers a ping.
    Reply,
    /// These routers are on the way, before the address answers.
    Path(&'static [&'static str]),
    /// Somebody says that a ping cannot get there.
    Unreachable(&'static str, Why),
    /// A ping is not answered, and nobody says why.
    Silence,
}

/// What cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no route to the network.
    Network,
    /// Nobody on the last link has the address.
    Host,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Network => "network unreachable",
            Why::Host => "host unreachable",
        })
    }
}

impl Expected {
    /// What has to be done to find it.
    pub fn act(&self) -> Act {
        match self {
            Expected::Path(_) => Act::Trace,
            Expected::Reply | Expected::Unreachable(..) | Expected::Silence => Act::Ping,
        }
    }

    /// The words for it, as those for what was found are: `to` is the address that was looked for.
    pub fn words(&self, to: &str) -> String {
        match self {
            Expected::Reply => format!("reply from {to}"),
            Expected::Path(routers) => routers.iter().chain([&to]).copied().collect::<Vec<_>>().join(", "),
            Expected::Unreachable(by, why) => format!("{why}, says {by}"),
            Expected::Silence => "silence".to_owned(),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = match self.finds.act() {
            Act::Ping => "ping",
            Act::Trace => "traceroute",
        };
        write!(f, "{} {act} {}", self.from, self.to)
    }
}
