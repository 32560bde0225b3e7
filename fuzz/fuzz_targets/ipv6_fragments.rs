//! libFuzzer on the target `ipv6_fragments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::fragments::ipv6_fragments(data));
