//! Numbers: arithmetic on captured values, patterns, times and durations.

use super::super::ast::{BinaryOp, Expr, Pattern};
use super::super::lexer::Kind;
use super::super::source::{Error, Span};
use super::{Parser, Result, within};
use std::time::Duration;

/// Operators in one expression; more than anybody writes, few enough that no walk over the tree runs out of stack.
const MOST_OPERATORS: usize = 200;

/// Operators by their text, longest first, with their precedence.
const OPERATORS: &[(&str, BinaryOp, u8)] = &[
    ("||", BinaryOp::Or, 1),
    ("&&", BinaryOp::And, 2),
    ("==", BinaryOp::Equal, 6),
    ("!=", BinaryOp::NotEqual, 6),
    ("<=", BinaryOp::LessOrEqual, 7),
    (">=", BinaryOp::GreaterOrEqual, 7),
    ("<<", BinaryOp::ShiftLeft, 8),
    (">>", BinaryOp::ShiftRight, 8),
    ("<", BinaryOp::Less, 7),
    (">", BinaryOp::Greater, 7),
    ("|", BinaryOp::BitOr, 3),
    ("^", BinaryOp::BitXor, 4),
    ("&", BinaryOp::BitAnd, 5),
    ("+", BinaryOp::Add, 9),
    ("-", BinaryOp::Subtract, 9),
    ("*", BinaryOp::Multiply, 10),
    ("/", BinaryOp::Divide, 10),
    ("%", BinaryOp::Remainder, 10),
];

/// How many nodes an expression has.
pub(in super::super) fn size(expr: &Expr) -> usize {
    match expr {
        Expr::Int(_) | Expr::Variable(_) => 1,
        Expr::Absolute(inner) | Expr::Negate(inner) => 1 + size(inner),
        Expr::Binary(_, left, right) => 1 + size(left) + size(right),
    }
}

/// The value of an expression without variables, where it has one.
pub(super) fn constant(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Int(number) => Some(*number),
        Expr::Negate(inner) => constant(inner)?.checked_neg(),
        Expr::Binary(op, left, right) => {
            let (left, right) = (constant(left)?, constant(right)?);
            match op {
                BinaryOp::Add => left.checked_add(right),
                BinaryOp::Subtract => left.checked_sub(right),
                BinaryOp::Multiply => left.checked_mul(right),
                BinaryOp::Divide => left.checked_div(right),
                _ => None,
            }
        }
        Expr::Variable(_) | Expr::Absolute(_) => None,
    }
}

/// The number that a pattern is, where it is one.
pub(super) fn pattern_constant(pattern: &Pattern) -> Option<i64> {
    match pattern {
        Pattern::Is(expr) => constant(expr),
        _ => None,
    }
}

