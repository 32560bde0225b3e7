//! DHCP at a host's interfaces: messages between the client and the link, and leases in use.

use super::dhcp::{Action, Client};
use super::lease::{Lease, Parameters};
use crate::config::{Medium, Route};
use crate::host::Host;
use crate::ip::Cidr;
use crate::ip::output::Packet4;
use crate::network::{Arrival, earliest_in};
use crate::tcp;
use crate::time::Instant;
use crate::wire::arp;
use crate::wire::dhcpv4::{CLIENT_PORT, Message, SERVER_PORT};
use crate::wire::{Buffer, ipv4, protocol, udp};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// What an administrator tells the DHCP client of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpCall {
    /// Get an address: the last one again where its lease has not ended (INIT-REBOOT), else a new one.
    Start,
    /// Stop without a word to the server, and use the address no longer.
    Stop,
    /// Give the lease back, and stop.
    Release,
    /// Ask for more time now, where a lease is in use that ends.
    Renew,
    /// Keep the address that was configured, and ask for the other parameters.
    Inform,
}

/// The clients of a host.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    dhcp: BTreeMap<usize, Configured>,
}

/// The client of an interface, and what its lease has changed there.
#[derive(Debug)]
struct Configured {
    client: Client,
    address: Option<Ipv4Addr>,
    routes: Vec<Route>,
    /// The MTU without the lease's.
    mtu: u16,
    name_servers: Vec<IpAddr>,
    domain: Option<String>,
}

impl Clients {
    /// When something is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        earliest_in(&self.dhcp, |configured| configured.client.next_deadline())
    }

    /// The host reboots: of the clients only their leases are left.
    pub(crate) fn reboot(&mut self) {
        for configured in self.dhcp.values_mut() {
            configured.client.stop();
            configured.client.take_actions();
            (configured.address, configured.routes) = (None, Vec::new());
            (configured.name_servers, configured.domain) = (Vec::new(), None);
        }
    }
}

impl Host {
    /// Tells the DHCP client of an interface what to do; false where there is no such interface, it is not Ethernet,
    /// or [`DhcpCall::Inform`] finds no address.
    pub fn dhcp(&mut self, now: Instant, interface: usize, call: DhcpCall) -> bool {
        let Some(link) = self.net.interfaces.get(interface).filter(|link| link.medium == Medium::Ethernet)
        else {
            return false;
        };
        let (mac, mtu, address) = (link.mac, link.mtu, link.ipv4().next().map(|(address, _)| address));
        let seed = &mut self.net.rng;
        let configured = self.clients.dhcp.entry(interface).or_insert_with(|| Configured {
            client: Client::new(mac, mtu, seed.next_u64()),
            address: None,
            routes: Vec::new(),
            mtu,
            name_servers: Vec::new(),
            domain: None,
        });
        let client = &mut configured.client;
        match (call, address) {
            (DhcpCall::Start, _) => client.start(now),
            (DhcpCall::Stop, _) => client.stop(),
            (DhcpCall::Release, _) => client.release(),
            (DhcpCall::Renew, _) => client.renew(now),
            (DhcpCall::Inform, Some(address)) => client.inform(now, address),
            (DhcpCall::Inform, None) => return false,
        }
        self.carry_out(now, interface);
        self.settle(now);
        true
    }

    /// A link has come up: its client verifies its lease.
    pub(crate) fn dhcp_verifies(&mut self, now: Instant, interface: usize) {
        if let Some(configured) = self.clients.dhcp.get_mut(&interface) {
            configured.client.link_came_up(now);
            self.carry_out(now, interface);
        }
    }

    /// Does what is due of the clients.
    pub(crate) fn poll_clients(&mut self, now: Instant) {
        let interfaces: Vec<usize> = self.clients.dhcp.keys().copied().collect();
        for interface in interfaces {
            let Some(configured) = self.clients.dhcp.get_mut(&interface) else { continue };
            configured.client.poll(now);
            self.carry_out(now, interface);
        }
    }

    /// Gives a datagram to the DHCP client, if it is one for it, whatever its destination: before the client is
    /// configured its messages come to the address that it will have (RFC 2131 4.1). True where it was one.
    pub(crate) fn dhcp_takes(&mut self, now: Instant, arrival: Arrival, datagram: &[u8]) -> bool {
        let Some(configured) = self.clients.dhcp.get_mut(&arrival.interface) else { return false };
        if !configured.client.listens() || arrival.loopback {
            return false;
        }
        let Ok((ip, payload)) = ipv4::Header::parse(datagram) else { return false };
        if ip.protocol != protocol::UDP || ip.is_fragment() {
            return false;
        }
        // Once it is configured, what is for others is not for it.
        let others = configured.address.is_some_and(|own| own != ip.destination);
        if others && !ip.destination.is_broadcast() {
            return false;
        }
        let (source, destination) = (ip.source.into(), ip.destination.into());
        let Ok((header, data)) = udp::Header::parse(source, destination, payload) else { return false };
        if header.destination_port != CLIENT_PORT {
            return false;
        }
        if let Ok(message) = Message::parse(data) {
            configured.client.message_arrives(now, &message);
            self.carry_out(now, arrival.interface);
        }
        true
    }

