//! The calls that carry bytes.

use super::address::Side;
use super::arguments::Arguments;
use super::data::{Buffer, ExpectedData};
use super::descriptors::Kind;
use super::outcome::{Expect, Received};
use super::signatures::Planned;
use super::sockets::domain_of;
use crate::lang::Error;
use crate::lang::ast::Argument;
use crate::packet::pattern;
use crate::sut::{Call, Rules};

/// What ICMP's header is long, in both versions (RFC 792, RFC 4443 section 2.1).
const ICMP_HEADER: usize = 8;
/// Echo request of ICMPv4 (RFC 792) and ICMPv6 (RFC 4443 section 4.1).
const ECHO_REQUEST: [u8; 2] = [8, 128];
const MSG_OOB: i32 = 1;

pub(super) fn read(a: &Arguments<'_>) -> Planned {
    let (fd, buffer, count) = (a.fd(0)?, a.buffer(1)?, a.length(2)?);
    Ok((or_null(&buffer, Call::Read { fd, count }), received(a, &buffer, 0)?))
}

pub(super) fn readv(a: &Arguments<'_>) -> Planned {
    let counts = vectors(a, a.at(1), a.value(a.at(2))?)?;
    Ok((Call::Readv { fd: a.fd(0)?, counts }, received(a, &Buffer::Unspecified, 0)?))
}

pub(super) fn recv(a: &Arguments<'_>) -> Planned {
    let (fd, buffer, count, flags) = (a.fd(0)?, a.buffer(1)?, a.length(2)?, a.int(3)?);
    Ok((or_null(&buffer, Call::Recv { fd, count, flags }), received(a, &buffer, flags)?))
}

pub(super) fn recvfrom(a: &Arguments<'_>) -> Planned {
    let (fd, buffer, count, flags) = (a.fd(0)?, a.buffer(1)?, a.length(2)?, a.int(3)?);
    let address = a.expected_address(4)?;
    a.ellipsis(5)?;
    let expect = match received(a, &buffer, flags)? {
        Expect::Received(received) => Expect::Received(Received { address, ..received }),
        other => other,
    };
    Ok((or_null(&buffer, Call::Recvfrom { fd, count, flags }), expect))
}

pub(super) fn write(a: &Arguments<'_>) -> Planned {
    let (fd, buffer, count) = (a.fd(0)?, a.buffer(1)?, a.length(2)?);
    let call = Call::Write { fd, data: outgoing(a, &buffer, count)? };
    Ok((or_null(&buffer, call), Expect::Sent { fd: a.int(0)? }))
}

pub(super) fn writev(a: &Arguments<'_>) -> Planned {
    let counts = vectors(a, a.at(1), a.value(a.at(2))?)?;
    let data = outgoing_vectors(a, &counts)?;
    Ok((Call::Writev { fd: a.fd(0)?, data }, Expect::Sent { fd: a.int(0)? }))
}

pub(super) fn send(a: &Arguments<'_>) -> Planned {
    let (fd, buffer, count, flags) = (a.fd(0)?, a.buffer(1)?, a.length(2)?, a.int(3)?);
    let call = Call::Send { fd, data: outgoing(a, &buffer, count)?, flags };
    Ok((or_null(&buffer, call), Expect::Sent { fd: a.int(0)? }))
}

pub(super) fn sendto(a: &Arguments<'_>) -> Planned {
    let (fd, buffer, count, flags) = (a.fd(0)?, a.buffer(1)?, a.length(2)?, a.int(3)?);
    let address = a.address(4, Side::Remote, domain_of(a)?)?;
    a.ellipsis(5)?;
    let mut data = outgoing(a, &buffer, count)?;
    let ping = a.descriptor(0)?.is_some_and(|d| d.kind == Kind::Ping);
    if ping && matches!(buffer, Buffer::Unspecified) {
        make_echo_request(a, &mut data);
    }
    let call = Call::Sendto { fd, data, flags, address };
    Ok((or_null(&buffer, call), Expect::Sent { fd: a.int(0)? }))
}

/// sendto on a socket that sends ICMP, whatever the socket was made as.
pub(super) fn icmp_sendto(a: &Arguments<'_>) -> Planned {
    a.ellipsis(4)?;
    let (mut call, expect) = sendto(a)?;
    if let (Call::Sendto { data, .. }, Argument::Ellipsis) = (&mut call, a.at(1)) {
        make_echo_request(a, data);
    }
    Ok((call, expect))
}

