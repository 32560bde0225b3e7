//! sendmsg and recvmsg.

use super::address::Side;
use super::arguments::Arguments;
use super::control;
use super::data::Buffer;
use super::outcome::Expect;
use super::signatures::Planned;
use super::sockets::domain_of;
use super::transfer::{outgoing_vectors, received, vector_lengths};
use crate::lang::ast::Argument;
use crate::sut::{Call, Message};

/// `{msg_name(...)=..., …}`: the name is always the peer, as in packetdrill.
pub(super) fn sendmsg(a: &Arguments<'_>) -> Planned {
    let fd = a.fd(0)?;
    let Argument::MsgHdr { iov, iov_len, flags, control } = a.at(1) else {
        return Err(a.wrong(1, "`{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}`"));
    };
    if a.value(flags)? != 0 {
        return Err(a.error("sendmsg does not look at msg_flags, so it is 0"));
    }
    let counts = vector_lengths(a, iov, *iov_len)?;
    let message = Message {
        name: Some(a.default_address(Side::Remote, domain_of(a)?)),
        iov: outgoing_vectors(a, &counts)?,
        control: control::encode(a, control)?,
        control_len: 0,
        flags: 0,
    };
    Ok((Call::Sendmsg { fd, message, flags: a.int(2)? }, Expect::Sent { fd: a.int(0)? }))
}

pub(super) fn recvmsg(a: &Arguments<'_>) -> Planned {
    let (fd, call_flags) = (a.fd(0)?, a.int(2)?);
    let Argument::MsgHdr { iov, iov_len, flags, control } = a.at(1) else {
        return Err(a.wrong(1, "`{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}`"));
    };
    let counts = vector_lengths(a, iov, *iov_len)?;
    let control = control::wanted(a, control)?;
    let message = Message {
        name: None,
        iov: counts.into_iter().map(|count| vec![0; count]).collect(),
        control: Vec::new(),
        control_len: control::room(&control),
        flags: 0,
    };
    let Expect::Received(received) = received(a, &Buffer::Unspecified, call_flags)? else {
        return Err(a.error("nothing is received"));
    };
    let expect = Expect::Message { received, flags: a.want(flags)?, control };
    Ok((Call::Recvmsg { fd, message, flags: call_flags }, expect))
}
