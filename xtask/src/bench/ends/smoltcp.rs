//! smoltcp at both ends.

use super::{Ends, MTU, PORT};
use harness::stacks::smoltcp::device::Link;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

/// Two interfaces with their sockets, and the sockets of each connection.
pub(in super::super) struct Smoltcp {
    now: Instant,
    ends: [End; 2],
    buffer: usize,
    next_port: u16,
    connections: Vec<[SocketHandle; 2]>,
}

struct End {
    interface: Interface,
    link: Link,
    sockets: SocketSet<'static>,
}

fn address(end: u8) -> IpAddress {
    IpAddress::v4(192, 0, 2, end)
}

impl End {
    fn new(end: u8) -> Result<End, String> {
        let mut link = Link::new(true, MTU.into());
        let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, end]).into());
        config.random_seed = end.into();
        let mut interface = Interface::new(config, &mut link, Instant::ZERO);
        let mut fits = true;
        interface.update_ip_addrs(|own| fits = own.push(IpCidr::new(address(end), 24)).is_ok());
        let sockets = SocketSet::new(Vec::new());
        fits.then_some(End { interface, link, sockets }).ok_or_else(|| "smoltcp takes no address".to_owned())
    }

    fn add(&mut self, buffer: usize) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; buffer]);
        let mut socket = Socket::new(buffer(), buffer());
        // The reference stack offers timestamps, too; that their clock stands still saves smoltcp its reading.
        socket.set_tsval_generator(Some(|| 1));
        self.sockets.add(socket)
    }

    fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }
}

impl Ends for Smoltcp {
    fn new(buffer: usize) -> Result<Smoltcp, String> {
        let ends = [End::new(1)?, End::new(2)?];
        Ok(Smoltcp { now: Instant::ZERO, ends, buffer, next_port: 49_152, connections: Vec::new() })
    }

    fn connect(&mut self) -> Result<usize, String> {
        let [first, second] = &mut self.ends;
        let server = second.add(self.buffer);
        second.socket(server).listen(PORT).map_err(|e| format!("smoltcp does not listen: {e}"))?;
        let client = first.add(self.buffer);
        let socket = first.sockets.get_mut::<Socket<'_>>(client);
        let opened = socket.connect(first.interface.context(), (address(2), PORT), self.next_port);
        opened.map_err(|e| format!("smoltcp does not connect: {e}"))?;
        self.next_port = self.next_port.checked_add(1).unwrap_or(49_152);
        // The first SYN waits for the neighbour's address.
        self.exchange();
        self.exchange();
        self.connections.push([client, server]);
        Ok(self.connections.len() - 1)
    }

    fn send(&mut self, connection: usize, data: &[u8]) -> usize {
        let handle = self.connections[connection][0];
        self.ends[0].socket(handle).send_slice(data).unwrap_or(0)
    }

    fn receive(&mut self, connection: usize, room: &mut [u8]) -> usize {
        let handle = self.connections[connection][1];
        self.ends[1].socket(handle).recv_slice(room).unwrap_or(0)
    }

    fn close(&mut self, end: usize, connection: usize) -> Result<(), String> {
        let handle = self.connections[connection][end];
        self.ends[end].socket(handle).close();
        Ok(())
    }

    fn forget(&mut self, connection: usize) -> Result<(), String> {
        for (end, handle) in self.ends.iter_mut().zip(self.connections[connection]) {
            let state = end.socket(handle).state();
            if state != State::Closed {
                return Err(format!("connection {connection} is in {state}"));
            }
            end.sockets.remove(handle);
        }
        Ok(())
    }

    fn exchange_and_wait(&mut self, time: std::time::Duration) {
        loop {
            for End { interface, link, sockets } in &mut self.ends {
                interface.poll(self.now, link, sockets);
            }
            let [first, second] = &mut self.ends;
            let silent = first.link.outbound.is_empty() && second.link.outbound.is_empty();
            second.link.inbound.append(&mut first.link.outbound);
            first.link.inbound.append(&mut second.link.outbound);
            if silent {
                break;
            }
        }
        self.now += time.into();
        for End { interface, link, sockets } in &mut self.ends {
            if interface.poll_at(self.now, sockets).is_some_and(|due| due <= self.now) {
                interface.poll(self.now, link, sockets);
            }
        }
    }
}
