//! A parser for one call, enough for the tables of these tests; the language's own parser is in `lang`.

use crate::lang::ast::{Argument, CallSpec, Expr, Pattern};
use crate::lang::{SourceFile, Span};
use std::path::PathBuf;
use std::sync::Arc;

/// `name(arguments) = result [ERRNO [(text)]]`.
pub(super) fn parse(text: &str) -> CallSpec {
    let file = Arc::new(SourceFile { path: PathBuf::from("test.pkt"), text: text.to_string() });
    let mut p = Parser { text, at: 0 };
    let name = p.word();
    let span = Span { file, start: p.at - name.len(), end: p.at };
    p.expect("(");
    let arguments = p.list(")");
    p.expect("=");
    let result = p.argument();
    let errno =
        p.rest().trim_start().split([' ', '(']).next().filter(|w| w.starts_with('E')).map(str::to_string);
    CallSpec { name, arguments, end: None, result, errno, span }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn expect(&mut self, token: &str) {
        assert!(self.eat(token), "`{token}` expected before `{}`", self.rest());
    }

    fn word(&mut self) -> String {
        self.eat("");
        let end = self.rest().find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest().len());
        let word = self.rest()[..end].to_string();
        self.at += end;
        word
    }

    fn list(&mut self, end: &str) -> Vec<Argument> {
        let mut list = Vec::new();
        while !self.eat(end) {
            list.push(self.argument());
            self.eat(",");
        }
        list
    }

    fn argument(&mut self) -> Argument {
        let first = self.single();
        if self.eat("|") { Argument::Or(Box::new(first), Box::new(self.argument())) } else { first }
    }

    fn boxed(&mut self, name: &str) -> Box<Argument> {
        self.eat(",");
        self.expect(name);
        self.expect("=");
        Box::new(self.argument())
    }

    fn single(&mut self) -> Argument {
        if self.eat("...") {
            return Argument::Ellipsis;
        }
        if self.eat("*") {
            return Argument::Pattern(Pattern::Any);
        }
        if self.eat("$") {
            return Argument::Number(Expr::Variable(self.word()));
        }
        if self.eat("[") {
            return Argument::Array(self.list("]"));
        }
        if self.eat("{") {
            return self.structure();
        }
        if self.eat("\"") {
            return self.string();
        }
        if self.rest().starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return self.number();
        }
        let word = self.word();
        assert!(!word.is_empty(), "an argument expected before `{}`", self.rest());
        if matches!(word.as_str(), "inet_addr" | "inet6_addr") {
            self.expect("(\"");
            let Argument::String(bytes) = self.string() else { panic!("a string") };
            self.expect(")");
            let text = String::from_utf8(bytes).expect("UTF-8");
            return if word == "inet_addr" { Argument::InetAddr(text) } else { Argument::Inet6Addr(text) };
        }
        if self.eat("=") {
            return Argument::Assign(word, Box::new(self.argument()));
        }
        Argument::Word(word)
    }

    fn int(&mut self) -> i64 {
        let negative = self.eat("-");
        let word = self.word();
        let value = match word.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16),
            None => word.parse(),
        };
        let value = value.unwrap_or_else(|_| panic!("a number, not `{word}`"));
        if negative { -value } else { value }
    }

    fn number(&mut self) -> Argument {
        let from = Expr::Int(self.int());
        if self.eat("..") {
            return Argument::Pattern(Pattern::Range(from, Expr::Int(self.int())));
        }
        Argument::Number(from)
    }

    fn string(&mut self) -> Argument {
        let mut bytes = Vec::new();
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    break;
                }
                '\\' => {
                    let hex: String = chars.by_ref().skip(1).take(2).map(|(_, c)| c).collect();
                    bytes.push(u8::from_str_radix(&hex, 16).expect("only \\x escapes here"));
                }
                c => bytes.push(c as u8),
            }
        }
        if self.rest().starts_with("...") && self.eat("...") {
            return Argument::StringPrefix(bytes);
        }
        Argument::String(bytes)
    }

    /// What stands behind `{`.
    fn structure(&mut self) -> Argument {
        let value = match self.rest().trim_start().split(['=', '(', ',', ' ', '}']).next().unwrap_or("") {
            "..." => {
                self.expect("...");
                self.expect(",");
                Argument::IoVec(self.int())
            }
            "msg_name" => return self.message(),
            "cmsg_level" => Argument::CMsg {
                level: self.boxed("cmsg_level"),
                kind: self.boxed("cmsg_type"),
                data: self.boxed("cmsg_data"),
            },
            "scm_sec" => {
                let (Argument::Number(Expr::Int(sec)), Argument::Number(Expr::Int(nsec))) =
                    (*self.boxed("scm_sec"), *self.boxed("scm_nsec"))
                else {
                    panic!("numbers")
                };
                Argument::ScmTimestamping { sec, nsec }
            }
            "ee_errno" => Argument::SockExtendedErr {
                errno: self.boxed("ee_errno"),
                origin: self.boxed("ee_origin"),
                kind: self.boxed("ee_type"),
                code: self.boxed("ee_code"),
                info: self.boxed("ee_info"),
                data: self.boxed("ee_data"),
            },
            "fd" => Argument::PollFd {
                fd: self.boxed("fd"),
                events: self.boxed("events"),
                revents: self.boxed("revents"),
            },
            "events" => {
                let events = self.boxed("events");
                self.expect(",");
                let data_name = self.word();
                Argument::EpollEvent { events, data: self.boxed(""), data_name }
            }
            "onoff" => {
                self.expect("onoff=");
                let onoff = self.int();
                self.expect(", linger=");
                Argument::Linger { onoff, linger: self.int() }
            }
            "sa_family" => return self.address(),
            _ => return Argument::Braces(self.list("}")),
        };
        self.expect("}");
        value
    }

    fn address(&mut self) -> Argument {
        self.expect("sa_family=");
        let family = self.word();
        self.expect(", sin_port=htons(");
        let port = Expr::Int(self.int());
        self.expect("), sin_addr=inet_addr(\"");
        let Argument::String(bytes) = self.string() else { panic!("a string") };
        self.expect(")}");
        Argument::SockAddr { family, port, address: String::from_utf8(bytes).expect("UTF-8") }
    }

    fn message(&mut self) -> Argument {
        self.expect("msg_name(...)=..., msg_iov(");
        let iov_len = self.int();
        self.expect(")=[");
        let iov = self.list("]");
        let flags = self.boxed("msg_flags");
        let mut control = Vec::new();
        if self.eat(",") {
            self.expect("msg_control=[");
            control = self.list("]");
        }
        self.expect("}");
        Argument::MsgHdr { iov, iov_len, flags, control }
    }
}
