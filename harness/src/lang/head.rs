//! The `//!` head of our cases: what they are about, what they need, their twins, what surrounds the stack.

use super::ast::{Expr, Head, Spanned, Topology};
use super::include::Parameter;
use super::parser::{LabelUse, Parser, Rules, parse_twin};
use super::source::{Error, SourceFile, Span};
use crate::suggest;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

/// Keys with a colon behind them; whatever begins almost so is taken for a mistake.
const KEYS: &[&str] = &["requires", "needs", "with", "family", "twin"];

const FAMILIES: &[&str] = &["ipv4", "ipv6", "ipv4-mapped-ipv6", "none"];

/// A head, and what has to be held against the rest of the file.
#[derive(Default)]
pub(super) struct ParsedHead {
    pub(super) head: Head,
    /// Labels that twins name.
    pub(super) labels: Vec<LabelUse>,
    /// `parameter` lines of an included file.
    pub(super) parameters: Vec<Parameter>,
}

/// Whether the file is one of ours: its head has a `requires:` line.
pub(super) fn is_ours(text: &str) -> bool {
    head_lines(text).0.iter().any(|range| text[range.clone()].trim_start().starts_with("requires:"))
}

/// An upstream script whose head looks like one of ours with a mistake in it.
pub(super) fn check_upstream(file: &Arc<SourceFile>) -> Result<(), Error> {
    for range in head_lines(&file.text).0 {
        let line = Line { file, range };
        let Some(first) = line.words().first().cloned() else { continue };
        if let Some(key) = first.value.strip_suffix(':')
            && suggest::nearest(key, ["requires"]).is_some()
        {
            let error = Error::new(&first.span, format!("`{key}:` is no key of a head"));
            return Err(error.help("did you mean `requires:`?"));
        }
    }
    Ok(())
}

/// Reads the head of a case or of an included file.
pub(super) fn parse(
    file: &Arc<SourceFile>,
    defines: &BTreeMap<String, String>,
    rules: Rules,
) -> Result<ParsedHead, Error> {
    let (ranges, end) = head_lines(&file.text);
    let mut parsed = ParsedHead::default();
    let mut about = Vec::new();
    for range in ranges {
        let line = Line { file, range };
        let prose = match rules {
            Rules::Included => included_line(&line, &mut parsed, defines)?,
            _ => case_line(&line, &mut parsed, defines)?,
        };
        if prose {
            about.push(file.text[line.range].trim_end());
        }
    }
    late_lines(file, end)?;
    parsed.head.about = about.join("\n").trim().to_string();
    Ok(parsed)
}

/// The text of each `//!` line above the script, and where the script begins.
fn head_lines(text: &str) -> (Vec<Range<usize>>, usize) {
    let mut lines = Vec::new();
    let mut pos = 0;
    while pos < text.len() {
        let end = text[pos..].find('\n').map_or(text.len(), |i| pos + i + 1);
        let line = &text[pos..end];
        let trimmed = line.trim_start();
        let start = pos + (line.len() - trimmed.len());
        if let Some(content) = trimmed.strip_prefix("//!") {
            let indent = usize::from(content.starts_with(' '));
            lines.push(start + 3 + indent..start + trimmed.trim_end().len().max(3 + indent));
        } else if trimmed.starts_with("/*") {
            match text[start..].find("*/") {
                Some(length) => {
                    pos = start + length + 2;
                    continue;
                }
                None => break,
            }
        } else if !trimmed.is_empty() && !trimmed.starts_with("//") {
            break;
        }
        pos = end;
    }
    (lines, pos)
}

/// `//!` lines below the head would be read by nobody.
fn late_lines(file: &Arc<SourceFile>, from: usize) -> Result<(), Error> {
    let mut pos = from;
    for line in file.text[from..].split_inclusive('\n') {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//!") {
            let start = pos + line.len() - trimmed.len();
            let span = Span { file: file.clone(), start, end: start + 3 };
            return Err(Error::new(&span, "a line of the head below the head")
                .help("`//!` lines stand above everything else"));
        }
        pos += line.len();
    }
    Ok(())
}

