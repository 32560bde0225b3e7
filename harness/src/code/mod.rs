//! `%{ … }%`: assertions about a connection in the style of Python, as upstream scripts have them, without Python.
//!
//! What is evaluated are assertions, assignments and `print`, on integers and strings: chains of comparisons, `and`, `or`,
//! `not`, arithmetic, bit operations and `'%d' % x`. Variables keep their values from one piece of code to the next, as
//! in upstream, where all pieces make one program.

mod lexer;
mod parser;
mod tcp_info;
mod value;

pub use tcp_info::{congestion_variables, memory_variables, tcp_info_variables};

use crate::suggest;
use parser::{Expr, Statement, StatementKind};
use std::collections::BTreeMap;
use std::fmt;
use value::Value;

/// What is wrong with a piece of code, or with what it asserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeError {
    /// The line in the code, from 1, which is the line of `%{`.
    pub line: usize,
    /// What is wrong; of an assertion, the line itself and the values of the variables in it.
    pub message: String,
    /// Whose fault it is.
    pub kind: ErrorKind,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The stack's: an assertion does not hold.
    Assertion,
    /// Nobody's: the code needs more of Python than this, or a value that the stack does not offer.
    Unsupported,
    /// The script's.
    Syntax,
}

impl CodeError {
    fn new(line: usize, kind: ErrorKind, message: impl Into<String>) -> CodeError {
        CodeError { line, message: message.into(), kind }
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CodeError {}

/// Runs a piece of code. `variables` are those of [`tcp_info_variables`] and its like, and those that earlier code has
/// assigned; TCP's states, `TCP_CA_Open` and `TCPI_OPT_ECN` and their like are there without being in it.
///
/// # Errors
/// The first statement that fails; those before it have had their effect on `variables`.
pub fn evaluate(code: &str, variables: &mut BTreeMap<String, i64>) -> Result<(), CodeError> {
    for statement in parser::parse(code)? {
        run(&statement, code, variables)?;
    }
    Ok(())
}

fn run(statement: &Statement, code: &str, variables: &mut BTreeMap<String, i64>) -> Result<(), CodeError> {
    let line = statement.line;
    let scope = Scope { variables, line };
    match &statement.kind {
        StatementKind::Assert(condition, message) => {
            if scope.value(condition)?.is_true() {
                return Ok(());
            }
            // A message that has no value must not hide that the assertion failed.
            let said = message.as_ref().and_then(|m| scope.value(m).ok());
            Err(CodeError::new(
                line,
                ErrorKind::Assertion,
                scope.failure(condition, message.as_ref(), said, code),
            ))
        }
        StatementKind::Assign(name, update, expr) => {
            let mut value = scope.value(expr)?;
            if let Some(op) = update {
                value = scope.binary(op, &scope.name(name)?, &value)?;
            }
            match value {
                Value::Int(value) => {
                    variables.insert(name.clone(), value);
                    Ok(())
                }
                _ => Err(scope.unsupported(format!("`{name}` would not be an integer"))),
            }
        }
        StatementKind::Compute(expr) => scope.value(expr).map(|_| ()),
    }
}

/// The names that a statement sees.
struct Scope<'a> {
    variables: &'a BTreeMap<String, i64>,
    line: usize,
}

impl Scope<'_> {
    fn unsupported(&self, message: impl Into<String>) -> CodeError {
        CodeError::new(self.line, ErrorKind::Unsupported, message)
    }

