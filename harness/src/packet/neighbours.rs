//! The hosts around the stack, as far as address resolution goes: who has an address answers for it.

use super::complete::is_own;
use super::dissect::{self, Dissection};
use super::header_options::{self, Style};
use super::{World, checksum};
use crate::lang::ast::LayerKind;
use crate::sut::{MacAddress, Medium};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The ARP reply or neighbour advertisement that a host which the harness plays sends for `frame`, if that asks for
/// one of its addresses on this interface.
pub fn answer(world: &World, interface: usize, frame: &[u8]) -> Option<Vec<u8>> {
    if world.setup.interfaces.get(interface)?.medium != Medium::Ethernet {
        return None;
    }
    let d = dissect::dissect(Medium::Ethernet, frame);
    if d.problem.is_some() {
        return None;
    }
    arp_reply(world, interface, &d, frame).or_else(|| advertisement(world, interface, &d, frame))
}

/// The hardware address of a host behind `interface`.
fn owner(world: &World, interface: usize, address: IpAddr) -> Option<MacAddress> {
    if is_own(world, address) {
        return None;
    }
    world.hosts.iter().find(|h| h.interface == interface && h.addresses.contains(&address)).map(|h| h.mac)
}

/// RFC 826, "Packet Reception".
fn arp_reply(world: &World, interface: usize, d: &Dissection, frame: &[u8]) -> Option<Vec<u8>> {
    let arp = d.first(LayerKind::Arp)?;
    let get = |name| arp.get(frame, name);
    let is_request = (get("htype"), get("ptype"), get("op")) == (Some(1), Some(0x0800), Some(1));
    let target = Ipv4Addr::from(get("tpa")? as u32);
    let asker = Ipv4Addr::from(get("spa")? as u32);
    let mac = owner(world, interface, target.into())?.0;
    // RFC 5227 section 2.1.1: a probe for an address that somebody has is answered like any request.
    if !is_request || asker == target {
        return None;
    }
    let sha = frame.get(arp.start + 8..arp.start + 14)?;
    let mut reply = [sha, &mac, &[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]].concat();
    reply.extend([&mac[..], &target.octets(), sha, &asker.octets()].concat());
    reply.resize(60, 0);
    Some(reply)
}

/// RFC 4861 section 7.2.4.
fn advertisement(world: &World, interface: usize, d: &Dissection, frame: &[u8]) -> Option<Vec<u8>> {
    let message = d.last(LayerKind::Icmpv6).filter(|m| m.get(frame, "type") == Some(135))?;
    let target = Ipv6Addr::from(message.get(frame, "target")?);
    let mac = owner(world, interface, target.into())?.0;
    let (source, _) = d.addresses(frame)?;
    let IpAddr::V6(source) = source else { return None };
    // An asker without an address is answered to all nodes, unsolicited.
    let solicited = !source.is_unspecified();
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let destination = if solicited { source } else { all_nodes };
    let towards = if solicited { frame.get(6..12)? } else { &[0x33, 0x33, 0, 0, 0, 1] };
    let mut reply = [towards, &mac, &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]].concat();
    reply.extend([target.octets(), destination.octets()].concat());
    let flags = if solicited { 0x60 } else { 0x20 };
    reply.extend([136, 0, 0, 0, flags, 0, 0, 0]);
    // The target link-layer address option.
    reply.extend([&target.octets()[..], &[2, 1], &mac].concat());
    let parts = dissect::dissect(Medium::Ethernet, &reply).parts;
    checksum::refresh(&mut reply, &parts, &|_, _| false);
    Some(reply)
}

/// What kind of frame a stack sent, as far as language.md's "Silence is an assertion" tells kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameClass {
    /// ARP and neighbour advertisements.
    AddressResolution,
    /// Neighbour solicitations that ask for a hardware address, or whether a neighbour is still there.
    NeighbourSolicitation,
    /// ARP probes and announcements.
    AddressClaim,
    /// Neighbour solicitations from the unspecified address.
    DuplicateAddressDetection,
    /// Router solicitations.
    RouterSolicitation,
    /// IGMP.
    Igmp,
    /// Multicast listener discovery.
    Mld,
    /// A TCP segment that has no bit but ACK, no data and no urgent pointer.
    PureAck,
    /// Everything else.
    Other,
}

