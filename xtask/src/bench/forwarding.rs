//! What the reference stack's router makes of packets of 64 bytes with few routes and with many, and what a flood of fragments
//! that never make a datagram costs it.

use super::ROUNDS;
use super::cost::cost;
use super::figures::{Measure, median};
use crate::progress::Progress;
use stack::config::{Config, ForwardingConfig, InterfaceConfig, Medium, Neighbour, Route};
use stack::wire::{Buffer, MacAddress, ethernet, icmpv4, ipv4, protocol, udp};
use stack::{Cidr, Host, Instant};
use std::net::Ipv4Addr;

/// Packets of one round.
const PACKETS: usize = 200_000;
/// Destinations that take turns, so that no route is looked up twice in a row.
const DESTINATIONS: usize = 4096;
const FEW: usize = 10;
const MANY: usize = 100_000;
/// What the second may cost more than the first.
const FACTOR: f64 = 2.0;
/// Fragments of one flood.
const FLOOD: usize = 50_000;
/// After so many of them a datagram comes whole, in two pieces.
const BETWEEN: usize = 500;
/// Data of one fragment.
const PIECE: usize = 256;

const SENDER: (MacAddress, Ipv4Addr) = (MacAddress([2, 0, 0, 0, 0, 2]), Ipv4Addr::new(192, 0, 2, 2));
const ROUTER: (MacAddress, Ipv4Addr) = (MacAddress([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(192, 0, 2, 1));
const NEXT: (MacAddress, Ipv4Addr) = (MacAddress([2, 0, 0, 0, 1, 9]), Ipv4Addr::new(203, 0, 113, 9));

/// Forwarding with few and with many routes, and the flood.
pub(super) fn measure() -> Result<Vec<Measure>, String> {
    let mut progress = Progress::new("rounds of packets", 2 * ROUNDS);
    let mut rounds = Vec::new();
    let (mut few, mut many) = (Router::new(FEW), Router::new(MANY));
    for _ in 0..ROUNDS {
        rounds.push((many.forward()?, few.forward()?));
        progress.step();
    }
    let rate = |ns: f64| if ns > 0.0 { 1e6 / ns } else { 0.0 };
    let fastest = rate(median(rounds.iter().map(|(_, few)| *few).collect()));
    let slowest = rate(median(rounds.iter().map(|(many, _)| *many).collect()));
    let why = format!(
        "CPU a packet of 64 bytes from link to link: {fastest:.0} packets a millisecond and core with {FEW} routes, \
         {slowest:.0} with {MANY}; {ROUNDS} rounds of {PACKETS}"
    );
    let other = format!("{FEW} routes");
    let name = format!("forwarding with {MANY} routes");
    let mut measures = vec![Measure::ratio(name, "ns", &rounds, (&other, FACTOR), why)];
    let mut floods = Vec::new();
    for _ in 0..ROUNDS {
        floods.push(flood()?);
        progress.step();
    }
    let most = floods.iter().map(|(_, kept)| *kept).fold(0.0, f64::max);
    let bound = Config::default().ipv4.reassembly.memory as f64 / 1024.0;
    let cost = median(floods.iter().map(|(cost, _)| *cost).collect());
    let why = format!(
        "{FLOOD} first fragments of datagrams that never end, {cost:.0} ns each; a whole datagram among every {BETWEEN} \
         was answered"
    );
    measures.push(Measure::value("reassembly under a flood, memory", "KiB", most, bound, why));
    Ok(measures)
}

fn cidr(address: Ipv4Addr, length: u8) -> Cidr {
    Cidr { address: address.into(), length }
}

fn interface(number: u8, address: Ipv4Addr) -> InterfaceConfig {
    let mac = MacAddress([2, 0, 0, 0, number, 1]);
    let (medium, mtu) = (Medium::Ethernet, 1500);
    InterfaceConfig { medium, mtu, mac, addresses: vec![cidr(address, 24)] }
}

/// The nth network of 256 addresses.
fn network(n: usize) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + (n as u32 % MANY as u32) * 256)
}

/// A router between two links, and packets for what is behind the second.
struct Router {
    host: Host,
    frames: Vec<Vec<u8>>,
}

