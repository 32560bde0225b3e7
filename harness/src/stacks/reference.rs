//! The reference stack, the crate `stack`, behind [`StackUnderTest`]. It serves BSD socket calls itself.

mod calls;
mod network;
mod results;
mod setup;
mod sysctl;
#[cfg(test)]
mod tests;

use super::user_calls::in_virtual_time;
use crate::sut::{
    Call, CallId, Capabilities, Capability, DhcpCommand, Event, InterfaceId, Outcome, Prefix, Refusal, Setup,
    StackUnderTest,
};
use calls::Planned;
use results::Form;
use stack::client::DhcpCall;
use stack::config::Route;
use stack::socket;
use stack::tcp;
use stack::{Cidr, Config, Host, Instant};
use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

/// Things that may be due at one instant; a stack that has more will never be done.
const MAX_STEPS_AT_ONCE: usize = 100_000;

/// The adapter, with the host of the present run.
#[derive(Debug)]
pub struct Reference {
    capabilities: Capabilities,
    /// What TCP does where a run does not say.
    profile: tcp::Config,
    /// TCP's configuration when the run began.
    started: tcp::Config,
    host: Host,
    /// The interfaces' names.
    interfaces: Vec<String>,
    now: Instant,
    /// When the host is due, where that was asked for since it last did anything.
    due: Cell<Option<Option<Instant>>>,
    events: Vec<Event>,
    /// Calls under way: how each result is to be told.
    waiting: Vec<(socket::CallId, CallId, Form)>,
    calls: u64,
}

/// The configuration of the stack for `setup`, with the profile `rfc`.
///
/// # Errors
/// [`Refusal::Unsupported`] names the first thing that the stack does not have.
pub fn config(setup: &Setup) -> Result<stack::Config, Refusal> {
    setup::config(setup, tcp::Config::default())
}

impl Default for Reference {
    /// The profile `rfc`.
    fn default() -> Reference {
        Reference::with_profile("reference", tcp::Config::default())
    }
}

impl Reference {
    /// The profile `linux`: what a stock kernel does.
    pub fn linux() -> Reference {
        Reference::with_profile("reference:linux", tcp::Config::linux())
    }

    fn with_profile(name: &str, profile: tcp::Config) -> Reference {
        use Capability::*;
        // Not there: the client of DNS, a shell.
        let has = [
            Ethernet,
            IpMedium,
            Ipv4,
            Ipv6,
            Icmp,
            Udp,
            Tcp,
            Listen,
            Connect,
            MappedAddresses,
            Reassembly,
            Fragmentation,
            SocketOptions,
            SocketErrors,
            Poll,
            TcpInfo,
            Urgent,
            Multihomed,
            Forwarding,
            DhcpClient,
            Resolver,
            Reboot,
        ];
        let version = env!("CARGO_PKG_VERSION");
        Reference {
            capabilities: in_virtual_time(name, version, Duration::from_nanos(1), &has),
            host: Host::new(Config::default()),
            interfaces: Vec::new(),
            started: profile.clone(),
            profile,
            now: Instant::ZERO,
            due: Cell::new(None),
            events: Vec::new(),
            waiting: Vec::new(),
            calls: 0,
        }
    }

    /// Takes what the host has done at this instant.
    fn collect(&mut self) {
        let at = self.now;
        self.due.set(None);
        while let Some((interface, frame)) = self.host.transmit() {
            self.events.push(Event::Frame { interface: InterfaceId(interface), at, bytes: frame.into_vec() });
        }
        for (id, at, outcome) in self.host.completions() {
            if let Some(place) = self.waiting.iter().rposition(|(theirs, ..)| *theirs == id) {
                let (_, id, form) = self.waiting.swap_remove(place);
                self.events.push(Event::Completed { id, at, outcome: form.tell(outcome) });
            }
        }
    }

    /// A setting by its name on Linux; false where it has no such value.
    fn set(&mut self, name: &str, value: &str) -> Result<bool, Refusal> {
        if name == "sysctl restore" {
            self.host.tcp_config().clone_from(&self.started);
            return Ok(true);
        }
        if (name, value) == ("ip tcp_metrics flush", "all") {
            self.host.forget_peers();
            return Ok(true);
        }
        if let Some(known) = network::set(&mut self.host, self.now, &self.interfaces, name, value) {
            return Ok(known);
        }
        sysctl::set(self.host.tcp_config(), name, value)
            .ok_or_else(|| Refusal::Unsupported(format!("the setting {name}")))
    }

