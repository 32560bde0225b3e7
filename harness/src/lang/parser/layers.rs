//! Layers with a form of their own: encapsulations as upstream writes them, ARP, UDP, options of IP headers.

use super::super::ast::{Expr, Field, HeaderOption, Layer, LayerBody, LayerKind, Pattern, Payload, Value};
use super::super::lexer::Kind;
use super::super::names;
use super::super::source::{Error, Span};
use super::events::Direction;
use super::packet::LAYERS;
use super::{Parser, Result, within};
use crate::suggest;

/// Fields that may stand behind `udp 4000 > 7 (10)`.
const UDP_FIELDS: &[&str] = &["csum", "len", "sport", "dport"];

fn number(name: &str, value: i64, span: Span) -> Field {
    Field { name: name.to_string(), value: Value::Number(Pattern::Is(Expr::Int(value))), span }
}

/// What upstream has.
impl Parser {
    /// `ipv4 A > B:`, with fields in brackets perhaps.
    pub(super) fn encapsulating_ip(&mut self, name: &str, direction: Direction) -> Result<Layer> {
        let start = self.here();
        self.advance();
        let (kind, address) =
            if name == "ipv4" { (LayerKind::Ipv4, Kind::Ipv4) } else { (LayerKind::Ipv6, Kind::Ipv6) };
        let mut fields = if self.at('[') || self.at('(') { self.ip_info()? } else { Vec::new() };
        if direction == Direction::Inbound && fields.iter().any(|f| f.span.text() == "ect01") {
            return Err(Error::new(
                &self.span_from(&start),
                "[ect01] can only be used with outbound packets",
            ));
        }
        for name in ["src", "dst"] {
            if name == "dst" {
                self.expect('>')?;
            }
            let span = self.here();
            if self.kind() != address {
                return Err(self.unexpected(if address == Kind::Ipv4 {
                    "an IPv4 address"
                } else {
                    "an IPv6 address"
                }));
            }
            let text = self.advance().text;
            if text.parse::<std::net::IpAddr>().is_err() {
                return Err(Error::new(&span, format!("`{text}` is no address")));
            }
            fields.push(Field { name: name.to_string(), value: Value::Name(text), span });
        }
        self.expect(':')?;
        Ok(Layer { kind, fields, body: LayerBody::Plain, span: self.span_from(&start) })
    }

    /// `gre:` or `gre flags …, sum …, off …, key …, seq …:`
    pub(super) fn gre_layer(&mut self) -> Result<Layer> {
        let start = self.here();
        self.advance();
        let mut fields = Vec::new();
        if !self.at(':') {
            self.eat(',');
            fields = self.gre_fields()?;
        }
        self.expect(':')?;
        Ok(Layer { kind: LayerKind::Gre, fields, body: LayerBody::Plain, span: self.span_from(&start) })
    }

