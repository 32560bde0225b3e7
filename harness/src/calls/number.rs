//! Numbers in arguments and results: arithmetic on captured values, and conditions on what comes back.

use crate::lang::ast::{BinaryOp, Expr};
use crate::packet::Variables;
use std::fmt;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoValue {
    /// A variable that nothing has been captured into.
    Unset(String),
    /// A division by zero, or `abs` of something that is not a sequence number.
    Undefined(&'static str),
}

/// The value of an expression; 64-bit, wrapping.
pub(super) fn evaluate(expr: &Expr, variables: &Variables) -> Result<i64, NoValue> {
    match expr {
        Expr::Int(value) => Ok(*value),
        Expr::Variable(name) => variables.get(name).copied().ok_or_else(|| NoValue::Unset(name.clone())),
        Expr::Absolute(_) => Err(NoValue::Undefined("`abs` is for sequence numbers in packets")),
        Expr::Negate(inner) => Ok(evaluate(inner, variables)?.wrapping_neg()),
        Expr::Binary(op, left, right) => binary(*op, evaluate(left, variables)?, evaluate(right, variables)?),
    }
}

fn binary(op: BinaryOp, a: i64, b: i64) -> Result<i64, NoValue> {
    // Shifts take the count modulo 64, as the machine does.
    let count = (b & 63) as u32;
    Ok(match op {
        BinaryOp::Or => i64::from(a != 0 || b != 0),
        BinaryOp::And => i64::from(a != 0 && b != 0),
        BinaryOp::Equal => i64::from(a == b),
        BinaryOp::NotEqual => i64::from(a != b),
        BinaryOp::Less => i64::from(a < b),
        BinaryOp::LessOrEqual => i64::from(a <= b),
        BinaryOp::Greater => i64::from(a > b),
        BinaryOp::GreaterOrEqual => i64::from(a >= b),
        BinaryOp::BitOr => a | b,
        BinaryOp::BitXor => a ^ b,
        BinaryOp::BitAnd => a & b,
        BinaryOp::ShiftLeft => a.wrapping_shl(count),
        BinaryOp::ShiftRight => a.wrapping_shr(count),
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Subtract => a.wrapping_sub(b),
        BinaryOp::Multiply => a.wrapping_mul(b),
        BinaryOp::Divide | BinaryOp::Remainder if b == 0 => {
            return Err(NoValue::Undefined("division by zero"));
        }
        BinaryOp::Divide => a.wrapping_div(b),
        BinaryOp::Remainder => a.wrapping_rem(b),
    })
}

/// What a number that comes back must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Anything.
    Any,
    /// This value.
    Is(i64),
    /// One of these, both ends included.
    Range(i64, i64),
    /// Anything else.
    Not(i64),
    /// Anything; the variable takes it.
    Capture(String),
}

impl Want {
    pub(super) fn accepts(&self, value: i64) -> bool {
        match self {
            Want::Any | Want::Capture(_) => true,
            Want::Is(wanted) => *wanted == value,
            Want::Range(from, to) => (*from..=*to).contains(&value),
            Want::Not(unwanted) => *unwanted != value,
        }
    }

    /// Whether it accepts the value as an unsigned or signed number of 32 bits: 0xffffffff is -1.
    pub(super) fn accepts_u32(&self, value: u32) -> bool {
        self.accepts(i64::from(value)) || self.accepts(i64::from(value as i32))
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Want::Any => f.write_str("*"),
            Want::Is(value) => write!(f, "{value}"),
            Want::Range(from, to) => write!(f, "{from} .. {to}"),
            Want::Not(value) => write!(f, "not {value}"),
            Want::Capture(name) => write!(f, "${name}"),
        }
    }
}
