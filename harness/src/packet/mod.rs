//! Frames: built from what a script says, taken apart, compared with what a script expects, described to people.
//!
//! The headers are data here: one table of fields per header ([`fields`]), from which building, dissecting, matching,
//! altering and describing all work. It is deliberately not the codec of the `stack` crate, so that a mistake in
//! either shows as a difference between the two.

mod world;

pub use world::{Host, World};

use crate::lang::{self, ast};
use crate::sut::{Call, Medium, Rules};
use std::collections::BTreeMap;

/// Values that a script has captured, by name without `$`.
pub type Variables = BTreeMap<String, i64>;

/// The bases of relative sequence numbers, and which connection a packet without ports belongs to.
#[derive(Clone, Debug, Default)]
pub struct Flows {}

impl Flows {
    /// Tells what calls have been made, since `socket`, `bind`, `listen` and `connect` decide which connection a
    /// packet without ports belongs to.
    pub fn called(&mut self, _call: &Call) {}

    /// `new connection`: the next SYN of each direction sets new bases.
    pub fn new_connection(&mut self) {}
}

/// What building and matching need to know of the run.
pub struct Context<'a> {
    /// Whose rules: payload patterns, exactness, and which connection is meant follow from it.
    pub rules: Rules,
    /// Names.
    pub world: &'a World,
    /// Captured values.
    pub variables: &'a mut Variables,
    /// Sequence number bases and connections.
    pub flows: &'a mut Flows,
}

/// A frame in which one field is not as the script expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The field, with its layer: `tcp.ack`.
    pub field: String,
    /// What the script expects, in the script's terms.
    pub expected: String,
    /// What the frame has, in the same terms.
    pub found: String,
}

/// Builds the frame that an inbound packet describes.
///
/// # Errors
/// Where the script says what cannot be built: an unknown name, a value too large for its field, an unset variable.
pub fn build(_cx: &mut Context<'_>, _packet: &ast::Packet) -> Result<Vec<u8>, lang::Error> {
    unimplemented!()
}

/// Compares a frame with what the script expects. Captures and sequence bases are taken over only where it matches.
///
/// # Errors
/// The outer error is the script's; the inner one the first field that differs, from the outside in.
pub fn matches(
    _cx: &mut Context<'_>,
    _packet: &ast::Packet,
    _medium: Medium,
    _frame: &[u8],
) -> Result<Result<(), Mismatch>, lang::Error> {
    unimplemented!()
}

/// Joins `next` to `frame` where it continues it: same connection, contiguous sequence numbers, the same flags but
/// for PSH and FIN on the last. It is how a script that was written for a stack with segmentation offload is played on one
/// without.
pub fn merge(_medium: Medium, _frame: &mut Vec<u8>, _next: &[u8]) -> bool {
    unimplemented!()
}

/// Changes one field of a frame in place; checksums and lengths follow unless they are the field.
///
/// # Errors
/// Where the frame has no such field.
pub fn alter(_cx: &mut Context<'_>, _medium: Medium, _frame: &mut Vec<u8>, _change: &ast::Alteration) -> Result<(), String> {
    unimplemented!()
}

/// One readable line, as packetdrill or tcpdump would write it, with relative sequence numbers where a base is known.
pub fn describe(_world: &World, _flows: &Flows, _medium: Medium, _frame: &[u8]) -> String {
    unimplemented!()
}
