//! One file per target.

pub mod arp;
pub mod code;
pub mod dissect;
pub mod ethernet;
pub mod host;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ipv6_ext;
pub mod language;
pub mod ndp;
pub mod settings;
pub mod tcp;
pub mod tcp_options;
pub mod udp;
