//! libFuzzer on the target `snap`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::snap::snap(data));
