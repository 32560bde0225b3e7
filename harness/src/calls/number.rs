//! Numbers in arguments and results: arithmetic on captured values, and conditions on what comes back.

use std::fmt;

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
