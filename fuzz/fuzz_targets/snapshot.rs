//! libFuzzer on the target `snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::readers::snapshot(data));
