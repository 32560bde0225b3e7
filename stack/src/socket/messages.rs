//! Control messages of recvmsg: what is left to read, what the headers below a datagram said, and the error queue with ICMP's
//! errors and the ends of sends without a copy.

use super::address::to_user;
use super::call::{Domain, Received, flags};
use super::errno::Errno;
use super::ip_options::{IP_PKTINFO, IP_RECVERR, IP_RECVOPTS, IP_TOS, IP_TTL, IPV6_RECVERR};
use super::options::Told;
use super::sockopt::{SOL_IP, SOL_IPV6, SOL_TCP};
use super::table::State;
use crate::host::Host;
use crate::icmp::report::quoted_payload;
use crate::icmp::{Report, Reported};
use crate::udp::{Below, KeptError, Kind, UdpId};
use crate::wire::udp;
use std::collections::VecDeque;
use std::net::IpAddr;

const TCP_CM_INQ: i32 = 36;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const SO_EE_ORIGIN_ICMP: u8 = 2;
const SO_EE_ORIGIN_ICMP6: u8 = 3;
const SO_EE_ORIGIN_ZEROCOPY: u8 = 5;
/// The data was copied all the same, as always here.
const SO_EE_CODE_ZEROCOPY_COPIED: u8 = 1;
/// Sends that a socket tells of at most; of more the ends are not told.
const MAX_SENDS: usize = 4096;

/// The sends whose ends a socket tells of.
#[derive(Debug, Default)]
pub(super) struct SendsWithoutCopy {
    /// The number of the next one.
    next: u32,
    /// Where each ends, in bytes sent since the connection began; the oldest has the number `first`.
    ends: VecDeque<u64>,
    first: u32,
}

impl SendsWithoutCopy {
    /// A send that ends there was made.
    pub(super) fn made(&mut self, end: u64) {
        if self.ends.len() < MAX_SENDS {
            self.ends.push_back(end);
            self.next = self.next.wrapping_add(1);
        }
    }

    /// How many that are not told of yet are over, with `acknowledged` bytes acknowledged.
    pub(super) fn over(&self, acknowledged: u64) -> usize {
        self.ends.partition_point(|end| *end <= acknowledged)
    }

    /// How many have ever ended.
    pub(super) fn ever_over(&self, acknowledged: u64) -> u64 {
        u64::from(self.first) + self.over(acknowledged) as u64
    }

    /// Takes those that are over: the first and the last of their numbers.
    fn take(&mut self, acknowledged: u64) -> Option<(u32, u32)> {
        let count = u32::try_from(self.over(acknowledged)).ok().filter(|count| *count > 0)?;
        let first = self.first;
        self.ends.drain(..count as usize);
        self.first = first.wrapping_add(count);
        Some((first, self.first.wrapping_sub(1)))
    }
}

impl Host {
    /// recvmsg with MSG_ERRQUEUE; it never waits.
    pub(super) fn receive_error(&mut self, fd: i32, room: usize) -> Result<Received, Errno> {
        if let State::Datagram(id) = self.sockets.table.get(fd)?.state {
            return self.receive_kept_error(fd, id, room);
        }
        let acknowledged = self.acknowledged(fd);
        let socket = self.sockets.table.get_mut(fd)?;
        let (first, last) = socket.without_copy.take(acknowledged).ok_or(Errno::EAGAIN)?;
        // struct sock_extended_err: errno, origin, type, code, padding, info, data; an empty address behind it.
        let mut error = vec![0; 4];
        error.extend([SO_EE_ORIGIN_ZEROCOPY, 0, SO_EE_CODE_ZEROCOPY_COPIED, 0]);
        error.extend(first.to_ne_bytes().into_iter().chain(last.to_ne_bytes()));
        let (level, kind, address) = match socket.domain {
            Domain::Inet => (SOL_IP, IP_RECVERR, 16),
            Domain::Inet6 => (SOL_IPV6, IPV6_RECVERR, 28),
        };
        error.resize(error.len() + address, 0);
        Ok(Received {
            control: vec![(level, kind, error)],
            flags: flags::MSG_ERRQUEUE,
            ..Received::default()
        })
    }

    /// Adds what the socket's options say to what was received.
    pub(super) fn with_control(&mut self, fd: i32, received: &mut Received) {
        let Ok(socket) = self.sockets.table.get(fd) else { return };
        if let Some(id) = socket.connection().filter(|_| socket.options.tell_left) {
            let readiness = self.tcp.readiness(id);
            // After the FIN there is something to come still: the end of the stream.
            let left = match self.tcp.readable_bytes(id) {
                0 => usize::from(readiness.end_of_stream),
                left => left,
            };
            let left = i32::try_from(left).unwrap_or(i32::MAX);
            received.control.push((SOL_TCP, TCP_CM_INQ, left.to_ne_bytes().to_vec()));
        }
    }

