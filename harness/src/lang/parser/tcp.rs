//! TCP segments: flags, sequence numbers, and what follows them.

use super::super::ast::{Field, Flags, Layer, LayerBody, LayerKind, Pattern, Payload, TcpOptions, Value};
use super::super::lexer::Kind;
use super::super::source::{Error, Span};
use super::events::Direction;
use super::expr::pattern_constant;
use super::{Parser, Result};
use crate::suggest;

/// The control bits by their letters: byte 13 of the header, and AE as bit 8.
const FLAGS: &[(char, u16)] = &[
    ('F', 0x01),
    ('S', 0x02),
    ('R', 0x04),
    ('P', 0x08),
    ('.', 0x10),
    ('U', 0x20),
    ('E', 0x40),
    ('W', 0x80),
    ('A', 0x100),
];

/// What may follow the sequence numbers in our cases, in any order.
const PAIRS: &[&str] = &["ack", "win", "urg", "csum", "doff", "reserved", "sport", "dport", "data"];

const LARGEST: i64 = u32::MAX as i64;

/// `1:11(10)`
struct Sequence {
    field: Field,
    end: Pattern,
    length: Pattern,
    /// Of the length, parentheses and all.
    length_span: Span,
}

impl Parser {
    /// A segment, with the word `tcp` and fields in brackets in front perhaps.
    pub(super) fn tcp(&mut self, direction: Direction, layers: &mut Vec<Layer>) -> Result<()> {
        let start = self.here();
        let mut fields = Vec::new();
        let keyword = self.ours() && self.eat_word("tcp");
        if keyword && self.at('[') {
            fields = self.attributes(LayerKind::Tcp)?.0;
            if !self.at_segment() {
                let span = self.span_from(&start);
                layers.push(Layer { kind: LayerKind::Tcp, fields, body: LayerBody::Plain, span });
                return Ok(());
            }
        }
        self.ports(&mut fields)?;
        if self.quoting && !matches!(self.kind(), Kind::Word | Kind::Decimal | Kind::Punct('.' | '-')) {
            layers.push(self.quoted_sequence(fields, &start)?);
            return Ok(());
        }
        let flags = self.flags()?;
        let sequence = self.sequence()?;
        fields.push(sequence.field);
        let mut options = TcpOptions::Exactly(Vec::new());
        let mut data = None;
        if self.ours() {
            self.pairs(direction, &mut fields, &mut options, &mut data)?;
        } else {
            options = self.upstream_tail(direction, &mut fields, &start)?;
        }
        let payload = match data {
            Some(data) => Some(checked_data(data, &sequence.length)?),
            None if pattern_constant(&sequence.length) == Some(0) => None,
            None => Some(Parser::length_layer(sequence.length, sequence.length_span)),
        };
        let body = LayerBody::Tcp { flags, options, end: Some(sequence.end) };
        layers.push(Layer { kind: LayerKind::Tcp, fields, body, span: self.span_from(&start) });
        layers.extend(payload);
        Ok(())
    }

    /// Whether a segment follows `tcp[…]` on the same line.
    fn at_segment(&self) -> bool {
        let starts = match self.kind() {
            Kind::Int(_) | Kind::Decimal | Kind::Punct('.' | '-' | '$') => true,
            Kind::Word => !self.at_word("nothing"),
            _ => false,
        };
        starts && self.same_line()
    }

    /// `S.`, `P.`, `.`, `-`, `SEW`, `.5`; in our cases `P?.`, where the bit in front of `?` is left open.
    pub(super) fn flags(&mut self) -> Result<Flags> {
        let start = self.here();
        if self.eat('-') {
            return Ok(Flags::default());
        }
        let (mut text, mut acknowledges) = (String::new(), false);
        loop {
            match self.kind() {
                Kind::Word if text.is_empty() || text.ends_with('?') && self.adjacent(0) => {}
                Kind::Punct('.') | Kind::Decimal if !acknowledges => acknowledges = true,
                Kind::Punct('?') if self.ours() && !text.is_empty() && self.adjacent(0) => {}
                _ => break,
            }
            text.push_str(&self.token().text);
            self.advance();
        }
        if text.is_empty() {
            return Err(self.unexpected("a packet: TCP flags, or a layer"));
        }
        let span = self.span_from(&start);
        parse_flags(&text).map_err(|problem| self.unknown_layer(&text, &span, problem))
    }

    /// `START:END(LENGTH)`, consistent.
    fn sequence(&mut self) -> Result<Sequence> {
        let start = self.here();
        let first = self.pattern_within("the TCP start sequence number", LARGEST)?;
        let field = Field {
            name: "seq".to_string(),
            value: Value::Number(first.clone()),
            span: self.span_from(&start),
        };
        self.expect(':')?;
        let end = self.pattern_within("the TCP end sequence number", LARGEST)?;
        let parenthesis = self.here();
        self.expect('(')?;
        let length = self.pattern_within("the TCP payload size", 0xffff)?;
        self.expect(')')?;
        let length_span = self.span_from(&parenthesis);
        let numbers = (pattern_constant(&first), pattern_constant(&end), pattern_constant(&length));
        if let (Some(first), Some(last), Some(length)) = numbers {
            let wraps = self.ours() && (first + length) & LARGEST == last;
            if first + length != last && !wraps {
                let message = "inconsistent TCP sequence numbers and payload size";
                let help = match last - first {
                    size @ 0..=0xffff => {
                        format!("write {first}:{last}({size}) or {first}:{}({length})", first + length)
                    }
                    _ => format!("write {first}:{}({length})", first + length),
                };
                return Err(Error::new(&self.span_from(&start), message).help(help));
            }
        }
        Ok(Sequence { field, end, length, length_span })
    }

