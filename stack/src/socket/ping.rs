//! Ping sockets: what an application needs to send Echo Requests and to hear of the replies (RFC 1122 3.2.2.6, RFC 4443 4.1 and
//! 4.2). The port of such a socket is the identifier of its echoes.

use super::errno::Errno;
use crate::host::Host;
use crate::network::Arrival;
use crate::udp::{Arriving, Below, Kind};
use crate::wire::{Buffer, icmpv4, icmpv6, ipv4, ipv6};
use std::net::{IpAddr, SocketAddr};

/// The Echo Request that a user wrote, with the socket's identifier and the right checksum. Nothing else may be sent.
pub(super) fn echo_request(
    (source, identifier): (IpAddr, u16),
    destination: IpAddr,
    message: &[u8],
) -> Result<Buffer, Errno> {
    let [kind, code @ 0, _, _, _, _, high, low, data @ ..] = message else { return Err(Errno::EINVAL) };
    let ([a, b], kind, code) = (identifier.to_be_bytes(), *kind, *code);
    let rest = [a, b, *high, *low];
    let mut buffer = Buffer::with_payload(data);
    match (source, destination) {
        (IpAddr::V4(_), _) if kind == icmpv4::ECHO_REQUEST => {
            icmpv4::Header { kind, code, rest }.emit(&mut buffer);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) if kind == icmpv6::ECHO_REQUEST => {
            icmpv6::Header { kind, code, rest }.emit(source, destination, &mut buffer);
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(buffer)
}

impl Host {
    /// Gives an Echo Reply to the socket that has its identifier; other messages are nobody's here.
    pub(crate) fn echo_reply_arrives(&mut self, arrival: Arrival, ip: &ipv4::Header<'_>, message: &[u8]) {
        let Ok((header, _)) = icmpv4::Header::parse(message) else { return };
        if header.kind != icmpv4::ECHO_REPLY {
            return;
        }
        let (tos, ttl, options) = (ip.tos, ip.ttl, ip.options.to_vec());
        let below =
            Below { destination: ip.destination.into(), interface: arrival.interface, tos, ttl, options };
        self.deliver_echo(ip.source.into(), header.rest, below, message);
    }

    /// Likewise of ICMPv6, where the type is that of a reply.
    pub(crate) fn echo_reply_arrives_v6(&mut self, arrival: Arrival, ip: &ipv6::Header, message: &[u8]) {
        let Ok((header, _)) = icmpv6::Header::parse(ip.source, ip.destination, message) else { return };
        let (destination, interface) = (ip.destination.into(), arrival.interface);
        let (tos, ttl, options) = (ip.traffic_class, ip.hop_limit, Vec::new());
        self.deliver_echo(
            ip.source.into(),
            header.rest,
            Below { destination, interface, tos, ttl, options },
            message,
        );
    }

    fn deliver_echo(&mut self, source: IpAddr, [a, b, ..]: [u8; 4], below: Below, data: &[u8]) {
        let (kind, from, port) = (Kind::Ping, SocketAddr::new(source, 0), u16::from_be_bytes([a, b]));
        let to_all = self.net.owner_of(below.destination).is_none();
        self.udp.deliver(&Arriving { kind, from, port, to_all, below, is_checked: true, data });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_echo_requests_leave_with_the_identifier_of_their_socket() {
        const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        let sent = echo_request((V4, 0x1234), V4, &[8, 0, 9, 9, 9, 9, 0, 7, 1, 2]).expect("it is one");
        let (header, data) = icmpv4::Header::parse(&sent).expect("its checksum is right");
        assert_eq!((header.kind, header.code, header.rest, data), (8, 0, [0x12, 0x34, 0, 7], &[1, 2][..]));
        for wrong in [&[8, 0, 0, 0, 0, 0, 0][..], &[0, 0, 0, 0, 0, 0, 0, 7], &[8, 1, 0, 0, 0, 0, 0, 7]] {
            assert_eq!(echo_request((V4, 1), V4, wrong), Err(Errno::EINVAL));
        }
        assert!(echo_request((V6, 1), V6, &[128, 0, 0, 0, 0, 0, 0, 7]).is_ok());
        assert_eq!(echo_request((V6, 1), V6, &[8, 0, 0, 0, 0, 0, 0, 7]), Err(Errno::EINVAL));
    }
}