    /// recvmsg with MSG_ERRQUEUE on a datagram socket: what the quote held of what its user wrote, and an error with the address
    /// of the host that sent it (RFC 1122 3.4, 4.1.3.3).
    fn receive_kept_error(&mut self, fd: i32, id: UdpId, room: usize) -> Result<Received, Errno> {
        let domain = self.sockets.table.get(fd)?.domain;
        let kept = self.udp.get_mut(id).and_then(|udp| udp.take_kept_error()).ok_or(Errno::EAGAIN)?;
        let (errno, _) = Errno::of_report(kept.error);
        let info = if let Reported::TooBig { mtu } = kept.error { u32::from(mtu) } else { 0 };
        // struct sock_extended_err, and a struct sockaddr_in or sockaddr_in6 without port.
        let (level, name, origin, family) = match kept.offender {
            IpAddr::V4(_) => (SOL_IP, IP_RECVERR, SO_EE_ORIGIN_ICMP, AF_INET),
            IpAddr::V6(_) => (SOL_IPV6, IPV6_RECVERR, SO_EE_ORIGIN_ICMP6, AF_INET6),
        };
        let mut error = errno.number().to_ne_bytes().to_vec();
        error.extend([origin, kept.kind, kept.code, 0]);
        error.extend(info.to_ne_bytes().into_iter().chain([0; 4]));
        error.extend(family.to_ne_bytes().into_iter().chain([0; 2]));
        match kept.offender {
            IpAddr::V4(offender) => error.extend(offender.octets().into_iter().chain([0; 8])),
            IpAddr::V6(offender) => error.extend([0; 4].into_iter().chain(offender.octets()).chain([0; 4])),
        }
        let (length, mut data) = (kept.data.len(), kept.data);
        data.truncate(room);
        Ok(Received {
            data,
            from: Some(to_user(domain, kept.destination)),
            length,
            control: vec![(level, name, error)],
            flags: flags::MSG_ERRQUEUE,
        })
    }

    /// What a socket wants to hear of the headers below a datagram, in Linux's order.
    pub(super) fn control_of(told: Told, below: &Below) -> Vec<(i32, i32, Vec<u8>)> {
        let IpAddr::V4(destination) = below.destination else { return Vec::new() };
        let interface = i32::try_from(below.interface + 1).unwrap_or(i32::MAX);
        // struct in_pktinfo: the interface, the own address, the one in the header.
        let packet = [interface.to_ne_bytes(), destination.octets(), destination.octets()].concat();
        let ttl = i32::from(below.ttl).to_ne_bytes().to_vec();
        let all = [
            (told.packet, IP_PKTINFO, packet),
            (told.ttl, IP_TTL, ttl),
            (told.tos, IP_TOS, vec![below.tos]),
            (told.options && !below.options.is_empty(), IP_RECVOPTS, below.options.clone()),
        ];
        all.into_iter().filter(|(wanted, ..)| *wanted).map(|(_, kind, data)| (SOL_IP, kind, data)).collect()
    }

    /// Keeps an error for the sockets that want it with what it quotes; `message` is ICMP's.
    pub(crate) fn keep_reported(&mut self, report: &Report, message: &[u8]) {
        // Both versions have type, code, and 8 bytes before the quote.
        if let [kind, code, _, _, _, _, _, _, quote @ ..] = message {
            self.keep_quoted_error(report, (*kind, *code), quote);
        }
    }

    /// The same of an error with this type and code about the datagram in `quote`.
    pub(crate) fn keep_quoted_error(&mut self, report: &Report, (kind, code): (u8, u8), quote: &[u8]) {
        let Some((carries, local, destination)) = report.datagram_ends() else { return };
        let Some(payload) = quoted_payload(quote) else { return };
        // Who pings wrote the header that is quoted.
        let data = if carries == Kind::Udp { payload.get(udp::HEADER_LEN..).unwrap_or(&[]) } else { payload };
        let (error, offender, data) = (report.error, report.from, data.to_vec());
        self.udp.keep(carries, local, &KeptError { error, kind, code, offender, destination, data });
    }

    /// Bytes acknowledged of what the socket has sent.
    pub(super) fn acknowledged(&self, fd: i32) -> u64 {
        let connection = self.sockets.table.get(fd).ok().and_then(|socket| socket.connection());
        connection.map_or(0, |id| self.tcp.progress(id).1)
    }

    /// A send of `fd` is over that its user wants to hear of.
    pub(super) fn note_send(&mut self, fd: i32, message_flags: i32) {
        let Ok(socket) = self.sockets.table.get(fd) else { return };
        let wanted = socket.options.zerocopy && message_flags & flags::MSG_ZEROCOPY != 0;
        let Some(id) = socket.connection().filter(|_| wanted) else { return };
        let end = self.tcp.progress(id).0;
        if let Ok(socket) = self.sockets.table.get_mut(fd) {
            socket.without_copy.made(end);
        }
    }

    /// A number that grows whenever something happens on a descriptor that one who waits for it is to hear of.
    pub(super) fn activity(&self, fd: i32) -> u64 {
        let Ok(socket) = self.sockets.table.get(fd) else { return 0 };
        let own = match socket.state {
            State::Listening(id) => self.tcp.arrivals(id),
            State::Datagram(id) => self.udp.get(id).map_or(0, |udp| udp.arrivals()),
            _ => socket.connection().map_or(0, |id| self.tcp.activity(id)),
        };
        own + socket.without_copy.ever_over(self.acknowledged(fd))
    }
}
