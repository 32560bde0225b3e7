//! Threads that make a run's calls, so that a call that blocks blocks nobody else.
//!
//! A lane is a queue with threads behind it. The lane for system calls grows by a thread whenever all are busy; the lane
//! for shell commands has one thread, which has changed its view of the file system. Threads are made in the run's network
//! namespace, inherit it, and end with the run.

use super::clock::Clock;
use super::os::{check, owned, readable, wait_readable};
use super::syscalls::{Descriptors, lends_memory};
use crate::sut::{Call, CallId, Outcome};
use stack::Instant;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The most calls that may be blocked at a time.
const MOST_THREADS: usize = 64;
/// How long a thread may take to come back from a call that was interrupted.
const PATIENCE: Duration = Duration::from_secs(2);

/// A call that has completed.
#[derive(Debug)]
pub(super) struct Completion {
    /// Which.
    pub(super) id: CallId,
    /// When it came back.
    pub(super) at: Instant,
    /// With what.
    pub(super) outcome: Outcome,
}

/// What the threads of a run share with its driver.
pub(super) struct Shared {
    /// The run's descriptors.
    pub(super) descriptors: Descriptors,
    clock: Clock,
    done: Mutex<Vec<Completion>>,
    event: OwnedFd,
    closing: AtomicBool,
    /// The capset that the script made last. Capabilities belong to a thread, and the script has but one.
    capabilities: Mutex<Option<Call>>,
    /// Calls whose bytes the kernel may read as long as the run lasts.
    lent: Mutex<Vec<Call>>,
}

impl Shared {
    /// The run's clock.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The run's clock itself.
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Whether the run is over: what waits must come back.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Notes a capset that the script has made.
    pub(super) fn note_capabilities(&self, call: &Call) {
        *lock(&self.capabilities) = Some(call.clone());
    }

    /// The capset that the script made last.
    pub(super) fn capabilities(&self) -> Option<Call> {
        lock(&self.capabilities).clone()
    }

    fn complete(&self, id: CallId, outcome: Outcome) {
        let at = self.clock.now();
        lock(&self.done).push(Completion { id, at, outcome });
        let one = 1u64;
        // An eventfd takes 2^64 - 2 writes before it refuses one, and is readable then as well.
        // SAFETY: the pointer is to eight bytes that outlive the call.
        unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) };
    }
}

/// A lock whose data stays usable after a panic elsewhere: every update under it is a single push or pop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a thread does with a call.
pub(super) type Perform = Box<dyn FnMut(&Call, &Shared) -> Outcome + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<(CallId, Call)>,
    idle: usize,
}

#[derive(Default)]
struct Lane {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// Which threads make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneKind {
    /// As many as there are calls that block.
    Calls,
    /// One, with its own view of the file system.
    Shell,
}

/// The threads of one run.
pub(super) struct Pool {
    shared: Arc<Shared>,
    calls: Arc<Lane>,
    shell: Arc<Lane>,
    threads: Vec<JoinHandle<()>>,
    shell_started: bool,
}

