//! Frames: built from what a script says, taken apart, compared with what a script expects, described to people.
//!
//! The headers are data here: one table of fields per header ([`fields`]), from which building, dissecting, matching,
//! altering and describing all work. It is deliberately not the codec of the `stack` crate, so that a mistake in
//! either shows as a difference between the two.

mod alter;
mod build;
mod build_tcp;
pub(crate) mod checksum;
mod complete;
mod describe;
mod describe_options;
mod dhcp;
mod dissect;
mod dns;
pub mod fcs;
pub mod fields;
mod flows;
mod header_options;
mod headers;
mod matching;
mod matching_tcp;
mod merge;
#[cfg(test)]
mod message_tests;
mod messages;
mod names;
pub mod neighbours;
mod number;
mod options;
pub mod pattern;
pub mod rules;
#[cfg(test)]
mod suite_tests;
mod summary;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod under_test;
mod value;
mod world;

pub use dissect::{Dissection, Part, dissect};
pub use flows::{Direction, Flows, Timestamps};
pub use neighbours::{FrameClass, classify};
pub use summary::{TcpSummary, tcp_summary};
pub use world::{Host, World};

/// The names of all headers and of their fields.
#[cfg(test)]
pub(crate) fn field_names() -> impl Iterator<Item = &'static str> {
    let of =
        |header: &&'static fields::Header| header.rows.iter().map(|row| row.name).chain([header.keyword]);
    headers::ALL.iter().flat_map(of)
}

use crate::lang::{self, ast};
use crate::sut::{Medium, Rules};
use std::collections::BTreeMap;

/// Values that a script has captured, by name without `$`.
pub type Variables = BTreeMap<String, i64>;

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
pub fn build(cx: &mut Context<'_>, packet: &ast::Packet) -> Result<Vec<u8>, lang::Error> {
    build::build(cx, packet, Direction::Inbound)
}

/// Builds the frame that the stack would send if it did what the packet says: what a twin injects.
///
/// # Errors
/// As [`build()`].
pub fn build_outbound(cx: &mut Context<'_>, packet: &ast::Packet) -> Result<Vec<u8>, lang::Error> {
    build::build(cx, packet, Direction::Outbound)
}

/// Compares a frame with what the script expects. Captures and sequence bases are taken over only where it matches.
///
/// # Errors
/// The outer error is the script's; the inner one the first field that differs, from the outside in.
pub fn matches(
    cx: &mut Context<'_>,
    packet: &ast::Packet,
    medium: Medium,
    frame: &[u8],
) -> Result<Result<(), Mismatch>, lang::Error> {
    matching::matches(cx, packet, medium, frame)
}

/// Joins `next` to `frame` where it continues it: same connection, contiguous sequence numbers, the same flags but
/// for PSH and FIN, which are the last segment's. It is how a script that was written for a stack with segmentation offload is
/// played on one without. `frame` is as it was where the answer is false.
pub fn merge(medium: Medium, frame: &mut Vec<u8>, next: &[u8]) -> bool {
    merge::merge(medium, frame, next)
}

/// How many bytes of payload a packet of a script has; `None` where that depends on the run.
pub fn payload_length(packet: &ast::Packet) -> Option<usize> {
    merge::payload_length(packet)
}

/// Changes one field of a frame in place, or all options of a header (`options`). Lengths and checksums that were right
/// before are right afterwards, unless they are the field.
///
/// # Errors
/// Where the frame has no such field, or the value does not fit.
pub fn alter(
    cx: &mut Context<'_>,
    medium: Medium,
    frame: &mut Vec<u8>,
    change: &ast::Alteration,
) -> Result<(), String> {
    alter::alter(cx, medium, frame, change)
}

/// One readable line, as packetdrill or tcpdump would write it, with relative sequence numbers where a base is known.
pub fn describe(world: &World, flows: &Flows, medium: Medium, frame: &[u8]) -> String {
    describe::describe(world, flows, medium, frame)
}
