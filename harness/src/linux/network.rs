//! A run's network: interfaces, addresses, routes and neighbours in the calling thread's namespace.

use super::baseline;
use super::choice::LinkChoice;
use super::clock::{self, Clock};
use super::link::{Kind, LARGEST_FRAME, Link, PacketSocket, Pnet, Stamped, Tun, WithoutEthernet};
use super::memberships::Memberships;
use super::namespace::{self, Access};
use super::netlink::{Netlink, index_of};
use super::offload;
use super::os::{Doing, readable, wait_readable};
use super::settings;
use crate::sut::{Interface, InterfaceId, MacAddress, Medium, Refusal, Rules, Setup};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// One interface of the stack under test, with the harness's end of its link.
pub(super) struct Port {
    /// Its index in its namespace.
    pub(super) index: u32,
    /// The harness's end.
    pub(super) link: Box<dyn Link>,
    /// The names of both ends of a veth pair, the stack's first.
    pair: Option<(String, String)>,
}

/// What a run's interfaces are.
pub(super) struct Network {
    /// In the order of the setup.
    pub(super) ports: Vec<Port>,
    netlink: Netlink,
    /// Groups that the case has joined.
    pub(super) memberships: Memberships,
    rules: Rules,
    /// The namespace has its settings already.
    inherits: bool,
    /// Present once a veth pair is; the harness's namespace lives as long as its handle.
    sides: Option<Sides>,
}

/// How one interface is made, decided from the choice, the medium and what the machine allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plan {
    /// A TUN or TAP device.
    Device(Kind),
    /// A veth pair, read through a packet socket.
    Veth,
    /// The same for bare IP datagrams: the Ethernet headers are the harness's affair.
    VethWithoutEthernet,
    /// A veth pair whose other end has this name, read through libpnet.
    Pnet(String),
}

fn plan(choice: &LinkChoice, interface: &Interface, setup: &Setup, access: Access) -> Result<Plan, Refusal> {
    let medium = interface.medium;
    if !choice.carries(medium) {
        let name = if medium == Medium::Ethernet { "ethernet" } else { "ip-medium" };
        return Err(Refusal::Unsupported(format!("{name} (the link is {choice})")));
    }
    let kind = match (medium, setup.rules) {
        (Medium::Ethernet, _) => Kind::Tap,
        (Medium::Ip, Rules::Ours) => Kind::Tun,
        (Medium::Ip, Rules::Packetdrill) => Kind::TunOffload { gso_size: settings::gso_size(setup)? },
    };
    match (choice, medium) {
        (LinkChoice::Pnet(name), _) => Ok(Plan::Pnet(name.clone())),
        (LinkChoice::Veth, _) => Ok(Plan::Veth),
        (LinkChoice::Auto, Medium::Ethernet) if !access.tun => Ok(Plan::Veth),
        (LinkChoice::Auto, Medium::Ip) if !access.tun => Ok(Plan::VethWithoutEthernet),
        _ if access.tun => Ok(Plan::Device(kind)),
        _ => Err(Refusal::Broken(format!("--link {choice}: /dev/net/tun cannot be opened; use --link veth"))),
    }
}

/// The namespaces of a run whose links are veth pairs.
struct Sides {
    /// The stack under test's.
    stack: OwnedFd,
    /// The harness's, without addresses and with IPv6 off, so that it never answers by itself.
    harness: OwnedFd,
}

impl Sides {
    /// Makes the second namespace and comes back to the first.
    fn make() -> Result<Sides, String> {
        let stack = namespace::current().doing("the run's network namespace")?;
        namespace::unshare_network().doing("unshare(CLONE_NEWNET)")?;
        let harness = namespace::current().doing("the harness's network namespace");
        let quiet = baseline::apply(baseline::PEER, "");
        namespace::enter(&stack).doing("coming back to the run's network namespace")?;
        quiet?;
        Ok(Sides { stack, harness: harness? })
    }

    /// Makes both ends of a pair that has just got its carrier ready to send.
    fn settle(&self, name: &str, peer: &str) -> Result<(), String> {
        offload::settle_carrier(name).doing("the stack's end")?;
        namespace::within(&self.harness, &self.stack, || {
            offload::settle_carrier(peer).doing("the harness's end")
        })
    }
}

/// How long an address may take to become usable.
const ADDRESS_LIMIT: Duration = Duration::from_secs(2);

/// A report is sent at most three ticks after the one before.
const SILENCE_TICKS: u32 = 4;

/// The link-local address that the kernel makes of a hardware address (RFC 4291, appendix A).
fn link_local(mac: MacAddress) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    let pair = u16::from_be_bytes;
    Ipv6Addr::new(0xfe80, 0, 0, 0, pair([a ^ 2, b]), pair([c, 0xff]), pair([0xfe, d]), pair([e, f]))
}

