//! One field of a frame changed, as a twin does. What was right about the frame's lengths and checksums before is
//! right afterwards, except the field itself.

use super::build::wrong_checksum;
use super::build_tcp::{ACK, SYN};
use super::complete::Place;
use super::dissect::{self, Dissection, Part};
use super::fields::{self, Kind, Row};
use super::flows::{Direction, Key};
use super::options::{self, kind};
use super::{Context, checksum, describe, dhcp, number, value};
use crate::lang::Span;
use crate::lang::ast::{AlterOperation, Alteration, LayerKind, Value};
use crate::sut::Medium;

/// Numbers within TCP options: name, kind of option, first bit behind its length byte, width, what it counts.
const OPTION_FIELDS: &[(&str, u8, usize, usize, Kind)] = &[
    ("mss", kind::MSS, 0, 16, Kind::Number),
    ("wscale", kind::WSCALE, 0, 8, Kind::Number),
    ("sack_left", kind::SACK, 0, 32, Kind::Acknowledgement),
    ("sack_right", kind::SACK, 32, 32, Kind::Acknowledgement),
    ("ts_val", kind::TIMESTAMP, 0, 32, Kind::Number),
    ("ts_ecr", kind::TIMESTAMP, 32, 32, Kind::Number),
];

/// A field found in a frame.
struct Target {
    /// The part it is in.
    part: usize,
    /// Its row; the offset counts from the frame's first bit.
    row: Row,
}

/// As [`super::alter()`].
pub(super) fn alter(
    cx: &mut Context<'_>,
    medium: Medium,
    frame: &mut Vec<u8>,
    change: &Alteration,
) -> Result<(), String> {
    let mut dissection = dissect::dissect(medium, frame);
    let right = right_before(frame, &dissection.parts);
    if change.field == "options" {
        let bytes = option_bytes(&change.operation)?;
        replace_options(frame, &mut dissection, change, &bytes)?;
        checksum::refresh(frame, &dissection.parts, &|part, name| !is_right(&right, part, name));
        trim_padding(medium, frame, &dissection);
        return Ok(());
    }
    if removes_option(frame, &dissection, change)? {
        checksum::refresh(frame, &dissection.parts, &|part, name| !is_right(&right, part, name));
        return Ok(());
    }
    let target = locate(&dissection, frame, change)?;
    let missing = || format!("the frame is too short to have `{}`", change.field);
    let old = target.row.get(frame).ok_or_else(missing)?;
    let new = match &change.operation {
        AlterOperation::Set(Value::Good | Value::Bad) if target.row.kind == Kind::Checksum => {
            let value = checksum::right(frame, &dissection.parts, target.part).ok_or_else(missing)?;
            let good = matches!(&change.operation, AlterOperation::Set(Value::Good));
            u128::from(if good { value } else { wrong_checksum(value) })
        }
        AlterOperation::Set(value) => set(cx, medium, &dissection, frame, &target, value)?,
        // Modulo the field's width: what is beyond is dropped when it is written.
        AlterOperation::Add(n) => old.wrapping_add((i128::from(*n) / i128::from(target.row.scale)) as u128),
        AlterOperation::Xor(n) => old ^ u128::from(*n),
    };
    if !target.row.set(frame, new) {
        return Err(missing());
    }
    let same = |part: usize, name: &str| part == target.part && name == target.row.name;
    let checksum = target.row.kind == Kind::Checksum;
    checksum::refresh(frame, &dissection.parts, &|part, name| {
        checksum || same(part, name) || !is_right(&right, part, name)
    });
    Ok(())
}

/// Lengths and checksums that are as they should be, by part and name.
fn right_before(frame: &[u8], parts: &[Part]) -> Vec<(usize, &'static str)> {
    let mut right = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for row in fields::header(part.kind).map_or(&[][..], |h| h.rows) {
            let should = match row.kind {
                Kind::Checksum => checksum::right(frame, parts, index).map(u128::from),
                Kind::Length => checksum::right_length(frame, part, row.name).map(|n| n as u128),
                _ => continue,
            };
            if should.is_some() && should == row.get(part.header(frame)) {
                right.push((index, row.name));
            }
        }
    }
    right
}

