//! libFuzzer on the target `ipv6_routing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv6_ext::ipv6_routing(data));
