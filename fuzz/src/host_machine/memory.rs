//! What a host was given, so that what it sends can be held against it.

use super::seen::Seen;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A datagram that was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) seen: Seen,
    /// The interface on which it came.
    pub(super) interface: usize,
    /// Its frame was for a group of hosts.
    pub(super) is_for_group: bool,
}

/// Everything that was given in a scenario.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Datagrams by their identification.
    given: BTreeMap<u16, Vec<Given>>,
    /// How much data the datagram of each identification had before it was cut.
    lengths: BTreeMap<u16, usize>,
    /// How often the host passed something on: identification, offset, source and destination.
    forwarded: BTreeMap<(u16, u16, [IpAddr; 2]), usize>,
    /// Frames, all together.
    pub(super) frames: usize,
    /// Bits were turned round: what data should be is not known.
    pub(super) is_altered: bool,
}

impl Memory {
    /// A datagram is on its way, with so much data.
    pub(super) fn sends(&mut self, ident: u16, length: usize) {
        self.lengths.insert(ident, length);
    }

    /// How much data the datagram has.
    pub(super) fn length(&self, ident: u16) -> Option<usize> {
        self.lengths.get(&ident).copied()
    }

    /// Takes note of a datagram.
    pub(super) fn take(&mut self, given: Given) {
        self.given.entry(given.seen.ident).or_default().push(given);
    }

    /// What was given with this identification.
    pub(super) fn of(&self, ident: u16) -> &[Given] {
        self.given.get(&ident).map_or(&[], Vec::as_slice)
    }

    /// Counts something that is passed on, and gives how often that was.
    pub(super) fn forwarded(&mut self, seen: &Seen) -> usize {
        let count =
            self.forwarded.entry((seen.ident, seen.offset, [seen.source, seen.destination])).or_default();
        *count += 1;
        *count
    }
}
