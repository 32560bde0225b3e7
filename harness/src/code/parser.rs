//! Statements and expressions of `%{ }%` code: the part of Python that assertions are written in.

use super::lexer::{Token, tokens};
use super::{CodeError, ErrorKind};

/// How deep expressions may be nested.
const DEEPEST: usize = 64;
/// How many operators a statement may have: `1+1+…` is a tree as deep as it is long.
const MOST_OPERATORS: usize = 256;

/// Keywords of what Python has and this has not.
const UNSUPPORTED: &[&str] = &[
    "if", "elif", "else", "for", "while", "def", "class", "import", "from", "try", "except", "with",
    "return", "global", "del", "raise", "lambda", "yield", "in", "is", "None",
];

/// A statement and its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) kind: StatementKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum StatementKind {
    /// `assert CONDITION[, MESSAGE]`
    Assert(Expr, Option<Expr>),
    /// `NAME = VALUE`, or `NAME op= VALUE`.
    Assign(String, Option<&'static str>, Expr),
    /// `print(…)` and whatever else is only computed.
    Compute(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Int(i64),
    Str(String),
    Name(String),
    /// `-x`, `~x`, `+x`, `not x`
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a < b <= c`: all of them hold.
    Chain(Box<Expr>, Vec<(&'static str, Expr)>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Tuple(Vec<Expr>),
    Call(String, Vec<Expr>),
}

/// Binary operators by increasing precedence.
const LEVELS: &[&[&str]] = &[&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%"]];
const COMPARISONS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
const ASSIGNMENTS: &[(&str, &str)] = &[
    ("+=", "+"),
    ("-=", "-"),
    ("*=", "*"),
    ("//=", "//"),
    ("%=", "%"),
    ("&=", "&"),
    ("|=", "|"),
    ("^=", "^"),
    ("<<=", "<<"),
    (">>=", ">>"),
];

/// The statements of a piece of code.
pub(super) fn parse(code: &str) -> Result<Vec<Statement>, CodeError> {
    let mut parser = Parser { tokens: tokens(code)?, at: 0, depth: 0, operators: 0 };
    let mut statements = Vec::new();
    loop {
        while parser.peek() == Some(&Token::End) {
            parser.at += 1;
        }
        if parser.peek().is_none() {
            return Ok(statements);
        }
        let line = parser.line();
        parser.operators = 0;
        let kind = parser.statement()?;
        if parser.peek() != Some(&Token::End) {
            return Err(parser.unexpected("the end of the statement"));
        }
        statements.extend(kind.map(|kind| Statement { line, kind }));
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
    /// How many operators this statement has had.
    operators: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(_, line)| *line)
    }

    fn eat_op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Op(o)) if *o == op);
        self.at += usize::from(found);
        found
    }

    fn eat_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(n)) if n == name);
        self.at += usize::from(found);
        found
    }

    /// The operator that comes next if it is one of these.
    fn any_op(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let Some(Token::Op(op)) = self.peek() else { return None };
        let op = operators.iter().find(|o| *o == op).copied();
        self.at += usize::from(op.is_some());
        op
    }

    /// One level deeper, or one operator more.
    fn bounded(&self, count: usize, most: usize) -> Result<(), CodeError> {
        if count <= most {
            return Ok(());
        }
        Err(CodeError::new(self.line(), ErrorKind::Unsupported, "an expression is nested too deeply"))
    }

    fn count_operator(&mut self) -> Result<(), CodeError> {
        self.operators += 1;
        self.bounded(self.operators, MOST_OPERATORS)
    }

    fn unexpected(&self, expected: &str) -> CodeError {
        let found = match self.peek() {
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Int(value)) => format!("`{value}`"),
            Some(Token::Str(_)) => "a string".to_string(),
            Some(Token::Op(op)) => format!("`{op}`"),
            Some(Token::End) | None => "the end of the statement".to_string(),
        };
        CodeError::new(self.line(), ErrorKind::Syntax, format!("expected {expected}, found {found}"))
    }

    fn statement(&mut self) -> Result<Option<StatementKind>, CodeError> {
        if self.eat_name("pass") {
            return Ok(None);
        }
        if self.eat_name("assert") {
            let condition = self.expr()?;
            let message = if self.eat_op(",") { Some(self.expr()?) } else { None };
            return Ok(Some(StatementKind::Assert(condition, message)));
        }
        if let Some(Token::Name(name)) = self.peek().cloned()
            && let Some((Token::Op(op), _)) = self.tokens.get(self.at + 1)
        {
            let update = ASSIGNMENTS.iter().find(|(o, _)| o == op).map(|(_, update)| *update);
            if *op == "=" || update.is_some() {
                self.at += 2;
                return Ok(Some(StatementKind::Assign(name, update, self.expr()?)));
            }
        }
        Ok(Some(StatementKind::Compute(self.expr()?)))
    }

    fn expr(&mut self) -> Result<Expr, CodeError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(CodeError::new(
                self.line(),
                ErrorKind::Unsupported,
                "an expression is nested too deeply",
            ));
        }
        let mut left = self.conjunction()?;
        while self.eat_name("or") {
            self.count_operator()?;
            left = Expr::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expr, CodeError> {
        let mut left = self.negation()?;
        while self.eat_name("and") {
            self.count_operator()?;
            left = Expr::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expr, CodeError> {
        let mut negated = false;
        while self.eat_name("not") {
            negated = !negated;
        }
        // `not not x` is a truth value and no longer x, which `0 != x` is, too.
        let inner = self.comparison()?;
        Ok(if negated { Expr::Unary("not", Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Result<Expr, CodeError> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(op) = self.any_op(COMPARISONS) {
            rest.push((op, self.binary(0)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn binary(&mut self, level: usize) -> Result<Expr, CodeError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(op) = self.any_op(operators) {
            self.count_operator()?;
            left = Expr::Binary(op, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, CodeError> {
        let Some(op) = self.any_op(&["-", "+", "~"]) else { return self.power() };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(CodeError::new(
                self.line(),
                ErrorKind::Unsupported,
                "an expression is nested too deeply",
            ));
        }
        let inner = self.unary()?;
        self.depth -= 1;
        Ok(Expr::Unary(op, Box::new(inner)))
    }

    fn power(&mut self) -> Result<Expr, CodeError> {
        let base = self.atom()?;
        match self.any_op(&["**"]) {
            Some(op) => Ok(Expr::Binary(op, Box::new(base), Box::new(self.atom()?))),
            None => Ok(base),
        }
    }

    fn atom(&mut self) -> Result<Expr, CodeError> {
        match self.peek().cloned() {
            Some(Token::Int(value)) => {
                self.at += 1;
                Ok(Expr::Int(value))
            }
            Some(Token::Str(mut text)) => {
                self.at += 1;
                while let Some(Token::Str(more)) = self.peek().cloned() {
                    self.at += 1;
                    text.push_str(&more);
                }
                Ok(Expr::Str(text))
            }
            Some(Token::Name(name)) if UNSUPPORTED.contains(&name.as_str()) => {
                let text = format!(
                    "`{name}` is more of Python than assertions need; only expressions are evaluated"
                );
                Err(CodeError::new(self.line(), ErrorKind::Unsupported, text))
            }
            Some(Token::Name(name)) if !matches!(name.as_str(), "and" | "or" | "not" | "assert") => {
                self.at += 1;
                if self.eat_op("(") { Ok(Expr::Call(name, self.items()?.0)) } else { Ok(Expr::Name(name)) }
            }
            Some(Token::Op("(")) => {
                self.at += 1;
                match self.items()? {
                    (mut items, false) if items.len() == 1 => Ok(items.remove(0)),
                    (items, _) => Ok(Expr::Tuple(items)),
                }
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    /// What stands up to `)`, and whether a comma was the last of it.
    fn items(&mut self) -> Result<(Vec<Expr>, bool), CodeError> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.eat_op(")") {
            if !items.is_empty() && !comma {
                return Err(self.unexpected("`,` or `)`"));
            }
            items.push(self.expr()?);
            comma = self.eat_op(",");
        }
        Ok((items, comma))
    }
}
