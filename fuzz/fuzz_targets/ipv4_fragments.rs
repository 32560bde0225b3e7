//! libFuzzer on the target `ipv4_fragments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::fragments::ipv4_fragments(data));
