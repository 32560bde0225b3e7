//! Fuzz targets: each is a plain function over bytes, so that libFuzzer, tests and replays call the same code.
//!
//! A target panics where it finds something. What a header target checks stands in [`emission`] (what was parsed emits to
//! the same bytes, or a named loss explains why not) and [`decoders`] (independent decoders say the same, or a row of
//! [`differences`] says who is right and why).

pub mod canaries;
pub mod decoders;
pub mod differences;
pub mod emission;
pub mod host_machine;
pub mod input;
pub mod machine;
pub mod rates;
pub mod repair;
pub mod seeding;
#[cfg(test)]
mod seeds;
pub mod targets;

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target under the name of its binary, in the order of their names.
pub const TARGETS: &[Target] = &[
    ("arp", targets::arp::arp),
    ("buffer", targets::buffer::buffer),
    ("catalogue", targets::readers::catalogue),
    ("code", targets::code::code),
    ("dhcpv4", targets::dhcpv4::dhcpv4),
    ("differential", targets::differential::differential),
    ("dissect", targets::dissect::dissect),
    ("dns", targets::dns::dns),
    ("ethernet", targets::ethernet::ethernet),
    ("host", targets::host::host),
    ("host_machine", targets::host_machine::host_machine),
    ("host_machine_smoltcp", targets::host_machine::host_machine_smoltcp),
    ("host_pair", targets::host_machine::host_pair),
    ("icmp_quote", targets::icmp_quote::icmp_quote),
    ("icmpv4", targets::icmpv4::icmpv4),
    ("icmpv6", targets::icmpv6::icmpv6),
    ("igmp", targets::igmp::igmp),
    ("ipv4", targets::ipv4::ipv4),
    ("ipv4_fragments", targets::fragments::ipv4_fragments),
    ("ipv4_options", targets::ipv4_options::ipv4_options),
    ("ipv6", targets::ipv6::ipv6),
    ("ipv6_destination_options", targets::ipv6_ext::ipv6_destination_options),
    ("ipv6_fragment", targets::ipv6_ext::ipv6_fragment),
    ("ipv6_fragments", targets::fragments::ipv6_fragments),
    ("ipv6_hop_by_hop", targets::ipv6_ext::ipv6_hop_by_hop),
    ("ipv6_routing", targets::ipv6_ext::ipv6_routing),
    ("language", targets::language::language),
    ("ledger", targets::readers::ledger),
    ("mld", targets::mld::mld),
    ("ndp", targets::ndp::ndp),
    ("results", targets::readers::results),
    ("settings", targets::settings::settings),
    ("snap", targets::snap::snap),
    ("snapshot", targets::readers::snapshot),
    ("tcp", targets::tcp::tcp),
    ("tcp_machine", targets::tcp_machine::tcp_machine),
    ("tcp_machine_linux", targets::tcp_machine::tcp_machine_linux),
    ("tcp_machine_smoltcp", targets::tcp_machine::tcp_machine_smoltcp),
    ("tcp_options", targets::tcp_options::tcp_options),
    ("tcp_pair", targets::tcp_pair::tcp_pair),
    ("tcp_pair_smoltcp", targets::tcp_pair::tcp_pair_smoltcp),
    ("udp", targets::udp::udp),
    ("values", targets::values::values),
    ("vlan", targets::vlan::vlan),
];
