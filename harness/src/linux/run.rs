//! One run: its network, its threads, and what has happened in it.

use super::Linux;
use super::clock::{Alarm, Clock};
use super::commands::{Commands, Unknown};
use super::executor::{LaneKind, Perform, Pool};
use super::link::LARGEST_FRAME;
use super::namespace;
use super::network::Network;
use super::orphans;
use super::os::{Doing, readable, wait_readable};
use super::priority;
use super::prompt::Prompt;
use super::settings::{self, BySocket};
use super::shell::Shell;
use super::syscalls;
use crate::sut::{Call, CallId, Event, InterfaceId, Outcome, Output, Refusal, Rules, Setup, SocketAddress};
use stack::Instant;
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long `submit` waits for a call that never blocks, should the machine be that slow.
const NEVER_BLOCKS: Duration = Duration::from_secs(1);

/// The most frames taken from a link at one time, so that a stack that floods does not keep its driver busy for ever.
const MOST_FRAMES: usize = 4096;

/// What is known where nothing happens and no time passes but while the driver waits: what cannot have changed since it last
/// waited or did something to the stack.
struct Known {
    /// The time, once it has been asked for.
    now: Cell<Option<Instant>>,
    /// That the links have nothing more to give.
    is_drained: bool,
    /// Such a kernel's clock moves by a little whenever somebody reads it. That is not the stack's time: for a case of ours it
    /// stands still until the driver waits, so that a run has the same times whatever was played before. Upstream scripts
    /// count from the moment that an event is over, and their kernel's measurements with them.
    stands_still: bool,
}

/// What a kernel's timer does, it has done by then: the driver has read the clock a few times.
const PROMPT: Duration = Duration::from_micros(10);

/// A run in the namespace that the calling thread is in.
pub(super) struct Run {
    pool: Pool,
    network: Network,
    clock: Clock,
    alarm: Alarm,
    /// In a kernel of the driver's own.
    known: Option<Known>,
    frames: Vec<Event>,
    administrative: Vec<Event>,
    buffer: Vec<u8>,
    next_call: u64,
    settle: Duration,
    by_socket: Option<BySocket>,
    before: settings::Before,
    /// A first system call was made: from now on the script's times count.
    is_prompt: bool,
    working_directory: Option<PathBuf>,
    /// In a kernel of the driver's own.
    own: Option<Own>,
}

/// What a run has in a kernel that runs for the driver alone.
struct Own {
    /// There is no shell.
    commands: Commands,
    /// Threads are dear.
    prompt: Prompt,
    /// The script has closed something that may go on sending; what it left open is reset.
    leaves_orphans: bool,
}

fn broken(what: &str) -> impl FnOnce(io::Error) -> Refusal {
    let what = what.to_owned();
    move |error| Refusal::Broken(format!("{what}: {error}"))
}

impl Run {
    /// A new namespace with what `setup` says in it.
    pub(super) fn start(setup: &Setup, linux: &Linux) -> Result<Run, Refusal> {
        namespace::unshare_network().doing("unshare(CLONE_NEWNET)").map_err(Refusal::Broken)?;
        let mut network = Network::build(setup, &linux.choice, linux.access, linux.inherits)?;
        linux.await_quiet(&mut network)?;
        let by_socket = settings::apply(setup, linux.inherits)?;
        let clock = match setup.rules {
            // It has just slept until one.
            Rules::Ours if linux.inherits => Clock::start_at_multiple(linux.capabilities.granularity.tick),
            Rules::Ours => Clock::start(),
            Rules::Packetdrill => Clock::start_at_tick(),
        };
        let own = linux.inherits.then(|| Own {
            commands: Commands::new(linux.working_directory.clone()),
            prompt: Prompt::new(system_calls(by_socket.clone())),
            leaves_orphans: false,
        });
        Ok(Run {
            pool: Pool::new(clock).map_err(broken("eventfd"))?,
            network,
            clock,
            known: linux.inherits.then(|| Known {
                now: Cell::new(Some(Instant::ZERO).filter(|_| setup.rules == Rules::Ours)),
                is_drained: false,
                stands_still: setup.rules == Rules::Ours,
            }),
            alarm: Alarm::new().map_err(broken("timerfd"))?,
            frames: Vec::new(),
            administrative: Vec::new(),
            buffer: vec![0; LARGEST_FRAME],
            next_call: 0,
            settle: linux.settle,
            by_socket,
            before: Vec::new(),
            is_prompt: false,
            working_directory: linux.working_directory.clone(),
            own,
        })
    }

    /// Ends the run's calls and connections, and gives back what remains to be closed. To be called in its namespace.
    pub(super) fn end(mut self) -> Network {
        drop(self.pool);
        let leaves_orphans = self.own.as_ref().is_none_or(|own| own.leaves_orphans);
        if let Some(own) = &mut self.own {
            own.commands.undo();
        }
        if leaves_orphans {
            orphans::abort_all();
        }
        self.network
    }

