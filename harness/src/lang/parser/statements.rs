//! Statements that packetdrill lacks: assertions, silence, choices, loops, includes.

use super::super::ast::{Action, Event, EventTime, Expr, Packet};
use super::super::include::Includes;
use super::super::lexer::Kind;
use super::super::source::Error;
use super::events::Direction;
use super::expr::size;
use super::{Parser, Result, Rules};

/// Words that begin a statement without a time.
pub(super) const UNTIMED: &[&str] = &["assert", "elapsed", "for", "include", "new", "nothing"];

/// Nodes in the value of a parameter, what it is computed from included, so that includes within includes cannot let
/// expressions grow without bound.
const LARGEST_ARGUMENT: usize = 256;

impl Parser {
    /// A statement that takes no time, if one begins here.
    pub(super) fn untimed_statement(&mut self) -> Result<Option<Action>> {
        if !self.ours() {
            return Ok(None);
        }
        let action = match self.word_at(0) {
            Some("assert") => {
                self.advance();
                if !self.at('(') {
                    return Err(self.unexpected("`(` and what must hold, as in `assert ($mss >= 536)`"));
                }
                Action::Assert(self.parenthesized()?)
            }
            Some("nothing") => self.nothing()?,
            Some("new") => {
                self.advance();
                self.expect_word("connection")?;
                Action::NewConnection
            }
            Some("elapsed") => {
                self.advance();
                if !self.eat('$') {
                    return Err(self.unexpected("a variable, as in `elapsed $first`"));
                }
                Action::Elapsed(self.word("a variable's name behind `$`")?)
            }
            Some("for") => self.for_loop()?,
            Some("include") => {
                let help = "includes stand on the outermost level, without a label";
                return Err(Error::new(&self.here(), "an include cannot stand here").help(help));
            }
            _ => return Ok(None),
        };
        Ok(Some(action))
    }

    fn nothing(&mut self) -> Result<Action> {
        self.advance();
        if self.eat_word("for") {
            return Ok(Action::NothingFor(self.microseconds()?));
        }
        if !self.eat_word("until") {
            return Err(self.unexpected("`for 3s` or `until +1`"));
        }
        if self.eat('+') {
            return Ok(Action::NothingUntil(EventTime::Relative(
                self.seconds("a time in seconds behind `+`")?,
            )));
        }
        if self.rules == Rules::Included {
            return Err(self.unexpected("`+` and a time: an included file holds no absolute times"));
        }
        Ok(Action::NothingUntil(EventTime::Absolute(self.seconds("a time in seconds")?)))
    }

    fn for_loop(&mut self) -> Result<Action> {
        self.advance();
        let variable = self.word("the loop's variable, as in `for n in 1 .. 40 { … }`")?;
        self.expect_word("in")?;
        let from = self.atom()?;
        if self.kind() != Kind::DotDot {
            return Err(self.unexpected("`..` and the last value"));
        }
        self.advance();
        let to = self.atom()?;
        self.expect('{')?;
        let body = self.nested(Parser::block)?;
        Ok(Action::For { variable, from, to, body })
    }

    fn block(&mut self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        while !self.eat('}') {
            if self.kind() == Kind::End {
                return Err(self.unexpected("`}`"));
            }
            if self.kind() == Kind::Separator {
                return Err(self.unexpected("`}`: `---` stands on the outermost level"));
            }
            events.push(self.event()?);
        }
        Ok(events)
    }

    /// `maybe`, `any order` or `one of` behind a time, if one begins here.
    pub(super) fn timed_statement(&mut self) -> Result<Option<Action>> {
        if !self.ours() {
            return Ok(None);
        }
        match (self.word_at(0), self.word_at(1)) {
            (Some("maybe"), _) if self.kind_at(1) != Kind::Punct('(') => {
                self.advance();
                Ok(Some(Action::Maybe(self.outbound_packet()?)))
            }
            (Some("any"), Some("order")) => {
                self.pos += 2;
                self.expect('{')?;
                let mut packets = Vec::new();
                while !self.eat('}') {
                    packets.push(self.outbound_packet()?);
                }
                Ok(Some(Action::AnyOrder(packets)))
            }
            (Some("one"), Some("of")) => {
                self.pos += 2;
                Ok(Some(Action::OneOf(self.alternatives()?)))
            }
            (Some(word @ ("nothing" | "assert" | "new" | "for" | "include" | "elapsed")), _)
                if self.kind_at(1) != Kind::Punct('(') || word == "assert" =>
            {
                let message = format!("`{word}` takes no time in front");
                Err(Error::new(&self.here(), message).help("it holds from where it stands"))
            }
            _ => Ok(None),
        }
    }

    fn alternatives(&mut self) -> Result<Vec<Vec<Packet>>> {
        self.expect('{')?;
        let mut alternatives = Vec::new();
        while !self.eat('}') {
            if self.eat_word("nothing") {
                alternatives.push(Vec::new());
            } else if self.eat('{') {
                let mut packets = Vec::new();
                while !self.eat('}') {
                    packets.push(self.outbound_packet()?);
                }
                alternatives.push(packets);
            } else {
                alternatives.push(vec![self.outbound_packet()?]);
            }
        }
        Ok(alternatives)
    }

    /// `[interface] > …`
    pub(super) fn outbound_packet(&mut self) -> Result<Packet> {
        if !self.at_direction() {
            return Err(self.unexpected("`>` and a packet"));
        }
        match self.directed_packet()? {
            (Direction::Outbound, packet) => Ok(packet),
            (Direction::Inbound, packet) => {
                let help = "`>` is a packet that the stack sends";
                Err(Error::new(&packet.span, "only packets of the stack's can stand here").help(help))
            }
        }
    }

    /// `include "path" (name value, …)`
    pub(super) fn include(&mut self, includes: &mut Includes<'_>, events: &mut Vec<Event>) -> Result<()> {
        let start = self.here();
        self.advance();
        if self.kind() != Kind::String {
            return Err(self.unexpected("the file's name in double quotes"));
        }
        let path = self.advance().text;
        let span = self.span_from(&start);
        let mut arguments = Vec::new();
        if self.same_line() && self.eat('(') {
            while !self.at(')') {
                let start = self.here();
                let name = self.word("a parameter's name")?;
                let value = self.atom_with_sign()?;
                let span = self.span_from(&start);
                if size(&value) > LARGEST_ARGUMENT {
                    return Err(Error::new(&span, "this value is too long an expression"));
                }
                arguments.push((name, value, span));
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        let labels = std::mem::take(&mut self.labels);
        let (included, labels) = includes.expand(&path, arguments, &span, labels)?;
        events.extend(included);
        self.labels = labels;
        Ok(())
    }

    /// A number with or without a sign, or arithmetic in parentheses.
    pub(in super::super) fn atom_with_sign(&mut self) -> Result<Expr> {
        if self.eat('-') {
            return Ok(Expr::Negate(Box::new(self.atom()?)));
        }
        self.atom()
    }

    /// Whether everything has been read.
    pub(in super::super) fn finish(&self) -> Result<()> {
        if self.kind() == Kind::End { Ok(()) } else { Err(self.unexpected("the end")) }
    }
}