impl Router {
    fn new(routes: usize) -> Router {
        let neighbour =
            |(mac, address): (_, Ipv4Addr), interface| Neighbour { address: address.into(), mac, interface };
        let gateway = Some(NEXT.1.into());
        let route = |n| Route { destination: cidr(network(n), 24), gateway, interface: 1, metric: 0 };
        let config = Config {
            interfaces: vec![interface(0, ROUTER.1), interface(1, Ipv4Addr::new(203, 0, 113, 1))],
            routes: (0..routes).map(route).collect(),
            neighbours: vec![neighbour(SENDER, 0), neighbour(NEXT, 1)],
            forwarding: Some(ForwardingConfig::default()),
            ..Config::default()
        };
        // Strides through the networks, so that neighbours in time are none in the table.
        let to = |n: usize| Ipv4Addr::from(u32::from(network(n * 7919 % routes)) + 7);
        Router { host: Host::new(config), frames: (0..DESTINATIONS).map(|n| frame(to(n))).collect() }
    }

    /// Nanoseconds a packet.
    fn forward(&mut self) -> Result<f64, String> {
        let (host, frames) = (&mut self.host, &self.frames);
        let mut sent = 0;
        let cost = cost(|| {
            for frame in frames.iter().cycle().take(PACKETS) {
                host.receive(Instant::ZERO, 0, frame);
                while let Some((interface, _)) = host.transmit() {
                    sent += usize::from(interface == 1);
                }
            }
            Ok(())
        })?;
        match sent {
            PACKETS => Ok(cost * 1e6 / PACKETS as f64),
            sent => Err(format!("of {PACKETS} packets the router passed {sent} on")),
        }
    }
}

fn header(destination: Ipv4Addr, identification: u16, protocol: u8) -> ipv4::Header<'static> {
    ipv4::Header {
        tos: 0,
        identification,
        reserved: false,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol,
        source: SENDER.1,
        destination,
        options: &[],
    }
}

fn framed(mut datagram: Buffer) -> Vec<u8> {
    let (source, destination) = (SENDER.0, ROUTER.0);
    let (ethertype, framing) = (ethernet::IPV4, ethernet::Framing::EthernetII);
    ethernet::Header { destination, source, ethertype, framing }.emit(&mut datagram);
    datagram.append_zeros(ethernet::MIN_FRAME_LEN.saturating_sub(datagram.len()));
    datagram.into_vec()
}

/// A frame of 64 bytes with the check sequence that the adapter makes: 18 bytes of data by UDP.
fn frame(destination: Ipv4Addr) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(&[0x55; 18]);
    let ports = udp::Header { source_port: 4000, destination_port: 7 };
    ports.emit(SENDER.1.into(), destination.into(), &mut buffer);
    header(destination, 7, protocol::UDP).emit(&mut buffer);
    framed(buffer)
}

/// The nth first fragment of the flood, which nothing ever follows.
fn fragment(n: usize) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(&[0; PIECE]);
    let source = Ipv4Addr::from(0x0a00_0000 + (n >> 16) as u32 + 1);
    let header = header(ROUTER.1, n as u16, protocol::UDP);
    ipv4::Header { source, more_fragments: true, ..header }.emit(&mut buffer);
    framed(buffer)
}

/// An echo request in two pieces.
fn request() -> Vec<Vec<u8>> {
    let mut message = Buffer::with_payload(&[7; 2 * PIECE - icmpv4::HEADER_LEN]);
    icmpv4::Header { kind: icmpv4::ECHO_REQUEST, code: 0, rest: [0, 1, 0, 1] }.emit(&mut message);
    let piece = |(n, data): (usize, &[u8])| {
        let mut buffer = Buffer::with_payload(data);
        let (more_fragments, fragment_offset) = (n == 0, (n * PIECE) as u16);
        let header = header(ROUTER.1, 1, protocol::ICMPV4);
        ipv4::Header { more_fragments, fragment_offset, ..header }.emit(&mut buffer);
        framed(buffer)
    };
    message.chunks(PIECE).enumerate().map(piece).collect()
}

/// Nanoseconds a fragment, and the most memory that was kept, in KiB.
fn flood() -> Result<(f64, f64), String> {
    let mut host = Router::new(FEW).host;
    let (flood, request): (Vec<_>, _) = ((0..FLOOD).map(fragment).collect(), request());
    let (mut most, mut answered) = (0, 0);
    let cost = cost(|| {
        for (n, frame) in flood.iter().enumerate() {
            host.receive(Instant::ZERO, 0, frame);
            if n % BETWEEN == 0 {
                request.iter().for_each(|piece| host.receive(Instant::ZERO, 0, piece));
                most = most.max(host.reassembly_memory());
                answered += usize::from(std::iter::from_fn(|| host.transmit()).count() > 0);
            }
        }
        Ok(())
    })?;
    match answered == FLOOD / BETWEEN {
        true => Ok((cost * 1e6 / FLOOD as f64, most as f64 / 1024.0)),
        false => Err(format!("of {} whole datagrams {answered} were answered", FLOOD / BETWEEN)),
    }
}
