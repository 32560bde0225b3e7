//! A medium that stations share, in virtual time: a cable on which what one sends reaches another one later, on which two
//! who speak at once spoil each other's frames, and on which whoever speaks is heard (IEEE 802.3 4).
//!
//! The stations are [`Transmitter`]s of the stack: what they decide is theirs, what they hear is the cable's.
//! ```text
//!  station 0            station 1                     station 2
//!     │ 0 µs               │ 3 µs                         │ 20 µs
//!  ═══╧════════════════════╧══════════════════════════════╧═══
//! ```

#[cfg(test)]
mod tests;

use stack::Instant;
use stack::link::csma::{Duplex, PREAMBLE, Sent, Signal, Transmitter};
use std::time::Duration;

/// Things that may happen at one instant; more is a medium that never comes to rest.
const MAX_STEPS_AT_ONCE: usize = 1000;
/// The longest frame with its check sequence, in bits: what is older than that on the cable is of no concern any more.
const LONGEST: u32 = 8 * 1518 + PREAMBLE;
/// A bit at 10 Mb/s.
pub const BIT: Duration = Duration::from_nanos(100);

/// A frame as a station heard it, or what a collision left of it: to tell them apart is the receiver's affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The station.
    pub station: usize,
    /// When its last bit arrived.
    pub at: Instant,
    /// Its bytes with the check sequence.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
struct Station {
    /// How long a signal takes from the cable's beginning.
    place: Duration,
    transmitter: Transmitter,
    carrier: bool,
}

/// Something that is, or was not long ago, on the cable.
#[derive(Debug)]
struct Transmission {
    from: usize,
    begun: Instant,
    ended: Option<Instant>,
    jammed: bool,
    frame: Vec<u8>,
}

/// A cable at 10 Mb/s with its stations.
#[derive(Debug)]
pub struct Cable {
    duplex: Duplex,
    stations: Vec<Station>,
    transmissions: Vec<Transmission>,
    heard: Vec<Heard>,
    now: Instant,
}

impl Cable {
    /// A cable with a station at each of `places`, given as the time that a signal takes from the cable's beginning. No two
    /// are equal. On full duplex there are two, each with a pair of wires to the other.
    ///
    /// # Errors
    /// Says which places cannot be.
    pub fn new(duplex: Duplex, places: &[Duration], seed: u64) -> Result<Cable, String> {
        if duplex == Duplex::Full && places.len() != 2 {
            return Err(format!("full duplex joins two stations and not {}", places.len()));
        }
        if let Some(twice) = places.iter().enumerate().find(|(i, place)| places[..*i].contains(place)) {
            return Err(format!("two stations are at {:?}", twice.1));
        }
        let station = |(number, place): (u64, &Duration)| Station {
            place: *place,
            transmitter: Transmitter::new(duplex, BIT, seed.wrapping_add(number)),
            carrier: false,
        };
        let stations = (0..).zip(places).map(station).collect();
        let (transmissions, heard) = (Vec::new(), Vec::new());
        Ok(Cable { duplex, stations, transmissions, heard, now: Instant::ZERO })
    }

    /// Has a station send a frame, with its check sequence behind it. Stations that there are not send nothing.
    pub fn send(&mut self, station: usize, frame: Vec<u8>) {
        if let Some(station) = self.stations.get_mut(station) {
            station.transmitter.offer(frame);
        }
    }

    /// What became of a station's frames; zeros where there is no such station.
    pub fn sent(&self, station: usize) -> Sent {
        self.stations.get(station).map_or(Sent::default(), |station| station.transmitter.sent())
    }

