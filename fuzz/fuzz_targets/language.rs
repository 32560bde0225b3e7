//! libFuzzer on the target `language`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::language::language(data));
