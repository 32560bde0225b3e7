//! libFuzzer on the target `catalogue`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::readers::catalogue(data));
