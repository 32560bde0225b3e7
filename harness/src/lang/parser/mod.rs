//! From tokens to the tree, by recursive descent. This file has what all parts use: looking at tokens, errors, limits.

mod call;
mod events;
mod expr;
mod icmp;
mod layers;
mod messages;
mod options;
mod packet;
mod statements;
mod structs;
mod tcp;
mod twins;

use super::ast::{Expr, Script, ScriptOption};
use super::include::Includes;
use super::lexer::{Kind, Token, lex, substitute};
use super::source::{Error, SourceFile, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) use twins::{LabelUse, parse_twin};

/// How deep expressions, blocks and quoted packets may nest.
const DEEPEST: usize = 64;

pub(super) type Result<T> = std::result::Result<T, Error>;

/// Whose rules apply to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// packetdrill's, and nothing else.
    Upstream,
    /// With our extensions.
    Ours,
    /// An included file: ours, but no absolute times and no `---`.
    Included,
}

/// Reads one file's tokens.
pub(super) struct Parser {
    file: Arc<SourceFile>,
    tokens: Vec<Token>,
    pos: usize,
    depth: usize,
    /// Inside parentheses of an expression, and how many operators they have had so far.
    in_expr: bool,
    operators: usize,
    /// Inside an ICMP error's quote, where `1:1001(1000)` is a segment.
    quoting: bool,
    rules: Rules,
    /// What `$name` stands for in an included file.
    parameters: BTreeMap<String, Expr>,
    /// Labels that have been seen, of included files too.
    labels: BTreeSet<String>,
}

impl Parser {
    /// A parser for a part of a file.
    pub(super) fn new(
        file: &Arc<SourceFile>,
        range: std::ops::Range<usize>,
        rules: Rules,
        defines: &BTreeMap<String, String>,
    ) -> Result<Parser> {
        let mut tokens = lex(file, range, rules != Rules::Upstream)?;
        substitute(&mut tokens, defines);
        let (parameters, labels) = (BTreeMap::new(), BTreeSet::new());
        Ok(Parser {
            file: file.clone(),
            tokens,
            pos: 0,
            depth: 0,
            in_expr: false,
            operators: 0,
            quoting: false,
            rules,
            parameters,
            labels,
        })
    }

    /// Gives the parser of an included file its parameters, and the labels that are taken.
    pub(super) fn with(mut self, parameters: BTreeMap<String, Expr>, labels: BTreeSet<String>) -> Parser {
        (self.parameters, self.labels) = (parameters, labels);
        self
    }

    /// A whole script, without its head.
    pub(super) fn script(&mut self, includes: &mut Includes<'_>) -> Result<Script> {
        let options = self.script_options()?;
        let mut defines = BTreeMap::new();
        for option in options.iter().filter(|o| o.name == "define") {
            if let Some((symbol, value)) = option.value.as_deref().and_then(|v| v.split_once('=')) {
                defines.insert(symbol.to_string(), value.to_string());
            }
        }
        substitute(&mut self.tokens[self.pos..], &defines);
        let init = self.shell();
        let events = self.events(includes)?;
        let cleanup = self.shell();
        if self.kind() != Kind::End {
            return Err(self.misplaced("an event, which begins with its time"));
        }
        Ok(Script { head: None, options, init, events, cleanup })
    }

    /// The labels that the script has, once it is parsed.
    pub(super) fn into_labels(self) -> BTreeSet<String> {
        self.labels
    }

    fn script_options(&mut self) -> Result<Vec<ScriptOption>> {
        let mut options = Vec::new();
        while self.kind() == Kind::Option {
            let start = self.here();
            let name = self.advance().text;
            let value = if self.eat('=') { Some(self.option_value()?) } else { None };
            options.push(ScriptOption { name, value, span: self.span_from(&start) });
        }
        Ok(options)
    }

    fn option_value(&mut self) -> Result<String> {
        match self.kind() {
            Kind::Int(_) | Kind::String | Kind::Ipv4 | Kind::Ipv6 => return Ok(self.advance().text),
            Kind::Word => {}
            _ => return Err(self.unexpected("the option's value: a number, a word, a string or an address")),
        }
        let left = self.advance().text;
        if !self.eat('=') {
            return Ok(left);
        }
        let right = match self.kind() {
            Kind::Word => self.advance().text,
            Kind::String => format!("\"{}\"", self.advance().text),
            Kind::Shell => format!("`{}`", self.advance().text),
            _ => return Err(self.unexpected("what the symbol stands for: a word, a string or a command")),
        };
        Ok(format!("{left}={right}"))
    }
}

/// Looking at tokens.
impl Parser {
    fn ours(&self) -> bool {
        self.rules != Rules::Upstream
    }

    fn token(&self) -> &Token {
        &self.tokens[self.pos.min(self.tokens.len() - 1)]
    }

