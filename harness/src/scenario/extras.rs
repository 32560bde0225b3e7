//! What a scenario has besides plain segments and calls: settings of the host, options of sockets and segments that few
//! connections have, marks of congestion, and errors of ICMP.
//!
//! They stand in bytes of records that nothing else reads, so inputs from before them mean what they meant. Scenarios by number
//! ([`super::generate()`]) have none of them: what two stacks make of rare options differs in many harmless ways.

use super::calls::SystemCall as S;
use super::operation::UserCall;
use super::record::Record;
use super::segment::{Ends, SYN, Segment};
use crate::packet::checksum::{Sum, pseudo_header};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::net::IpAddr;

/// A setting's name and value.
pub type Setting = (&'static str, &'static str);

/// Settings of the host that go together; the first is none.
const PROFILES: &[&[Setting]] = &[
    &[],
    &[("net.ipv4.tcp_fastopen", "0x607")],
    &[("net.ipv4.tcp_fastopen", "0x403")],
    &[("net.ipv4.tcp_syncookies", "2")],
    &[("net.ipv4.tcp_syncookies", "1"), ("net.ipv4.tcp_max_syn_backlog", "1")],
    &[("net.ipv4.tcp_ecn", "1")],
    &[("net.ipv4.tcp_ecn", "2"), ("net.ipv4.tcp_congestion_control", "cubic")],
    &[("net.ipv4.tcp_congestion_control", "cubic")],
    &[("net.ipv4.tcp_congestion_control", "reno"), ("net.ipv4.tcp_recovery", "0")],
    &[("net.ipv4.tcp_recovery", "0"), ("net.ipv4.tcp_sack", "0"), ("net.ipv4.tcp_early_retrans", "0")],
    &[("net.ipv4.tcp_timestamps", "0"), ("net.ipv4.tcp_window_scaling", "0")],
    &[("net.ipv4.tcp_rmem", "4096 8192 16384"), ("net.ipv4.tcp_wmem", "4096 8192 16384")],
    &[("net.ipv4.tcp_fin_timeout", "5"), ("net.ipv4.tcp_max_tw_buckets", "0")],
    &[("net.ipv4.tcp_slow_start_after_idle", "0"), ("net.ipv4.tcp_retries2", "8")],
];

/// The settings that the first record asks for.
pub(super) fn settings(record: &Record) -> &'static [Setting] {
    record.choose(7, PROFILES)
}

/// What a segment has besides what its plan says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    #[default]
    None,
    /// The first segment begins a connection with Fast Open: with the cookie that the stack gave last, or a wrong one (RFC 7413 4.1.2).
    Cookie,
    /// An option as it stands on the wire.
    Option(&'static [u8]),
    /// As many SACK blocks as fit, each so many bytes behind the one before (RFC 2018 3).
    Blocks(u32),
    /// A SACK block of what is acknowledged already (RFC 2883).
    Again,
    /// A SACK block of all that is under way, but for so many bytes at its beginning.
    Beyond(u32),
    /// Congestion was experienced on the way (RFC 3168 5).
    Marked,
    /// These of the two bits ECE and CWR (RFC 3168 6.1).
    Flags(u8),
}

/// ECE and CWR.
pub(super) const ECE: u8 = 0x40;
pub(super) const CWR: u8 = 0x80;

pub(super) const EXTRAS: &[Extra] = &[
    Extra::None,
    Extra::Cookie,
    Extra::Option(&[34, 2]),
    Extra::Option(&[34, 10, 1, 2, 3, 4, 5, 6, 7, 8]),
    Extra::Option(&[254, 12, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 7, 8]),
    Extra::Option(&[28, 4, 0x80, 0x01]),
    Extra::Option(&[28, 4, 0x00, 0x05]),
    Extra::Blocks(1000),
    Extra::Blocks(100),
    Extra::Again,
    Extra::Marked,
    Extra::Flags(ECE),
    Extra::Flags(CWR),
    Extra::Flags(ECE | CWR),
    Extra::Beyond(1000),
    Extra::Beyond(3000),
];

/// The two bits of IP's header that say that congestion was experienced (RFC 3168 5).
const CONGESTION: u8 = 3;

impl Extra {
    /// What a record of a segment asks for.
    pub(super) fn decode(record: &Record) -> Extra {
        record.choose(10, EXTRAS)
    }

