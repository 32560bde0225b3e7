//! The reference stack at both ends.

use super::{Ends, MSL, MTU, PORT};
use stack::config::{Config, InterfaceConfig, Medium, Neighbour};
use stack::socket::{Call, Domain, Kind, Outcome, Value};
use stack::wire::{Buffer, MacAddress};
use stack::{Cidr, Host, Instant};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// More than any measure opens.
const MAX_CONNECTIONS: usize = 1 << 20;
/// The last octet of the first end's further addresses.
const FURTHER: u8 = 101;

/// Two hosts, and the descriptors of each connection.
pub(in super::super) struct Reference {
    now: Instant,
    hosts: [Host; 2],
    listener: i32,
    connections: Vec<[i32; 2]>,
    /// Frames on their way.
    wire: Vec<(usize, Buffer)>,
}

fn address(end: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, end).into()
}

fn mac(end: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, end])
}

fn config(end: u8, buffer: usize) -> Config {
    let addresses = vec![Cidr { address: address(end), length: 24 }];
    let interface = InterfaceConfig { medium: Medium::Ethernet, mtu: MTU, mac: mac(end), addresses };
    let other = 3 - end;
    let neighbour = Neighbour { address: address(other), mac: mac(other), interface: 0 };
    let mut config = Config {
        interfaces: vec![interface],
        neighbours: vec![neighbour],
        seed: end.into(),
        ..Config::default()
    };
    (config.tcp.send_buffer, config.tcp.receive_buffer) = (buffer, buffer);
    config.tcp.msl = MSL;
    (config.tcp.max_connections, config.socket.descriptors) = (MAX_CONNECTIONS, MAX_CONNECTIONS);
    config
}

impl Reference {
    /// Two ends for many connections: the first has `further` addresses besides its own, and each segment is acknowledged
    /// at once.
    pub(in super::super) fn with_addresses(buffer: usize, further: u8) -> Result<Reference, String> {
        let mut configs = [1, 2].map(|end| config(end, buffer));
        for config in &mut configs {
            config.tcp.quick_acks = u32::MAX;
        }
        let further = (FURTHER..FURTHER + further).map(|end| Cidr { address: address(end), length: 24 });
        configs[0].interfaces[0].addresses.extend(further);
        Reference::of(configs)
    }

    fn of(configs: [Config; 2]) -> Result<Reference, String> {
        let hosts = configs.map(Host::new);
        let mut ends =
            Reference { now: Instant::ZERO, hosts, listener: 0, connections: Vec::new(), wire: Vec::new() };
        let socket = Call::Socket { domain: Domain::Inet, kind: Kind::Stream, nonblocking: true };
        let fd = ends.descriptor(1, socket)?;
        ends.listener = fd;
        let done = [
            ends.call(1, Call::Bind { fd, address: SocketAddr::new(address(2), PORT) }),
            ends.call(1, Call::Listen { fd, backlog: BACKLOG }),
        ];
        let is_done = |outcome: &Option<Outcome>| *outcome == Some(Ok(Value::Done));
        if done.iter().all(is_done) { Ok(ends) } else { Err(format!("no listener: {done:?}")) }
    }

    /// A connection from the further address `from` and `port`; gives its number.
    pub(in super::super) fn connect_from(&mut self, from: u8, port: u16) -> Result<usize, String> {
        self.connect_bound(Some(SocketAddr::new(address(FURTHER + from), port)))
    }

    fn connect_bound(&mut self, local: Option<SocketAddr>) -> Result<usize, String> {
        let fd =
            self.descriptor(0, Call::Socket { domain: Domain::Inet, kind: Kind::Stream, nonblocking: true })?;
        if let Some(address) = local {
            self.call(0, Call::Bind { fd, address });
        }
        self.call(0, Call::Connect { fd, address: SocketAddr::new(address(2), PORT) });
        self.exchange();
        let accepted = self.descriptor(1, Call::Accept { fd: self.listener, nonblocking: true })?;
        self.connections.push([fd, accepted]);
        Ok(self.connections.len() - 1)
    }

    /// The outcome of a call that ends at once.
    fn call(&mut self, end: usize, call: Call) -> Option<Outcome> {
        let id = self.hosts[end].submit(self.now, call);
        self.hosts[end].completions().into_iter().find(|done| done.0 == id).map(|done| done.2)
    }

    fn descriptor(&mut self, end: usize, call: Call) -> Result<i32, String> {
        match self.call(end, call) {
            Some(Ok(Value::Descriptor(fd) | Value::Accepted(fd, _))) => Ok(fd),
            other => Err(format!("no descriptor: {other:?}")),
        }
    }
}

impl Ends for Reference {
    fn new(buffer: usize) -> Result<Reference, String> {
        Reference::of([1, 2].map(|end| config(end, buffer)))
    }

    fn connect(&mut self) -> Result<usize, String> {
        self.connect_bound(None)
    }

    fn send(&mut self, connection: usize, data: &[u8]) -> usize {
        let fd = self.connections[connection][0];
        self.hosts[0].write(self.now, fd, data).unwrap_or(0)
    }

    fn receive(&mut self, connection: usize, room: &mut [u8]) -> usize {
        let fd = self.connections[connection][1];
        self.hosts[1].read(self.now, fd, room).unwrap_or(0)
    }

    fn close(&mut self, end: usize, connection: usize) -> Result<(), String> {
        let done = self.call(end, Call::Close { fd: self.connections[connection][end] });
        if done == Some(Ok(Value::Done)) { Ok(()) } else { Err(format!("not closed: {done:?}")) }
    }

    fn forget(&mut self, connection: usize) -> Result<(), String> {
        // What the hosts know of it has gone with its descriptors.
        let left = self.hosts.iter().find_map(Host::next_deadline);
        left.map_or(Ok(()), |at| Err(format!("connection {connection} waits until {at:?}")))
    }

    fn exchange_and_wait(&mut self, time: Duration) {
        let mut silent = false;
        while !silent {
            silent = true;
            for end in 0..2 {
                self.wire.extend(std::iter::from_fn(|| self.hosts[end].transmit()));
                if self.wire.is_empty() {
                    continue;
                }
                silent = false;
                let frames = self.wire.iter().map(|(interface, frame)| (*interface, &frame[..]));
                self.hosts[1 - end].receive_burst(self.now, frames);
                self.wire.drain(..).for_each(|(_, frame)| self.hosts[end].recycle(frame));
            }
        }
        self.now += time;
        for host in &mut self.hosts {
            if host.next_deadline().is_some_and(|due| due <= self.now) {
                host.poll(self.now);
            }
        }
    }
}
