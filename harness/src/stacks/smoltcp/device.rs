//! smoltcp's device: a queue of frames in each direction.

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;

/// Frames that may stand in the queue before the device says that it is exhausted, which ends a poll.
const QUEUE: usize = 1_000;

/// The link of an interface.
pub struct Link {
    /// Ethernet frames, or bare IP datagrams.
    ethernet: bool,
    /// Of IP; smoltcp counts the Ethernet header too.
    ip_mtu: usize,
    /// Frames that the stack has not taken yet.
    pub inbound: VecDeque<Vec<u8>>,
    /// Frames that it has sent.
    pub outbound: VecDeque<Vec<u8>>,
}

impl Link {
    /// A link with nothing on it; `ip_mtu` is the largest IP datagram, in bytes.
    pub fn new(ethernet: bool, ip_mtu: usize) -> Link {
        Link { ethernet, ip_mtu, inbound: VecDeque::new(), outbound: VecDeque::new() }
    }
}

/// A frame that has arrived.
pub struct Arrived(Vec<u8>);

/// The permission to send a frame.
pub struct Departure<'a>(&'a mut VecDeque<Vec<u8>>);

impl Device for Link {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Departure<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Arrived, Departure<'_>)> {
        let frame = self.inbound.pop_front()?;
        Some((Arrived(frame), Departure(&mut self.outbound)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Departure<'_>> {
        (self.outbound.len() < QUEUE).then_some(Departure(&mut self.outbound))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        (capabilities.medium, capabilities.max_transmission_unit) = match self.ethernet {
            true => (Medium::Ethernet, self.ip_mtu + 14),
            false => (Medium::Ip, self.ip_mtu),
        };
        capabilities
    }
}

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Departure<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.0.push_back(frame);
        result
    }
}