    /// Adds it to a segment; `cookie` is what the stack gave last, `acked` the first of its numbers that is not acknowledged,
    /// `next` the one behind all that it has sent.
    pub(super) fn add(self, segment: &mut Segment, cookie: Option<&[u8]>, (acked, next): (u32, u32)) {
        let options = &mut segment.options;
        match self {
            Extra::None => {}
            Extra::Cookie => options.raw = cookie.map_or(vec![34, 6, 9, 9, 9, 9], <[u8]>::to_vec),
            Extra::Option(bytes) => options.raw = bytes.to_vec(),
            Extra::Blocks(step) => {
                let most = if options.timestamps.is_some() { 3 } else { 4 };
                let block = |n: u32| {
                    let start = acked.wrapping_add(step * (2 * n + 1));
                    (start, start.wrapping_add(step))
                };
                options.sack = (0..most).map(block).collect();
            }
            Extra::Again => options.sack = vec![(acked.wrapping_sub(100), acked)],
            Extra::Beyond(hole) => options.sack = vec![(acked.wrapping_add(hole), next)],
            Extra::Marked => segment.ecn = CONGESTION,
            Extra::Flags(bits) => {
                segment.flags |= bits;
                // Whoever agrees to it marks what it sends as able to be marked.
                segment.ecn = if segment.has(SYN) { 0 } else { 2 };
            }
        }
    }
}

/// Calls that few users make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtraCall {
    /// SEND so many bytes, the last of which is urgent.
    Urgent(u16),
    /// SEND so many bytes, with more to come (MSG_MORE).
    More(u16),
    /// SEND so many bytes, which end a record (MSG_EOR).
    Record(u16),
    /// Read the urgent byte, and where it is.
    ReceiveUrgent,
    /// Read without taking.
    Peek,
    /// OPEN, active, with so many bytes (RFC 7413, MSG_FASTOPEN).
    FastConnect(u16),
    /// Dissolve the connection (connect to no address).
    Disconnect,
    /// Read TCP_INFO.
    Info,
    /// What is readable, what is not acknowledged, and whether the urgent mark is next.
    Ask(u64),
    /// An option of the socket: level, name, value.
    Set(i32, i32, i32),
    /// Congestion control by its name.
    Congestion(&'static str),
}

/// <bits/socket.h>, which the C library's bindings do not have.
pub(super) const MSG_FASTOPEN: i32 = 0x2000_0000;
const NOTSENT_LOWAT: i32 = 25;
const CLAMP: i32 = 10;

pub(super) const CALLS: &[ExtraCall] = &[
    ExtraCall::Urgent(10),
    ExtraCall::Urgent(1),
    ExtraCall::More(500),
    ExtraCall::ReceiveUrgent,
    ExtraCall::Peek,
    ExtraCall::FastConnect(100),
    ExtraCall::FastConnect(3000),
    ExtraCall::Disconnect,
    ExtraCall::Info,
    ExtraCall::Ask(libc::FIONREAD),
    ExtraCall::Ask(libc::TIOCOUTQ),
    ExtraCall::Ask(0x8905),
    ExtraCall::Set(libc::SOL_SOCKET, libc::SO_OOBINLINE, 1),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_CORK, 1),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_CORK, 0),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, 20_000),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_MAXSEG, 500),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_QUICKACK, 0),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_QUICKACK, 1),
    ExtraCall::Set(libc::IPPROTO_TCP, NOTSENT_LOWAT, 1000),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_LINGER2, 3),
    ExtraCall::Set(libc::IPPROTO_TCP, CLAMP, 1000),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 5),
    ExtraCall::Set(libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 2),
    ExtraCall::Set(libc::SOL_SOCKET, libc::SO_SNDBUF, 4000),
    ExtraCall::Set(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 0),
    ExtraCall::Congestion("cubic"),
    ExtraCall::Congestion("reno"),
    ExtraCall::Record(700),
];

impl Serialize for ExtraCall {
    /// As its place in the table.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = CALLS.iter().position(|known| known == self);
        place.ok_or_else(|| ser::Error::custom("a call that is not in the table"))?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExtraCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ExtraCall, D::Error> {
        let place = usize::deserialize(deserializer)?;
        CALLS.get(place).copied().ok_or_else(|| de::Error::custom(format!("there is no call {place}")))
    }
}

impl ExtraCall {
    /// What a record of a call asks for, where it asks for one of these.
    pub(super) fn decode(record: &Record) -> Option<ExtraCall> {
        let at = usize::from(record.0[2].checked_sub(1)?);
        Some(CALLS[at % CALLS.len()])
    }

