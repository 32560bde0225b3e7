#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv6_ext::ipv6_ext(data));