fn is_right(right: &[(usize, &'static str)], part: usize, name: &str) -> bool {
    right.iter().any(|(p, n)| *p == part && *n == name)
}

/// Whether a layer is called by `keyword`; `ip` and `icmp` mean either version.
fn is_called(kind: LayerKind, keyword: &str) -> bool {
    match keyword {
        "ip" => matches!(kind, LayerKind::Ipv4 | LayerKind::Ipv6),
        "icmp" => matches!(kind, LayerKind::Icmpv4 | LayerKind::Icmpv6),
        _ => fields::keyword(kind) == keyword,
    }
}

/// The field, in the layer named or in the innermost that has it.
fn locate(dissection: &Dissection, frame: &[u8], change: &Alteration) -> Result<Target, String> {
    let layer = change.layer.as_deref();
    let at = |part: usize, start: usize, row: Row| Target {
        part,
        row: Row { offset: start * 8 + row.offset, ..row },
    };
    let byte = Row { name: "payload", offset: 0, width: 8, kind: Kind::Number, scale: 1 };
    for (index, part) in dissection.parts.iter().enumerate().rev() {
        if layer.is_some_and(|keyword| !is_called(part.kind, keyword)) {
            continue;
        }
        if change.field == "payload" && part.end > part.header_end {
            // The innermost header's content, which is the payload's first byte or the quote's.
            return Ok(at(index, part.header_end, byte));
        }
        if let Some(row) = fields::find(part.kind, part.header(frame), &change.field) {
            return Ok(at(index, part.start, row));
        }
        if part.kind == LayerKind::Dhcp
            && let Some(row) = dhcp::option_row(part.header(frame), &change.field)
        {
            return Ok(at(index, part.start, row));
        }
        if part.kind == LayerKind::Tcp
            && let Some((start, row)) = option_field(frame, part, &change.field)
        {
            return Ok(at(index, start, row));
        }
    }
    let there: Vec<_> = dissection.parts.iter().map(|p| fields::keyword(p.kind)).collect();
    let name = layer.map_or_else(|| change.field.clone(), |l| format!("{l}.{}", change.field));
    Err(format!("the frame has no `{name}`: its layers are {}", there.join(", ")))
}

/// `= absent`: a DHCP message loses the option. Whether that was asked for.
fn removes_option(frame: &mut [u8], dissection: &Dissection, change: &Alteration) -> Result<bool, String> {
    let AlterOperation::Set(Value::Name(word)) = &change.operation else { return Ok(false) };
    let Some(part) = dissection.last(LayerKind::Dhcp).filter(|_| word == "absent") else { return Ok(false) };
    let message = frame.get_mut(part.start..part.header_end).unwrap_or(&mut []);
    match dhcp::remove_option(message, &change.field) {
        true => Ok(true),
        false => Err(format!("the message has no option `{}`", change.field)),
    }
}

/// A number in a TCP option: where the option's data begins, and the row from there.
fn option_field(frame: &[u8], part: &Part, name: &str) -> Option<(usize, Row)> {
    let (name, code, offset, width, field) = *OPTION_FIELDS.iter().find(|(n, ..)| *n == name)?;
    let range = part.options(frame);
    let mut at = range.start;
    for option in options::split(frame.get(range)?) {
        if option.kind == code && option.data.len() * 8 >= offset + width {
            return Some((at + 2, Row { name, offset, width, kind: field, scale: 1 }));
        }
        at += if option.kind <= kind::NOP { 1 } else { option.data.len() + 2 };
    }
    None
}

/// The number that a field is set to; sequence numbers are relative.
fn set(
    cx: &Context<'_>,
    medium: Medium,
    dissection: &Dissection,
    frame: &[u8],
    target: &Target,
    value: &Value,
) -> Result<u128, String> {
    let direction = describe::direction(cx.world, dissection, frame);
    let (local, remote) = (cx.world.local, cx.world.remote);
    let place = Place { interface: 0, medium, local, remote };
    let span = no_span();
    let result = match value {
        Value::Number(pattern) => value::said(pattern, cx.variables, &span).and_then(|said| {
            number::scaled(said, &target.row, base(cx, dissection, frame, target, direction), &span)
        }),
        Value::Name(name) => number::named(cx.world, &place, &target.row, name, &span),
        Value::Bytes(bytes) => return Ok(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))),
        Value::Bad | Value::Good => return Err(format!("`{}` is no checksum", target.row.name)),
    };
    result.map_err(|error| error.message)
}

