//! ICMP messages in: echo is answered, errors are handed to the transport that the quote names.

use super::Reported;
use super::echo_options::reply_options;
use super::report::{Quoted, Report, quoted_v4, quoted_v6, reported_v4, reported_v6};
use crate::ip::option_writing::timestamp;
use crate::ip::output::{Packet4, Packet6};
use crate::ip::path_mtu::told;
use crate::network::{Arrival, Network};
use crate::time::Instant;
use crate::wire::{Buffer, icmpv4, icmpv6, ipv4, ipv6, mld, protocol};

impl Network {
    /// An ICMPv4 message arrives. Gives the error for a transport, where it is one.
    pub(crate) fn icmp_arrives_v4(
        &mut self,
        now: Instant,
        arrival: Arrival,
        ip: &ipv4::Header<'_>,
        message: &[u8],
    ) -> Option<Report> {
        let (header, body) = icmpv4::Header::parse(message).ok()?;
        if header.kind == icmpv4::ECHO_REQUEST {
            self.answer_v4(now, arrival, ip, &header, (icmpv4::ECHO_REPLY, body));
            return None;
        }
        if header.kind == icmpv4::TIMESTAMP_REQUEST && header.code == 0 {
            if let Some(originate) = body.get(..4) {
                // RFC 792 page 16: when it came, and when the reply leaves, which is the same here.
                let time = timestamp(now).to_be_bytes();
                let data = [originate, &time, &time].concat();
                self.answer_v4(now, arrival, ip, &header, (icmpv4::TIMESTAMP_REPLY, &data));
            }
            return None;
        }
        if header.kind == icmpv4::REDIRECT {
            self.redirect_arrives_v4(arrival, ip, &header, body);
            return None;
        }
        let error = reported_v4(&header)?;
        let quoted = quoted_v4(body)?;
        // It must be about a datagram that this host sent.
        self.owner_of(quoted.local.ip())?;
        let error = self.note_mtu(now, &quoted, error);
        let (protocol, sequence, from) = (quoted.protocol, quoted.sequence, ip.source.into());
        let zone = arrival.interface;
        Some(Report { protocol, local: quoted.local, remote: quoted.remote, sequence, error, from, zone })
    }

    /// An ICMPv6 message arrives; `fragmented` says that it had a fragment header. Gives the error for a transport,
    /// where it is one.
    pub(crate) fn icmp_arrives_v6(
        &mut self,
        now: Instant,
        arrival: Arrival,
        ip: &ipv6::Header,
        message: &[u8],
        fragmented: bool,
    ) -> Option<Report> {
        let (header, body) = icmpv6::Header::parse(ip.source, ip.destination, message).ok()?;
        match header.kind {
            icmpv6::ECHO_REQUEST => {
                self.answer_echo_v6(now, arrival, ip, &header, body);
                None
            }
            mld::QUERY..=mld::DONE => {
                self.mld_arrives(now, arrival.interface, ip, &header, body);
                None
            }
            // RFC 6980 5: never in fragments.
            icmpv6::ROUTER_SOLICITATION..=icmpv6::REDIRECT => {
                if !fragmented {
                    self.discovery_arrives(now, arrival.interface, ip, &header, body);
                }
                None
            }
            _ => {
                let error = reported_v6(&header)?;
                // RFC 8201 4: a report below the least MTU is discarded, not taken for that.
                if header.kind == icmpv6::PACKET_TOO_BIG && header.word() < ipv6::MIN_MTU as u32 {
                    return None;
                }
                let quoted = quoted_v6(body)?;
                self.owner_of(quoted.local.ip())?;
                let error = self.note_mtu(now, &quoted, error);
                let (protocol, sequence, from) = (quoted.protocol, quoted.sequence, ip.source.into());
                let zone = arrival.interface;
                Some(Report {
                    protocol,
                    local: quoted.local,
                    remote: quoted.remote,
                    sequence,
                    error,
                    from,
                    zone,
                })
            }
        }
    }

