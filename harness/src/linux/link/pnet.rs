//! libpnet's channel, for real interfaces.

use super::packet::PacketSocket;
use super::{Link, Received};
use crate::linux::clock::from_timespec;
use crate::linux::os::ioctl_struct;
use pnet::datalink::{Channel, DataLinkReceiver, DataLinkSender, interfaces, linux};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::time::Duration;

/// SIOCGSTAMPNS: when the packet received last was received, as a timespec.
const SIOCGSTAMPNS: libc::Ioctl = 0x8907;

/// A channel on one interface.
pub(in crate::linux) struct Pnet {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
    fd: RawFd,
}

impl Pnet {
    /// Opens a channel on the interface `name` of the calling thread's namespace.
    ///
    /// The socket is ours, so that it can be waited for; from here on it is libpnet's, which closes it.
    pub(in crate::linux) fn open(name: &str) -> io::Result<Pnet> {
        let known = interfaces().into_iter().find(|i| i.name == name);
        let interface = known.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let fd = PacketSocket::open(interface.index, false)?.into_fd().into_raw_fd();
        let config = linux::Config {
            write_buffer_size: super::LARGEST_FRAME,
            read_buffer_size: super::LARGEST_FRAME,
            read_timeout: Some(Duration::ZERO),
            write_timeout: Some(Duration::from_secs(1)),
            socket_fd: Some(fd),
            ..linux::Config::default()
        };
        match linux::channel(&interface, config)? {
            Channel::Ethernet(sender, receiver) => Ok(Pnet { sender, receiver, fd }),
            _ => Err(io::Error::other("libpnet gave another channel than the one asked for")),
        }
    }
}

impl Link for Pnet {
    fn fd(&self) -> Option<RawFd> {
        Some(self.fd.as_raw_fd())
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.sender.send_to(frame, None).unwrap_or_else(|| Err(io::Error::from_raw_os_error(libc::EMSGSIZE)))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let frame = match self.receiver.next() {
            Ok(frame) => frame,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
            // Told once when the interface goes down; libpnet has words of its own for it.
            Err(error) if error.raw_os_error().is_none_or(|e| e == libc::ENETDOWN) => return Ok(None),
            Err(error) => return super::unless_empty(Err(error)).map(|_| None),
        };
        let len = frame.len().min(buffer.len());
        buffer[..len].copy_from_slice(&frame[..len]);
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let stamped = ioctl_struct(self.fd, SIOCGSTAMPNS, &mut time).is_ok();
        Ok(Some(Received { len, realtime: stamped.then(|| from_timespec(time)) }))
    }
}
