//! smoltcp behind [`UserCalls`].
//!
//! Its sockets are one-shot, as the passive open of RFC 9293 is. A socket's slot is never used twice in a run: smoltcp offers
//! a segment to the sockets in the order of their slots, and a new listener must not come before an older connection
//! whose SYN is repeated.

mod device;
mod neighbours;

use super::user_calls::{State, Status, TcpSetting, UserCalls, UserError};
use crate::sut::{Capabilities, Capability, Clock, Granularity, InterfaceId, Medium, Prefix, Refusal, Setup};
use ::smoltcp::iface::{Config, Interface, Route, SocketHandle, SocketSet};
use ::smoltcp::socket::tcp::{self, CongestionControl};
use ::smoltcp::socket::udp;
use ::smoltcp::time;
use ::smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};
use device::Link;
use stack::Instant;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// The crate's version.
pub const VERSION: &str = "0.14.0";

/// The largest window that needs no scaling.
const TCP_BUFFER: usize = 65_535;
const UDP_BUFFER: usize = 256 * 1024;
const UDP_DATAGRAMS: usize = 256;

/// The adapter.
pub struct Smoltcp {
    capabilities: Capabilities,
    running: Running,
}

/// A stack that has been started.
struct Running {
    interface: Interface,
    link: Link,
    sockets: SocketSet<'static>,
    congestion: CongestionControl,
}

impl Default for Smoltcp {
    fn default() -> Smoltcp {
        use Capability::*;
        // What is missing on purpose: IPv6 reassembly is not in the crate, ICMP errors do not reach its sockets, and it
        // ignores the urgent pointer.
        let has =
            [Ethernet, IpMedium, Ipv4, Ipv6, Icmp, Udp, Tcp, Listen, Connect, Reassembly, Fragmentation];
        let capabilities = Capabilities {
            name: "smoltcp".to_owned(),
            version: VERSION.to_owned(),
            has: has.into(),
            clock: Clock::Virtual,
            resolution: Duration::from_micros(1),
            granularity: Granularity::default(),
        };
        Smoltcp { capabilities, running: Running::new(HardwareAddress::Ip, 1500, 0) }
    }
}

impl Running {
    fn new(address: HardwareAddress, mtu: u16, seed: u64) -> Running {
        let (inbound, outbound) = (VecDeque::new(), VecDeque::new());
        let mut link =
            Link { ethernet: address != HardwareAddress::Ip, ip_mtu: mtu.into(), inbound, outbound };
        let mut config = Config::new(address);
        config.random_seed = seed;
        let interface = Interface::new(config, &mut link, time::Instant::ZERO);
        Running { interface, link, sockets: SocketSet::new(Vec::new()), congestion: CongestionControl::None }
    }

    fn start(setup: &Setup) -> Result<Running, Refusal> {
        let [interface] = setup.interfaces.as_slice() else { return unsupported("multihomed") };
        if setup.forwarding {
            return unsupported("forwarding");
        }
        let address = match interface.medium {
            Medium::Ethernet => HardwareAddress::Ethernet(EthernetAddress(interface.mac.0)),
            Medium::Ip => HardwareAddress::Ip,
        };
        if interface.medium == Medium::Ethernet && !EthernetAddress(interface.mac.0).is_unicast() {
            return broken(&format!("{} is not the address of a station", interface.mac));
        }
        let mut running = Running::new(address, interface.mtu, setup.seed);
        running.congestion = congestion(setup)?;
        running.configure(setup, interface)?;
        Ok(running)
    }

    fn configure(&mut self, setup: &Setup, interface: &crate::sut::Interface) -> Result<(), Refusal> {
        let cidrs = interface.addresses.iter().map(cidr).collect::<Result<Vec<_>, _>>()?;
        if let Some(cidr) = cidrs.iter().find(|c| !c.address().is_unicast()) {
            return broken(&format!("{cidr} is not the address of a host"));
        }
        let mut fits = true;
        self.interface.update_ip_addrs(|own| fits = own.extend_from_slice(&cidrs).is_ok());
        for route in &setup.routes {
            let gateway =
                route.gateway.or((interface.medium == Medium::Ip).then_some(route.destination.address));
            let Some(gateway) = gateway else { return unsupported("routes without a gateway") };
            let (cidr, via_router) = (cidr(&route.destination)?, gateway.into());
            let route = Route { cidr, via_router, preferred_until: None, expires_at: None };
            self.interface.routes_mut().update(|routes| fits &= routes.push(route).is_ok());
        }
        if !fits {
            return unsupported("so many addresses or routes");
        }
        if interface.medium == Medium::Ethernet {
            let known = setup.neighbours.iter().filter_map(|n| neighbours::announcement(n, interface));
            self.link.inbound.extend(known);
        }
        Ok(())
    }

