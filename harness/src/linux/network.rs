//! A run's network: interfaces, addresses, routes and neighbours in the calling thread's namespace.

use super::baseline;
use super::choice::LinkChoice;
use super::link::{Kind, Link, Tun};
use super::namespace::Access;
use super::netlink::{Netlink, index_of};
use super::os::Doing;
use crate::sut::{Interface, InterfaceId, Medium, Refusal, Rules, Setup};
use std::io;

/// One interface of the stack under test, with the harness's end of its link.
pub(super) struct Port {
    /// Its index in its namespace.
    pub(super) index: u32,
    /// The harness's end.
    pub(super) link: Box<dyn Link>,
}

/// What a run's interfaces are.
pub(super) struct Network {
    /// In the order of the setup.
    pub(super) ports: Vec<Port>,
    netlink: Netlink,
}

/// How one interface is made, decided from the choice, the medium and what the machine allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plan {
    Device(Kind),
}

fn plan(choice: &LinkChoice, interface: &Interface, rules: Rules, access: Access) -> Result<Plan, Refusal> {
    let medium = interface.medium;
    if !choice.carries(medium) {
        let name = if medium == Medium::Ethernet { "ethernet" } else { "ip-medium" };
        return Err(Refusal::Unsupported(format!("{name} (the link is {choice})")));
    }
    let kind = match (medium, rules) {
        (Medium::Ethernet, _) => Kind::Tap,
        (Medium::Ip, Rules::Ours) => Kind::Tun,
        (Medium::Ip, Rules::Packetdrill) => Kind::TunOffload { gso_size: 0 },
    };
    if access.tun { Ok(Plan::Device(kind)) } else { Err(Refusal::Unsupported("tun".into())) }
}

impl Network {
    /// Makes what `setup` says in the calling thread's namespace, which must be new.
    pub(super) fn build(setup: &Setup, choice: &LinkChoice, access: Access) -> Result<Network, Refusal> {
        let plans: Result<Vec<Plan>, Refusal> =
            setup.interfaces.iter().map(|i| plan(choice, i, setup.rules, access)).collect();
        let plans = plans?;
        let netlink = Netlink::open().doing("netlink socket").map_err(Refusal::Broken)?;
        let mut network = Network { ports: Vec::new(), netlink };
        network.configure(setup, &plans).map_err(Refusal::Broken)?;
        Ok(network)
    }

    fn configure(&mut self, setup: &Setup, plans: &[Plan]) -> Result<(), String> {
        baseline::apply(baseline::NAMESPACE, "")?;
        if setup.forwarding {
            for path in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                baseline::write(path, "1").doing(path)?;
            }
        }
        self.netlink.set_up(1, true).doing("bringing lo up")?;
        for (interface, plan) in setup.interfaces.iter().zip(plans) {
            let name = &interface.name;
            let port = self.add(interface, plan).doing(&format!("making interface {name}"))?;
            self.ports.push(port);
            baseline::apply(baseline::INTERFACE, name)?;
        }
        for (at, interface) in setup.interfaces.iter().enumerate() {
            self.address(at, interface)?;
        }
        self.neighbours_and_routes(setup)
    }

    fn add(&mut self, interface: &Interface, plan: &Plan) -> io::Result<Port> {
        let name = &interface.name;
        let link: Box<dyn Link> = match plan {
            Plan::Device(kind) => Box::new(Tun::open(name, *kind)?),
        };
        let index = index_of(name)?;
        if interface.medium == Medium::Ethernet {
            self.netlink.set_mac(index, interface.mac)?;
        }
        self.netlink.set_mtu(index, u32::from(interface.mtu))?;
        self.netlink.set_up(index, true)?;
        Ok(Port { index, link })
    }

    fn address(&mut self, at: usize, interface: &Interface) -> Result<(), String> {
        for prefix in &interface.addresses {
            let index = self.ports[at].index;
            match self.netlink.address(index, *prefix, true) {
                // The kernel has made the link-local address by itself.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => {
                    let what = format!("address {}/{} on {}", prefix.address, prefix.length, interface.name);
                    result.doing(&what)?;
                }
            }
        }
        Ok(())
    }

    fn neighbours_and_routes(&mut self, setup: &Setup) -> Result<(), String> {
        for neighbour in &setup.neighbours {
            let what = format!("neighbour {}", neighbour.address);
            let index = self
                .index(InterfaceId(neighbour.interface))
                .ok_or_else(|| format!("{what}: no interface"))?;
            self.netlink.add_neighbour(index, neighbour.address, neighbour.mac).doing(&what)?;
        }
        for route in &setup.routes {
            let what = format!("route to {}/{}", route.destination.address, route.destination.length);
            let index =
                self.index(InterfaceId(route.interface)).ok_or_else(|| format!("{what}: no interface"))?;
            self.netlink.route(index, route.destination, route.gateway, true).doing(&what)?;
        }
        Ok(())
    }

    /// The index that the kernel gave an interface.
    pub(super) fn index(&self, interface: InterfaceId) -> Option<u32> {
        self.ports.get(interface.0).map(|p| p.index)
    }

    /// The socket for changes while the run goes on.
    pub(super) fn netlink(&mut self) -> &mut Netlink {
        &mut self.netlink
    }
}
