//! getsockopt, setsockopt, fcntl and ioctl: what this layer keeps, and what it hands to the stack.

use super::Descriptors;
use super::dispatch::{Attempt, Stop, fail, refuse, value, with};
use super::table::{Kind, Socket, Stream};
use crate::stacks::user_calls::{TcpSetting, UserCalls};
use crate::sut::{Outcome, Output, Refusal};
use std::time::Duration;

/// Linux's tcp_keepalive_time, which is also the least that RFC 9293 §3.8.4 allows as default.
const KEEP_ALIVE_DEFAULT: Duration = Duration::from_secs(7200);

/// The options of a socket; what accept gives inherits them.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// SO_REUSEADDR.
    pub(super) reuse: bool,
    /// SO_LINGER: seconds, where it is on. Only 0 is served.
    pub(super) linger: Option<i32>,
    /// SO_BROADCAST.
    pub(super) broadcast: bool,
    nodelay: bool,
    keep_alive: bool,
    keep_idle: Option<Duration>,
    user_timeout: Option<Duration>,
}

impl Settings {
    /// Gives a new connection record what differs from the stack's defaults.
    pub(super) fn apply<U: UserCalls>(&self, stack: &mut U, handle: U::Tcp) -> Result<(), Stop> {
        let nagle = self.nodelay.then_some(TcpSetting::Nagle(false));
        let keep_alive = self.keep_alive.then(|| self.keep_alive());
        let timeout = self.user_timeout.map(|timeout| TcpSetting::UserTimeout(Some(timeout)));
        for setting in [nagle, keep_alive, timeout].into_iter().flatten() {
            stack.set(handle, setting).map_err(refused)?;
        }
        Ok(())
    }

    /// Sets an option of SOL_SOCKET; gives what the stack has to know of it.
    fn set_socket(&mut self, name: i32, value: Value<'_>) -> Result<Option<TcpSetting>, Stop> {
        let on = value.int(0)? != 0;
        match name {
            libc::SO_REUSEADDR => self.reuse = on,
            libc::SO_BROADCAST => self.broadcast = on,
            libc::SO_LINGER if value.length < 8 => return fail(libc::EINVAL),
            libc::SO_LINGER if on && value.int(4)? != 0 => return refuse("SO_LINGER with a time"),
            libc::SO_LINGER => self.linger = on.then_some(0),
            libc::SO_KEEPALIVE => {
                self.keep_alive = on;
                return Ok(Some(self.keep_alive()));
            }
            libc::SO_TYPE | libc::SO_ERROR | libc::SO_ACCEPTCONN | libc::SO_DOMAIN | libc::SO_PROTOCOL => {
                return fail(libc::ENOPROTOOPT);
            }
            _ => return refuse("socket-options"),
        }
        Ok(None)
    }

    /// Sets an option of IPPROTO_TCP; gives what the stack has to know of it.
    fn set_tcp(&mut self, name: i32, number: i32) -> Result<TcpSetting, Stop> {
        match name {
            libc::TCP_NODELAY => {
                self.nodelay = number != 0;
                Ok(TcpSetting::Nagle(number == 0))
            }
            libc::TCP_KEEPIDLE => {
                let seconds = u64::try_from(number).ok().filter(|s| (1..=32_767).contains(s));
                self.keep_idle = Some(Duration::from_secs(seconds.ok_or(Stop::Errno(libc::EINVAL))?));
                Ok(self.keep_alive())
            }
            libc::TCP_USER_TIMEOUT => {
                let millis = u64::try_from(number).map_err(|_| Stop::Errno(libc::EINVAL))?;
                self.user_timeout = (millis > 0).then(|| Duration::from_millis(millis));
                Ok(TcpSetting::UserTimeout(self.user_timeout))
            }
            _ => refuse("socket-options"),
        }
    }

    fn keep_alive(&self) -> TcpSetting {
        TcpSetting::KeepAlive(self.keep_alive.then(|| self.keep_idle.unwrap_or(KEEP_ALIVE_DEFAULT)))
    }
}

/// setsockopt's value: the bytes, and how many the caller says there are.
#[derive(Clone, Copy)]
struct Value<'a> {
    bytes: Option<&'a [u8]>,
    length: u32,
}

impl Value<'_> {
    /// The `int` at `offset`; EFAULT where the caller's memory ends before.
    fn int(&self, offset: usize) -> Result<i32, Stop> {
        let bytes = self.bytes.and_then(|bytes| bytes.get(offset..offset + 4)?.try_into().ok());
        bytes.map(i32::from_ne_bytes).ok_or(Stop::Errno(libc::EFAULT))
    }
}

fn refused(refusal: Refusal) -> Stop {
    match refusal {
        Refusal::Unsupported(what) | Refusal::Broken(what) => Stop::Refuse(what),
    }
}

