//! ARP (RFC 826).

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use pnet::packet::arp::ArpPacket;
use smoltcp::wire;
use stack::wire::arp::{LEN, Packet};

const LOSSES: &[Loss] =
    &[Loss { why: "the link's padding behind the packet is not kept", apply: |bytes| bytes.truncate(LEN) }];

/// `data` is a packet.
///
/// # Panics
/// At a finding.
pub fn arp(data: &[u8]) {
    let parsed = Packet::parse(data);
    if let Ok(packet) = &parsed {
        let emitted = same_bytes(LOSSES, data, &[], |buffer| packet.emit(buffer));
        assert_eq!(Packet::parse(&emitted), Ok(*packet));
    }
    let verdict = Verdict { header: "arp", bytes: data, ours: parsed.map(|packet| ours(&packet)) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(data));
    verdict.agrees_with(Decoder::Pnet, pnet(data));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(data));
}

fn ours(packet: &Packet) -> Fields<'static> {
    Fields::new([
        ("hardware type", packet.hardware_type.into()),
        ("operation", packet.operation.into()),
        ("sender mac", packet.sender_mac.into()),
        ("sender", packet.sender.into()),
        ("target mac", packet.target_mac.into()),
        ("target", packet.target.into()),
    ])
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::ArpPacketSlice::from_slice(bytes).map_err(|_| "length")?;
    let packet = slice.to_packet().try_eth_ipv4().map_err(|_| "not Ethernet and IPv4")?;
    Ok(Fields::new([
        ("operation", packet.operation.0.into()),
        ("sender mac", packet.sender_mac.into()),
        ("sender", packet.sender_ipv4_addr().into()),
        ("target mac", packet.target_mac.into()),
        ("target", packet.target_ipv4_addr().into()),
    ]))
}

fn pnet(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = ArpPacket::new(bytes).ok_or("length")?;
    Ok(Fields::new([
        ("hardware type", packet.get_hardware_type().0.into()),
        ("operation", packet.get_operation().0.into()),
        ("sender mac", packet.get_sender_hw_addr().octets().into()),
        ("sender", packet.get_sender_proto_addr().into()),
        ("target mac", packet.get_target_hw_addr().octets().into()),
        ("target", packet.get_target_proto_addr().into()),
    ]))
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = wire::ArpPacket::new_checked(bytes).map_err(|_| "length")?;
    let repr = wire::ArpRepr::parse(&packet).map_err(|_| "not Ethernet and IPv4")?;
    let wire::ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_hardware_addr,
        target_protocol_addr,
    } = repr
    else {
        return Err("not Ethernet and IPv4");
    };
    Ok(Fields::new([
        ("operation", u16::from(operation).into()),
        ("sender mac", source_hardware_addr.0.into()),
        ("sender", source_protocol_addr.into()),
        ("target mac", target_hardware_addr.0.into()),
        ("target", target_protocol_addr.into()),
    ]))
}
