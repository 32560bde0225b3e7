//! Calls: arguments, results, error names.

use super::super::ast::{Argument, CallSpec, Expr, Pattern};
use super::super::lexer::Kind;
use super::super::source::Error;
use super::{Parser, Result};

impl Parser {
    /// `[...END] name(arguments) = result [ERRNO (note)] [(note)]`
    pub(super) fn call(&mut self) -> Result<CallSpec> {
        let mut end = None;
        if self.kind() == Kind::Ellipsis {
            self.advance();
            let earliest = self.seconds("the time at which the call returns")?;
            let range = self.ours() && self.eat('~');
            let latest = if range { self.seconds("the latest time")? } else { earliest };
            end = Some((earliest, latest.max(earliest)));
        }
        let span = self.here();
        let name = self.word("a call's name")?;
        if !self.at('(') {
            return Err(self.unexpected("`(` and the call's arguments"));
        }
        self.advance();
        let arguments = self.arguments(')')?;
        if !self.at('=') {
            return Err(self
                .unexpected("`=` and the call's result")
                .help("every call says what it returns: `= 0`, `= *`"));
        }
        self.advance();
        let result = self.argument()?;
        let errno = self.errno()?;
        if self.at('(') {
            self.note()?;
        }
        Ok(CallSpec { name, arguments, end, result, errno, span })
    }

    /// The error's name; packetdrill wants its description behind it.
    fn errno(&mut self) -> Result<Option<String>> {
        if self.kind() != Kind::Word || self.ours() && !self.same_line() {
            return Ok(None);
        }
        let name = self.advance().text;
        if self.at('(') {
            self.note()?;
        } else if !self.ours() {
            return Err(self.unexpected("the error's description in parentheses"));
        }
        Ok(Some(name))
    }

    /// `(some words)`
    fn note(&mut self) -> Result<()> {
        self.expect('(')?;
        if self.kind() != Kind::Word {
            return Err(self.unexpected("a note in words"));
        }
        while !self.at(')') {
            let readable = match self.kind() {
                Kind::Word => true,
                Kind::End => false,
                _ => self.ours() && self.same_line(),
            };
            if !readable {
                return Err(self.unexpected("`)`"));
            }
            self.advance();
        }
        self.expect(')')
    }

    /// Arguments up to the closing bracket, which is taken too.
    pub(super) fn arguments(&mut self, close: char) -> Result<Vec<Argument>> {
        let mut arguments = Vec::new();
        if self.eat(close) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if self.eat(close) {
                return Ok(arguments);
            }
            if !self.eat(',') {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
    }

    /// One expression: `A | B` and `NAME = value` bind to the right.
    pub(super) fn argument(&mut self) -> Result<Argument> {
        self.nested(|p| {
            if p.kind() == Kind::Word && p.kind_at(1) == Kind::Punct('=') {
                let name = p.advance().text;
                p.advance();
                return Ok(Argument::Assign(name, Box::new(p.argument()?)));
            }
            let left = p.simple_argument()?;
            if p.eat('|') { Ok(Argument::Or(Box::new(left), Box::new(p.argument()?))) } else { Ok(left) }
        })
    }

    fn simple_argument(&mut self) -> Result<Argument> {
        match self.kind() {
            Kind::Ellipsis => {
                self.advance();
                Ok(Argument::Ellipsis)
            }
            Kind::Int(_) | Kind::Hex(_) if !self.ours() => {
                Ok(Argument::Number(Expr::Int(self.any_int("a number")?)))
            }
            Kind::String => self.string(),
            Kind::Punct('[') => {
                self.advance();
                Ok(Argument::Array(self.arguments(']')?))
            }
            Kind::Punct('{') => self.braces(),
            Kind::Word if self.kind_at(1) == Kind::Punct('(') => match self.word_at(0) {
                Some("inet_addr") => Ok(Argument::InetAddr(self.quoted_address()?)),
                Some("inet6_addr") => {
                    let span = self.ahead(2).clone();
                    let address = self.quoted_address()?;
                    if address.parse::<std::net::Ipv6Addr>().is_err() {
                        let span = super::Span { file: self.file.clone(), start: span.start, end: span.end };
                        return Err(Error::new(&span, "this is no IPv6 address"));
                    }
                    Ok(Argument::Inet6Addr(address))
                }
                _ if self.at_pattern() => self.number_argument(),
                _ => Ok(Argument::Word(self.advance().text)),
            },
            _ if self.at_pattern() => self.number_argument(),
            Kind::Word => Ok(Argument::Word(self.advance().text)),
            _ => Err(self.unexpected("an expression: `...`, a number, a symbol, a string, `[…]` or `{…}`")),
        }
    }

    fn number_argument(&mut self) -> Result<Argument> {
        Ok(match self.pattern("a number")? {
            Pattern::Is(number) => Argument::Number(number),
            pattern => Argument::Pattern(pattern),
        })
    }

    /// `inet_addr("…")`
    pub(super) fn quoted_address(&mut self) -> Result<String> {
        self.advance();
        self.expect('(')?;
        if self.kind() != Kind::String {
            return Err(self.unexpected("an address in double quotes"));
        }
        let address = self.advance().text;
        self.expect(')')?;
        Ok(address)
    }

    /// Strings one after the other are one; `"text"...` is a beginning.
    fn string(&mut self) -> Result<Argument> {
        let mut bytes = self.string_bytes()?;
        if self.kind() == Kind::Ellipsis {
            self.advance();
            return Ok(Argument::StringPrefix(bytes));
        }
        while self.kind() == Kind::String {
            bytes.extend(self.string_bytes()?);
        }
        Ok(Argument::String(bytes))
    }

    /// A string's bytes, with C's escapes resolved.
    pub(super) fn string_bytes(&mut self) -> Result<Vec<u8>> {
        let span = self.here();
        if self.kind() != Kind::String {
            return Err(self.unexpected("a string"));
        }
        let text = self.advance().text;
        unescape(&text).map_err(|problem| {
            Error::new(&span, problem).help("escapes are \\\\ \\\" \\f \\n \\r \\t \\v and \\xHH")
        })
    }
}

fn unescape(text: &str) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(c @ (b'\\' | b'"')) => c,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(b'x') => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => (high << 4 | low) as u8,
                    _ => return Err("`\\x` without two hex digits".to_string()),
                }
            }
            Some(c) => return Err(format!("unsupported escape `\\{}`", char::from(c))),
            None => return Err("the string ends in the middle of an escape".to_string()),
        });
    }
    Ok(bytes)
}
