//! The stack under test, as the engine sees it: frames and calls go in, frames and results come out.
//!
//! Everything that is tested — the reference stack, smoltcp, a live kernel, a kernel in virtual time, a stack behind
//! an agent — stands behind [`StackUnderTest`]. The stack owns its clock and no call blocks.

mod call;
mod capability;
mod setup;

pub use call::{Call, CallId, DhcpCommand, Errno, Message, Outcome, Output, PollFd, SocketAddress};
pub use capability::{Capabilities, Capability, Clock, Granularity};
pub use setup::{Family, Interface, MacAddress, Medium, Neighbour, Prefix, Route, Rules, Setup};

use stack::Instant;
use std::fmt;

/// An interface of the stack under test, by its position in [`Setup::interfaces`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub usize);

/// Something that the stack did. Events of one instant have no order among each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame left through `interface`: an Ethernet frame without FCS, or an IP datagram where the medium is IP.
    Frame {
        /// Where it left.
        interface: InterfaceId,
        /// When it left.
        at: Instant,
        /// The bytes as they would stand on the wire.
        bytes: Vec<u8>,
    },
    /// A call that was submitted has completed.
    Completed {
        /// Which call.
        id: CallId,
        /// When it completed.
        at: Instant,
        /// What it returned.
        outcome: Outcome,
    },
}

impl Event {
    /// When the event happened.
    pub fn at(&self) -> Instant {
        match self {
            Event::Frame { at, .. } | Event::Completed { at, .. } => *at,
        }
    }
}

/// Why a stack did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The stack has no such function: the run is a `skip`, and this names the capability.
    Unsupported(String),
    /// The adapter, its device or its agent failed: the run is an `error`, and this says what happened.
    Broken(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unsupported(what) => write!(f, "not supported: {what}"),
            Refusal::Broken(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Refusal {}

/// A TCP/IP stack that cases can be played on.
///
/// An adapter is used for many runs, one after the other; `start` throws the state of the run before away.
pub trait StackUnderTest {
    /// What this stack can do, and what its clock is. Constant for the life of the adapter.
    fn capabilities(&self) -> &Capabilities;

    /// A fresh stack, configured as `setup` says, whose clock reads [`Instant::ZERO`] or a little more.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] names the first thing in `setup` that the stack cannot be configured to.
    fn start(&mut self, setup: &Setup) -> Result<(), Refusal>;

    /// A frame arrives at `interface`, now.
    ///
    /// # Errors
    /// [`Refusal::Broken`] where the link failed.
    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal>;

    /// Makes a call, now. It may complete at once, later or never: [`Event::Completed`] tells.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] where the stack has no such call.
    fn submit(&mut self, call: Call) -> Result<CallId, Refusal>;

    /// Moves what happened since the last call to the end of `events`, in the order of time.
    ///
    /// # Errors
    /// [`Refusal::Broken`] where the link or the agent failed.
    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal>;

    /// The stack's clock.
    fn now(&self) -> Instant;

    /// When the stack will next do something by itself; `None` where it will not, or cannot tell.
    fn next_deadline(&self) -> Option<Instant>;

    /// Lets time pass: on a virtual clock jumps to `until`, doing on the way all that falls due, each thing at its
    /// own instant; on a real clock returns at `until` or as soon as there is an event.
    ///
    /// # Errors
    /// [`Refusal::Broken`] where the link or the agent failed.
    fn run_until(&mut self, until: Instant) -> Result<(), Refusal>;
}
