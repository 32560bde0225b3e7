//! What neighbours say to be known: an ARP reply (RFC 826), or an unsolicited neighbour advertisement (RFC 4861 §7.2.6).
//! A stack answers neither.

use crate::sut::{Interface, InterfaceId, Medium, Neighbour, Setup};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6: u8 = 58;

/// The frames by which the neighbours of `setup` announce themselves.
pub(super) fn announcements(setup: &Setup) -> impl Iterator<Item = (InterfaceId, Vec<u8>)> {
    setup.neighbours.iter().filter_map(|neighbour| {
        let interface = setup.interfaces.get(neighbour.interface)?;
        let frame =
            if interface.medium == Medium::Ethernet { announcement(neighbour, interface) } else { None };
        Some((InterfaceId(neighbour.interface), frame?))
    })
}

fn announcement(neighbour: &Neighbour, interface: &Interface) -> Option<Vec<u8>> {
    let mut frame = [interface.mac.0, neighbour.mac.0].concat();
    match neighbour.address {
        IpAddr::V4(address) => {
            let own = interface.addresses.iter().find_map(|prefix| match prefix.address {
                IpAddr::V4(own) => Some(own),
                IpAddr::V6(_) => None,
            })?;
            frame.extend([0x08, 0x06]);
            frame.extend(arp_reply(neighbour, address, interface, own));
        }
        IpAddr::V6(address) => {
            frame.extend([0x86, 0xdd]);
            frame.extend(advertisement(neighbour, address));
        }
    }
    Some(frame)
}

fn arp_reply(neighbour: &Neighbour, address: Ipv4Addr, interface: &Interface, own: Ipv4Addr) -> Vec<u8> {
    // Hardware type Ethernet, protocol IPv4, lengths 6 and 4, operation 2.
    let mut packet = vec![0, 1, 0x08, 0, 6, 4, 0, 2];
    packet.extend(neighbour.mac.0);
    packet.extend(address.octets());
    packet.extend(interface.mac.0);
    packet.extend(own.octets());
    packet
}

fn advertisement(neighbour: &Neighbour, address: Ipv6Addr) -> Vec<u8> {
    // Type 136, the Override flag, the target, and its link-layer address as option 2.
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    message.extend([2, 1]);
    message.extend(neighbour.mac.0);
    let length = message.len() as u8;
    let addresses = [address.octets(), ALL_NODES.octets()].concat();
    let pseudo_header = [addresses.as_slice(), &[0, 0, 0, length, 0, 0, 0, ICMPV6]].concat();
    let sum = !ones_sum(&[pseudo_header, message.clone()].concat());
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    // Version 6, the hop limit that RFC 4861 §7.1.2 asks for.
    let mut packet = vec![0x60, 0, 0, 0, 0, length, ICMPV6, 255];
    packet.extend(addresses);
    packet.extend(message);
    packet
}

/// The ones' complement sum of an even number of bytes (RFC 1071).
fn ones_sum(bytes: &[u8]) -> u16 {
    bytes.chunks_exact(2).fold(0, |sum: u16, word| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes([word[0], word[1]]));
        sum + u16::from(carry)
    })
}
