//! Fuzz targets: each is a plain function over bytes, so that libFuzzer, tests and replays call the same code.
//!
//! A target panics where it finds something. What a header target checks stands in [`emission`] (what was parsed emits to
//! the same bytes, or a named loss explains why not) and [`decoders`] (independent decoders say the same, or a row of
//! [`differences`] says who is right and why).

pub mod decoders;
pub mod differences;
pub mod emission;
pub mod input;
#[cfg(test)]
mod seeds;
pub mod targets;

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target under the name of its binary, in the order of their names.
pub const TARGETS: &[Target] = &[
    ("arp", targets::arp::arp),
    ("code", targets::code::code),
    ("dissect", targets::dissect::dissect),
    ("ethernet", targets::ethernet::ethernet),
    ("host", targets::host::host),
    ("icmpv4", targets::icmpv4::icmpv4),
    ("icmpv6", targets::icmpv6::icmpv6),
    ("ipv4", targets::ipv4::ipv4),
    ("ipv4_options", targets::ipv4_options::ipv4_options),
    ("ipv6", targets::ipv6::ipv6),
    ("ipv6_ext", targets::ipv6_ext::ipv6_ext),
    ("language", targets::language::language),
    ("ndp", targets::ndp::ndp),
    ("settings", targets::settings::settings),
    ("tcp", targets::tcp::tcp),
    ("tcp_options", targets::tcp_options::tcp_options),
    ("udp", targets::udp::udp),
];
