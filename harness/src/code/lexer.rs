//! Words of `%{ }%` code, with the line of each.

use super::{CodeError, ErrorKind};

/// A word of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// The end of a statement: a line's end outside of parentheses, or `;`.
    End,
    /// A name or a keyword.
    Name(String),
    /// An integer.
    Int(i64),
    /// A string.
    Str(String),
    /// An operator or a bracket.
    Op(&'static str),
}

/// Operators, longer ones before those that they begin with.
const OPERATORS: &[&str] = &[
    "<<=", ">>=", "//=", "**", "==", "!=", "<=", ">=", "<<", ">>", "//", "+=", "-=", "*=", "%=", "&=", "|=",
    "^=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "=", "(", ")", ",",
];

/// Splits code into tokens, each with its line from 1.
pub(super) fn tokens(code: &str) -> Result<Vec<(Token, usize)>, CodeError> {
    let mut tokens = Vec::new();
    let (mut rest, mut line, mut depth) = (code, 1, 0usize);
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\\n").or_else(|| rest.strip_prefix("\\\r\n")) {
            (rest, line) = (after, line + 1);
            continue;
        }
        let length = match c {
            '\n' => {
                if depth == 0 {
                    tokens.push((Token::End, line));
                }
                line += 1;
                1
            }
            ';' => {
                tokens.push((Token::End, line));
                1
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_whitespace() => c.len_utf8(),
            c if c.is_ascii_digit() => number(rest, line, &mut tokens)?,
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push((Token::Name(rest[..end].to_string()), line));
                end
            }
            '\'' | '"' => string(rest, c, line, &mut tokens)?,
            _ => operator(rest, line, &mut depth, &mut tokens)?,
        };
        rest = &rest[length..];
    }
    tokens.push((Token::End, line));
    Ok(tokens)
}

fn number(rest: &str, line: usize, tokens: &mut Vec<(Token, usize)>) -> Result<usize, CodeError> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
    let text = rest[..end].to_ascii_lowercase();
    let parsed = match (text.get(..2), text.get(2..)) {
        (Some("0x"), Some(digits)) => i64::from_str_radix(digits, 16),
        (Some("0o"), Some(digits)) => i64::from_str_radix(digits, 8),
        (Some("0b"), Some(digits)) => i64::from_str_radix(digits, 2),
        _ => text.parse(),
    };
    let value = parsed.map_err(|_| {
        CodeError::new(
            line,
            ErrorKind::Unsupported,
            format!("`{}` is not an integer of 64 bits", &rest[..end]),
        )
    })?;
    tokens.push((Token::Int(value), line));
    Ok(end)
}

fn string(
    rest: &str,
    quote: char,
    line: usize,
    tokens: &mut Vec<(Token, usize)>,
) -> Result<usize, CodeError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                tokens.push((Token::Str(text), line));
                return Ok(at + 1);
            }
            '\n' => break,
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, c)) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    Err(CodeError::new(line, ErrorKind::Syntax, "a string does not end on its line"))
}

fn operator(
    rest: &str,
    line: usize,
    depth: &mut usize,
    tokens: &mut Vec<(Token, usize)>,
) -> Result<usize, CodeError> {
    let Some(operator) = OPERATORS.iter().find(|o| rest.starts_with(**o)) else {
        let found: String = rest.chars().take(1).collect();
        let text = format!("`{found}` is not understood here; code is assertions on integers");
        return Err(CodeError::new(line, ErrorKind::Unsupported, text));
    };
    match *operator {
        "(" => *depth += 1,
        ")" => *depth = depth.saturating_sub(1),
        _ => {}
    }
    tokens.push((Token::Op(operator), line));
    Ok(operator.len())
}
