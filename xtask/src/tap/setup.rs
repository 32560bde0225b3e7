//! Who is who on the TAP device: addresses of the stack and of Linux, and what is said about them.

use harness::linux::Way;
use harness::linux::live::TapDevice;
use harness::services::{self, SERVICES, Services};
use harness::sut::{Interface, MacAddress, Medium, Prefix};
use stack::client::{DhcpCall, Found};
use stack::config::{Config, InterfaceConfig, SocketConfig};
use stack::socket::{CallId, Value};
use stack::{Cidr, Host, Instant, wire};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The last byte of the addresses: Linux's and the stack's.
const LINUX: u8 = 1;
const STACK: u8 = 2;
/// Ethernet's (RFC 894).
const MTU: u16 = 1500;
/// Connections that the stack can have: as a server's, more than the 1024 of an ordinary process.
const DESCRIPTORS: usize = 16_384;
/// Between two tries to look a name up that no server could be asked for yet.
const LOOK_UP_AGAIN: Duration = Duration::from_millis(250);

fn mac(end: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, end]
}

/// 192.0.2.end/24 and 2001:db8::end/64, documentation's own (RFC 5737, RFC 3849).
fn prefixes(end: u8) -> [Prefix; 2] {
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, end.into());
    [
        Prefix { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, end)), length: 24 },
        Prefix { address: IpAddr::V6(v6), length: 64 },
    ]
}

/// Linux's end.
pub(super) fn device() -> TapDevice {
    TapDevice {
        name: "tap0".into(),
        mac: MacAddress(mac(LINUX)),
        mtu: MTU,
        addresses: prefixes(LINUX).to_vec(),
    }
}

/// The stack's interface, for the capture.
pub(super) fn interface() -> Interface {
    Interface {
        name: "stack".into(),
        medium: Medium::Ethernet,
        mtu: MTU,
        mac: MacAddress(mac(STACK)),
        addresses: prefixes(STACK).to_vec(),
    }
}

/// The stack; without an IPv4 address where it gets one by DHCP.
pub(super) fn config(dhcp: bool, seed: u64) -> Config {
    let own = prefixes(STACK).into_iter().filter(|prefix| !(dhcp && prefix.address.is_ipv4()));
    let interface = InterfaceConfig {
        medium: stack::config::Medium::Ethernet,
        mtu: MTU,
        mac: wire::MacAddress(mac(STACK)),
        addresses: own.map(|prefix| Cidr { address: prefix.address, length: prefix.length }).collect(),
    };
    let socket = SocketConfig { descriptors: DESCRIPTORS, ..SocketConfig::default() };
    Config { interfaces: vec![interface], socket, seed, ..Config::default() }
}

/// What a person is told.
pub(super) fn greeting(way: Way) -> String {
    let [v4, v6] = prefixes(STACK).map(|prefix| prefix.address);
    let user = if way == Way::UserNamespace { " -U --preserve-credentials" } else { "" };
    let port = |service: &services::Service| format!("{} ({})", service.name, service.port);
    let ports: Vec<String> = SERVICES.iter().map(port).collect();
    format!(
        "the stack is {v4} and {v6}: {}\nenter its network with: nsenter -t {} -n{user}\nCtrl-C ends it",
        ports.join(", "),
        std::process::id(),
    )
}

/// A loss such as `1%` or `0.5%`, in ten thousandths.
pub(super) fn percent(text: &str) -> Result<u32, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| format!("`{text}` is no percentage"))?;
    match (0.0..=100.0).contains(&number) {
        // The range fits.
        true => Ok((number * 100.0).round() as u32),
        false => Err(format!("{text} is not between 0% and 100%")),
    }
}

/// The services, and the clients that were asked for.
pub(super) struct Application {
    pub(super) services: Services,
    starts_dhcp: bool,
    /// A name that is to be looked up, and when it is tried next.
    look_up: Option<(String, Instant)>,
    looking: Option<CallId>,
}

impl Application {
    pub(super) fn new(services: Services, dhcp: bool, look_up: Option<String>) -> Application {
        let look_up = look_up.map(|name| (name, Instant::ZERO));
        Application { services, starts_dhcp: dhcp, look_up, looking: None }
    }

    /// A lookup has ended.
    fn looked(&mut self, now: Instant, value: Value) {
        let (Value::Looked(result), Some((name, at))) = (value, &mut self.look_up) else { return };
        match result {
            Ok(Found::Addresses(addresses)) => {
                let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                println!("{name}: {}", texts.join(" "));
                self.look_up = None;
            }
            Ok(Found::Name(found)) => {
                println!("{name}: {found}");
                self.look_up = None;
            }
            // There may be no server yet.
            Err(_) => *at = now + LOOK_UP_AGAIN,
        }
    }
}

impl services::Application for Application {
    fn run(&mut self, host: &mut Host, now: Instant) -> bool {
        if std::mem::take(&mut self.starts_dhcp) {
            host.dhcp(now, 0, DhcpCall::Start);
        }
        if let Some((name, _)) = self.look_up.as_ref().filter(|(_, at)| *at <= now && self.looking.is_none())
        {
            self.looking = Some(host.getaddrinfo(now, name, false));
        }
        let any = self.services.run(host, now);
        for (id, _, outcome) in self.services.take_others() {
            if self.looking == Some(id) {
                self.looking = None;
                outcome.into_iter().for_each(|value| self.looked(now, value));
            }
        }
        any
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.look_up.as_ref().filter(|_| self.looking.is_none()).map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_percentages() {
        let found = ["1%", "0.5", "100%", "x", "101%"].map(|text| percent(text).ok());
        assert_eq!(found, [Some(100), Some(50), Some(10_000), None, None]);
    }
}
