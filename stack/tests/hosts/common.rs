//! Two hosts on a wire whose clock jumps to the next thing that is due.

use stack::config::{Config, InterfaceConfig, Medium};
use stack::socket::{Call, CallId, Domain, Kind, Outcome, Value};
use stack::wire::MacAddress;
use stack::{Cidr, Host, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Frames that one exchange may take: more is a flood.
const MAX_FRAMES: usize = 100_000;

pub(crate) fn cidr(text: &str) -> Cidr {
    let (address, length) = text.split_once('/').expect("ADDRESS/LENGTH");
    Cidr { address: address.parse().expect("an address"), length: length.parse().expect("a length") }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("ADDRESS:PORT")
}

/// The configuration of the host with the number `n`: 192.0.2.n and 2001:db8::n on one interface.
pub(crate) fn config(n: u8, medium: Medium, mtu: u16) -> Config {
    let addresses = vec![cidr(&format!("192.0.2.{n}/24")), cidr(&format!("2001:db8::{n}/64"))];
    let mac = MacAddress([2, 0, 0, 0, 0, n]);
    let interfaces = vec![InterfaceConfig { medium, mtu, mac, addresses }];
    Config { interfaces, seed: n.into(), ..Config::default() }
}

/// Whether a frame that this host sends is lost.
type Loss = Box<dyn FnMut(usize, &[u8]) -> bool>;

/// Two hosts, 1 and 2, and the wire between them.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) hosts: [Host; 2],
    /// Every frame that was sent: when, by whom, and its bytes.
    pub(crate) frames: Vec<(Instant, usize, Vec<u8>)>,
    /// Decides which frames are lost.
    pub(crate) lose: Loss,
    results: [BTreeMap<CallId, (Instant, Outcome)>; 2],
}

impl Pair {
    pub(crate) fn new(medium: Medium) -> Pair {
        Pair::with(config(1, medium, 1500), config(2, medium, 1500))
    }

    pub(crate) fn with(a: Config, b: Config) -> Pair {
        Pair {
            now: Instant::ZERO,
            hosts: [Host::new(a), Host::new(b)],
            frames: Vec::new(),
            lose: Box::new(|_, _| false),
            results: Default::default(),
        }
    }

    /// Carries frames until both hosts are silent.
    pub(crate) fn exchange(&mut self) {
        for _ in 0..MAX_FRAMES {
            let mut silent = true;
            for from in 0..2 {
                while let Some((interface, frame)) = self.hosts[from].transmit() {
                    assert_eq!(interface, 0);
                    silent = false;
                    self.frames.push((self.now, from, frame.to_vec()));
                    if !(self.lose)(from, &frame) {
                        self.hosts[1 - from].receive(self.now, 0, &frame);
                    }
                }
                let done = self.hosts[from].completions();
                self.results[from].extend(done.into_iter().map(|(id, at, outcome)| (id, (at, outcome))));
            }
            if silent {
                return;
            }
        }
        panic!("the hosts never fall silent");
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.exchange();
        for _ in 0..MAX_FRAMES {
            let next = self.hosts.iter().filter_map(Host::next_deadline).min().unwrap_or(Instant::FAR_FUTURE);
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            self.hosts.iter_mut().for_each(|host| host.poll(self.now));
            self.exchange();
        }
        panic!("the hosts are never done at {}", self.now);
    }

    /// Makes a call, which may wait.
    pub(crate) fn start(&mut self, host: usize, call: Call) -> CallId {
        let id = self.hosts[host].submit(self.now, call);
        self.exchange();
        id
    }

    /// How a call ended; `None` where it still waits.
    pub(crate) fn result(&self, host: usize, id: CallId) -> Option<Outcome> {
        self.results[host].get(&id).map(|(_, outcome)| outcome.clone())
    }

    /// Makes a call that ends at once.
    pub(crate) fn call(&mut self, host: usize, call: Call) -> Outcome {
        let id = self.start(host, call.clone());
        self.result(host, id).unwrap_or_else(|| panic!("{call:?} waits"))
    }

    pub(crate) fn socket(&mut self, host: usize, domain: Domain, kind: Kind) -> i32 {
        match self.call(host, Call::Socket { domain, kind, nonblocking: false }) {
            Ok(Value::Descriptor(fd)) => fd,
            other => panic!("socket: {other:?}"),
        }
    }

    pub(crate) fn send(&mut self, host: usize, fd: i32, data: &[u8]) -> Outcome {
        self.call(host, Call::Send { fd, data: data.to_vec(), to: None, flags: 0 })
    }

    /// What a receive gives at once.
    pub(crate) fn receive(&mut self, host: usize, fd: i32) -> Outcome {
        self.call(host, Call::Receive { fd, room: 1 << 20, flags: stack::socket::flags::MSG_DONTWAIT })
    }

    /// The bytes that a receive gives at once.
    pub(crate) fn bytes(&mut self, host: usize, fd: i32) -> Vec<u8> {
        match self.receive(host, fd) {
            Ok(Value::Received(received)) => received.data,
            other => panic!("receive: {other:?}"),
        }
    }
}
