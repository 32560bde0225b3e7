//! Below IP: interfaces, Ethernet framing, the way onto a shared medium, and the caches that map IP addresses to hardware
//! addresses.

pub(crate) mod advertising;
mod anycast;
pub(crate) mod arp;
mod arp_packets;
pub(crate) mod autoconf;
pub(crate) mod claims;
pub(crate) mod conflicts;
pub mod csma;
mod discovery;
pub(crate) mod ethernet;
pub(crate) mod groups;
pub(crate) mod interface;
pub(crate) mod lifetimes;
pub(crate) mod neighbours;
pub(crate) mod routers;

pub use ethernet::LinkCounters;

use crate::wire::{Buffer, MacAddress};
use std::collections::VecDeque;

/// To whom a frame was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    /// To this host alone.
    Unicast,
    /// To a group.
    Multicast,
    /// To every station.
    Broadcast,
}

/// What becomes of a datagram whose next hop's hardware address is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The address is known: the datagram leaves. `confirm` says that the neighbour is to be asked, by unicast,
    /// whether it is still there.
    Known { mac: MacAddress, datagram: Buffer, confirm: bool },
    /// The datagram waits, and the address is to be asked for now.
    Ask,
    /// The datagram waits for an answer to an earlier question.
    Waiting,
}

/// Datagrams that wait for the neighbours of a cache, all together: as many of the largest are 384 KB. Beyond them each neighbour
/// keeps its newest alone, which it has to keep (RFC 1122 2.3.2.2, RFC 4861 7.2.2).
const WAITING: usize = 256;

/// How many datagrams may wait for one neighbour of so many, where `queue` is the most; `waiting` counts those of all.
fn room_to_wait(queue: usize, neighbours: usize, waiting: impl FnOnce() -> usize) -> usize {
    let is_crowded = neighbours.saturating_mul(queue) > WAITING && waiting() >= WAITING;
    if is_crowded { 1 } else { queue.max(1) }
}

/// Lets a datagram wait; the newest stay.
fn wait(queue: &mut VecDeque<Buffer>, most: usize, datagram: Buffer) -> Resolution {
    while queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(datagram);
    Resolution::Waiting
}

/// What a cache's timers ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due<A> {
    /// Ask for the address; by unicast where the neighbour's last known hardware address is given.
    Ask { address: A, mac: Option<MacAddress> },
    /// Nobody answered at this address: these datagrams cannot be delivered.
    Unreachable { address: A, waiting: Vec<Buffer> },
}
