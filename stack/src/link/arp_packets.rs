//! ARP packets in and out (RFC 826).

use crate::network::Network;
use crate::time::Instant;
use crate::wire::arp::{Packet, REPLY, REQUEST};
use crate::wire::{Buffer, MacAddress, ethernet};
use std::net::Ipv4Addr;

impl Network {
    /// The algorithm of RFC 826 "Packet Reception".
    pub(crate) fn arp_arrives(&mut self, now: Instant, interface: usize, bytes: &[u8]) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        let from_here = self.interfaces.iter().any(|link| link.mac == packet.sender_mac);
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        // Broadcast addresses are nobody's, also where a request asks for them (RFC 919 7.1).
        let target_is_us = link.has(packet.target.into()) && !link.is_broadcast(packet.target);
        // A probe has no sender's address (RFC 5227 2.1.1); a group or this host cannot be the sender of what is learned.
        let sender_is_one_host = !packet.sender.is_unspecified()
            && !packet.sender.is_multicast()
            && !packet.sender.is_loopback()
            && !link.is_broadcast(packet.sender)
            && !packet.sender_mac.is_multicast()
            && !link.has(packet.sender.into());
        // RFC 5227 2.4: a request or reply in which another station calls an address of this host its own.
        let conflict = !from_here && link.has(packet.sender.into());
        if !from_here {
            // RFC 5227 2.1.1: whoever says that it has the address, and whoever probes for it, too.
            let probes = packet.sender.is_unspecified() && packet.operation == REQUEST;
            link.claims.contested(if probes { packet.target } else { packet.sender });
        }
        if sender_is_one_host {
            self.silent.remove(&packet.sender.into());
            for datagram in link.arp.learn(now, packet.sender, packet.sender_mac, target_is_us) {
                self.send_frame(interface, packet.sender_mac, ethernet::IPV4, datagram);
            }
        }
        if conflict {
            self.defend(now, interface, packet.sender);
        }
        if target_is_us && packet.operation == REQUEST && !packet.sender_mac.is_multicast() {
            self.send_arp(
                interface,
                REPLY,
                packet.target,
                (packet.sender, packet.sender_mac),
                packet.sender_mac,
            );
        }
    }

    /// Announces an address of this host that another station claims, unless that was done just now (RFC 5227 2.4).
    fn defend(&mut self, now: Instant, interface: usize, own: Ipv4Addr) {
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        if link.conflicts.defend(now, own) {
            self.send_arp_question(interface, own, own);
        }
    }

    /// Asks who has `target`: every station, or the one that had it.
    pub(crate) fn send_arp_request(&mut self, interface: usize, target: Ipv4Addr, mac: Option<MacAddress>) {
        let Some(link) = self.interfaces.get(interface) else { return };
        // The own address in the target's network, so that its answer comes back.
        let near = link.ipv4().find(|(_, cidr)| cidr.contains(target.into()));
        let Some((sender, _)) = near.or_else(|| link.ipv4().next()) else { return };
        let to = mac.unwrap_or(MacAddress::BROADCAST);
        self.send_arp(interface, REQUEST, sender, (target, MacAddress::default()), to);
    }

    /// Asks every station for `target` as `sender`: a probe where `sender` is unspecified, an announcement where both are
    /// one address (RFC 5227 1.1).
    pub(crate) fn send_arp_question(&mut self, interface: usize, sender: Ipv4Addr, target: Ipv4Addr) {
        self.send_arp(interface, REQUEST, sender, (target, MacAddress::default()), MacAddress::BROADCAST);
    }

    fn send_arp(
        &mut self,
        interface: usize,
        operation: u16,
        sender: Ipv4Addr,
        (target, target_mac): (Ipv4Addr, MacAddress),
        to: MacAddress,
    ) {
        let Some(sender_mac) = self.interfaces.get(interface).map(|link| link.mac) else { return };
        let mut buffer = Buffer::new();
        Packet { hardware_type: 1, operation, sender_mac, sender, target_mac, target }.emit(&mut buffer);
        self.send_frame(interface, to, ethernet::ARP, buffer);
    }
}
