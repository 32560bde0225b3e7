//! libFuzzer on the target `ipv4_options`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv4_options::ipv4_options(data));
