//! Compares what a call returned with what the script says, and keeps the descriptors up to date.

use super::address::comparable;
use super::control::{self, WantControl};
use super::data::{self, ExpectedData};
use super::descriptors::{CapabilitySets, Descriptor, Descriptors, Timing};
use super::number::Want;
use super::options::{self, WantOption};
use super::readiness::{self, WantEpoll};
use crate::packet::Mismatch;
use crate::sut::{Outcome, Output};
use std::net::{IpAddr, SocketAddr};

const MSG_PEEK: i32 = 0x2;
const MSG_TRUNC: i32 = 0x20;
const MSG_ERRQUEUE: i32 = 0x2000;

/// What is compared of a call's outcome besides its number and error, and what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// Nothing else.
    Number,
    /// The number is a new descriptor.
    Descriptor(Descriptor),
    /// The number is a new connection.
    Accepted { like: Descriptor, address: Option<SocketAddr> },
    /// `fd` becomes a listener.
    Listening { fd: i32 },
    /// `fd` is connected no more: its streams begin anew.
    Dissolved { fd: i32 },
    /// `fd` is closed.
    Closed { fd: i32 },
    /// An address comes back.
    Address(Option<SocketAddr>),
    /// As many bytes as the number says were written.
    Sent { fd: i32 },
    /// As many bytes as the number says were read.
    Received(Received),
    /// recvmsg: bytes, flags and control messages.
    Message { received: Received, flags: Want, control: Vec<WantControl> },
    /// An option's value comes back.
    Option { value: WantOption, length: i64 },
    /// ioctl stores a number.
    Integer(Want),
    /// Addresses come back, in this order.
    Addresses(Option<Vec<IpAddr>>),
    /// A name comes back.
    Name(Option<String>),
    /// poll's array comes back.
    Revents(Vec<Want>),
    /// epoll_wait's events come back.
    Epoll(Vec<WantEpoll>),
    /// Two new descriptors.
    Pipe { read: i32, write: i32 },
    /// Bytes went from one descriptor to another.
    Moved { from: i32, to: i32 },
    /// The process has these capabilities now.
    Capabilities(CapabilitySets),
}

/// What is compared of bytes that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    /// The script's descriptor.
    pub(super) fd: i32,
    /// The call's flags.
    pub(super) flags: i32,
    /// What they must be.
    pub(super) data: ExpectedData,
    /// From where they must be.
    pub(super) address: Option<SocketAddr>,
}

pub(super) fn mismatch(field: impl Into<String>, expected: impl ToString, found: impl ToString) -> Mismatch {
    Mismatch { field: field.into(), expected: expected.to_string(), found: found.to_string() }
}

/// Values that variables take if everything else matches, as (name, value).
pub(super) type Captures = Vec<(String, i64)>;

/// Compares a value, and notes it where the script captures it.
pub(super) fn accept_value(
    field: &str,
    want: &Want,
    value: i64,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    if let Want::Capture(name) = want {
        captures.push((name.clone(), value));
    }
    if want.accepts(value) { Ok(()) } else { Err(mismatch(field, want, value)) }
}

/// Compares and takes over what came with a call that succeeded with `number`.
pub(super) fn outputs(
    expect: &Expect,
    outcome: &Outcome,
    number: i64,
    descriptors: &mut Descriptors,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    match expect {
        Expect::Number | Expect::Descriptor(_) => Ok(()),
        Expect::Accepted { address, .. } | Expect::Address(address) => {
            compare_address(*address, &outcome.output)
        }
        Expect::Received(received) => compare_received(received, &outcome.output, number, descriptors),
        Expect::Message { received, flags, control } => {
            compare_received(received, &outcome.output, number, descriptors)?;
            compare_message(flags, control, &outcome.output, descriptors.timing, captures)
        }
        Expect::Option { value, length } => match &outcome.output {
            Output::Option(bytes) => options::compare(value, *length, bytes, captures),
            _ => Err(mismatch("option", format!("{length} bytes"), "no value")),
        },
        Expect::Integer(want) => match &outcome.output {
            Output::Integer(value) => accept_value("ioctl", want, *value, captures),
            _ if *want == Want::Any => Ok(()),
            _ => Err(mismatch("ioctl", want, "no value")),
        },
        Expect::Addresses(Some(wanted)) if number == 0 => match &outcome.output {
            Output::Addresses(found) if found == wanted => Ok(()),
            found => Err(mismatch("addresses", listed(wanted), told(found))),
        },
        Expect::Name(Some(wanted)) if number == 0 => match &outcome.output {
            Output::Name(found) if found.eq_ignore_ascii_case(wanted) => Ok(()),
            found => Err(mismatch("name", wanted, told(found))),
        },
        Expect::Addresses(_) | Expect::Name(_) => Ok(()),
        Expect::Revents(wants) => readiness::compare_poll(wants, &outcome.output, captures),
        Expect::Epoll(wants) => readiness::compare_epoll(wants, &outcome.output, captures),
        Expect::Listening { .. }
        | Expect::Dissolved { .. }
        | Expect::Closed { .. }
        | Expect::Sent { .. }
        | Expect::Pipe { .. }
        | Expect::Moved { .. }
        | Expect::Capabilities(_) => {
            change(expect, &outcome.output, number, descriptors);
            Ok(())
        }
    }
}

