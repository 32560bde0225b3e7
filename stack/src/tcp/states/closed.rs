//! CLOSED: there is no connection (RFC 9293 3.10.7.1).

use crate::tcp::action::{Action, Reset};
use crate::wire::tcp::Segment;

/// A RST is discarded; anything else is reset.
pub(crate) fn segment_arrives(segment: &Segment<'_>) -> Action {
    Reset::action(segment)
}
