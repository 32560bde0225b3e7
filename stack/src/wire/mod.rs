//! Headers as they stand on the wire: one file each, with its layout, a checked parse and an emit.
//!
//! Every `parse` takes the bytes from the header's first on and never panics. What it returns emits to the same
//! bytes, or its documentation says what is lost.

mod buffer;
pub mod checksum;
mod error;
pub mod tcp;
pub mod tcp_options;

pub use buffer::{Buffer, HEADROOM};
pub use error::{Error, Reason, Result};
