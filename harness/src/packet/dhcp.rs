//! DHCP options (RFC 2132): written, found in a message, compared, described.

use super::complete::{self, Place};
use super::describe::hex;
use super::dissect::Part;
use super::fields::{Kind, Row};
use super::matching::{Matcher, Stop, differs};
use super::number;
use super::value::{self, Found};
use super::{Variables, World};
use crate::lang;
use crate::lang::ast::{Layer, LayerBody, LayerKind};
use crate::lang::messages::{DHCP_MESSAGES, DHCP_OPTIONS, DhcpBody, DhcpOption, OptionValue, Piece};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::Range;

const PAD: u8 = 0;
const MESSAGE_TYPE: u8 = 53;
const END: u8 = 255;
/// The fields that options may be in besides their own (RFC 2131 section 2).
const SNAME: Range<usize> = 44..108;
const FILE: Range<usize> = 108..236;
/// BOOTP's messages have 300 bytes at least (RFC 1542 section 2.1).
const LEAST: usize = 300;
/// Values of so many bytes are numbers; of longer ones, a digest is captured.
const MOST_NUMBER: usize = 7;

/// The cookie in front of the options (RFC 2131 section 3).
pub(super) const COOKIE: u128 = 0x6382_5363;

/// Writes the options behind `message`, the fixed part, and into its fields.
///
/// # Errors
/// Where a name or a number is unknown, or the options do not fit into their field.
pub(super) fn write(
    world: &World,
    place: &Place,
    variables: &Variables,
    body: &DhcpBody,
    message: &mut Vec<u8>,
) -> Result<(), lang::Error> {
    if let Some(kind) = body.message {
        message.extend([MESSAGE_TYPE, 1, kind]);
    }
    let all = |options: &[DhcpOption]| {
        let mut bytes = Vec::new();
        for option in options.iter().filter(|option| !option.absent) {
            write_option(world, place, variables, option, &mut bytes)?;
        }
        Ok::<_, lang::Error>(bytes)
    };
    message.extend(all(&body.options)?);
    if !body.options.iter().any(|option| option.code == END) {
        message.push(END);
    }
    message.resize(message.len().max(LEAST), 0);
    for (options, field) in [(&body.file, FILE), (&body.sname, SNAME)] {
        let Some(first) = options.first() else { continue };
        let mut bytes = all(options)?;
        bytes.push(END);
        let Some(room) = message.get_mut(field.start..field.end.min(field.start + bytes.len())) else {
            continue;
        };
        if room.len() < bytes.len() {
            let text = format!("these options have {} bytes, the field has {}", bytes.len(), field.len());
            return Err(lang::Error::new(&first.span, text));
        }
        room.copy_from_slice(&bytes);
    }
    Ok(())
}

fn write_option(
    world: &World,
    place: &Place,
    variables: &Variables,
    option: &DhcpOption,
    bytes: &mut Vec<u8>,
) -> Result<(), lang::Error> {
    let value = match &option.value {
        OptionValue::Nothing => Vec::new(),
        OptionValue::Number(pattern) => {
            let number = value::said(pattern, variables, &option.span)?.value;
            let width = DHCP_OPTIONS.iter().find(|(_, code, _)| *code == option.code).map_or(1, |o| o.2);
            let bytes = number.to_be_bytes();
            if number < 0 || bytes[..8 - width].iter().any(|byte| *byte != 0) {
                let text = format!("{number} does not fit into {width} bytes");
                return Err(lang::Error::new(&option.span, text));
            }
            bytes[8 - width..].to_vec()
        }
        OptionValue::Pieces(pieces) => piece_bytes(world, place, pieces, option)?,
    };
    bytes.push(option.code);
    if !matches!(option.code, PAD | END) || option.length.is_some() {
        bytes.push(option.length.unwrap_or(value.len() as u8));
        bytes.extend(value);
    }
    Ok(())
}

fn piece_bytes(
    world: &World,
    place: &Place,
    pieces: &[Piece],
    option: &DhcpOption,
) -> Result<Vec<u8>, lang::Error> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(known) => bytes.extend(known),
            Piece::Name(name) => match (world.mac(name), complete::address(world, place, name)) {
                (Some(mac), _) => bytes.extend(mac.0),
                (_, Some(IpAddr::V4(address))) => bytes.extend(address.octets()),
                _ => {
                    let text = format!("no host or address is called `{name}`");
                    return Err(lang::Error::new(&option.span, text));
                }
            },
        }
    }
    Ok(bytes)
}

/// The options of a message: code, and where in the message the value is. The end option is not among them.
pub(super) fn options(message: &[u8]) -> Vec<(u8, Range<usize>)> {
    let mut options = Vec::new();
    let mut at = 240;
    while let Some(&code) = message.get(at).filter(|code| **code != END) {
        at += 1;
        if code == PAD {
            continue;
        }
        let Some(&length) = message.get(at) else { break };
        let value = at + 1..(at + 1 + usize::from(length)).min(message.len());
        at = value.end;
        options.push((code, value));
    }
    options
}

/// The option called `name`, as a field that counts from the message's first bit; of a long one, its beginning.
pub(super) fn option_row(message: &[u8], name: &str) -> Option<Row> {
    let (name, code, _) = *DHCP_OPTIONS.iter().find(|(n, ..)| *n == name)?;
    let (_, value) = options(message).into_iter().find(|(c, _)| *c == code)?;
    let is_address = value.len() == 4 && matches!(code, 1 | 3 | 6 | 28 | 50 | 54);
    let kind = if is_address { Kind::Ipv4 } else { Kind::Number };
    let width = 8 * value.len().min(16);
    (width > 0).then_some(Row { name, offset: value.start * 8, width, kind, scale: 1 })
}

