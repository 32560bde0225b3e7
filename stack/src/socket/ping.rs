//! Ping sockets: what an application needs to send Echo Requests and to hear of the replies (RFC 1122 3.2.2.6). The port of
//! such a socket is the identifier of its echoes.

use super::errno::Errno;
use crate::host::Host;
use crate::network::Arrival;
use crate::udp::{Arriving, Below, Kind};
use crate::wire::{Buffer, icmpv4, ipv4};
use std::net::SocketAddr;

/// The Echo Request that a user wrote, with the socket's identifier and the right checksum. Nothing else may be sent.
pub(super) fn echo_request(identifier: u16, message: &[u8]) -> Result<Buffer, Errno> {
    let [icmpv4::ECHO_REQUEST, 0, _, _, _, _, high, low, data @ ..] = message else {
        return Err(Errno::EINVAL);
    };
    let [a, b] = identifier.to_be_bytes();
    let (kind, code, rest) = (icmpv4::ECHO_REQUEST, 0, [a, b, *high, *low]);
    let mut buffer = Buffer::with_payload(data);
    icmpv4::Header { kind, code, rest }.emit(&mut buffer);
    Ok(buffer)
}

impl Host {
    /// Gives an Echo Reply to the socket that has its identifier; other messages are nobody's here.
    pub(crate) fn echo_reply_arrives(&mut self, arrival: Arrival, ip: &ipv4::Header<'_>, message: &[u8]) {
        let Ok((header, _)) = icmpv4::Header::parse(message) else { return };
        if header.kind != icmpv4::ECHO_REPLY {
            return;
        }
        let [a, b, ..] = header.rest;
        let (tos, ttl, options) = (ip.tos, ip.ttl, ip.options.to_vec());
        let below =
            Below { destination: ip.destination.into(), interface: arrival.interface, tos, ttl, options };
        let (from, port) = (SocketAddr::new(ip.source.into(), 0), u16::from_be_bytes([a, b]));
        let to_all = self.net.owner_of(ip.destination.into()).is_none();
        self.udp.deliver(&Arriving { kind: Kind::Ping, from, port, to_all, below, data: message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_echo_requests_leave_with_the_identifier_of_their_socket() {
        let sent = echo_request(0x1234, &[8, 0, 9, 9, 9, 9, 0, 7, 1, 2]).expect("it is one");
        let (header, data) = icmpv4::Header::parse(&sent).expect("its checksum is right");
        assert_eq!((header.kind, header.code, header.rest, data), (8, 0, [0x12, 0x34, 0, 7], &[1, 2][..]));
        for wrong in [&[8, 0, 0, 0, 0, 0, 0][..], &[0, 0, 0, 0, 0, 0, 0, 7], &[8, 1, 0, 0, 0, 0, 0, 7]] {
            assert_eq!(echo_request(1, wrong), Err(Errno::EINVAL));
        }
    }
}
