//! The Linux kernel as a stack under test: the live one, or one in virtual time whose only program this is.
//!
//! It draws its random numbers itself ([`Setup::seed`] means nothing to it) and its time is the machine's. A call without a
//! wait of its own has usually completed when `submit` returns, but on a loaded machine perhaps not: whoever depends on the
//! order of a call and a frame waits for the call's completion.
//!
//! Each run has a network namespace of its own, made by `start` and gone with the run's last descriptor: nothing has a
//! name outside it, so nothing is left behind however the process ends, and the machine's own network is never touched.
//!
//! Architecture invariant: this module alone in the harness makes operating system calls and holds `unsafe` code, and
//! `clock` alone in it reads a clock.

mod address;
mod baseline;
mod choice;
mod clock;
mod commands;
mod executor;
mod link;
pub mod live;
mod memberships;
mod namespace;
mod netlink;
mod network;
mod offload;
mod orphans;
mod os;
mod priority;
mod prompt;
mod reaper;
mod room;
mod run;
mod settings;
mod shell;
mod syscalls;
mod virtual_time;

pub use choice::LinkChoice;
pub use namespace::{Access, Way};
pub use virtual_time::in_virtual_time;

use crate::sut::{
    Call, CallId, Capabilities, Capability, Clock, Event, Granularity, InterfaceId, Medium, Refusal, Setup,
    StackUnderTest,
};
use os::Doing;
use reaper::Reaper;
use run::Run;
use stack::Instant;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

/// By how much the machine may be late: scheduling on a loaded machine, not the stack.
const JITTER: Duration = Duration::from_millis(15);

/// How long `submit` waits for a call that may block, in case it does not.
const SETTLE: Duration = Duration::from_micros(100);

/// The kernel that this process runs on.
///
/// The thread that makes it must be the one that uses it, since a network namespace belongs to a thread; the type is not
/// [`Send`] therefore. Between runs, and after the last, the thread is back in the namespace that it came from, or, in a user
/// namespace, in an empty one.
pub struct Linux {
    access: Access,
    /// The first namespace has the settings that runs start from, and new ones take them from there.
    inherits: bool,
    choice: LinkChoice,
    capabilities: Capabilities,
    /// Where the thread came from; `None` in a user namespace, which cannot go back.
    home: Option<OwnedFd>,
    working_directory: Option<PathBuf>,
    settle: Duration,
    run: Option<Run>,
    reaper: Reaper,
    /// Keeps the kernel's stamping of packets on between runs: turning it on takes effect some time later.
    _stamping: OwnedFd,
    bound_to_thread: PhantomData<*const ()>,
}

impl Linux {
    /// Says whether and how runs are possible here, by trying in a child process.
    ///
    /// # Errors
    /// One line with the reason and the remedy.
    pub fn probe() -> Result<Access, String> {
        namespace::probe()
    }

    /// A driver for the calling thread.
    ///
    /// With [`Way::UserNamespace`] the process becomes root of a new user namespace for good; it must have no other
    /// thread then.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn new(access: Access, choice: LinkChoice) -> Result<Linux, String> {
        let home = match access.way {
            Way::Privileged => Some(namespace::current().doing("/proc/thread-self/ns/net")?),
            Way::UserNamespace => {
                namespace::enter_user_namespace()?;
                None
            }
        };
        // Sleeping until an instant is not to be late by the default slack of 50 µs.
        // SAFETY: this prctl takes numbers alone.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
        Ok(Linux {
            capabilities: capabilities(&choice),
            access,
            inherits: false,
            choice,
            home,
            working_directory: None,
            settle: SETTLE,
            run: None,
            reaper: Reaper::default(),
            _stamping: link::stamping().doing("SO_TIMESTAMPNS")?,
            bound_to_thread: PhantomData,
        })
    }

    /// Where shell commands and relative paths of the next runs start; the process's own directory otherwise.
    pub fn set_working_directory(&mut self, directory: impl Into<PathBuf>) {
        self.working_directory = Some(directory.into());
    }

    /// How long `submit` waits for a call that may block, in case it does not: 100 µs unless told. In virtual time, where
    /// nothing passes while a thread can run, a nanosecond is enough.
    pub fn set_settle(&mut self, settle: Duration) {
        self.settle = settle;
    }

    /// Ends the run, if there is one: its calls are interrupted, its descriptors closed, its namespace left.
    pub fn stop(&mut self) -> Result<(), Refusal> {
        let Some(run) = self.run.take() else { return Ok(()) };
        let network = run.end();
        if !self.inherits {
            priority::ordinary();
        }
        let left = match &self.home {
            Some(home) => namespace::enter(home).doing("going back to the first network namespace"),
            None => namespace::unshare_network().doing("unshare(CLONE_NEWNET)"),
        }
        .map_err(Refusal::Broken);
        if self.inherits {
            // Where waiting costs nothing, a thread would.
            drop(network);
        } else {
            self.reaper.take(network);
        }
        left
    }

    fn running(&mut self) -> Result<&mut Run, Refusal> {
        self.run.as_mut().ok_or_else(|| Refusal::Broken("no run was started".into()))
    }
}

impl Drop for Linux {
    fn drop(&mut self) {
        // Where the way back is refused, the thread stays in a namespace that nobody else is in.
        let _ = self.stop();
    }
}

impl StackUnderTest for Linux {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn start(&mut self, setup: &Setup) -> Result<(), Refusal> {
        self.stop()?;
        self.await_phase();
        let run = Run::start(setup, self);
        match run {
            Ok(run) => {
                self.run = Some(run);
                Ok(())
            }
            Err(refusal) => {
                if let Some(home) = &self.home {
                    namespace::enter(home).doing("going back").map_err(Refusal::Broken)?;
                }
                Err(refusal)
            }
        }
    }

    fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        self.running()?.inject(interface, frame)
    }

    fn submit(&mut self, call: Call) -> Result<CallId, Refusal> {
        self.running()?.submit(call)
    }

    fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        self.running()?.events(events)
    }

    fn now(&self) -> Instant {
        self.run.as_ref().map_or(Instant::ZERO, Run::now)
    }

    /// Nobody but the kernel knows.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }

    fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        self.running()?.run_until(until)
    }
}

/// What every Linux has, and what depends on the link.
fn capabilities(choice: &LinkChoice) -> Capabilities {
    use Capability::*;
    let mut has = std::collections::BTreeSet::from([
        Ipv4,
        Ipv6,
        Icmp,
        Udp,
        Tcp,
        Listen,
        Connect,
        MappedAddresses,
        Reassembly,
        Fragmentation,
        SocketOptions,
        SocketErrors,
        Poll,
        TcpInfo,
        Urgent,
        Shell,
        Multihomed,
        Forwarding,
    ]);
    for (medium, capability) in [(Medium::Ethernet, Ethernet), (Medium::Ip, IpMedium)] {
        if choice.carries(medium) {
            has.insert(capability);
        }
    }
    let release = baseline::read_absolute("/proc/sys/kernel/osrelease");
    Capabilities {
        name: "linux".into(),
        version: release.unwrap_or_else(|_| "unknown".into()),
        has,
        clock: Clock::Real { jitter: JITTER },
        resolution: Duration::from_nanos(1),
        // The timer wheel rounds a timer up by as much as an eighth, and timers fire at a tick.
        granularity: Granularity { tick: clock::tick(), proportion: 0.125 },
    }
}
