//! One file per target, or per family of targets.

pub mod arp;
pub mod code;
pub mod dhcpv4;
pub mod dissect;
pub mod dns;
pub mod ethernet;
pub mod fragments;
pub mod host;
pub mod icmp_quote;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ipv6_ext;
pub mod language;
pub mod ndp;
pub mod readers;
pub mod settings;
pub mod snap;
pub mod tcp;
pub mod tcp_machine;
pub mod tcp_options;
pub mod udp;
pub mod values;
pub mod vlan;
