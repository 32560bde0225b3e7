//! smoltcp behind [`UserCalls`].
//!
//! Its sockets are one-shot, as the passive open of RFC 9293 is. A socket's slot is never used twice in a run: smoltcp offers
//! a segment to the sockets in the order of their slots, and a new listener must not come before an older connection
//! whose SYN is repeated.

mod clients;
pub mod device;

use super::user_calls::{self, Lookup, LookupFailed, State, Status, TcpSetting, UserCalls, UserError};
use crate::sut::{Capabilities, Capability, DhcpCommand, InterfaceId, Medium, Refusal, Setup};
use ::smoltcp::iface::{Config, Interface, Route, SocketHandle, SocketSet};
use ::smoltcp::socket::tcp::{self, CongestionControl};
use ::smoltcp::socket::udp;
use ::smoltcp::time;
use ::smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};
use clients::Clients;
use device::Link;
use stack::Instant;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The crate's version.
pub const VERSION: &str = "0.14.0";

/// The largest window that needs no scaling.
const TCP_BUFFER: usize = 65_535;
const UDP_BUFFER: usize = 256 * 1024;
const UDP_DATAGRAMS: usize = 256;

/// The adapter, with the stack of the present run.
pub struct Smoltcp {
    capabilities: Capabilities,
    congestion: CongestionControl,
    interface: Interface,
    link: Link,
    sockets: SocketSet<'static>,
    clients: Clients,
}

impl Default for Smoltcp {
    fn default() -> Smoltcp {
        use Capability::*;
        // What is missing on purpose: IPv6 reassembly is not in the crate, ICMP errors do not reach its sockets, and it
        // ignores the urgent pointer.
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
            Reassembly,
            Fragmentation,
            DhcpClient,
            Resolver,
        ];
        let capabilities = user_calls::in_virtual_time("smoltcp", VERSION, Duration::from_micros(1), &has);
        Smoltcp::new(capabilities, HardwareAddress::Ip, 1500, 0)
    }
}

impl Smoltcp {
    fn new(capabilities: Capabilities, address: HardwareAddress, mtu: u16, seed: u64) -> Smoltcp {
        let mut link = Link::new(address != HardwareAddress::Ip, mtu.into());
        let mut config = Config::new(address);
        config.random_seed = seed;
        let interface = Interface::new(config, &mut link, time::Instant::ZERO);
        let sockets = SocketSet::new(Vec::new());
        // The crate's default is no congestion control; a case asks for another one with `with: cc=reno`.
        let (congestion, clients) = (CongestionControl::None, Clients::default());
        Smoltcp { capabilities, congestion, interface, link, sockets, clients }
    }

    fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    fn add_tcp(&mut self) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; TCP_BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_congestion_control(self.congestion);
        self.sockets.add(socket)
    }
}

/// smoltcp's way to say any address: none. It then takes both families.
fn listen_endpoint(local: SocketAddr) -> IpListenEndpoint {
    let addr = (!local.ip().is_unspecified()).then(|| IpAddress::from(local.ip()));
    IpListenEndpoint { addr, port: local.port() }
}

