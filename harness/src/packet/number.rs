//! Fields as a script says them, turned into the numbers that stand in a header, and back.

use super::complete::{self, Place};
use super::fields::{Kind, Row};
use super::names;
use super::value::{self, Said};
use super::{Variables, World};
use crate::lang::ast::{Field, Value};
use crate::lang::{self, Span};
use crate::sut::MacAddress;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is to be done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// The number as it stands in the header.
    Raw(u128),
    /// A checksum that is wrong.
    Bad,
    /// A checksum that is right.
    Good,
}

/// The number that `field` means in the header; `base` is added to relative sequence numbers.
pub(super) fn setting(
    world: &World,
    place: &Place,
    variables: &Variables,
    field: &Field,
    row: &Row,
    base: u32,
) -> Result<Setting, lang::Error> {
    let raw = match &field.value {
        Value::Bad | Value::Good if row.kind != Kind::Checksum => {
            return Err(lang::Error::new(&field.span, format!("`{}` is no checksum", field.name)));
        }
        Value::Bad => return Ok(Setting::Bad),
        Value::Good => return Ok(Setting::Good),
        Value::Number(pattern) => {
            scaled(value::said(pattern, variables, &field.span)?, row, base, &field.span)?
        }
        Value::Name(name) => named(world, place, row, name, &field.span)?,
        Value::Bytes(bytes) => from_bytes(bytes, row, &field.span)?,
    };
    Ok(Setting::Raw(raw))
}

/// The number in the header's units.
pub(super) fn scaled(said: Said, row: &Row, base: u32, span: &Span) -> Result<u128, lang::Error> {
    if matches!(row.kind, Kind::Sequence | Kind::Acknowledgement) {
        let base = if said.absolute { 0 } else { base };
        return Ok(u128::from((said.value as u32).wrapping_add(base)));
    }
    let too_large = || {
        let max = row.max() * u128::from(row.scale);
        lang::Error::new(span, format!("{} does not fit into `{}`", said.value, row.name))
            .help(format!("it has {} bits: 0 to {max}", row.width))
    };
    let value = u128::try_from(said.value).map_err(|_| too_large())?;
    if value % u128::from(row.scale) != 0 {
        return Err(lang::Error::new(span, format!("`{}` counts in steps of {} bytes", row.name, row.scale)));
    }
    let value = value / u128::from(row.scale);
    if value > row.max() { Err(too_large()) } else { Ok(value) }
}

/// The number that a name stands for in this field.
pub(super) fn named(
    world: &World,
    place: &Place,
    row: &Row,
    name: &str,
    span: &Span,
) -> Result<u128, lang::Error> {
    let unknown = |what: &str| {
        lang::Error::new(span, format!("`{name}` is no {what}")).help(format!(
            "`{}` takes {}",
            row.name,
            takes(row)
        ))
    };
    match row.kind {
        Kind::Ipv4 => match complete::address(world, place, name) {
            Some(IpAddr::V4(a)) => Ok(u128::from(u32::from(a))),
            _ => Err(unknown("IPv4 address")),
        },
        Kind::Ipv6 => match complete::address(world, place, name) {
            Some(IpAddr::V6(a)) => Ok(u128::from(a)),
            _ => Err(unknown("IPv6 address")),
        },
        Kind::Mac if name == "LOCAL_MAC" => Ok(mac_number(place.local_mac(world))),
        Kind::Mac => world.mac(name).map(mac_number).ok_or_else(|| unknown("hardware address")),
        Kind::Code(codes) => {
            names::number(codes, name).map(u128::from).ok_or_else(|| unknown("name known here"))
        }
        _ => Err(unknown("number")),
    }
}

fn takes(row: &Row) -> &'static str {
    match row.kind {
        Kind::Ipv4 => "an IPv4 address, LOCAL, REMOTE, BROADCAST or a host's name",
        Kind::Ipv6 => "an IPv6 address, LOCAL, REMOTE or a host's name",
        Kind::Mac => "a hardware address with colons, LOCAL_MAC, BROADCAST_MAC or a host's name with _MAC",
        Kind::Code(_) => "a number, or the keyword of the header that follows",
        Kind::Checksum => "a number, `bad` or `good`",
        _ => "a number",
    }
}

fn from_bytes(bytes: &[u8], row: &Row, span: &Span) -> Result<u128, lang::Error> {
    let value = bytes.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
    if bytes.len() > 16 || value > row.max() {
        return Err(lang::Error::new(span, format!("{} bytes do not fit into `{}`", bytes.len(), row.name)));
    }
    Ok(value)
}

/// A hardware address as the number in its field.
pub(super) fn mac_number(mac: MacAddress) -> u128 {
    mac.0.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

/// An IP address as the number in its field.
pub(super) fn address_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

/// A field's number as a script would write it; sequence numbers must have been made relative.
pub(super) fn show(row: &Row, value: u128) -> String {
    match row.kind {
        Kind::Ipv4 => Ipv4Addr::from(value as u32).to_string(),
        Kind::Ipv6 => Ipv6Addr::from(value).to_string(),
        Kind::Mac => {
            let [_, _, a, b, c, d, e, f] = (value as u64).to_be_bytes();
            MacAddress([a, b, c, d, e, f]).to_string()
        }
        Kind::Checksum => format!("0x{value:04x}"),
        Kind::Code(codes) => names::name(codes, value).map_or_else(|| value.to_string(), str::to_string),
        Kind::Sequence | Kind::Acknowledgement => (value as u32).to_string(),
        Kind::Number | Kind::Length => (value * u128::from(row.scale)).to_string(),
    }
}