impl Network {
    /// Makes what `setup` says in the calling thread's namespace, which must be new.
    pub(super) fn build(
        setup: &Setup,
        choice: &LinkChoice,
        access: Access,
        inherits: bool,
    ) -> Result<Network, Refusal> {
        let plans: Result<Vec<Plan>, Refusal> =
            setup.interfaces.iter().map(|i| plan(choice, i, setup, access)).collect();
        let plans = plans?;
        let netlink = Netlink::open().doing("netlink socket").map_err(Refusal::Broken)?;
        let mut network = Network {
            ports: Vec::new(),
            netlink,
            memberships: Memberships::default(),
            rules: setup.rules,
            inherits,
            sides: None,
        };
        network.configure(setup, &plans).map_err(Refusal::Broken)?;
        Ok(network)
    }

    fn configure(&mut self, setup: &Setup, plans: &[Plan]) -> Result<(), String> {
        if !self.inherits {
            baseline::apply(baseline::NAMESPACE, "")?;
        }
        baseline::apply(baseline::OWN, "")?;
        if setup.forwarding {
            baseline::set_forwarding(true)?;
        }
        // veth pairs are waited for while they are made.
        if self.inherits && plans.iter().all(|plan| matches!(plan, Plan::Device(_))) {
            self.netlink.wait();
        }
        self.netlink.set_up(1, true).doing("bringing lo up")?;
        for (at, (interface, plan)) in setup.interfaces.iter().zip(plans).enumerate() {
            let name = &interface.name;
            let port =
                self.add(interface, plan, at).map_err(|why| format!("making interface {name}: {why}"))?;
            self.ports.push(port);
            if !self.inherits {
                baseline::apply(baseline::INTERFACE, name)?;
            }
        }
        for (at, interface) in setup.interfaces.iter().enumerate() {
            self.address(at, interface)?;
        }
        if self.inherits {
            // Its driver waits a while before the run begins.
            self.neighbours_and_routes(setup)?;
            return self.netlink.send_together();
        }
        self.await_addresses(setup)?;
        self.neighbours_and_routes(setup)?;
        self.await_silence(setup).doing("waiting for silence")
    }

    fn add(&mut self, interface: &Interface, plan: &Plan, at: usize) -> Result<Port, String> {
        match plan {
            Plan::Device(kind) => self.add_device(interface, *kind).doing("TUN or TAP device"),
            Plan::Veth => self.add_veth(interface, &format!("peer{at}"), |name| {
                Ok(Box::new(PacketSocket::open(index_of(name)?, false)?))
            }),
            Plan::VethWithoutEthernet => {
                let port = self.add_veth(interface, &format!("peer{at}"), |name| {
                    let socket = PacketSocket::open(index_of(name)?, false)?;
                    Ok(Box::new(WithoutEthernet::new(socket, interface.mac)))
                })?;
                // Without ARP a link's neighbours need no addresses of their own.
                self.netlink.set_flags(port.index, libc::IFF_NOARP, libc::IFF_NOARP).doing("IFF_NOARP")?;
                Ok(port)
            }
            Plan::Pnet(name) => {
                let name = if at == 0 { name.clone() } else { format!("{name}{at}") };
                self.add_veth(interface, &name, |name| Ok(Box::new(Pnet::open(name)?)))
            }
        }
    }

    fn add_device(&mut self, interface: &Interface, kind: Kind) -> io::Result<Port> {
        let device = Tun::open(&interface.name, kind)?;
        let index = index_of(&interface.name)?;
        if interface.medium == Medium::Ethernet {
            self.netlink.set_mac(index, interface.mac)?;
        }
        self.bring_up(index, interface)?;
        // Where time passes only while the driver waits, a frame is there at the moment that it is sent.
        let link: Box<dyn Link> =
            if self.inherits { Box::new(device) } else { Box::new(Stamped::new(device, index)?) };
        Ok(Port { index, link, pair: None })
    }

    fn bring_up(&mut self, index: u32, interface: &Interface) -> io::Result<()> {
        self.netlink.set_mtu(index, u32::from(interface.mtu))?;
        // The host's default may pace (fq) or interleave flows. A kernel without queueing disciplines refuses, and
        // needs none. Upstream scripts add one themselves, which fails where one has been added already.
        if self.rules == Rules::Ours {
            let _ = self.netlink.set_root_qdisc(index, "pfifo");
        }
        self.netlink.set_up(index, true)
    }

    fn add_veth(
        &mut self,
        interface: &Interface,
        peer: &str,
        open: impl FnOnce(&str) -> io::Result<Box<dyn Link>>,
    ) -> Result<Port, String> {
        let sides = match self.sides.take() {
            Some(sides) => sides,
            None => Sides::make()?,
        };
        let name = &interface.name;
        self.netlink.add_veth(name, interface.mac, peer, sides.harness.as_raw_fd()).doing("veth pair")?;
        let link = namespace::within(&sides.harness, &sides.stack, || {
            offload::turn_off(peer).doing("offload of the harness's end")?;
            let mut netlink = Netlink::open().doing("netlink socket")?;
            let index = index_of(peer).doing("the harness's end")?;
            // Frames that are too long are a case's affair, not the harness's.
            netlink.set_mtu(index, 65535).doing("MTU of the harness's end")?;
            netlink.set_up(index, true).doing("bringing the harness's end up")?;
            open(peer).doing("opening the harness's end")
        })?;
        offload::turn_off(name).doing("turning offload off")?;
        let index = index_of(name).doing("the stack's end")?;
        self.bring_up(index, interface).doing("bringing the link up")?;
        sides.settle(name, peer)?;
        self.sides = Some(sides);
        Ok(Port { index, link, pair: Some((name.clone(), peer.to_owned())) })
    }

