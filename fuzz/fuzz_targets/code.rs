//! libFuzzer on the target `code`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::code::code(data));
