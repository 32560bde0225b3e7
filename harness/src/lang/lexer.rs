//! From text to tokens, by packetdrill's rules: at each place the longest token wins.
//!
//! Keywords are words here; the parser knows where they mean something. Files of ours have three tokens more, none of
//! which can occur in a script that packetdrill accepts: `..`, hardware addresses, and `---` on a line of its own.

use super::source::{Error, SourceFile, Span};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Decimal, perhaps with a sign; saturated where it is too large (a cookie may look like a number).
    Int(i64),
    /// `0x…`, modulo 2^64; the digits are in the text.
    Hex(i64),
    /// With a decimal point.
    Decimal,
    Word,
    /// In double quotes; the text is what is between them, escapes unresolved.
    String,
    /// In back quotes; the text is what is between them.
    Shell,
    /// `%{ … }%`; the text is what is between, without blanks at either end.
    Code,
    Ipv4,
    Ipv6,
    Mac,
    Ellipsis,
    DotDot,
    /// `--name`; the text is the name.
    Option,
    /// `---` on a line of its own.
    Separator,
    Punct(char),
    /// After the last token.
    End,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is the first on its line.
    pub(super) first_on_line: bool,
    /// Whether it stands for a symbol's value, which is not looked up again.
    substituted: bool,
}

/// Words that upstream's lexer keeps for itself, so that no definition replaces them.
const RESERVED: &[&str] = &[
    "sa_family",
    "sin_port",
    "sin_addr",
    "msg_name",
    "msg_iov",
    "msg_flags",
    "msg_control",
    "cmsg_data",
    "cmsg_level",
    "cmsg_type",
    "ee_errno",
    "ee_origin",
    "ee_type",
    "ee_code",
    "ee_info",
    "ee_data",
    "scm_sec",
    "scm_nsec",
    "fd",
    "u32",
    "u64",
    "ptr",
    "events",
    "revents",
    "onoff",
    "linger",
    "htons",
    "ipv4",
    "ipv6",
    "icmp",
    "udp",
    "GREv0",
    "gre",
    "raw",
    "sum",
    "off",
    "key",
    "seq",
    "none",
    "checksum",
    "present",
    "encap",
    "psp",
    "spi",
    "mpls",
    "label",
    "tc",
    "ttl",
    "inet_addr",
    "inet6_addr",
    "ack",
    "eol",
    "ecr",
    "mss",
    "mtu",
    "nop",
    "sack",
    "sackOK",
    "md5",
    "TS",
    "FO",
    "FOEXP",
    "ECN",
    "e0b",
    "e1b",
    "ceb",
    "tos",
    "flowlabel",
    "flags",
    "Flags",
    "val",
    "win",
    "urg",
    "wscale",
    "ect01",
    "ect0",
    "ect1",
    "noecn",
    "ce",
    "id",
];

/// Takes `range` of the file apart. The last token is always [`Kind::End`].
pub(super) fn lex(file: &Arc<SourceFile>, range: Range<usize>, ours: bool) -> Result<Vec<Token>, Error> {
    let mut lexer =
        Lexer { file, end: range.end, pos: range.start, ours, fresh_line: true, tokens: Vec::new() };
    while lexer.step()? {}
    let end = lexer.tokens.last().map_or(range.start, |t| t.end);
    lexer.push_text(Kind::End, end..end, "");
    Ok(lexer.tokens)
}

/// Replaces words by the values that `-D` or `--define` give them. `"x"` becomes a string, `` `x` `` a command, what reads
/// as a C integer a number, anything else a word.
pub(super) fn substitute(tokens: &mut [Token], defines: &BTreeMap<String, String>) {
    for token in tokens.iter_mut().filter(|t| t.kind == Kind::Word && !t.substituted) {
        if RESERVED.contains(&token.text.as_str()) {
            continue;
        }
        let Some(value) = defines.get(&token.text) else { continue };
        let unquoted = || {
            let mut chars = value.chars();
            chars.next();
            chars.next_back();
            chars.as_str().to_string()
        };
        (token.kind, token.text) = match value.chars().next() {
            Some('"') => (Kind::String, unquoted()),
            Some('`') => (Kind::Shell, unquoted()),
            _ => match c_integer(value) {
                Some(number) => (Kind::Int(number), value.clone()),
                None => (Kind::Word, value.clone()),
            },
        };
        token.substituted = true;
    }
}

/// An integer as C's strtol reads it with base 0: decimal, `0x` hexadecimal or `0` octal.
fn c_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -number } else { number })
}

