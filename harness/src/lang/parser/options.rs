//! TCP options.

use super::super::ast::{AccEcnCounter, Pattern, TcpOption, TcpOptions};
use super::super::lexer::Kind;
use super::super::source::{Error, Span};
use super::events::Direction;
use super::packet::hex;
use super::{Parser, Result};
use crate::suggest;

/// Options by the words that begin them; the last two are ours.
const NAMES: &[&str] =
    &["mss", "wscale", "sackOK", "sack", "TS", "nop", "eol", "md5", "FO", "FOEXP", "ECN", "raw", "uto"];

/// The room that the header's 4-bit data offset leaves (RFC 9293, section 3.1).
const MOST_BYTES: usize = 40;

const LARGEST: i64 = u32::MAX as i64;

impl Parser {
    /// `<…>`
    pub(super) fn tcp_options(&mut self, direction: Direction) -> Result<TcpOptions> {
        let start = self.here();
        self.expect('<')?;
        let (mut options, mut any) = (Vec::new(), false);
        let mut length = 0;
        while !(self.ours() && self.at('>')) {
            if self.kind() == Kind::Ellipsis {
                let span = self.here();
                if any {
                    return Err(Error::new(&span, "`...` is said twice"));
                }
                self.advance();
                any = true;
            } else {
                let option = self.tcp_option()?;
                length += option_length(&option);
                options.push(option);
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect('>')?;
        let span = self.span_from(&start);
        if any && direction == Direction::Inbound {
            return Err(Error::new(&span, "<...> for TCP options can only be used with outbound packets")
                .help("a packet that is sent needs its options written out"));
        }
        if any && !options.is_empty() && !self.ours() {
            return Err(Error::new(&span, "`...` among other options is not in packetdrill's language"));
        }
        self.check_length(length, any, &span)?;
        Ok(match (any, options.is_empty()) {
            (true, true) => TcpOptions::Any,
            (true, false) => TcpOptions::Among(options),
            (false, _) => TcpOptions::Exactly(options),
        })
    }

    fn check_length(&self, length: usize, any: bool, span: &Span) -> Result<()> {
        if length > MOST_BYTES {
            return Err(Error::new(
                span,
                format!("{length} bytes of options, but a TCP header has room for {MOST_BYTES}"),
            ));
        }
        if !length.is_multiple_of(4) && !any && !self.ours() {
            let message =
                format!("TCP options are not padded to a multiple of 4 bytes: {} too many", length % 4);
            return Err(Error::new(span, message).help("add `nop` or `eol`"));
        }
        Ok(())
    }

    fn tcp_option(&mut self) -> Result<TcpOption> {
        let span = self.here();
        let name = self.word("a TCP option")?;
        Ok(match name.as_str() {
            "nop" => TcpOption::Nop,
            "eol" => TcpOption::Eol,
            "sackOK" => TcpOption::SackOk,
            "mss" => TcpOption::Mss(self.pattern_within("the mss value", 0xffff)?),
            "wscale" => TcpOption::Wscale(self.pattern_within("the window scale shift count", 0xff)?),
            "sack" => TcpOption::Sack(self.sack_blocks()?),
            "TS" => {
                self.expect_word("val")?;
                let val = self.pattern_within("the timestamp's val", LARGEST)?;
                self.expect_word("ecr")?;
                TcpOption::Timestamp { val, ecr: self.pattern_within("the timestamp's ecr", LARGEST)? }
            }
            "md5" => TcpOption::Md5(self.blob(16, true)?),
            "FO" if self.ours() && !matches!(self.kind(), Kind::Int(_)) && self.at_pattern() => {
                TcpOption::FastOpenCookie(self.pattern("the cookie")?)
            }
            "FO" => TcpOption::FastOpen(self.blob(MOST_BYTES - 2, false)?),
            "FOEXP" => TcpOption::FastOpenExperimental(self.blob(MOST_BYTES - 4, false)?),
            "ECN" => TcpOption::AccEcn(self.accecn()?),
            "raw" | "uto" if !self.ours() => {
                return Err(Error::new(
                    &span,
                    format!("the TCP option `{name}` is not in packetdrill's language"),
                ));
            }
            "raw" => self.raw_option()?,
            "uto" => self.user_timeout()?,
            _ => {
                let advice = suggest::advice(&name, NAMES.iter().copied());
                return Err(Error::new(&span, format!("`{name}` is not a TCP option")).help(advice));
            }
        })
    }

    fn sack_blocks(&mut self) -> Result<Vec<(Pattern, Pattern)>> {
        let mut blocks = Vec::new();
        while blocks.is_empty() || self.at_pattern() {
            let left = self.pattern_within("the SACK block's left edge", LARGEST)?;
            self.expect(':')?;
            blocks.push((left, self.pattern_within("the SACK block's right edge", LARGEST)?));
        }
        Ok(blocks)
    }

    /// Hex digits without `0x`, at most so many bytes.
    fn blob(&mut self, most: usize, required: bool) -> Result<Vec<u8>> {
        let span = self.here();
        let text = match self.kind() {
            Kind::Int(_) | Kind::Word => self.advance().text,
            _ if required => return Err(self.unexpected("hex digits")),
            _ => return Ok(Vec::new()),
        };
        let Some(bytes) = hex(&text) else {
            let problem = format!("`{text}` is no even number of hex digits");
            return Err(Error::new(&span, problem)
                .help("write bytes as in `FO 3021b9d889017eeb`, or define the symbol"));
        };
        if bytes.len() > most {
            return Err(Error::new(
                &span,
                format!("{} bytes, but this option takes at most {most}", bytes.len()),
            ));
        }
        Ok(bytes)
    }

    /// `e0b N [ceb N [e1b N]]`, or the same from `e1b` to `e0b`.
    fn accecn(&mut self) -> Result<Vec<(AccEcnCounter, Pattern)>> {
        let order = if self.at_word("e1b") {
            [("e1b", AccEcnCounter::E1b), ("ceb", AccEcnCounter::Ceb), ("e0b", AccEcnCounter::E0b)]
        } else {
            [("e0b", AccEcnCounter::E0b), ("ceb", AccEcnCounter::Ceb), ("e1b", AccEcnCounter::E1b)]
        };
        let mut counters = Vec::new();
        for (word, counter) in order {
            if !self.eat_word(word) {
                break;
            }
            counters.push((counter, self.pattern_within("the AccECN counter", 0xff_ffff)?));
        }
        if counters.is_empty() {
            return Err(self.unexpected("`e0b` or `e1b`"));
        }
        Ok(counters)
    }

    /// `raw KIND [len N] [0x…]`
    fn raw_option(&mut self) -> Result<TcpOption> {
        let kind = self.byte("the option's kind")?;
        let length = if self.eat_word("len") { Some(self.byte("the option's length")?) } else { None };
        let data = if let Kind::Hex(_) = self.kind() { self.hex_bytes()? } else { Vec::new() };
        Ok(TcpOption::Raw { kind, length, data })
    }

    /// `uto 30 s` or `uto 2 min` (RFC 5482, section 3)
    fn user_timeout(&mut self) -> Result<TcpOption> {
        let value = self.pattern_within("the user timeout", 0x7fff)?;
        let minutes = match self.word_at(0) {
            Some("s") => false,
            Some("min") => true,
            _ => return Err(self.unexpected("`s` or `min`, the two granularities of RFC 5482")),
        };
        self.advance();
        Ok(TcpOption::UserTimeout { minutes, value })
    }
}

/// The bytes that an option takes, without padding.
fn option_length(option: &TcpOption) -> usize {
    match option {
        TcpOption::Nop | TcpOption::Eol => 1,
        TcpOption::SackOk => 2,
        TcpOption::Wscale(_) => 3,
        TcpOption::Mss(_) | TcpOption::UserTimeout { .. } => 4,
        TcpOption::Timestamp { .. } | TcpOption::FastOpenCookie(_) => 10,
        TcpOption::Sack(blocks) => 2 + 8 * blocks.len(),
        TcpOption::AccEcn(counters) => 2 + 3 * counters.len(),
        TcpOption::Md5(data) | TcpOption::FastOpen(data) => 2 + data.len(),
        TcpOption::FastOpenExperimental(data) => 4 + data.len(),
        TcpOption::Raw { data, .. } => 2 + data.len(),
    }
}
