//! Headers as they stand on the wire: one file each, with its layout, a checked parse and an emit.
//!
//! Every `parse` takes the bytes from the header's first on and never panics. What it returns emits to the same
//! bytes, or its documentation says what is lost.

pub mod arp;
mod buffer;
pub mod checksum;
pub mod dhcpv4;
pub mod dns;
mod error;
pub mod ethernet;
pub mod fcs;
pub mod icmpv4;
pub mod icmpv6;
pub mod igmp;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ipv6_ext;
pub mod llc;
pub mod mld;
pub mod ndp;
pub mod protocol;
pub mod tcp;
pub mod tcp_options;
#[cfg(test)]
mod testing;
pub mod udp;

pub use buffer::{Buffer, HEADROOM};
pub use error::{Error, Reason, Result};
pub use ethernet::MacAddress;

/// The big-endian 16-bit number at `at`; the caller has checked that it is there.
#[inline]
fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The big-endian 32-bit number at `at`; the caller has checked that it is there.
#[inline]
fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

/// `N` bytes from `at` on; the caller has checked that they are there.
#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
