//! libFuzzer on the target `mld`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::mld::mld(data));
