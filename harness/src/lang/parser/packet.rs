//! Packets: directions, the sequence of layers, and the fields in brackets that any layer may have.

use super::super::ast::{
    Expr, Field, HeaderOption, Layer, LayerBody, LayerKind, Packet, Pattern, Payload, Value,
};
use super::super::lexer::Kind;
use super::super::names;
use super::super::source::{Error, Span};
use super::events::Direction;
use super::{Parser, Result, within};
use crate::suggest;

/// Words that begin a layer in our cases; `tcp` may be left out.
pub(super) const LAYERS: &[&str] = &[
    "ether", "vlan", "snap", "arp", "ip", "ip6", "hbh", "dst", "rt", "frag", "icmp", "icmp6", "udp", "tcp",
    "payload", "ipv4", "ipv6", "gre", "GREv0", "mpls", "encap", "dhcp", "dns",
];

/// The ones among them that packetdrill has.
const UPSTREAM_LAYERS: &[&str] = &["icmp", "udp", "ipv4", "ipv6", "gre", "GREv0", "mpls", "encap"];

/// More layers than any frame has room for.
const MOST_LAYERS: usize = 64;

impl Parser {
    /// Whether `<`, `>` or, in our cases, an interface in front of them comes next.
    pub(super) fn at_direction(&self) -> bool {
        let is_direction = |n| matches!(self.kind_at(n), Kind::Punct('<' | '>'));
        is_direction(0) || self.ours() && self.kind() == Kind::Word && is_direction(1)
    }

    /// `[interface] < layers` or `[interface] > layers`
    pub(super) fn directed_packet(&mut self) -> Result<(Direction, Packet)> {
        let interface = if self.kind() == Kind::Word { Some(self.advance().text) } else { None };
        let start = self.here();
        let direction = if self.eat('<') {
            Direction::Inbound
        } else {
            self.expect('>')?;
            Direction::Outbound
        };
        let layers = self.nested(|p| p.layers(direction))?;
        Ok((direction, Packet { interface, layers, span: self.span_from(&start) }))
    }

