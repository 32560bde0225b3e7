//! One host with its application and its ends of links.

use super::Counts;
use crate::linux::link::Link;
use crate::linux::os::Doing;
use crate::report::pcapng::{self, Direction};
use crate::services::Application;
use stack::rng::Rng;
use stack::{Host, Instant};
use std::io::Write;
use std::os::fd::RawFd;

/// Frames taken from one link before anything is answered.
const BURST: usize = 64;

/// What `Impairment::loss` is a part of.
const WHOLE: u32 = 10_000;

/// A link that loses frames.
#[derive(Clone, Debug)]
pub struct Impairment {
    /// Of ten thousand frames so many are lost, in each direction.
    pub loss: u32,
    /// What decides which; the same seed loses the same frames of the same exchange.
    pub rng: Rng,
}

impl Impairment {
    fn loses(&mut self) -> bool {
        self.rng.below(WHOLE) < self.loss
    }
}

/// The harness's end of a link to a namespace.
pub struct Port(pub(super) Box<dyn Link>);

/// A host with its application and its ends of links, as many as it has interfaces.
pub struct Station<A> {
    host: Host,
    ports: Vec<Port>,
    /// What uses the host.
    pub application: A,
}

/// What happens to frames between a station and its links.
pub(super) struct Wire<'a> {
    pub(super) counts: &'a mut Counts,
    pub(super) impairment: &'a mut Option<Impairment>,
    pub(super) capture: &'a mut Option<Box<dyn Write + Send>>,
    /// The number of the station's first interface in the capture.
    pub(super) first_interface: usize,
}

impl Wire<'_> {
    /// Counts and records a frame; false where it is lost.
    fn passes(
        &mut self,
        interface: usize,
        at: Instant,
        frame: &[u8],
        direction: Direction,
    ) -> Result<bool, String> {
        if let Some(capture) = self.capture {
            let packet = pcapng::packet(self.first_interface + interface, at, frame, direction, None);
            capture.write_all(&packet).doing("writing the capture")?;
        }
        if self.impairment.as_mut().is_some_and(Impairment::loses) {
            self.counts.lost += 1;
            return Ok(false);
        }
        let (frames, bytes) = match direction {
            Direction::Inbound => (&mut self.counts.frames_in, &mut self.counts.bytes_in),
            Direction::Outbound => (&mut self.counts.frames_out, &mut self.counts.bytes_out),
        };
        (*frames, *bytes) = (*frames + 1, *bytes + frame.len() as u64);
        Ok(true)
    }
}

impl<A: Application> Station<A> {
    /// `host` with its interfaces' links in order.
    pub fn new(host: Host, ports: Vec<Port>, application: A) -> Station<A> {
        Station { host, ports, application }
    }

    /// The host, for calls.
    pub fn host(&mut self) -> &mut Host {
        &mut self.host
    }

    pub(super) fn interfaces(&self) -> usize {
        self.ports.len()
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = RawFd> {
        self.ports.iter().filter_map(|port| port.0.fd())
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [self.host.next_deadline(), self.application.next_deadline()].into_iter().flatten().min()
    }

    /// Gives the host what has arrived; true where there may be more.
    pub(super) fn take_in(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        wire: &mut Wire<'_>,
    ) -> Result<bool, String> {
        let mut is_full = false;
        for (interface, port) in self.ports.iter_mut().enumerate() {
            let mut frames = Vec::new();
            while frames.len() < BURST {
                let Some(received) = port.0.receive(buffer).doing("reading a frame")? else { break };
                let frame = buffer.get(..received.len).unwrap_or(&[]);
                if wire.passes(interface, now, frame, Direction::Inbound)? {
                    frames.push(frame.to_vec());
                }
            }
            is_full |= frames.len() == BURST;
            if !frames.is_empty() {
                self.host.receive_burst(now, frames.iter().map(|frame| (interface, frame.as_slice())));
            }
        }
        Ok(is_full)
    }

    /// Does what is due; true where the application has done something, after which there may be more to do.
    pub(super) fn work(&mut self, now: Instant) -> bool {
        if self.host.next_deadline().is_some_and(|due| due <= now) {
            self.host.poll(now);
        }
        self.application.run(&mut self.host, now)
    }

    /// Sends what the host wants sent. A frame that a device does not take (too long, link down, queue full) is lost, as on a
    /// wire.
    pub(super) fn send_out(&mut self, now: Instant, wire: &mut Wire<'_>) -> Result<(), String> {
        while let Some((interface, frame)) = self.host.transmit() {
            let Some(port) = self.ports.get_mut(interface) else { continue };
            if wire.passes(interface, now, &frame, Direction::Outbound)? && port.0.send(&frame).is_err() {
                wire.counts.refused += 1;
            }
        }
        Ok(())
    }
}
