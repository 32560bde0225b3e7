//! smoltcp's DHCP and DNS sockets, used as the crate's examples use them: what DHCP gives is put into the interface, and
//! taken out when it ends.

use crate::stacks::user_calls::{self, Lookup, LookupFailed};
use crate::sut::{DhcpCommand, Refusal, Setup};
use ::smoltcp::iface::{Context, Interface, SocketHandle, SocketSet};
use ::smoltcp::socket::dhcpv4;
use ::smoltcp::socket::dns::{self, GetQueryResultError, QueryHandle, StartQueryError};
use ::smoltcp::wire::{DnsQueryType, IpAddress, IpCidr};
use std::net::IpAddr;

/// The two clients of an interface.
#[derive(Default)]
pub(super) struct Clients {
    dhcp: Option<SocketHandle>,
    dns: Option<SocketHandle>,
    queries: Vec<QueryHandle>,
}

impl Clients {
    /// The resolver, with the servers that the run names.
    ///
    /// # Errors
    /// [`Refusal::Broken`] where these are no addresses.
    pub(super) fn start(&mut self, setup: &Setup, sockets: &mut SocketSet<'static>) -> Result<(), Refusal> {
        let servers = setup.settings.get("nameserver").map_or(Ok(Vec::new()), |servers| {
            let parsed = servers.split(',').map(|text| text.parse::<IpAddr>().map(IpAddress::from));
            parsed.collect::<Result<_, _>>().map_err(|_| Refusal::Broken(format!("{servers}: no addresses")))
        })?;
        self.dns = Some(sockets.add(dns::Socket::new(&servers, Vec::new())));
        Ok(())
    }

    /// The client begins when it is made, and can be told nothing.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for every command but start.
    pub(super) fn dhcp(
        &mut self,
        command: DhcpCommand,
        sockets: &mut SocketSet<'static>,
    ) -> Result<(), Refusal> {
        match command {
            DhcpCommand::Start => {
                self.dhcp.get_or_insert_with(|| sockets.add(dhcpv4::Socket::new()));
                Ok(())
            }
            DhcpCommand::Stop => user_calls::unsupported("dhcp stop"),
            DhcpCommand::Release => user_calls::unsupported("dhcp release"),
            DhcpCommand::Renew => user_calls::unsupported("dhcp renew"),
            DhcpCommand::Inform => user_calls::unsupported("dhcp inform"),
        }
    }

    /// Does what the DHCP socket asks for.
    pub(super) fn configure(&self, interface: &mut Interface, sockets: &mut SocketSet<'static>) {
        let Some(handle) = self.dhcp else { return };
        let mut servers = None;
        match sockets.get_mut::<dhcpv4::Socket>(handle).poll() {
            None => {}
            Some(dhcpv4::Event::Configured(config)) => {
                interface.update_ip_addrs(|own| {
                    own.clear();
                    let _only_one = own.push(IpCidr::Ipv4(config.address));
                });
                match config.router {
                    Some(router) => drop(interface.routes_mut().add_default_ipv4_route(router)),
                    None => drop(interface.routes_mut().remove_default_ipv4_route()),
                }
                servers = Some(config.dns_servers.iter().map(|server| IpAddress::Ipv4(*server)).collect());
            }
            Some(dhcpv4::Event::Deconfigured) => {
                interface.update_ip_addrs(|own| own.clear());
                interface.routes_mut().remove_default_ipv4_route();
            }
        }
        let servers: Option<Vec<IpAddress>> = servers;
        if let (Some(dns), Some(servers)) = (self.dns, servers) {
            sockets.get_mut::<dns::Socket>(dns).update_servers(&servers);
        }
    }

    pub(super) fn look_up(
        &mut self,
        name: &str,
        ipv6: bool,
        context: &mut Context,
        sockets: &mut SocketSet<'static>,
    ) -> Result<Lookup, Refusal> {
        let Some(dns) = self.dns else { return user_calls::unsupported("resolver") };
        let kind = if ipv6 { DnsQueryType::Aaaa } else { DnsQueryType::A };
        match sockets.get_mut::<dns::Socket>(dns).start_query(context, name, kind) {
            Ok(query) => {
                self.queries.push(query);
                Ok(Lookup::UnderWay(self.queries.len() - 1))
            }
            Err(StartQueryError::InvalidName | StartQueryError::NameTooLong) => Ok(Lookup::NoName),
            Err(StartQueryError::NoFreeSlot) => user_calls::unsupported("so many lookups"),
        }
    }

    pub(super) fn looked_up(
        &mut self,
        lookup: usize,
        sockets: &mut SocketSet<'static>,
    ) -> Option<Result<Vec<IpAddr>, LookupFailed>> {
        let (dns, query) = (self.dns?, *self.queries.get(lookup)?);
        match sockets.get_mut::<dns::Socket>(dns).get_query_result(query) {
            Ok(addresses) => Some(Ok(addresses.iter().copied().map(IpAddr::from).collect())),
            Err(GetQueryResultError::Pending) => None,
            Err(GetQueryResultError::Failed) => Some(Err(LookupFailed)),
        }
    }
}
