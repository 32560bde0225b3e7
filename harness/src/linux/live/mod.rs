//! Hosts of the reference stack on real links, in the machine's time, so that programs of others can talk to them.
//!
//! Everything happens in network namespaces that are made here: nothing has a name outside them, so nothing is left behind
//! however the process ends, and the machine's own network is never touched.

mod child;
mod counts;
mod lab;
mod namespace;
mod station;

pub use counts::Counts;
pub use lab::LiveLab;
pub use namespace::{Namespace, Room, TapDevice};
pub use station::{Impairment, Port, Station};

use super::clock::Clock;
use super::link::LARGEST_FRAME;
use super::os::{Doing, readable, wait_readable};
use crate::report::pcapng;
use crate::services::Application;
use crate::sut::Interface;
use stack::Instant;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Steps at one instant: an application that goes on without end gives way to the links after so many.
const MAX_STEPS: usize = 64;

/// Hosts, their applications and their links, driven by one thread.
pub struct Live<A> {
    clock: Clock,
    stations: Vec<Station<A>>,
    impairment: Option<Impairment>,
    capture: Option<Box<dyn Write + Send>>,
    counts: Counts,
    buffer: Vec<u8>,
}

impl<A: Application> Live<A> {
    /// `stations` from now on; their clock reads zero.
    pub fn new(stations: Vec<Station<A>>) -> Live<A> {
        // Sleeping until a timer is not to be late by the default slack of 50 µs.
        // SAFETY: this prctl takes numbers alone.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
        let buffer = vec![0; LARGEST_FRAME];
        let (impairment, capture) = (None, None);
        Live { clock: Clock::start(), stations, impairment, capture, counts: Counts::default(), buffer }
    }

    /// Loses frames of both directions from now on.
    pub fn impair(&mut self, impairment: Impairment) {
        self.impairment = Some(impairment);
    }

    /// Writes every frame of the stations to a pcapng file from now on, as the stations see it: `interfaces` are those of all
    /// stations, one station after the other.
    ///
    /// # Errors
    /// What writing met.
    pub fn capture(&mut self, interfaces: &[Interface], mut to: Box<dyn Write + Send>) -> Result<(), String> {
        to.write_all(&pcapng::head(interfaces)).doing("writing the capture")?;
        self.capture = Some(to);
        Ok(())
    }

    /// What has passed so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The present on the stations' clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// A station by its position.
    pub fn station(&mut self, at: usize) -> Option<&mut Station<A>> {
        self.stations.get_mut(at)
    }

    /// Lets the stations work until `until`, or until one of `stop` is readable or its other end is closed; true where one is.
    ///
    /// # Errors
    /// A link that failed, or a capture that cannot be written.
    pub fn run(&mut self, stop: &[BorrowedFd<'_>], until: Option<Instant>) -> Result<bool, String> {
        loop {
            let is_busy = self.turn()?;
            let now = self.clock.now();
            let due = self.stations.iter().filter_map(Station::next_deadline).chain(until).min();
            let wait = match due {
                _ if is_busy => Some(Duration::ZERO),
                Some(due) => Some(due.saturating_since(now)),
                None => None,
            };
            if self.wait(stop, wait).doing("waiting for frames")? {
                self.flush()?;
                return Ok(true);
            }
            if until.is_some_and(|until| self.clock.now() >= until) {
                self.flush()?;
                return Ok(false);
            }
        }
    }

    /// What has arrived goes in, what is due is done, what is to be sent goes out; true where there is more at once.
    fn turn(&mut self) -> Result<bool, String> {
        let mut is_busy = false;
        let mut first = 0;
        for station in &mut self.stations {
            let mut wire = station::Wire {
                counts: &mut self.counts,
                impairment: &mut self.impairment,
                capture: &mut self.capture,
                first_interface: first,
            };
            let now = self.clock.now();
            is_busy |= station.take_in(now, &mut self.buffer, &mut wire)?;
            let mut steps = 0;
            while station.work(now) && steps < MAX_STEPS {
                steps += 1;
                station.send_out(now, &mut wire)?;
            }
            station.send_out(now, &mut wire)?;
            is_busy |= steps == MAX_STEPS;
            first += station.interfaces();
        }
        Ok(is_busy)
    }

    /// Sleeps until a frame has arrived, one of `stop` is readable, or the time is over; true where it is one of `stop`.
    fn wait(&self, stop: &[BorrowedFd<'_>], wait: Option<Duration>) -> std::io::Result<bool> {
        let mut fds: Vec<libc::pollfd> = stop.iter().map(|fd| readable(fd.as_raw_fd())).collect();
        fds.extend(self.stations.iter().flat_map(Station::fds).map(readable));
        wait_readable(&mut fds, wait.map(|wait| u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))?;
        Ok(fds.iter().take(stop.len()).any(|fd| fd.revents != 0))
    }

    fn flush(&mut self) -> Result<(), String> {
        self.capture.as_mut().map_or(Ok(()), |capture| capture.flush()).doing("writing the capture")
    }
}
