//! C structures among a call's arguments, told apart by the word behind their brace.

use super::super::ast::{Argument, Expr, Layer, LayerBody, LayerKind};
use super::super::lexer::Kind;
use super::super::source::Error;
use super::{Parser, Result, within};

impl Parser {
    /// `{…}`
    pub(super) fn braces(&mut self) -> Result<Argument> {
        let keyed = matches!(self.kind_at(2), Kind::Punct('=' | '('));
        let iovec = self.kind_at(1) == Kind::Ellipsis
            && self.kind_at(2) == Kind::Punct(',')
            && matches!(self.kind_at(3), Kind::Int(_))
            && self.kind_at(4) == Kind::Punct('}');
        if iovec {
            self.pos += 3;
            let length = self.int("a length")?;
            self.expect('}')?;
            return Ok(Argument::IoVec(length));
        }
        match self.word_at(1) {
            Some("flags" | "Flags")
                if matches!(self.kind_at(2), Kind::Punct('[') | Kind::Int(_) | Kind::Hex(_)) =>
            {
                self.gre_header()
            }
            Some(word) if keyed => match word {
                "sa_family" => self.sockaddr(),
                "msg_name" => self.msghdr(),
                "cmsg_level" => self.cmsg(),
                "scm_sec" => self.scm_timestamping(),
                "ee_errno" => self.sock_extended_err(),
                "fd" => self.pollfd(),
                "events" => self.epoll_event(),
                "onoff" => self.linger(),
                _ => self.list(),
            },
            _ if self.kind_at(1) == Kind::Punct('}') || self.word_at(2) == Some("label") => {
                self.advance();
                let stack = self.mpls_stack()?;
                self.expect('}')?;
                Ok(Argument::MplsStack(stack))
            }
            _ => self.list(),
        }
    }

    fn list(&mut self) -> Result<Argument> {
        self.advance();
        Ok(Argument::Braces(self.arguments('}')?))
    }

    /// `{` or `,`, then `name = value`.
    fn member(&mut self, open: char, name: &str) -> Result<Box<Argument>> {
        self.member_name(open, name)?;
        Ok(Box::new(self.argument()?))
    }

    fn member_name(&mut self, open: char, name: &str) -> Result<()> {
        self.expect(open)?;
        self.expect_word(name)?;
        self.expect('=')
    }

    fn member_int(&mut self, open: char, name: &str) -> Result<i64> {
        self.member_name(open, name)?;
        self.int("a number")
    }

    fn sockaddr(&mut self) -> Result<Argument> {
        self.member_name('{', "sa_family")?;
        let family_span = self.here();
        let family = self.word("AF_INET or AF_INET6")?;
        self.member_name(',', "sin_port")?;
        self.expect_word("htons")?;
        self.expect('(')?;
        let port_span = self.here();
        let port = if self.ours() { self.atom()? } else { Expr::Int(self.int("a port")?) };
        if let Some(number) = super::expr::constant(&port) {
            within(number, 0xffff, "the port", &port_span)?;
        }
        self.expect(')')?;
        self.member_name(',', "sin_addr")?;
        if !self.at_word("inet_addr") {
            return Err(self.unexpected("`inet_addr(\"…\")`"));
        }
        let span = self.here();
        let address = self.quoted_address()?;
        let span = self.span_from(&span);
        self.expect('}')?;
        // Of ours, behind a percent sign, the interface whose zone is meant (RFC 4007 11).
        let zoned = if self.ours() { address.split_once('%') } else { None };
        let text = zoned.map_or(address.as_str(), |(text, _)| text);
        let valid = match family.as_str() {
            "AF_INET" => zoned.is_none() && text.parse::<std::net::Ipv4Addr>().is_ok(),
            "AF_INET6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
            _ => return Err(Error::new(&family_span, "the family is AF_INET or AF_INET6")),
        };
        // A word is a host's name, or LOCAL or REMOTE; the run knows what it means.
        let name = self.ours() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !valid && !name {
            return Err(Error::new(&span, format!("`{address}` is no address of {family}")));
        }
        Ok(Argument::SockAddr { family, port, address })
    }