    /// RFC 1122 3.2.2.2: every redirect is about the quoted datagram's destination alone, whatever its code (3.3.1.2).
    fn redirect_arrives_v4(
        &mut self,
        arrival: Arrival,
        ip: &ipv4::Header<'_>,
        message: &icmpv4::Header,
        quote: &[u8],
    ) {
        let Ok((quoted, _)) = ipv4::Header::parse_quoted(quote) else { return };
        if message.code > 3 || self.owner_of(quoted.source.into()).is_none() {
            return;
        }
        let gateway = std::net::Ipv4Addr::from(message.rest);
        self.redirect(arrival.interface, ip.source.into(), quoted.destination.into(), gateway.into());
    }

    /// Remembers the path's MTU, where the error tells of it, and puts what is remembered into the error. TCP remembers
    /// for itself: it can tell by the sequence number whether the error is about something that it sent (RFC 5927 7.2).
    fn note_mtu(&mut self, now: Instant, quoted: &Quoted, error: Reported) -> Reported {
        let Reported::TooBig { mtu } = error else { return error };
        let remote = quoted.remote.ip();
        // RFC 1191 5: routers of old add the header's length to the length that they quote. Who is told no MTU and has sent
        // nothing of such a length cannot know.
        let length = match mtu {
            0 if quoted.length >= self.mtu_towards(now, remote, None) => {
                quoted.length.saturating_sub(quoted.header)
            }
            _ => quoted.length,
        };
        let mtu = match quoted.protocol {
            // UDP's is remembered when it is known that a socket may have sent it (RFC 8201 4).
            protocol::TCP | protocol::UDP => told(remote, mtu.into(), length),
            _ => self.path_mtu.reduce(now, remote, mtu.into(), length),
        };
        Reported::TooBig { mtu }
    }

    /// RFC 1122 3.2.2.6 and 3.2.2.8: the same identifier, the same type of service, from the address that was spoken to.
    fn answer_v4(
        &mut self,
        now: Instant,
        arrival: Arrival,
        ip: &ipv4::Header<'_>,
        request: &icmpv4::Header,
        (kind, data): (u8, &[u8]),
    ) {
        let to_all = self.owner_of(ip.destination.into()).is_none();
        let from_one = arrival.loopback || self.is_one_host_v4(ip.source);
        if !from_one || (to_all && !self.config.icmp.echo_broadcast) {
            return;
        }
        let Some(source) = self.reply_source_v4(arrival, ip.destination, ip.source) else { return };
        let (options, destination) = reply_options(now, ip, source);
        let (code, rest) = (0, request.rest);
        let mut buffer = Buffer::with_payload(data);
        icmpv4::Header { kind, code, rest }.emit(&mut buffer);
        let packet = Packet4 {
            source,
            destination,
            protocol: protocol::ICMPV4,
            tos: ip.tos,
            ttl: self.config.ipv4.ttl,
            dont_fragment: false,
            options: &options,
            via: None,
        };
        let _ = self.send_v4(now, packet, buffer);
    }

    /// RFC 4443 4.2: the same data, from the address that was spoken to or, for a group, one of the interface.
    fn answer_echo_v6(
        &mut self,
        now: Instant,
        arrival: Arrival,
        ip: &ipv6::Header,
        request: &icmpv6::Header,
        data: &[u8],
    ) {
        let destination = ip.source;
        if destination.is_unspecified() {
            return;
        }
        let Some(source) = self.reply_source_v6(arrival, ip.destination, destination) else { return };
        let (kind, code, rest) = (icmpv6::ECHO_REPLY, 0, request.rest);
        let mut buffer = Buffer::with_payload(data);
        icmpv6::Header { kind, code, rest }.emit(source, destination, &mut buffer);
        let (traffic_class, hop_limit) = (ip.traffic_class, None);
        let via = destination.is_unicast_link_local().then_some(arrival.interface);
        let packet =
            Packet6 { source, destination, protocol: protocol::ICMPV6, traffic_class, hop_limit, via };
        let _ = self.send_v6(now, packet, buffer);
    }
}