impl Parser {
    /// Operators down to the precedence `lowest`.
    fn binary(&mut self, lowest: u8) -> Result<Expr> {
        let mut left = self.operand()?;
        while let Some((op, precedence, tokens)) = self.operator().filter(|(_, p, _)| *p >= lowest) {
            if self.operators == MOST_OPERATORS {
                let message = format!("more than {MOST_OPERATORS} operators in one expression");
                return Err(Error::new(&self.here(), message));
            }
            self.operators += 1;
            self.skip_operator(tokens);
            let right = self.nested(|p| p.binary(precedence + 1))?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// The operator that comes next and how many tokens it is; 0 where it is the sign of a number, as in `$x-1`.
    fn operator(&self) -> Option<(BinaryOp, u8, usize)> {
        if let Kind::Int(_) = self.kind() {
            return self.token().text.starts_with('-').then_some((BinaryOp::Subtract, 9, 0));
        }
        OPERATORS.iter().find_map(|(text, op, precedence)| {
            let found = text
                .chars()
                .enumerate()
                .all(|(i, c)| self.kind_at(i) == Kind::Punct(c) && (i == 0 || self.adjacent(i)));
            found.then_some((*op, *precedence, text.len()))
        })
    }

    fn skip_operator(&mut self, tokens: usize) {
        if tokens == 0 {
            // `-1` is one token; behind an operand it is an operator and a number.
            let token = &mut self.tokens[self.pos];
            token.text.remove(0);
            token.start += 1;
            if let Kind::Int(number) = &mut token.kind {
                *number = number.saturating_neg();
            }
        }
        self.pos += tokens;
    }

    fn operand(&mut self) -> Result<Expr> {
        if self.eat('-') {
            return Ok(Expr::Negate(Box::new(self.nested(Parser::operand)?)));
        }
        self.atom()
    }

    /// A number, `$name`, `abs($name)` or an expression in parentheses: what may stand without parentheses of its own.
    pub(super) fn atom(&mut self) -> Result<Expr> {
        match self.kind() {
            Kind::Int(number) | Kind::Hex(number) => {
                self.advance();
                Ok(Expr::Int(number))
            }
            Kind::Punct('$') => {
                self.extension("`$`")?;
                self.advance();
                let name = self.word("a variable's name behind `$`")?;
                Ok(self.parameters.get(&name).cloned().unwrap_or(Expr::Variable(name)))
            }
            Kind::Punct('(') => self.parenthesized(),
            Kind::Word if self.at_word("abs") && self.ours() => {
                self.advance();
                Ok(Expr::Absolute(Box::new(self.nested(Parser::atom)?)))
            }
            _ => Err(self.unexpected("a number")),
        }
    }

    /// `( expr )`
    pub(super) fn parenthesized(&mut self) -> Result<Expr> {
        self.extension("arithmetic")?;
        self.expect('(')?;
        let outermost = !std::mem::replace(&mut self.in_expr, true);
        if outermost {
            self.operators = 0;
        }
        let inner = self.nested(|p| p.binary(1))?;
        if outermost {
            self.in_expr = false;
        }
        self.expect(')')?;
        Ok(inner)
    }

    /// Whether a pattern begins at the next token.
    pub(super) fn at_pattern(&self) -> bool {
        matches!(self.kind(), Kind::Int(_) | Kind::Hex(_))
            || self.ours()
                && (matches!(self.kind(), Kind::Punct('$' | '(' | '*'))
                    || self.at_word("not")
                    || self.at_word("abs"))
    }

    /// A number; in our cases also `*`, `A .. B` and `not N`.
    pub(super) fn pattern(&mut self, what: &str) -> Result<Pattern> {
        if !self.ours() {
            if let Kind::Punct(c @ ('$' | '*' | '(')) = self.kind() {
                self.extension(&format!("`{c}` for a number"))?;
            }
            return Ok(Pattern::Is(Expr::Int(self.int(what)?)));
        }
        if !self.at_pattern() {
            return Err(self.unexpected(what));
        }
        if self.eat('*') {
            return Ok(Pattern::Any);
        }
        if self.eat_word("not") {
            return Ok(Pattern::Not(self.atom()?));
        }
        let first = self.atom()?;
        if self.kind() != Kind::DotDot {
            return Ok(Pattern::Is(first));
        }
        self.advance();
        let last = self.atom()?;
        Ok(Pattern::Range(first, last))
    }

    /// A pattern whose numbers must fit.
    pub(super) fn pattern_within(&mut self, what: &str, largest: i64) -> Result<Pattern> {
        let start = self.here();
        let pattern = self.pattern(what)?;
        let span = self.span_from(&start);
        check_range(&pattern, largest, what, &span)?;
        Ok(pattern)
    }

    /// Seconds: `1`, `.5`, `0.000001`.
    pub(super) fn seconds(&mut self, what: &str) -> Result<Duration> {
        let text = match self.kind() {
            Kind::Int(_) | Kind::Decimal => self.token().text.clone(),
            _ => return Err(self.unexpected(what)),
        };
        let time = decimal(&text, 1_000_000_000).map_err(|problem| Error::new(&self.here(), problem))?;
        self.advance();
        Ok(time)
    }

    /// A duration with a unit, `3s`, `1.5 min`; seconds where there is none.
    pub(super) fn duration(&mut self) -> Result<Duration> {
        let start = self.here();
        let what = "a duration like `3s`, `200 ms` or `2min`";
        let (number, attached) = match self.kind() {
            Kind::Int(_) | Kind::Decimal => (self.advance().text, String::new()),
            Kind::Word if self.token().text.starts_with(|c: char| c.is_ascii_digit()) => {
                let text = self.advance().text;
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                (text[..digits].to_string(), text[digits..].to_string())
            }
            _ => return Err(self.unexpected(what)),
        };
        let unit = self.unit(attached, &start)?;
        decimal(&number, unit).map_err(|problem| Error::new(&self.span_from(&start), problem))
    }

    /// The same, or `(expr) unit`, in whole microseconds.
    pub(super) fn microseconds(&mut self) -> Result<Expr> {
        let start = self.here();
        if !self.at('(') && !self.at('$') {
            let time = self.duration()?;
            let number =
                i64::try_from(time.as_micros()).map_err(|_| Error::new(&start, "this time is too large"))?;
            return Ok(Expr::Int(number));
        }
        let count = self.atom()?;
        let unit = self.unit(String::new(), &start)?;
        Ok(match unit {
            1_000 => count,
            1 => Expr::Binary(BinaryOp::Divide, Box::new(count), Box::new(Expr::Int(1_000))),
            _ => Expr::Binary(BinaryOp::Multiply, Box::new(count), Box::new(Expr::Int(unit as i64 / 1_000))),
        })
    }

    /// The unit that was attached to a number or that follows on the same line, in nanoseconds.
    fn unit(&mut self, attached: String, start: &Span) -> Result<u64> {
        let follows = attached.is_empty() && self.kind() == Kind::Word && self.same_line();
        let unit = if follows { self.advance().text } else { attached };
        Ok(match unit.as_str() {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" | "" => 1_000_000_000,
            "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => {
                let message = format!("`{unit}` is no unit of time");
                return Err(
                    Error::new(&self.span_from(start), message).help("units are ns, us, ms, s, min and h")
                );
            }
        })
    }
}

/// Refuses patterns with a number that the field cannot hold, or with an empty range.
pub(super) fn check_range(pattern: &Pattern, largest: i64, what: &str, span: &Span) -> Result<()> {
    let numbers: &[&Expr] = match pattern {
        Pattern::Any => &[],
        Pattern::Is(one) | Pattern::Not(one) => &[one],
        Pattern::Range(first, last) => &[first, last],
    };
    for number in numbers.iter().filter_map(|e| constant(e)) {
        within(number, largest, what, span)?;
    }
    if let Pattern::Range(first, last) = pattern
        && let (Some(first), Some(last)) = (constant(first), constant(last))
        && last < first
    {
        return Err(Error::new(span, format!("the range {first} .. {last} is empty"))
            .help("the smaller number comes first"));
    }
    Ok(())
}

/// A decimal number times a unit in nanoseconds, exactly.
fn decimal(text: &str, unit: u64) -> std::result::Result<Duration, String> {
    if text.starts_with('-') {
        return Err("negative time".to_string());
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let too_large = || "this time is too large".to_string();
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
    let mut nanoseconds = whole.checked_mul(unit).ok_or_else(too_large)?;
    let mut weight = unit;
    for digit in fraction.bytes() {
        // Exact for every unit down to nanoseconds: minutes and hours are multiples of tens as often as seconds are.
        if !weight.is_multiple_of(10) {
            break;
        }
        weight /= 10;
        nanoseconds = nanoseconds.checked_add(weight * u64::from(digit - b'0')).ok_or_else(too_large)?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}
