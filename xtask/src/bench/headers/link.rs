//! Ethernet and ARP.

use super::{Contest, PAYLOAD, payload, repeated};
use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header};
use smoltcp::wire as theirs;
use stack::wire::{Buffer, MacAddress, arp, ethernet};
use std::hint::black_box;

const MACS: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);

pub(super) fn contests() -> Vec<Contest> {
    vec![parse_ethernet(), emit_ethernet(), parse_arp(), emit_arp()]
}

fn header() -> ethernet::Header {
    let (source, destination) = (MacAddress(MACS.0), MacAddress(MACS.1));
    ethernet::Header {
        source,
        destination,
        ethertype: ethernet::IPV4,
        framing: ethernet::Framing::EthernetII,
    }
}

fn parse_ethernet() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    header().emit(&mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse Ethernet".into(),
        ours: repeated(move || ethernet::Header::parse(black_box(&a)).map(|(header, _)| header)),
        smoltcp: repeated(move || {
            let frame = theirs::EthernetFrame::new_checked(black_box(&b[..]))?;
            theirs::EthernetRepr::parse(&frame)
        }),
        etherparse: repeated(move || Ethernet2Header::from_slice(black_box(&c)).map(|(header, _)| header)),
    }
}

fn emit_ethernet() -> Contest {
    let mut buffer = Buffer::with_payload(&payload());
    let mut place = vec![0; ethernet::HEADER_LEN + PAYLOAD];
    let mut written = vec![0; ethernet::HEADER_LEN + PAYLOAD];
    let repr = theirs::EthernetRepr {
        src_addr: theirs::EthernetAddress(MACS.0),
        dst_addr: theirs::EthernetAddress(MACS.1),
        ethertype: theirs::EthernetProtocol::Ipv4,
    };
    let header_of_theirs =
        Ethernet2Header { source: MACS.0, destination: MACS.1, ether_type: EtherType::IPV4 };
    let said = header();
    Contest {
        name: "emit Ethernet".into(),
        ours: repeated(move || {
            black_box(&said).emit(&mut buffer);
            buffer.trim_front(ethernet::HEADER_LEN);
        }),
        smoltcp: repeated(move || {
            let mut frame = theirs::EthernetFrame::new_unchecked(&mut place);
            black_box(&repr).emit(&mut frame);
            black_box(&place);
        }),
        etherparse: repeated(move || {
            written[..14].copy_from_slice(&black_box(&header_of_theirs).to_bytes());
            black_box(&written);
        }),
    }
}

fn packet() -> arp::Packet {
    let (sender_mac, target_mac) = (MacAddress(MACS.0), MacAddress([0; 6]));
    let (sender, target) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
    arp::Packet { hardware_type: 1, operation: 1, sender_mac, sender, target_mac, target }
}

fn parse_arp() -> Contest {
    let mut buffer = Buffer::new();
    packet().emit(&mut buffer);
    let bytes = buffer.into_vec();
    let (a, b, c) = (bytes.clone(), bytes.clone(), bytes);
    Contest {
        name: "parse ARP".into(),
        ours: repeated(move || arp::Packet::parse(black_box(&a))),
        smoltcp: repeated(move || {
            let packet = theirs::ArpPacket::new_checked(black_box(&b[..]))?;
            theirs::ArpRepr::parse(&packet)
        }),
        etherparse: repeated(move || ArpPacket::from_slice(black_box(&c))),
    }
}

fn emit_arp() -> Contest {
    let mut buffer = Buffer::new();
    let (mut place, mut written) = (vec![0; 28], vec![0; 28]);
    let repr = theirs::ArpRepr::EthernetIpv4 {
        operation: theirs::ArpOperation::Request,
        source_hardware_addr: theirs::EthernetAddress(MACS.0),
        source_protocol_addr: [192, 0, 2, 1].into(),
        target_hardware_addr: theirs::EthernetAddress([0; 6]),
        target_protocol_addr: [192, 0, 2, 2].into(),
    };
    let said = packet();
    Contest {
        name: "emit ARP".into(),
        ours: repeated(move || {
            black_box(&said).emit(&mut buffer);
            buffer.trim_front(28);
        }),
        smoltcp: repeated(move || {
            let mut packet = theirs::ArpPacket::new_unchecked(&mut place);
            black_box(&repr).emit(&mut packet);
            black_box(&place);
        }),
        etherparse: repeated(move || {
            let (hardware, protocol) = (ArpHardwareId::ETHERNET, EtherType::IPV4);
            let packet = ArpPacket::new(
                hardware,
                protocol,
                ArpOperation::REQUEST,
                black_box(&MACS.0),
                &[192, 0, 2, 1],
                &[0; 6],
                &[192, 0, 2, 2],
            );
            if let Ok(packet) = packet {
                written.copy_from_slice(&packet.to_bytes());
            }
            black_box(&written);
        }),
    }
}