    /// The five fields of a GRE header, in their order.
    pub(super) fn gre_fields(&mut self) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        for (name, largest) in
            [("flags", 0xffff), ("sum", 0xffff), ("off", 0xffff), ("key", 0xffff_ffff), ("seq", 0xffff_ffff)]
        {
            if name != "flags" {
                self.eat(',');
            }
            let start = self.here();
            if !(self.eat_word(name) || name == "flags" && self.eat_word("Flags")) {
                return Err(self.unexpected(&format!("`{name}`")));
            }
            if name == "key" {
                self.eat('=');
            }
            let value = if name == "flags" && self.eat('[') {
                self.gre_flags()?
            } else {
                self.int_within(name, largest)?
            };
            fields.push(number(name, value, self.span_from(&start)));
        }
        Ok(fields)
    }

    /// `none`, `checksum present`, `key present`, `sequence# present`, separated by commas (RFC 2784, RFC 2890).
    fn gre_flags(&mut self) -> Result<i64> {
        let mut flags = 0;
        loop {
            let flag = match self.word_at(0) {
                Some("none") => 0,
                Some("checksum") => 0x8000,
                Some("key") => 0x2000,
                Some("sequence") => 0x1000,
                _ => {
                    return Err(
                        self.unexpected("`none`, `checksum present`, `key present` or `sequence# present`")
                    );
                }
            };
            self.advance();
            if flag == 0x1000 {
                self.expect('#')?;
            }
            if flag != 0 {
                self.expect_word("present")?;
            }
            flags |= flag;
            if !self.eat(',') {
                self.expect(']')?;
                return Ok(flags);
            }
        }
    }

    /// `mpls (label 5, tc 0, [S], ttl 64) …:`
    pub(super) fn mpls_layers(&mut self, layers: &mut Vec<Layer>) -> Result<()> {
        self.advance();
        layers.extend(self.mpls_stack()?);
        self.expect(':')
    }

    /// Label stack entries.
    pub(super) fn mpls_stack(&mut self) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        while self.at('(') {
            let start = self.here();
            self.advance();
            let mut fields = vec![self.mpls_field("label", 0xf_ffff)?];
            self.expect(',')?;
            fields.push(self.mpls_field("tc", 7)?);
            self.expect(',')?;
            let bottom = self.here();
            let is_bottom = self.eat('[');
            if is_bottom {
                self.expect_word("S")?;
                self.expect(']')?;
                self.expect(',')?;
            }
            fields.push(number("s", is_bottom.into(), bottom));
            fields.push(self.mpls_field("ttl", 0xff)?);
            self.expect(')')?;
            layers.push(Layer {
                kind: LayerKind::Mpls,
                fields,
                body: LayerBody::Plain,
                span: self.span_from(&start),
            });
        }
        Ok(layers)
    }

    fn mpls_field(&mut self, name: &str, largest: i64) -> Result<Field> {
        let start = self.here();
        self.expect_word(name)?;
        let value = self.int_within(name, largest)?;
        Ok(number(name, value, self.span_from(&start)))
    }

    /// `encap psp spi N`
    pub(super) fn psp_layer(&mut self) -> Result<Layer> {
        let start = self.here();
        self.advance();
        self.expect_word("psp")?;
        self.expect_word("spi")?;
        let spi = self.int_within("spi", 0xffff_ffff)?;
        let span = self.span_from(&start);
        Ok(Layer {
            kind: LayerKind::Psp,
            fields: vec![number("spi", spi, span.clone())],
            body: LayerBody::Plain,
            span,
        })
    }

    /// `4000 > 7` in front of a segment or a datagram.
    pub(super) fn ports(&mut self, fields: &mut Vec<Field>) -> Result<()> {
        let wild = self.ours() && (self.at('$') || self.at('*'));
        if !matches!(self.kind(), Kind::Int(_)) && !wild || self.kind_at(1) == Kind::Punct(':') {
            return Ok(());
        }
        for name in ["sport", "dport"] {
            let start = self.here();
            let what = if name == "sport" { "the source port" } else { "the destination port" };
            let value = Value::Number(self.pattern_within(what, 0xffff)?);
            fields.push(Field { name: name.to_string(), value, span: self.span_from(&start) });
            if name == "sport" {
                self.expect('>')?;
            }
        }
        Ok(())
    }

    /// `udp 4000 > 7 (10)`, in our cases with fields in brackets or behind.
    pub(super) fn udp(&mut self, layers: &mut Vec<Layer>) -> Result<()> {
        let ecn = layers
            .last()
            .is_some_and(|l| l.kind == LayerKind::Ip && l.fields.iter().any(|f| f.name == "ecn"));
        if ecn && !self.ours() {
            return Err(Error::new(&self.here(), "ECN can only be used with TCP packets"));
        }
        let start = self.here();
        self.advance();
        let mut fields =
            if self.ours() && self.at('[') { self.attributes(LayerKind::Udp)?.0 } else { Vec::new() };
        self.ports(&mut fields)?;
        let mut payload = None;
        if self.at('(') {
            let start = self.here();
            payload = Some(self.payload(&start)?);
        } else if !self.ours() {
            return Err(self.unexpected("the payload's length in parentheses"));
        }
        self.trailing_fields(UDP_FIELDS, &mut fields, &mut payload)?;
        layers.push(Layer {
            kind: LayerKind::Udp,
            fields,
            body: LayerBody::Plain,
            span: self.span_from(&start),
        });
        layers.extend(payload);
        Ok(())
    }
}

/// What upstream does not have.
impl Parser {
    /// `csum bad`, `data "text"` and so on, up to the end of the line or to what cannot be one.
    fn trailing_fields(
        &mut self,
        known: &[&str],
        fields: &mut Vec<Field>,
        payload: &mut Option<Layer>,
    ) -> Result<()> {
        while self.ours() && self.at_trailing_word(known) {
            let word = self.token().text.clone();
            if known.contains(&word.as_str()) {
                fields.push(self.field()?);
            } else if word == "data" {
                *payload = Some(self.data()?);
            } else {
                let advice = suggest::advice(&word, known.iter().copied().chain(["data"]));
                return Err(Error::new(&self.here(), format!("`{word}` cannot stand here")).help(advice));
            }
        }
        Ok(())
    }

    /// Whether a word follows on the same line that belongs to this layer, not to the next one or to the next packet in
    /// braces.
    pub(super) fn at_trailing_word(&self, known: &[&str]) -> bool {
        let Some(word) = self.word_at(0).filter(|_| self.same_line() && !self.at_direction()) else {
            return false;
        };
        // Behind an injected packet the twin may go on.
        let twin = word == "red" && self.word_at(1) == Some("at");
        known.contains(&word) || word != "nothing" && !twin && !LAYERS.contains(&word)
    }

    /// `data "text"` or `data 0x…`
    pub(super) fn data(&mut self) -> Result<Layer> {
        let start = self.here();
        self.expect_word("data")?;
        if self.at('(') {
            return Err(self.unexpected("the bytes: `\"text\"` or `0x…`"));
        }
        self.payload(&start)
    }