/// One line of a head, without `//!`.
struct Line<'a> {
    file: &'a Arc<SourceFile>,
    range: Range<usize>,
}

impl Line<'_> {
    fn text(&self) -> &str {
        &self.file.text[self.range.clone()]
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file.clone(), start: range.start, end: range.end }
    }

    fn whole(&self) -> Span {
        self.span(self.range.clone())
    }

    /// What is between white space.
    fn words(&self) -> Vec<Spanned<String>> {
        let mut words = Vec::new();
        let mut pos = self.range.start;
        for piece in self.text().split(char::is_whitespace) {
            if !piece.is_empty() {
                words.push(Spanned { value: piece.to_string(), span: self.span(pos..pos + piece.len()) });
            }
            // White space may be wider than a byte: go to the next boundary.
            pos += piece.len();
            pos += self.file.text[pos..].chars().next().map_or(0, char::len_utf8);
        }
        words
    }

    /// The same without commas at their ends.
    fn list(&self) -> Vec<Spanned<String>> {
        let mut words = self.words();
        for word in &mut words {
            if let Some(short) = word.value.strip_suffix(',') {
                word.value = short.to_string();
                word.span.end -= 1;
            }
        }
        words.retain(|w| !w.value.is_empty());
        words
    }
}

/// A line of a case's head; true where it is prose.
fn case_line(
    line: &Line<'_>,
    parsed: &mut ParsedHead,
    defines: &BTreeMap<String, String>,
) -> Result<bool, Error> {
    let words = line.list();
    let Some(first) = words.first() else { return Ok(true) };
    let rest = &words[1..];
    let head = &mut parsed.head;
    match first.value.as_str() {
        "requires:" => head.requires.extend(some(rest, first, "a requirement's id")?.iter().cloned()),
        "needs:" => head.needs.extend(some(rest, first, "a capability's name")?.iter().cloned()),
        "with:" => head.with.extend(settings(some(rest, first, "a setting, as in `iw=rfc5681`")?)?),
        "family:" => head.families.extend(families(some(rest, first, "a family")?)?),
        "twin" => twin(line, &words, parsed, defines)?,
        "exactly" if rest.is_empty() => head.exactly = true,
        "forwarding" if rest.is_empty() => {
            head.topology.push(Spanned { value: Topology::Forwarding, span: first.span.clone() });
        }
        "parameter" if rest.get(1).is_some_and(|w| w.value == "=") => {
            return Err(Error::new(&first.span, "a case has no parameters").help("included files have them"));
        }
        _ => match declaration(line, &words)? {
            Some(topology) => head.topology.push(Spanned { value: topology, span: line.whole() }),
            None => {
                near_miss(&words)?;
                return Ok(true);
            }
        },
    }
    Ok(false)
}

/// A line of an included file's head: a parameter, or prose.
fn included_line(
    line: &Line<'_>,
    parsed: &mut ParsedHead,
    defines: &BTreeMap<String, String>,
) -> Result<bool, Error> {
    let words = line.words();
    let Some(first) = words.first() else { return Ok(true) };
    if let Some(key) = first.value.strip_suffix(':').filter(|k| KEYS.contains(k)) {
        let error = Error::new(&first.span, format!("an included file has no `{key}:`"));
        return Err(error.help("its head holds prose and `parameter NAME = VALUE` lines"));
    }
    if first.value != "parameter" {
        return Ok(true);
    }
    let (Some(name), Some(equals)) = (words.get(1), words.get(2).filter(|w| w.value == "=")) else {
        return Err(Error::new(&line.whole(), "expected `parameter NAME = VALUE`"));
    };
    if !is_name(&name.value) {
        return Err(Error::new(&name.span, format!("`{}` is no name", name.value)));
    }
    let mut parser = Parser::new(line.file, equals.span.end..line.range.end, Rules::Ours, defines)?;
    let value: Expr = parser.atom_with_sign()?;
    parser.finish()?;
    parsed.parameters.push((name.value.clone(), value, name.span.clone()));
    Ok(false)
}

fn some<'a>(
    rest: &'a [Spanned<String>],
    key: &Spanned<String>,
    what: &str,
) -> Result<&'a [Spanned<String>], Error> {
    if rest.is_empty() {
        return Err(Error::new(&key.span, format!("expected {what} behind `{}`", key.value)));
    }
    Ok(rest)
}