    /// The run's clock.
    pub(super) fn now(&self) -> Instant {
        let Some(known) = &self.known else { return self.clock.now() };
        let now = known.now.get().unwrap_or_else(|| self.clock.now());
        known.now.set(Some(now));
        now
    }

    /// Something may have happened.
    fn forget(&mut self) {
        if let Some(known) = &mut self.known {
            known.is_drained = false;
            if !known.stands_still {
                known.now.set(None);
            }
        }
    }

    /// The driver has waited, and was woken by its alarm, which was set to `until`, or by something else.
    fn has_waited(&mut self, until: Instant, by_alarm: bool) {
        self.forget();
        let Some(known) = self.known.as_ref().filter(|known| known.stands_still) else { return };
        let prompt = PROMPT.as_nanos() as u64;
        let woken = || Instant::from_nanos(self.clock.now().as_nanos() / prompt * prompt);
        let now = if by_alarm { until } else { woken().min(until) };
        known.now.set(known.now.get().max(Some(now)));
    }

    /// A frame arrives.
    pub(super) fn inject(&mut self, interface: InterfaceId, frame: &[u8]) -> Result<(), Refusal> {
        self.forget();
        self.network.inject(interface, frame).map_err(broken("sending a frame"))
    }

    /// Makes a call.
    pub(super) fn submit(&mut self, mut call: Call) -> Result<CallId, Refusal> {
        self.name_zone(&mut call);
        if !syscalls::is_silent(&call) {
            self.forget();
        }
        let id = CallId(self.next_call);
        self.next_call += 1;
        if let Some(outcome) = self.administer(&call)? {
            self.administrative.push(Event::Completed { id, at: self.now(), outcome });
            return Ok(id);
        }
        let wait = if syscalls::may_block(&call) { self.settle } else { NEVER_BLOCKS };
        if let Some(own) = &mut self.own {
            if matches!(call, Call::Open { .. }) {
                own.commands.enter();
                own.commands.expect_files();
            }
            own.leaves_orphans |= matches!(call, Call::Close { .. } | Call::Shutdown { .. });
            if let Some(outcome) = own.prompt.try_call(&call, self.pool.shared()) {
                let outcome = self.name_own_zone(outcome);
                self.administrative.push(Event::Completed { id, at: self.now(), outcome });
                return Ok(id);
            }
        }
        let submitted = match call {
            // A file is opened where the commands see it.
            Call::Shell { .. } | Call::Open { .. } if self.own.is_none() => {
                let directory = self.working_directory.clone();
                self.pool.submit(LaneKind::Shell, id, call, || commands(Shell::new(directory)))
            }
            _ => {
                if self.own.is_none() && !std::mem::replace(&mut self.is_prompt, true) {
                    priority::prompt();
                }
                let by_socket = self.by_socket.clone();
                self.pool.submit(LaneKind::Calls, id, call, || system_calls(by_socket))
            }
        };
        submitted.map_err(broken("submitting a call"))?;
        self.pool.wait(id, wait).map_err(broken("waiting for a call"))?;
        Ok(id)
    }

    /// Puts the kernel's number of an interface in the place of the case's.
    fn name_zone(&self, call: &mut Call) {
        let (Call::Bind { address, .. } | Call::Connect { address, .. } | Call::Sendto { address, .. }) =
            call
        else {
            return;
        };
        if let SocketAddress::Ip(SocketAddr::V6(address)) = address
            && let Some(interface) = (address.scope_id() as usize).checked_sub(1)
            && let Some(index) = self.network.index(InterfaceId(interface))
        {
            address.set_scope_id(index);
        }
    }

    /// Puts the case's number of an interface in the place of the kernel's.
    fn name_own_zone(&self, mut outcome: Outcome) -> Outcome {
        let address = match &mut outcome.output {
            Output::Address(address, _) => address,
            Output::Message(message) => &mut message.name,
            _ => return outcome,
        };
        if let Some(SocketAddr::V6(address)) = address
            && let Some(InterfaceId(interface)) = self.network.interface(address.scope_id())
        {
            address.set_scope_id(u32::try_from(interface + 1).unwrap_or(0));
        }
        outcome
    }

    /// Does what is not a system call of the script, if the call is such.
    fn administer(&mut self, call: &Call) -> Result<Option<Outcome>, Refusal> {
        let index = |network: &Network, interface: InterfaceId| {
            network.index(interface).ok_or_else(|| Refusal::Broken(format!("no interface {}", interface.0)))
        };
        let done = match call {
            Call::Link { interface, up } => {
                index(&self.network, *interface)?;
                self.network.set_up(*interface, *up)
            }
            Call::Address { interface, prefix, add } => {
                let index = index(&self.network, *interface)?;
                self.network.netlink().address(index, *prefix, *add, true)
            }
            Call::Route { destination, gateway, interface, add } => {
                let index = index(&self.network, *interface)?;
                self.network.netlink().route(index, *destination, *gateway, *add)
            }
            Call::Group { interface, group, join } => {
                let index = index(&self.network, *interface)?;
                self.network.memberships.change(index, *group, *join)
            }
            Call::Set { name, value } => settings::change(name, value, &mut self.before)?,
            Call::Shell { command } => {
                let Some(own) = &mut self.own else { return Ok(None) };
                own.prompt.expect_tight_buffers();
                let status = own.commands.run(command, self.network.netlink());
                let status =
                    status.map_err(|Unknown(what)| Refusal::Unsupported(format!("command '{what}'")))?;
                return Ok(Some(Outcome::value(status)));
            }
            _ => return Ok(None),
        };
        Ok(Some(match done {
            Ok(()) => Outcome::value(0),
            Err(error) => Outcome::error(error.raw_os_error().unwrap_or(libc::EIO)),
        }))
    }

