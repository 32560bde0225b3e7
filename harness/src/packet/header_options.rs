//! Options of IPv4 headers, of IPv6 extension headers and of neighbour discovery messages.

use super::World;
use super::complete::{self, Place};
use crate::lang;
use crate::lang::ast::{HeaderOption, LayerKind};
use std::net::IpAddr;

/// How options of a header are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// RFC 791: the length counts kind and length byte; 0 and 1 are single bytes; zeros up to 4 bytes.
    Ipv4,
    /// RFC 8200 section 4.2: the length counts the data; 0 is a single byte; padding options up to 8 bytes.
    Ipv6,
    /// RFC 4861 section 4.6: the length counts units of 8 bytes, of the whole option.
    Discovery,
}

const NAMES: &[(Style, &str, u8)] = &[
    (Style::Ipv4, "eol", 0),
    (Style::Ipv4, "nop", 1),
    (Style::Ipv4, "rr", 7),
    (Style::Ipv4, "ts", 68),
    (Style::Ipv4, "security", 130),
    (Style::Ipv4, "lsrr", 131),
    (Style::Ipv4, "sid", 136),
    (Style::Ipv4, "ssrr", 137),
    (Style::Ipv4, "router-alert", 148),
    (Style::Ipv6, "pad1", 0),
    (Style::Ipv6, "padn", 1),
    (Style::Ipv6, "router-alert", 5),
    (Style::Ipv6, "jumbo", 0xc2),
    (Style::Discovery, "slla", 1),
    (Style::Discovery, "tlla", 2),
    (Style::Discovery, "prefix", 3),
    (Style::Discovery, "redirected", 4),
    (Style::Discovery, "mtu", 5),
];

impl Style {
    /// How the options of this header are laid out.
    pub(super) fn of(kind: LayerKind) -> Option<Style> {
        match kind {
            LayerKind::Ipv4 => Some(Style::Ipv4),
            LayerKind::HopByHop | LayerKind::DestinationOptions => Some(Style::Ipv6),
            LayerKind::Icmpv6 => Some(Style::Discovery),
            _ => None,
        }
    }

    fn is_single(self, kind: u8) -> bool {
        match self {
            Style::Ipv4 => kind <= 1,
            Style::Ipv6 => kind == 0,
            Style::Discovery => false,
        }
    }

    /// The length byte that is right for so much data.
    fn right_length(self, data: usize) -> u8 {
        match self {
            Style::Ipv4 => (data + 2) as u8,
            Style::Ipv6 => data as u8,
            Style::Discovery => (data + 2).div_ceil(8) as u8,
        }
    }

    /// The name of an option's kind.
    pub(super) fn name(self, kind: u8) -> Option<&'static str> {
        NAMES.iter().find(|(s, _, k)| *s == self && *k == kind).map(|(_, n, _)| *n)
    }
}

/// The kind of an option in a script.
pub(super) fn kind_of(style: Style, option: &HeaderOption) -> Result<u8, lang::Error> {
    let named = || NAMES.iter().find(|(s, n, _)| *s == style && *n == option.name).map(|(_, _, k)| *k);
    option.kind.or_else(named).ok_or_else(|| {
        let known: Vec<_> = NAMES.iter().filter(|(s, ..)| *s == style).map(|(_, n, _)| *n).collect();
        lang::Error::new(&option.span, format!("there is no option `{}` here", option.name))
            .help(format!("known are {} and `opt NUMBER(DATA)`", known.join(", ")))
    })
}