/// What a lookup gave back.
fn told(output: &Output) -> String {
    match output {
        Output::Addresses(addresses) => listed(addresses),
        Output::Name(name) => name.clone(),
        _ => "nothing".to_string(),
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

/// What a call that succeeded changes on the descriptors.
fn change(expect: &Expect, output: &Output, number: i64, descriptors: &mut Descriptors) {
    let count = u64::try_from(number).unwrap_or(0);
    let mut with = |fd: i32, f: &dyn Fn(&mut Descriptor)| descriptors.get_mut(fd).into_iter().for_each(f);
    match expect {
        Expect::Listening { fd } => with(*fd, &|d| d.listening = true),
        Expect::Dissolved { fd } => with(*fd, &|d| (d.read_offset, d.write_offset) = (0, 0)),
        Expect::Closed { fd } => with(*fd, &|d| d.open = false),
        Expect::Sent { fd } => with(*fd, &|d| d.write_offset = d.write_offset.saturating_add(count)),
        Expect::Moved { from, to } => {
            with(*from, &|d| d.read_offset = d.read_offset.saturating_add(count));
            with(*to, &|d| d.write_offset = d.write_offset.saturating_add(count));
        }
        Expect::Pipe { read, write } => {
            if let Output::Descriptors(a, b) = output {
                descriptors.add(*read, *a, Descriptor::new(super::descriptors::Kind::Pipe, 0));
                descriptors.add(*write, *b, Descriptor::new(super::descriptors::Kind::Pipe, 0));
            }
        }
        Expect::Capabilities(sets) => descriptors.capabilities = *sets,
        _ => {}
    }
}

fn compare_address(expected: Option<SocketAddr>, output: &Output) -> Result<(), Mismatch> {
    let Some(expected) = expected else { return Ok(()) };
    let found = match output {
        Output::Address(found, _) => *found,
        Output::Message(message) => message.name,
        _ => None,
    };
    match found.map(|found| comparable(expected, found)) {
        Some([expected, found]) if found == expected => Ok(()),
        Some([expected, found]) => Err(mismatch("address", expected, found)),
        None => Err(mismatch("address", expected, "no address")),
    }
}

fn compare_received(
    received: &Received,
    output: &Output,
    number: i64,
    descriptors: &mut Descriptors,
) -> Result<(), Mismatch> {
    let Some(descriptor) = descriptors.get_mut(received.fd) else { return Ok(()) };
    let start = data::pattern_start(descriptor.kind, descriptor.read_offset);
    let count = usize::try_from(number).unwrap_or(0);
    // Peeked bytes come again; the error queue and urgent bytes are not in the stream.
    let in_stream = received.flags & (MSG_PEEK | MSG_ERRQUEUE | 1) == 0;
    if in_stream {
        descriptor.read_offset = descriptor.read_offset.saturating_add(count as u64);
    }
    if received.flags & MSG_ERRQUEUE == 0 {
        let bytes = bytes_of(output, count);
        // With MSG_TRUNC the number is a datagram's whole length, and TCP's bytes are thrown away.
        if received.data == ExpectedData::Pattern && bytes.len() < count && received.flags & MSG_TRUNC == 0 {
            return Err(data::length_differs(count, bytes.len()));
        }
        data::compare(&received.data, start, &bytes)?;
    }
    compare_address(received.address, output)
}

/// The first `count` bytes that came with a call.
fn bytes_of(output: &Output, count: usize) -> Vec<u8> {
    let mut bytes = match output {
        Output::Data(data) | Output::Address(_, data) => data.clone(),
        Output::Vectors(vectors) => vectors.concat(),
        Output::Message(message) => message.iov.concat(),
        _ => Vec::new(),
    };
    bytes.truncate(count);
    bytes
}

fn compare_message(
    flags: &Want,
    control: &[WantControl],
    output: &Output,
    timing: Timing,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let Output::Message(message) = output else {
        return Err(mismatch("msg_flags", flags, "no message"));
    };
    if let Want::Is(wanted) = flags
        && *wanted != i64::from(message.flags)
    {
        let names = |flags| crate::abi::flag_names("MSG_", flags);
        return Err(mismatch("msg_flags", names(*wanted), names(i64::from(message.flags))));
    }
    accept_value("msg_flags", flags, i64::from(message.flags), captures)?;
    control::compare(control, &message.control, timing, captures)
}
