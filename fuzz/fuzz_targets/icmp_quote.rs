//! libFuzzer on the target `icmp_quote`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::icmp_quote::icmp_quote(data));
