//! libFuzzer on the target `settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::settings::settings(data));