struct Lexer<'a> {
    file: &'a Arc<SourceFile>,
    pos: usize,
    end: usize,
    ours: bool,
    fresh_line: bool,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.file.text[self.pos..self.end]
    }

    fn error(&self, length: usize, message: &str) -> Error {
        Error::new(&Span { file: self.file.clone(), start: self.pos, end: self.pos + length }, message)
    }

    /// Adds a token and goes behind it.
    fn push_text(&mut self, kind: Kind, range: Range<usize>, text: &str) {
        let token = Token {
            kind,
            text: text.to_string(),
            start: range.start,
            end: range.end,
            first_on_line: self.fresh_line,
            substituted: false,
        };
        self.tokens.push(token);
        self.fresh_line = false;
        self.pos = range.end;
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let range = self.pos..self.pos + length;
        let file = self.file.clone();
        self.push_text(kind, range.clone(), &file.text[range]);
    }

    /// One token, comment or stretch of white space; false at the end.
    fn step(&mut self) -> Result<bool, Error> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(false) };
        if first.is_ascii_whitespace() {
            self.fresh_line |= first == '\n';
            self.pos += 1;
        } else if rest.starts_with("//") {
            self.pos += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let Some(length) = comment.find("*/") else {
                return Err(self.error(2, "this comment is never closed").help("close it with `*/`"));
            };
            self.fresh_line |= comment[..length].contains('\n');
            self.pos += length + 4;
        } else if rest.starts_with("%{") {
            self.code()?;
        } else if first == '"' || first == '`' {
            self.quoted(first)?;
        } else if rest.starts_with("...") {
            self.push(Kind::Ellipsis, 3);
        } else if self.ours && rest.starts_with("..") {
            self.push(Kind::DotDot, 2);
        } else if self.ours && self.fresh_line && is_separator(rest) {
            self.push(Kind::Separator, 3);
        } else if let Some(length) = option_length(rest) {
            let (start, end) = (self.pos, self.pos + length);
            let file = self.file.clone();
            self.push_text(Kind::Option, start..end, &file.text[start + 2..end]);
        } else {
            let (kind, length) =
                longest(rest.as_bytes(), self.ours).unwrap_or((Kind::Punct(first), first.len_utf8()));
            self.push(kind, length);
        }
        Ok(true)
    }

    fn code(&mut self) -> Result<(), Error> {
        let Some(length) = self.rest()[2..].find("}%") else {
            return Err(self.error(2, "this code is never closed").help("close it with `}%`"));
        };
        let (start, end) = (self.pos, self.pos + length + 4);
        let file = self.file.clone();
        self.push_text(Kind::Code, start..end, file.text[start + 2..end - 2].trim_matches([' ', '\t']));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), Error> {
        let mut escaped = false;
        let close = self.rest()[1..].char_indices().find_map(|(i, c)| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(i)
        });
        let Some(length) = close else {
            let what =
                if quote == '"' { "this string is never closed" } else { "this command is never closed" };
            return Err(self
                .error(1, what)
                .help(format!("close it with `{quote}`").replace("```", "a back quote")));
        };
        let (start, end) = (self.pos, self.pos + length + 2);
        let file = self.file.clone();
        let kind = if quote == '"' { Kind::String } else { Kind::Shell };
        self.push_text(kind, start..end, &file.text[start + 1..end - 1]);
        Ok(())
    }
}

/// Whether the line is `---` and nothing else, a comment perhaps.
fn is_separator(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    line.strip_prefix("---").is_some_and(|tail| tail.trim().is_empty() || tail.trim_start().starts_with("//"))
}

fn option_length(rest: &str) -> Option<usize> {
    let name = count(rest.strip_prefix("--")?.as_bytes(), is_word);
    (name > 0).then_some(name + 2)
}

fn count(bytes: &[u8], accepts: fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|b| accepts(**b)).count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// The longest number, word or address at the start of `bytes`; of two that are equally long, the first one listed.
fn longest(bytes: &[u8], ours: bool) -> Option<(Kind, usize)> {
    let mut best: Option<(Kind, usize)> = None;
    let mut offer = |kind: Kind, length: usize| {
        if length > best.map_or(0, |(_, l)| l) {
            best = Some((kind, length));
        }
    };
    let sign = usize::from(bytes[0] == b'-');
    let whole = count(&bytes[sign..], is_digit);
    if bytes.get(sign + whole) == Some(&b'.') {
        let fraction = count(&bytes[sign + whole + 1..], is_digit);
        if fraction > 0 {
            offer(Kind::Decimal, sign + whole + 1 + fraction);
        }
    }
    if whole > 0 {
        offer(Kind::Int(saturated(&bytes[sign..sign + whole], sign == 1)), sign + whole);
    }
    if bytes.starts_with(b"0x") {
        let digits = count(&bytes[2..], is_hex);
        if digits > 0 {
            offer(Kind::Hex(hex_value(&bytes[2..2 + digits])), 2 + digits);
        }
    }
    offer(Kind::Word, count(bytes, is_word));
    offer(Kind::Ipv4, ipv4_length(bytes));
    offer(Kind::Ipv6, ipv6_length(bytes));
    if ours {
        offer(Kind::Mac, mac_length(bytes));
    }
    best
}

fn saturated(digits: &[u8], negative: bool) -> i64 {
    let number = digits.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
    if negative { -number } else { number }
}

fn hex_value(digits: &[u8]) -> i64 {
    digits.iter().fold(0i64, |n, d| (n << 4) | i64::from(char::from(*d).to_digit(16).unwrap_or(0)))
}