    /// `arp who-has T tell S`, `arp reply S is-at M`, fields in brackets behind either, or fields alone.
    pub(super) fn arp(&mut self) -> Result<Layer> {
        let start = self.here();
        self.advance();
        let mut fields = Vec::new();
        let (operation, _) = self.hyphenated_at(0).unwrap_or_default();
        let form = match operation.as_str() {
            "who-has" => Some((1, "tpa", "tell", "spa")),
            "reply" => Some((2, "spa", "is-at", "sha")),
            _ => None,
        };
        if let Some((op, first, word, second)) = form {
            let span = self.here();
            self.hyphenated("who-has or reply")?;
            fields.push(number("op", op, self.span_from(&span)));
            fields.push(self.named_value(first)?);
            let found = self.hyphenated_at(0).unwrap_or_default();
            if found.0 != word {
                return Err(self.unexpected(&format!("`{word}`")));
            }
            self.pos += found.1;
            fields.push(self.named_value(second)?);
        } else if !self.at('[') {
            return Err(self.unexpected("`who-has A tell B`, `reply A is-at M` or fields in brackets"));
        }
        if self.at('[') && (form.is_none() || self.same_line()) {
            fields.extend(self.attributes(LayerKind::Arp)?.0);
        }
        Ok(Layer { kind: LayerKind::Arp, fields, body: LayerBody::Plain, span: self.span_from(&start) })
    }

    fn named_value(&mut self, name: &str) -> Result<Field> {
        let start = self.here();
        let value = self.value()?;
        Ok(Field { name: name.to_string(), value, span: self.span_from(&start) })
    }

    /// `NAME`, `opt KIND`, then perhaps `len N`, then perhaps the content: `(4)` zeros, bytes or addresses.
    pub(super) fn header_option(&mut self) -> Result<HeaderOption> {
        let start = self.here();
        let name = self.hyphenated("an option's name")?;
        let numbered = matches!(name.as_str(), "opt" | "raw");
        let kind = if numbered { Some(self.byte("the option's kind")?) } else { None };
        let length = if self.eat_word("len") { Some(self.byte("the option's length")?) } else { None };
        let (mut address, mut open) = (None, false);
        let data = match self.kind() {
            Kind::Punct('(') => {
                self.advance();
                let data = self.option_content()?;
                open = self.eat('*');
                self.expect(')')?;
                data
            }
            Kind::Int(value) => {
                let width = names::option_width(&name);
                within(value, (1i64 << (8 * width)) - 1, "the option's value", &self.here())?;
                self.advance();
                value.to_be_bytes()[8 - width..].to_vec()
            }
            Kind::Hex(_) | Kind::String | Kind::Ipv4 | Kind::Ipv6 | Kind::Mac => self.option_part()?,
            Kind::Word => {
                address = Some(self.advance().text);
                Vec::new()
            }
            _ => Vec::new(),
        };
        Ok(HeaderOption { name, kind, length, address, data, open, span: self.span_from(&start) })
    }

    /// A number of zeros, or bytes and addresses one after the other.
    fn option_content(&mut self) -> Result<Vec<u8>> {
        if let Kind::Int(zeros) = self.kind() {
            within(zeros, 0xff, "the number of zeros", &self.here())?;
            self.advance();
            return Ok(vec![0; zeros as usize]);
        }
        let mut data = Vec::new();
        while !self.at(')') && !self.at('*') {
            data.extend(self.option_part()?);
            if !self.eat(',') {
                break;
            }
        }
        Ok(data)
    }

    /// Bytes, text or an address.
    pub(super) fn option_part(&mut self) -> Result<Vec<u8>> {
        let span = self.here();
        let text = self.token().text.clone();
        let bytes = match self.kind() {
            Kind::Hex(_) => return self.hex_bytes(),
            Kind::String => return self.string_bytes(),
            Kind::Ipv4 => text.parse().ok().map(|a: std::net::Ipv4Addr| a.octets().to_vec()),
            Kind::Ipv6 => text.parse().ok().map(|a: std::net::Ipv6Addr| a.octets().to_vec()),
            Kind::Mac => super::packet::hex(&text.replace(':', "")),
            _ => return Err(self.unexpected("the option's content: a number of zeros, bytes or addresses")),
        };
        self.advance();
        bytes.ok_or_else(|| Error::new(&span, format!("`{text}` is no address")))
    }

    /// A number from 0 to 255.
    pub(super) fn byte(&mut self, what: &str) -> Result<u8> {
        Ok(self.int_within(what, 0xff)? as u8)
    }

    /// A layer that is only a payload of so many bytes.
    pub(super) fn length_layer(length: Pattern, span: Span) -> Layer {
        let body = LayerBody::Payload(Payload::Length(length));
        Layer { kind: LayerKind::Payload, fields: Vec::new(), body, span }
    }
}
