//! Small services on a host of the reference stack, for programs of others to talk to: what they say stands here as data or
//! as a function of what was heard, and all of them use the stack's socket calls alone.

mod datagrams;
mod dialogue;
mod dns;
mod http;
mod iperf;
mod scripts;
mod serving;
mod simple;

pub use datagrams::Datagrams;
pub use dialogue::{Answer, Dialogue};
pub use scripts::{IMAP, POP3, SMTP, Script};
pub use serving::{Served, Services};

use stack::{Host, Instant};

/// Something that uses a host, as a process does, without ever waiting.
pub trait Application {
    /// Takes what calls have completed, and makes what calls it wants; true where it has done anything.
    fn run(&mut self, host: &mut Host, now: Instant) -> bool;

    /// When it wants to run even if nothing has happened.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

/// How a connection's dialogue begins.
type Begin = fn(&Shared) -> Box<dyn Dialogue>;

/// What the dialogues of one host have in common.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Tests of iperf3 under way, by their cookies.
    iperf: iperf::Tests,
}

/// A service: its name, its port, and what it does with connections and with datagrams.
#[derive(Clone, Copy)]
pub struct Service {
    /// As /etc/services has it.
    pub name: &'static str,
    /// The port, of TCP and UDP alike.
    pub port: u16,
    /// What it says to a connection.
    pub stream: Option<Begin>,
    /// What it answers a datagram.
    pub datagrams: Option<Datagrams>,
}

/// Every service that there is.
pub const SERVICES: &[Service] = &[
    Service { name: "echo", port: 7, stream: Some(simple::echo), datagrams: Some(datagrams::echo) },
    Service { name: "discard", port: 9, stream: Some(simple::discard), datagrams: Some(datagrams::discard) },
    Service { name: "chargen", port: 19, stream: Some(simple::chargen), datagrams: None },
    Service { name: "smtp", port: 25, stream: Some(|_| scripts::begin(&SMTP)), datagrams: None },
    Service { name: "domain", port: 53, stream: Some(dns::stream), datagrams: Some(dns::datagram) },
    Service { name: "http", port: 80, stream: Some(http::begin), datagrams: None },
    Service { name: "pop3", port: 110, stream: Some(|_| scripts::begin(&POP3)), datagrams: None },
    Service { name: "imap", port: 143, stream: Some(|_| scripts::begin(&IMAP)), datagrams: None },
    Service { name: "iperf3", port: 5201, stream: Some(iperf::begin), datagrams: None },
];