fn ipv4_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for part in 0..4 {
        if part > 0 {
            if bytes.get(length) != Some(&b'.') {
                return 0;
            }
            length += 1;
        }
        match count(&bytes[length..], is_digit) {
            0 => return 0,
            digits => length += digits,
        }
    }
    length
}

/// The longest IPv6 address: eight groups, or fewer with one `::`, whose last 32 bits may be dotted. `1:1001` is none, so
/// that sequence numbers are not taken for addresses.
fn ipv6_length(bytes: &[u8]) -> usize {
    let (mut pos, mut best, mut groups, mut gap) = (0, 0, 0, false);
    if bytes.starts_with(b"::") {
        (pos, best, gap) = (2, 2, true);
    }
    loop {
        if gap && groups > 0 || pos == 2 {
            let dotted = ipv4_length(&bytes[pos..]);
            if dotted > 0 {
                return pos + dotted;
            }
        }
        let digits = count(&bytes[pos..bytes.len().min(pos + 4)], is_hex);
        if digits == 0 || groups == 8 || gap && groups == 7 {
            return best;
        }
        pos += digits;
        groups += 1;
        if gap || groups == 8 {
            best = pos;
        }
        match (bytes.get(pos), bytes.get(pos + 1)) {
            (Some(b':'), Some(b':')) if !gap && groups <= 7 => {
                gap = true;
                pos += 2;
                best = pos;
            }
            (Some(b':'), _) => pos += 1,
            _ => return best,
        }
    }
}

fn mac_length(bytes: &[u8]) -> usize {
    let fits = (0..17).all(|i| match bytes.get(i) {
        Some(b':') => i % 3 == 2,
        Some(b) => i % 3 != 2 && is_hex(*b),
        None => false,
    });
    let ends = !bytes.get(17).is_some_and(|b| is_word(*b) || *b == b':');
    if fits && ends { 17 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let file = Arc::new(SourceFile { path: "t".into(), text: text.to_string() });
        let tokens = lex(&file, 0..text.len(), true).unwrap();
        let shown: Vec<String> = tokens[..tokens.len() - 1]
            .iter()
            .map(|t| match t.kind {
                Kind::Punct(c) => c.to_string(),
                Kind::Int(_) => format!("int {}", t.text),
                Kind::Hex(_) => format!("hex {}", t.text),
                Kind::DotDot | Kind::Ellipsis | Kind::Separator => t.text.clone(),
                kind => format!("{kind:?} {}", t.text).to_lowercase(),
            })
            .collect();
        assert_eq!(shown.join(" | "), expected, "{text}");
    }

    #[test]
    fn numbers_and_addresses() {
        check("+.01...0.011", "+ | decimal .01 | ... | decimal 0.011");
        check("+0...0.2 accept(", "+ | int 0 | ... | decimal 0.2 | word accept | (");
        check("1:1001(1000)", "int 1 | : | int 1001 | ( | int 1000 | )");
        check(
            "::1 fd3d:0a0b:17d6::1: ::ffff:1.2.3.4",
            "ipv6 ::1 | ipv6 fd3d:0a0b:17d6::1 | : | ipv6 ::ffff:1.2.3.4",
        );
        check("1:2:3:4:5:6:7:8 1:2:3", "ipv6 1:2:3:4:5:6:7:8 | int 1 | : | int 2 | : | int 3");
        check("02:00:00:00:00:03 1.2.3.4", "mac 02:00:00:00:00:03 | ipv4 1.2.3.4");
        check("1..65535 -1 0x1f 12ab", "int 1 | .. | int 65535 | int -1 | hex 0x1f | word 12ab");
        check("P.5 .5 S. -", "word p | decimal .5 | decimal .5 | word s | . | -");
    }

    #[test]
    fn quotes_comments_and_lines() {
        check("`a\nb` /* x\n*/ %{ print(1) }% // y", "shell a\nb | code print(1)");
        check("\"a\\\"b\" --mss=1", "string a\\\"b | option mss | = | int 1");
        check("---\n- --- -", "--- | - | - | - | - | -");
    }

    #[test]
    fn definitions() {
        let text = "A B C ack D";
        let file = Arc::new(SourceFile { path: "t".into(), text: text.to_string() });
        let mut tokens = lex(&file, 0..text.len(), false).unwrap();
        let defines = [("A", "0x10"), ("B", "\"reno\""), ("C", "3021b9"), ("ack", "1"), ("3021b9", "no")];
        substitute(&mut tokens, &defines.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect());
        substitute(&mut tokens, &[("3021b9".to_string(), "no".to_string())].into());
        let kinds: Vec<_> = tokens.iter().map(|t| (t.kind, t.text.as_str())).collect();
        let expected = [
            (Kind::Int(16), "0x10"),
            (Kind::String, "reno"),
            (Kind::Word, "3021b9"),
            (Kind::Word, "ack"),
            (Kind::Word, "D"),
        ];
        assert_eq!(kinds[..5], expected);
    }
}