    /// An administrative call.
    fn administer(&mut self, call: &Call) -> Result<Outcome, Refusal> {
        // What Linux's tools report where there is no such interface, address or route.
        let (no_interface, no_address, no_route) = (libc::ENODEV, libc::EADDRNOTAVAIL, libc::ESRCH);
        let (done, errno) = match call {
            Call::Link { interface, up } => (self.host.set_link(self.now, interface.0, *up), no_interface),
            Call::Address { interface, prefix, add: true } => {
                (self.host.add_address(self.now, interface.0, cidr(prefix)), no_interface)
            }
            Call::Address { interface, prefix, add: false } => {
                (self.host.remove_address(interface.0, prefix.address), no_address)
            }
            Call::Route { destination, gateway, interface, add: true } => {
                (self.host.add_route(route(destination, *gateway, interface.0)), no_interface)
            }
            Call::Route { destination, interface, add: false, .. } => {
                (self.host.remove_route(cidr(destination), interface.0), no_route)
            }
            Call::Group { interface, group, join } => {
                (self.host.set_membership(self.now, interface.0, *group, *join), no_address)
            }
            Call::Dhcp { interface, command } => {
                (self.host.dhcp(self.now, interface.0, dhcp(*command)), no_interface)
            }
            Call::Reboot => {
                self.host.reboot();
                self.waiting.clear();
                (true, 0)
            }
            Call::Set { name, value } => (self.set(name, value)?, libc::EINVAL),
            _ => return Err(Refusal::Unsupported("this call".to_owned())),
        };
        Ok(if done { Outcome::value(0) } else { Outcome::error(errno) })
    }
}

impl StackUnderTest for Reference {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        let config = setup::config(setup, self.profile.clone())?;
        self.started = config.tcp.clone();
        self.host = Host::new(config);
        self.interfaces = setup.interfaces.iter().map(|i| i.name.clone()).collect();
        self.now = Instant::ZERO;
        self.due.set(None);
        self.events.clear();
        self.waiting.clear();
        self.calls = 0;
        Ok(())
    }

    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        self.host.receive(self.now, interface.0, frame);
        self.collect();
        Ok(())
    }

    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        let planned = calls::plan(call)?;
        self.due.set(None);
        self.calls += 1;
        let id = CallId(self.calls);
        match planned {
            Planned::Socket(call, form) => {
                let theirs = self.host.submit(self.now, call);
                self.waiting.push((theirs, id, form));
            }
            Planned::Addresses { name, ipv6 } => {
                let theirs = self.host.getaddrinfo(self.now, &name, ipv6);
                self.waiting.push((theirs, id, Form::Plain));
            }
            Planned::Name(address) => {
                let theirs = self.host.getnameinfo(self.now, address);
                self.waiting.push((theirs, id, Form::Plain));
            }
            Planned::Answered(outcome) => {
                self.events.push(Event::Completed { id, at: self.now, outcome });
            }
            Planned::Administrative(call) => {
                let outcome = self.administer(&call)?;
                self.events.push(Event::Completed { id, at: self.now, outcome });
            }
        }
        self.collect();
        Ok(id)
    }

    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        // To change places moves no event.
        match events.is_empty() {
            true => std::mem::swap(events, &mut self.events),
            false => events.append(&mut self.events),
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn next_deadline(&self) -> Option<Instant> {
        let due = self.due.get().unwrap_or_else(|| self.host.next_deadline());
        self.due.set(Some(due));
        due.map(|at| at.max(self.now))
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        let mut steps = 0;
        while let Some(at) = self.next_deadline().filter(|at| *at <= until) {
            steps = if at == self.now { steps + 1 } else { 0 };
            if steps > MAX_STEPS_AT_ONCE {
                return Err(Refusal::Broken(format!("the stack is never done at {at}")));
            }
            self.now = at;
            self.host.poll(at);
            self.collect();
        }
        self.now = self.now.max(until);
        Ok(())
    }
}

fn dhcp(command: DhcpCommand) -> DhcpCall {
    match command {
        DhcpCommand::Start => DhcpCall::Start,
        DhcpCommand::Stop => DhcpCall::Stop,
        DhcpCommand::Release => DhcpCall::Release,
        DhcpCommand::Renew => DhcpCall::Renew,
        DhcpCommand::Inform => DhcpCall::Inform,
    }
}

fn cidr(prefix: &Prefix) -> Cidr {
    Cidr { address: prefix.address, length: prefix.length }
}

fn route(destination: &Prefix, gateway: Option<IpAddr>, interface: usize) -> Route {
    Route { destination: cidr(destination), gateway, interface, metric: 0 }
}
