//! Scenarios: what is done to a connection, generated and not written.
//!
//! A scenario is bytes ([`Scenario::decode`]); [`drive()`] plays it on any stack and gives a [`Trace`], with an oracle looking
//! on ([`Watch`]); [`compare()`] finds the first difference between two traces. Fuzzing, property tests, the comparison of
//! stacks and replays all go this way:
//!
//! ```text
//! bytes ─decode─▶ Scenario ─drive─▶ Trace ─┐
//!                              ▲  watch     ├─compare─▶ Divergence ─▶ class, or shrink ─▶ case
//!                           oracle         Trace of another stack
//! ```

mod calls;
pub mod case;
pub mod compare;
pub mod drive;
mod encode;
mod entries;
pub mod extras;
pub mod faulty;
mod flow;
mod generate;
mod given;
pub mod normalise;
pub mod operation;
pub mod oracle;
pub mod peer;
pub mod record;
pub mod segment;
mod setup;
mod shrink;
pub mod state;
pub mod trace;

pub use compare::{Comparison, Divergence, compare};
pub use drive::{Stop, Violation, Watch, drive, play};
pub use entries::entries;
pub use flow::generate_flow;
pub use generate::{generate, generate_wild};
pub use operation::{Operation, UserCall, What};
pub use peer::Peer;
pub use record::{RECORD, Record, Scenario};
pub use segment::{Ends, Segment};
pub use setup::setup;
pub use shrink::shrink;
pub use state::{Event, State};
pub use trace::{Deed, Happening, Step, Stimulus, Trace, possible_pairs};
