//! TCP (RFC 9293, with RFC 5681, 5961, 6191, 6298, 6528, 6582, 7323 and the receiver of RFC 2018).
//!
//! [`Connections`] is what the host sees: segments go in by [`Connections::segment_arrives`], calls of RFC 9293 3.9.1
//! go in, time goes in by [`Connections::poll`]; segments come out by [`Connections::take_output`].
//!
//! ```text
//! segment_arrives ─▶ states/ (a handler per state) ─▶ steps/ (first … eighth) ─▶ Action
//! calls, timers ───▶ control_block ──────────────────────────────────────────┐     │
//!                                                                            ▼     ▼
//!                                   send, receive, congestion, rto, ack … ─▶ output ─▶ take_output
//! ```
//!
//! Nothing is sent while a segment is being processed, except what the peer counts (duplicate ACKs): text and ACKs are
//! formed when the output is taken, so that segments that came together are acknowledged together (MUST-58).

mod acceptability;
mod ack;
mod action;
mod calls;
mod chrono;
mod config;
mod congestion;
mod connections;
mod control_block;
mod cubic;
mod ecn;
mod error;
mod fastopen;
mod flight;
mod icmp;
mod info;
mod isn;
mod keepalive;
mod listen;
mod options;
mod output;
mod persist;
mod prr;
mod rack;
mod rate_limit;
mod receive;
mod retransmit;
mod ring;
mod rto;
mod scoreboard;
mod send;
mod sequence;
mod sink;
mod slab;
mod state;
mod states;
mod steps;
mod syn_cookies;
mod timers;
mod tlp;
mod tuples;
mod urgent;
mod user_timeout;
mod window;

#[cfg(test)]
mod tests;

pub use calls::SendKind;
pub use config::{
    Config, CongestionAlgorithm, EcnMode, FastOpenConfig, InitialWindow, KeepaliveTimes, LossRecovery,
    PrrBound, Push, RateLimit, Reduction, SocketOptions, SynCookies, WindowUpdate,
};
pub use connections::Connections;
pub use error::Error;
pub use icmp::{IcmpError, IcmpKind};
pub(crate) use info::Queues;
pub use info::{CongestionState, Info, Readiness};
pub use sequence::SeqNumber;
pub use sink::Outgoing;
pub use state::State;

/// Names a connection as long as its owner has not closed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    index: u32,
    generation: u32,
}

/// Names a listener until it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(u64);
