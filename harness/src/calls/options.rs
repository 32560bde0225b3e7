//! Options of sockets and descriptors: getsockopt, setsockopt, fcntl, ioctl.

use super::arguments::Arguments;
use super::data;
use super::descriptors::Descriptor;
use super::number::Want;
use super::outcome::{Captures, Expect, accept_value, mismatch};
use super::signatures::Planned;
use crate::lang::Error;
use crate::lang::ast::{Argument, Expr};
use crate::packet::Mismatch;
use crate::sut::Call;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const F_DUPFD: i32 = 0;
const F_DUPFD_CLOEXEC: i32 = 1030;
const FIONBIO: u64 = 0x5421;
const FIOASYNC: u64 = 0x5452;

/// What an option's value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WantOption {
    /// Anything of the right length.
    Any,
    /// A number of as many bytes as the length says.
    Number(Want),
    /// These bytes: a string, an address, a structure.
    Bytes(Vec<u8>),
    /// These bytes and whatever follows.
    Prefix(Vec<u8>),
    /// struct linger.
    Linger { onoff: i64, linger: i64 },
}

pub(super) fn fcntl(a: &Arguments<'_>) -> Planned {
    let (fd, command) = (a.fd(0)?, a.int(1)?);
    let argument = if a.count() == 3 { a.value(a.at(2))? } else { 0 };
    let copied = a.descriptor(0)?.filter(|_| matches!(command, F_DUPFD | F_DUPFD_CLOEXEC));
    let expect = copied.map_or(Expect::Number, |d: &Descriptor| Expect::Descriptor(d.clone()));
    Ok((Call::Fcntl { fd, command, argument }, expect))
}

/// With three arguments the third is what the request stores, but for the two requests that take a number.
pub(super) fn ioctl(a: &Arguments<'_>) -> Planned {
    let (fd, request) = (a.fd(0)?, u64::from(a.int(1)? as u32));
    if a.count() == 2 {
        return Ok((Call::Ioctl { fd, request, argument: None }, Expect::Number));
    }
    let value = a.bracketed(2)?;
    if matches!(request, FIONBIO | FIOASYNC) {
        let argument = Some(a.value(value)?);
        return Ok((Call::Ioctl { fd, request, argument }, Expect::Number));
    }
    Ok((Call::Ioctl { fd, request, argument: Some(0) }, Expect::Integer(a.want(value)?)))
}

pub(super) fn setsockopt(a: &Arguments<'_>) -> Planned {
    let (fd, level, name) = (a.fd(0)?, a.int(1)?, a.int(2)?);
    let length = a.length(4)?;
    let value = match a.at(3) {
        Argument::Word(word) if word == "NULL" => None,
        Argument::Number(Expr::Int(0)) => None,
        Argument::Ellipsis => Some(vec![0; length]),
        other => Some(encode(a, other, length)?),
    };
    // `length` stays within what `Arguments::length` allows, so it fits.
    Ok((Call::Setsockopt { fd, level, name, value, length: length as u32 }, Expect::Number))
}

/// An option's value as the C structure lies in memory, little-endian as on x86-64.
fn encode(a: &Arguments<'_>, value: &Argument, length: usize) -> Result<Vec<u8>, Error> {
    match value {
        // A number is an int, or a long where the caller says so; a length of 1 takes the int's first byte.
        Argument::Array(elements) if elements.len() == 1 && length == 8 => {
            Ok(a.value(&elements[0])?.to_le_bytes().to_vec())
        }
        Argument::Array(elements) | Argument::Braces(elements) if !elements.is_empty() => {
            let parts: Result<Vec<_>, Error> = elements.iter().map(|e| encode_element(a, e)).collect();
            Ok(parts?.concat())
        }
        Argument::Linger { onoff, linger } => {
            let (onoff, linger) = (a.fits_i32(*onoff)?, a.fits_i32(*linger)?);
            Ok([onoff.to_le_bytes(), linger.to_le_bytes()].concat())
        }
        Argument::String(bytes) => Ok(bytes.clone()),
        Argument::InetAddr(_) | Argument::Inet6Addr(_) => encode_element(a, value),
        _ => Err(a.wrong(3, "`[1]`, `{onoff=1, linger=0}`, a string, an address, `...` or NULL")),
    }
}