fn instant(now: Instant) -> time::Instant {
    time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

fn state(state: tcp::State) -> State {
    match state {
        tcp::State::Closed => State::Closed,
        tcp::State::Listen => State::Listen,
        tcp::State::SynSent => State::SynSent,
        tcp::State::SynReceived => State::SynReceived,
        tcp::State::Established => State::Established,
        tcp::State::FinWait1 => State::FinWait1,
        tcp::State::FinWait2 => State::FinWait2,
        tcp::State::CloseWait => State::CloseWait,
        tcp::State::Closing => State::Closing,
        tcp::State::LastAck => State::LastAck,
        tcp::State::TimeWait => State::TimeWait,
    }
}

impl UserCalls for Smoltcp {
    type Tcp = SocketHandle;
    type Udp = SocketHandle;
    const LEARNS_NEIGHBOURS: bool = true;

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        let only = user_calls::only_interface(setup, &["cc", "nameserver"])?;
        let address = match only.medium {
            Medium::Ethernet => HardwareAddress::Ethernet(EthernetAddress(only.mac.0)),
            Medium::Ip => HardwareAddress::Ip,
        };
        *self = Smoltcp::new(self.capabilities.clone(), address, only.mtu, setup.seed);
        self.congestion = match setup.settings.get("cc").map(String::as_str) {
            None | Some("none") => CongestionControl::None,
            Some("reno") => CongestionControl::Reno,
            Some("cubic") => CongestionControl::Cubic,
            Some(other) => return user_calls::unsupported(&format!("cc={other}")),
        };
        let mut fits = true;
        self.interface.update_ip_addrs(|own| {
            let mut cidrs =
                only.addresses.iter().map(|prefix| IpCidr::new(prefix.address.into(), prefix.length));
            fits = cidrs.all(|cidr| own.push(cidr).is_ok());
        });
        for route in &setup.routes {
            // Where there are no hardware addresses, any gateway is as good as none.
            let gateway = route.gateway.or((only.medium == Medium::Ip).then_some(route.destination.address));
            let Some(gateway) = gateway else { return user_calls::unsupported("routes without a gateway") };
            let cidr = IpCidr::new(route.destination.address.into(), route.destination.length);
            let route = Route { cidr, via_router: gateway.into(), preferred_until: None, expires_at: None };
            self.interface.routes_mut().update(|routes| fits &= routes.push(route).is_ok());
        }
        self.clients.start(setup, &mut self.sockets)?;
        if fits { Ok(()) } else { user_calls::unsupported("so many addresses or routes") }
    }

    fn inject(&mut self, _only_one: InterfaceId, frame: &[u8]) {
        self.link.inbound.push_back(frame.to_vec());
    }

    fn poll(&mut self, now: Instant) {
        self.interface.poll(instant(now), &mut self.link, &mut self.sockets);
        self.clients.configure(&mut self.interface, &mut self.sockets);
    }

    fn transmit(&mut self) -> Option<(InterfaceId, Vec<u8>)> {
        Some((InterfaceId(0), self.link.outbound.pop_front()?))
    }

    fn next_deadline(&mut self, now: Instant) -> Option<Instant> {
        let due = self.interface.poll_at(instant(now), &self.sockets)?;
        Some(Instant::from_micros(u64::try_from(due.total_micros()).unwrap_or(0)))
    }

    fn open_passive(&mut self, local: SocketAddr) -> Result<SocketHandle, UserError> {
        let handle = self.add_tcp();
        self.tcp(handle).listen(listen_endpoint(local)).map_err(|_| UserError::InUse)?;
        Ok(handle)
    }

    fn open_active(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<SocketHandle, UserError> {
        let handle = self.add_tcp();
        let socket = self.sockets.get_mut::<tcp::Socket>(handle);
        let opened = socket.connect(self.interface.context(), remote, listen_endpoint(local));
        opened.map_err(|_| UserError::InvalidRemote)?;
        Ok(handle)
    }

    fn send(&mut self, tcp: SocketHandle, data: &[u8]) -> usize {
        self.tcp(tcp).send_slice(data).unwrap_or(0)
    }

    fn receive(&mut self, tcp: SocketHandle, into: &mut [u8]) -> usize {
        self.tcp(tcp).recv_slice(into).unwrap_or(0)
    }

    fn peek(&mut self, tcp: SocketHandle, into: &mut [u8]) -> Option<usize> {
        self.tcp(tcp).peek_slice(into).ok()
    }

    fn close(&mut self, tcp: SocketHandle) {
        self.tcp(tcp).close();
    }

    fn abort(&mut self, tcp: SocketHandle) {
        self.tcp(tcp).abort();
    }

    fn status(&self, tcp: SocketHandle) -> Status {
        let socket = self.sockets.get::<tcp::Socket>(tcp);
        Status {
            state: state(socket.state()),
            local: socket.local_endpoint().map(SocketAddr::from),
            remote: socket.remote_endpoint().map(SocketAddr::from),
            readable: if state(socket.state()).is_opening() { 0 } else { socket.recv_queue() },
            room: if socket.may_send() { socket.send_capacity() - socket.send_queue() } else { 0 },
            error: None,
        }
    }

    fn release(&mut self, tcp: SocketHandle) {
        // While the remote endpoint is known, a RST is owed; then the socket stays as it is.
        if self.tcp(tcp).remote_endpoint().is_none() {
            *self.tcp(tcp) = tcp::Socket::new(tcp::SocketBuffer::new(vec![]), tcp::SocketBuffer::new(vec![]));
        }
    }

    fn set(&mut self, tcp: SocketHandle, setting: TcpSetting) -> Result<(), Refusal> {
        let socket = self.tcp(tcp);
        match setting {
            TcpSetting::Nagle(on) => socket.set_nagle_enabled(on),
            TcpSetting::KeepAlive(idle) => socket.set_keep_alive(idle.map(time::Duration::from)),
            TcpSetting::UserTimeout(timeout) => socket.set_timeout(timeout.map(time::Duration::from)),
        }
        Ok(())
    }

    fn udp_bind(&mut self, local: SocketAddr) -> Result<SocketHandle, UserError> {
        let metadata = || vec![udp::PacketMetadata::EMPTY; UDP_DATAGRAMS];
        let buffer = || udp::PacketBuffer::new(metadata(), vec![0; UDP_BUFFER]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(listen_endpoint(local)).map_err(|_| UserError::InUse)?;
        Ok(self.sockets.add(socket))
    }

    fn udp_send(&mut self, udp: SocketHandle, remote: SocketAddr, data: &[u8]) -> Result<bool, UserError> {
        match self.sockets.get_mut::<udp::Socket>(udp).send_slice(data, IpEndpoint::from(remote)) {
            Ok(()) => Ok(true),
            Err(udp::SendError::BufferFull) => Ok(false),
            Err(udp::SendError::Unaddressable) => Err(UserError::InvalidRemote),
        }
    }

    fn udp_receive(&mut self, udp: SocketHandle) -> Option<(SocketAddr, Vec<u8>)> {
        let (data, from) = self.sockets.get_mut::<udp::Socket>(udp).recv().ok()?;
        Some((from.endpoint.into(), data.to_vec()))
    }

    fn dhcp(&mut self, _only_one: InterfaceId, command: DhcpCommand) -> Result<(), Refusal> {
        self.clients.dhcp(command, &mut self.sockets)
    }

    fn look_up(&mut self, name: &str, ipv6: bool) -> Result<Lookup, Refusal> {
        self.clients.look_up(name, ipv6, self.interface.context(), &mut self.sockets)
    }

    fn looked_up(&mut self, lookup: usize) -> Option<Result<Vec<IpAddr>, LookupFailed>> {
        self.clients.looked_up(lookup, &mut self.sockets)
    }

    fn udp_release(&mut self, udp: SocketHandle) {
        self.sockets.remove(udp);
    }
}

#[cfg(test)]
mod tests;
