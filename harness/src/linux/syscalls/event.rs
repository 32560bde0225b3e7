//! Readiness: poll and epoll.

use super::{Descriptors, outcome, plain};
use crate::sut::{Outcome, Output, PollFd};

/// The most events of one call.
const MOST_EVENTS: usize = 1024;

/// poll(2).
pub(super) fn poll(fds: &Descriptors, array: &[PollFd], timeout_ms: i32) -> Outcome {
    let mut raw: Vec<libc::pollfd> = array
        .iter()
        .map(|p| libc::pollfd { fd: fds.kernel(p.fd), events: p.events, revents: p.revents })
        .collect();
    let count = libc::nfds_t::try_from(raw.len()).unwrap_or(0);
    // SAFETY: the array is `count` elements long and outlives the call.
    let returned = unsafe { libc::poll(raw.as_mut_ptr(), count, timeout_ms) };
    outcome(i64::from(returned), |_| {
        let back = array.iter().zip(&raw).map(|(p, r)| PollFd { revents: r.revents, ..*p });
        Output::Poll(back.collect())
    })
}

/// epoll_create(2), closed on exec. Glibc's wrapper lets no wrong size through to the kernel, so it is judged here alike.
pub(super) fn epoll_create(fds: &Descriptors, size: i32) -> Outcome {
    if size <= 0 {
        return Outcome::error(libc::EINVAL);
    }
    // SAFETY: no pointers.
    plain(fds.opened(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }))
}

/// epoll_ctl(2) on (epoll descriptor, descriptor).
pub(super) fn epoll_ctl((epfd, fd): (i32, i32), operation: i32, events: u32, data: u64) -> Outcome {
    let mut event = libc::epoll_event { events, u64: data };
    // SAFETY: the event outlives the call.
    plain(i64::from(unsafe { libc::epoll_ctl(epfd, operation, fd, &raw mut event) }))
}

/// epoll_wait(2).
pub(super) fn epoll_wait(epfd: i32, max_events: i32, timeout_ms: i32) -> Outcome {
    let room = usize::try_from(max_events).unwrap_or(0).min(MOST_EVENTS);
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; room.max(1)];
    // A count of zero or less reaches the kernel as it is, and is EINVAL there.
    let count = if max_events <= 0 { max_events } else { libc::c_int::try_from(room).unwrap_or(1) };
    // SAFETY: the array has room for `count` events and outlives the call.
    let returned = unsafe { libc::epoll_wait(epfd, events.as_mut_ptr(), count, timeout_ms) };
    outcome(i64::from(returned), |count| {
        Output::Epoll(events.iter().take(count).map(|e| (e.events, e.u64)).collect())
    })
}