/// Takes the option called `name` out of a message: padding stands in its place. False where there is none.
pub(super) fn remove_option(message: &mut [u8], name: &str) -> bool {
    let code = DHCP_OPTIONS.iter().find(|(n, ..)| *n == name).map(|(_, code, _)| *code);
    let found = options(message).into_iter().find(|(c, _)| Some(*c) == code);
    match found.and_then(|(_, value)| message.get_mut(value.start - 2..value.end)) {
        Some(bytes) => {
            bytes.fill(PAD);
            true
        }
        None => false,
    }
}

/// A value as a number: itself where it is short, else a digest that only another one can be compared with.
fn number_of(value: &[u8]) -> i64 {
    if value.len() <= MOST_NUMBER {
        return value.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    }
    // FNV-1a.
    let hash = value.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 1) as i64
}

fn option_name(code: u8) -> String {
    let named = DHCP_OPTIONS.iter().find(|(_, c, _)| *c == code);
    named.map_or_else(|| format!("opt {code}"), |(name, ..)| (*name).to_string())
}

fn message_name(kind: u8) -> Option<&'static str> {
    DHCP_MESSAGES.iter().find(|(_, number)| *number == kind).map(|(name, _)| *name)
}

impl Matcher<'_> {
    /// The message type and the options that a script says something of; others may be there.
    pub(super) fn dhcp(&mut self, layer: &Layer, part: &Part) -> Result<(), Stop> {
        let LayerBody::Dhcp(body) = &layer.body else { return Ok(()) };
        let message = part.header(self.frame);
        let found = options(message);
        let value = |code: u8| {
            let value = found.iter().find(|(c, _)| *c == code).map(|(_, value)| value.clone());
            value.map(|value| message.get(value).unwrap_or(&[]))
        };
        if let Some(wanted) = body.message {
            let kind = value(MESSAGE_TYPE).unwrap_or(&[]);
            if kind != [wanted] {
                let name = |kind: &[u8]| match kind {
                    [kind] => message_name(*kind).map_or(format!("type {kind}"), str::to_string),
                    _ => "no message type".to_string(),
                };
                return differs("dhcp.message-type".to_string(), name(&[wanted]), name(kind));
            }
        }
        for option in &body.options {
            self.dhcp_option(option, value(option.code))?;
        }
        if let Some(xid) = part.get(self.frame, "xid") {
            self.flows.learn_transaction(xid as u32);
        }
        Ok(())
    }

    fn dhcp_option(&mut self, option: &DhcpOption, found: Option<&[u8]>) -> Result<(), Stop> {
        let name = format!("dhcp.{}", option_name(option.code));
        let shown = found.map_or_else(|| "none".to_string(), |value| show(option.code, value));
        let Some(found) = found else {
            return if option.absent { Ok(()) } else { differs(name, option.span.text(), shown) };
        };
        if option.absent {
            return differs(name, "none", shown);
        }
        if let Some(length) = option.length.filter(|length| usize::from(*length) != found.len()) {
            return differs(format!("{name}.length"), length.to_string(), found.len().to_string());
        }
        match &option.value {
            OptionValue::Nothing => Ok(()),
            OptionValue::Number(pattern) => {
                self.number(name, pattern, Found::plain(number_of(found)), &option.span)
            }
            OptionValue::Pieces(pieces) => {
                let wanted = piece_bytes(self.world, &self.place, pieces, option)?;
                if wanted == found { Ok(()) } else { differs(name, show(option.code, &wanted), shown) }
            }
        }
    }
}

/// An option's value as a script would write it.
fn show(code: u8, value: &[u8]) -> String {
    let numeric = matches!(code, 26 | 51 | 52 | 53 | 57 | 58 | 59) && value.len() <= 4;
    match value {
        [] => String::new(),
        _ if numeric => number_of(value).to_string(),
        _ if matches!(code, 1 | 3 | 6 | 28 | 33 | 50 | 54) && value.len().is_multiple_of(4) => {
            let addresses = value.chunks(4).map(|a| format!("{}.{}.{}.{}", a[0], a[1], a[2], a[3]));
            format!("({})", addresses.collect::<Vec<_>>().join(", "))
        }
        _ if code == 55 => {
            format!("({})", value.iter().map(u8::to_string).collect::<Vec<_>>().join(", "))
        }
        _ => format!("(0x{})", hex(value)),
    }
}

/// The message in words: its type, what is unusual in its fields, its options.
pub(super) fn describe(message: &[u8], usual: &[(&str, u128)]) -> String {
    let found = options(message);
    let kind = found.iter().find(|(code, _)| *code == MESSAGE_TYPE).and_then(|(_, at)| message.get(at.start));
    let kind = kind.and_then(|kind| message_name(*kind));
    let mut words = Vec::new();
    for row in super::fields::header(LayerKind::Dhcp).map_or(&[][..], |h| h.rows) {
        let Some(value) = row.get(message).filter(|_| row.name != "broadcast") else { continue };
        let usual = usual.iter().find(|(name, _)| *name == row.name).map_or(0, |(_, value)| *value);
        if value != usual {
            words.push(format!("{} {}", row.name, number::show(row, value)));
        }
    }
    for (code, value) in &found {
        if *code == MESSAGE_TYPE && kind.is_some() {
            continue;
        }
        let value = show(*code, message.get(value.clone()).unwrap_or(&[]));
        words.push(format!("{} {value}", option_name(*code)).trim_end().to_string());
    }
    let mut text = "dhcp".to_string();
    if let Some(kind) = kind {
        let _infallible = write!(text, " {kind}");
    }
    let _infallible = write!(text, " [{}]", words.join(", "));
    text
}