impl Pool {
    /// No threads yet; they come with the calls.
    pub(super) fn new(clock: Clock) -> io::Result<Pool> {
        install_interruption();
        // SAFETY: no pointers.
        let event = owned(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) })?;
        let shared = Shared {
            descriptors: Descriptors::default(),
            clock,
            done: Mutex::default(),
            event,
            closing: AtomicBool::new(false),
            capabilities: Mutex::default(),
            lent: Mutex::default(),
        };
        Ok(Pool {
            shared: Arc::new(shared),
            calls: Arc::default(),
            shell: Arc::default(),
            threads: Vec::new(),
            shell_started: false,
        })
    }

    /// What becomes readable when a call completes.
    pub(super) fn fd(&self) -> RawFd {
        self.shared.event.as_raw_fd()
    }

    /// Hands a call to a thread; `perform` makes what a new thread does with its calls.
    pub(super) fn submit(
        &mut self,
        kind: LaneKind,
        id: CallId,
        call: Call,
        perform: impl FnOnce() -> Perform,
    ) -> io::Result<()> {
        let lane = Arc::clone(if kind == LaneKind::Calls { &self.calls } else { &self.shell });
        let mut queue = lock(&lane.queue);
        let needed = match kind {
            LaneKind::Calls => queue.idle <= queue.jobs.len(),
            LaneKind::Shell => !self.shell_started,
        };
        if needed {
            if self.threads.len() >= MOST_THREADS {
                return Err(io::Error::other(format!("{MOST_THREADS} calls are blocked at once")));
            }
            let (shared, lane, perform) = (Arc::clone(&self.shared), Arc::clone(&lane), perform());
            let thread = std::thread::Builder::new().name("call".into()).stack_size(256 << 10);
            self.threads.push(thread.spawn(move || work(&shared, &lane, perform))?);
            self.shell_started |= kind == LaneKind::Shell;
        }
        queue.jobs.push_back((id, call));
        drop(queue);
        lane.wake.notify_one();
        Ok(())
    }

    /// Waits until the call has completed, at most as long as said. Says whether it has.
    pub(super) fn wait(&self, id: CallId, at_most: Duration) -> io::Result<bool> {
        let until = self.shared.clock.now() + at_most;
        loop {
            self.clear();
            if lock(&self.shared.done).iter().any(|c| c.id == id) {
                return Ok(true);
            }
            let left = until.saturating_since(self.shared.clock.now());
            if left.is_zero() {
                return Ok(false);
            }
            let nanos = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
            wait_readable(&mut vec![readable(self.fd())], Some(nanos))?;
        }
    }

    /// Makes [`Pool::fd`] unreadable until the next completion.
    pub(super) fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: the pointer is to eight bytes that outlive the call; the descriptor does not block.
        unsafe { libc::read(self.fd(), (&raw mut count).cast(), 8) };
    }

    /// What the threads share.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Takes what has completed.
    pub(super) fn completions(&self) -> Vec<Completion> {
        std::mem::take(&mut *lock(&self.shared.done))
    }

    /// Whether a completion waits to be taken.
    pub(super) fn has_completions(&self) -> bool {
        !lock(&self.shared.done).is_empty()
    }

    /// Interrupts every call, until the threads are gone or patience is at its end.
    fn interrupt(&mut self) {
        let deadline = self.shared.clock.now() + PATIENCE;
        while self.threads.iter().any(|t| !t.is_finished()) && self.shared.clock.now() < deadline {
            // A thread may have looked at `closing` and not yet be in its system call: so again and again.
            for thread in self.threads.iter().filter(|t| !t.is_finished()) {
                // SAFETY: the thread has not been joined or detached, so its id is valid.
                unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) };
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        for thread in std::mem::take(&mut self.threads) {
            if thread.is_finished() {
                // A thread that panicked has nothing to say any more: its run is over.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        if !self.threads.is_empty() {
            for lane in [&self.calls, &self.shell] {
                lock(&lane.queue).jobs.clear();
                lane.wake.notify_all();
            }
            for fd in self.shared.descriptors.list() {
                // SAFETY: the descriptor is the run's own; what is no socket refuses.
                unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
            }
            self.interrupt();
        }
        self.shared.descriptors.close_all();
    }
}

/// The life of a thread: one call after the other until the run is over.
fn work(shared: &Shared, lane: &Lane, mut perform: Perform) {
    // Timeouts of poll and epoll_wait are not to be late by the default slack of 50 µs.
    // SAFETY: this prctl takes numbers alone.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
    while let Some((id, call)) = next_job(shared, lane) {
        let outcome = perform(&call, shared);
        if lends_memory(&call) {
            lock(&shared.lent).push(call);
        }
        shared.complete(id, outcome);
    }
}

fn next_job(shared: &Shared, lane: &Lane) -> Option<(CallId, Call)> {
    let mut queue = lock(&lane.queue);
    loop {
        if shared.is_closing() {
            return None;
        }
        if let Some(job) = queue.jobs.pop_front() {
            return Some(job);
        }
        queue.idle += 1;
        queue = lane.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        queue.idle -= 1;
    }
}

/// Makes SIGUSR1 interrupt system calls and do nothing else.
fn install_interruption() {
    static ONCE: Once = Once::new();
    extern "C" fn nothing(_signal: libc::c_int) {}
    ONCE.call_once(|| {
        // SAFETY: all-zero bytes are a valid sigaction: no flags, so no SA_RESTART, and an empty mask. The handler does
        // nothing, which is async-signal-safe.
        let installed = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as *const () as libc::sighandler_t;
            check(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()))
        };
        debug_assert!(installed.is_ok(), "SIGUSR1 can always be handled");
    });
}