/// The options' bytes, padded to what the header needs.
///
/// # Errors
/// Where an option or an address has no such name.
pub(super) fn write(
    world: &World,
    place: &Place,
    style: Style,
    options: &[HeaderOption],
) -> Result<Vec<u8>, lang::Error> {
    let mut bytes = Vec::new();
    for option in options {
        let kind = kind_of(style, option)?;
        let data = [address(world, place, option)?, option.data.clone()].concat();
        bytes.push(kind);
        if !style.is_single(kind) || option.length.is_some() {
            bytes.push(option.length.unwrap_or_else(|| style.right_length(data.len())));
            bytes.extend_from_slice(&data);
            if style == Style::Discovery {
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
        }
    }
    match style {
        Style::Ipv4 => bytes.resize(bytes.len().next_multiple_of(4), 0),
        Style::Ipv6 => pad_ipv6(&mut bytes),
        Style::Discovery => {}
    }
    Ok(bytes)
}

/// Whether the `at`th of the options that a script says is open and `found` begins as it does.
///
/// # Errors
/// Where an option has no such name.
pub(super) fn is_open(
    style: Style,
    said: &[HeaderOption],
    at: usize,
    found: &Raw<'_>,
) -> Result<bool, lang::Error> {
    let kinds = said.iter().map(|option| Ok((kind_of(style, option)?, option)));
    let kinds = kinds.collect::<Result<Vec<_>, lang::Error>>()?;
    // As `split` leaves out what only pads.
    let mut shown = kinds.into_iter().filter(|(kind, _)| style != Style::Ipv6 || *kind > 1);
    let option = shown.nth(at);
    Ok(option.is_some_and(|(kind, option)| {
        option.open && kind == found.kind && found.data.starts_with(&option.data)
    }))
}

/// The address that an option begins with, by name: `slla LOCAL_MAC`.
fn address(world: &World, place: &Place, option: &HeaderOption) -> Result<Vec<u8>, lang::Error> {
    let Some(name) = &option.address else { return Ok(Vec::new()) };
    let mac = if name == "LOCAL_MAC" { Some(place.local_mac(world)) } else { world.mac(name) };
    if let Some(mac) = mac {
        return Ok(mac.0.to_vec());
    }
    match complete::address(world, place, name) {
        Some(IpAddr::V4(address)) => Ok(address.octets().to_vec()),
        Some(IpAddr::V6(address)) => Ok(address.octets().to_vec()),
        None => Err(lang::Error::new(&option.span, format!("no host or address is called `{name}`"))),
    }
}

/// RFC 8200 section 4.2: Pad1 or PadN, until header and options are a multiple of 8 bytes.
fn pad_ipv6(bytes: &mut Vec<u8>) {
    match (8 - (bytes.len() + 2) % 8) % 8 {
        0 => {}
        1 => bytes.push(0),
        n => {
            bytes.extend([1, (n - 2) as u8]);
            bytes.extend(std::iter::repeat_n(0, n - 2));
        }
    }
}

/// An option as it lies in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw<'a> {
    pub(super) kind: u8,
    /// The length byte; `None` for an option of one byte.
    pub(super) length: Option<u8>,
    pub(super) data: &'a [u8],
}

/// Splits options; the last is what remains where a length cannot be. Padding is left out.
pub(super) fn split(style: Style, mut bytes: &[u8]) -> Vec<Raw<'_>> {
    let mut options = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        if style == Style::Ipv4 && kind == 0 {
            break;
        }
        if style.is_single(kind) {
            options.push(Raw { kind, length: None, data: &[] });
            bytes = rest;
            continue;
        }
        let Some((&length, rest)) = rest.split_first() else {
            options.push(Raw { kind, length: None, data: &[] });
            break;
        };
        let wanted = match style {
            Style::Ipv4 => usize::from(length).checked_sub(2),
            Style::Ipv6 => Some(usize::from(length)),
            Style::Discovery => (usize::from(length) * 8).checked_sub(2),
        };
        let whole = wanted.filter(|w| *w <= rest.len());
        let (data, after) = rest.split_at(whole.unwrap_or(rest.len()));
        options.push(Raw { kind, length: Some(length), data });
        bytes = after;
    }
    if style == Style::Ipv6 {
        options.retain(|o| o.kind > 1);
    }
    options
}