    /// What the stations have heard since this was last asked, in the order in which they did.
    pub fn heard(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    /// When something happens next, if nobody sends anything before.
    pub fn next_deadline(&self) -> Option<Instant> {
        let transmitters = self.stations.iter().filter_map(|s| s.transmitter.next_deadline());
        let edges = self.edges().filter(|at| *at > self.now);
        transmitters.map(|at| at.max(self.now)).chain(edges).min()
    }

    /// Lets everything happen until `until`.
    ///
    /// # Errors
    /// Where the stations never come to rest at one instant.
    pub fn run_until(&mut self, until: Instant) -> Result<(), String> {
        let mut steps = 0;
        while let Some(at) = self.next_deadline().filter(|at| *at <= until) {
            steps = if at == self.now { steps + 1 } else { 0 };
            if steps > MAX_STEPS_AT_ONCE {
                return Err(format!("the stations never come to rest at {at}"));
            }
            self.now = at;
            self.arrive();
            self.listen();
            (0..self.stations.len()).for_each(|station| self.act(station));
        }
        self.now = self.now.max(until);
        Ok(())
    }

    /// When the beginning or the end of something reaches a station.
    fn edges(&self) -> impl Iterator<Item = Instant> {
        let pairs = self.transmissions.iter().flat_map(|t| (0..self.stations.len()).map(move |s| (t, s)));
        pairs.filter(|(t, station)| t.from != *station).flat_map(|(t, station)| {
            let way = self.way(t.from, station);
            [Some(t.begun + way), t.ended.map(|ended| ended + way)].into_iter().flatten()
        })
    }

    fn way(&self, from: usize, to: usize) -> Duration {
        self.stations[from].place.abs_diff(self.stations[to].place)
    }

    /// Frames whose last bit arrives now are heard.
    fn arrive(&mut self) {
        for station in 0..self.stations.len() {
            for t in self.transmissions.iter().filter(|t| t.from != station) {
                let way = self.way(t.from, station);
                if t.ended.is_some_and(|ended| ended + way == self.now) {
                    let bytes = self.as_heard(t, station);
                    self.heard.push(Heard { station, at: self.now, bytes });
                }
            }
        }
        let gone = self.stations.iter().map(|s| s.place).max().unwrap_or_default() + BIT * (2 * LONGEST);
        let now = self.now;
        self.transmissions.retain(|t| t.ended.is_none_or(|ended| ended + gone >= now));
    }

    /// The bytes of a transmission at a station: where it was jammed or met another one there, those that came, the last of
    /// them inverted.
    fn as_heard(&self, t: &Transmission, station: usize) -> Vec<u8> {
        let others = self.transmissions.iter().filter(|other| other.from != t.from);
        let met = others.filter(|_| self.duplex == Duplex::Half).any(|other| self.meet(t, other, station));
        let mut bytes = t.frame.clone();
        if t.jammed || met {
            let bits = t.ended.map_or(0, |ended| ended.saturating_since(t.begun).as_nanos() / BIT.as_nanos());
            let count = usize::try_from(bits.saturating_sub(PREAMBLE.into()) / 8).unwrap_or(0);
            bytes.truncate(count);
            bytes.iter_mut().rev().take(4).for_each(|byte| *byte = !*byte);
        }
        bytes
    }

    /// Whether two transmissions are at a station at the same time.
    fn meet(&self, a: &Transmission, b: &Transmission, station: usize) -> bool {
        let span = |t: &Transmission| {
            let way = self.way(t.from, station);
            (t.begun + way, t.ended.map(|ended| ended + way))
        };
        let ((a_begun, a_ended), (b_begun, b_ended)) = (span(a), span(b));
        a_ended.is_none_or(|end| b_begun < end) && b_ended.is_none_or(|end| a_begun < end)
    }

    /// Tells the stations where they begin or cease to hear somebody.
    fn listen(&mut self) {
        for station in 0..self.stations.len() {
            let hears = self.transmissions.iter().filter(|t| t.from != station).any(|t| {
                let way = self.way(t.from, station);
                t.begun + way <= self.now && t.ended.is_none_or(|ended| self.now < ended + way)
            });
            let this = &mut self.stations[station];
            if std::mem::replace(&mut this.carrier, hears) != hears {
                this.transmitter.hear(self.now, hears);
            }
        }
    }

    /// Lets a station begin and end what is due.
    fn act(&mut self, station: usize) {
        let (now, from) = (self.now, station);
        while let Some(signal) = self.stations[station].transmitter.poll(now) {
            let own = self.transmissions.iter_mut().rev().find(|t| t.from == from && t.ended.is_none());
            match (signal, own) {
                (Signal::Begin(frame), _) => {
                    let (begun, ended, jammed) = (now, None, false);
                    self.transmissions.push(Transmission { from, begun, ended, jammed, frame });
                }
                (Signal::Jam, Some(own)) => own.jammed = true,
                (Signal::End, Some(own)) => own.ended = Some(now),
                (Signal::Jam | Signal::End, None) => {}
            }
        }
    }
}
