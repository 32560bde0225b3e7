//! The services of a host: listeners, connections, datagram sockets, and the calls that wait on them.

use super::dialogue::{Answer, Dialogue};
use super::{Application, Datagrams, Service, Shared};
use stack::socket::{Call, CallId, Domain, Errno, Kind, Outcome, Value};
use stack::{Host, Instant};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// Bytes taken from a connection at once.
const ROOM: usize = 1 << 16;

/// What the services have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Connections accepted.
    pub connections: u64,
    /// Of them those that are over.
    pub closed: u64,
    /// Bytes heard on connections.
    pub heard: u64,
    /// Bytes said on them.
    pub said: u64,
    /// Datagrams heard.
    pub datagrams: u64,
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Served { connections, closed, heard, said, datagrams } = self;
        write!(
            f,
            "{connections} connections ({closed} closed), {heard} bytes heard, {said} said, {datagrams} datagrams"
        )
    }
}

/// What is done when a call completes.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Accept(usize),
    Receive(i32),
    Send {
        fd: i32,
        is_last: bool,
    },
    Datagram(usize),
    /// Nothing depends on it.
    Nothing,
}

/// Services on a host, each on both families.
pub struct Services {
    shared: Shared,
    /// A descriptor and the service, for each listener.
    listeners: Vec<(i32, Service)>,
    /// A descriptor and what is answered, for each datagram socket.
    sockets: Vec<(i32, Datagrams)>,
    connections: BTreeMap<i32, Box<dyn Dialogue>>,
    waiting: BTreeMap<CallId, Waiting>,
    others: Vec<(CallId, Instant, Outcome)>,
    /// Listeners that found no descriptor free; they accept again once a connection is closed.
    stalled: Vec<usize>,
    served: Served,
}

impl Services {
    /// Opens `services` on `host`.
    ///
    /// # Errors
    /// Names the service that the host has no room for.
    pub fn open(host: &mut Host, now: Instant, services: &[Service]) -> Result<Services, String> {
        let mut opened = Services {
            shared: Shared::default(),
            listeners: Vec::new(),
            sockets: Vec::new(),
            connections: BTreeMap::new(),
            waiting: BTreeMap::new(),
            others: Vec::new(),
            stalled: Vec::new(),
            served: Served::default(),
        };
        for service in services {
            let problem =
                |outcome| format!("{} on port {} cannot be opened: {outcome:?}", service.name, service.port);
            if service.stream.is_some() {
                let fd = opened.bind(host, now, Kind::Stream, service.port).map_err(problem)?;
                opened.at_once(host, now, Call::Listen { fd, backlog: BACKLOG }).map_err(problem)?;
                opened.listeners.push((fd, *service));
                opened.accept(host, now, opened.listeners.len() - 1);
            }
            if let Some(datagrams) = service.datagrams {
                let fd = opened.bind(host, now, Kind::Datagram, service.port).map_err(problem)?;
                opened.sockets.push((fd, datagrams));
                opened.receive_datagram(host, now, opened.sockets.len() - 1);
            }
        }
        Ok(opened)
    }

    /// What has been done so far.
    pub fn served(&self) -> Served {
        self.served
    }

    /// The completed calls that are not the services' own.
    pub fn take_others(&mut self) -> Vec<(CallId, Instant, Outcome)> {
        std::mem::take(&mut self.others)
    }

    /// A socket for both families, bound to a port of all addresses.
    fn bind(&mut self, host: &mut Host, now: Instant, kind: Kind, port: u16) -> Result<i32, Outcome> {
        let socket = Call::Socket { domain: Domain::Inet6, kind, nonblocking: false };
        let fd = match self.at_once(host, now, socket)? {
            Value::Descriptor(fd) => fd,
            other => return Err(Ok(other)),
        };
        let address = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
        self.at_once(host, now, Call::Bind { fd, address }).map(|_| fd)
    }

    /// Makes a call that ends at once.
    fn at_once(&mut self, host: &mut Host, now: Instant, call: Call) -> Result<Value, Outcome> {
        let id = host.submit(now, call);
        let mut found = None;
        for (done, at, outcome) in host.completions() {
            match done == id {
                true => found = Some(outcome),
                false => self.others.push((done, at, outcome)),
            }
        }
        found.ok_or(Ok(Value::Done))?.map_err(Err)
    }

    fn submit(&mut self, host: &mut Host, now: Instant, call: Call, then: Waiting) {
        let id = host.submit(now, call);
        self.waiting.insert(id, then);
    }

