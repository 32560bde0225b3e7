//! getsockopt and setsockopt: which options there are, and how their values lie in memory (Linux's numbers).

use super::call::Kind;
use super::errno::Errno;
use super::options::Options;
use super::table::{Socket, State};
use super::{ip_options, tcp_options};
use crate::host::Host;
use crate::time::Instant;

pub(super) const SOL_IP: i32 = 0;
pub(super) const SOL_SOCKET: i32 = 1;
pub(super) const SOL_TCP: i32 = 6;
const SOL_UDP: i32 = 17;
pub(super) const SOL_IPV6: i32 = 41;

const SO_REUSEADDR: i32 = 2;
const SO_TYPE: i32 = 3;
const SO_ERROR: i32 = 4;
const SO_BROADCAST: i32 = 6;
const SO_SNDBUF: i32 = 7;
const SO_RCVBUF: i32 = 8;
const SO_KEEPALIVE: i32 = 9;
const SO_OOBINLINE: i32 = 10;
const SO_NO_CHECK: i32 = 11;
const SO_LINGER: i32 = 13;
const SO_REUSEPORT: i32 = 15;
const SO_MARK: i32 = 36;
const SO_ZEROCOPY: i32 = 60;
const SO_ACCEPTCONN: i32 = 30;
const SO_PROTOCOL: i32 = 38;
const SO_DOMAIN: i32 = 39;

/// The least and the most that a buffer is set to, as Linux has them, before it is doubled.
const BUFFER: core::ops::RangeInclusive<usize> = 1152..=4 << 20;

/// The integer that a value begins with; shorter ones are wrong.
pub(super) fn integer(value: &[u8]) -> Result<i32, Errno> {
    match value {
        [a, b, c, d, ..] => Ok(i32::from_ne_bytes([*a, *b, *c, *d])),
        _ => Err(Errno::EINVAL),
    }
}

/// The integer of an option that must be in `range`.
pub(super) fn within(value: &[u8], range: core::ops::RangeInclusive<i32>) -> Result<u32, Errno> {
    let number = integer(value)?;
    if range.contains(&number) {
        u32::try_from(number).map_err(|_| Errno::EINVAL)
    } else {
        Err(Errno::EINVAL)
    }
}

impl Host {
    /// The value of an option, cut to `length` bytes.
    pub(super) fn getsockopt(
        &mut self,
        now: Instant,
        fd: i32,
        level: i32,
        name: i32,
        length: usize,
    ) -> Result<Vec<u8>, Errno> {
        let stream = self.sockets.table.get(fd)?.is_stream();
        let mut value = match level {
            SOL_SOCKET => self.get_socket_option(fd, name)?,
            SOL_TCP if stream => self.get_tcp_option(now, fd, name)?,
            SOL_UDP if !stream => get_udp_option(&self.sockets.table.get(fd)?.options, name)?,
            SOL_IP => self.get_ip_option(now, fd, name)?,
            SOL_IPV6 => ip_options::get_ipv6(self.sockets.table.get(fd)?, name, &self.net.config)?,
            _ => return Err(Errno::ENOPROTOOPT),
        };
        value.truncate(length);
        Ok(value)
    }

    /// Sets an option; it counts at once.
    pub(super) fn setsockopt(
        &mut self,
        now: Instant,
        fd: i32,
        level: i32,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        let socket = self.sockets.table.get_mut(fd)?;
        match level {
            SOL_SOCKET => set_socket_option(socket, name, value)?,
            SOL_TCP if socket.is_stream() => {
                tcp_options::set(&mut socket.options, name, value, &self.tcp.config)?
            }
            SOL_UDP if !socket.is_stream() => set_udp_option(&mut socket.options, name, value)?,
            SOL_IP => self.set_ip_option(now, fd, name, value)?,
            SOL_IPV6 => ip_options::set_ipv6(socket, name, value)?,
            _ => return Err(Errno::ENOPROTOOPT),
        }
        self.apply_options(now, fd)
    }

    /// Tells the transports what they keep of a socket's options.
    pub(super) fn apply_options(&mut self, now: Instant, fd: i32) -> Result<(), Errno> {
        let socket = self.sockets.table.get_mut(fd)?;
        let options = socket.options.for_tcp(socket.domain, &self.tcp.config);
        let push_now = core::mem::take(&mut socket.options.push_now);
        match socket.state {
            State::Datagram(id) => {
                if let Some(udp) = self.udp.get_mut(id) {
                    udp.ipv4 = !socket.options.v6only;
                    udp.takes_unchecked = socket.options.takes_unchecked;
                    udp.keep_errors(socket.options.keep_errors);
                    udp.capacity = socket.options.receive_buffer.unwrap_or(udp.capacity);
                }
            }
            State::Idle | State::Deferred(_) => {}
            State::Listening(id) => {
                if let Some(own) = self.tcp.listener_options_mut(id) {
                    *own = options;
                }
            }
            State::Connecting(id) | State::Connected(id) => {
                let own = socket.options.clone();
                self.mark_connection(id, &own);
                self.tcp.set_options(now, id, options);
                if push_now {
                    self.tcp.push(now, id);
                }
            }
        }
        Ok(())
    }