/// Twins have no place of their own for an error: the line that they name has.
fn no_span() -> Span {
    let file = crate::lang::SourceFile { path: "twin".into(), text: String::new() };
    Span { file: std::sync::Arc::new(file), start: 0, end: 0 }
}

fn base(
    cx: &Context<'_>,
    dissection: &Dissection,
    frame: &[u8],
    target: &Target,
    direction: Direction,
) -> u32 {
    let Some(part) = dissection.parts.get(target.part).filter(|p| p.kind == LayerKind::Tcp) else { return 0 };
    let Some((source, destination)) = checksum::ends(&dissection.parts, frame) else { return 0 };
    let get = |name| part.get(frame, name).unwrap_or(0) as u16;
    let key = Key { source: (source, get("sport")), destination: (destination, get("dport")) };
    let syn = get("flags") & SYN != 0;
    let other = match direction {
        Direction::Inbound => Direction::Outbound,
        Direction::Outbound => Direction::Inbound,
    };
    match target.row.kind {
        Kind::Sequence => cx.flows.base(cx.rules, key, direction, syn),
        Kind::Acknowledgement if get("flags") & ACK != 0 => {
            cx.flows.base(cx.rules, key.reverse(), other, syn)
        }
        _ => 0,
    }
}

/// The bytes that options are replaced by; a number is as many words of 32 bits as it takes.
fn option_bytes(operation: &AlterOperation) -> Result<Vec<u8>, String> {
    let bytes = match operation {
        AlterOperation::Set(Value::Bytes(bytes)) => bytes.clone(),
        AlterOperation::Set(Value::Number(pattern)) => {
            let value =
                value::said(pattern, &Default::default(), &no_span()).map_err(|error| error.message)?.value;
            let word = value.to_be_bytes();
            if value >> 32 == 0 { word[4..].to_vec() } else { word.to_vec() }
        }
        _ => return Err("options are set to bytes: `options = 0x01010101`".to_string()),
    };
    if bytes.len() % 4 == 0 && bytes.len() <= 40 {
        Ok(bytes)
    } else {
        Err(format!("{} bytes of options: a header has 0 to 40, in words of 4", bytes.len()))
    }
}

/// Puts `bytes` where the options are, of the layer named or of the innermost TCP or IPv4 header.
fn replace_options(
    frame: &mut Vec<u8>,
    dissection: &mut Dissection,
    change: &Alteration,
    bytes: &[u8],
) -> Result<(), String> {
    let fits = |p: &Part| match &change.layer {
        Some(keyword) => is_called(p.kind, keyword),
        None => true,
    };
    let has_options = |p: &Part| matches!(p.kind, LayerKind::Tcp | LayerKind::Ipv4) && fits(p);
    let index =
        dissection.parts.iter().rposition(has_options).ok_or("the frame has no header with options")?;
    let range = dissection.parts[index].options(frame);
    if range.end > frame.len() || range.start > range.end {
        return Err("the frame is too short to have options".to_string());
    }
    let (old, at) = (range.len(), range.end);
    frame.splice(range, bytes.iter().copied());
    let moved = |position: usize| if position >= at { position + bytes.len() - old } else { position };
    for (i, part) in dissection.parts.iter_mut().enumerate() {
        let start = if i > index { moved(part.start) } else { part.start };
        let header_end = if i >= index { moved(part.header_end) } else { part.header_end };
        *part = Part { start, header_end, end: moved(part.end), ..*part };
    }
    dissection.padding = moved(dissection.padding.start)..frame.len();
    Ok(())
}

