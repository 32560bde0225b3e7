//! The one place where this driver reads a clock.

use super::os::{check, owned};
use stack::Instant;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// A run's clock: nanoseconds of CLOCK_MONOTONIC since the run's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: u64,
}

impl Clock {
    /// A clock that reads zero now.
    pub(super) fn start() -> Clock {
        Clock { start: read(libc::CLOCK_MONOTONIC) }
    }

    /// A clock that reads zero at the kernel's next tick, for which it waits.
    pub(super) fn start_at_tick() -> Clock {
        if let Ok((socket, _other)) = UnixDatagram::pair() {
            // The timeouts of sockets, unlike those of poll, are counted in ticks.
            let short = Some(Duration::from_millis(1));
            let _ = socket.set_read_timeout(short).and_then(|()| socket.recv(&mut [0]));
        }
        Clock::start()
    }

    /// A clock that read zero at the last multiple of `period`.
    pub(super) fn start_at_multiple(period: std::time::Duration) -> Clock {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
        Clock { start: read(libc::CLOCK_MONOTONIC) / period * period }
    }

    /// The present.
    pub(super) fn now(self) -> Instant {
        Instant::from_nanos(read(libc::CLOCK_MONOTONIC).saturating_sub(self.start))
    }

    /// Makes `alarm` readable from `at` on.
    pub(super) fn set(self, alarm: &Alarm, at: Instant) -> io::Result<()> {
        let at = self.start.saturating_add(at.as_nanos());
        let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // A time of zero would switch it off.
        let time = libc::itimerspec { it_interval: none, it_value: timespec(at.max(1)) };
        let set = libc::TFD_TIMER_ABSTIME;
        // SAFETY: `time` is valid, and nobody asks for the time before.
        let done =
            unsafe { libc::timerfd_settime(alarm.0.as_raw_fd(), set, &raw const time, std::ptr::null_mut()) };
        check(done).map(drop)
    }

    /// The instant that the kernel stamped with `realtime` nanoseconds of CLOCK_REALTIME.
    ///
    /// Packet sockets stamp in realtime. The two clocks are read together at each conversion, so a step of the
    /// machine's clock hurts only what is under way at that moment; the result is never in the future.
    pub(super) fn at_realtime(self, realtime: u64) -> Instant {
        let now = read(libc::CLOCK_MONOTONIC);
        let age = read(libc::CLOCK_REALTIME).saturating_sub(realtime);
        Instant::from_nanos(now.saturating_sub(age).saturating_sub(self.start))
    }
}

/// What becomes readable at a set time, to the nanosecond: the timeout of poll(2) may be late by a thousandth of itself,
/// whatever the thread's slack is.
pub(super) struct Alarm(OwnedFd);

impl Alarm {
    /// One that is not set.
    pub(super) fn new() -> io::Result<Alarm> {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        // SAFETY: no pointers.
        owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) }).map(Alarm)
    }

    /// What becomes readable.
    pub(super) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec for the kernel to fill in. The clocks used here always exist.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    from_timespec(time)
}

fn timespec(nanos: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(nanos / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(nanos % 1_000_000_000).unwrap_or(0),
    }
}

/// Sleeps until CLOCK_MONOTONIC reads a multiple of `period`, at least `least` from now.
pub(super) fn sleep_to_multiple(period: std::time::Duration, least: std::time::Duration) {
    let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let until =
        read(libc::CLOCK_MONOTONIC).saturating_add(nanos(least)).next_multiple_of(nanos(period).max(1));
    let until = timespec(until);
    let absolute = libc::TIMER_ABSTIME;
    // SAFETY: `until` is valid, and nobody asks for the rest of the time. A signal ends it early, and begins again.
    while unsafe {
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, absolute, &raw const until, std::ptr::null_mut())
    } == libc::EINTR
    {}
}

/// Nanoseconds in a timespec; zero where it is negative.
pub(super) fn from_timespec(time: libc::timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// The length of a tick, 1/CONFIG_HZ; 4 ms where it cannot be found.
pub(super) fn tick() -> std::time::Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec for the kernel to fill in. The coarse clocks advance once a tick.
    let found = unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) } == 0;
    std::time::Duration::from_nanos(if found { from_timespec(time).max(1) } else { 4_000_000 })
}