    fn get_socket_option(&mut self, fd: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let socket = self.sockets.table.get(fd)?;
        let options = &socket.options;
        let (datagram, tcp) = (self.net.config.socket.datagram_buffer, &self.tcp.config);
        let stream = socket.is_stream();
        let buffer = |own: Option<usize>, of_stream| own.unwrap_or(if stream { of_stream } else { datagram });
        let number = match name {
            SO_REUSEADDR => i32::from(options.reuse_address),
            SO_TYPE => {
                if stream {
                    1
                } else {
                    2
                }
            }
            SO_ERROR => self.take_error(fd)?.map_or(0, Errno::number),
            SO_BROADCAST => i32::from(options.broadcast),
            SO_SNDBUF => i32::try_from(buffer(options.send_buffer, tcp.send_buffer)).unwrap_or(i32::MAX),
            SO_RCVBUF => {
                i32::try_from(buffer(options.receive_buffer, tcp.receive_buffer)).unwrap_or(i32::MAX)
            }
            SO_KEEPALIVE => i32::from(options.keepalive),
            SO_OOBINLINE => i32::from(options.urgent_in_line),
            SO_NO_CHECK => i32::from(options.no_checksum),
            SO_MARK => i32::from_ne_bytes(options.mark.to_ne_bytes()),
            SO_REUSEPORT => i32::from(options.reuse_port),
            SO_ZEROCOPY => i32::from(options.zerocopy),
            SO_ACCEPTCONN => i32::from(matches!(socket.state, State::Listening(_))),
            SO_PROTOCOL => match socket.kind {
                Kind::Stream => 6,
                Kind::Datagram => 17,
                Kind::Ping => 1,
            },
            SO_DOMAIN => match socket.domain {
                super::Domain::Inet => 2,
                super::Domain::Inet6 => 10,
            },
            SO_LINGER => {
                let (on, seconds) = (options.linger.is_some(), options.linger.unwrap_or(0));
                return Ok([i32::from(on).to_ne_bytes(), seconds.to_ne_bytes()].concat());
            }
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(number.to_ne_bytes().to_vec())
    }

    /// SO_ERROR: the error that waits, once.
    fn take_error(&mut self, fd: i32) -> Result<Option<Errno>, Errno> {
        let socket = self.sockets.table.get_mut(fd)?;
        if let Some(error) = socket.error.take() {
            return Ok(Some(error));
        }
        match socket.state {
            State::Datagram(id) => self.take_datagram_error(fd, id),
            State::Connecting(id) | State::Connected(id) => Ok(self.tcp.take_error(id).map(Errno::of_tcp)),
            State::Idle | State::Deferred(_) | State::Listening(_) => Ok(None),
        }
    }
}

/// linux/udp.h.
const UDP_NO_CHECK6_TX: i32 = 101;
const UDP_NO_CHECK6_RX: i32 = 102;

fn get_udp_option(options: &Options, name: i32) -> Result<Vec<u8>, Errno> {
    let on = match name {
        UDP_NO_CHECK6_TX => options.sends_unchecked,
        UDP_NO_CHECK6_RX => options.takes_unchecked,
        _ => return Err(Errno::ENOPROTOOPT),
    };
    Ok(i32::from(on).to_ne_bytes().to_vec())
}

fn set_udp_option(options: &mut Options, name: i32, value: &[u8]) -> Result<(), Errno> {
    let on = integer(value)? != 0;
    match name {
        UDP_NO_CHECK6_TX => options.sends_unchecked = on,
        UDP_NO_CHECK6_RX => options.takes_unchecked = on,
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}

fn set_socket_option(socket: &mut Socket, name: i32, value: &[u8]) -> Result<(), Errno> {
    let options = &mut socket.options;
    let buffer = |value: &[u8]| {
        let bytes = usize::try_from(integer(value)?).unwrap_or(0);
        Ok(Some(bytes.clamp(*BUFFER.start(), *BUFFER.end()) * 2))
    };
    match name {
        SO_REUSEADDR => options.reuse_address = integer(value)? != 0,
        SO_BROADCAST => options.broadcast = integer(value)? != 0,
        SO_SNDBUF => options.send_buffer = buffer(value)?,
        SO_RCVBUF => options.receive_buffer = buffer(value)?,
        SO_KEEPALIVE => options.keepalive = integer(value)? != 0,
        SO_NO_CHECK => options.no_checksum = integer(value)? != 0,
        SO_MARK => options.mark = u32::from_ne_bytes(integer(value)?.to_ne_bytes()),
        SO_OOBINLINE => options.urgent_in_line = integer(value)? != 0,
        SO_REUSEPORT => options.reuse_port = integer(value)? != 0,
        SO_ZEROCOPY => options.zerocopy = within(value, 0..=1)? != 0,
        SO_LINGER => {
            let seconds = integer(value.get(4..).unwrap_or(&[]))?;
            options.linger = (integer(value)? != 0).then_some(u32::try_from(seconds).unwrap_or(u32::MAX));
        }
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}
