#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv6::ipv6(data));
