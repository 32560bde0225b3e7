//! What a stack without sockets offers: the user calls of RFC 9293 §3.9.1, and UDP send and receive.
//!
//! An adapter of such a stack implements [`UserCalls`]; [`super::descriptors::Descriptors`] makes sockets of it. No
//! call blocks, and a call takes effect on the wire at the next [`UserCalls::poll`].

use crate::sut::{
    Capabilities, Capability, Clock, DhcpCommand, Granularity, Interface, InterfaceId, Medium, Prefix,
    Refusal, Setup,
};
use serde::{Deserialize, Serialize};
use stack::Instant;
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A lookup that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is under way under this number.
    UnderWay(usize),
    /// The name is none.
    NoName,
}

/// A lookup found nothing, and the stack does not tell why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupFailed;

/// The states of a connection, RFC 9293 §3.3.2, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the RFC's")]
pub enum State {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

impl State {
    /// Whether the connection has yet to be established.
    pub fn is_opening(self) -> bool {
        matches!(self, State::Listen | State::SynSent | State::SynReceived)
    }

    /// Whether SEND is legal and takes effect at once, RFC 9293 §3.10.2.
    pub fn may_send(self) -> bool {
        matches!(self, State::Established | State::CloseWait)
    }

    /// Whether the peer's FIN has arrived.
    pub fn has_peer_closed(self) -> bool {
        matches!(self, State::CloseWait | State::Closing | State::LastAck | State::TimeWait)
    }
}

/// Why a user call failed, or why a connection ended, in the terms of RFC 9293 §3.10 and RFC 768.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserError {
    /// "Connection refused": a RST answered our SYN.
    Refused,
    /// "Connection reset".
    Reset,
    /// "Connection aborted due to user timeout", or too many retransmissions.
    TimedOut,
    /// ICMP said that the host is unreachable, or nobody answered address resolution.
    HostUnreachable,
    /// There is no route to the remote address.
    NetUnreachable,
    /// The remote address or port cannot be that of a peer (RFC 9293 MUST-46).
    InvalidRemote,
    /// "Connection already exists", or the local endpoint is taken.
    InUse,
    /// The local address is not one of the stack's.
    NotLocal,
    /// "Insufficient resources".
    NoResources,
    /// The datagram is larger than the stack can ever send.
    TooLong,
}

/// What STATUS tells, RFC 9293 §3.9.1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// The local endpoint, as far as the stack knows it.
    pub local: Option<SocketAddr>,
    /// The remote endpoint, as far as the stack knows it.
    pub remote: Option<SocketAddr>,
    /// Bytes that RECEIVE would give now. They may outlive the connection.
    pub readable: usize,
    /// Bytes that SEND would take now.
    pub room: usize,
    /// Why the connection is closed; `None` where it is not, or where the stack does not tell.
    pub error: Option<UserError>,
}

/// What RFC 9293 lets the user choose per connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpSetting {
    /// The Nagle algorithm (§3.7.4, MUST-17).
    Nagle(bool),
    /// Keep-alives after so much idle time, or none (§3.8.4).
    KeepAlive(Option<Duration>),
    /// The user timeout, or none (§3.8.3).
    UserTimeout(Option<Duration>),
}

/// The user calls of a stack. Every port that the layer above passes is non-zero: it draws ephemeral ports itself.
///
/// A passive open is one connection record, as RFC 9293 has it. A stack whose listeners give birth to connections
/// keeps one listener per endpoint and hands each connection to the oldest passive open that is still waiting: with
/// its SYN, not when it is established, for the layer above then opens the next. Without a passive open nobody listens.
pub trait UserCalls {
    /// Names a connection record.
    type Tcp: Copy + Debug;
    /// Names a bound UDP port.
    type Udp: Copy + Debug;

    /// True where a stack has no call that gives it a neighbour: the layer above lets it hear the announcements of
    /// [`Setup::neighbours`] right after the start. An unsolicited neighbour advertisement makes no entry where there
    /// is none (RFC 4861 §7.2.5); a stack that keeps to that has to be given its IPv6 neighbours in another way, or asks.
    const LEARNS_NEIGHBOURS: bool = false;

    /// What the stack can do. Constant for the life of the adapter.
    fn capabilities(&self) -> &Capabilities;

    /// A fresh stack whose clock reads [`Instant::ZERO`]; handles of the run before are void.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] names the first thing in `setup` that the stack cannot be configured to.
    fn start(&mut self, setup: &Setup) -> Result<(), Refusal>;

    /// A frame arrives; the stack may leave it until the next [`UserCalls::poll`].
    fn inject(&mut self, interface: InterfaceId, frame: &[u8]);

    /// Does what is due at `now`. Bounded: a stack that would send without end stops, and goes on at the next poll.
    fn poll(&mut self, now: Instant);

    /// The next frame that the stack sends, in order.
    fn transmit(&mut self) -> Option<(InterfaceId, Vec<u8>)>;

    /// When the stack next has something to do by itself.
    fn next_deadline(&mut self, now: Instant) -> Option<Instant>;

    /// OPEN, passive. An unspecified address stands for every address of its family.
    ///
    /// # Errors
    /// Why there is no connection record.
    fn open_passive(&mut self, local: SocketAddr) -> Result<Self::Tcp, UserError>;

