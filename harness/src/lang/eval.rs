//! Arithmetic over captured values.

use super::ast::{BinaryOp, Expr};
use std::collections::BTreeMap;

/// The value of `expr`, in 64 bits; comparisons give 1 and 0, as in C.
///
/// # Errors
/// Says which variable has no value, or that a division or shift is impossible.
pub fn evaluate(expr: &Expr, variables: &BTreeMap<String, i64>) -> Result<i64, String> {
    match expr {
        Expr::Int(value) => Ok(*value),
        Expr::Variable(name) => {
            variables.get(name).copied().ok_or_else(|| format!("`${name}` has no value yet"))
        }
        Expr::Absolute(inner) => evaluate(inner, variables),
        Expr::Negate(inner) => Ok(evaluate(inner, variables)?.wrapping_neg()),
        Expr::Binary(op, left, right) => binary(*op, evaluate(left, variables)?, evaluate(right, variables)?),
    }
}

fn binary(op: BinaryOp, left: i64, right: i64) -> Result<i64, String> {
    Ok(match op {
        BinaryOp::Or => i64::from(left != 0 || right != 0),
        BinaryOp::And => i64::from(left != 0 && right != 0),
        BinaryOp::Equal => i64::from(left == right),
        BinaryOp::NotEqual => i64::from(left != right),
        BinaryOp::Less => i64::from(left < right),
        BinaryOp::LessOrEqual => i64::from(left <= right),
        BinaryOp::Greater => i64::from(left > right),
        BinaryOp::GreaterOrEqual => i64::from(left >= right),
        BinaryOp::BitOr => left | right,
        BinaryOp::BitXor => left ^ right,
        BinaryOp::BitAnd => left & right,
        BinaryOp::ShiftLeft => shift(left, right, i64::checked_shl)?,
        BinaryOp::ShiftRight => shift(left, right, i64::checked_shr)?,
        BinaryOp::Add => left.wrapping_add(right),
        BinaryOp::Subtract => left.wrapping_sub(right),
        BinaryOp::Multiply => left.wrapping_mul(right),
        BinaryOp::Divide => left.checked_div(right).ok_or("division by zero")?,
        BinaryOp::Remainder => left.checked_rem(right).ok_or("division by zero")?,
    })
}

fn shift(value: i64, by: i64, op: fn(i64, u32) -> Option<i64>) -> Result<i64, String> {
    u32::try_from(by).ok().and_then(|by| op(value, by)).ok_or_else(|| format!("a shift by {by}"))
}