/// Tells kinds of frames apart. A frame that cannot be read is [`FrameClass::Other`].
pub fn classify(_world: &World, medium: Medium, frame: &[u8]) -> FrameClass {
    let d = dissect::dissect(medium, frame);
    if d.problem.is_some() {
        return FrameClass::Other;
    }
    let Some(last) = d.parts.iter().rev().find(|p| p.kind != LayerKind::Payload) else {
        return FrameClass::Other;
    };
    let get = |name| last.get(frame, name).unwrap_or(0);
    match last.kind {
        LayerKind::Arp if get("spa") == 0 || get("spa") == get("tpa") => FrameClass::AddressClaim,
        LayerKind::Arp => FrameClass::AddressResolution,
        LayerKind::Ipv4 if get("proto") == 2 => FrameClass::Igmp,
        LayerKind::Icmpv6 => {
            let unspecified = d.addresses(frame).is_some_and(|(source, _)| source.is_unspecified());
            match get("type") {
                130..=132 | 143 => FrameClass::Mld,
                133 => FrameClass::RouterSolicitation,
                // RFC 4861 4.3: without the asker's hardware address.
                135 if unspecified && !has_source_link(last, frame) => FrameClass::DuplicateAddressDetection,
                135 if !unspecified => FrameClass::NeighbourSolicitation,
                135 | 136 => FrameClass::AddressResolution,
                _ => FrameClass::Other,
            }
        }
        LayerKind::Tcp if get("flags") == 0x10 && get("urg") == 0 && d.payload().is_empty() => {
            FrameClass::PureAck
        }
        _ => FrameClass::Other,
    }
}

/// Whether a message of neighbour discovery has a source link-layer address option.
fn has_source_link(part: &dissect::Part, frame: &[u8]) -> bool {
    let options = frame.get(part.options(frame)).unwrap_or(&[]);
    header_options::split(Style::Discovery, options).iter().any(|option| option.kind == 1)
}

#[cfg(test)]
mod tests {
    use super::super::number::mac_number;
    use super::super::testing::*;
    use super::*;
    use crate::lang::ast::{LayerBody, TcpOptions};
    use crate::sut::{Family, Rules};

    #[test]
    fn the_peer_answers_for_its_address() {
        let mut run = Run::new(Family::Ipv4, Medium::Ethernet, Rules::Ours);
        let request = run.outbound(vec![layer(LayerKind::Arp, Vec::new())]);
        assert_eq!(classify(&run.world, Medium::Ethernet, &request), FrameClass::AddressResolution);
        let reply = answer(&run.world, 0, &request).unwrap();
        assert_eq!(run.describe(&reply), "< arp reply 192.0.2.2 is-at 02:00:00:00:00:02");
        let other = run.outbound(vec![layer(LayerKind::Arp, vec![name("tpa", "192.0.2.77")])]);
        assert_eq!(answer(&run.world, 0, &other), None);
    }

    #[test]
    fn the_peer_advertises_its_address() {
        let mut run = Run::new(Family::Ipv6, Medium::Ethernet, Rules::Ours);
        let fields = vec![number("type", 135), name("target", "REMOTE")];
        let solicitation = run.outbound(vec![layer(LayerKind::Icmpv6, fields)]);
        assert_eq!(classify(&run.world, Medium::Ethernet, &solicitation), FrameClass::NeighbourSolicitation);
        let reply = answer(&run.world, 0, &solicitation).unwrap();
        let expected =
            "< icmp6 neighbor_advertisement solicited 1 override 1 target 2001:db8::2 [tlla 0x020000000002]";
        assert_eq!(run.describe(&reply), expected);
        assert_eq!(mac_number(REMOTE_MAC), 0x0200_0000_0002);
    }

    #[test]
    fn acknowledgements_are_pure_without_anything_else() {
        let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Ours);
        let mut class = |flags, length| {
            let segment = tcp(flags, 1, 1, 9, TcpOptions::Exactly(Vec::new()));
            assert!(matches!(segment.body, LayerBody::Tcp { .. }));
            let frame = run.outbound(vec![segment, payload(length)]);
            classify(&run.world, Medium::Ip, &frame)
        };
        assert_eq!(class(0x10, 0), FrameClass::PureAck);
        assert_eq!(class(0x10, 1), FrameClass::Other);
        assert_eq!(class(0x11, 0), FrameClass::Other);
    }
}
