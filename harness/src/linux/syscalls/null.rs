//! Calls with a null pointer on purpose where their buffer stands.

use super::{Descriptors, plain};
use crate::linux::address::RawAddress;
use crate::sut::{Call, Outcome};
use std::ptr::{null, null_mut};

/// Makes `call` with a null buffer of the length that its own has; ENOSYS where it has no single buffer.
pub(super) fn execute(call: &Call, fds: &Descriptors) -> Outcome {
    // SAFETY: every buffer is null, which the kernel checks; the address of sendto outlives the call.
    let returned = unsafe {
        match call {
            Call::Read { fd, count } => libc::read(fds.kernel(*fd), null_mut(), *count),
            Call::Recv { fd, count, flags } => libc::recv(fds.kernel(*fd), null_mut(), *count, *flags),
            Call::Recvfrom { fd, count, flags } => {
                libc::recvfrom(fds.kernel(*fd), null_mut(), *count, *flags, null_mut(), null_mut())
            }
            Call::Write { fd, data } => libc::write(fds.kernel(*fd), null(), data.len()),
            Call::Send { fd, data, flags } => libc::send(fds.kernel(*fd), null(), data.len(), *flags),
            Call::Sendto { fd, data, flags, address } => {
                let to = RawAddress::from_argument(address, 0);
                libc::sendto(fds.kernel(*fd), null(), data.len(), *flags, to.as_ptr(), to.length)
            }
            _ => return Outcome::error(libc::ENOSYS),
        }
    };
    plain(i64::try_from(returned).unwrap_or(-1))
}