    fn address(&mut self, at: usize, interface: &Interface) -> Result<(), String> {
        for prefix in &interface.addresses {
            let index = self.ports[at].index;
            match self.netlink.address(index, *prefix, true, false) {
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

    /// Waits until IPv6 addresses can be used. The kernel puts their routes in place from a queue of its own, also where there
    /// is no duplicate address detection to wait for; what arrives earlier is lost.
    fn await_addresses(&mut self, setup: &Setup) -> Result<(), String> {
        let clock = Clock::start();
        let until = clock.now() + ADDRESS_LIMIT;
        for interface in &setup.interfaces {
            let own = interface.addresses.iter().map(|p| p.address).filter(IpAddr::is_ipv6);
            let mut waited_for: Vec<IpAddr> = own.collect();
            if interface.medium == Medium::Ethernet && !waited_for.is_empty() {
                waited_for.push(link_local(interface.mac).into());
            }
            for address in waited_for {
                while !self.netlink.is_local(address).unwrap_or(false) {
                    if clock.now() >= until {
                        return Err(format!(
                            "address {address} on {} does not become usable",
                            interface.name
                        ));
                    }
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        }
        Ok(())
    }

    /// Waits until the kernel has told the link which groups it is in (MLD, two reports within a few ticks), and forgets that:
    /// no setting keeps it from doing so, and no case asked for it.
    fn await_silence(&mut self, setup: &Setup) -> io::Result<()> {
        // A TUN device without addresses of the link's own says nothing.
        let speaks = |(interface, port): (&Interface, &Port)| {
            let link = interface.medium == Medium::Ethernet || port.pair.is_some();
            link && interface.addresses.iter().any(|p| p.address.is_ipv6())
        };
        if !setup.interfaces.iter().zip(&self.ports).any(speaks) {
            return Ok(());
        }
        let clock = Clock::start();
        let silence = clock::tick() * SILENCE_TICKS;
        let mut buffer = vec![0; LARGEST_FRAME];
        let mut quiet_until = clock.now() + silence;
        let end = clock.now() + silence * 16;
        while clock.now() < quiet_until.min(end) {
            let left = quiet_until.saturating_since(clock.now()).as_nanos();
            let mut fds: Vec<_> = self.ports.iter().filter_map(|p| p.link.fd()).map(readable).collect();
            wait_readable(&mut fds, u64::try_from(left).ok())?;
            for port in &mut self.ports {
                while port.link.receive(&mut buffer)?.is_some() {
                    quiet_until = clock.now() + silence;
                }
            }
        }
        Ok(())
    }

    /// Forgets what the links have carried until now.
    pub(super) fn forget_frames(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; LARGEST_FRAME];
        for port in &mut self.ports {
            while port.link.receive(&mut buffer)?.is_some() {}
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

    /// The interface that the kernel knows by an index.
    pub(super) fn interface(&self, index: u32) -> Option<InterfaceId> {
        self.ports.iter().position(|port| port.index == index).map(InterfaceId)
    }

    /// Hands a frame to the stack. One that the device does not take (too short, too long, link down) is lost, as on a wire.
    pub(super) fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> io::Result<()> {
        const LOST: [i32; 5] = [libc::EINVAL, libc::EIO, libc::ENETDOWN, libc::EMSGSIZE, libc::ENXIO];
        let Some(port) = self.ports.get_mut(interface.0) else {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        };
        let Err(error) = port.link.send(frame) else { return Ok(()) };
        if error.raw_os_error().is_some_and(|e| LOST.contains(&e)) {
            return Ok(());
        }
        // What an end without a carrier says. A command may have changed that behind our back.
        if let (Some(libc::ENOBUFS), Some(sides), Some((name, peer))) =
            (error.raw_os_error(), &self.sides, &port.pair)
        {
            return if sides.settle(name, peer).is_ok() { port.link.send(frame) } else { Ok(()) };
        }
        Err(error)
    }

    /// Brings an interface up or down.
    pub(super) fn set_up(&mut self, interface: InterfaceId, up: bool) -> io::Result<()> {
        let Some(port) = self.ports.get(interface.0) else {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        };
        self.netlink.set_up(port.index, up)?;
        match (&self.sides, &port.pair) {
            (Some(sides), Some((name, peer))) if up => sides.settle(name, peer).map_err(io::Error::other),
            _ => Ok(()),
        }
    }

    /// The socket for changes while the run goes on.
    pub(super) fn netlink(&mut self) -> &mut Netlink {
        &mut self.netlink
    }
}