    fn ahead(&self, n: usize) -> &Token {
        &self.tokens[(self.pos + n).min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn kind_at(&self, n: usize) -> Kind {
        self.ahead(n).kind
    }

    fn at(&self, c: char) -> bool {
        self.kind() == Kind::Punct(c)
    }

    fn at_word(&self, word: &str) -> bool {
        self.word_at(0) == Some(word)
    }

    /// The word that stands `n` tokens ahead.
    fn word_at(&self, n: usize) -> Option<&str> {
        let token = self.ahead(n);
        (token.kind == Kind::Word).then_some(token.text.as_str())
    }

    /// Whether the next token is on the line of the one before it.
    fn same_line(&self) -> bool {
        !self.token().first_on_line && self.kind() != Kind::End
    }

    /// Whether nothing stands between the token `n` ahead and the one before it.
    fn adjacent(&self, n: usize) -> bool {
        let pos = self.pos + n;
        pos > 0 && pos < self.tokens.len() && self.tokens[pos].start == self.tokens[pos - 1].end
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.pos = (self.pos + 1).min(self.tokens.len() - 1);
        token
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.at(c);
        if found {
            self.advance();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.eat(c) { Ok(()) } else { Err(self.unexpected(&format!("`{c}`"))) }
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    fn word(&mut self, what: &str) -> Result<String> {
        if self.kind() == Kind::Word { Ok(self.advance().text) } else { Err(self.unexpected(what)) }
    }

    /// A decimal number.
    fn int(&mut self, what: &str) -> Result<i64> {
        match self.kind() {
            Kind::Int(number) => {
                self.advance();
                Ok(number)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// A decimal or hexadecimal number.
    fn any_int(&mut self, what: &str) -> Result<i64> {
        match self.kind() {
            Kind::Int(number) | Kind::Hex(number) => {
                self.advance();
                Ok(number)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// A number that must fit.
    fn int_within(&mut self, what: &str, largest: i64) -> Result<i64> {
        let span = self.here();
        let number = self.any_int(what)?;
        within(number, largest, what, &span)?;
        Ok(number)
    }

    /// Words joined by `-`, as in `who-has`.
    fn hyphenated_at(&self, n: usize) -> Option<(String, usize)> {
        let mut name = self.word_at(n)?.to_string();
        let mut used = 1;
        while self.kind_at(n + used) == Kind::Punct('-')
            && self.adjacent(n + used)
            && self.adjacent(n + used + 1)
            && self.word_at(n + used + 1).is_some()
        {
            name.push('-');
            name.push_str(self.word_at(n + used + 1).unwrap_or_default());
            used += 2;
        }
        Some((name, used))
    }

    fn hyphenated(&mut self, what: &str) -> Result<String> {
        let Some((name, used)) = self.hyphenated_at(0) else { return Err(self.unexpected(what)) };
        self.pos += used;
        Ok(name)
    }

    fn shell(&mut self) -> Option<super::ast::Shell> {
        if self.kind() != Kind::Shell {
            return None;
        }
        let span = self.here();
        Some(super::ast::Shell { command: self.advance().text, span })
    }
}

/// Places and errors.
impl Parser {
    /// Where the next token stands.
    fn here(&self) -> Span {
        let token = self.token();
        Span { file: self.file.clone(), start: token.start, end: token.end }
    }

    /// From `start` to the end of the last token taken.
    fn span_from(&self, start: &Span) -> Span {
        let end = if self.pos == 0 { start.end } else { self.tokens[self.pos - 1].end };
        Span { file: self.file.clone(), start: start.start, end: end.max(start.start) }
    }

    /// An error at the next token: something else was expected.
    fn unexpected(&self, what: &str) -> Error {
        let token = self.token();
        if token.kind == Kind::End {
            return Error::new(&self.here(), format!("expected {what}, but the text ends here"));
        }
        // What came before on an earlier line lacks something: the error belongs there, not to the next line.
        let next_event = !matches!(token.kind, Kind::Punct(c) if !"+*@".contains(c));
        if token.first_on_line && self.pos > 0 && next_event {
            let end = self.tokens[self.pos - 1].end;
            let span = Span { file: self.file.clone(), start: end, end };
            return Error::new(&span, format!("expected {what}, but the line ends here"));
        }
        self.misplaced(what)
    }

    /// The same for what may begin a line: the next token is what is wrong.
    fn misplaced(&self, what: &str) -> Error {
        if self.kind() == Kind::End {
            return Error::new(&self.here(), format!("expected {what}, but the text ends here"));
        }
        let shown: String = self.here().text().lines().next().unwrap_or_default().chars().take(40).collect();
        Error::new(&self.here(), format!("expected {what}, found `{shown}`"))
    }

    /// Refuses what packetdrill does not have, in a script of packetdrill's.
    fn extension(&self, what: &str) -> Result<()> {
        if self.ours() {
            return Ok(());
        }
        let help = "a file of ours, which may use it, has a `//! requires:` line in its head";
        Err(Error::new(&self.here(), format!("{what} is not in packetdrill's language")).help(help))
    }

    /// Goes one level deeper, but not for ever.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return Err(Error::new(&self.here(), format!("this is nested more than {DEEPEST} levels deep")));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }
}

/// Refuses a number that its field cannot hold.
fn within(number: i64, largest: i64, what: &str, span: &Span) -> Result<()> {
    if (0..=largest).contains(&number) {
        return Ok(());
    }
    Err(Error::new(span, format!("{what} is out of range"))
        .help(format!("it is a number from 0 to {largest}")))
}
