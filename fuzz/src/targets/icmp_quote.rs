//! What ICMP errors quote: whether a socket of ours hears of it, against what etherparse makes of the quote.

use crate::input::{checksum, pseudo_header, put16};
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use harness::stacks::reference::Reference;
use harness::sut::{
    Call, Event, Family, Interface, InterfaceId, MacAddress, Medium, Outcome, Output, Prefix, Refusal, Rules,
    Setup, SocketAddress, StackUnderTest,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const LOCAL_PORT: u16 = 4000;
const REMOTE_PORT: u16 = 9;
const ECONNREFUSED: i32 = 111;
const SOL_SOCKET: i32 = 1;
const SO_ERROR: i32 = 4;
const SOCK_DGRAM: i32 = 2;

/// One family's ends, its domain, and how an error about a port is told.
struct World {
    domain: i32,
    local: IpAddr,
    remote: IpAddr,
    error: fn(&World, &[u8]) -> Vec<u8>,
}

const V4: World = World {
    domain: 2,
    local: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    remote: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
    error: error_v4,
};
const V6: World = World {
    domain: 10,
    local: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    remote: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)),
    error: error_v6,
};

thread_local! {
    static STACK: RefCell<Reference> = RefCell::default();
}

/// The first byte's bits: 0: IPv6; 1: the quote's addresses and protocol are set right; 2: ports are, right behind a
/// header without options. The rest is the quote.
///
/// # Panics
/// At a finding.
pub fn icmp_quote(data: &[u8]) {
    let Some((choice, quote)) = data.split_first() else { return };
    let world = if choice & 1 == 0 { V4 } else { V6 };
    let mut quote = quote[..quote.len().min(1000)].to_vec();
    repair(&world, *choice, &mut quote);
    let heard = STACK.with_borrow_mut(|stack| is_refused(stack, &world, &quote));
    let heard = heard.unwrap_or_else(|refusal| panic!("the stack cannot be used: {refusal}"));
    if let Some(expected) = is_ours(&world, &quote) {
        assert_eq!(heard, expected, "whether the socket hears of the quote {quote:02x?}");
    }
}

fn repair(world: &World, choice: u8, quote: &mut [u8]) {
    let (header, addresses, protocol) = if choice & 1 == 0 { (20, 12, 9) } else { (40, 8, 6) };
    if choice & 2 == 2 && quote.len() >= header {
        quote[0] = if choice & 1 == 0 { 0x40 | quote[0] & 0xf } else { 0x60 };
        let ends = [octets(world.local), octets(world.remote)].concat();
        quote[addresses..addresses + ends.len()].copy_from_slice(&ends);
        if choice & 1 == 0 {
            quote[protocol] = 17;
        }
    }
    if choice & 4 == 4 {
        put16(quote, header, LOCAL_PORT);
        put16(quote, header + 2, REMOTE_PORT);
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Whether etherparse finds a datagram of our socket in the quote. The lengths that the quoted headers have are the original's;
/// whether they fit what is left of it is nobody's concern. `None` where etherparse does not look: into the first fragment.
fn is_ours(world: &World, quote: &[u8]) -> Option<bool> {
    let (mut quote, length) = (quote.to_vec(), quote.len() as u16);
    match quote.first().map(|first| first >> 4) {
        Some(4) => put16(&mut quote, 2, length),
        _ => put16(&mut quote, 4, length.saturating_sub(40)),
    }
    let Ok(packet) = LaxSlicedPacket::from_ip(&quote) else { return Some(false) };
    let (ends, is_fragment): ([IpAddr; 2], bool) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            ([header.source_addr().into(), header.destination_addr().into()], ip.payload().fragmented)
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            ([header.source_addr().into(), header.destination_addr().into()], ip.payload().fragmented)
        }
        _ => return Some(false),
    };
    if is_fragment {
        return None;
    }
    let Some(TransportSlice::Udp(udp)) = packet.transport else { return Some(false) };
    let ports = [udp.source_port(), udp.destination_port()];
    Some(ends == [world.local, world.remote] && ports == [LOCAL_PORT, REMOTE_PORT])
}

/// Whether a connected socket hears that its peer's port is unreachable.
fn is_refused(stack: &mut Reference, world: &World, quote: &[u8]) -> Result<bool, Refusal> {
    stack.start(&setup(world))?;
    let address = |ip, port| SocketAddress::Ip(SocketAddr::new(ip, port));
    let calls = [
        Call::Socket { domain: world.domain, kind: SOCK_DGRAM, protocol: 0 },
        Call::Bind { fd: 3, address: address(world.local, LOCAL_PORT) },
        Call::Connect { fd: 3, address: address(world.remote, REMOTE_PORT) },
    ];
    for call in calls {
        stack.submit(call)?;
    }
    stack.inject(InterfaceId(0), &(world.error)(world, quote))?;
    let asked = stack.submit(Call::Getsockopt { fd: 3, level: SOL_SOCKET, name: SO_ERROR, length: 4 })?;
    let mut events = Vec::new();
    stack.events(&mut events)?;
    assert!(!events.iter().any(|event| matches!(event, Event::Frame { .. })), "an answer to an error");
    let answer = events.into_iter().find_map(|event| match event {
        Event::Completed { id, outcome: Outcome { output: Output::Option(value), .. }, .. }
            if id == asked =>
        {
            Some(value)
        }
        _ => None,
    });
    let Some(error) = answer else { panic!("SO_ERROR has no answer") };
    assert!(
        [0, ECONNREFUSED].map(i32::to_ne_bytes).iter().any(|known| *known == *error),
        "SO_ERROR {error:?}"
    );
    Ok(error == ECONNREFUSED.to_ne_bytes())
}

/// Port unreachable (RFC 792), from the peer.
fn error_v4(_world: &World, quote: &[u8]) -> Vec<u8> {
    let mut message = [&[3, 3, 0, 0, 0, 0, 0, 0], quote].concat();
    let sum = checksum(0, &message);
    put16(&mut message, 2, sum);
    let mut frame = vec![0x45, 0, 0, 0, 0, 7, 0, 0, 64, 1, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1];
    put16(&mut frame, 2, (20 + message.len()) as u16);
    let sum = checksum(0, &frame);
    put16(&mut frame, 10, sum);
    frame.extend(message);
    frame
}

/// Port unreachable (RFC 4443 3.1), from the peer.
fn error_v6(world: &World, quote: &[u8]) -> Vec<u8> {
    let mut message = [&[1, 4, 0, 0, 0, 0, 0, 0], quote].concat();
    let (source, destination) = (octets(world.remote), octets(world.local));
    let sum = checksum(pseudo_header(&[&source, &destination], 58, message.len()), &message);
    put16(&mut message, 2, sum);
    let mut frame = vec![0x60, 0, 0, 0, 0, 0, 58, 64];
    put16(&mut frame, 4, message.len() as u16);
    frame.extend([source, destination, message].concat());
    frame
}

fn setup(world: &World) -> Setup {
    let (family, length) = if world.domain == 2 { (Family::Ipv4, 24) } else { (Family::Ipv6, 64) };
    let interface = Interface {
        name: "tun0".to_owned(),
        medium: Medium::Ip,
        mtu: 1500,
        mac: MacAddress([0; 6]),
        addresses: vec![Prefix { address: world.local, length }],
    };
    Setup {
        rules: Rules::Ours,
        family,
        interfaces: vec![interface],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: BTreeMap::new(),
        seed: 1,
    }
}
