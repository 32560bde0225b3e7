//! The links between the harness and the interface of the stack under test.

mod checksum;
mod packet;
mod pnet;
mod tun;

pub(super) use packet::{PacketSocket, Stamped, WithoutEthernet, stamping};
pub(super) use pnet::Pnet;
pub(super) use tun::{Kind, Tun};

use std::io;
use std::os::fd::RawFd;

/// Room for the largest IP datagram behind an Ethernet header.
pub(super) const LARGEST_FRAME: usize = 65536 + 14;

/// A frame that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Received {
    /// Its bytes in the buffer.
    pub(super) len: usize,
    /// When the kernel says it left the stack, in nanoseconds of CLOCK_REALTIME; `None` where the link cannot tell.
    pub(super) realtime: Option<u64>,
}

/// The harness's end of a link.
pub(super) trait Link: Send {
    /// What becomes readable when a frame is there; `None` where that cannot be waited for.
    fn fd(&self) -> Option<RawFd>;

    /// Hands a frame to the stack under test.
    fn send(&mut self, frame: &[u8]) -> io::Result<()>;

    /// Takes a frame that the stack under test has sent, if there is one. Never waits.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>>;

    /// Fills in what the stack left to its device in the frame received last.
    fn complete(&mut self, _frame: &mut [u8]) {}
}

/// A read's result where nothing to read is no error.
fn unless_empty(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(len) => Ok(Some(len)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