/// Zeros with the type of an echo request in front, where there is room for a header.
fn make_echo_request(a: &Arguments<'_>, data: &mut [u8]) {
    data.fill(0);
    if data.len() >= ICMP_HEADER {
        data[0] = ECHO_REQUEST[usize::from(a.world.setup.family.is_ipv6_on_wire())];
    }
}

fn or_null(buffer: &Buffer, call: Call) -> Call {
    if *buffer == Buffer::Null { Call::NullBuffer(Box::new(call)) } else { call }
}

/// What is to be compared of what is read.
pub(super) fn received(a: &Arguments<'_>, buffer: &Buffer, flags: i32) -> Result<Expect, Error> {
    let data = match buffer {
        Buffer::Bytes(bytes) => ExpectedData::Bytes(bytes.clone()),
        Buffer::Prefix(bytes) => ExpectedData::Prefix(bytes.clone()),
        Buffer::Null => ExpectedData::Unchecked,
        // The urgent byte is outside the stream's order, so its offset is not known.
        Buffer::Unspecified if a.rules == Rules::Packetdrill || flags & MSG_OOB != 0 => {
            ExpectedData::Unchecked
        }
        Buffer::Unspecified => ExpectedData::Pattern,
    };
    Ok(Expect::Received(Received { fd: a.int(0)?, flags, data, address: None }))
}

/// The bytes to send: what the script writes out, else packetdrill's zeros or our pattern.
fn outgoing(a: &Arguments<'_>, buffer: &Buffer, count: usize) -> Result<Vec<u8>, Error> {
    match buffer {
        Buffer::Bytes(bytes) | Buffer::Prefix(bytes) => {
            let text = format!("{count} bytes are to be written, but the string has {}", bytes.len());
            bytes.get(..count).map(<[u8]>::to_vec).ok_or_else(|| a.error(text))
        }
        Buffer::Unspecified | Buffer::Null => Ok(filler(a, count)?),
    }
}

fn filler(a: &Arguments<'_>, count: usize) -> Result<Vec<u8>, Error> {
    let start = match a.descriptor(0)? {
        Some(d) if a.rules == Rules::Ours => super::data::pattern_start(d.kind, d.write_offset),
        _ => None,
    };
    Ok(start.map_or_else(|| vec![0; count], |start| pattern::bytes(start as u32, count)))
}

/// The vectors' bytes; the pattern goes on from one to the next.
pub(super) fn outgoing_vectors(a: &Arguments<'_>, counts: &[usize]) -> Result<Vec<Vec<u8>>, Error> {
    let total = counts.iter().map(|c| *c as i64).sum();
    let mut rest = filler(a, a.fits_length(total)?)?;
    let mut data = Vec::with_capacity(counts.len());
    for count in counts {
        let tail = rest.split_off(*count);
        data.push(std::mem::replace(&mut rest, tail));
    }
    Ok(data)
}

/// The lengths in `[{..., 100}, {..., 20}]`, of which the script says that there are `stated`.
pub(super) fn vectors(a: &Arguments<'_>, argument: &Argument, stated: i64) -> Result<Vec<usize>, Error> {
    let Argument::Array(elements) = argument else {
        let found = super::describe::argument(argument);
        return Err(a.error(format!("`{found}` is no list of vectors, `[{{..., 100}}]` is")));
    };
    vector_lengths(a, elements, stated)
}

pub(super) fn vector_lengths(
    a: &Arguments<'_>,
    elements: &[Argument],
    stated: i64,
) -> Result<Vec<usize>, Error> {
    if elements.len() as i64 != stated {
        return Err(a.error(format!("{stated} vectors are announced, but there are {}", elements.len())));
    }
    let mut counts = Vec::with_capacity(elements.len());
    for element in elements {
        match element {
            Argument::IoVec(length) => counts.push(a.fits_length(*length)?),
            other => {
                let found = super::describe::argument(other);
                return Err(a.error(format!("`{found}` is no vector, `{{..., 100}}` is")));
            }
        }
    }
    Ok(counts)
}
