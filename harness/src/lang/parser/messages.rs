//! DHCP and DNS messages.

use super::super::ast::{Layer, LayerBody, LayerKind, Payload};
use super::super::lexer::Kind;
use super::super::messages::{
    DHCP_MESSAGES, DHCP_OPTIONS, DNS_SECTIONS, DNS_TYPES, DhcpBody, DhcpOption, DnsBody, DnsData, DnsRecord,
    OptionValue, Piece, dns_type,
};
use super::super::source::Error;
use super::{Parser, Result};
use crate::suggest;

/// How long a record lives that does not say it, in seconds.
const DEFAULT_TTL: u32 = 3600;

/// DHCP.
impl Parser {
    /// `dhcp offer [field value, option value, no option, file[option, …]]`
    pub(super) fn dhcp(&mut self) -> Result<Layer> {
        let start = self.here();
        self.advance();
        let mut body = DhcpBody::default();
        let mut fields = Vec::new();
        let word = self.word_at(0).filter(|_| self.same_line()).map(str::to_string);
        if let Some(word) = word {
            let message = DHCP_MESSAGES.iter().find(|(name, _)| *name == word);
            let Some((_, number)) = message else {
                let error = Error::new(&self.here(), format!("`{word}` is no DHCP message"));
                return Err(error.help(suggest::advice(&word, DHCP_MESSAGES.iter().map(|(name, _)| *name))));
            };
            body.message = Some(*number);
            self.advance();
        }
        if self.same_line() && self.eat('[') {
            while !self.at(']') {
                match self.word_at(0) {
                    Some("file") if self.kind_at(1) == Kind::Punct('[') => {
                        body.file = self.nested_options()?
                    }
                    Some("sname") if self.kind_at(1) == Kind::Punct('[') => {
                        body.sname = self.nested_options()?
                    }
                    _ if self.at_dhcp_option() => body.options.push(self.dhcp_option()?),
                    _ => fields.push(self.field()?),
                }
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(']')?;
        }
        let span = self.span_from(&start);
        Ok(Layer { kind: LayerKind::Dhcp, fields, body: LayerBody::Dhcp(Box::new(body)), span })
    }

    /// `file[option, …]`
    fn nested_options(&mut self) -> Result<Vec<DhcpOption>> {
        self.advance();
        self.expect('[')?;
        let mut options = Vec::new();
        while !self.at(']') {
            options.push(self.dhcp_option()?);
            if !self.eat(',') {
                break;
            }
        }
        self.expect(']')?;
        Ok(options)
    }

    fn at_dhcp_option(&self) -> bool {
        let (name, _) = self.hyphenated_at(0).unwrap_or_default();
        matches!(name.as_str(), "no" | "opt") || DHCP_OPTIONS.iter().any(|(n, ..)| *n == name)
    }

    fn dhcp_option(&mut self) -> Result<DhcpOption> {
        let start = self.here();
        let absent = self.eat_word("no");
        let name = self.hyphenated("an option's name")?;
        let code = match DHCP_OPTIONS.iter().find(|(n, ..)| *n == name) {
            Some((_, code, _)) => *code,
            None if name == "opt" => self.byte("the option's code")?,
            None => {
                let error = Error::new(&self.span_from(&start), format!("`{name}` is no DHCP option"));
                let known = DHCP_OPTIONS.iter().map(|(n, ..)| *n).chain(["opt"]);
                return Err(error.help(suggest::advice(&name, known)));
            }
        };
        let length = if self.eat_word("len") { Some(self.byte("the option's length")?) } else { None };
        let value = match self.kind() {
            Kind::Punct(',' | ']') => OptionValue::Nothing,
            Kind::Punct('(') => OptionValue::Pieces(self.pieces()?),
            Kind::Hex(_) if self.token().text.len() > 18 => OptionValue::Pieces(vec![self.piece()?]),
            _ if self.at_pattern() => OptionValue::Number(self.pattern("the option's value")?),
            _ => OptionValue::Pieces(vec![self.piece()?]),
        };
        Ok(DhcpOption { code, absent, length, value, span: self.span_from(&start) })
    }

    /// `(1, 3, 6)`, `(192.0.2.2, router)`, `("text")`
    fn pieces(&mut self) -> Result<Vec<Piece>> {
        self.expect('(')?;
        let mut pieces = Vec::new();
        while !self.at(')') {
            pieces.push(self.piece()?);
            if !self.eat(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(pieces)
    }

    fn piece(&mut self) -> Result<Piece> {
        match self.kind() {
            Kind::Int(_) => Ok(Piece::Bytes(vec![self.byte("a byte")?])),
            Kind::Word => Ok(Piece::Name(self.advance().text)),
            _ => Ok(Piece::Bytes(self.option_part()?)),
        }
    }
}

/// DNS.
impl Parser {
    /// `dns query A? "example.com" [field value]`, `dns response [answer "example.com" A 192.0.2.7 ttl 60, …]`; behind a
    /// TCP segment it takes the place of the payload whose length the segment says.
    pub(super) fn dns(&mut self, layers: &mut Vec<Layer>) -> Result<()> {
        let start = self.here();
        self.advance();
        let response = match self.word_at(0) {
            Some("query") => false,
            Some("response") => true,
            _ => return Err(self.unexpected("`query` or `response`")),
        };
        self.advance();
        let mut body = DnsBody { response, ..DnsBody::default() };
        if self.same_line() && self.kind() == Kind::Word {
            let kind = self.record_type()?;
            self.expect('?')?;
            body.question = Some((self.domain()?, kind));
        }
        let mut fields = Vec::new();
        if self.same_line() && self.eat('[') {
            while !self.at(']') {
                match self.word_at(0).and_then(|word| DNS_SECTIONS.iter().position(|s| *s == word)) {
                    Some(section) => body.records.push(self.record(section)?),
                    None if self.eat_word("unframed") => body.unframed = true,
                    None => fields.push(self.field()?),
                }
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(']')?;
        }
        let segment = |layer: &Layer| layer.kind == LayerKind::Tcp;
        let counted = |layer: &Layer| matches!(layer.body, LayerBody::Payload(Payload::Length(_)));
        if layers.len() >= 2 && segment(&layers[layers.len() - 2]) {
            layers.pop_if(|layer| counted(layer));
        }
        let span = self.span_from(&start);
        layers.push(Layer { kind: LayerKind::Dns, fields, body: LayerBody::Dns(Box::new(body)), span });
        Ok(())
    }

    fn record_type(&mut self) -> Result<u16> {
        let span = self.here();
        let word = self.word("a record's type: A, AAAA, CNAME, PTR, SOA, TYPE65280 …")?;
        dns_type(&word).ok_or_else(|| {
            let error = Error::new(&span, format!("`{word}` is no type of records"));
            error.help(suggest::advice(&word, DNS_TYPES.iter().map(|(name, _)| *name)))
        })
    }

    /// A name in double quotes.
    fn domain(&mut self) -> Result<String> {
        let span = self.here();
        let bytes = self.string_bytes()?;
        String::from_utf8(bytes).map_err(|_| Error::new(&span, "a name is text"))
    }

    fn record(&mut self, section: usize) -> Result<DnsRecord> {
        let start = self.here();
        self.advance();
        let name = self.domain()?;
        let kind = self.record_type()?;
        let data = match self.kind() {
            Kind::Hex(_) => DnsData::Bytes(self.hex_bytes()?),
            Kind::Int(_) => {
                DnsData::Minimum(self.int_within("SOA's minimum", u32::MAX.into())?.unsigned_abs() as u32)
            }
            Kind::String => DnsData::Name(self.domain()?),
            Kind::Ipv4 | Kind::Ipv6 | Kind::Word => DnsData::Address(self.advance().text),
            _ => return Err(self.unexpected("what the record says: an address, a name, a number or bytes")),
        };
        let mut record = DnsRecord {
            section,
            name,
            kind,
            class: 1,
            ttl: DEFAULT_TTL,
            data,
            length: None,
            span: start.clone(),
        };
        loop {
            if self.eat_word("ttl") {
                record.ttl = self.int_within("the time to live", u32::MAX.into())? as u32;
            } else if self.eat_word("class") {
                record.class = self.int_within("the class", 0xffff)? as u16;
            } else if self.eat_word("len") {
                record.length = Some(self.int_within("the length", 0xffff)? as u16);
            } else {
                record.span = self.span_from(&start);
                return Ok(record);
            }
        }
    }
}
