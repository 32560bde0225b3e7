//! Datagrams out: identification, fragmentation, and the way to the next hop.

use super::path_mtu::PathMtu;
use super::routes::Hop;
use crate::network::Network;
use crate::time::Instant;
use crate::wire::ipv6_ext::{FRAGMENT_LEN, Fragment};
use crate::wire::{Buffer, MacAddress, ethernet as ethertype, ipv4, ipv4_options, ipv6, protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest IPv4 datagram that every destination takes (RFC 791 3.1).
const SAFE_LEN: usize = 576;

/// Why a datagram was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// There is no route.
    NoRoute,
    /// It is larger than a datagram can be, or than the path takes and it must not be fragmented.
    TooBig,
}

/// The header fields of an IPv4 datagram to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet4<'a> {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) protocol: u8,
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    pub(crate) dont_fragment: bool,
    pub(crate) options: &'a [u8],
    /// The interface, where there is no choice.
    pub(crate) via: Option<usize>,
}

/// The header fields of an IPv6 packet to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet6 {
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) protocol: u8,
    pub(crate) traffic_class: u8,
    /// `None`: what routers say of the link, or the configuration.
    pub(crate) hop_limit: Option<u8>,
    /// The interface, where there is no choice.
    pub(crate) via: Option<usize>,
}

/// The way of datagrams to one destination: good for as long as nothing happens but that more of them are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) destination: IpAddr,
    /// The interface, where there was no choice.
    pub(crate) via: Option<usize>,
    hop: Hop,
    /// The largest datagram, in bytes.
    pub(crate) mtu: u16,
    /// The next hop's hardware address, once a datagram has left to it.
    mac: Option<MacAddress>,
}

impl Network {
    /// The way to `destination`; `via` names the interface where there is no choice.
    pub(crate) fn way(
        &self,
        now: Instant,
        destination: IpAddr,
        via: Option<usize>,
    ) -> Result<Way, SendError> {
        let hop = self.route(destination, via).ok_or(SendError::NoRoute)?;
        let interface_mtu = self.interface_mtu_for(destination, hop.interface);
        let mtu = hop_mtu(&self.path_mtu, now, destination, &hop, interface_mtu);
        Ok(Way { destination, via, hop, mtu, mac: None })
    }

    /// Until when a way on which a datagram has left holds while nothing but time passes; `None`: it is to be looked for again.
    pub(crate) fn holds_until(&self, way: &Way) -> Option<Instant> {
        let link = self.interfaces.get(way.hop.interface).filter(|_| way.mac.is_some())?;
        let neighbour = match way.hop.next {
            IpAddr::V4(next) => link.arp.holds_until(next),
            IpAddr::V6(next) => link.neighbours.holds_until(next),
        };
        Some(neighbour?.min(self.path_mtu.holds_until(way.destination)))
    }

    /// The largest datagram on the way to `destination`: the interface's MTU, or less where a router said so.
    pub(crate) fn mtu_towards(&self, now: Instant, destination: IpAddr, via: Option<usize>) -> u16 {
        self.way(now, destination, via).map_or_else(|_| self.interface_mtu(0), |way| way.mtu)
    }

    /// Whether a datagram of `length` bytes is to go uncut, so that routers say what the path takes (RFC 1191 3): where its
    /// length is not one that every destination takes (RFC 791 3.1, RFC 1122 3.3.3), and nothing says that it is too long.
    pub(crate) fn asks_the_path(&self, now: Instant, destination: Ipv4Addr, length: usize) -> bool {
        let destination = IpAddr::V4(destination);
        let far = self.route(destination, None).is_some_and(|hop| !hop.local && hop.next != destination);
        let fits = length <= usize::from(self.mtu_towards(now, destination, None));
        self.config.ipv4.path_mtu_discovery && far && length > SAFE_LEN && fits
    }

    pub(super) fn interface_mtu(&self, interface: usize) -> u16 {
        self.interfaces.get(interface).map_or(1500, |interface| interface.mtu)
    }

    /// The interface's MTU, or for IPv6 what a router said that all on the link can take (RFC 4861 6.3.4).
    fn interface_mtu_for(&self, destination: IpAddr, interface: usize) -> u16 {
        let own = self.interface_mtu(interface);
        let told = self.interfaces.get(interface).and_then(|link| link.autoconf.mtu);
        told.filter(|_| destination.is_ipv6()).map_or(own, |told| told.min(own))
    }

    /// The hop limit where nobody asks for another one.
    fn hop_limit(&self, interface: usize) -> u8 {
        let told = self.interfaces.get(interface).and_then(|link| link.autoconf.hop_limit);
        told.unwrap_or(self.config.ipv6.hop_limit)
    }

    /// Sends an IPv4 datagram, in fragments where it must be and may be (RFC 791 3.2).
    pub(crate) fn send_v4(
        &mut self,
        now: Instant,
        packet: Packet4<'_>,
        payload: Buffer,
    ) -> Result<(), SendError> {
        let mut way = self.way(now, packet.destination.into(), packet.via)?;
        self.send_v4_on(now, &mut way, packet, payload)
    }

