//! ICMP and ICMPv6 messages, and the packets that errors quote.

use super::super::ast::{Expr, Field, Layer, LayerBody, LayerKind, Pattern, Value};
use super::super::lexer::Kind;
use super::super::names;
use super::super::source::{Error, Span};
use super::events::Direction;
use super::{Parser, Result};
use crate::suggest;

/// Fields that may stand behind a message's name in our cases.
const FIELDS: &[&str] = &[
    "type",
    "code",
    "csum",
    "rest",
    "mtu",
    "id",
    "seq",
    "pointer",
    "gateway",
    "target",
    "dst",
    "unused",
    "length",
    "reserved",
    "router",
    "solicited",
    "override",
    "hlim",
    "managed",
    "other",
    "preference",
    "lifetime",
    "reachable",
    "retrans",
    "group",
    "delay",
    "records",
    "count",
    "size",
    "mask",
    "originate",
    "receive",
    "transmit",
    "data",
];

/// An ICMP header's bytes before what it carries.
const HEADER: i64 = 8;

fn number(name: &str, value: u8, span: &Span) -> Field {
    let value = Value::Number(Pattern::Is(Expr::Int(value.into())));
    Field { name: name.to_string(), value, span: span.clone() }
}

fn name(name: &str, value: &str, span: &Span) -> Field {
    Field { name: name.to_string(), value: Value::Name(value.to_string()), span: span.clone() }
}

impl Parser {
    /// `icmp …` or `icmp6 …`, and what follows in the same message.
    pub(super) fn icmp(
        &mut self,
        keyword: &str,
        direction: Direction,
        layers: &mut Vec<Layer>,
    ) -> Result<()> {
        let start = self.here();
        self.advance();
        if !self.ours() {
            return self.upstream_icmp(direction, &start, layers);
        }
        let mut kind = if keyword == "icmp6" { LayerKind::Icmpv6 } else { LayerKind::Icmpv4 };
        let mut fields = Vec::new();
        let mut body = LayerBody::Plain;
        if self.at('[') {
            let (found, options) = self.attributes(kind)?;
            fields = found;
            if !options.is_empty() {
                body = LayerBody::Options(options);
            }
        } else if !(self.at_word("type") && self.kind_at(1) != Kind::Punct('[')) {
            kind = self.message_name(kind, &mut fields)?;
        }
        let mut payload = None;
        while self.same_line() {
            match self.kind() {
                Kind::Word if !self.at_trailing_word(FIELDS) => break,
                Kind::Word if self.at_word("data") => payload = Some(self.data()?),
                Kind::Word => fields.push(self.icmp_field(kind, &fields)?),
                Kind::Punct('[') if body == LayerBody::Plain => body = self.quote_or_options(kind)?,
                Kind::Punct('(') if payload.is_none() => {
                    let start = self.here();
                    payload = Some(self.payload(&start)?);
                }
                _ => break,
            }
        }
        layers.push(Layer { kind, fields, body, span: self.span_from(&start) });
        layers.extend(payload);
        Ok(())
    }

    /// The message's name and its code's. Names that both versions have mean the run's version; others are numbers.
    fn message_name(&mut self, kind: LayerKind, fields: &mut Vec<Field>) -> Result<LayerKind> {
        let v6 = kind == LayerKind::Icmpv6;
        let span = self.here();
        let message = self.word("a message's name, as in `icmp unreachable port`, or `type N`")?;
        if names::icmp_type_code(v6, &message, None).is_none() {
            let error = Error::new(&span, format!("`{message}` is not a message of {}", version(v6)));
            return Err(error.help(suggest::advice(&message, names::icmp_types(v6))));
        }
        let code_span = self.here();
        let is_code = |word: &&str| self.at_trailing_word(FIELDS) && !FIELDS.contains(word);
        let code = self.word_at(0).filter(is_code).map(str::to_string);
        if code.is_some() {
            self.advance();
        }
        let Some((type_number, code_number)) = names::icmp_type_code(v6, &message, code.as_deref()) else {
            let code = code.unwrap_or_default();
            let known = names::icmp_codes(v6, &message);
            let error =
                Error::new(&code_span, format!("`{code}` is neither a code of `{message}` nor a field"));
            return Err(error.help(suggest::advice(&code, known.into_iter().chain(FIELDS.iter().copied()))));
        };
        if !v6 && names::icmp_type_code(true, &message, code.as_deref()).is_some() {
            fields.push(name("type_name", &message, &span));
            fields.extend(code.map(|code| name("code_name", &code, &code_span)));
            return Ok(LayerKind::Icmp);
        }
        fields.push(number("type", type_number, &span));
        fields.extend(code_number.map(|code| number("code", code, &code_span)));
        Ok(kind)
    }

    fn icmp_field(&mut self, kind: LayerKind, before: &[Field]) -> Result<Field> {
        let word = self.token().text.clone();
        if !FIELDS.contains(&word.as_str()) {
            let advice = suggest::advice(&word, FIELDS.iter().copied());
            return Err(Error::new(&self.here(), format!("`{word}` is not a field of {kind:?}")).help(advice));
        }
        if before.iter().any(|f| f.name == word) {
            return Err(Error::new(&self.here(), format!("`{word}` is said twice")));
        }
        // A flag: the next field or what is carried follows at once.
        let span = self.here();
        if self.word_at(1).is_some_and(|next| FIELDS.contains(&next)) || self.kind_at(1) == Kind::Punct('[') {
            self.advance();
            return Ok(number(&word, 1, &span));
        }
        self.field()
    }

