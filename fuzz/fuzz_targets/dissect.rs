//! libFuzzer on the target `dissect`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::dissect::dissect(data));
