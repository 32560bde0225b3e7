//! Echo for the host's own applications (RFC 1122 3.2.2.6, RFC 4443 4.1): a request goes out, and what comes back about it is told.
//! With hop limits from 1 on it finds the routers of a path.

use super::{Report, Reported};
use crate::host::Host;
use crate::ip::output::{Packet4, Packet6};
use crate::socket::{CallId, Errno, Value};
use crate::time::Instant;
use crate::wire::{Buffer, icmpv4, icmpv6, protocol};
use core::time::Duration;
use std::net::IpAddr;

/// Requests that wait for something to come back, at one time.
const MOST_WAITING: usize = 256;

/// An echo request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// Who is to answer.
    pub destination: IpAddr,
    /// Time to live or hop limit; `None`: the host's default.
    pub hop_limit: Option<u8>,
    /// What is to come back.
    pub data: Vec<u8>,
    /// How long it is waited for.
    pub timeout: Duration,
}

/// What came back for an echo request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Echoed {
    /// The reply.
    Reply {
        /// Who sent it.
        from: IpAddr,
        /// What it carried.
        data: Vec<u8>,
    },
    /// An error instead.
    Error {
        /// Who sent it; the host itself where it knew without asking.
        from: IpAddr,
        /// What went wrong.
        error: Reported,
    },
    /// Nothing, in all the time.
    Silence,
}

/// A request that waits.
#[derive(Debug)]
struct Waiting {
    call: CallId,
    destination: IpAddr,
    /// Identifier and sequence number, as they stand behind the checksum.
    rest: u32,
    deadline: Instant,
}

/// The requests of a host.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    waiting: Vec<Waiting>,
    sequence: u16,
}

impl Echoes {
    /// When the next request has waited long enough.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.deadline).min()
    }

    /// Takes the request with that identifier and sequence number that went to `destination`, or to a group or broadcast address
    /// that `destination` answered for.
    fn take(&mut self, rest: u32, fits: impl Fn(IpAddr) -> bool) -> Option<CallId> {
        let at = self.waiting.iter().position(|one| one.rest == rest && fits(one.destination))?;
        Some(self.waiting.swap_remove(at).call)
    }
}

impl Host {
    /// Sends an echo request; it completes with [`Value::Echoed`], or with an error where nothing could be sent.
    pub fn echo(&mut self, now: Instant, request: EchoRequest) -> CallId {
        let call = self.new_call();
        if let Err(errno) = self.send_echo(now, call, request) {
            self.complete(now, call, Err(errno));
        }
        self.settle(now);
        call
    }

    fn send_echo(&mut self, now: Instant, call: CallId, request: EchoRequest) -> Result<(), Errno> {
        let EchoRequest { destination, hop_limit, data, timeout } = request;
        if self.echoes.waiting.len() >= MOST_WAITING {
            return Err(Errno::ENOBUFS);
        }
        let source = self.net.source_for(destination, None).ok_or(Errno::ENETUNREACH)?;
        // An identifier that others cannot tell, a sequence number that is new: replies are matched by both.
        self.echoes.sequence = self.echoes.sequence.wrapping_add(1);
        let sequence = self.echoes.sequence;
        let rest = u32::from(self.net.rng.next_u16()) << 16 | u32::from(sequence);
        let deadline = now + timeout;
        // Before it is sent: a request to the host itself is answered at once.
        self.echoes.waiting.push(Waiting { call, destination, rest, deadline });
        let (code, rest_bytes) = (0, rest.to_be_bytes());
        let mut buffer = Buffer::with_payload(&data);
        let sent = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                icmpv4::Header { kind: icmpv4::ECHO_REQUEST, code, rest: rest_bytes }.emit(&mut buffer);
                let packet = Packet4 {
                    source,
                    destination,
                    protocol: protocol::ICMPV4,
                    tos: 0,
                    ttl: hop_limit.unwrap_or(self.net.config.ipv4.ttl),
                    dont_fragment: false,
                    options: &[],
                    via: None,
                };
                self.net.send_v4(now, packet, buffer)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let header = icmpv6::Header { kind: icmpv6::ECHO_REQUEST, code, rest: rest_bytes };
                header.emit(source, destination, &mut buffer);
                let (protocol, traffic_class, via) = (protocol::ICMPV6, 0, None);
                let packet = Packet6 { source, destination, protocol, traffic_class, hop_limit, via };
                self.net.send_v6(now, packet, buffer)
            }
            _ => return Err(Errno::ENETUNREACH),
        };
        sent.map_err(|_| {
            self.echoes.take(rest, |_| true);
            Errno::EMSGSIZE
        })
    }

    /// An ICMP message arrives at this host: the application is told, where it is a reply that one waits for.
    pub(crate) fn echo_arrives(&mut self, now: Instant, (from, to): (IpAddr, IpAddr), message: &[u8]) {
        let parsed = match (from, to) {
            (IpAddr::V4(_), IpAddr::V4(_)) if message.first() == Some(&icmpv4::ECHO_REPLY) => {
                icmpv4::Header::parse(message).map(|(header, data)| (header.rest, data))
            }
            (IpAddr::V6(from), IpAddr::V6(to)) if message.first() == Some(&icmpv6::ECHO_REPLY) => {
                icmpv6::Header::parse(from, to, message).map(|(header, data)| (header.rest, data))
            }
            _ => return,
        };
        let Ok((rest, data)) = parsed else { return };
        let net = &self.net;
        // A host answers a request to all with an address of its own.
        let is_to_all = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.is_multicast() || net.broadcast_interface(ip).is_some(),
            IpAddr::V6(ip) => ip.is_multicast(),
        };
        let call = self.echoes.take(u32::from_be_bytes(rest), |asked| asked == from || is_to_all(asked));
        if let Some(call) = call {
            self.complete(now, call, Ok(Value::Echoed(Echoed::Reply { from, data: data.to_vec() })));
        }
    }

    /// An error about an ICMP message of this host: its application is told, where it was a request.
    pub(crate) fn echo_failed(&mut self, now: Instant, report: &Report) {
        // Type and code stand where transports have their port.
        let [kind, _] = report.local.port().to_be_bytes();
        let request = if report.local.is_ipv4() { icmpv4::ECHO_REQUEST } else { icmpv6::ECHO_REQUEST };
        // That it was too big is for the next one to know: it was sent again in fragments where it may be.
        if kind != request || matches!(report.error, Reported::TooBig { .. }) {
            return;
        }
        let remote = report.remote.ip();
        if let Some(call) = self.echoes.take(report.sequence, |asked| asked == remote) {
            let echoed = Echoed::Error { from: report.from, error: report.error };
            self.complete(now, call, Ok(Value::Echoed(echoed)));
        }
    }

    /// Ends the requests that have waited long enough.
    pub(crate) fn poll_echoes(&mut self, now: Instant) {
        let waiting = core::mem::take(&mut self.echoes.waiting);
        let (over, left) = waiting.into_iter().partition(|one| one.deadline <= now);
        self.echoes.waiting = left;
        let over: Vec<Waiting> = over;
        for one in over {
            self.complete(now, one.call, Ok(Value::Echoed(Echoed::Silence)));
        }
    }
}
