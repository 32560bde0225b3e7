//! libFuzzer on the target `buffer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::buffer::buffer(data));
