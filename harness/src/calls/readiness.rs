//! poll and epoll.

use super::arguments::Arguments;
use super::descriptors::{Descriptor, Kind};
use super::number::Want;
use super::outcome::{Captures, Expect, accept_value, mismatch};
use super::signatures::Planned;
use crate::abi;
use crate::lang::Error;
use crate::lang::ast::Argument;
use crate::packet::Mismatch;
use crate::sut::{Call, Output, PollFd};

/// What an event of epoll_wait must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantEpoll {
    events: Want,
    data: Want,
    /// The bits of the 64 that the script names: `fd` and `u32` are half of the union.
    mask: u64,
}

pub(super) fn poll(a: &Arguments<'_>) -> Planned {
    let Argument::Array(elements) = a.at(0) else {
        return Err(a.wrong(0, "`[{fd=4, events=POLLIN, revents=POLLIN}]`"));
    };
    let (count, timeout_ms) = (a.value(a.at(1))?, a.int(2)?);
    if count != elements.len() as i64 {
        return Err(a.error(format!("{count} descriptors are announced, but there are {}", elements.len())));
    }
    let (mut fds, mut wants) = (Vec::new(), Vec::new());
    for element in elements {
        let Argument::PollFd { fd, events, revents } = element else {
            return Err(a.wrong(0, "`[{fd=4, events=POLLIN, revents=POLLIN}]`"));
        };
        let fd = a.stack_fd(a.fits_i32(a.value(fd)?)?)?;
        // The kernel's field has 16 bits; what does not fit cannot be asked for.
        let events = i16::try_from(a.value(events)?).map_err(|_| a.error("events of poll have 16 bits"))?;
        fds.push(PollFd { fd, events, revents: 0 });
        wants.push(a.want(revents)?);
    }
    Ok((Call::Poll { fds, timeout_ms }, Expect::Revents(wants)))
}

pub(super) fn compare_poll(wants: &[Want], output: &Output, captures: &mut Captures) -> Result<(), Mismatch> {
    let Output::Poll(found) = output else { return Err(mismatch("revents", "an array", "nothing")) };
    if found.len() != wants.len() {
        return Err(mismatch(
            "revents",
            format!("{} elements", wants.len()),
            format!("{} elements", found.len()),
        ));
    }
    for (index, (want, fd)) in wants.iter().zip(found).enumerate() {
        let value = i64::from(fd.revents);
        accept_value("revents", want, value, captures)
            .map_err(|m| by_names(m, &format!("revents[{index}]"), "POLL", want, value))?;
    }
    Ok(())
}

fn by_names(mismatch: Mismatch, field: &str, prefix: &str, want: &Want, found: i64) -> Mismatch {
    let expected = match want {
        Want::Is(value) => abi::flag_names(prefix, *value),
        _ => mismatch.expected,
    };
    Mismatch { field: field.to_string(), expected, found: abi::flag_names(prefix, found) }
}

pub(super) fn epoll_create(a: &Arguments<'_>) -> Planned {
    Ok((Call::EpollCreate { size: a.int(0)? }, Expect::Descriptor(Descriptor::new(Kind::Epoll, 0))))
}

pub(super) fn epoll_ctl(a: &Arguments<'_>) -> Planned {
    let (epfd, operation, fd) = (a.fd(0)?, a.int(1)?, a.fd(2)?);
    let (events, data) = match a.at(3) {
        Argument::EpollEvent { events, data_name, data } => {
            let value = a.value(data)?;
            if data_name == "fd" && value != i64::from(a.int(2)?) {
                return Err(a.error(format!("the event is for descriptor {value}, the call for another one")));
            }
            // Events are 32 bits with EPOLLET on top.
            (a.fits_i32(a.value(events)?)? as u32, event_data(a, data_name, value)?)
        }
        Argument::Word(word) if word == "NULL" => (0, 0),
        _ => return Err(a.wrong(3, "`{events=EPOLLIN, fd=4}`")),
    };
    Ok((Call::EpollCtl { epfd, operation, fd, events, data }, Expect::Number))
}

/// The union epoll_data: `fd` is the stack's, and it and `u32` fill the lower half.
fn event_data(a: &Arguments<'_>, name: &str, value: i64) -> Result<u64, Error> {
    match name {
        "fd" => Ok(u64::from(a.stack_fd(a.fits_i32(value)?)? as u32)),
        "u32" => Ok(u64::from(a.fits_i32(value)? as u32)),
        "ptr" | "u64" => Ok(value as u64),
        _ => Err(a.error(format!("`{name}` is no part of epoll_data: fd, ptr, u32 and u64 are"))),
    }
}

pub(super) fn epoll_wait(a: &Arguments<'_>) -> Planned {
    let epfd = a.fd(0)?;
    let (max_events, timeout_ms) = (a.int(2)?, a.int(3)?);
    let events = match a.at(1) {
        Argument::Ellipsis => Vec::new(),
        Argument::Array(events) => events.iter().map(|e| want_event(a, e)).collect::<Result<_, _>>()?,
        event => vec![want_event(a, event)?],
    };
    Ok((Call::EpollWait { epfd, max_events, timeout_ms }, Expect::Epoll(events)))
}

fn want_event(a: &Arguments<'_>, event: &Argument) -> Result<WantEpoll, Error> {
    let Argument::EpollEvent { events, data_name, data } = event else {
        return Err(a.wrong(1, "`{events=EPOLLIN, fd=4}`"));
    };
    let mask = if matches!(data_name.as_str(), "fd" | "u32") { u64::from(u32::MAX) } else { u64::MAX };
    let data = match a.want(data)? {
        // The comparison is of bits, so a 64-bit value keeps them.
        Want::Is(value) => Want::Is(event_data(a, data_name, value)? as i64),
        other => other,
    };
    Ok(WantEpoll { events: a.want(events)?, data, mask })
}

/// Compares the events in order. Where fewer came than the script has, the rest is compared with zeros, which is how
/// packetdrill's scripts write "none": `{events=0, ptr=0}`.
pub(super) fn compare_epoll(
    wants: &[WantEpoll],
    output: &Output,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let found: &[(u32, u64)] = match output {
        Output::Epoll(events) => events,
        _ => &[],
    };
    for (index, want) in wants.iter().enumerate() {
        let (events, data) = found.get(index).copied().unwrap_or((0, 0));
        accept_value("events", &want.events, i64::from(events), captures).map_err(|m| {
            by_names(m, &format!("events[{index}]"), "EPOLL", &want.events, i64::from(events))
        })?;
        accept_value(&format!("data[{index}]"), &want.data, (data & want.mask) as i64, captures)?;
    }
    Ok(())
}
