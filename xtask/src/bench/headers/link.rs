//! Ethernet and ARP.

use super::{Contest, before, emitting, parsing};
use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header, Ethernet2HeaderSlice};
use smoltcp::wire as theirs;
use stack::wire::{Buffer, MacAddress, arp, ethernet};
use std::hint::black_box;

const MACS: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
const IPS: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [192, 0, 2, 2]);

pub(super) fn contests() -> [Result<Contest, String>; 4] {
    [parse_ethernet(), emit_ethernet(), parse_arp(), emit_arp()]
}

/// The least EtherType: what is below is a length.
const LEAST: u16 = 0x0600;

const HEADER: ethernet::Header = ethernet::Header {
    destination: MacAddress(MACS.1),
    source: MacAddress(MACS.0),
    ethertype: ethernet::IPV4,
    framing: ethernet::Framing::EthernetII,
};

fn parse_ethernet() -> Result<Contest, String> {
    let mut buffer = Buffer::new();
    HEADER.emit(&mut buffer);
    parsing(
        "parse Ethernet",
        &buffer,
        &[(12, 0x05)],
        |bytes| {
            let (header, _) = ethernet::Header::parse(bytes).ok()?;
            Some((header.destination.0, header.source.0, header.ethertype))
        },
        |bytes| {
            let frame = theirs::EthernetFrame::new_checked(bytes).ok()?;
            let header = theirs::EthernetRepr::parse(&frame).ok()?;
            let ethertype = u16::from(header.ethertype);
            (ethertype >= LEAST).then_some((header.dst_addr.0, header.src_addr.0, ethertype))
        },
        |bytes| {
            let header = Ethernet2HeaderSlice::from_slice(bytes).ok()?;
            let ethertype = header.ether_type().0;
            (ethertype >= LEAST).then(|| (header.destination(), header.source(), ethertype))
        },
    )
}

fn emit_ethernet() -> Result<Contest, String> {
    let repr = theirs::EthernetRepr {
        src_addr: theirs::EthernetAddress(MACS.0),
        dst_addr: theirs::EthernetAddress(MACS.1),
        ethertype: theirs::EthernetProtocol::Ipv4,
    };
    let header = Ethernet2Header { source: MACS.0, destination: MACS.1, ether_type: EtherType::IPV4 };
    emitting(
        "emit Ethernet",
        (ethernet::HEADER_LEN, ethernet::HEADER_LEN),
        before(|place, _| black_box(&HEADER).write(place)),
        move |place| black_box(&repr).emit(&mut theirs::EthernetFrame::new_unchecked(place)),
        move |place| place[..14].copy_from_slice(&black_box(&header).to_bytes()),
    )
}

const PACKET: arp::Packet = arp::Packet {
    hardware_type: 1,
    operation: arp::REQUEST,
    sender_mac: MacAddress(MACS.0),
    sender: std::net::Ipv4Addr::from_octets(IPS.0),
    target_mac: MacAddress([0; 6]),
    target: std::net::Ipv4Addr::from_octets(IPS.1),
};

fn parse_arp() -> Result<Contest, String> {
    let mut buffer = Buffer::new();
    PACKET.emit(&mut buffer);
    parsing(
        "parse ARP",
        &buffer,
        &[(0, 1), (1, 7), (2, 9), (3, 1), (4, 5), (5, 16)],
        |bytes| {
            let arp = arp::Packet::parse(bytes).ok()?;
            let (sender, target) = (arp.sender.octets(), arp.target.octets());
            Some((arp.operation, arp.sender_mac.0, sender, arp.target_mac.0, target))
        },
        |bytes| {
            let packet = theirs::ArpPacket::new_checked(bytes).ok()?;
            let theirs::ArpRepr::EthernetIpv4 {
                operation,
                source_hardware_addr,
                source_protocol_addr,
                target_hardware_addr,
                target_protocol_addr,
            } = theirs::ArpRepr::parse(&packet).ok()?
            else {
                return None;
            };
            let (sender, target) = (source_protocol_addr.octets(), target_protocol_addr.octets());
            Some((operation.into(), source_hardware_addr.0, sender, target_hardware_addr.0, target))
        },
        |bytes| {
            let arp = ArpPacket::from_slice(bytes).ok()?.try_eth_ipv4().ok()?;
            Some((arp.operation.0, arp.sender_mac, arp.sender_ipv4, arp.target_mac, arp.target_ipv4))
        },
    )
}

fn emit_arp() -> Result<Contest, String> {
    let repr = theirs::ArpRepr::EthernetIpv4 {
        operation: theirs::ArpOperation::Request,
        source_hardware_addr: theirs::EthernetAddress(MACS.0),
        source_protocol_addr: IPS.0.into(),
        target_hardware_addr: theirs::EthernetAddress([0; 6]),
        target_protocol_addr: IPS.1.into(),
    };
    let (hardware, protocol) = (ArpHardwareId::ETHERNET, EtherType::IPV4);
    let (request, (sender, target)) = (ArpOperation::REQUEST, IPS);
    let packet = ArpPacket::new(hardware, protocol, request, &MACS.0, &sender, &[0; 6], &target)
        .map_err(|e| e.to_string())?;
    emitting(
        "emit ARP",
        (arp::LEN, arp::LEN),
        before(|place, _| black_box(&PACKET).write(place)),
        move |place| black_box(&repr).emit(&mut theirs::ArpPacket::new_unchecked(place)),
        move |place| place[..arp::LEN].copy_from_slice(&black_box(&packet).to_bytes()),
    )
}
