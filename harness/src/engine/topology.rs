//! What the stack under test is connected to: from a case's head, or from packetdrill's options.

use super::config::PacketdrillConfig;
use super::survey::Survey;
use crate::lang::Error;
use crate::lang::ast::{Head, Spanned, Topology};
use crate::packet::{Host, World};
use crate::sut::{
    Capabilities, Capability, Family, Interface, MacAddress, Medium, Neighbour, Prefix, Route, Rules, Setup,
};
use std::net::IpAddr;

/// The largest datagram in our cases: the TCP payload of a full-sized segment is 1460 bytes in both families.
fn default_mtu(family: Family) -> u16 {
    if family.is_ipv6_on_wire() { 1520 } else { 1500 }
}

/// A locally administered hardware address: `02:00:00:00:KIND:NUMBER`.
fn made_up_mac(kind: u8, number: usize) -> MacAddress {
    MacAddress([2, 0, 0, 0, kind, number as u8])
}

/// The addresses that every case of ours has: documentation networks of RFC 5737 and RFC 3849.
fn default_addresses(family: Family) -> (Vec<Prefix>, IpAddr, IpAddr) {
    if family.is_ipv6_on_wire() {
        let local = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        let remote = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 2]);
        (vec![Prefix { address: local, length: 64 }], local, remote)
    } else {
        let (local, remote) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        (vec![Prefix { address: local, length: 24 }], local, remote)
    }
}

/// The world of one of our cases.
pub(super) fn of_case(
    head: &Head,
    family: Family,
    stack: &Capabilities,
    survey: &Survey,
    seed: u64,
) -> Result<World, Error> {
    let ethernet = stack.has(Capability::Ethernet) || survey.needs.contains(&Capability::Ethernet);
    let (addresses, local, remote) = default_addresses(family);
    let medium = if ethernet { Medium::Ethernet } else { Medium::Ip };
    let first = Interface {
        name: if ethernet { "eth0" } else { "tun0" }.to_owned(),
        medium,
        mtu: default_mtu(family),
        mac: made_up_mac(0, 1),
        addresses,
    };
    let peer =
        Host { name: "REMOTE".to_owned(), addresses: vec![remote], mac: made_up_mac(0, 2), interface: 0 };
    let setup = Setup {
        rules: Rules::Ours,
        family,
        interfaces: vec![first],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: head.with.iter().map(|s| s.value.clone()).collect(),
        seed,
    };
    let mut world = World { setup, local, remote, hosts: vec![peer], local_port: 8080, remote_port: 8080 };
    for declaration in &head.topology {
        declare(&mut world, declaration, medium)?;
    }
    name_servers(&mut world, head)?;
    if !survey.speaks_of_resolution && medium == Medium::Ethernet {
        world.setup.neighbours = known_neighbours(&world);
    }
    Ok(world)
}

/// `nameserver=REMOTE,second`: hosts by name become their addresses.
fn name_servers(world: &mut World, head: &Head) -> Result<(), Error> {
    let Some(setting) = head.with.iter().find(|setting| setting.value.0 == NAME_SERVER) else {
        return Ok(());
    };
    let address = |name: &str| {
        let unknown = || Error::new(&setting.span, format!("no host or address is called '{name}'"));
        world.address(name).map(|address| address.to_string()).ok_or_else(unknown)
    };
    let servers = setting.value.1.split(',').map(address).collect::<Result<Vec<_>, Error>>()?;
    world.setup.settings.insert(NAME_SERVER.to_owned(), servers.join(","));
    Ok(())
}

/// The setting that lists the resolver's servers.
const NAME_SERVER: &str = "nameserver";

/// A case that is silent about address resolution is not about it: the stack knows its neighbours from the start.
fn known_neighbours(world: &World) -> Vec<Neighbour> {
    let of_host = |host: &Host| {
        let (mac, interface) = (host.mac, host.interface);
        let addresses = host.addresses.clone().into_iter();
        addresses.map(move |address| Neighbour { address, mac, interface })
    };
    let addresses = world.hosts.iter().flat_map(of_host);
    addresses.filter(|n| is_of(n.address, world.setup.family)).collect()
}

fn declare(world: &mut World, line: &Spanned<Topology>, medium: Medium) -> Result<(), Error> {
    match &line.value {
        Topology::Forwarding => world.setup.forwarding = true,
        Topology::Interface { name, addresses, mtu, unconfigured } => {
            let prefixes = addresses.iter().map(|a| prefix(a, line)).collect::<Result<Vec<_>, _>>()?;
            let mtu = mtu.unwrap_or(default_mtu(world.setup.family));
            declare_interface(world, name, prefixes, *unconfigured, mtu, medium);
        }
        Topology::Host { name, addresses, mac, interface } => {
            let interface = interface_named(world, interface.as_deref(), line)?;
            let addresses = addresses.iter().map(|a| address(a, line)).collect::<Result<Vec<_>, _>>()?;
            let mac = match mac {
                Some(text) => world.mac(text).ok_or_else(|| {
                    Error::new(&line.span, format!("'{text}' is not a hardware address"))
                        .help("one looks like 02:00:00:00:00:03")
                })?,
                None => made_up_mac(2, world.hosts.len()),
            };
            declare_host(world, Host { name: name.clone(), addresses, mac, interface });
        }
        Topology::Route { destination, via, interface } => {
            let route = route(world, line, destination, via.as_deref(), interface.as_deref())?;
            if is_of(route.destination.address, world.setup.family) {
                world.setup.routes.push(route);
            }
        }
    }
    Ok(())
}

