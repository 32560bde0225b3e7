//! libFuzzer on the target `ethernet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ethernet::ethernet(data));
