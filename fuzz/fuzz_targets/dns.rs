//! libFuzzer on the target `dns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::dns::dns(data));