    /// Brackets behind a message: options of neighbour discovery, or the packet that an error quotes.
    fn quote_or_options(&mut self, kind: LayerKind) -> Result<LayerBody> {
        let named = self.word_at(1).is_some_and(|word| names::header_options(kind).contains(&word));
        let is_option = named || self.kind_at(1) == Kind::Ellipsis;
        if !is_option {
            return Ok(LayerBody::Quote(self.quote()?));
        }
        let start = self.here();
        let (fields, options) = self.attributes(kind)?;
        if let Some(field) = fields.first() {
            let span = if field.span.text().is_empty() { &start } else { &field.span };
            return Err(
                Error::new(span, "a field among options").help("fields stand in front of the brackets")
            );
        }
        Ok(LayerBody::Options(options))
    }

    /// `[packet]`, from its IP header inwards.
    fn quote(&mut self) -> Result<Vec<Layer>> {
        self.expect('[')?;
        let outer = std::mem::replace(&mut self.quoting, true);
        let layers = self.nested(|p| p.layers(Direction::Outbound))?;
        self.quoting = outer;
        self.expect(']')?;
        Ok(layers)
    }

    /// `icmp TYPE [CODE] [mtu N] [id N] [quote]`, which quotes a segment even where none is written.
    fn upstream_icmp(&mut self, direction: Direction, start: &Span, layers: &mut Vec<Layer>) -> Result<()> {
        let span = self.here();
        let message = self.word("the ICMP message's type")?;
        let known = |v6| names::icmp_type_code(v6, &message, None).is_some();
        if !known(false) && !known(true) {
            let advice = suggest::advice(
                &message,
                names::icmp_types(false).into_iter().chain(names::icmp_types(true)),
            );
            return Err(Error::new(&span, format!("bad ICMP type {message}")).help(advice));
        }
        let mut fields = vec![name("type_name", &message, &span)];
        let code_span = self.here();
        let mut code = None;
        if self.kind() == Kind::Word && !self.at_word("mtu") && !self.at_word("id") {
            let word = self.advance().text;
            let fits = |v6| names::icmp_type_code(v6, &message, Some(&word)).is_some();
            if !fits(false) && !fits(true) {
                let known =
                    names::icmp_codes(false, &message).into_iter().chain(names::icmp_codes(true, &message));
                let error = Error::new(&code_span, format!("bad ICMP code {word}"));
                return Err(error.help(suggest::advice(&word, known)));
            }
            fields.push(name("code_name", &word, &code_span));
            code = Some(word);
        }
        let takes_mtu =
            message == "packet_too_big" || message == "unreachable" && code.as_deref() == Some("frag_needed");
        let largest_mtu = if code.is_some() { 0xffff } else { i64::from(u32::MAX) };
        for (field, largest) in [("mtu", largest_mtu), ("id", 0xffff)] {
            if !self.at_word(field) {
                continue;
            }
            let start = self.here();
            self.advance();
            if field == "mtu" && !takes_mtu {
                let help = "it belongs to `unreachable frag_needed` and `packet_too_big`";
                return Err(Error::new(&start, "this message has no MTU").help(help));
            }
            let value = self.int_within(field, largest)?;
            let value = Value::Number(Pattern::Is(Expr::Int(value)));
            fields.push(Field { name: field.to_string(), value, span: self.span_from(&start) });
        }
        let (body, payload) = self.upstream_quote(direction)?;
        layers.push(Layer { kind: LayerKind::Icmp, fields, body, span: self.span_from(start) });
        layers.extend(payload);
        Ok(())
    }

    /// `[udp (N)]`, `[1:1001(1000)]`, `[raw (N)]` or nothing, which is a segment without payload at 0.
    fn upstream_quote(&mut self, _direction: Direction) -> Result<(LayerBody, Option<Layer>)> {
        let start = self.here();
        if !self.at('[') {
            let (fields, end) = (vec![number("seq", 0, &start)], Some(Pattern::Is(Expr::Int(0))));
            let (flags, options) = (Default::default(), super::super::ast::TcpOptions::Any);
            let body = LayerBody::Tcp { flags, options, end };
            let segment = Layer { kind: LayerKind::Tcp, fields, body, span: start };
            return Ok((LayerBody::Quote(vec![segment]), None));
        }
        if self.word_at(1) != Some("raw") {
            return Ok((LayerBody::Quote(self.quote()?), None));
        }
        self.pos += 2;
        self.expect('(')?;
        let span = self.here();
        let length = self.int("the ICMP message's length")?;
        self.expect(')')?;
        self.expect(']')?;
        if !(HEADER..=0xffff).contains(&length) {
            let error = Error::new(&span, format!("an ICMP message of {length} bytes"));
            return Err(error.help(format!("it has at least the {HEADER} bytes of its header")));
        }
        let payload = Parser::length_layer(Pattern::Is(Expr::Int(length - HEADER)), self.span_from(&start));
        Ok((LayerBody::Plain, Some(payload)))
    }
}

fn version(v6: bool) -> &'static str {
    if v6 { "ICMPv6" } else { "ICMP" }
}
