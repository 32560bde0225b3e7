//! Files, pipes and what moves bytes between descriptors; the process's capabilities.

use super::arguments::Arguments;
use super::descriptors::{Descriptor, Kind};
use super::outcome::Expect;
use super::signatures::Planned;
use crate::lang::Error;
use crate::lang::ast::{Argument, Expr};
use crate::sut::Call;

pub(super) fn open(a: &Arguments<'_>) -> Planned {
    let Argument::String(bytes) = a.at(0) else { return Err(a.wrong(0, "a path in quotes")) };
    let path = String::from_utf8(bytes.clone()).map_err(|_| a.wrong(0, "a path in UTF-8"))?;
    Ok((Call::Open { path, flags: a.int(1)? }, Expect::Descriptor(Descriptor::new(Kind::File, 0))))
}

pub(super) fn sendfile(a: &Arguments<'_>) -> Planned {
    let (out_fd, in_fd) = (a.fd(0)?, a.fd(1)?);
    let offset = match a.at(2) {
        Argument::Word(word) if word == "NULL" => None,
        _ => Some(a.value(a.bracketed(2)?)?),
    };
    let expect = Expect::Moved { from: a.int(1)?, to: a.int(0)? };
    Ok((Call::Sendfile { out_fd, in_fd, offset, count: a.length(3)? }, expect))
}

pub(super) fn pipe(a: &Arguments<'_>) -> Planned {
    let ends = match a.at(0) {
        Argument::Array(ends) if ends.len() == 2 => ends,
        _ => return Err(a.wrong(0, "`[5, 6]`")),
    };
    let (read, write) = (a.fits_i32(a.value(&ends[0])?)?, a.fits_i32(a.value(&ends[1])?)?);
    for end in [read, write] {
        if a.descriptors.get(end).is_some() {
            return Err(a.error(format!("descriptor {end} is open already")));
        }
    }
    Ok((Call::Pipe, Expect::Pipe { read, write }))
}

pub(super) fn splice(a: &Arguments<'_>) -> Planned {
    let (fd_in, fd_out) = (a.fd(0)?, a.fd(2)?);
    let (off_in, off_out) = (offset(a, 1)?, offset(a, 3)?);
    let (len, flags) = (a.length(4)?, a.int(5)? as u32);
    let expect = Expect::Moved { from: a.int(0)?, to: a.int(2)? };
    Ok((Call::Splice { fd_in, off_in, fd_out, off_out, len, flags }, expect))
}

/// An offset, or NULL where the descriptor's own position is meant; packetdrill writes NULL as 0, too.
fn offset(a: &Arguments<'_>, index: usize) -> Result<Option<i64>, Error> {
    match a.at(index) {
        Argument::Word(word) if word == "NULL" => Ok(None),
        Argument::Number(Expr::Int(0)) => Ok(None),
        Argument::Array(_) => a.value(a.bracketed(index)?).map(Some),
        other => a.value(other).map(Some),
    }
}

/// `cap_set(SET, CAPABILITY, CAP_SET|CAP_CLEAR)` changes one bit of one set; capset(2) takes all three sets.
pub(super) fn cap_set(a: &Arguments<'_>) -> Planned {
    let (set, capability, on) = (a.int(0)?, a.int(1)?, a.int(2)?);
    if !(0..64).contains(&capability) {
        return Err(a.wrong(1, "a capability, CAP_NET_ADMIN say"));
    }
    let mut sets = a.descriptors.capabilities;
    let changed = match set {
        0 => &mut sets.effective,
        1 => &mut sets.permitted,
        2 => &mut sets.inheritable,
        _ => return Err(a.wrong(0, "CAP_EFFECTIVE, CAP_PERMITTED or CAP_INHERITABLE")),
    };
    let bit = 1u64 << capability;
    *changed = if on == 0 { *changed & !bit } else { *changed | bit };
    let (effective, permitted, inheritable) = (sets.effective, sets.permitted, sets.inheritable);
    Ok((Call::CapSet { effective, permitted, inheritable }, Expect::Capabilities(sets)))
}
