//! A recorded run, read back from the text of a snapshot ([`crate::report::snapshot()`]).

use crate::abi;
use crate::report::snapshot::output;
use crate::sut::{Errno, InterfaceId, Outcome};
use stack::Instant;
use std::ops::Range;

/// What happened in a run, line by line, in the order in which it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    pub(super) entries: Vec<Entry>,
    /// Some of its times have no more than milliseconds.
    is_rounded: bool,
}

/// What the times of a recording are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// To the microsecond.
    Exact,
    /// To the millisecond, of a Linux kernel in virtual time.
    Rounded,
    /// There are none: the clock was real.
    Untimed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// When, since the run's start; `None` where the clock was real.
    pub(super) at: Option<Instant>,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The stack was given a frame; how it was described.
    Inbound(String),
    /// The stack was called; how it was written.
    Call(String),
    /// The call of this entry returned.
    Completed { call: usize, outcome: Outcome },
    /// The stack sent what the text describes.
    Outbound { interface: InterfaceId, text: String },
}

impl What {
    /// Whether it is something that the stack was given.
    pub(super) fn is_stimulus(&self) -> bool {
        matches!(self, What::Inbound(_) | What::Call(_))
    }
}

impl Recording {
    /// Reads the lines of one run.
    ///
    /// # Errors
    /// Quotes the line that cannot be read.
    pub fn parse(text: &str) -> Result<Recording, String> {
        let mut recording = Recording::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            recording.line(line).map_err(|error| format!("`{line}`: {error}"))?;
        }
        Ok(recording)
    }

    /// Whether its lines have times, and which.
    pub fn times(&self) -> Recorded {
        match self.entries.iter().all(|entry| entry.at.is_some()) {
            true if self.is_rounded => Recorded::Rounded,
            true => Recorded::Exact,
            false => Recorded::Untimed,
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (at, is_rounded, line) = time(line);
        self.is_rounded |= is_rounded;
        let (interface, line) = interface(line)?;
        let mut push = |what| self.entries.push(Entry { at, what });
        if let Some(text) = line.strip_prefix("< ") {
            push(What::Inbound(text.to_owned()));
        } else if let Some(text) = line.strip_prefix("> ") {
            push(What::Outbound { interface, text: text.to_owned() });
        } else if let Some((call, outcome)) = completed(line)? {
            let known = self.outstanding(&call);
            let index = known.unwrap_or(self.entries.len());
            if known.is_none() {
                self.entries.push(Entry { at, what: What::Call(call) });
            }
            self.entries.push(Entry { at, what: What::Completed { call: index, outcome } });
        } else if let Some(call) = line.strip_suffix(" ...") {
            push(What::Call(call.to_owned()));
        } else {
            return Err("this is neither a frame nor a call".to_owned());
        }
        Ok(())
    }

    /// The entry of the first call written so that has not returned yet.
    fn outstanding(&self, text: &str) -> Option<usize> {
        let returned = |index: usize| {
            self.entries.iter().any(|e| matches!(e.what, What::Completed { call, .. } if call == index))
        };
        let is_call = |entry: &Entry| matches!(&entry.what, What::Call(call) if call == text);
        (0..self.entries.len()).find(|index| is_call(&self.entries[*index]) && !returned(*index))
    }

    /// What the stack did from entry `from` on before it was given the next thing.
    pub(super) fn until_stimulus(&self, from: usize) -> Range<usize> {
        let rest = self.entries.iter().skip(from);
        from..from + rest.take_while(|entry| !entry.what.is_stimulus()).count()
    }
}

/// The time in front of a line, where there is one, whether it has milliseconds alone, and the rest.
fn time(line: &str) -> (Option<Instant>, bool, &str) {
    let parsed = line.split_once(' ').and_then(|(time, rest)| {
        let (seconds, digits) = time.split_once('.')?;
        let unit = match digits.len() {
            3 => 1000,
            6 => 1,
            _ => return None,
        };
        let (seconds, fraction): (u64, u64) = (seconds.parse().ok()?, digits.parse().ok()?);
        let micros = seconds.checked_mul(1_000_000)?.checked_add(fraction.checked_mul(unit)?)?;
        Some((Instant::from_nanos(micros.checked_mul(1_000)?), unit != 1, rest))
    });
    parsed.map_or((None, false, line), |(at, is_rounded, rest)| (Some(at), is_rounded, rest))
}

