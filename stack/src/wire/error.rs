//! Why bytes are not the header that they were taken for.

use core::fmt;

/// A header that cannot be parsed: which, which field of it, and what is wrong with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The header, in lower case: `ipv4`, `tcp options`.
    pub header: &'static str,
    /// The field as the header's RFC names it.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Reason,
}

/// The result of a parse.
pub type Result<T> = core::result::Result<T, Error>;

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bytes end before the field does.
    Truncated,
    /// A length that contradicts the bytes that are there, or is less than the header itself.
    Length,
    /// A checksum that does not match.
    Checksum,
    /// A value that the RFC forbids or does not define.
    Value,
}

impl Error {
    /// The bytes end before `field` does.
    pub const fn truncated(header: &'static str, field: &'static str) -> Error {
        Error { header, field, reason: Reason::Truncated }
    }

    /// `field` is a length that contradicts the bytes.
    pub const fn length(header: &'static str, field: &'static str) -> Error {
        Error { header, field, reason: Reason::Length }
    }

    /// The checksum does not match.
    pub const fn checksum(header: &'static str) -> Error {
        Error { header, field: "checksum", reason: Reason::Checksum }
    }

    /// `field` has a value that is forbidden or not defined.
    pub const fn value(header: &'static str, field: &'static str) -> Error {
        Error { header, field, reason: Reason::Value }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            Reason::Truncated => "is cut off",
            Reason::Length => "contradicts the bytes that are there",
            Reason::Checksum => "does not match",
            Reason::Value => "has a value that is not allowed",
        };
        write!(f, "{}: {} {what}", self.header, self.field)
    }
}

impl core::error::Error for Error {}
