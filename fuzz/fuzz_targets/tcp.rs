//! libFuzzer on the target `tcp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::tcp::tcp(data));