    /// The call of RFC 9293 that it is a form of.
    pub fn plain(self) -> Option<UserCall> {
        Some(match self {
            ExtraCall::Urgent(length) | ExtraCall::More(length) | ExtraCall::Record(length) => {
                UserCall::Send(length)
            }
            ExtraCall::FastConnect(_) => UserCall::Connect,
            ExtraCall::Disconnect => UserCall::Abort,
            _ => return None,
        })
    }

    /// Whether it leaves the connection as it is.
    pub fn is_harmless(self) -> bool {
        !matches!(self, ExtraCall::Disconnect | ExtraCall::Set(..))
    }

    /// The system call on a connection.
    pub(super) fn system_call(self) -> S {
        match self {
            ExtraCall::Urgent(length) => S::Send(length, libc::MSG_OOB),
            ExtraCall::More(length) => S::Send(length, libc::MSG_MORE),
            ExtraCall::Record(length) => S::Send(length, libc::MSG_EOR),
            ExtraCall::ReceiveUrgent => S::Look(1, libc::MSG_OOB),
            ExtraCall::Peek => S::Look(5000, libc::MSG_PEEK),
            ExtraCall::FastConnect(length) => S::SendTo(length),
            ExtraCall::Disconnect => S::Disconnect,
            ExtraCall::Info => S::Info,
            ExtraCall::Ask(request) => S::Ask(request),
            ExtraCall::Set(level, name, value) => S::Set { level, name, value },
            ExtraCall::Congestion(name) => S::Congestion(name),
        }
    }
}

/// An error of ICMP about the last segment that the stack sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcmpError {
    /// Type and code of ICMPv4.
    pub v4: (u8, u8),
    /// Type and code of ICMPv6.
    pub v6: (u8, u8),
    /// The word behind the checksum: where it names an MTU, that.
    pub word: u32,
    /// How far off the quoted sequence number is.
    pub off: u32,
}

const fn error(v4: (u8, u8), v6: (u8, u8), word: u32, off: u32) -> IcmpError {
    IcmpError { v4, v6, word, off }
}

pub(super) const ERRORS: &[IcmpError] = &[
    error((3, 1), (1, 3), 0, 0),
    error((3, 0), (1, 0), 0, 0),
    error((3, 3), (1, 4), 0, 0),
    error((3, 2), (4, 1), 6, 0),
    error((3, 4), (2, 0), 1400, 0),
    error((3, 4), (2, 0), 1280, 0),
    error((3, 4), (2, 0), 600, 0),
    error((3, 4), (2, 0), 68, 0),
    error((3, 4), (2, 0), 0, 0),
    error((11, 0), (3, 0), 0, 0),
    error((12, 0), (4, 0), 0, 0),
    error((3, 13), (1, 1), 0, 0),
    error((3, 3), (1, 4), 0, 100_000),
    error((4, 0), (1, 5), 0, 0),
];

impl IcmpError {
    /// What a record asks for, where it asks for one of these.
    pub(super) fn decode(record: &Record) -> Option<IcmpError> {
        let at = usize::from(record.0[2].checked_sub(1)?);
        Some(ERRORS[at % ERRORS.len()])
    }

    /// The datagram with it; `quoted` is the datagram that it is about.
    pub(super) fn datagram(&self, ends: &Ends, quoted: &[u8]) -> Vec<u8> {
        let (is_v4, header) = if ends.local.0.is_ipv4() { (true, 20) } else { (false, 40) };
        let mut quoted = quoted[..quoted.len().min(if is_v4 { 548 } else { 1232 })].to_vec();
        if let Some(number) = quoted.get_mut(header + 4..header + 8) {
            let own = number.iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
            number.copy_from_slice(&own.wrapping_add(self.off).to_be_bytes());
        }
        let (kind, code) = if is_v4 { self.v4 } else { self.v6 };
        let mut message = vec![kind, code, 0, 0];
        message.extend(self.word.to_be_bytes());
        message.extend(quoted);
        let length = message.len();
        let sum = match (ends.remote.0, ends.local.0) {
            (IpAddr::V4(_), _) => Sum::default(),
            (remote, local) => pseudo_header(remote, local, 58, length),
        };
        let sum = sum.add(&message).finish();
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut frame = Vec::with_capacity(header + length);
        super::segment::ip_header(&mut frame, ends, if is_v4 { 1 } else { 58 }, 0, length);
        frame.extend(message);
        frame
    }
}
