//! libFuzzer on the target `ipv6_destination_options`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ipv6_ext::ipv6_destination_options(data));