    /// OPEN, active. An unspecified local address leaves the choice to the stack (MUST-44).
    ///
    /// # Errors
    /// Why there is no connection record.
    fn open_active(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<Self::Tcp, UserError>;

    /// SEND: gives how many bytes were taken, 0 where there is no room or the state forbids it.
    fn send(&mut self, tcp: Self::Tcp, data: &[u8]) -> usize;

    /// RECEIVE: gives how many bytes were stored.
    fn receive(&mut self, tcp: Self::Tcp, into: &mut [u8]) -> usize;

    /// Like RECEIVE, but the bytes stay, so that the window does not open; `None` where the stack cannot.
    fn peek(&mut self, _tcp: Self::Tcp, _into: &mut [u8]) -> Option<usize> {
        None
    }

    /// CLOSE: no more will be sent; receiving goes on (§3.9.1.4). It does not reset, whatever is unread: the layer above
    /// decides on that and calls [`UserCalls::abort`].
    fn close(&mut self, tcp: Self::Tcp);

    /// ABORT: a RST is sent at the next poll where the state asks for it (§3.10.5), and the connection is closed.
    fn abort(&mut self, tcp: Self::Tcp);

    /// STATUS, legal until [`UserCalls::release`], also when the stack has forgotten the connection: CLOSED then, with
    /// the bytes that nobody has read yet.
    fn status(&self, tcp: Self::Tcp) -> Status;

    /// The handle will not be used again. The connection is closed or aborted; a RST that it owes is still sent.
    fn release(&mut self, tcp: Self::Tcp);

    /// Changes a setting of a connection record in any state.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] where the stack has no such setting.
    fn set(&mut self, _tcp: Self::Tcp, setting: TcpSetting) -> Result<(), Refusal> {
        Err(Refusal::Unsupported(format!("tcp setting {setting:?}")))
    }

    /// Binds a UDP port. An unspecified address stands for every address of its family.
    ///
    /// # Errors
    /// Why it is not bound.
    fn udp_bind(&mut self, local: SocketAddr) -> Result<Self::Udp, UserError>;

    /// Sends one datagram; `Ok(false)` where there is no room now.
    ///
    /// # Errors
    /// Why it will never be sent.
    fn udp_send(&mut self, udp: Self::Udp, remote: SocketAddr, data: &[u8]) -> Result<bool, UserError>;

    /// The oldest datagram received, with its sender.
    fn udp_receive(&mut self, udp: Self::Udp) -> Option<(SocketAddr, Vec<u8>)>;

    /// Tells the DHCP client of an interface what to do.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] where the stack has no such client, or the client no such command.
    fn dhcp(&mut self, _interface: InterfaceId, _command: DhcpCommand) -> Result<(), Refusal> {
        Err(Refusal::Unsupported("dhcp-client".to_owned()))
    }

    /// Begins to look up the IPv4 or IPv6 addresses of a name; gives what [`UserCalls::looked_up`] knows it by.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] where the stack has no resolver.
    fn look_up(&mut self, _name: &str, _ipv6: bool) -> Result<Lookup, Refusal> {
        Err(Refusal::Unsupported("resolver".to_owned()))
    }

    /// How a lookup went; `None` while it is under way. It is not asked again after it is over.
    fn looked_up(&mut self, _lookup: usize) -> Option<Result<Vec<IpAddr>, LookupFailed>> {
        None
    }

    /// Unbinds. The layer above polls after every send, so only what waits for address resolution may be lost.
    fn udp_release(&mut self, udp: Self::Udp);
}

/// The capabilities of a stack whose clock is the caller's and whose timers fire on time.
pub fn in_virtual_time(name: &str, version: &str, resolution: Duration, has: &[Capability]) -> Capabilities {
    Capabilities {
        name: name.to_owned(),
        version: version.to_owned(),
        has: has.iter().copied().collect(),
        clock: Clock::Virtual,
        resolution,
        granularity: Granularity::default(),
    }
}

/// [`Refusal::Unsupported`] with a name.
///
/// # Errors
/// Always.
pub fn unsupported<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(what.to_owned()))
}

/// The interface of a `setup` that has only one and does not forward, whose addresses and routes make sense, and whose
/// settings are among `settings`.
///
/// # Errors
/// [`Refusal::Unsupported`] names the first thing that is more; [`Refusal::Broken`] what no stack could be set to.
pub fn only_interface<'a>(setup: &'a Setup, settings: &[&str]) -> Result<&'a Interface, Refusal> {
    let [interface] = setup.interfaces.as_slice() else { return unsupported("multihomed") };
    if setup.forwarding {
        return unsupported("forwarding");
    }
    if let Some((name, value)) = setup.settings.iter().find(|(name, _)| !settings.contains(&name.as_str())) {
        return unsupported(&format!("{name}={value}"));
    }
    let broken = |what: String| Err(Refusal::Broken(what));
    let mac = interface.mac;
    if interface.medium == Medium::Ethernet && (mac.0[0] & 1 != 0 || mac.0 == [0; 6]) {
        return broken(format!("{mac} is not the address of a station"));
    }
    let hosts = interface.addresses.iter();
    if let Some(prefix) = hosts.clone().find(|prefix| !is_host(prefix.address)) {
        return broken(format!("{} is not the address of a host", prefix.address));
    }
    let too_long = |prefix: &&Prefix| prefix.length > if prefix.address.is_ipv4() { 32 } else { 128 };
    match hosts.chain(setup.routes.iter().map(|route| &route.destination)).find(too_long) {
        Some(prefix) => broken(format!("{}/{} has no such prefix", prefix.address, prefix.length)),
        None => Ok(interface),
    }
}

/// Whether a host can have `address`.
fn is_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || broadcast)
}