    fn msghdr(&mut self) -> Result<Argument> {
        self.advance();
        self.expect_word("msg_name")?;
        self.expect('(')?;
        self.ellipsis()?;
        self.expect(')')?;
        self.expect('=')?;
        self.ellipsis()?;
        self.expect(',')?;
        self.expect_word("msg_iov")?;
        self.expect('(')?;
        let iov_len = self.int("the number of vectors")?;
        self.expect(')')?;
        self.expect('=')?;
        self.expect('[')?;
        let iov = self.arguments(']')?;
        let flags = self.member(',', "msg_flags")?;
        let mut control = Vec::new();
        if self.at(',') {
            self.member_name(',', "msg_control")?;
            self.expect('[')?;
            control = self.arguments(']')?;
        }
        self.expect('}')?;
        Ok(Argument::MsgHdr { iov, iov_len, flags, control })
    }

    fn ellipsis(&mut self) -> Result<()> {
        if self.kind() != Kind::Ellipsis {
            return Err(self.unexpected("`...`"));
        }
        self.advance();
        Ok(())
    }

    fn cmsg(&mut self) -> Result<Argument> {
        let level = self.member('{', "cmsg_level")?;
        let kind = self.member(',', "cmsg_type")?;
        let data = self.member(',', "cmsg_data")?;
        self.expect('}')?;
        Ok(Argument::CMsg { level, kind, data })
    }

    fn scm_timestamping(&mut self) -> Result<Argument> {
        let sec = self.member_int('{', "scm_sec")?;
        let nsec = self.member_int(',', "scm_nsec")?;
        self.expect('}')?;
        Ok(Argument::ScmTimestamping { sec, nsec })
    }

    fn sock_extended_err(&mut self) -> Result<Argument> {
        let errno = self.member('{', "ee_errno")?;
        let origin = self.member(',', "ee_origin")?;
        let kind = self.member(',', "ee_type")?;
        let code = self.member(',', "ee_code")?;
        let info = self.member(',', "ee_info")?;
        let data = self.member(',', "ee_data")?;
        self.expect('}')?;
        Ok(Argument::SockExtendedErr { errno, origin, kind, code, info, data })
    }

    fn pollfd(&mut self) -> Result<Argument> {
        let fd = self.member('{', "fd")?;
        let events = self.member(',', "events")?;
        let revents = if self.at(',') {
            self.member(',', "revents")?
        } else {
            Box::new(Argument::Number(Expr::Int(0)))
        };
        self.expect('}')?;
        Ok(Argument::PollFd { fd, events, revents })
    }

    fn epoll_event(&mut self) -> Result<Argument> {
        let events = self.member('{', "events")?;
        self.expect(',')?;
        let data_name = match self.word_at(0) {
            Some(name @ ("fd" | "ptr" | "u32" | "u64")) => name.to_string(),
            _ => return Err(self.unexpected("`fd`, `ptr`, `u32` or `u64`")),
        };
        self.advance();
        self.expect('=')?;
        let data = Box::new(self.argument()?);
        self.expect('}')?;
        Ok(Argument::EpollEvent { events, data_name, data })
    }

    fn linger(&mut self) -> Result<Argument> {
        let onoff = self.member_int('{', "onoff")?;
        let linger = self.member_int(',', "linger")?;
        self.expect('}')?;
        Ok(Argument::Linger { onoff, linger })
    }

    fn gre_header(&mut self) -> Result<Argument> {
        let start = self.here();
        self.advance();
        let fields = self.gre_fields()?;
        self.expect('}')?;
        let span = self.span_from(&start);
        Ok(Argument::Gre(Box::new(Layer { kind: LayerKind::Gre, fields, body: LayerBody::Plain, span })))
    }
}
