//! epoll: which of many descriptors are ready, by level or by edge.

use super::call::events;
use super::errno::Errno;
use super::{Outcome, Value};
use crate::host::Host;

/// Report each change once, and not for as long as it lasts.
const EPOLLET: u32 = 1 << 31;
/// Report once, until the interest is changed.
const EPOLLONESHOT: u32 = 1 << 30;
/// Interests that one epoll descriptor holds at most.
const MAX_INTERESTS: usize = 4096;

/// What epoll_ctl does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpollOperation {
    /// EPOLL_CTL_ADD.
    Add,
    /// EPOLL_CTL_DEL.
    Delete,
    /// EPOLL_CTL_MOD.
    Modify,
}

/// A descriptor that is watched.
#[derive(Debug)]
struct Interest {
    fd: i32,
    /// The socket that it was when it was added.
    serial: u64,
    events: u32,
    data: u64,
    /// By edge: the activity that was reported; `None`: nothing yet.
    seen: Option<u64>,
    /// With EPOLLONESHOT: it has been.
    spent: bool,
}

/// An epoll descriptor.
#[derive(Debug, Default)]
pub(super) struct Epoll {
    interests: Vec<Interest>,
}

impl Host {
    /// epoll_ctl.
    pub(super) fn epoll_control(
        &mut self,
        epfd: i32,
        operation: EpollOperation,
        fd: i32,
        (events, data): (u32, u64),
    ) -> Result<(), Errno> {
        let serial = match fd {
            fd if fd == epfd => return Err(Errno::EINVAL),
            fd => self.sockets.table.get(fd)?.serial,
        };
        let epoll = self.sockets.table.epoll_mut(epfd)?;
        epoll.interests.retain(|interest| interest.fd != fd || interest.serial == serial);
        let known = epoll.interests.iter().position(|interest| interest.fd == fd);
        let fresh = Interest { fd, serial, events, data, seen: None, spent: false };
        match (operation, known) {
            (EpollOperation::Add, Some(_)) => return Err(Errno::EEXIST),
            (EpollOperation::Add, None) if epoll.interests.len() >= MAX_INTERESTS => {
                return Err(Errno::ENOMEM);
            }
            (EpollOperation::Add, None) => epoll.interests.push(fresh),
            (EpollOperation::Modify, Some(at)) => epoll.interests[at] = fresh,
            (EpollOperation::Delete, Some(at)) => {
                epoll.interests.remove(at);
            }
            (EpollOperation::Modify | EpollOperation::Delete, None) => return Err(Errno::ENOENT),
        }
        Ok(())
    }

    /// epoll_wait, as far as it can be answered now: up to `most` events; `None` where there are none.
    pub(super) fn epoll_ready(&mut self, epfd: i32, most: usize) -> Option<Outcome> {
        let mut interests = match self.sockets.table.epoll_mut(epfd) {
            Ok(epoll) => core::mem::take(&mut epoll.interests),
            Err(errno) => return Some(Err(errno)),
        };
        interests.retain(|interest| {
            self.sockets.table.get(interest.fd).is_ok_and(|socket| socket.serial == interest.serial)
        });
        let mut ready = Vec::new();
        for interest in &mut interests {
            if ready.len() >= most {
                break;
            }
            ready.extend(self.epoll_report(interest).map(|events| (events, interest.data)));
        }
        // The next call begins with those that were not looked at, or were first now.
        let looked_at = ready.len().min(interests.len());
        interests.rotate_left(if ready.len() >= most { looked_at } else { 0 });
        if let Ok(epoll) = self.sockets.table.epoll_mut(epfd) {
            epoll.interests = interests;
        }
        (!ready.is_empty()).then_some(Ok(Value::Epolled(ready)))
    }

    /// The events of an interest that are to be reported now.
    fn epoll_report(&self, interest: &mut Interest) -> Option<u32> {
        if interest.spent {
            return None;
        }
        let always = (events::POLLERR | events::POLLHUP) as u32;
        let found = u32::from(self.events(interest.fd) as u16) & (interest.events | always);
        let activity = self.activity(interest.fd);
        let edge = interest.events & EPOLLET != 0;
        if found == 0 || (edge && interest.seen == Some(activity)) {
            return None;
        }
        interest.seen = Some(activity);
        interest.spent = interest.events & EPOLLONESHOT != 0;
        Some(found)
    }
}