    /// Takes from the links what is there.
    fn drain(&mut self) -> Result<(), Refusal> {
        if self.known.as_ref().is_some_and(|known| known.is_drained) {
            return Ok(());
        }
        let before = self.frames.len();
        for at in 0..self.network.ports.len() {
            for _ in 0..MOST_FRAMES {
                let port = &mut self.network.ports[at];
                let received = port.link.receive(&mut self.buffer).map_err(broken("receiving a frame"))?;
                let Some(received) = received else { break };
                let stamped = received.realtime.map(|realtime| self.clock.at_realtime(realtime));
                let at_time = stamped.unwrap_or_else(|| self.now());
                let port = &mut self.network.ports[at];
                let mut bytes = self.buffer[..received.len].to_vec();
                port.link.complete(&mut bytes);
                self.frames.push(Event::Frame { interface: InterfaceId(at), at: at_time, bytes });
            }
        }
        let is_drained = self.frames.len() < before + MOST_FRAMES;
        if let Some(known) = &mut self.known {
            known.is_drained = is_drained;
        }
        Ok(())
    }

    /// Hands over what has happened, in the order of time.
    pub(super) fn events(&mut self, events: &mut Vec<Event>) -> Result<(), Refusal> {
        self.drain()?;
        let start = events.len();
        events.append(&mut self.administrative);
        let now = self.known.as_ref().filter(|known| known.stands_still).and_then(|known| known.now.get());
        let completed = |c: super::executor::Completion| Event::Completed {
            id: c.id,
            at: now.unwrap_or(c.at),
            outcome: self.name_own_zone(c.outcome),
        };
        let completions = self.pool.completions();
        events.extend(completions.into_iter().map(completed));
        events.append(&mut self.frames);
        events[start..].sort_by_key(Event::at);
        Ok(())
    }

    /// Waits until `until` or until there is an event.
    pub(super) fn run_until(&mut self, until: Instant) -> Result<(), Refusal> {
        loop {
            self.drain()?;
            if !self.frames.is_empty() || !self.administrative.is_empty() || self.pool.has_completions() {
                return Ok(());
            }
            let left = until.saturating_since(self.now());
            if left.is_zero() {
                return Ok(());
            }
            let mut fds = vec![readable(self.pool.fd()), readable(self.alarm.fd())];
            fds.extend(self.network.ports.iter().filter_map(|p| p.link.fd()).map(readable));
            self.clock.set(&self.alarm, until).map_err(broken("timerfd"))?;
            wait_readable(&mut fds, None).map_err(broken("waiting for an event"))?;
            let [by_call, by_alarm] = [0, 1].map(|at: usize| fds.get(at).is_some_and(|fd| fd.revents != 0));
            if by_call {
                self.pool.clear();
            }
            self.has_waited(until, by_alarm);
        }
    }
}

/// What a thread of the lane for system calls does.
fn system_calls(by_socket: Option<BySocket>) -> Perform {
    let mut applied = None;
    Box::new(move |call, shared| {
        let wanted = shared.capabilities();
        if wanted != applied {
            // Another thread made this call and was told what came of it; this one only follows.
            let _ = wanted.as_ref().and_then(|call| syscalls::execute(call, &shared.descriptors));
            applied = wanted;
        }
        let outcome = syscalls::execute(call, &shared.descriptors);
        let mut outcome = outcome.unwrap_or_else(|| Outcome::error(libc::ENOSYS));
        syscalls::stamp_by(shared.clock(), &mut outcome);
        match (call, &by_socket) {
            (Call::CapSet { .. }, _) if outcome.result.is_ok() => shared.note_capabilities(call),
            (Call::Socket { .. }, Some(by_socket)) => by_socket.apply(&outcome),
            _ => {}
        }
        outcome
    })
}

/// What the thread of the lane for shell commands does.
fn commands(mut shell: Shell) -> Perform {
    Box::new(move |call, shared| match call {
        Call::Shell { command } => shell.run(command, shared),
        _ => match shell.enter() {
            Ok(()) => {
                let outcome = syscalls::execute(call, &shared.descriptors);
                outcome.unwrap_or_else(|| Outcome::error(libc::ENOSYS))
            }
            Err(_) => Outcome::error(libc::EIO),
        },
    })
}