    fn name(&self, name: &str) -> Result<Value, CodeError> {
        if let Some(value) = self.variables.get(name).copied().or_else(|| tcp_info::constant(name)) {
            return Ok(Value::Int(value));
        }
        if tcp_info::is_field(name) {
            return Err(self.unsupported(format!("the stack does not say what `{name}` is")));
        }
        let shortened = |n: &'static str| -> &str { n };
        let known = self.variables.keys().map(String::as_str).chain(tcp_info::names().map(shortened));
        let advice =
            suggest::nearest(name, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(CodeError::new(self.line, ErrorKind::Syntax, format!("nothing is called `{name}`{advice}")))
    }

    fn binary(&self, op: &str, left: &Value, right: &Value) -> Result<Value, CodeError> {
        value::binary(op, left, right).map_err(|reason| self.unsupported(reason))
    }

    fn value(&self, expr: &Expr) -> Result<Value, CodeError> {
        match expr {
            Expr::Int(value) => Ok(Value::Int(*value)),
            Expr::Str(text) => Ok(Value::Str(text.clone())),
            Expr::Name(name) => self.name(name),
            Expr::Tuple(items) => Ok(Value::Tuple(self.values(items)?)),
            Expr::Unary("not", inner) => Ok(Value::Int(i64::from(!self.value(inner)?.is_true()))),
            Expr::Unary(op, inner) => match (*op, self.value(inner)?) {
                ("~", Value::Int(value)) => Ok(Value::Int(!value)),
                ("-", value @ Value::Int(_)) => self.binary("-", &Value::Int(0), &value),
                (_, value @ Value::Int(_)) => Ok(value),
                (op, _) => Err(self.unsupported(format!("`{op}` is for integers"))),
            },
            Expr::Binary(op, left, right) => self.binary(op, &self.value(left)?, &self.value(right)?),
            Expr::Chain(first, rest) => self.chain(first, rest),
            Expr::And(left, right) => match self.value(left)? {
                left if left.is_true() => self.value(right),
                left => Ok(left),
            },
            Expr::Or(left, right) => match self.value(left)? {
                left if left.is_true() => Ok(left),
                _ => self.value(right),
            },
            Expr::Call(name, arguments) => self.call(name, &self.values(arguments)?),
        }
    }

    fn values(&self, exprs: &[Expr]) -> Result<Vec<Value>, CodeError> {
        exprs.iter().map(|e| self.value(e)).collect()
    }

    fn chain(&self, first: &Expr, rest: &[(&'static str, Expr)]) -> Result<Value, CodeError> {
        let mut left = self.value(first)?;
        for (op, expr) in rest {
            let right = self.value(expr)?;
            if !value::compare(op, &left, &right).map_err(|reason| self.unsupported(reason))? {
                return Ok(Value::Int(0));
            }
            left = right;
        }
        Ok(Value::Int(1))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, CodeError> {
        let integers = || {
            let of = |v: &Value| if let Value::Int(value) = v { Some(*value) } else { None };
            arguments.iter().map(of).collect::<Option<Vec<i64>>>()
        };
        let result = match (name, integers().as_deref()) {
            ("print", _) => Some(0),
            ("abs", Some([value])) => value.checked_abs(),
            ("int", Some([value])) => Some(*value),
            ("min", Some(values)) => values.iter().min().copied(),
            ("max", Some(values)) => values.iter().max().copied(),
            ("str", _) if arguments.len() == 1 => return Ok(Value::Str(arguments[0].to_string())),
            _ => None,
        };
        result
            .map(Value::Int)
            .ok_or_else(|| self.unsupported(format!("`{name}(…)` of these arguments has no value")))
    }

    /// `assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd`: 9; tcpi_snd_cwnd is 9
    fn failure(&self, condition: &Expr, message: Option<&Expr>, said: Option<Value>, code: &str) -> String {
        let text = code.lines().nth(self.line - 1).unwrap_or("").trim().trim_end_matches('\\').trim_end();
        let mut names = Vec::new();
        collect_names(condition, &mut names);
        message.into_iter().for_each(|m| collect_names(m, &mut names));
        let value = |name: &String| self.variables.get(name).map(|value| format!("{name} is {value}"));
        let mut parts: Vec<String> = names.iter().filter_map(value).collect();
        // What the assertion says is only worth repeating where it is more than one of those values.
        if let (Some(said), false) = (said, matches!(message, Some(Expr::Name(_)))) {
            parts.insert(0, said.to_string());
        }
        if parts.is_empty() {
            format!("`{text}` fails")
        } else {
            format!("`{text}` fails: {}", parts.join(", "))
        }
    }
}

/// The names in an expression, each once, in the order of the text.
fn collect_names(expr: &Expr, names: &mut Vec<String>) {
    match expr {
        Expr::Int(_) | Expr::Str(_) => {}
        Expr::Name(name) if names.contains(name) => {}
        Expr::Name(name) => names.push(name.clone()),
        Expr::Unary(_, inner) => collect_names(inner, names),
        Expr::Binary(_, left, right) | Expr::And(left, right) | Expr::Or(left, right) => {
            collect_names(left, names);
            collect_names(right, names);
        }
        Expr::Chain(first, rest) => {
            collect_names(first, names);
            rest.iter().for_each(|(_, e)| collect_names(e, names));
        }
        Expr::Tuple(items) | Expr::Call(_, items) => items.iter().for_each(|e| collect_names(e, names)),
    }
}

#[cfg(test)]
mod tests;