fn settings(words: &[Spanned<String>]) -> Result<Vec<Spanned<(String, String)>>, Error> {
    let pair = |word: &Spanned<String>| match word.value.split_once('=') {
        Some((name, value)) if is_name(name) && !value.is_empty() => {
            Ok(Spanned { value: (name.to_string(), value.to_string()), span: word.span.clone() })
        }
        _ => Err(Error::new(&word.span, "expected `name=value`, without blanks")),
    };
    words.iter().map(pair).collect()
}

fn families(words: &[Spanned<String>]) -> Result<Vec<Spanned<String>>, Error> {
    if let Some(word) = words.iter().find(|w| !FAMILIES.contains(&w.value.as_str())) {
        let error = Error::new(&word.span, format!("`{}` is not a family", word.value));
        return Err(error.help(suggest::advice(&word.value, FAMILIES.iter().copied())));
    }
    Ok(words.to_vec())
}

/// `twin ID: action; …`
fn twin(
    line: &Line<'_>,
    words: &[Spanned<String>],
    parsed: &mut ParsedHead,
    defines: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let id = words.get(1).and_then(|w| w.value.strip_suffix(':').map(|id| (id.to_string(), w.span.end)));
    let Some((requirement, from)) = id.filter(|(id, _)| !id.is_empty()) else {
        let error = Error::new(&line.whole(), "expected `twin ID: action`");
        return Err(error.help("as in `twin RFC9293-3.5.2-1: alter @rst seq -= 1`"));
    };
    let mut end = line.range.end;
    // Two blanks and a parenthesis begin a note for the reader.
    if line.text().ends_with(')')
        && let Some(note) = line.file.text[from..end].find("  (")
    {
        end = from + note;
    }
    let (twin, labels) = parse_twin(line.file, requirement, from..end, line.whole(), defines)?;
    parsed.head.twins.push(twin);
    parsed.labels.extend(labels);
    Ok(())
}

/// `host`, `interface` and `route` lines, told from prose by what their later words look like.
fn declaration(line: &Line<'_>, words: &[Spanned<String>]) -> Result<Option<Topology>, Error> {
    let text = |i: usize| words.get(i).map_or("", |w| w.value.as_str());
    match text(0) {
        "host" if looks_like_address(text(2)) => host(words).map(Some),
        "interface" if looks_like_address(text(2)) || matches!(text(2), "mtu" | "unconfigured") => {
            interface(words).map(Some)
        }
        "route" if matches!(text(2), "via" | "on") || looks_like_address(text(1)) => {
            route(line, words).map(Some)
        }
        _ => Ok(None),
    }
}

fn looks_like_address(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':')
        && (word.matches('.').count() > 1 || word.matches(':').count() > 1)
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b".:/".contains(&b))
}

