//! Values of `%{ }%` code, and the operators on them.

use std::cmp::Ordering;
use std::fmt;

/// A padded number is not wider than this.
const WIDEST: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Int(i64),
    Str(String),
    Tuple(Vec<Value>),
}

impl Value {
    /// Whether it counts as true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Int(value) => *value != 0,
            Value::Str(text) => !text.is_empty(),
            Value::Tuple(items) => !items.is_empty(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(value) => write!(f, "{value}"),
            Value::Str(text) => f.write_str(text),
            Value::Tuple(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                write!(f, "({})", items.join(", "))
            }
        }
    }
}

/// `a op b`; the error says why there is no value.
pub(super) fn binary(op: &str, left: &Value, right: &Value) -> Result<Value, String> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => integers(op, *a, *b).map(Value::Int),
        (Value::Str(format), right) if op == "%" => self::format(format, right).map(Value::Str),
        (Value::Str(a), Value::Str(b)) if op == "+" => Ok(Value::Str(format!("{a}{b}"))),
        _ => Err(format!("`{op}` is not for {} and {}", kind(left), kind(right))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "an integer",
        Value::Str(_) => "a string",
        Value::Tuple(_) => "a tuple",
    }
}

fn integers(op: &str, a: i64, b: i64) -> Result<i64, String> {
    let too_large = || format!("`{a} {op} {b}` does not fit into 64 bits");
    let result = match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" | "//" | "%" if b == 0 => return Err("division by zero".to_string()),
        "/" if a.checked_rem(b) != Some(0) => {
            return Err(format!("`{a} / {b}` is not an integer; `//` rounds down"));
        }
        "/" => a.checked_div(b),
        "//" => a.checked_div(b).map(|q| q - i64::from(a.wrapping_rem(b) != 0 && (a < 0) != (b < 0))),
        // The sign is the divisor's, as in Python.
        "%" => a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r }),
        "**" => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        "<<" => (0..64).contains(&b).then(|| i128::from(a) << b).and_then(|v| i64::try_from(v).ok()),
        ">>" => u32::try_from(b).ok().map(|b| a.checked_shr(b).unwrap_or(a.signum().min(0))),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        _ => return Err(format!("`{op}` is not understood")),
    };
    result.ok_or_else(too_large)
}

/// `a op b` of comparisons.
pub(super) fn compare(op: &str, left: &Value, right: &Value) -> Result<bool, String> {
    let ordering = match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        _ if op == "==" => return Ok(left == right),
        _ if op == "!=" => return Ok(left != right),
        _ => return Err(format!("`{op}` is not for {} and {}", kind(left), kind(right))),
    };
    Ok(match op {
        "==" => ordering == Ordering::Equal,
        "!=" => ordering != Ordering::Equal,
        "<" => ordering == Ordering::Less,
        "<=" => ordering != Ordering::Greater,
        ">" => ordering == Ordering::Greater,
        _ => ordering != Ordering::Less,
    })
}

/// `'rtt=%d' % rtt`: conversions d, i, u, x, X, s and r, with a width.
fn format(format: &str, values: &Value) -> Result<String, String> {
    let mut values = match values {
        Value::Tuple(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    }
    .iter();
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut spec = String::new();
        let conversion = loop {
            match chars.next() {
                Some(c @ ('0'..='9' | '-' | '+' | ' ')) => spec.push(c),
                Some(c) => break c,
                None => return Err("a format ends in `%`".to_string()),
            }
        };
        if conversion == '%' {
            text.push('%');
            continue;
        }
        let value = values.next().ok_or("a format has more conversions than values")?;
        text.push_str(&convert(value, conversion, &spec)?);
    }
    if values.next().is_some() {
        Err("a format has fewer conversions than values".to_string())
    } else {
        Ok(text)
    }
}

fn convert(value: &Value, conversion: char, spec: &str) -> Result<String, String> {
    let shown = match (value, conversion) {
        (Value::Int(value), 'd' | 'i' | 'u') => value.to_string(),
        (Value::Int(value), 'x') => format!("{value:x}"),
        (Value::Int(value), 'X') => format!("{value:X}"),
        (value, 's' | 'r') => value.to_string(),
        _ => return Err(format!("`%{conversion}` is not for {}", kind(value))),
    };
    let width = spec.trim_start_matches(['-', '+', ' ', '0']).parse().unwrap_or(0).min(WIDEST);
    Ok(match spec.chars().next() {
        Some('-') => format!("{shown:<width$}"),
        Some('0') => format!("{shown:0>width$}"),
        _ => format!("{shown:>width$}"),
    })
}
