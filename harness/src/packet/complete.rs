//! What a script leaves out: outer headers, versions, addresses, hardware addresses.

use super::flows::{Direction, Flows};
use super::messages;
use super::world::World;
use crate::lang::ast::{Field, Layer, LayerBody, LayerKind, Packet};
use crate::lang::{self, Span};
use crate::sut::{MacAddress, Medium};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a packet is on its way: between which interface of the stack and whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The interface's position in the setup.
    pub(super) interface: usize,
    pub(super) medium: Medium,
    /// The stack's address there.
    pub(super) local: IpAddr,
    /// The peer's.
    pub(super) remote: IpAddr,
}

impl Place {
    /// The place that `packet` names, or the first interface.
    pub(super) fn of(world: &World, packet: &Packet) -> Result<Place, lang::Error> {
        let Some(name) = &packet.interface else {
            let medium = world.setup.interfaces.first().map_or(Medium::Ip, |i| i.medium);
            return Ok(Place { interface: 0, medium, local: world.local, remote: world.remote });
        };
        let Some(index) = world.setup.interfaces.iter().position(|i| i.name == *name) else {
            let names: Vec<_> = world.setup.interfaces.iter().map(|i| i.name.as_str()).collect();
            return Err(lang::Error::new(&packet.span, format!("there is no interface {name}"))
                .help(format!("the interfaces are {}", names.join(", "))));
        };
        let interface = &world.setup.interfaces[index];
        let (mut local, mut remote) = (world.local, world.remote);
        if index > 0 {
            let v6 = world.setup.family.is_ipv6_on_wire();
            local =
                interface.addresses.iter().map(|p| p.address).find(|a| a.is_ipv6() == v6).unwrap_or(local);
            let peer = world.hosts.iter().filter(|h| h.interface == index).flat_map(|h| &h.addresses);
            remote = peer.copied().find(|a| a.is_ipv6() == v6).unwrap_or(remote);
        }
        Ok(Place { interface: index, medium: interface.medium, local, remote })
    }

    /// Source and destination of a packet that names none.
    pub(super) fn addresses(&self, direction: Direction) -> (IpAddr, IpAddr) {
        match direction {
            Direction::Inbound => (self.remote, self.local),
            Direction::Outbound => (self.local, self.remote),
        }
    }

    /// The interface's hardware address.
    pub(super) fn local_mac(&self, world: &World) -> MacAddress {
        world.setup.interfaces.get(self.interface).map_or(MacAddress([0; 6]), |i| i.mac)
    }

    /// The hardware address that a frame for `address` goes to: a group's, the owner's, or the next hop's.
    pub(super) fn mac_towards(&self, world: &World, address: IpAddr) -> MacAddress {
        if let Some(mac) = self.group_mac(world, address) {
            return mac;
        }
        if address == self.local || is_own(world, address) {
            return self.local_mac(world);
        }
        if let Some(host) = world.host_of(address) {
            return host.mac;
        }
        let hop = next_hop(world, address).and_then(|hop| world.host_of(hop));
        hop.or_else(|| world.host_of(self.remote)).map_or(MacAddress([0; 6]), |h| h.mac)
    }

    /// RFC 1112 section 6.4, RFC 2464 section 7, RFC 894 for broadcasts.
    fn group_mac(&self, world: &World, address: IpAddr) -> Option<MacAddress> {
        match address {
            IpAddr::V4(a) if a.is_multicast() => {
                let [_, b, c, d] = a.octets();
                Some(MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d]))
            }
            IpAddr::V4(a) if a.is_broadcast() || is_subnet_broadcast(world, a) => Some(MacAddress::BROADCAST),
            IpAddr::V6(a) if a.is_multicast() => {
                let o = a.octets();
                Some(MacAddress([0x33, 0x33, o[12], o[13], o[14], o[15]]))
            }
            _ => None,
        }
    }
}

/// Whether `address` belongs to the stack under test.
pub(super) fn is_own(world: &World, address: IpAddr) -> bool {
    address == world.local
        || world.setup.interfaces.iter().flat_map(|i| &i.addresses).any(|p| p.address == address)
}

/// Whether `address` is all ones in the host part of one of the stack's networks.
pub(super) fn is_subnet_broadcast(world: &World, address: Ipv4Addr) -> bool {
    let prefixes = world.setup.interfaces.iter().flat_map(|i| &i.addresses);
    prefixes.into_iter().any(|p| match p.address {
        // RFC 3021: a prefix of 31 bits has no broadcast address.
        IpAddr::V4(own) if p.length < 31 => {
            let host = u32::MAX.checked_shr(u32::from(p.length)).unwrap_or(0);
            u32::from(address) == u32::from(own) | host
        }
        _ => false,
    })
}

/// The gateway of the most specific route.
fn next_hop(world: &World, address: IpAddr) -> Option<IpAddr> {
    let fits = |prefix: &crate::sut::Prefix| match (prefix.address, address) {
        (IpAddr::V4(p), IpAddr::V4(a)) => same_prefix(&p.octets(), &a.octets(), prefix.length),
        (IpAddr::V6(p), IpAddr::V6(a)) => same_prefix(&p.octets(), &a.octets(), prefix.length),
        _ => false,
    };
    let routes = world.setup.routes.iter().filter(|r| fits(&r.destination));
    routes.max_by_key(|r| r.destination.length)?.gateway
}