/// A new interface, or another size and other addresses for one that is there.
fn declare_interface(
    world: &mut World,
    name: &str,
    prefixes: Vec<Prefix>,
    unconfigured: bool,
    mtu: u16,
    medium: Medium,
) {
    let setup = &mut world.setup;
    let addresses: Vec<Prefix> = prefixes.into_iter().filter(|p| is_of(p.address, setup.family)).collect();
    match setup.interfaces.iter_mut().find(|i| i.name == name) {
        Some(interface) => {
            interface.mtu = mtu;
            if unconfigured || !addresses.is_empty() {
                interface.addresses = addresses;
            }
        }
        None => {
            let mac = made_up_mac(1, setup.interfaces.len());
            setup.interfaces.push(Interface { name: name.to_owned(), medium, mtu, mac, addresses });
        }
    }
    if let Some(first) = setup.interfaces[0].addresses.first() {
        world.local = first.address;
    }
}

fn declare_host(world: &mut World, host: Host) {
    match world.hosts.iter_mut().find(|h| h.name == host.name) {
        Some(known) => *known = host,
        None => world.hosts.push(host),
    }
    let family = world.setup.family;
    if let Some(remote) = world.hosts[0].addresses.iter().find(|a| is_of(**a, family)) {
        world.remote = *remote;
    }
}

/// The route that a line declares; it leaves by its gateway's interface where it names none.
fn route(
    world: &World,
    line: &Spanned<Topology>,
    destination: &str,
    via: Option<&str>,
    interface: Option<&str>,
) -> Result<Route, Error> {
    let destination = match destination {
        "default" if world.setup.family.is_ipv6_on_wire() => {
            Prefix { address: IpAddr::from([0u16; 8]), length: 0 }
        }
        "default" => Prefix { address: IpAddr::from([0u8; 4]), length: 0 },
        text => prefix(text, line)?,
    };
    let unknown = |name| Error::new(&line.span, format!("no host or address is called '{name}'"));
    let gateway = via.map(|name| world.address(name).ok_or_else(|| unknown(name))).transpose()?;
    let interface = match (interface, gateway.and_then(|g| world.host_of(g))) {
        (None, Some(host)) => host.interface,
        (name, _) => interface_named(world, name, line)?,
    };
    Ok(Route { destination, gateway, interface })
}

fn is_of(address: IpAddr, family: Family) -> bool {
    address.is_ipv6() == family.is_ipv6_on_wire()
}

fn interface_named(world: &World, name: Option<&str>, line: &Spanned<Topology>) -> Result<usize, Error> {
    let Some(name) = name else { return Ok(0) };
    world.setup.interfaces.iter().position(|i| i.name == name).ok_or_else(|| {
        let known: Vec<&str> = world.setup.interfaces.iter().map(|i| i.name.as_str()).collect();
        Error::new(&line.span, format!("there is no interface '{name}' above this line"))
            .help(format!("there are {}", known.join(", ")))
    })
}

fn address(text: &str, line: &Spanned<Topology>) -> Result<IpAddr, Error> {
    text.parse().map_err(|_| Error::new(&line.span, format!("'{text}' is not an IP address")))
}

fn prefix(text: &str, line: &Spanned<Topology>) -> Result<Prefix, Error> {
    let (ip, length) = text.split_once('/').unwrap_or((text, ""));
    let address = address(ip, line)?;
    let full = if address.is_ipv4() { 32 } else { 128 };
    let length = if length.is_empty() { Some(full) } else { length.parse().ok().filter(|l| *l <= full) };
    let length = length.ok_or_else(|| {
        Error::new(&line.span, format!("'{text}' has no prefix length between 0 and {full}"))
    })?;
    Ok(Prefix { address, length })
}

/// The world of an upstream script: one TUN device, the peer behind a gateway.
pub(super) fn of_packetdrill(config: &PacketdrillConfig, family: Family, seed: u64) -> World {
    let tun = Interface {
        name: "tun0".to_owned(),
        medium: Medium::Ip,
        mtu: config.mtu,
        mac: made_up_mac(0, 1),
        addresses: vec![Prefix { address: config.local_ip, length: config.local_prefix }],
    };
    let to_peer = Route {
        destination: Prefix { address: config.remote_ip, length: config.remote_prefix },
        gateway: Some(config.gateway_ip),
        interface: 0,
    };
    let peer = Host {
        name: "REMOTE".to_owned(),
        addresses: vec![config.remote_ip],
        mac: made_up_mac(0, 2),
        interface: 0,
    };
    World {
        setup: Setup {
            rules: Rules::Packetdrill,
            family,
            interfaces: vec![tun],
            routes: vec![to_peer],
            neighbours: Vec::new(),
            forwarding: false,
            settings: (config.mss > 0)
                .then(|| ("gso".to_owned(), config.mss.to_string()))
                .into_iter()
                .collect(),
            seed,
        },
        local: config.local_ip,
        remote: config.remote_ip,
        hosts: vec![peer],
        local_port: config.bind_port,
        remote_port: config.connect_port,
    }
}
