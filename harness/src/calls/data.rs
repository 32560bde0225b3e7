//! What is written, and what must be read.

use super::descriptors::Kind;
use crate::packet::{Mismatch, pattern};

/// A buffer argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Buffer {
    /// `...`
    Unspecified,
    /// `NULL`
    Null,
    /// `"text"`
    Bytes(Vec<u8>),
    /// `"text"...`
    Prefix(Vec<u8>),
}

/// What the bytes that were read are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExpectedData {
    /// Nothing.
    Unchecked,
    /// The pattern, from the stream's read offset, or from 0 in a datagram.
    Pattern,
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes and whatever follows.
    Prefix(Vec<u8>),
}

/// Where the pattern begins in what a descriptor of this kind reads; `None` where there is none.
pub(super) fn pattern_start(kind: Kind, read_offset: u64) -> Option<u64> {
    match kind {
        Kind::Stream => Some(read_offset),
        Kind::Datagram => Some(0),
        Kind::Ping | Kind::Raw | Kind::Epoll | Kind::Pipe | Kind::File => None,
    }
}

/// Compares what was read with what should have been; `start` is the offset of the first byte in its stream.
pub(super) fn compare(expected: &ExpectedData, start: Option<u64>, data: &[u8]) -> Result<(), Mismatch> {
    match (expected, start) {
        (ExpectedData::Unchecked, _) | (ExpectedData::Pattern, None) => Ok(()),
        (ExpectedData::Pattern, Some(start)) => {
            let wanted = pattern::bytes(start as u32, data.len());
            let wrong = (start..).zip(wanted.iter().zip(data)).find(|(_, (want, have))| want != have);
            wrong.map_or(Ok(()), |(offset, (want, have))| Err(byte_differs(offset, *want, *have)))
        }
        (ExpectedData::Bytes(bytes), _) if data.len() != bytes.len() => {
            Err(length_differs(bytes.len(), data.len()))
        }
        (ExpectedData::Prefix(bytes), _) if data.len() < bytes.len() => {
            Err(length_differs(bytes.len(), data.len()))
        }
        (ExpectedData::Bytes(bytes) | ExpectedData::Prefix(bytes), _) => {
            let wrong = (0u64..).zip(bytes.iter().zip(data)).find(|(_, (want, have))| want != have);
            wrong.map_or(Ok(()), |(offset, (want, have))| Err(byte_differs(offset, *want, *have)))
        }
    }
}

fn byte_differs(offset: u64, expected: u8, found: u8) -> Mismatch {
    Mismatch {
        field: "data".into(),
        expected: format!("{expected:#04x} at offset {offset}"),
        found: format!("{found:#04x} at offset {offset}"),
    }
}

pub(super) fn length_differs(expected: usize, found: usize) -> Mismatch {
    Mismatch { field: "data".into(), expected: format!("{expected} bytes"), found: format!("{found} bytes") }
}