/// `#1 ` in front of a frame, where the run had several interfaces, and the rest.
fn interface(line: &str) -> Result<(InterfaceId, &str), String> {
    let Some(rest) = line.strip_prefix('#') else { return Ok((InterfaceId(0), line)) };
    let (number, rest) = rest.split_once(' ').ok_or("an interface without a frame")?;
    let number = number.parse().map_err(|_| format!("#{number} is no interface"))?;
    Ok((InterfaceId(number), rest))
}

/// A call that returned, and what: `read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)`.
fn completed(line: &str) -> Result<Option<(String, Outcome)>, String> {
    let Some((call, rest)) = line.rsplit_once(") = ") else { return Ok(None) };
    let (result, told) = rest.split_once(" : ").map_or((rest, None), |(result, told)| (result, Some(told)));
    let mut words = result.split(' ');
    let number = words.next().unwrap_or_default();
    let result = match (number, words.next()) {
        ("fd", None) => Ok(NEW_DESCRIPTOR),
        ("-1", Some("errno")) => Err(words.next().and_then(|n| n.parse().ok()).ok_or("no errno")?),
        ("-1", Some(name)) => Err(abi::errno(name).ok_or_else(|| format!("{name} is no error"))?),
        (number, _) => Ok(number.parse().map_err(|_| format!("{number} is no result"))?),
    };
    let mut outcome = Outcome { result: result.map_err(Errno), ..Outcome::value(0) };
    if let Some(told) = told {
        outcome.output = output::read(told)?;
    }
    Ok(Some((format!("{call})"), outcome)))
}

/// A descriptor whose number was not recorded; real ones are not negative.
pub(super) const NEW_DESCRIPTOR: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sut::Output;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let text = "0.000000 socket(..., SOCK_STREAM, IPPROTO_TCP) = fd\n\
            0.000000 read(3, ..., 10) ...\n\
            0.100000 #1 < . 1:1(0) ack 1 win 1\n\
            0.200000 #1 > arp who-has 192.0.2.2 tell 192.0.2.1\n\
            1.000250 read(3, ..., 10) = 2 : pattern 0 (2)\n\
            1.000250 close(3) = -1 EIO (Input/output error)\n";
        let recording = Recording::parse(text).expect("a recording");
        assert_eq!(recording.times(), Recorded::Exact);
        let rounded: String =
            text.replace(".000000", ".000").replace("100000", "100").replace("200000", "200");
        let rounded = Recording::parse(&rounded.replace("1.000250", "1.000")).expect("a recording");
        assert_eq!(rounded.times(), Recorded::Rounded);
        assert_eq!(rounded.entries[4].at, Some(Instant::from_micros(200_000)));
        let untimed = Recording::parse("close(3) = 0\n0.100 close(4) = 0\n").expect("a recording");
        assert_eq!(untimed.times(), Recorded::Untimed);
        let at: Vec<u64> = recording.entries.iter().filter_map(|e| Some(e.at?.as_micros())).collect();
        assert_eq!(at, [0, 0, 0, 100_000, 200_000, 1_000_250, 1_000_250, 1_000_250]);
        let read = Outcome { result: Ok(2), output: Output::Data(vec![0, 1]) };
        assert_eq!(recording.entries[5].what, What::Completed { call: 2, outcome: read });
        assert_eq!(
            recording.entries[7].what,
            What::Completed { call: 6, outcome: Outcome::error(libc::EIO) }
        );
        assert_eq!(recording.until_stimulus(4), 4..6);
        let sent = "arp who-has 192.0.2.2 tell 192.0.2.1".to_owned();
        assert_eq!(recording.entries[4].what, What::Outbound { interface: InterfaceId(1), text: sent });
        for wrong in ["what", "#x > .", "close(3) = -1 EGAL", "close(3) = x", "close(3) = 0 : ?"] {
            assert!(Recording::parse(wrong).is_err(), "{wrong}");
        }
    }
}
