//! The other side of a conversation with the kernel.

use super::frames::{self, Segment};
use harness::Instant;
use harness::linux::{LinkChoice, Linux};
use harness::sut::{
    Call, CallId, Event, Family, Interface, InterfaceId, Medium, Neighbour, Outcome, Prefix, Rules, Setup,
    SocketAddress, StackUnderTest,
};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long anything may take that should come at once.
const SOON: Duration = Duration::from_secs(3);

pub(super) struct Peer {
    pub linux: Linux,
    pub medium: Medium,
    pub local: IpAddr,
    pub remote: IpAddr,
    pub events: Vec<Event>,
}

/// A setup with one interface, both families on it, the peer known.
pub(super) fn setup(medium: Medium, family: Family, rules: Rules) -> Setup {
    let prefix = |text: &str, length| Prefix { address: text.parse().expect(text), length };
    let neighbour =
        |text: &str| Neighbour { address: text.parse().expect(text), mac: frames::REMOTE_MAC, interface: 0 };
    let ethernet = medium == Medium::Ethernet;
    Setup {
        rules,
        family,
        interfaces: vec![Interface {
            name: if ethernet { "eth0".into() } else { "tun0".into() },
            medium,
            mtu: 1500,
            mac: frames::LOCAL_MAC,
            addresses: vec![prefix("192.0.2.1", 24), prefix("2001:db8::1", 64)],
        }],
        routes: Vec::new(),
        neighbours: if ethernet {
            vec![neighbour("192.0.2.2"), neighbour("2001:db8::2")]
        } else {
            Vec::new()
        },
        forwarding: false,
        settings: Default::default(),
        seed: 0,
    }
}

impl Peer {
    pub(super) fn start(link: &str, medium: Medium, family: Family, rules: Rules) -> Peer {
        let access = Linux::probe().expect("namespaces");
        let choice: LinkChoice = link.parse().expect("a link");
        let mut linux = Linux::new(access, choice).expect("a driver");
        linux.start(&setup(medium, family, rules)).expect("a run");
        let (local, remote) = if family.is_ipv6_on_wire() {
            ("2001:db8::1", "2001:db8::2")
        } else {
            ("192.0.2.1", "192.0.2.2")
        };
        Peer {
            linux,
            medium,
            local: local.parse().expect("address"),
            remote: remote.parse().expect("address"),
            events: Vec::new(),
        }
    }

    pub(super) fn domain(&self) -> i32 {
        if self.local.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET }
    }

    pub(super) fn send(&mut self, protocol: u8, payload: Vec<u8>) {
        let checksum_at = if protocol == frames::TCP { 16 } else { 6 };
        let datagram = frames::datagram(self.remote, self.local, protocol, payload, checksum_at);
        let frame = frames::frame(self.medium, datagram);
        self.linux.inject(InterfaceId(0), &frame).expect("inject");
    }

    /// Runs until `pick` has found an event, which is removed.
    pub(super) fn wait<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let until = self.linux.now() + SOON;
        loop {
            self.linux.events(&mut self.events).expect("events");
            if let Some((at, found)) = self.events.iter().enumerate().find_map(|(at, e)| Some((at, pick(e)?)))
            {
                self.events.remove(at);
                return found;
            }
            assert!(self.linux.now() < until, "no {what} came; there were {:?}", self.events);
            self.linux.run_until(until).expect("run_until");
        }
    }

    /// The next payload of `protocol` that the kernel sends, and when.
    pub(super) fn receive(&mut self, protocol: u8) -> (Instant, Vec<u8>) {
        let medium = self.medium;
        self.wait("frame", |event| match event {
            Event::Frame { at, bytes, .. } => Some((*at, frames::payload(medium, protocol, bytes)?)),
            Event::Completed { .. } => None,
        })
    }

    pub(super) fn segment(&mut self) -> Segment {
        frames::parse_tcp(&self.receive(frames::TCP).1)
    }

    pub(super) fn submit(&mut self, call: Call) -> CallId {
        self.linux.submit(call).expect("submit")
    }

    pub(super) fn completed(&mut self, wanted: CallId) -> (Instant, Outcome) {
        self.wait("completion", |event| match event {
            Event::Completed { id, at, outcome } if *id == wanted => Some((*at, outcome.clone())),
            _ => None,
        })
    }

    /// Makes a call that is expected to complete by itself.
    pub(super) fn outcome(&mut self, call: Call) -> Outcome {
        let id = self.submit(call);
        self.completed(id).1
    }

    /// Makes a call that must succeed.
    pub(super) fn call(&mut self, call: Call) -> i64 {
        let shown = format!("{call:?}");
        self.outcome(call).result.unwrap_or_else(|e| panic!("{shown}: errno {}", e.0))
    }

    pub(super) fn socket(&mut self, kind: i32) -> i32 {
        let domain = self.domain();
        self.call(Call::Socket { domain, kind, protocol: 0 }) as i32
    }

    /// Whether the call has not completed by now.
    pub(super) fn is_pending(&mut self, call: CallId) -> bool {
        self.linux.events(&mut self.events).expect("events");
        !self.events.iter().any(|e| matches!(e, Event::Completed { id, .. } if *id == call))
    }

    /// A listening socket on port 8080.
    pub(super) fn listener(&mut self) -> i32 {
        let fd = self.socket(libc::SOCK_STREAM);
        let address = SocketAddress::Ip(SocketAddr::new(self.local, 8080));
        self.call(Call::Bind { fd, address });
        self.call(Call::Listen { fd, backlog: 4 });
        fd
    }

    /// Plays the active side of a handshake from port 4000; returns the kernel's initial sequence number.
    pub(super) fn handshake(&mut self) -> u32 {
        let syn = Segment { from: 4000, to: 8080, seq: 1000, flags: frames::SYN, ..Segment::default() };
        self.send(frames::TCP, frames::tcp(&syn));
        let answer = self.segment();
        assert_eq!((answer.flags, answer.ack), (frames::SYN | frames::ACK, 1001));
        let ack = Segment { seq: 1001, ack: answer.seq.wrapping_add(1), flags: frames::ACK, ..syn };
        self.send(frames::TCP, frames::tcp(&ack));
        answer.seq
    }
}
