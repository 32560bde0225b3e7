//! `$((15*1024*1024))`: the shell's arithmetic on integers, without variables.

/// How deep parentheses may be nested.
const DEEPEST: usize = 32;

/// Operators by increasing precedence.
const LEVELS: &[&[&str]] = &[&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

/// The value of an expression; `None` where it has none or is not understood.
pub(super) fn evaluate(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text, depth: 0 };
    let value = reader.level(0)?;
    reader.rest.trim().is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn level(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.atom() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|o| self.eat(o)) {
            left = apply(operator, left, self.level(level + 1)?)?;
        }
        Some(left)
    }

    fn atom(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = if self.eat("(") {
            let value = self.level(0)?;
            self.eat(")").then_some(value)?
        } else if self.eat("-") {
            self.atom()?.checked_neg()?
        } else {
            self.number()?
        };
        self.depth -= 1;
        Some(value)
    }

    fn number(&mut self) -> Option<i64> {
        let text = self.rest.trim_start();
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        self.rest = &text[end..];
        match text[..end].strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => text[..end].parse().ok(),
        }
    }
}

fn apply(operator: &str, a: i64, b: i64) -> Option<i64> {
    match operator {
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "&" => Some(a & b),
        "<<" => u32::try_from(b).ok().and_then(|b| a.checked_shl(b)),
        ">>" => u32::try_from(b).ok().and_then(|b| a.checked_shr(b)),
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        _ => a.checked_rem(b),
    }
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    #[test]
    fn arithmetic() {
        let rows = [
            ("15*1024*1024", Some(15_728_640)),
            (" 1 + 2 * 3 ", Some(7)),
            ("(1 + 2) * 0x10 - -1", Some(49)),
            ("1 << 4 | 1", Some(17)),
            ("1 / 0", None),
            ("x + 1", None),
            ("1 +", None),
            ("9223372036854775807 + 1", None),
        ];
        for (text, expected) in rows {
            assert_eq!(evaluate(text), expected, "{text}");
        }
        assert_eq!(evaluate(&"(".repeat(100_000)), None);
        assert_eq!(evaluate(&"-".repeat(100_000)), None);
    }
}
