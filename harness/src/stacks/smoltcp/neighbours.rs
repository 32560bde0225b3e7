//! Neighbours known from the start. smoltcp has no call for it, so the stack hears their announcements: an ARP reply or an
//! unsolicited neighbour advertisement (RFC 4861 §4.4), neither of which it answers. It forgets them after 60 s.

use crate::sut::{Interface, Neighbour};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags, NdiscRepr,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The frame by which `neighbour` announces itself to `interface`; `None` where that has no address of its family.
pub(super) fn announcement(neighbour: &Neighbour, interface: &Interface) -> Option<Vec<u8>> {
    let (from, to) = (EthernetAddress(neighbour.mac.0), EthernetAddress(interface.mac.0));
    match neighbour.address {
        IpAddr::V4(address) => {
            let own = interface.addresses.iter().find_map(|prefix| match prefix.address {
                IpAddr::V4(own) => Some(own),
                IpAddr::V6(_) => None,
            })?;
            Some(arp_reply(address, from, own, to))
        }
        IpAddr::V6(address) => Some(advertisement(address, from, to)),
    }
}

fn arp_reply(address: Ipv4Addr, from: EthernetAddress, target: Ipv4Addr, to: EthernetAddress) -> Vec<u8> {
    let reply = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: from,
        source_protocol_addr: address,
        target_hardware_addr: to,
        target_protocol_addr: target,
    };
    ethernet(from, to, EthernetProtocol::Arp, reply.buffer_len(), |payload| {
        reply.emit(&mut ArpPacket::new_unchecked(payload));
    })
}

fn advertisement(address: Ipv6Addr, from: EthernetAddress, to: EthernetAddress) -> Vec<u8> {
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let advert = Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::OVERRIDE,
        target_addr: address,
        lladdr: Some(from.into()),
    });
    let header = Ipv6Repr {
        src_addr: address,
        dst_addr: all_nodes,
        next_header: IpProtocol::Icmpv6,
        payload_len: advert.buffer_len(),
        hop_limit: 255,
    };
    let length = header.buffer_len() + advert.buffer_len();
    ethernet(from, to, EthernetProtocol::Ipv6, length, |payload| {
        header.emit(&mut Ipv6Packet::new_unchecked(&mut *payload));
        let mut message = Icmpv6Packet::new_unchecked(&mut payload[header.buffer_len()..]);
        advert.emit(&address, &all_nodes, &mut message, &ChecksumCapabilities::default());
    })
}

fn ethernet(
    from: EthernetAddress,
    to: EthernetAddress,
    kind: EthernetProtocol,
    length: usize,
    emit: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let mut bytes = vec![0; EthernetFrame::<&[u8]>::buffer_len(length)];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    EthernetRepr { src_addr: from, dst_addr: to, ethertype: kind }.emit(&mut frame);
    emit(frame.payload_mut());
    bytes
}