fn same_prefix(a: &[u8], b: &[u8], length: u8) -> bool {
    let bit = |bytes: &[u8], i: usize| bytes.get(i / 8).map(|byte| byte >> (7 - i % 8) & 1);
    (0..usize::from(length)).all(|i| bit(a, i) == bit(b, i))
}

/// The address that a name stands for, broadcasts included.
pub(super) fn address(world: &World, place: &Place, name: &str) -> Option<IpAddr> {
    let v6 = world.setup.family.is_ipv6_on_wire();
    match name {
        "LOCAL" => Some(place.local),
        "REMOTE" => Some(place.remote),
        // IPv6 has no broadcast; all nodes on the link come nearest (RFC 4291 section 2.7.1).
        "BROADCAST" if v6 => Some(IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1))),
        "BROADCAST" => Some(IpAddr::V4(Ipv4Addr::BROADCAST)),
        _ => world.address(name),
    }
}

/// Whether the packets of this run are IPv6 where nothing else is said.
fn family_v6(world: &World) -> bool {
    world.setup.family.is_ipv6_on_wire()
}

/// The layers of a packet with those that it leaves out, and with the versions of IP and ICMP resolved.
/// `expected` says that it is compared with and not built.
///
/// # Errors
/// Where the packet has no layer, or one that the interface does not carry.
pub(super) fn layers(
    world: &World,
    flows: &Flows,
    place: &Place,
    (direction, expected): (Direction, bool),
    packet: &Packet,
) -> Result<Vec<Layer>, lang::Error> {
    let mut layers = network_layers(family_v6(world), &packet.layers, &packet.span)?;
    messages::complete(&mut layers, flows, direction, expected);
    let first = layers.first().map_or(LayerKind::Payload, |l| l.kind);
    match place.medium {
        Medium::Ethernet if first != LayerKind::Ether => {
            layers.insert(0, plain(LayerKind::Ether, &packet.span))
        }
        Medium::Ip
            if matches!(first, LayerKind::Ether | LayerKind::Vlan | LayerKind::Snap | LayerKind::Arp) =>
        {
            return Err(lang::Error::new(&packet.layers[0].span, "this interface carries bare IP datagrams")
                .help("Ethernet headers and ARP need an Ethernet interface: `needs: ethernet`"));
        }
        _ => {}
    }
    Ok(layers)
}

/// The layers from the network layer inwards, as in a packet without link or in a quote.
pub(super) fn network_layers(v6: bool, said: &[Layer], span: &Span) -> Result<Vec<Layer>, lang::Error> {
    use LayerKind as K;
    let link = said.iter().take_while(|l| matches!(l.kind, K::Ether | K::Vlan | K::Snap)).count();
    let mut layers: Vec<Layer> = said[..link].to_vec();
    let implied = match said.get(link).map(|l| l.kind) {
        Some(K::Ip | K::Ipv4 | K::Ipv6 | K::Arp | K::Mpls) => None,
        Some(K::Payload) if link > 0 => None,
        None if link > 0 => None,
        None => return Err(lang::Error::new(span, "a packet needs at least one header")),
        Some(K::HopByHop | K::DestinationOptions | K::Routing | K::Fragment | K::Icmpv6) => Some(K::Ipv6),
        Some(K::Icmpv4) => Some(K::Ipv4),
        Some(_) => Some(if v6 { K::Ipv6 } else { K::Ipv4 }),
    };
    layers.extend(implied.map(|kind| plain(kind, span)));
    let mut version_6 = implied.map_or(v6, |kind| kind == K::Ipv6);
    for layer in &said[link..] {
        let mut layer = layer.clone();
        layer.kind = match layer.kind {
            K::Ip if v6 => K::Ipv6,
            K::Ip => K::Ipv4,
            K::Icmp if version_6 => K::Icmpv6,
            K::Icmp => K::Icmpv4,
            kind => kind,
        };
        match layer.kind {
            K::Ipv4 => version_6 = false,
            K::Ipv6 => version_6 = true,
            _ => {}
        }
        let fragment = split_fragment(&mut layer);
        layers.push(layer);
        layers.extend(fragment);
    }
    Ok(layers)
}

/// `[id 7, mf, off 0]` in an IPv6 run: the fields are those of a fragment header.
fn split_fragment(layer: &mut Layer) -> Option<Layer> {
    let is_fragment = |f: &Field| matches!(f.name.as_str(), "id" | "mf" | "off");
    if layer.kind != LayerKind::Ipv6 || !layer.fields.iter().any(is_fragment) {
        return None;
    }
    let (fields, rest) = layer.fields.drain(..).partition(is_fragment);
    layer.fields = rest;
    Some(Layer { fields, ..plain(LayerKind::Fragment, &layer.span) })
}

pub(super) fn plain(kind: LayerKind, span: &Span) -> Layer {
    Layer { kind, fields: Vec::new(), body: LayerBody::Plain, span: span.clone() }
}
