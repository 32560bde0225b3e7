//! libFuzzer on the target `ipv6_hop_by_hop`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv6_ext::ipv6_hop_by_hop(data));