impl<U: UserCalls> Descriptors<U> {
    pub(super) fn getsockopt(&mut self, fd: i32, level: i32, name: i32, length: u32) -> Attempt {
        let socket = self.table.get(fd)?;
        if i32::try_from(length).is_err() {
            return fail(libc::EINVAL);
        }
        let bytes = match (level, name) {
            (libc::SOL_SOCKET, libc::SO_LINGER) => {
                let linger = socket.settings.linger;
                let (on, seconds) = (i32::from(linger.is_some()), linger.unwrap_or(0));
                [on.to_ne_bytes(), seconds.to_ne_bytes()].concat()
            }
            (libc::SOL_SOCKET, _) => socket_level(socket, name)?.to_ne_bytes().to_vec(),
            (libc::IPPROTO_TCP, _) if socket.is_stream() => {
                tcp_level(&socket.settings, name)?.to_ne_bytes().to_vec()
            }
            (libc::IPPROTO_IP | libc::IPPROTO_IPV6, _) => return refuse("socket-options"),
            _ => return fail(libc::EOPNOTSUPP),
        };
        let given = bytes.len().min(usize::try_from(length).unwrap_or(0));
        let bytes = bytes.get(..given).unwrap_or_default().to_vec();
        with(0, Output::Option(bytes))
    }

    pub(super) fn setsockopt(
        &mut self,
        fd: i32,
        level: i32,
        name: i32,
        bytes: Option<&[u8]>,
        length: u32,
    ) -> Attempt {
        let socket = self.table.get(fd)?;
        if length < 4 || i32::try_from(length).is_err() {
            return fail(libc::EINVAL);
        }
        let given = Value { bytes, length };
        let change = match level {
            libc::SOL_SOCKET => socket.settings.set_socket(name, given)?,
            libc::IPPROTO_TCP if socket.is_stream() => Some(socket.settings.set_tcp(name, given.int(0)?)?),
            _ => return refuse("socket-options"),
        };
        let Some(change) = change else { return value(0) };
        match &socket.kind {
            Kind::Stream(Stream::Connection(connection)) => {
                self.stack.set(connection.handle, change).map_err(refused)?
            }
            Kind::Stream(Stream::Listening(listener)) => {
                listener.set(&mut self.stack, change).map_err(refused)?
            }
            Kind::Stream(Stream::Idle) | Kind::Datagram(_) => {}
        }
        value(0)
    }

    pub(super) fn fcntl(&mut self, fd: i32, command: i32, argument: i64) -> Attempt {
        let socket = self.table.get(fd)?;
        match command {
            libc::F_GETFL => {
                let nonblocking = if socket.nonblocking { libc::O_NONBLOCK } else { 0 };
                Ok(Outcome::value(i64::from(libc::O_RDWR | nonblocking)))
            }
            libc::F_SETFL => {
                socket.nonblocking = argument & i64::from(libc::O_NONBLOCK) != 0;
                value(0)
            }
            libc::F_GETFD | libc::F_SETFD => value(0),
            libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => refuse("dup"),
            _ => fail(libc::EINVAL),
        }
    }

    pub(super) fn ioctl(&mut self, fd: i32, request: u64, argument: Option<i64>) -> Attempt {
        let socket = self.table.get(fd)?;
        if request == libc::FIONBIO {
            socket.nonblocking = argument.ok_or(Stop::Errno(libc::EFAULT))? != 0;
            return value(0);
        }
        if request != libc::FIONREAD {
            return refuse("ioctl other than FIONREAD and FIONBIO");
        }
        let readable = match &mut socket.kind {
            Kind::Stream(Stream::Listening(_)) => return fail(libc::EINVAL),
            Kind::Stream(Stream::Idle) => 0,
            Kind::Stream(Stream::Connection(connection)) => connection.readable(&self.stack),
            Kind::Datagram(datagram) => datagram.peek(&mut self.stack).map_or(0, |(_, data)| data.len()),
        };
        with(0, Output::Integer(i64::try_from(readable).unwrap_or(i64::MAX)))
    }
}

fn socket_level<U: UserCalls>(socket: &mut Socket<U>, name: i32) -> Result<i32, Stop> {
    let stream = socket.is_stream();
    Ok(match name {
        libc::SO_TYPE if stream => libc::SOCK_STREAM,
        libc::SO_TYPE => libc::SOCK_DGRAM,
        libc::SO_PROTOCOL if stream => libc::IPPROTO_TCP,
        libc::SO_PROTOCOL => libc::IPPROTO_UDP,
        libc::SO_DOMAIN if socket.v6 => libc::AF_INET6,
        libc::SO_DOMAIN => libc::AF_INET,
        libc::SO_ACCEPTCONN => i32::from(socket.is_listening()),
        libc::SO_REUSEADDR => i32::from(socket.settings.reuse),
        libc::SO_BROADCAST => i32::from(socket.settings.broadcast),
        libc::SO_KEEPALIVE => i32::from(socket.settings.keep_alive),
        libc::SO_ERROR => match &mut socket.kind {
            Kind::Stream(Stream::Connection(connection)) => connection.error.take().unwrap_or(0),
            _ => 0,
        },
        _ => return refuse("socket-options"),
    })
}

fn tcp_level(settings: &Settings, name: i32) -> Result<i32, Stop> {
    let number = |n: u128| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(match name {
        libc::TCP_NODELAY => i32::from(settings.nodelay),
        libc::TCP_KEEPIDLE => number(u128::from(settings.keep_idle.unwrap_or(KEEP_ALIVE_DEFAULT).as_secs())),
        libc::TCP_USER_TIMEOUT => number(settings.user_timeout.map_or(0, |t| t.as_millis())),
        libc::TCP_INFO => return refuse("tcp-info"),
        _ => return refuse("socket-options"),
    })
}
