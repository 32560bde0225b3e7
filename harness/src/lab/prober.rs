//! Looking for hosts from a node that is the reference stack: on a ping socket, as a program would.

use super::{Act, Check};
use stack::socket::{Call, CallId, Domain, Errno, Kind, Outcome, PollFd, Received, Value, events, flags};
use stack::wire::{icmpv4, icmpv6};
use stack::{Host, Instant};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How long an answer is waited for, in milliseconds: longer than it takes a router to find out that nobody has an address (3 s).
const PATIENCE_MS: i32 = 5000;
/// The longest path that is followed.
const MOST_HOPS: u8 = 8;
/// What requests carry.
const DATA: &[u8] = b"wireproof looks for you, and this comes back as it is";
/// Bytes of a message before what it carries.
const HEADER_LEN: usize = 8;
/// More than any answer has.
const ROOM: usize = 1500;
/// Where sock_extended_err has type and code, and the addresses of the structures behind it.
const KIND: usize = 5;
const OFFENDER_V4: usize = 20;
const OFFENDER_V6: usize = 24;

/// Where a lab's hosts are, and its time.
pub trait Ground {
    /// The host of a node that is the reference stack, and the present.
    ///
    /// # Errors
    /// The node is something else.
    fn host(&mut self, node: usize) -> Result<(&mut Host, Instant), String>;

    /// Lets time pass until a call of a node's host has completed.
    ///
    /// # Errors
    /// It never does, or a link failed.
    fn outcome(&mut self, node: usize, call: CallId) -> Result<Outcome, String>;
}

/// What was found, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(pub String);

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What came back for one request.
enum Answer {
    /// The reply, and whether it carries what the request did.
    Reply { from: IpAddr, is_whole: bool },
    /// An error of ICMP: its type and code, and who sent it.
    Error { from: IpAddr, kind: u8, code: u8 },
    /// Nothing, in all the time.
    Silence,
    /// The request could not be sent.
    Unsent(Errno),
}

/// Does what a check says at a node that is the reference stack, and tells what was found.
///
/// # Errors
/// It could not be done.
pub fn check_from_reference(ground: &mut dyn Ground, node: usize, check: &Check) -> Result<Seen, String> {
    let to: IpAddr = check.to.parse().map_err(|_| format!("{} is no address", check.to))?;
    match check.finds.act() {
        Act::Ping => Ok(Seen(words(&Prober { ground, node, to }.ask(None)?))),
        Act::Trace => Prober { ground, node, to }.trace(),
    }
}

/// Who asks whom.
struct Prober<'a> {
    ground: &'a mut dyn Ground,
    node: usize,
    to: IpAddr,
}