    fn add_tcp(&mut self) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; TCP_BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_congestion_control(self.congestion);
        self.sockets.add(socket)
    }
}

/// The crate's default is no congestion control; a case asks for another one with `with: cc=reno`.
fn congestion(setup: &Setup) -> Result<CongestionControl, Refusal> {
    let mut congestion = CongestionControl::None;
    for (name, value) in &setup.settings {
        congestion = match (name.as_str(), value.as_str()) {
            ("cc", "none") => CongestionControl::None,
            ("cc", "reno") => CongestionControl::Reno,
            ("cc", "cubic") => CongestionControl::Cubic,
            _ => return unsupported(&format!("{name}={value}")),
        };
    }
    Ok(congestion)
}

fn unsupported<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(what.to_owned()))
}

fn broken<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Broken(what.to_owned()))
}

fn cidr(prefix: &Prefix) -> Result<IpCidr, Refusal> {
    match prefix.length <= if prefix.address.is_ipv4() { 32 } else { 128 } {
        true => Ok(IpCidr::new(prefix.address.into(), prefix.length)),
        false => broken(&format!("a prefix of {} bits", prefix.length)),
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

impl Smoltcp {
    fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.running.sockets.get_mut(handle)
    }
}

impl UserCalls for Smoltcp {
    type Tcp = SocketHandle;
    type Udp = SocketHandle;

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.running = Running::start(setup)?;
        Ok(())
    }

    fn inject(&mut self, _only_one: InterfaceId, frame: &[u8]) {
        self.running.link.inbound.push_back(frame.to_vec());
    }

    fn poll(&mut self, now: Instant) {
        let running = &mut self.running;
        running.interface.poll(instant(now), &mut running.link, &mut running.sockets);
    }

    fn transmit(&mut self) -> Option<(InterfaceId, Vec<u8>)> {
        Some((InterfaceId(0), self.running.link.outbound.pop_front()?))
    }

    fn next_deadline(&mut self, now: Instant) -> Option<Instant> {
        let due = self.running.interface.poll_at(instant(now), &self.running.sockets)?;
        Some(Instant::from_micros(u64::try_from(due.total_micros()).unwrap_or(0)))
    }

    fn open_passive(&mut self, local: SocketAddr) -> Result<SocketHandle, UserError> {
        let handle = self.running.add_tcp();
        self.tcp(handle).listen(listen_endpoint(local)).map_err(|_| UserError::InUse)?;
        Ok(handle)
    }

    fn open_active(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<SocketHandle, UserError> {
        let handle = self.running.add_tcp();
        let Running { interface, sockets, .. } = &mut self.running;
        let socket = sockets.get_mut::<tcp::Socket>(handle);
        let opened = socket.connect(interface.context(), remote, listen_endpoint(local));
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
        let socket = self.running.sockets.get::<tcp::Socket>(tcp);
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
        Ok(self.running.sockets.add(socket))
    }

    fn udp_send(&mut self, udp: SocketHandle, remote: SocketAddr, data: &[u8]) -> Result<bool, UserError> {
        match self.running.sockets.get_mut::<udp::Socket>(udp).send_slice(data, IpEndpoint::from(remote)) {
            Ok(()) => Ok(true),
            Err(udp::SendError::BufferFull) => Ok(false),
            Err(udp::SendError::Unaddressable) => Err(UserError::InvalidRemote),
        }
    }

    fn udp_receive(&mut self, udp: SocketHandle) -> Option<(SocketAddr, Vec<u8>)> {
        let (data, from) = self.running.sockets.get_mut::<udp::Socket>(udp).recv().ok()?;
        Some((from.endpoint.into(), data.to_vec()))
    }

    fn udp_release(&mut self, udp: SocketHandle) {
        self.running.sockets.remove(udp);
    }
}

#[cfg(test)]
mod tests;
