//! The reference TCP/IP stack of wireproof: a library without I/O, clock or randomness of its own.
#![forbid(unsafe_code)]

pub mod client;
pub mod config;
pub mod host;
pub mod icmp;
pub mod ip;
pub mod link;
mod network;
pub mod rng;
pub mod socket;
pub mod tcp;
pub mod time;
mod transport;
mod udp;
mod watched;
pub mod wire;

pub use config::Config;
pub use host::Host;
pub use ip::Cidr;
pub use time::Instant;
