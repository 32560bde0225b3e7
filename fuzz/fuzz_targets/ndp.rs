//! libFuzzer on the target `ndp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ndp::ndp(data));
