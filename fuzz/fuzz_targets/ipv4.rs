//! libFuzzer on the target `ipv4`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv4::ipv4(data));