    /// All layers of a packet, from the outside in.
    pub(super) fn layers(&mut self, direction: Direction) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        loop {
            self.leading_fields(direction, &mut layers)?;
            let last = self.layer(direction, &mut layers)?;
            if layers.len() > MOST_LAYERS {
                return Err(Error::new(&self.here(), format!("a packet of more than {MOST_LAYERS} layers")));
            }
            let slash = self.ours() && self.eat('/');
            let more = slash || !last && !self.ours() || self.ours() && self.same_line() && self.at_layer();
            let more = more || !last && self.ours() && needs_more(&layers);
            if !more {
                return Ok(layers);
            }
        }
    }

    fn at_layer(&self) -> bool {
        let known = if self.ours() { LAYERS } else { UPSTREAM_LAYERS };
        self.word_at(0).is_some_and(|word| known.contains(&word)) || self.at_payload() || self.at('[')
    }

    /// `(20)` where a layer could stand.
    fn at_payload(&self) -> bool {
        self.ours() && self.at('(') && self.kind_at(1) != Kind::Word
    }

    /// One layer. Whether nothing can follow it without `/`.
    fn layer(&mut self, direction: Direction, layers: &mut Vec<Layer>) -> Result<bool> {
        let start = self.here();
        let name = self.word_at(0).unwrap_or_default().to_string();
        if !self.ours() && LAYERS.contains(&name.as_str()) && !UPSTREAM_LAYERS.contains(&name.as_str()) {
            self.extension(&format!("the layer `{name}`"))?;
        }
        match name.as_str() {
            "ipv4" | "ipv6" => layers.push(self.encapsulating_ip(&name, direction)?),
            "gre" | "GREv0" => layers.push(self.gre_layer()?),
            "mpls" => self.mpls_layers(layers)?,
            "encap" => layers.push(self.psp_layer()?),
            "udp" => {
                self.udp(layers)?;
                return Ok(true);
            }
            "icmp" | "icmp6" => {
                self.icmp(&name, direction, layers)?;
                return Ok(true);
            }
            "arp" => {
                layers.push(self.arp()?);
                return Ok(true);
            }
            "dhcp" => {
                layers.push(self.dhcp()?);
                return Ok(true);
            }
            "dns" => {
                self.dns(layers)?;
                return Ok(true);
            }
            "payload" => {
                self.advance();
                layers.push(self.payload(&start)?);
                return Ok(true);
            }
            _ if self.at_payload() => {
                layers.push(self.payload(&start)?);
                return Ok(true);
            }
            _ => match header(&name) {
                Some(kind) => self.header(kind, layers)?,
                None => {
                    self.tcp(direction, layers)?;
                    return Ok(true);
                }
            },
        }
        Ok(false)
    }

    /// `name[fields, options]`, with brackets or without.
    fn header(&mut self, kind: LayerKind, layers: &mut Vec<Layer>) -> Result<()> {
        let start = self.here();
        self.advance();
        let (mut fields, mut options) =
            if self.at('[') { self.attributes(kind)? } else { (Vec::new(), Vec::new()) };
        // `[id 7] ip payload (20)`: the fields in front belong to this header.
        if matches!(kind, LayerKind::Ipv4 | LayerKind::Ipv6)
            && let Some(leading) = layers.pop_if(|l| l.kind == LayerKind::Ip)
        {
            fields.splice(0..0, leading.fields);
            if let LayerBody::Options(leading) = leading.body {
                options.splice(0..0, leading);
            }
        }
        let body = if options.is_empty() { LayerBody::Plain } else { LayerBody::Options(options) };
        layers.push(Layer { kind, fields, body, span: self.span_from(&start) });
        Ok(())
    }

    /// `[ect0]`, `(tos 0x10)` and in our cases any fields of the IP header, in front of what it carries.
    fn leading_fields(&mut self, direction: Direction, layers: &mut Vec<Layer>) -> Result<()> {
        let parenthesis = self.at('(') && (!self.ours() || self.kind_at(1) == Kind::Word);
        if !self.at('[') && !parenthesis {
            return Ok(());
        }
        let start = self.here();
        let (fields, options) = if self.at('[') && self.ours() {
            self.attributes(LayerKind::Ip)?
        } else {
            (self.ip_info()?, Vec::new())
        };
        let span = self.span_from(&start);
        if fields.iter().any(|f| f.name == "ecn" && f.span.text() == "ect01")
            && direction == Direction::Inbound
        {
            return Err(Error::new(&span, "[ect01] can only be used with outbound packets"));
        }
        let body = if options.is_empty() { LayerBody::Plain } else { LayerBody::Options(options) };
        layers.push(Layer { kind: LayerKind::Ip, fields, body, span });
        Ok(())
    }

    /// Upstream's form: ECN or `tos`, then perhaps `flowlabel`; or one of `flowlabel` and `ttl`.
    pub(super) fn ip_info(&mut self) -> Result<Vec<Field>> {
        let close = if self.eat('[') { ']' } else { ')' };
        if close == ')' {
            self.expect('(')?;
        }
        let first = self.ip_info_field()?;
        let type_of_service = matches!(first.name.as_str(), "ecn" | "tos");
        let mut fields = vec![first];
        if type_of_service && self.eat(',') {
            if !self.at_word("flowlabel") {
                return Err(self.unexpected("`flowlabel`"));
            }
            fields.push(self.ip_info_field()?);
        }
        self.expect(close)?;
        Ok(fields)
    }

    fn ip_info_field(&mut self) -> Result<Field> {
        let start = self.here();
        if let Some(field) = self.ecn_field() {
            return Ok(field);
        }
        let what = "an IP field: noecn, ect0, ect1, ect01, ce, tos, flowlabel or ttl";
        let name = self.word(what)?;
        let number = match (name.as_str(), self.kind()) {
            ("tos", Kind::Hex(tos)) => within(tos, 0xff, "tos", &self.here()).map(|()| tos)?,
            ("flowlabel", Kind::Hex(label)) => {
                within(label, 0xf_ffff, "flowlabel", &self.here()).map(|()| label)?
            }
            ("ttl", Kind::Int(ttl)) => within(ttl, 0xff, "ttl", &self.here()).map(|()| ttl)?,
            ("tos" | "flowlabel", _) => return Err(self.unexpected("a hexadecimal number")),
            ("ttl", _) => return Err(self.unexpected("a number")),
            _ => return Err(Error::new(&start, format!("expected {what}, found `{name}`"))),
        };
        self.advance();
        let name = if name == "flowlabel" { "flow".to_string() } else { name };
        let value = Value::Number(Pattern::Is(Expr::Int(number)));
        Ok(Field { name, value, span: self.span_from(&start) })
    }

    /// `ect0` and its like, which are values of the field `ecn`.
    fn ecn_field(&mut self) -> Option<Field> {
        let value = match self.word_at(0)? {
            "noecn" => Pattern::Is(Expr::Int(0)),
            "ect1" => Pattern::Is(Expr::Int(1)),
            "ect0" => Pattern::Is(Expr::Int(2)),
            "ce" => Pattern::Is(Expr::Int(3)),
            "ect01" => Pattern::Range(Expr::Int(1), Expr::Int(2)),
            _ => return None,
        };
        let span = self.here();
        self.advance();
        Some(Field { name: "ecn".to_string(), value: Value::Number(value), span })
    }

    /// `[name value, name, option(…), …]`
    pub(super) fn attributes(&mut self, kind: LayerKind) -> Result<(Vec<Field>, Vec<HeaderOption>)> {
        self.expect('[')?;
        let (mut fields, mut options) = (Vec::new(), Vec::new());
        while !self.at(']') {
            let (name, _) = self.hyphenated_at(0).unwrap_or_default();
            if self.kind() == Kind::Ellipsis && !names::header_options(kind).is_empty() {
                let span = self.here();
                self.advance();
                options.push(HeaderOption::others(span));
            } else if names::header_options(kind).contains(&name.as_str()) {
                options.push(self.header_option()?);
            } else if let Some(field) = self.ecn_field() {
                fields.push(field);
            } else {
                fields.push(self.field()?);
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(']')?;
        Ok((fields, options))
    }

    /// `name value`, or `name` alone for 1.
    pub(super) fn field(&mut self) -> Result<Field> {
        let start = self.here();
        let mut name = self.hyphenated("a field's name")?;
        if name == "flowlabel" {
            name = "flow".to_string();
        }
        let alone = self.at(',') || self.at(']') || !self.same_line();
        let value = if alone { Value::Number(Pattern::Is(Expr::Int(1))) } else { self.value()? };
        Ok(Field { name, value, span: self.span_from(&start) })
    }

    /// What may be said of a field.
    pub(super) fn value(&mut self) -> Result<Value> {
        match self.kind() {
            Kind::Hex(_) if self.token().text.len() > 18 => Ok(Value::Bytes(self.hex_bytes()?)),
            Kind::String => Ok(Value::Bytes(self.string_bytes()?)),
            Kind::Ipv4 | Kind::Ipv6 | Kind::Mac => Ok(Value::Name(self.advance().text)),
            _ if self.at_pattern() => Ok(Value::Number(self.pattern("a value")?)),
            Kind::Word => Ok(match self.hyphenated("a value")?.as_str() {
                "bad" => Value::Bad,
                "good" => Value::Good,
                name => Value::Name(name.to_string()),
            }),
            _ => Err(self.unexpected(
                "a value: a number, `$x`, `(…)`, `*`, `A .. B`, `not N`, a name, an address or bytes",
            )),
        }
    }

    /// `0x…` as bytes, two digits each.
    pub(super) fn hex_bytes(&mut self) -> Result<Vec<u8>> {
        let span = self.here();
        let Kind::Hex(_) = self.kind() else { return Err(self.unexpected("bytes, as in `0x0102`")) };
        let text = self.advance().text;
        hex(&text[2..]).ok_or_else(|| {
            Error::new(&span, "an odd number of hex digits").help("a byte is two digits: `0x05` is one byte")
        })
    }

    /// `(N)`, `(N) "text"`, `(N) data 0x…`, `"text"` or `0x…`
    pub(super) fn payload(&mut self, start: &Span) -> Result<Layer> {
        let payload = match self.kind() {
            Kind::String => Payload::Bytes(self.string_bytes()?),
            Kind::Hex(_) => Payload::Bytes(self.hex_bytes()?),
            Kind::Punct('(') => self.payload_length()?,
            _ => return Err(self.unexpected("the payload: `(20)`, `\"text\"` or `0x…`")),
        };
        let span = self.span_from(start);
        Ok(Layer { kind: LayerKind::Payload, fields: Vec::new(), body: LayerBody::Payload(payload), span })
    }

    fn payload_length(&mut self) -> Result<Payload> {
        self.expect('(')?;
        let length = self.pattern_within("the payload's length", 0xffff)?;
        self.expect(')')?;
        let follows = self.ours() && self.same_line();
        let data = follows && self.eat_word("data");
        if !data && (!follows || self.kind() != Kind::String) {
            return Ok(Payload::Length(length));
        }
        let span = self.here();
        let bytes = if self.kind() == Kind::String { self.string_bytes()? } else { self.hex_bytes()? };
        match super::expr::pattern_constant(&length) {
            Some(written) if written != bytes.len() as i64 => {
                let message = format!("the payload has {} bytes, not {written}", bytes.len());
                Err(Error::new(&span, message))
            }
            _ => Ok(Payload::Bytes(bytes)),
        }
    }

    /// An error for a word that is neither a layer nor TCP flags.
    pub(super) fn unknown_layer(&self, word: &str, span: &Span, problem: String) -> Error {
        let known = if self.ours() { LAYERS } else { UPSTREAM_LAYERS };
        match suggest::nearest(word, known.iter().copied()).filter(|_| word.len() > 2) {
            Some(near) => {
                Error::new(span, format!("`{word}` is no layer")).help(format!("did you mean `{near}`?"))
            }
            None => Error::new(span, problem)
                .help("flags are letters of FSRPUEWA and `.` for ACK, or `-` for none"),
        }
    }
}

/// Whether something must follow: TCP behind fields of the IP header or an encapsulation.
fn needs_more(layers: &[Layer]) -> bool {
    layers
        .last()
        .is_some_and(|l| matches!(l.kind, LayerKind::Ip | LayerKind::Psp | LayerKind::Gre | LayerKind::Mpls))
}

/// The header that a keyword of ours begins, where brackets are all that can follow it.
fn header(name: &str) -> Option<LayerKind> {
    Some(match name {
        "ether" => LayerKind::Ether,
        "vlan" => LayerKind::Vlan,
        "snap" => LayerKind::Snap,
        "ip" => LayerKind::Ipv4,
        "ip6" => LayerKind::Ipv6,
        "hbh" => LayerKind::HopByHop,
        "dst" => LayerKind::DestinationOptions,
        "rt" => LayerKind::Routing,
        "frag" => LayerKind::Fragment,
        _ => return None,
    })
}

/// Hex digits as bytes.
pub(super) fn hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).ok()).collect()
}
