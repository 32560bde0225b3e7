//! libFuzzer on the target `host`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::host::host(data));