/// Padding is what fills a frame up to 60 bytes and no more.
fn trim_padding(medium: Medium, frame: &mut Vec<u8>, dissection: &Dissection) {
    let end = dissection.padding.start;
    frame.resize(if medium == Medium::Ethernet { end.max(60) } else { end }, 0);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::lang::ast::{TcpOption, TcpOptions};
    use crate::sut::{Family, Rules};

    /// Alters a SYN-ACK, or the packet given, and shows what became of it.
    #[track_caller]
    fn check(field: &str, operation: AlterOperation, expected: &str) {
        for (family, medium) in [(Family::Ipv4, Medium::Ethernet), (Family::Ipv6, Medium::Ip)] {
            let mut run = Run::new(family, medium, Rules::Ours);
            let options = TcpOptions::Exactly(vec![TcpOption::Mss(is(1460))]);
            let mut frame = run.outbound(vec![tcp(0x12, 5000, 1, 9, options.clone())]);
            assert_eq!(run.matching(vec![tcp(0x12, 0, 1, 9, options)], &frame), "");
            let (layer, field) = match field.split_once('.') {
                Some((layer, field)) => (Some(layer.to_string()), field),
                None => (None, field),
            };
            let change = Alteration { layer, field: field.to_string(), operation: operation.clone() };
            super::alter(&mut run.context(), medium, &mut frame, &change).unwrap();
            assert_eq!(run.describe(&frame), expected);
        }
    }

    #[test]
    fn fields_change_and_checksums_follow() {
        let set = |value| AlterOperation::Set(Value::Number(is(value)));
        check("seq", AlterOperation::Add(-1), "> S. 4294967295:4294967295(0) ack 1 win 9 <mss 1460>");
        check("seq", set(7), "> S. 7:7(0) ack 1 win 9 <mss 1460>");
        check("flags", set(0x14), "> R. 0:0(0) ack 1 win 9 <mss 1460>");
        check("mss", set(100), "> S. 0:0(0) ack 1 win 9 <mss 100>");
        check("win", AlterOperation::Xor(1), "> S. 0:0(0) ack 1 win 8 <mss 1460>");
        check("csum", AlterOperation::Add(1), "> S. 0:0(0) ack 1 win 9 csum bad <mss 1460>");
        check("options", set(0x0101_0101), "> S. 0:0(0) ack 1 win 9 <nop, nop, nop, nop>");
        let longer = AlterOperation::Set(Value::Bytes(vec![2, 4, 2, 24, 1, 3, 3, 7]));
        check("options", longer, "> S. 0:0(0) ack 1 win 9 <mss 536, nop, wscale 7>");
        check("ip.ecn", set(3), "> [ce] S. 0:0(0) ack 1 win 9 <mss 1460>");
    }

    #[test]
    fn a_field_that_is_not_there_is_an_error() {
        let mut run = Run::new(Family::Ipv4, Medium::Ip, Rules::Ours);
        let mut frame = run.outbound(
            vec![tcp(0x10, 1, 1, 9, TcpOptions::Any).clone()]
                .into_iter()
                .map(|mut l| {
                    l.body = crate::lang::ast::LayerBody::Plain;
                    l
                })
                .collect(),
        );
        let change = Alteration { layer: None, field: "hlen".to_string(), operation: AlterOperation::Add(1) };
        let error = super::alter(&mut run.context(), Medium::Ip, &mut frame, &change);
        assert_eq!(error, Err("the frame has no `hlen`: its layers are ip, tcp".to_string()));
    }
}
