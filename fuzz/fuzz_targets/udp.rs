//! libFuzzer on the target `udp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::udp::udp(data));