    /// The servers of the resolver: those configured, or else those that leases name.
    pub(crate) fn name_servers(&self) -> Vec<IpAddr> {
        let own = &self.net.config.resolver.servers;
        let lent = self.clients.dhcp.values().flat_map(|c| &c.name_servers);
        if own.is_empty() { lent.copied().collect() } else { own.clone() }
    }

    /// The domains that the resolver tries names in: those configured, or else those that leases name.
    pub(crate) fn search_list(&self) -> Vec<String> {
        let own = &self.net.config.resolver.search;
        let lent = self.clients.dhcp.values().filter_map(|c| c.domain.clone());
        if own.is_empty() { lent.collect() } else { own.clone() }
    }

    /// Lets the DHCP client of an interface hear an ARP packet.
    pub(crate) fn dhcp_hears_arp(&mut self, now: Instant, interface: usize, bytes: &[u8]) {
        let Some(configured) = self.clients.dhcp.get_mut(&interface) else { return };
        if let Ok(packet) = arp::Packet::parse(bytes) {
            configured.client.hear_arp(now, &packet);
            self.carry_out(now, interface);
        }
    }

    fn carry_out(&mut self, now: Instant, interface: usize) {
        let Some(configured) = self.clients.dhcp.get_mut(&interface) else { return };
        for action in configured.client.take_actions() {
            match action {
                Action::Send { message, from, to } => self.send_dhcp(now, interface, &message, from, to),
                Action::Probe(address) => {
                    self.net.send_arp_question(interface, Ipv4Addr::UNSPECIFIED, address)
                }
                Action::Announce(address) => self.net.send_arp_question(interface, address, address),
                Action::Configure(lease) => self.configure(now, interface, &lease),
                Action::Deconfigure => self.deconfigure(now, interface),
                Action::Inform(parameters) => self.take_parameters(interface, &parameters),
            }
        }
    }

    fn send_dhcp(&mut self, now: Instant, interface: usize, message: &Message, from: Ipv4Addr, to: Ipv4Addr) {
        let mut buffer = Buffer::with_payload(&message.emit());
        let ports = udp::Header { source_port: CLIENT_PORT, destination_port: SERVER_PORT };
        ports.emit(from.into(), to.into(), &mut buffer);
        let packet = Packet4 {
            source: from,
            destination: to,
            protocol: protocol::UDP,
            tos: 0,
            ttl: self.net.config.ipv4.ttl,
            dont_fragment: false,
            options: &[],
            via: Some(interface),
        };
        // A server that there is no way to is asked again, or another one is.
        let _no_way = self.net.send_v4(now, packet, buffer);
    }

    /// Uses a lease, in place of the one before.
    fn configure(&mut self, now: Instant, interface: usize, lease: &Lease) {
        let before = self.clients.dhcp.get(&interface).and_then(|c| c.address);
        if before.is_some_and(|before| before != lease.address) {
            self.deconfigure(now, interface);
        }
        let Some(link) = self.net.interfaces.get_mut(interface) else { return };
        let address = IpAddr::V4(lease.address);
        match link.addresses.iter_mut().find(|cidr| cidr.address == address) {
            Some(cidr) => *cidr = lease.cidr(),
            None => link.add_address(lease.cidr()),
        }
        if let Some(configured) = self.clients.dhcp.get_mut(&interface) {
            configured.address = Some(lease.address);
        }
        self.take_parameters(interface, &lease.parameters);
    }

    fn take_parameters(&mut self, interface: usize, parameters: &Parameters) {
        let Some(configured) = self.clients.dhcp.get_mut(&interface) else { return };
        let routes = routes(interface, parameters);
        configured.name_servers.clone_from(&parameters.name_servers);
        configured.domain.clone_from(&parameters.domain);
        let former = core::mem::replace(&mut configured.routes, routes.clone());
        self.net.routes.retain(|route| !former.contains(route));
        routes.into_iter().for_each(|route| self.net.routes.add(route));
        if let Some(link) = self.net.interfaces.get_mut(interface) {
            link.mtu = parameters.mtu.map_or(configured.mtu, |mtu| mtu.min(configured.mtu));
        }
    }

    /// Uses no lease any more (RFC 2131 4.4.5): no packet leaves from its address.
    fn deconfigure(&mut self, now: Instant, interface: usize) {
        self.take_parameters(interface, &Parameters::default());
        let Some(address) = self.clients.dhcp.get_mut(&interface).and_then(|c| c.address.take()) else {
            return;
        };
        let connections: Vec<_> = self.tcp.connections().map(|(id, local, ..)| (id, local)).collect();
        for (id, _) in connections.into_iter().filter(|(_, local)| local.ip() == address) {
            self.tcp.close_with(now, id, Some(tcp::Error::NetworkUnreachable));
        }
        if let Some(link) = self.net.interfaces.get_mut(interface) {
            link.remove_address(address.into());
        }
    }
}

/// The routes of a lease: its static ones, and by default its routers, the preferred one first.
fn routes(interface: usize, parameters: &Parameters) -> Vec<Route> {
    let default = Cidr { address: Ipv4Addr::UNSPECIFIED.into(), length: 0 };
    let defaults = parameters.routers.iter().zip(0..).map(|(router, metric)| (default, *router, metric));
    let others = parameters.routes.iter().map(|(destination, router)| (*destination, *router, 0));
    others
        .chain(defaults)
        .map(|(destination, router, metric)| Route {
            destination,
            gateway: Some(router.into()),
            interface,
            metric,
        })
        .collect()
}
