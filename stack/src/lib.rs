//! The reference TCP/IP stack of wireproof: a library without I/O, clock or randomness of its own.
#![forbid(unsafe_code)]

pub mod rng;
pub mod tcp;
pub mod time;
pub mod wire;

pub use time::Instant;