    /// `1:1001(1000)` alone, as an ICMP error quotes it.
    fn quoted_sequence(&mut self, mut fields: Vec<Field>, start: &Span) -> Result<Layer> {
        let sequence = self.sequence()?;
        fields.push(sequence.field);
        let body =
            LayerBody::Tcp { flags: Flags::default(), options: TcpOptions::Any, end: Some(sequence.end) };
        Ok(Layer { kind: LayerKind::Tcp, fields, body, span: self.span_from(start) })
    }

    /// `[ack N] [win N] [urg N] [<options>]`, in this order.
    fn upstream_tail(
        &mut self,
        direction: Direction,
        fields: &mut Vec<Field>,
        start: &Span,
    ) -> Result<TcpOptions> {
        for name in ["ack", "win", "urg"] {
            if self.at_word(name) {
                fields.push(self.pair(name)?);
            }
        }
        if direction == Direction::Inbound && !fields.iter().any(|f| f.name == "win") {
            let message = "the window must be specified for inbound packets";
            return Err(
                Error::new(&self.span_from(start), message).help("add `win N` behind the sequence numbers")
            );
        }
        if self.at('<') { self.tcp_options(direction) } else { Ok(TcpOptions::Exactly(Vec::new())) }
    }

    fn pairs(
        &mut self,
        direction: Direction,
        fields: &mut Vec<Field>,
        options: &mut TcpOptions,
        data: &mut Option<Layer>,
    ) -> Result<()> {
        loop {
            if self.at('<') {
                *options = self.tcp_options(direction)?;
                continue;
            }
            let Some(word) = self.word_at(0).map(str::to_string) else { return Ok(()) };
            if !PAIRS.contains(&word.as_str()) {
                if !self.at_trailing_word(PAIRS) {
                    return Ok(());
                }
                let advice = suggest::advice(&word, PAIRS.iter().copied());
                return Err(Error::new(&self.here(), format!("`{word}` cannot stand here")).help(advice));
            }
            if word == "data" {
                *data = Some(self.data()?);
                continue;
            }
            let span = self.here();
            let field = self.pair(&word)?;
            if fields.iter().any(|f| f.name == field.name) {
                return Err(Error::new(&span, format!("`{word}` is said twice")));
            }
            fields.push(field);
        }
    }

    fn pair(&mut self, name: &str) -> Result<Field> {
        let start = self.here();
        self.advance();
        let (what, largest) = match name {
            "ack" => ("the TCP ack sequence number", LARGEST),
            "win" => ("the TCP window value", 0xffff),
            "urg" => ("the urgent pointer", 0xffff),
            "doff" => ("the data offset", 15),
            "reserved" => ("the reserved bits", 7),
            "sport" | "dport" => ("the port", 0xffff),
            _ => {
                let value = self.value()?;
                return Ok(Field { name: name.to_string(), value, span: self.span_from(&start) });
            }
        };
        let value = Value::Number(self.pattern_within(what, largest)?);
        Ok(Field { name: name.to_string(), value, span: self.span_from(&start) })
    }
}

/// The payload that `data` gives, if it is as long as the sequence numbers say.
fn checked_data(data: Layer, length: &Pattern) -> Result<Layer> {
    if let (LayerBody::Payload(Payload::Bytes(bytes)), Some(written)) = (&data.body, pattern_constant(length))
        && written != bytes.len() as i64
    {
        let message = format!("the sequence numbers say {written} bytes, but these are {}", bytes.len());
        return Err(Error::new(&data.span, message));
    }
    Ok(data)
}

/// Letters to bits. A digit is AccECN's ACE counter in the bits AE, CWR and ECE, and excludes their letters.
fn parse_flags(text: &str) -> std::result::Result<Flags, String> {
    let mut flags = Flags::default();
    let mut last = 0;
    let mut ecn_letters = false;
    for c in text.chars() {
        if c == '?' {
            flags.set &= !last;
            flags.open |= last;
            continue;
        }
        if let Some(ace) = c.to_digit(8) {
            if ecn_letters || flags.ace.is_some() {
                return Err(format!("conflicting TCP flag: `{c}`"));
            }
            flags.ace = Some(ace as u8);
            flags.set |= ((ace & 1) << 6 | (ace >> 1 & 1) << 7 | (ace >> 2) << 8) as u16;
            continue;
        }
        let Some((_, bit)) = FLAGS.iter().find(|(letter, _)| *letter == c) else {
            return Err(format!("`{c}` is not a TCP flag"));
        };
        if bit & 0x1c0 != 0 {
            if flags.ace.is_some() {
                return Err(format!("conflicting TCP flag: `{c}`"));
            }
            ecn_letters = true;
        }
        flags.set |= bit;
        last = *bit;
    }
    Ok(flags)
}
