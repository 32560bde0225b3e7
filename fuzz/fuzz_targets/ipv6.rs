//! libFuzzer on the target `ipv6`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv6::ipv6(data));