    /// The same on a way that is known.
    // Inlined, as what was just put together would be moved, which waits for the writing.
    #[inline(always)]
    pub(crate) fn send_v4_on(
        &mut self,
        now: Instant,
        way: &mut Way,
        packet: Packet4<'_>,
        payload: Buffer,
    ) -> Result<(), SendError> {
        let mtu = usize::from(way.mtu);
        let mut header = ipv4::Header {
            tos: packet.tos,
            // RFC 6864 4.1: where a datagram is never fragmented, its identification means nothing.
            identification: 0,
            reserved: false,
            dont_fragment: packet.dont_fragment,
            more_fragments: false,
            fragment_offset: 0,
            // RFC 1122 3.2.1.7: never zero.
            ttl: packet.ttl.max(1),
            protocol: packet.protocol,
            source: packet.source,
            destination: packet.destination,
            options: packet.options,
        };
        let len = header.len() + payload.len();
        if len > ipv4::MAX_LEN || (len > mtu && packet.dont_fragment) {
            return Err(SendError::TooBig);
        }
        if !packet.dont_fragment {
            header.identification = self.identification;
            self.identification = self.identification.wrapping_add(1);
        }
        if len <= mtu {
            let mut datagram = payload;
            header.emit(&mut datagram);
            self.hand_over_on(now, way, ethertype::IPV4, datagram);
            return Ok(());
        }
        self.fragment_v4(now, &way.hop, mtu, header, &payload)
    }

    /// RFC 791 3.2: pieces of 8 bytes' multiple, MF on all but the last; options after the first as their kinds say. What
    /// is a fragment itself is cut on.
    #[cold]
    pub(super) fn fragment_v4(
        &mut self,
        now: Instant,
        hop: &Hop,
        mtu: usize,
        header: ipv4::Header<'_>,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let copied = ipv4_options::copied(header.options);
        let (start, more_behind) = (usize::from(header.fragment_offset), header.more_fragments);
        let mut header = ipv4::Header { ..header };
        let mut offset = 0;
        while offset < payload.len() {
            let room = mtu.saturating_sub(header.len()) / 8 * 8;
            if room == 0 {
                return Err(SendError::TooBig);
            }
            let end = payload.len().min(offset + room);
            header.fragment_offset = u16::try_from(start + offset).map_err(|_| SendError::TooBig)?;
            header.more_fragments = end < payload.len() || more_behind;
            let mut fragment = Buffer::with_payload(&payload[offset..end]);
            header.emit(&mut fragment);
            self.hand_over(now, hop, fragment);
            header.options = &copied;
            offset = end;
        }
        Ok(())
    }

    /// To the next hop, which may be the host itself.
    pub(super) fn hand_over(&mut self, now: Instant, hop: &Hop, datagram: Buffer) -> Option<MacAddress> {
        match hop.next {
            _ if hop.local => {
                self.loop_back(hop.interface, datagram);
                None
            }
            IpAddr::V4(next) => self.send_to_neighbour_v4(now, hop.interface, next, datagram),
            IpAddr::V6(next) => self.send_to_neighbour_v6(now, hop.interface, next, datagram),
        }
    }

    /// The same on a way on which the next hop's hardware address may be known already.
    #[inline]
    fn hand_over_on(&mut self, now: Instant, way: &mut Way, ethertype: u16, datagram: Buffer) {
        match way.mac {
            Some(mac) => self.send_frame(way.hop.interface, mac, ethertype, datagram),
            None => way.mac = self.hand_over(now, &way.hop, datagram),
        }
    }

    /// Sends an IPv6 packet, in fragments where it must be (RFC 8200 4.5).
    pub(crate) fn send_v6(
        &mut self,
        now: Instant,
        packet: Packet6,
        payload: Buffer,
    ) -> Result<(), SendError> {
        let mut way = self.way(now, packet.destination.into(), packet.via)?;
        self.send_v6_on(now, &mut way, packet, payload)
    }

    /// The same on a way that is known.
    pub(crate) fn send_v6_on(
        &mut self,
        now: Instant,
        way: &mut Way,
        packet: Packet6,
        payload: Buffer,
    ) -> Result<(), SendError> {
        let (hop, mtu) = (way.hop, usize::from(way.mtu));
        if payload.len() > usize::from(u16::MAX) - FRAGMENT_LEN {
            return Err(SendError::TooBig);
        }
        let mut header = ipv6::Header {
            traffic_class: packet.traffic_class,
            flow_label: 0,
            next_header: packet.protocol,
            hop_limit: packet.hop_limit.unwrap_or(self.hop_limit(hop.interface)).max(1),
            source: packet.source,
            destination: packet.destination,
        };
        if ipv6::HEADER_LEN + payload.len() <= mtu {
            let mut datagram = payload;
            header.emit(&mut datagram);
            self.hand_over_on(now, way, ethertype::IPV6, datagram);
            return Ok(());
        }
        header.next_header = protocol::FRAGMENT;
        // RFC 7739: not to be guessed.
        let identification = self.rng.next_u32();
        let room = mtu.saturating_sub(ipv6::HEADER_LEN + FRAGMENT_LEN) / 8 * 8;
        let mut offset = 0u16;
        for piece in payload.chunks(room.max(8)) {
            let more = usize::from(offset) + piece.len() < payload.len();
            let mut buffer = Buffer::with_payload(piece);
            Fragment { next_header: packet.protocol, offset, more, identification }.emit(&mut buffer);
            header.emit(&mut buffer);
            self.hand_over(now, &hop, buffer);
            offset = offset.saturating_add(u16::try_from(piece.len()).unwrap_or(u16::MAX));
        }
        Ok(())
    }

    fn loop_back(&mut self, interface: usize, datagram: Buffer) {
        /// Datagrams to itself that a host may have under way.
        const MAX_LOOPBACK: usize = 4096;
        if self.loopback.len() < MAX_LOOPBACK {
            self.loopback.push_back((interface, datagram));
        }
    }
}

fn hop_mtu(paths: &PathMtu, now: Instant, destination: IpAddr, hop: &Hop, interface_mtu: u16) -> u16 {
    if hop.local {
        return u16::MAX;
    }
    paths.get(now, destination).unwrap_or(u16::MAX).min(interface_mtu)
}