fn name_of(word: &Spanned<String>) -> Result<String, Error> {
    if is_name(&word.value) { Ok(word.value.clone()) } else { Err(Error::new(&word.span, "expected a name")) }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_mac(word: &str) -> bool {
    word.len() == 17
        && word.bytes().enumerate().all(|(i, b)| if i % 3 == 2 { b == b':' } else { b.is_ascii_hexdigit() })
}

fn is_prefix(word: &str) -> bool {
    let Some((address, length)) = word.split_once('/') else { return false };
    match (address.parse::<IpAddr>(), length.parse::<u8>()) {
        (Ok(IpAddr::V4(_)), Ok(length)) => length <= 32,
        (Ok(IpAddr::V6(_)), Ok(length)) => length <= 128,
        _ => false,
    }
}

/// `host NAME ADDR… [MAC] [on INTERFACE]`
fn host(words: &[Spanned<String>]) -> Result<Topology, Error> {
    let name = name_of(&words[1])?;
    let (mut addresses, mut mac, mut interface) = (Vec::new(), None, None);
    let mut rest = words[2..].iter();
    while let Some(word) = rest.next() {
        if word.value == "on" {
            interface = Some(name_of(rest.next().unwrap_or(word))?);
        } else if is_mac(&word.value) {
            mac = Some(word.value.clone());
        } else if word.value.parse::<IpAddr>().is_ok() {
            addresses.push(word.value.clone());
        } else {
            let message = format!("`{}` is neither an IP address nor a hardware address", word.value);
            return Err(Error::new(&word.span, message)
                .help("`host NAME ADDRESS… [HARDWARE-ADDRESS] [on INTERFACE]`"));
        }
    }
    Ok(Topology::Host { name, addresses, mac, interface })
}

/// `interface NAME ADDR/LEN… [mtu N]`
fn interface(words: &[Spanned<String>]) -> Result<Topology, Error> {
    let name = name_of(&words[1])?;
    let (mut addresses, mut mtu, mut unconfigured) = (Vec::new(), None, false);
    let mut rest = words[2..].iter();
    while let Some(word) = rest.next() {
        if word.value == "unconfigured" {
            unconfigured = true;
        } else if word.value == "mtu" {
            let value = rest.next().unwrap_or(word);
            let number = value
                .value
                .parse()
                .map_err(|_| Error::new(&value.span, "expected an MTU from 0 to 65535"))?;
            mtu = Some(number);
        } else if is_prefix(&word.value) {
            addresses.push(word.value.clone());
        } else {
            let message = format!("`{}` is no address with a prefix length", word.value);
            return Err(Error::new(&word.span, message)
                .help("`interface NAME ADDRESS/LENGTH… [mtu N]` or `interface NAME unconfigured`"));
        }
    }
    Ok(Topology::Interface { name, addresses, mtu, unconfigured })
}

/// `route DEST [via X] [on INTERFACE]`
fn route(line: &Line<'_>, words: &[Spanned<String>]) -> Result<Topology, Error> {
    let help = "`route DESTINATION via NEXT-HOP [on INTERFACE]`";
    let destination = &words[1];
    if destination.value != "default" && !is_prefix(&destination.value) {
        let message = format!("`{}` is neither a prefix nor `default`", destination.value);
        return Err(Error::new(&destination.span, message).help(help));
    }
    let (mut via, mut interface) = (None, None);
    for pair in words[2..].chunks(2) {
        let slot = match pair[0].value.as_str() {
            "via" => &mut via,
            "on" => &mut interface,
            other => {
                return Err(
                    Error::new(&pair[0].span, format!("expected `via` or `on`, found `{other}`")).help(help)
                );
            }
        };
        let Some(value) = pair.get(1) else {
            return Err(
                Error::new(&pair[0].span, format!("expected a name behind `{}`", pair[0].value)).help(help)
            );
        };
        *slot = Some(value.value.clone());
    }
    if via.is_none() && interface.is_none() {
        return Err(Error::new(&line.whole(), "a route that leads nowhere").help(help));
    }
    Ok(Topology::Route { destination: destination.value.clone(), via, interface })
}

/// Refuses `require: …`, `twn ID: …` and the like, which prose hardly begins with.
fn near_miss(words: &[Spanned<String>]) -> Result<(), Error> {
    let first = &words[0];
    let key = match first.value.strip_suffix(':') {
        Some(key) => key,
        None if words
            .get(1)
            .is_some_and(|w| w.value.ends_with(':') && w.value.bytes().any(|b| b.is_ascii_digit())) =>
        {
            &first.value
        }
        None => return Ok(()),
    };
    match suggest::nearest(key, KEYS.iter().copied()) {
        Some(near) => {
            let colon = if near == "twin" { "" } else { ":" };
            let error = Error::new(&first.span, format!("`{}` is no key of a head", first.value));
            Err(error.help(format!("did you mean `{near}{colon}`?")))
        }
        None => Ok(()),
    }
}

/// Refuses labels that no event has.
pub(super) fn check_labels(uses: &[LabelUse], labels: &BTreeSet<String>) -> Result<(), Error> {
    if let Some((name, span)) = uses.iter().find(|(name, _)| !labels.contains(name)) {
        let advice = suggest::advice(name, labels.iter().map(String::as_str));
        return Err(Error::new(span, format!("no line has the label `@{name}`")).help(advice));
    }
    Ok(())
}