    fn accept(&mut self, host: &mut Host, now: Instant, listener: usize) {
        if let Some((fd, _)) = self.listeners.get(listener) {
            let call = Call::Accept { fd: *fd, nonblocking: false };
            self.submit(host, now, call, Waiting::Accept(listener));
        }
    }

    fn receive(&mut self, host: &mut Host, now: Instant, fd: i32) {
        self.submit(host, now, Call::Receive { fd, room: ROOM, flags: 0 }, Waiting::Receive(fd));
    }

    fn receive_datagram(&mut self, host: &mut Host, now: Instant, socket: usize) {
        if let Some((fd, _)) = self.sockets.get(socket) {
            let call = Call::Receive { fd: *fd, room: ROOM, flags: 0 };
            self.submit(host, now, call, Waiting::Datagram(socket));
        }
    }

    /// Says what is to be said, or listens where there is nothing.
    fn say(&mut self, host: &mut Host, now: Instant, fd: i32, answer: Answer) {
        let Answer { data, is_last } = answer;
        match (data.is_empty(), is_last) {
            (true, true) => self.close(host, now, fd),
            (true, false) => self.receive(host, now, fd),
            (false, _) => {
                self.served.said += data.len() as u64;
                let call = Call::Send { fd, data, to: None, flags: 0 };
                self.submit(host, now, call, Waiting::Send { fd, is_last });
            }
        }
    }

    fn close(&mut self, host: &mut Host, now: Instant, fd: i32) {
        self.connections.remove(&fd);
        self.served.closed += 1;
        self.submit(host, now, Call::Close { fd }, Waiting::Nothing);
        for listener in std::mem::take(&mut self.stalled) {
            self.accept(host, now, listener);
        }
    }

    /// What follows from a call that has completed.
    fn completed(&mut self, host: &mut Host, now: Instant, waiting: Waiting, outcome: Outcome) {
        match (waiting, outcome) {
            (Waiting::Accept(listener), Ok(Value::Accepted(fd, _))) => {
                self.accept(host, now, listener);
                self.accepted(host, now, listener, fd);
            }
            (Waiting::Accept(listener), Err(Errno::EMFILE)) => self.stalled.push(listener),
            (Waiting::Accept(listener), _) => self.accept(host, now, listener),
            (Waiting::Receive(fd), Ok(Value::Received(received))) => {
                self.served.heard += received.data.len() as u64;
                let Some(dialogue) = self.connections.get_mut(&fd) else { return };
                let answer = match received.data.is_empty() {
                    true => dialogue.ended(),
                    false => dialogue.heard(&received.data),
                };
                self.say(host, now, fd, answer);
            }
            (Waiting::Send { fd, is_last: false }, Ok(_)) => {
                let Some(dialogue) = self.connections.get_mut(&fd) else { return };
                let answer = dialogue.goes_on();
                self.say(host, now, fd, answer);
            }
            (Waiting::Send { fd, is_last: true }, _) => self.close(host, now, fd),
            (Waiting::Receive(fd) | Waiting::Send { fd, .. }, _) => self.close(host, now, fd),
            (Waiting::Datagram(socket), outcome) => self.datagram(host, now, socket, outcome),
            (Waiting::Nothing, _) => {}
        }
    }

    fn accepted(&mut self, host: &mut Host, now: Instant, listener: usize, fd: i32) {
        let begin = self.listeners.get(listener).and_then(|(_, service)| service.stream);
        let Some(begin) = begin else { return };
        self.served.connections += 1;
        let mut dialogue = begin(&self.shared);
        let first = dialogue.begin();
        self.connections.insert(fd, dialogue);
        self.say(host, now, fd, first);
    }

    fn datagram(&mut self, host: &mut Host, now: Instant, socket: usize, outcome: Outcome) {
        if let (Ok(Value::Received(received)), Some((fd, answer))) = (outcome, self.sockets.get(socket)) {
            let fd = *fd;
            self.served.datagrams += 1;
            if let Some(data) = answer(&received.data) {
                self.submit(
                    host,
                    now,
                    Call::Send { fd, data, to: received.from, flags: 0 },
                    Waiting::Nothing,
                );
            }
        }
        self.receive_datagram(host, now, socket);
    }
}

impl Application for Services {
    fn run(&mut self, host: &mut Host, now: Instant) -> bool {
        let completions = host.completions();
        let any = !completions.is_empty();
        for (id, at, outcome) in completions {
            match self.waiting.remove(&id) {
                Some(waiting) => self.completed(host, now, waiting, outcome),
                None => self.others.push((id, at, outcome)),
            }
        }
        any
    }
}