impl Prober<'_> {
    fn trace(&mut self) -> Result<Seen, String> {
        let mut path = Vec::new();
        for hops in 1..=MOST_HOPS {
            match self.ask(Some(hops))? {
                Answer::Error { from, kind, .. } if kind == self.time_exceeded() => {
                    path.push(from.to_string())
                }
                Answer::Reply { from, is_whole: true } => {
                    path.push(from.to_string());
                    break;
                }
                other => {
                    path.push(words(&other));
                    break;
                }
            }
        }
        Ok(Seen(path.join(", ")))
    }

    fn time_exceeded(&self) -> u8 {
        if self.to.is_ipv4() { icmpv4::TIME_EXCEEDED } else { icmpv6::TIME_EXCEEDED }
    }

    /// One request on a socket of its own, and what comes back for it.
    fn ask(&mut self, hop_limit: Option<u8>) -> Result<Answer, String> {
        let (domain, request, level, recverr, hops) = match self.to {
            IpAddr::V4(_) => {
                (Domain::Inet, icmpv4::ECHO_REQUEST, libc::SOL_IP, libc::IP_RECVERR, libc::IP_TTL)
            }
            IpAddr::V6(_) => (
                Domain::Inet6,
                icmpv6::ECHO_REQUEST,
                libc::SOL_IPV6,
                libc::IPV6_RECVERR,
                libc::IPV6_UNICAST_HOPS,
            ),
        };
        let fd = match self.call(Call::Socket { domain, kind: Kind::Ping, nonblocking: false })? {
            Ok(Value::Descriptor(fd)) => fd,
            other => return Err(format!("socket: {other:?}")),
        };
        let options = [Some((recverr, 1)), hop_limit.map(|limit| (hops, i32::from(limit)))];
        for (name, value) in options.into_iter().flatten() {
            let value = value.to_ne_bytes().to_vec();
            self.call(Call::Setsockopt { fd, level, name, value })?
                .map_err(|e| format!("setsockopt: {e:?}"))?;
        }
        let (data, to) =
            ([&[request, 0, 0, 0, 0, 0, 0, 1], DATA].concat(), Some(SocketAddr::new(self.to, 0)));
        let answer = match self.call(Call::Send { fd, data, to, flags: 0 })? {
            Ok(_) => self.answer(fd)?,
            Err(errno) => Answer::Unsent(errno),
        };
        self.call(Call::Close { fd })?.map_err(|e| format!("close: {e:?}"))?;
        Ok(answer)
    }

    /// Waits for what comes back.
    fn answer(&mut self, fd: i32) -> Result<Answer, String> {
        let fds = vec![PollFd { fd, events: events::POLLIN, revents: 0 }];
        let found = match self.call(Call::Poll { fds, timeout_ms: PATIENCE_MS })? {
            Ok(Value::Polled(fds)) => fds.first().map_or(0, |found| found.revents),
            other => return Err(format!("poll: {other:?}")),
        };
        let from_errors = if found & events::POLLERR != 0 { flags::MSG_ERRQUEUE } else { 0 };
        if found == 0 {
            return Ok(Answer::Silence);
        }
        match self.call(Call::Receive { fd, room: ROOM, flags: flags::MSG_DONTWAIT | from_errors })? {
            Ok(Value::Received(received)) if from_errors != 0 => error(&received),
            Ok(Value::Received(Received { data, from: Some(from), .. })) => {
                let is_whole = data.get(HEADER_LEN..) == Some(DATA);
                Ok(Answer::Reply { from: from.ip(), is_whole })
            }
            other => Err(format!("receive: {other:?}")),
        }
    }

    fn call(&mut self, call: Call) -> Result<Outcome, String> {
        let (host, now) = self.ground.host(self.node)?;
        let id = host.submit(now, call);
        self.ground.outcome(self.node, id)
    }
}

/// What the error queue tells.
fn error(received: &Received) -> Result<Answer, String> {
    let part = |at: usize, len: usize| {
        let control = received.control.first().map(|(_, _, data)| data.as_slice());
        control.and_then(|data| data.get(at..at + len)).ok_or("the error queue tells too little")
    };
    let v4 = || part(OFFENDER_V4, 4).map(|ip| ip.first_chunk().map(|ip| Ipv4Addr::from(*ip).into()));
    let v6 = || part(OFFENDER_V6, 16).map(|ip| ip.first_chunk().map(|ip| Ipv6Addr::from(*ip).into()));
    let is_v4 = received.control.first().is_some_and(|(level, ..)| *level == libc::SOL_IP);
    let from: Option<IpAddr> = if is_v4 { v4() } else { v6() }?;
    let from = from.ok_or("the error queue names nobody")?;
    let (kind, code) = (part(KIND, 1)?[0], part(KIND + 1, 1)?[0]);
    Ok(Answer::Error { from, kind, code })
}

/// What came back, in words.
fn words(answer: &Answer) -> String {
    match answer {
        Answer::Reply { from, is_whole: true } => format!("reply from {from}"),
        Answer::Reply { from, is_whole: false } => format!("reply with other data from {from}"),
        Answer::Error { from, kind, code } => match (from, *kind, *code) {
            (IpAddr::V4(_), icmpv4::UNREACHABLE, icmpv4::NET)
            | (IpAddr::V6(_), icmpv6::UNREACHABLE, icmpv6::NO_ROUTE) => {
                format!("network unreachable, says {from}")
            }
            (IpAddr::V4(_), icmpv4::UNREACHABLE, icmpv4::HOST)
            | (IpAddr::V6(_), icmpv6::UNREACHABLE, icmpv6::ADDRESS) => {
                format!("host unreachable, says {from}")
            }
            (_, kind, code) => format!("type {kind} code {code}, says {from}"),
        },
        Answer::Silence => "silence".to_owned(),
        Answer::Unsent(errno) => format!("{errno:?}"),
    }
}