fn encode_element(a: &Arguments<'_>, element: &Argument) -> Result<Vec<u8>, Error> {
    match element {
        Argument::InetAddr(text) => Ok(inet_addr(a, text)?.octets().to_vec()),
        Argument::Inet6Addr(text) => Ok(inet6_addr(a, text)?.octets().to_vec()),
        Argument::String(bytes) => Ok(bytes.clone()),
        other => Ok(a.fits_i32(a.value(other)?)?.to_le_bytes().to_vec()),
    }
}

pub(super) fn inet_addr(a: &Arguments<'_>, text: &str) -> Result<Ipv4Addr, Error> {
    match a.world.address(text) {
        Some(IpAddr::V4(address)) => Ok(address),
        _ => Err(Error::new(&a.span_of(text), format!("`{text}` is no IPv4 address"))),
    }
}

fn inet6_addr(a: &Arguments<'_>, text: &str) -> Result<Ipv6Addr, Error> {
    match a.world.address(text) {
        Some(IpAddr::V6(address)) => Ok(address),
        _ => Err(Error::new(&a.span_of(text), format!("`{text}` is no IPv6 address"))),
    }
}

pub(super) fn getsockopt(a: &Arguments<'_>) -> Planned {
    let (fd, level, name) = (a.fd(0)?, a.int(1)?, a.int(2)?);
    let length = a.value(a.bracketed(4)?)?;
    let room = a.fits_length(length)?;
    let value = match a.at(3) {
        Argument::Ellipsis => WantOption::Any,
        Argument::Array(elements) if elements.len() == 1 => WantOption::Number(a.want(&elements[0])?),
        Argument::String(bytes) => WantOption::Bytes(bytes.clone()),
        Argument::StringPrefix(bytes) => WantOption::Prefix(bytes.clone()),
        Argument::Linger { onoff, linger } => WantOption::Linger { onoff: *onoff, linger: *linger },
        other @ (Argument::InetAddr(_) | Argument::Inet6Addr(_)) => {
            WantOption::Bytes(encode_element(a, other)?)
        }
        _ => return Err(a.wrong(3, "`[1]`, `{onoff=1, linger=0}`, a string, an address or `...`")),
    };
    Ok((Call::Getsockopt { fd, level, name, length: room as u32 }, Expect::Option { value, length }))
}

/// Compares an option's value; its length must be what the script says.
pub(super) fn compare(
    want: &WantOption,
    length: i64,
    found: &[u8],
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let prefix = matches!(want, WantOption::Prefix(_));
    if found.len() as i64 != length && !prefix {
        return Err(mismatch("optlen", length, found.len()));
    }
    match want {
        WantOption::Any => Ok(()),
        WantOption::Number(want) => compare_number(want, found, captures),
        WantOption::Bytes(bytes) => {
            in_option(data::compare(&data::ExpectedData::Bytes(bytes.clone()), None, found))
        }
        WantOption::Prefix(bytes) => {
            in_option(data::compare(&data::ExpectedData::Prefix(bytes.clone()), None, found))
        }
        WantOption::Linger { onoff, linger } => {
            let wanted = [(*onoff, "onoff"), (*linger, "linger")];
            for ((value, field), bytes) in wanted.into_iter().zip(found.chunks(4)) {
                accept_value(field, &Want::Is(value), signed(bytes), captures)?;
            }
            Ok(())
        }
    }
}

fn compare_number(want: &Want, found: &[u8], captures: &mut Captures) -> Result<(), Mismatch> {
    let value = signed(found);
    // `[0xffffffff]` and `[-1]` are the same int.
    if found.len() == 4 && want.accepts_u32(value as u32) && !matches!(want, Want::Capture(_) | Want::Not(_))
    {
        return Ok(());
    }
    accept_value("option", want, value, captures)
}

/// A little-endian number of up to eight bytes; only an int is signed.
fn signed(bytes: &[u8]) -> i64 {
    let value = bytes.iter().take(8).rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    if bytes.len() == 4 { i64::from(value as u32 as i32) } else { value as i64 }
}

fn in_option(result: Result<(), Mismatch>) -> Result<(), Mismatch> {
    result.map_err(|m| Mismatch { field: "option".into(), ..m })
}
